"""The unmodified SDK against the real venue process; what it is told is compared with the venue's own REST."""

import asyncio
import json

from tests.support.vendor_sdk import LEGACY_SOCKETS, asking, get, open_orders, sdk, signing, token_of
from tests.support.waiting import eventually

__all__ = ["sdk"]

ETH = 0
FAR_BID = 100_000
"""1,000.00: nowhere near the market, so it rests."""
SIZE = 1_000

pytestmark = LEGACY_SOCKETS


async def test_the_key_is_registered(sdk, shared_venue):
    async with signing(sdk, shared_venue, shared_venue.ready.trading) as client:
        assert await asyncio.to_thread(client.check_client) is None
    async with signing(sdk, shared_venue, shared_venue.ready.kill) as client:
        assert await asyncio.to_thread(client.check_client) is None


async def test_create_cancel_and_hashes(sdk, shared_venue):
    async with signing(sdk, shared_venue, shared_venue.ready.trading) as client:
        tx, sent, problem = await client.create_order(
            market_index=ETH,
            client_order_index=1_001,
            base_amount=SIZE,
            price=FAR_BID,
            is_ask=False,
            order_type=client.ORDER_TYPE_LIMIT,
            time_in_force=client.ORDER_TIME_IN_FORCE_GOOD_TILL_TIME,
        )
        assert problem is None
        assert (sent.code, tx.base_amount, tx.price) == (200, SIZE, FAR_BID)
        [order] = [each for each in await open_orders(shared_venue, client) if each["client_order_index"] == 1_001]
        assert (order["price"], order["initial_base_amount"], order["is_ask"]) == ("1000.00", "0.1000", False)
        found = await get(shared_venue, "/api/v1/tx", by="hash", value=sent.tx_hash)
        assert (found["hash"], json.loads(found["info"])["ClientOrderIndex"]) == (sent.tx_hash, 1_001)
        _, sent, problem = await client.cancel_order(market_index=ETH, order_index=order["order_index"])
        assert (problem, sent.code) == (None, 200)
        assert await open_orders(shared_venue, client) == []


async def test_the_venues_hash_is_the_one_the_signer_computed(sdk, shared_venue):
    key = shared_venue.ready.counterparty
    async with signing(sdk, shared_venue, key) as client:
        body = await get(
            shared_venue, "/api/v1/nextNonce", account_index=key.account_index, api_key_index=key.api_key_index
        )
        nonce = body["nonce"]
        account = {"api_key_index": key.api_key_index}
        signed = [
            client.sign_create_order(ETH, 7, SIZE, FAR_BID, 0, 0, 1, nonce=nonce, **account),
            client.sign_modify_order(ETH, 7, SIZE * 2, FAR_BID + 1, nonce=nonce + 1, **account),
            client.sign_cancel_order(ETH, 7, nonce=nonce + 2, **account),
            client.sign_cancel_all_orders(0, 0, nonce=nonce + 3, **account),
            client.sign_cancel_all_orders(0, 0, cancel_all_market_index=ETH, nonce=nonce + 4, **account),
            client.sign_create_order(
                ETH, 8, SIZE, FAR_BID, 0, 0, 1, self_trade_behavior_mode=1, nonce=nonce + 5, **account
            ),
        ]
        for tx_type, tx_info, tx_hash, problem in signed:
            assert problem is None
            sent = await client.send_tx(tx_type=tx_type, tx_info=tx_info)
            assert (sent.code, sent.tx_hash) == (200, tx_hash)
        body = await get(
            shared_venue, "/api/v1/accountActiveOrders", account_index=key.account_index, auth=token_of(client)
        )
        assert [order["client_order_index"] for order in body["orders"]] == [8]


async def test_cancel_all_with_the_kill_key(sdk, shared_venue):
    async with (
        signing(sdk, shared_venue, shared_venue.ready.trading) as trading,
        signing(sdk, shared_venue, shared_venue.ready.kill) as kill,
    ):
        for number in range(3):
            _, _, problem = await trading.create_order(ETH, 2_000 + number, SIZE, FAR_BID, False, 0, 1)
            assert problem is None
        resting = {order["client_order_index"] for order in await open_orders(shared_venue, trading)}
        assert resting >= {2_000, 2_001, 2_002}
        _, sent, problem = await kill.cancel_all_orders(time_in_force=0, timestamp_ms=0)
        assert (problem, sent.code) == (None, 200)
        assert await open_orders(shared_venue, trading) == []


async def test_a_market_order_moves_position_and_collateral(sdk, shared_venue):
    account = shared_venue.ready.trading.account_index
    async with signing(sdk, shared_venue, shared_venue.ready.trading) as client, asking(sdk, shared_venue) as api:
        _, sent, problem = await client.create_market_order(ETH, 3_001, SIZE, 300_000, False)
        assert (problem, sent.code) == (None, 200)
        answer = await sdk.AccountApi(api).account(by="index", value=str(account))
        [seen] = answer.accounts
        body = await get(shared_venue, "/api/v1/account", by="index", value=account)
        [told] = body["accounts"]
        assert (seen.collateral, seen.positions[0].position) == (told["collateral"], "0.1000")
        assert seen.positions[0].avg_entry_price == told["positions"][0]["avg_entry_price"]
        orders = sdk.OrderApi(api)
        token = token_of(client)
        closed = await orders.account_inactive_orders(account_index=account, limit=1, authorization=token)
        assert (closed.orders[0].client_order_index, closed.orders[0].status) == (3_001, "filled")
        trades = await orders.trades(sort_by="timestamp", limit=50, account_index=account, authorization=token)
        ours = [trade for trade in trades.trades if trade.bid_client_id == 3_001]
        assert sum(round(float(trade.size) * 10_000) for trade in ours) == SIZE


async def test_public_calls(sdk, shared_venue):
    async with asking(sdk, shared_venue) as api:
        orders, accounts = sdk.OrderApi(api), sdk.AccountApi(api)
        books = await orders.order_books()
        told = await get(shared_venue, "/api/v1/orderBooks")
        assert [book.symbol for book in books.order_books] == [row["symbol"] for row in told["order_books"]]
        assert len(books.order_books) == 12
        details = await orders.order_book_details(market_id=ETH)
        assert details.order_book_details[0].price_decimals == 2
        depth = await orders.order_book_orders(market_id=ETH, limit=100)
        assert (len(depth.asks), len(depth.bids)) == (100, 100)
        recent = await orders.recent_trades(market_id=ETH, limit=10)
        assert recent.code == 200
        account = shared_venue.ready.trading.account_index
        keys = await accounts.apikeys(account_index=account)
        assert [key.public_key for key in keys.api_keys] == [
            shared_venue.ready.trading.public_key,
            shared_venue.ready.kill.public_key,
        ]
        root = await sdk.RootApi(api).status()
        assert root.status == 200


async def test_a_wrong_nonce_is_the_error_the_sdk_looks_for(sdk, shared_venue):
    key = shared_venue.ready.trading
    async with signing(sdk, shared_venue, key) as client:
        tx, sent, problem = await client.cancel_order(
            market_index=ETH, order_index=5, nonce=9_999, api_key_index=key.api_key_index
        )
        assert (tx, sent) == (None, None)
        assert "21104" in problem
        assert "invalid nonce" in problem
        _, sent, problem = await client.cancel_order(market_index=ETH, order_index=5)
        assert (problem, sent.code) == (None, 200)


async def test_its_socket_client_builds_our_book(sdk, shared_venue):
    books: dict[str, dict] = {}
    accounts: dict[str, dict] = {}
    updates: list[str] = []

    def on_book(market_id: str, book: dict) -> None:
        books[market_id] = book
        updates.append(market_id)

    client = sdk.WsClient(
        ws_url=shared_venue.ready.ws_url,
        order_book_ids=[ETH, 1],
        account_ids=[shared_venue.ready.trading.account_index],
        on_order_book_update=on_book,
        on_account_update=accounts.__setitem__,
    )
    reading = asyncio.create_task(client.run_async())
    try:
        await eventually(lambda: len(updates) > 40 and accounts, "the client to build its books")
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        await client.ws.close()
    for book in books.values():
        asks = {float(row["price"]) for row in book["asks"]}
        bids = {float(row["price"]) for row in book["bids"]}
        assert min(len(asks), len(bids)) >= 200
        assert max(bids) < min(asks)
    told = await get(shared_venue, "/api/v1/orderBookOrders", market_id=ETH, limit=250)
    deep = {float(row["price"]) for row in told["bids"][60:200]}
    built = {float(row["price"]) for row in books[str(ETH)]["bids"]}
    assert len(deep & built) > len(deep) * 0.8
    assert accounts.keys() == {str(shared_venue.ready.trading.account_index)}
