"""The venue over real sockets, by a plain aiohttp client."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse

from core.connectors.venue import hub
from core.connectors.venue.simulation import COUNTERPARTY, OPERATOR
from tests.support import venue_tx as tx
from tests.support.venue import HostedVenue, hosted_venue
from tests.support.waiting import eventually


class Client:
    """A venue in this loop and a session to it."""

    def __init__(self, venue: HostedVenue, session: aiohttp.ClientSession) -> None:
        self.venue = venue
        self.session = session

    async def get(self, path: str, **query: str | int) -> tuple[int, dict]:
        async with self.session.get(self.venue.ready.url + path, params=query) as answer:
            assert answer.content_type == "application/json"
            return answer.status, await answer.json()

    async def send(self, tx_type: int, info: str) -> tuple[int, dict]:
        form = {"tx_type": str(tx_type), "tx_info": info}
        async with self.session.post(self.venue.ready.url + "/api/v1/sendTx", data=form) as answer:
            return answer.status, await answer.json()

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[ClientWebSocketResponse]:
        async with self.session.ws_connect(self.venue.ready.ws_url) as socket:
            greeting = await socket.receive_json(timeout=5)
            assert greeting["type"] == "connected"
            yield socket


def now(query: dict) -> dict:
    """Tokens made when they are needed: those made while tests are collected may expire before their turn."""
    return {name: value() if callable(value) else value for name, value in query.items()}


@asynccontextmanager
async def client(**options: int) -> AsyncIterator[Client]:
    async with hosted_venue(**options) as venue, aiohttp.ClientSession() as session:
        yield Client(venue, session)


async def say(socket: ClientWebSocketResponse, kind: str, channel: str, auth: str | None = None) -> None:
    await socket.send_json({"type": kind, "channel": channel} | ({} if auth is None else {"auth": auth}))


async def await_type(socket: ClientWebSocketResponse, kind: str) -> dict:
    async with asyncio.timeout(5):
        while True:
            frame = await socket.receive_json()
            if frame.get("type") == kind:
                return frame


async def await_error(socket: ClientWebSocketResponse) -> dict:
    async with asyncio.timeout(5):
        while True:
            frame = await socket.receive_json()
            if "error" in frame:
                assert set(frame) == {"error"}
                return frame["error"]


class TestRest:
    async def test_public_endpoints(self):
        async with client(markets=5) as venue:
            assert (await venue.get("/"))[1]["status"] == 200
            assert (await venue.get("/info"))[1]["contract_address"].startswith("0x")
            _, books = await venue.get("/api/v1/orderBooks")
            assert [row["symbol"] for row in books["order_books"]] == ["ETH", "BTC", "SOL", "DOGE", "XRP"]
            _, details = await venue.get("/api/v1/orderBookDetails", market_id=1)
            [btc] = details["order_book_details"]
            assert (btc["price_decimals"], btc["size_decimals"], btc["min_base_amount"]) == (1, 5, "0.00020")
            assert isinstance(btc["last_trade_price"], float | int)
            assert isinstance(btc["mark_price"], str)
            status, orders = await venue.get("/api/v1/orderBookOrders", market_id=0, limit=250)
            assert (status, orders["total_asks"], orders["total_bids"]) == (
                200,
                len(orders["asks"]),
                len(orders["bids"]),
            )
            assert min(len(orders["asks"]), len(orders["bids"])) >= 200
            asks = [float(row["price"]) for row in orders["asks"]]
            assert asks == sorted(asks)
            assert float(orders["bids"][0]["price"]) < asks[0]
            _, keys = await venue.get("/api/v1/apikeys", account_index=OPERATOR)
            assert [row["api_key_index"] for row in keys["api_keys"]] == [5, 6]
            assert keys["api_keys"][0]["public_key"] == venue.venue.ready.trading.public_key
            assert (await venue.get("/api/v1/orderBooks", filter="spot"))[1]["order_books"] == []

    @pytest.mark.parametrize(
        ("path", "query", "status", "code"),
        [
            ("/api/v1/orderBookOrders", {"market_id": 0}, 400, 20001),
            ("/api/v1/orderBookOrders", {"market_id": 0, "limit": 251}, 400, 20001),
            ("/api/v1/orderBookOrders", {"market_id": 99, "limit": 1}, 400, 20001),
            ("/api/v1/recentTrades", {"market_id": "x", "limit": 1}, 400, 20001),
            ("/api/v1/trades", {"limit": 1}, 400, 20001),
            ("/api/v1/account", {"by": "index", "value": 1}, 400, 21100),
            ("/api/v1/account", {"by": "name", "value": 1}, 400, 20001),
            ("/api/v1/nextNonce", {"account_index": OPERATOR, "api_key_index": 9}, 400, 21109),
            ("/api/v1/apikeys", {"account_index": 4}, 400, 21109),
            ("/api/v1/tx", {"by": "hash", "value": "ab"}, 400, 21500),
            ("/api/v1/nothing", {}, 404, 29404),
            ("/api/v1/accountActiveOrders", {"account_index": OPERATOR}, 400, 20001),
            ("/api/v1/accountActiveOrders", {"account_index": OPERATOR, "auth": "garbage"}, 401, 20013),
            (
                "/api/v1/accountActiveOrders",
                {"account_index": OPERATOR, "auth": lambda: tx.token(life_s=-1)},
                401,
                20013,
            ),
            (
                "/api/v1/accountActiveOrders",
                {"account_index": OPERATOR, "auth": lambda: tx.token(life_s=30_000)},
                401,
                20013,
            ),
            (
                "/api/v1/accountActiveOrders",
                {"account_index": COUNTERPARTY, "auth": lambda: tx.token(life_s=600)},
                401,
                20013,
            ),
            ("/api/v1/accountActiveOrders", {"account_index": OPERATOR, "auth": lambda: tx.token(key=9)}, 401, 20013),
            ("/api/v1/trades", {"sort_by": "timestamp", "limit": 1, "account_index": OPERATOR}, 400, 20001),
        ],
    )
    async def test_refusals(self, path, query, status, code):
        async with client(markets=2) as venue:
            answered, body = await venue.get(path, **now(query))
            assert (answered, body["code"]) == (status, code)
            assert body["message"]

    async def test_the_token_may_come_in_the_header_without_bearer(self):
        async with client(markets=1) as venue:
            url = f"{venue.venue.ready.url}/api/v1/accountActiveOrders?account_index={OPERATOR}"
            async with venue.session.get(url, headers={"authorization": tx.token()}) as answer:
                assert (answer.status, await answer.json()) == (200, {"code": 200, "orders": []})
            async with venue.session.get(url, headers={"authorization": f"Bearer {tx.token()}"}) as answer:
                assert answer.status == 401

    async def test_an_order_from_sending_to_history(self):
        async with client(markets=2) as venue:
            status, sent = await venue.send(tx.CREATE, tx.create(nonce=0, ClientOrderIndex=5))
            assert (status, sent["code"], len(sent["tx_hash"])) == (200, 200, 80)
            assert sent["predicted_execution_time_ms"] <= tx.now_ms()
            assert json.loads(sent["message"])["ratelimit"]
            _, found = await venue.get("/api/v1/tx", by="hash", value=sent["tx_hash"])
            assert (found["nonce"], found["status"], json.loads(found["event_info"])["ae"]) == (0, 2, "")
            auth = tx.token()
            _, active = await venue.get("/api/v1/accountActiveOrders", account_index=OPERATOR, auth=auth)
            [order] = active["orders"]
            assert (order["client_order_index"], order["status"], order["integrator_maker_fee"]) == (5, "open", "")
            assert (await venue.get("/api/v1/accountActiveOrders", account_index=OPERATOR, market_id=1, auth=auth))[1][
                "orders"
            ] == []
            assert (await venue.send(tx.CANCEL, tx.cancel(nonce=1, index=order["order_index"])))[0] == 200
            _, closed = await venue.get("/api/v1/accountInactiveOrders", account_index=OPERATOR, limit=10, auth=auth)
            assert [each["status"] for each in closed["orders"]] == ["canceled"]
            _, by_client = await venue.get(
                "/api/v1/accountOrders", client_order_indexes="5,6", account_index=OPERATOR, auth=auth
            )
            assert [each["order_index"] for each in by_client["orders"]] == [order["order_index"]]
            _, nonce = await venue.get("/api/v1/nextNonce", account_index=OPERATOR, api_key_index=5)
            assert nonce == {"code": 200, "nonce": 2}

    async def test_pages_of_history_meet_without_overlap(self):
        async with client(markets=1) as venue:
            for number in range(7):
                await venue.send(tx.CREATE, tx.create(nonce=number, ClientOrderIndex=number + 1))
            await venue.send(tx.CANCEL_ALL, tx.cancel_all(nonce=7))
            seen, cursor = [], None
            while True:
                page = {} if cursor is None else {"cursor": cursor}
                _, body = await venue.get(
                    "/api/v1/accountInactiveOrders", account_index=OPERATOR, limit=3, auth=tx.token(), **page
                )
                seen += [each["client_order_index"] for each in body["orders"]]
                cursor = body.get("next_cursor")
                if cursor is None:
                    break
            assert seen == [7, 6, 5, 4, 3, 2, 1]

    async def test_refused_transactions_are_http_400(self):
        async with client(markets=1) as venue:
            status, body = await venue.send(tx.CREATE, tx.create(nonce=3))
            assert (status, body) == (400, {"code": 21104, "message": "invalid nonce"})
            status, body = await venue.send(tx.CREATE, "nonsense")
            assert (status, body["code"]) == (400, 21501)
            async with venue.session.post(venue.venue.ready.url + "/api/v1/sendTx", data={}) as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, 20001)

    async def test_a_batch(self):
        async with client(markets=1) as venue:
            infos = [tx.create(nonce=0, ClientOrderIndex=5), tx.cancel(nonce=1, index=5)]
            form = {"tx_types": "[14,15]", "tx_infos": json.dumps(infos)}
            async with venue.session.post(venue.venue.ready.url + "/api/v1/sendTxBatch", data=form) as answer:
                body = await answer.json()
            assert (answer.status, len(body["tx_hash"])) == (200, 2)
            bad = {"tx_types": "[14]", "tx_infos": "nothing"}
            async with venue.session.post(venue.venue.ready.url + "/api/v1/sendTxBatch", data=bad) as answer:
                assert answer.status == 400

    async def test_account_and_trades_agree(self):
        async with client(markets=1) as venue:
            info = tx.create(nonce=0, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000, ClientOrderIndex=4)
            await venue.send(tx.CREATE, info)
            _, body = await venue.get("/api/v1/account", by="index", value=OPERATOR)
            [account] = body["accounts"]
            [position] = account["positions"]
            assert (position["sign"], position["position"], position["open_order_count"]) == (1, "0.1000", 0)
            _, body = await venue.get(
                "/api/v1/trades", sort_by="timestamp", limit=100, account_index=OPERATOR, auth=tx.token()
            )
            sizes = [float(trade["size"]) for trade in body["trades"]]
            assert sum(sizes) == pytest.approx(0.1)
            assert {trade["bid_account_id"] for trade in body["trades"]} == {OPERATOR}
            assert float(account["collateral"]) < 100_000
            _, by_address = await venue.get("/api/v1/account", by="l1_address", value=account["l1_address"])
            assert by_address["accounts"][0]["index"] == OPERATOR


class TestStream:
    async def test_a_book_chains_from_its_snapshot(self):
        async with client(markets=2) as venue, venue.stream() as socket:
            await say(socket, "subscribe", "order_book/0")
            frame = await await_type(socket, "subscribed/order_book")
            book = frame["order_book"]
            assert (frame["channel"], book["begin_nonce"]) == ("order_book:0", 0)
            assert min(len(book["asks"]), len(book["bids"])) >= 200
            levels = {side: {row["price"]: row["size"] for row in book[side]} for side in ("asks", "bids")}
            last = book["nonce"]
            for _ in range(20):
                book = (await await_type(socket, "update/order_book"))["order_book"]
                assert book["begin_nonce"] == last
                last = book["nonce"]
                for side, known in levels.items():
                    for row in book[side]:
                        known[row["price"]] = row["size"]
                asks = [float(price) for price, size in levels["asks"].items() if float(size)]
                bids = [float(price) for price, size in levels["bids"].items() if float(size)]
                assert max(bids) < min(asks)

    async def test_unsubscribing_stops_frames_and_allows_a_new_snapshot(self):
        async with client(markets=1) as venue, venue.stream() as socket:
            await say(socket, "subscribe", "order_book/0")
            await await_type(socket, "subscribed/order_book")
            await say(socket, "unsubscribe", "order_book/0")
            async with asyncio.timeout(5):
                while True:
                    text = await socket.receive_str()
                    if "unsubscribed" in text:
                        break
            assert text == '{"type": "unsubscribed", "channel": "order_book:0"}'
            await say(socket, "subscribe", "order_book/0")
            assert (await socket.receive_json(timeout=5))["type"] == "subscribed/order_book"

    @pytest.mark.parametrize(
        ("channel", "auth", "code", "message"),
        [
            ("order_book/99", None, 30005, "Invalid Channel:  (marketId)"),
            ("order_book/x", None, 30005, "Invalid Channel:  (marketId)"),
            ("nothing/1", None, 30005, "Invalid Channel"),
            ("account_all_trades/5", None, 30005, "Invalid Channel:  (accountId)"),
            (
                f"account_all_orders/{OPERATOR}",
                None,
                20001,
                f"invalid param : auth field is required: account_all_orders:{OPERATOR}",
            ),
            (f"account_all_orders/{OPERATOR}", "garbage", 20013, "invalid auth: invalid auth string"),
            (f"account_all_trades/{OPERATOR}", lambda: tx.token(life_s=-1), 20013, "invalid auth: invalid deadline"),
            (f"account_all_orders/{COUNTERPARTY}", tx.token, 20013, "invalid auth: account mismatch"),
        ],
    )
    async def test_refused_subscriptions(self, channel, auth, code, message):
        async with client(markets=1) as venue, venue.stream() as socket:
            await say(socket, "subscribe", channel, auth() if callable(auth) else auth)
            assert await await_error(socket) == {"code": code, "message": message}
            await socket.send_json({"type": "ping"})
            assert (await socket.receive_json(timeout=5)) == {"type": "pong"}

    async def test_a_second_subscription_is_refused_without_a_snapshot(self):
        async with client(markets=1) as venue, venue.stream() as socket:
            await say(socket, "subscribe", "trade/0")
            await await_type(socket, "subscribed/trade")
            await say(socket, "subscribe", "trade/0")
            assert await await_error(socket) == {"code": 30003, "message": "Already Subscribed to : trade:0"}

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"type":"dance"}', '{"type":"jsonapi/sendtx"}', '"x"'])
    async def test_nonsense_is_answered_and_survived(self, text):
        async with client(markets=1) as venue, venue.stream() as socket:
            await socket.send_str(text)
            assert (await await_error(socket))["code"] in {30000, 30001, 30007}
            await socket.send_json({"type": "ping"})
            assert (await socket.receive_json(timeout=5)) == {"type": "pong"}

    async def test_trade_replays_the_last_fifty(self):
        async with client(markets=1, rate=1_000) as venue:
            market = venue.venue.simulation.exchange.markets[0]
            for _ in range(3_000):
                venue.venue.simulation.tick(50_000, 0)
                if len(market.prints) > 60:
                    break
            async with venue.stream() as socket:
                await say(socket, "subscribe", "trade/0")
                frame = await await_type(socket, "subscribed/trade")
            ids = [trade["trade_id"] for trade in frame["trades"]]
            assert len(set(ids)) == len(ids) == 50
            assert frame["liquidation_trades"] == []

    async def test_statistics_of_one_and_of_all(self):
        async with client(markets=3) as venue, venue.stream() as socket:
            await say(socket, "subscribe", "market_stats/1")
            assert (await await_type(socket, "subscribed/market_stats"))["market_stats"]["symbol"] == "BTC"
            await say(socket, "unsubscribe", "market_stats/1")
            await say(socket, "subscribe", "market_stats/all")
            frame = await await_type(socket, "subscribed/market_stats")
            assert (frame["channel"], set(frame["market_stats"])) == ("market_stats:all", {"0", "1", "2"})
            frame = await await_type(socket, "update/market_stats")
            assert frame["channel"] == "market_stats:all"

    async def test_the_private_streams_follow_a_transaction(self):
        async with client(markets=1) as venue, venue.stream() as socket:
            streams = ("account_all_orders", "account_all_trades", "account_all_positions", "user_stats")
            for name in (*streams, "account_all_assets", "account_all"):
                await say(socket, "subscribe", f"{name}/{OPERATOR}", tx.token())
                await await_type(socket, f"subscribed/{name}")
            info = tx.create(nonce=0, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000, ClientOrderIndex=4)
            await socket.send_json(
                {"type": "jsonapi/sendtx", "data": {"id": "77", "tx_type": 14, "tx_info": json.loads(info)}}
            )
            found: dict[str, dict] = {}
            wanted = {f"update/{name}" for name in (*streams, "account_all_assets", "account_all")} | {"jsonapi/sendtx"}
            async with asyncio.timeout(5):
                while found.keys() < wanted:
                    frame = await socket.receive_json()
                    found[frame["type"]] = frame
            assert (found["jsonapi/sendtx"]["id"], found["jsonapi/sendtx"]["code"]) == ("77", 200)
            assert found["update/account_all_orders"]["orders"]["0"][0]["status"] == "filled"
            assert found["update/account_all_positions"]["positions"]["0"]["position"] == "0.1000"
            assert found["update/account_all_trades"]["trades"]["0"][0]["bid_client_id"] == 4

    async def test_a_refusal_over_the_socket_carries_its_id(self):
        async with client(markets=1) as venue, venue.stream() as socket:
            data = {"id": "9", "tx_type": 14, "tx_info": json.loads(tx.create(nonce=5))}
            await socket.send_json({"type": "jsonapi/sendtx", "data": data})
            assert await socket.receive_json(timeout=5) == {
                "type": "jsonapi/sendtx",
                "id": "9",
                "code": 21104,
                "message": "invalid nonce",
            }

    async def test_a_new_snapshot_lists_open_orders_only(self):
        async with client(markets=1) as venue:
            await venue.send(tx.CREATE, tx.create(nonce=0, ClientOrderIndex=1))
            await venue.send(tx.CREATE, tx.create(nonce=1, ClientOrderIndex=2))
            await venue.send(tx.CANCEL, tx.cancel(nonce=2, index=1))
            async with venue.stream() as socket:
                await say(socket, "subscribe", f"account_all_orders/{OPERATOR}", tx.token())
                frame = await await_type(socket, "subscribed/account_all_orders")
            assert [order["client_order_index"] for order in frame["orders"]["0"]] == [2]

    async def test_a_closed_client_is_forgotten(self):
        async with client(markets=1) as venue:
            async with venue.stream() as socket:
                await say(socket, "subscribe", "order_book/0")
                await await_type(socket, "subscribed/order_book")
            listened = venue.venue.simulation.feed._listened
            await eventually(lambda: "order_book:0" not in listened, "the venue to forget the client")

    async def test_a_slow_reader_is_disconnected(self, monkeypatch):
        monkeypatch.setattr(hub, "MAX_QUEUED_BYTES", 200_000)
        async with client(markets=4, rate=2_000) as venue:
            _, writer = await asyncio.open_connection(*venue.venue.ready.url.removeprefix("http://").split(":"))
            writer.write(
                b"GET /stream HTTP/1.1\r\nHost: venue\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            for market_id in venue.venue.simulation.exchange.markets:
                text = json.dumps({"type": "subscribe", "channel": f"order_book/{market_id}"}).encode()
                writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
            await writer.drain()
            writer.transport.pause_reading()
            listened = venue.venue.simulation.feed._listened
            await eventually(lambda: "order_book:0" in listened, "the subscription")
            await eventually(lambda: "order_book:0" not in listened, "the venue to drop the reader", timeout=30)
            writer.close()
            with suppress(ConnectionResetError):
                await writer.wait_closed()


async def test_frames_flow_at_the_rate_asked_for():
    async with client(markets=4, rate=400) as venue, venue.stream() as socket:
        for market_id in venue.venue.simulation.exchange.markets:
            await say(socket, "subscribe", f"order_book/{market_id}")
        loop = asyncio.get_running_loop()
        frames, started = 0, loop.time()
        async with asyncio.timeout(20):
            while frames < 600:
                frames += (await socket.receive_json())["type"] == "update/order_book"
        # At the venue's own pace of 80 a second these would take 7.5 s.
        assert loop.time() - started < 6
