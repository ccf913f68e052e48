"""typed-lighter, strict as it comes, against the real venue process; its answers are held against the venue's REST."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from typed_core.exceptions import ApiError, BadRequest
from typed_lighter import Lighter

from tests.support.strangers import book, position, public, signed_in, ticks, typed_client

ETH, BTC = 0, 1


@pytest_asyncio.fixture
async def client(venue) -> AsyncIterator[Lighter]:
    async with typed_client(venue.ready) as made:
        yield made
        await made.tx.cancel_all_orders({"mode": "immediate"})


@pytest.fixture
def me(venue) -> int:
    return venue.ready.trading.account_index


def limit(client_index: int, price: int, size: int = 1_000, **fields: object) -> dict[str, object]:
    return {
        "order_type": "limit",
        "market_index": ETH,
        "client_order_index": client_index,
        "base_amount": size,
        "is_ask": False,
        "price": price,
        "time_in_force": "good-till-time",
    } | fields


def market(client_index: int, price: int, size: int = 1_000, **fields: object) -> dict[str, object]:
    order = limit(client_index, price, size, order_type="market") | fields
    del order["time_in_force"]
    return order


def stop(kind: str, client_index: int, trigger: int, price: int, **fields: object) -> dict[str, object]:
    terms = {"order_type": kind, "trigger_price": trigger, "is_ask": True, "reduce_only": True}
    return market(client_index, price, 500, **terms) | fields


class TestApi:
    async def test_markets(self, client, venue):
        api = client.api.markets
        told = public(venue.ready, "/api/v1/orderBooks")["order_books"]
        books = (await api.order_books())["order_books"]
        assert [row["symbol"] for row in books] == [row["symbol"] for row in told]
        assert books[0]["min_quote_amount"] == Decimal(told[0]["min_quote_amount"])
        details = (await api.order_book_details(market_id=BTC))["order_book_details"]
        assert [row["market_id"] for row in details] == [BTC]
        depth = await api.order_book_orders(market_id=ETH, limit=5)
        assert (depth["total_asks"], len(depth["bids"])) == (5, 5)
        stats = await api.exchange_stats()
        assert stats["total"] == len(told) == len(stats["order_book_stats"])
        rates = (await api.funding_rates())["funding_rates"]
        assert {row["market_id"] for row in rates} == {row["market_id"] for row in told}
        assert [row["symbol"] for row in (await api.asset_details())["asset_details"]] == ["USDC"]

    async def test_trades_become_candles(self, client, venue, me):
        _, ask = book(venue.ready)
        await client.tx.create_order(market(11, ask * 11 // 10))
        now = datetime.now(UTC)
        span = {"start_timestamp": now - timedelta(hours=1), "end_timestamp": now + timedelta(minutes=2)}
        candles = await client.api.markets.candles(
            market_id=ETH, resolution="1d", count_back=0, **span | {"start_timestamp": now - timedelta(days=1)}
        )
        [day] = candles["c"]
        prints = (await client.api.markets.recent_trades(market_id=ETH, limit=100))["trades"]
        inside = [trade for trade in prints if trade["trade_id"] <= day["i"]]
        assert inside
        assert all(Decimal(str(day["l"])) <= trade["price"] <= Decimal(str(day["h"])) for trade in inside)
        with pytest.raises(BadRequest, match="22400"):
            await client.api.markets.candles(
                market_id=ETH,
                resolution="1m",
                start_timestamp=now - timedelta(days=9),
                end_timestamp=now - timedelta(days=8),
                count_back=0,
            )
        fundings = await client.api.markets.fundings(market_id=ETH, resolution="1h", count_back=0, **span)
        assert fundings["resolution"] == "1h"

    async def test_system(self, client, venue):
        system = client.api.system
        assert (await system.status())["status"] == 200
        assert (await system.info())["contract_address"].startswith("0x")
        assert (await system.announcements())["announcements"] == []
        config = await system.system_config()
        details = public(venue.ready, "/api/v1/orderBookDetails")["order_book_details"][0]
        assert config["liquidity_pool_index"] == details["market_config"]["insurance_fund_account_index"]
        assert (await client.api.chain.current_height())["height"] > 0

    async def test_account(self, client, venue, me):
        account = client.api.account
        [mine] = (await account.get({"by": "index", "value": me}))["accounts"]
        [same] = (await account.get({"by": "l1_address", "value": mine["l1_address"]}))["accounts"]
        [summary] = (await account.by_l1_address(l1_address=mine["l1_address"]))["sub_accounts"]
        assert mine["index"] == same["index"] == summary["index"] == me
        assert mine["collateral"] == summary["collateral"]
        limits = await account.limits(me)
        assert (limits["current_maker_fee_tick"], limits["current_taker_fee_tick"]) == (40, 280)
        keys = (await account.keys.list(account_index=me))["api_keys"]
        assert keys[0]["public_key"] == venue.ready.trading.public_key
        nonce = await account.keys.next_nonce(account_index=me, api_key_index=5)
        assert nonce["nonce"] == keys[0]["nonce"]
        assert (await account.position_funding(account_index=me, limit=10))["position_fundings"] == []

    async def test_read_only_tokens(self, client, venue, me):
        tokens = client.api.account.tokens
        expiry = datetime.now(UTC) + timedelta(days=2)
        made = await tokens.create(name="desk", account_index=me, expiry=expiry, sub_account_access=False)
        assert made["api_token"].startswith(f"ro:{me}:single:{int(expiry.timestamp())}:")
        listed = {row["token_id"]: row for row in (await tokens.list(me))["api_tokens"]}
        assert (listed[made["token_id"]]["name"], "api_token" in listed[made["token_id"]]) == ("desk", False)
        reader = Lighter.new(
            network="testnet", auth_token=made["api_token"], api_url=venue.ready.url, ws_url=venue.ready.ws_url
        )
        async with reader:
            assert (await reader.api.account.limits(me))["code"] == 200
            async with asyncio.timeout(5), reader.streams.account_all_orders(me) as frames:
                assert (await anext(aiter(frames)))["type"] == "subscribed/account_all_orders"
            assert (await tokens.revoke(token_id=made["token_id"], account_index=me))["revoked"]
            with pytest.raises(ApiError, match="20013"):
                await reader.api.account.limits(me)
        soon = datetime.now(UTC) + timedelta(minutes=1)
        with pytest.raises(ApiError, match="61001"):
            await tokens.create(name="x", account_index=me, expiry=soon, sub_account_access=False)


class TestTransactions:
    @pytest.mark.parametrize("transport", ["http", "ws"])
    async def test_an_order_from_placing_to_cancel(self, client, venue, me, transport):
        bid, _ = book(venue.ready)
        sent = await client.tx.create_order(limit(21, bid * 9 // 10), transport=transport)
        [order, *_] = (await client.api.account.orders.by_client_index(client_order_indexes=[21]))["orders"]
        assert (order["status"], order["base_price"]) == ("open", bid * 9 // 10)
        executed = await client.api.chain.tx({"by": "hash", "value": sent["tx_hash"]})
        assert (executed["status"], executed["type"], executed["account_index"]) == (2, 14, me)
        await client.tx.modify_order(
            market_index=ETH, order_index=21, base_amount=1_200, price=bid * 8 // 10, transport=transport
        )
        [order] = (await client.api.account.orders.active(account_index=me, market_id=ETH))["orders"]
        assert (order["order_version"], order["base_size"], order["base_price"]) == (1, 1_200, bid * 8 // 10)
        await client.tx.cancel_order(market_index=ETH, order_index=21, transport=transport)
        assert signed_in(venue.ready, client, "accountActiveOrders", account_index=me)["orders"] == []
        [closed, *_] = (await client.api.account.orders.inactive(account_index=me, limit=5))["orders"]
        assert (closed["client_order_index"], closed["status"], closed["remaining_base_amount"]) == (21, "canceled", 0)
        txs = (await client.api.chain.account_txs(value=me, limit=100, types=[15]))["txs"]
        assert {tx["type"] for tx in txs} == {15}

    async def test_a_market_order_is_a_position_and_trades(self, client, venue, me):
        _, ask = book(venue.ready)
        before = position(venue.ready, me)
        await client.tx.create_order(market(31, ask * 11 // 10, 700))
        assert position(venue.ready, me) - before == Decimal("0.07")
        trades = (await client.api.account.orders.trades(sort_by="timestamp", limit=100, account_index=me))["trades"]
        ours = [trade for trade in trades if trade["bid_client_id"] == 31]
        assert sum(trade["size"] for trade in ours) == Decimal("0.07")
        bought = await client.api.account.orders.trades(
            sort_by="trade_id", limit=100, account_index=me, ask_filter=1, role="maker"
        )
        assert all(trade["ask_account_id"] == me and trade["is_maker_ask"] for trade in bought["trades"])

    async def test_conditional_orders_wait(self, client, venue, me):
        bid, ask = book(venue.ready)
        await client.tx.create_order(market(41, ask * 11 // 10))
        low, high = bid * 8 // 10, bid * 12 // 10
        for number, kind in enumerate(("stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit")):
            trigger = low if kind.startswith("stop") else high
            await client.tx.create_order(stop(kind, 42 + number, trigger, trigger))
        rows = signed_in(venue.ready, client, "accountActiveOrders", account_index=me)["orders"]
        waiting = {row["client_order_index"]: row for row in rows if row["status"] == "pending"}
        assert {row["type"] for row in waiting.values()} == {
            "stop-loss",
            "stop-loss-limit",
            "take-profit",
            "take-profit-limit",
        }
        assert {row["trigger_status"] for row in waiting.values()} == {"mark-price"}
        [account] = public(venue.ready, "/api/v1/account", by="index", value=me)["accounts"]
        assert (account["pending_order_count"], account["total_order_count"]) == (4, 0)
        assert account["positions"][0]["position_tied_order_count"] == 4

    async def test_a_stop_above_the_mark_goes_off_at_once(self, client, venue, me):
        bid, ask = book(venue.ready)
        await client.tx.create_order(market(51, ask * 11 // 10))
        await client.tx.create_order(stop("stop-loss", 52, bid * 11 // 10, bid * 9 // 10))

        async def status() -> str:
            rows = (await client.api.account.orders.by_client_index(client_order_indexes=[52]))["orders"]
            return rows[0]["status"]

        async with asyncio.timeout(5):
            while await status() == "pending":
                await asyncio.to_thread(public, venue.ready, "/")
        assert await status() == "filled"

    async def test_groups(self, client, venue, me):
        _, ask = book(venue.ready)
        legs = {
            "stop_loss": {"order_type": "stop-loss", "trigger_price": ask * 7 // 10, "price": ask * 6 // 10},
            "take_profit": {"order_type": "take-profit", "trigger_price": ask * 13 // 10, "price": ask * 12 // 10},
        }
        resting = {
            "order_type": "limit",
            "market_index": ETH,
            "base_amount": 1_000,
            "is_ask": False,
            "price": ask * 9 // 10,
            "time_in_force": "good-till-time",
            "client_order_index": 61,
        }
        await client.tx.create_grouped_orders({"grouping_type": "otoco", "primary": resting, **legs})
        rows = signed_in(venue.ready, client, "accountActiveOrders", account_index=me)["orders"]
        lead = next(row for row in rows if row["client_order_index"] == 61)
        children = [row for row in rows if row["parent_order_index"] == lead["order_index"]]
        assert {row["order_id"] for row in children} == {lead["to_trigger_order_id_0"], lead["to_trigger_order_id_1"]}
        assert {row["trigger_status"] for row in children} == {"parent-order"}
        assert {row["to_cancel_order_id_0"] for row in children} == {row["order_id"] for row in children}
        await client.tx.cancel_order(market_index=ETH, order_index=61)
        closed = signed_in(venue.ready, client, "accountInactiveOrders", account_index=me, limit=3)["orders"]
        assert sorted(row["status"] for row in closed) == ["canceled", "canceled-child", "canceled-child"]
        taking = {"order_type": "market", "market_index": BTC, "base_amount": 100, "is_ask": False, "price": 10**6}
        high = {"order_type": "stop-loss", "trigger_price": 400_000, "price": 350_000}
        await client.tx.create_grouped_orders({"grouping_type": "oto", "primary": taking, "trigger": high})
        rows = signed_in(venue.ready, client, "accountActiveOrders", account_index=me, market_id=BTC)["orders"]
        assert [(row["trigger_status"], row["initial_base_amount"]) for row in rows] == [("mark-price", "0.00100")]

    async def test_leverage_and_margin(self, client, venue, me):
        for fraction, text in ((1_000, "10.00"), (500, "5.00")):
            await client.tx.update_leverage(market_index=2, initial_margin_fraction=fraction, margin_mode="cross")
            [account] = public(venue.ready, "/api/v1/account", by="index", value=me)["accounts"]
            [row] = [row for row in account["positions"] if row["market_id"] == 2]
            assert row["initial_margin_fraction"] == text
        await client.tx.update_leverage(market_index=2, initial_margin_fraction=500, margin_mode="isolated")
        [account] = (await client.api.account.get({"by": "index", "value": me}))["accounts"]
        assert [row["margin_mode"] for row in account["positions"] if row["market_id"] == 2] == [1]
        await client.tx.update_leverage(market_index=2, initial_margin_fraction=500, margin_mode="cross")
        with pytest.raises(BadRequest, match="21613"):
            await client.tx.update_margin(market_index=2, usdc_amount=1_000_000, direction="add")
        with pytest.raises(BadRequest, match="21113"):
            await client.tx.update_leverage(market_index=2, initial_margin_fraction=1, margin_mode="cross")

    async def test_the_dead_mans_switch(self, client, venue, me):
        at = datetime.now(UTC) + timedelta(hours=1)
        await client.tx.cancel_all_orders({"mode": "scheduled", "cancel_at": at})
        [account] = (await client.api.account.get({"by": "index", "value": me}))["accounts"]
        assert abs(account["cancel_all_time"] - at) < timedelta(milliseconds=2)
        await client.tx.cancel_all_orders({"mode": "abort"})
        [account] = public(venue.ready, "/api/v1/account", by="index", value=me)["accounts"]
        assert account["cancel_all_time"] == 0
        soon = datetime.now(UTC) + timedelta(minutes=1)
        with pytest.raises(BadRequest, match="21714"):
            await client.tx.cancel_all_orders({"mode": "scheduled", "cancel_at": soon})

    @pytest.mark.parametrize("transport", ["http", "ws"])
    async def test_batches(self, client, venue, me, transport):
        bid, _ = book(venue.ready)
        async with client.tx.reserve_nonces(3) as reserved:
            key, nonces = reserved.api_key_index, list(reserved.nonces)
            place = [
                client.signer.create_order(limit(71 + number, bid * 9 // 10), nonce=nonce, api_key_index=key)
                for number, nonce in enumerate(nonces[:2])
            ]
            cancel = client.signer.cancel_order(market_index=ETH, order_index=71, nonce=nonces[2], api_key_index=key)
            sent = await client.tx.batch([*place, cancel], transport=transport)
        assert len(sent["tx_hash"]) == 3
        rows = signed_in(venue.ready, client, "accountActiveOrders", account_index=me)["orders"]
        assert [row["client_order_index"] for row in rows] == [72]
        assert rows[0]["base_price"] == ticks(rows[0]["price"]) == bid * 9 // 10


PUBLIC = ["order_book", "ticker", "market_stats", "trades"]
ACCOUNT = [
    "account_all",
    "account_all_orders",
    "account_all_trades",
    "account_all_positions",
    "account_all_assets",
    "user_stats",
    "account_tx",
]


class TestStreams:
    @pytest.mark.parametrize("name", PUBLIC)
    async def test_of_markets(self, client, venue, name):
        seen = await frames_of(getattr(client.streams, name)(ETH), 3)
        assert seen[0]["type"].startswith("subscribed/")
        assert seen[1]["channel"].endswith(":0")

    async def test_of_all_markets(self, client, venue):
        seen = await frames_of(client.streams.market_stats("all"), 2)
        told = public(venue.ready, "/api/v1/orderBooks")["order_books"]
        assert set(seen[0]["market_stats"]) == {str(row["market_id"]) for row in told}
        heights = await frames_of(client.streams.height(), 2)
        assert heights[1]["height"] >= heights[0]["height"]

    async def test_candles(self, client, venue):
        _, ask = book(venue.ready)
        await client.tx.create_order(market(81, ask * 11 // 10, 100))
        seen = await frames_of(client.streams.candles(ETH, resolution="1h"), 2)
        assert (seen[0]["channel"], len(seen[0]["candles"])) == ("candle:0:1h", 1)
        assert seen[1]["candles"][-1]["i"] > seen[0]["candles"][-1]["i"]

    @pytest.mark.parametrize("name", ACCOUNT)
    async def test_of_accounts(self, client, venue, me, name):
        seen = await self.after_a_trade(client, venue, getattr(client.streams, name)(me))
        if name == "account_all_positions":
            assert seen["positions"]["0"]["position"] == abs(position(venue.ready, me))
        if name == "account_all_orders":
            assert seen["orders"]["0"][0]["status"] == "filled"

    @pytest.mark.parametrize("name", ["account_market", "account_orders"])
    async def test_of_one_account_in_one_market(self, client, venue, me, name):
        stream = getattr(client.streams, name)(market_id=ETH, account_index=me)
        seen = await self.after_a_trade(client, venue, stream)
        assert seen["account"] == me
        assert seen["channel"] == ("account_orders:0" if name == "account_orders" else f"account_market:0:{me}")
        elsewhere = await frames_of(client.streams.account_market(market_id=3, account_index=me), 1)
        assert (elsewhere[0]["position"]["sign"], elsewhere[0]["position"]["avg_entry_price"]) == (0, "")

    async def test_notifications(self, client, venue, me):
        [seen] = await frames_of(client.streams.notifications(me), 1)
        assert seen["notifs"] == []

    @staticmethod
    async def after_a_trade(client, venue, stream) -> dict:
        _, ask = book(venue.ready)
        async with asyncio.timeout(10), stream as frames:
            reader = aiter(frames)
            assert (await anext(reader))["type"].startswith("subscribed/")
            await client.tx.create_order(market(91, ask * 11 // 10, 100))
            return await anext(reader)


async def frames_of(stream, count: int) -> list[dict]:
    seen: list[dict] = []
    async with asyncio.timeout(10), stream as frames:
        async for frame in frames:
            seen.append(frame)
            if len(seen) == count:
                break
    return seen
