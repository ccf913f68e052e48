"""Every order method of the vendor's signing client, and every call of its APIs that the venue serves.

Each answer is held against another view of the venue's own books; every signature is checked by the venue.
"""

import asyncio
import inspect
import re
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest_asyncio

from tests.support.strangers import book, position
from tests.support.vendor_sdk import LEGACY_SOCKETS, asking, get, open_orders, sdk, signing, token_of

__all__ = ["sdk"]

ETH, BTC, SOL = 0, 1, 2
SIZE = 1_000
HOUR_MS = 3_600_000
pytestmark = LEGACY_SOCKETS


@pytest_asyncio.fixture
async def client(sdk, venue) -> AsyncIterator[Any]:
    async with signing(sdk, venue, venue.ready.trading) as made:
        yield made
        await accepted(made.cancel_all_orders(time_in_force=0, timestamp_ms=0))


async def accepted(call) -> Any:
    signed, sent, problem = await call
    assert problem is None
    assert sent.code == 200
    assert signed is not None
    return sent


async def by_client(venue, client, client_index: int) -> dict:
    body = await get(
        venue,
        "/api/v1/accountOrders",
        client_order_indexes=client_index,
        account_index=venue.ready.trading.account_index,
        auth=token_of(client),
    )
    return body["orders"][0]


async def touch(venue) -> tuple[int, int]:
    return await asyncio.to_thread(book, venue.ready)


async def held(venue, market_id: int = ETH) -> Decimal:
    return await asyncio.to_thread(position, venue.ready, venue.ready.trading.account_index, market_id)


async def allocated(venue, account: int) -> Decimal:
    [row] = (await get(venue, "/api/v1/account", by="index", value=account))["accounts"]
    [sol] = [each for each in row["positions"] if each["market_id"] == SOL]
    assert sol["margin_mode"] == 1
    return Decimal(sol["allocated_margin"])


class TestOrders:
    async def test_market_orders_of_every_kind(self, client, venue):
        before = await held(venue)
        _, ask = await touch(venue)
        await accepted(client.create_market_order(ETH, 101, SIZE, ask * 11 // 10, False))
        await accepted(client.create_market_order_limited_slippage(ETH, 102, SIZE, 0.05, False))
        await accepted(client.create_market_order_if_slippage(ETH, 103, SIZE, 0.05, False))
        await accepted(client.create_market_order_quote_amount(ETH, 104, 500, 0.05, False))
        for number in (101, 102, 103, 104):
            order = await by_client(venue, client, number)
            assert (order["status"], order["type"], order["order_expiry"]) == ("filled", "market", 0)
        spent = Decimal(order["filled_quote_amount"])
        assert abs(spent - 500) < 25
        gained = await held(venue) - before
        assert gained == Decimal("0.3") + Decimal(order["filled_base_amount"])

    async def test_a_worst_price_that_cannot_be_met(self, client, venue):
        bid, _ = await touch(venue)
        await accepted(client.create_market_order(ETH, 111, SIZE, bid * 9 // 10, False))
        assert (await by_client(venue, client, 111))["status"] == "canceled-too-much-slippage"

    async def test_conditional_orders_of_every_kind(self, client, venue):
        bid, ask = await touch(venue)
        await accepted(client.create_market_order(ETH, 120, SIZE, ask * 11 // 10, False))
        low, high = bid * 8 // 10, bid * 12 // 10
        await accepted(client.create_sl_order(ETH, 121, SIZE, low, low * 9 // 10, True, reduce_only=True))
        await accepted(client.create_sl_limit_order(ETH, 122, SIZE, low, low, True, reduce_only=True))
        await accepted(client.create_tp_order(ETH, 123, SIZE, high, high * 9 // 10, True, reduce_only=True))
        await accepted(client.create_tp_limit_order(ETH, 124, SIZE, high, high, True, reduce_only=True))
        kinds = {number: await by_client(venue, client, number) for number in (121, 122, 123, 124)}
        assert [order["type"] for order in kinds.values()] == [
            "stop-loss",
            "stop-loss-limit",
            "take-profit",
            "take-profit-limit",
        ]
        for order in kinds.values():
            assert (order["status"], order["trigger_status"]) == ("pending", "mark-price")
        await accepted(client.modify_order(ETH, 121, SIZE // 2, low * 9 // 10, low - 100))
        order = await by_client(venue, client, 121)
        assert (order["base_size"], order["order_version"]) == (SIZE // 2, 1)
        assert order["trigger_price"] == f"{(low - 100) // 100}.{(low - 100) % 100:02d}"
        await accepted(client.cancel_order(ETH, kinds[122]["order_index"]))
        assert (await by_client(venue, client, 122))["status"] == "canceled"

    async def test_groups(self, sdk, client, venue):
        _, ask = await touch(venue)
        request = sdk.signer_client.CreateOrderTxReq
        expiry = int(time.time() * 1_000) + 24 * HOUR_MS
        lead = request(ETH, 131, SIZE, ask * 11 // 10, 0, client.ORDER_TYPE_MARKET, 0, 0, 0, 0)
        loss = request(ETH, 132, 0, ask * 6 // 10, 1, client.ORDER_TYPE_STOP_LOSS, 0, 1, ask * 7 // 10, expiry)
        gain = request(ETH, 133, 0, ask * 12 // 10, 1, client.ORDER_TYPE_TAKE_PROFIT, 0, 1, ask * 13 // 10, expiry)
        await accepted(
            client.create_grouped_orders(client.GROUPING_TYPE_ONE_TRIGGERS_A_ONE_CANCELS_THE_OTHER, [lead, loss, gain])
        )
        first, second = [await by_client(venue, client, number) for number in (132, 133)]
        assert (first["initial_base_amount"], second["initial_base_amount"]) == ("0.1000", "0.1000")
        assert (first["to_cancel_order_id_0"], second["to_cancel_order_id_0"]) == (
            second["order_id"],
            first["order_id"],
        )
        parent = await by_client(venue, client, 131)
        assert (parent["status"], first["parent_order_index"]) == ("filled", parent["order_index"])
        pair = [
            request(ETH, 134, SIZE, ask * 6 // 10, 1, client.ORDER_TYPE_STOP_LOSS, 0, 1, ask * 7 // 10, expiry),
            request(ETH, 135, SIZE, ask * 12 // 10, 1, client.ORDER_TYPE_TAKE_PROFIT, 0, 1, ask * 13 // 10, expiry),
        ]
        await accepted(client.create_grouped_orders(client.GROUPING_TYPE_ONE_CANCELS_THE_OTHER, pair))
        assert (await by_client(venue, client, 135))["status"] == "pending"
        resting = request(ETH, 136, SIZE, ask * 9 // 10, 0, client.ORDER_TYPE_LIMIT, 1, 0, 0, expiry)
        child = request(ETH, 137, 0, ask * 6 // 10, 1, client.ORDER_TYPE_STOP_LOSS, 0, 1, ask * 7 // 10, expiry)
        await accepted(client.create_grouped_orders(client.GROUPING_TYPE_ONE_TRIGGERS_THE_OTHER, [resting, child]))
        waiting = await by_client(venue, client, 137)
        assert (waiting["status"], waiting["trigger_status"]) == ("pending", "parent-order")
        await accepted(client.cancel_order(ETH, 136))
        assert (await by_client(venue, client, 137))["status"] == "canceled-child"

    async def test_cancel_all_now_later_and_never(self, client, venue):
        account = venue.ready.trading.account_index
        bid, _ = await touch(venue)
        for market_id, number in ((ETH, 141), (BTC, 142)):
            price = bid * 9 // 10 if market_id == ETH else 400_000
            await accepted(client.create_order(market_id, number, SIZE, price, False, 0, 1))
        await accepted(client.cancel_all_orders(0, 0, cancel_all_market_index=ETH))
        assert [order["client_order_index"] for order in await open_orders(venue, client)] == [142]
        at = int(time.time() * 1_000) + HOUR_MS
        await accepted(client.cancel_all_orders(time_in_force=1, timestamp_ms=at))
        [row] = (await get(venue, "/api/v1/account", by="index", value=account))["accounts"]
        assert row["cancel_all_time"] == at
        await accepted(client.cancel_all_orders(time_in_force=2, timestamp_ms=0))
        [row] = (await get(venue, "/api/v1/account", by="index", value=account))["accounts"]
        assert (row["cancel_all_time"], row["total_order_count"]) == (0, 1)

    async def test_leverage_and_margin(self, client, venue):
        account = venue.ready.trading.account_index
        await accepted(client.update_leverage(SOL, client.CROSS_MARGIN_MODE, 10))
        [row] = (await get(venue, "/api/v1/account", by="index", value=account))["accounts"]
        [sol] = [each for each in row["positions"] if each["market_id"] == SOL]
        assert sol["initial_margin_fraction"] == "10.00"
        signed, sent, problem = await client.update_margin(SOL, 5.0, client.ISOLATED_MARGIN_ADD_COLLATERAL)
        assert (signed, sent) == (None, None)
        assert "21613" in problem
        await accepted(client.update_leverage(SOL, client.ISOLATED_MARGIN_MODE, 10))
        [best] = (await get(venue, "/api/v1/orderBookOrders", market_id=SOL, limit=1))["asks"]
        cap = int(best["price"].replace(".", "")) * 11 // 10
        await accepted(client.create_market_order(SOL, 171, 1_000, cap, False))
        brought = await allocated(venue, account)
        await accepted(client.update_margin(SOL, 5.0, client.ISOLATED_MARGIN_ADD_COLLATERAL))
        assert await allocated(venue, account) == brought + 5
        await accepted(client.update_margin(SOL, 2.5, client.ISOLATED_MARGIN_REMOVE_COLLATERAL))
        assert await allocated(venue, account) == brought + Decimal("2.5")
        signed, sent, problem = await client.update_leverage(SOL, client.CROSS_MARGIN_MODE, 10)
        assert "21132" in problem
        await accepted(client.create_market_order(SOL, 172, 1_000, cap // 2, True, reduce_only=True))
        assert await allocated(venue, account) == 0
        await accepted(client.update_leverage(SOL, client.CROSS_MARGIN_MODE, 10))

    async def test_sub_accounts_and_transfers(self, client, venue):
        me = venue.ready.trading.account_index
        await accepted(client.create_sub_account())
        [row] = (await get(venue, "/api/v1/account", by="index", value=me))["accounts"]
        family = (await get(venue, "/api/v1/accountsByL1Address", l1_address=row["l1_address"]))["sub_accounts"]
        sub = family[-1]["index"]
        assert family[-1]["account_type"] == 1
        sending = (client.ASSET_ID_USDC, client.ROUTE_PERP, client.ROUTE_PERP, 12.5, 0, "00" * 32)
        await accepted(client.transfer_same_master_account(sub, *sending))
        [there] = (await get(venue, "/api/v1/account", by="index", value=sub))["accounts"]
        assert there["collateral"] == "12.500000"

    async def test_batches(self, client, venue):
        key = venue.ready.trading
        bid, _ = await touch(venue)
        found = await client.tx_api.next_nonce(account_index=key.account_index, api_key_index=key.api_key_index)
        told = await get(venue, "/api/v1/nextNonce", account_index=key.account_index, api_key_index=key.api_key_index)
        assert found.nonce == told["nonce"]
        price = bid * 9 // 10
        signed = [
            client.sign_create_order(ETH, 151, SIZE, price, 0, 0, 1, nonce=found.nonce, api_key_index=5),
            client.sign_create_order(ETH, 152, SIZE, price, 0, 0, 1, nonce=found.nonce + 1, api_key_index=5),
            client.sign_cancel_order(ETH, 151, nonce=found.nonce + 2, api_key_index=5),
        ]
        sent = await client.send_tx_batch([each[0] for each in signed], [each[1] for each in signed])
        assert (sent.code, sent.tx_hash) == (200, [each[2] for each in signed])
        assert [order["client_order_index"] for order in await open_orders(venue, client)] == [152]
        client.nonce_manager.hard_refresh_nonce(5)


ELSEWHERE = {
    *("accountMetadata", "changeAccountTier", "feeTiers", "getMakerOnlyApiKeys", "l1Metadata", "leaderboard"),
    *("leaseOptions", "leases", "liquidations", "litLease", "partnerStats", "pnl", "pnlLeaderboard"),
    *("publicPoolsMetadata", "referral/userReferrals", "rfq/create", "rfq/get", "rfq/list", "rfq/respond"),
    *("rfq/update", "setMakerOnlyApiKeys", "exchangeMetrics", "executeStats", "export", "export/historicalTrades"),
    *("blockTxs", "deposit/history", "setAccountMetadata", "transfer/history", "txFromL1TxHash", "txs"),
    *("withdraw/history", "markPriceCandles", "marketPriceCharts"),
}
"""What these APIs ask for that is no part of trading on the venue: pools, leases, bridges, referrals, statistics."""


class TestApis:
    async def test_every_call_is_served_or_told_that_there_is_none(self, sdk, venue):
        apis = (sdk.OrderApi, sdk.AccountApi, sdk.TransactionApi, sdk.CandlestickApi)
        source = "".join(inspect.getsource(api) for api in apis)
        calls = re.findall(r"method='(GET|POST)',\s+resource_path='/api/v1/([^']+)'", source)
        assert len(calls) > 50
        found = {}
        async with aiohttp.ClientSession() as http:
            for method, path in calls:
                async with http.request(method, f"{venue.ready.url}/api/v1/{path}") as answer:
                    found[path] = answer.status, (await answer.json())["code"]
        nowhere = {path for path, answer in found.items() if answer == (404, 29_404)}
        assert nowhere == ELSEWHERE
        assert {status for path, (status, _) in found.items() if path not in nowhere} <= {200, 400, 401}

    async def test_orders(self, sdk, client, venue):
        account = venue.ready.trading.account_index
        bid, ask = await touch(venue)
        await accepted(client.create_order(ETH, 161, SIZE, bid * 9 // 10, False, 0, 2))
        await accepted(client.create_market_order(ETH, 162, SIZE, ask * 11 // 10, False))
        async with asking(sdk, venue) as api:
            orders, token = sdk.OrderApi(api), token_of(client)
            active = await orders.account_active_orders(account_index=account, authorization=token)
            assert [each.client_order_index for each in active.orders] == [161]
            closed = await orders.account_inactive_orders(account_index=account, limit=1, authorization=token)
            assert [each.client_order_index for each in closed.orders] == [162]
            both = await orders.account_orders(authorization=token, client_order_indexes="161,162")
            assert {each.client_order_index for each in both.orders} == {161, 162}
            trades = await orders.trades(sort_by="trade_id", limit=100, account_index=account, authorization=token)
            assert sum(Decimal(each.size) for each in trades.trades if each.bid_client_id == 162) == Decimal("0.1")
            stats = await orders.exchange_stats()
            assert stats.total == len(stats.order_book_stats) == 4
            assets = await orders.asset_details()
            assert [each.symbol for each in assets.asset_details] == ["USDC"]
            details = await orders.order_book_details()
            told = (await get(venue, "/api/v1/orderBooks"))["order_books"]
            assert [each.symbol for each in details.order_book_details] == [row["symbol"] for row in told]
            depth = await orders.order_book_orders(market_id=ETH, limit=250)
            assert 161 not in {each.owner_account_index for each in depth.bids}
            recent = await orders.recent_trades(market_id=ETH, limit=100)
            assert trades.trades[0].trade_id in {each.trade_id for each in recent.trades}

    async def test_accounts(self, sdk, client, venue):
        account = venue.ready.trading.account_index
        async with asking(sdk, venue) as api:
            accounts, token = sdk.AccountApi(api), token_of(client)
            [mine] = (await accounts.account(by="index", value=str(account))).accounts
            again = await accounts.accounts_by_l1_address(l1_address=mine.l1_address)
            assert {each.index: each.collateral for each in again.sub_accounts}[account] == mine.collateral
            limits = await accounts.account_limits(account_index=account, authorization=token)
            assert limits.current_taker_fee_tick == 280
            keys = await accounts.apikeys(account_index=account, api_key_index=5)
            assert [each.public_key for each in keys.api_keys] == [venue.ready.trading.public_key]
            paid = await accounts.position_funding(account_index=account, limit=10, authorization=token)
            assert paid.position_fundings == []
            expiry = int(time.time()) + 86_400
            made = await accounts.tokens_create(
                name="sdk", account_index=account, expiry=expiry, sub_account_access=True, authorization=token
            )
            assert made.api_token.startswith(f"ro:{account}:all:{expiry}:")
            listed = await accounts.tokens(account_index=account, authorization=made.api_token)
            assert made.token_id in {each.token_id for each in listed.api_tokens}
            gone = await accounts.tokens_revoke(token_id=made.token_id, account_index=account, authorization=token)
            assert gone.revoked

    async def test_transactions(self, sdk, client, venue):
        account = venue.ready.trading.account_index
        sent = await accepted(client.cancel_order(ETH, 5))
        async with asking(sdk, venue) as api:
            transactions = sdk.TransactionApi(api)
            found = await transactions.tx(by="hash", value=sent.tx_hash)
            assert (found.type, found.account_index, "21600" in found.event_info) == (15, account, True)
            same = await transactions.tx(by="sequence_index", value=str(found.sequence_index))
            assert same.hash == sent.tx_hash
            listed = await transactions.account_txs(
                by="account_index", value=str(account), limit=100, authorization=token_of(client)
            )
            assert sent.tx_hash in {each.hash for each in listed.txs}

    async def test_candles_and_fundings(self, sdk, client, venue):
        _, ask = await touch(venue)
        await accepted(client.create_market_order(ETH, 171, SIZE, ask * 11 // 10, False))
        now = int(time.time() * 1_000)
        span = {"start_timestamp": now - 24 * HOUR_MS, "end_timestamp": now + HOUR_MS, "count_back": 1}
        async with asking(sdk, venue) as api:
            series = sdk.CandlestickApi(api)
            candles = await series.candles(market_id=ETH, resolution="1m", **span)
            recent = (await get(venue, "/api/v1/recentTrades", market_id=ETH, limit=100))["trades"]
            assert candles.c[-1].i <= recent[0]["trade_id"]
            assert candles.c[-1].t % 60_000 == 0
            assert candles.c[-1].l <= candles.c[-1].c <= candles.c[-1].h
            fundings = await series.fundings(market_id=ETH, resolution="1h", **span)
            assert (fundings.resolution, fundings.code) == ("1h", 200)
            rates = await sdk.FundingApi(api).funding_rates()
            assert {each.market_id for each in rates.funding_rates} == {0, 1, 2, 3}

    async def test_the_venue(self, sdk, venue):
        async with asking(sdk, venue) as api:
            assert (await sdk.RootApi(api).info()).contract_address.startswith("0x")
            assert (await sdk.AnnouncementApi(api).announcement()).announcements == []
            config = await sdk.InfoApi(api).system_config()
            details = (await get(venue, "/api/v1/orderBookDetails"))["order_book_details"][0]
            assert config.liquidity_pool_index == details["market_config"]["insurance_fund_account_index"]
