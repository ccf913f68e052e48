"""Every fault, seen from outside: real sockets, a plain client, and what it finds on the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from core.connectors.venue.faults import FaultKind, parse
from core.connectors.venue.options import Extras
from core.connectors.venue.simulation import OPERATOR
from tests.support import venue_tx as tx
from tests.support.venue import HostedVenue, hosted_venue

HEADERS = {"authorization": "open"}


class Client:
    def __init__(self, venue: HostedVenue, http: aiohttp.ClientSession) -> None:
        self.venue = venue
        self.http = http

    async def control(self, *rules: dict) -> None:
        body = json.dumps({"faults": rules})
        async with self.http.post(self.venue.ready.url + "/control/faults", data=body, headers=HEADERS) as answer:
            assert answer.status == 200, await answer.text()

    async def struck(self) -> dict[str, int]:
        async with self.http.get(self.venue.ready.url + "/control/state", headers=HEADERS) as answer:
            return {row["fault"]: row["struck"] for row in (await answer.json())["faults"]}

    async def get(self, path: str, **query: str | int) -> tuple[int, str, bytes]:
        async with self.http.get(self.venue.ready.url + path, params=query) as answer:
            return answer.status, answer.content_type, await answer.read()

    async def send(self, kind: int, info: str) -> tuple[int, dict]:
        form = {"tx_type": str(kind), "tx_info": info}
        async with self.http.post(self.venue.ready.url + "/api/v1/sendTx", data=form) as answer:
            return answer.status, await answer.json(content_type=None)

    async def nonce(self) -> int:
        _, _, body = await self.get("/api/v1/nextNonce", account_index=OPERATOR, api_key_index=5)
        return json.loads(body)["nonce"]

    async def live(self) -> list[dict]:
        _, _, body = await self.get("/api/v1/accountActiveOrders", account_index=OPERATOR, auth=tx.token())
        return json.loads(body)["orders"]

    @asynccontextmanager
    async def stream(self, *channels: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with self.http.ws_connect(self.venue.ready.ws_url) as socket:
            assert (await socket.receive_json(timeout=5))["type"] == "connected"
            for channel in channels:
                await socket.send_json({"type": "subscribe", "channel": channel, "auth": tx.token()})
            yield socket


@asynccontextmanager
async def client(markets: int = 1) -> AsyncIterator[Client]:
    async with (
        hosted_venue(markets=markets, extras=Extras(control_token="open")) as venue,
        aiohttp.ClientSession() as http,
    ):
        yield Client(venue, http)


async def frames(socket: aiohttp.ClientWebSocketResponse, kind: str, count: int = 1) -> list[dict]:
    found: list[dict] = []
    async with asyncio.timeout(5):
        while len(found) < count:
            frame = await socket.receive_json()
            if frame.get("type") == kind:
                found.append(frame)
    return found


def nonces(updates: list[dict]) -> list[tuple[int, int]]:
    return [(each["order_book"]["begin_nonce"], each["order_book"]["nonce"]) for each in updates]


def breaks(updates: list[dict]) -> int:
    chain = nonces(updates)
    return sum(begin != end for (_, end), (begin, _) in pairwise(chain))


class TestFrames:
    @pytest.mark.parametrize("fault", ["drop", "book-gap", "reorder", "delay"])
    async def test_a_book_whose_chain_breaks(self, fault):
        async with client() as venue, venue.stream("order_book/0") as socket:
            await frames(socket, "subscribed/order_book")
            before = await frames(socket, "update/order_book", 5)
            assert breaks(before) == 0
            await venue.control({"fault": fault, "count": 1, "match": "order_book:*", "ms": 120})
            updates = before + await frames(socket, "update/order_book", 10)
            assert breaks(updates) >= 1
            if fault in {"reorder", "delay"}:
                assert breaks(sorted(updates, key=lambda each: each["order_book"]["nonce"])) == 0

    async def test_duplicates(self):
        async with client() as venue, venue.stream("order_book/0") as socket:
            await venue.control({"fault": "duplicate", "match": "order_book:*"})
            found = nonces(await frames(socket, "update/order_book", 6))
            assert sum(one == two for one, two in pairwise(found)) >= 2

    async def test_a_snapshot_older_than_the_stream(self):
        async with client() as venue:
            await venue.control({"fault": "late-snapshot", "match": "order_book:*", "ms": 250})
            async with venue.stream("order_book/0") as socket:
                [first] = await frames(socket, "update/order_book")
                [snapshot] = await frames(socket, "subscribed/order_book")
                assert snapshot["order_book"]["nonce"] < first["order_book"]["nonce"]

    async def test_subscribed_but_silent(self):
        async with client() as venue, venue.stream("ticker/0") as socket:
            await venue.control({"fault": "silent", "match": "order_book:*"})
            await socket.send_json({"type": "subscribe", "channel": "order_book/0"})
            await frames(socket, "subscribed/order_book")
            kinds = {(await socket.receive_json(timeout=5))["type"] for _ in range(20)}
            assert kinds == {"update/ticker"}

    async def test_half_open(self):
        async with client() as venue, venue.stream("order_book/0") as socket:
            await frames(socket, "update/order_book")
            await venue.control({"fault": "half-open"})
            await venue.get("/")
            await socket.send_json({"type": "ping"})
            await frames(socket, "pong")
            await socket.send_json({"type": "ping"})
            assert await socket.receive_json(timeout=5) == {"type": "pong"}

    async def test_closed_in_order(self):
        async with client() as venue, venue.stream("order_book/0") as socket:
            await venue.control({"fault": "close"})
            async with asyncio.timeout(5):
                async for message in socket:
                    assert message.type is aiohttp.WSMsgType.TEXT
            assert socket.close_code == 1000

    async def test_cut_in_the_middle_of_a_frame(self):
        async with client() as venue, venue.stream("order_book/0") as socket:
            await venue.control({"fault": "cut"})
            async with asyncio.timeout(5):
                async for message in socket:
                    assert message.type is aiohttp.WSMsgType.TEXT
                    json.loads(message.data)
            assert socket.close_code == 1006

    async def test_shutdown(self):
        async with client() as venue, venue.stream("order_book/0") as socket:
            await venue.control({"fault": "shutdown", "count": 1, "ms": 50})
            assert (await frames(socket, "shutdown"))[0]["close_in_ms"] == 50
            async with asyncio.timeout(5):
                async for message in socket:
                    assert message.type is aiohttp.WSMsgType.TEXT
            assert socket.close_code == 1000

    async def test_bodies(self):
        channel = f"account_all_positions/{OPERATOR}"
        async with client() as venue:
            await venue.send(tx.CREATE, tx.create(nonce=0, ClientOrderIndex=1))
            await venue.send(tx.CREATE, tx.create(nonce=1, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000))
            faults = {
                "broken-positions": lambda body: body["positions"]["0"]["position"] == "not-a-number",
                "empty-positions": lambda body: body["positions"] == {},
                "extra-fields": lambda body: body["x_new_flag"] is True,
                "null-arrays": lambda body: body["shares"] is None,
            }
            for fault, has_happened in faults.items():
                await venue.control({"fault": fault})
                async with venue.stream(channel) as socket:
                    [body] = await frames(socket, "subscribed/account_all_positions")
                    assert has_happened(body), fault
            await venue.control({"fault": "stale-updated-at", "ms": 3_600_000})
            [order] = await venue.live()
            assert order["updated_at"] <= order["created_at"] - 3_500

    async def test_fills_after_what_happened_next(self):
        async with client() as venue, venue.stream(f"account_all_trades/{OPERATOR}") as socket:
            await frames(socket, "subscribed/account_all_trades")
            await socket.send_json(
                {"type": "subscribe", "channel": f"account_all_orders/{OPERATOR}", "auth": tx.token()}
            )
            await frames(socket, "subscribed/account_all_orders")
            await venue.control({"fault": "fills-after-cancel", "ms": 200})
            await venue.send(tx.CREATE, tx.create(nonce=0, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000))
            await venue.send(tx.CREATE, tx.create(nonce=1, ClientOrderIndex=2))
            await venue.send(tx.CANCEL, tx.cancel(nonce=2, index=2))
            kinds = [(await socket.receive_json(timeout=5))["type"] for _ in range(4)]
            assert kinds == ["update/account_all_orders"] * 3 + ["update/account_all_trades"]

    async def test_a_clock_that_is_wrong(self):
        async with client() as venue, venue.stream("height") as socket:
            for ms in (60_000, -60_000):
                await venue.control({"fault": "clock-skew", "ms": ms})
                for _ in range(2):  # one may have been on its way
                    [height] = await frames(socket, "update/height")
                assert abs(height["timestamp"] - tx.now_ms() - ms) < 3_000


class TestRequests:
    @pytest.mark.parametrize(
        ("fault", "status", "kind"),
        [
            ("http-429", 429, "application/json"),
            ("http-405", 405, "text/html"),
            ("http-502", 502, "text/html"),
            ("http-503", 503, "text/html"),
        ],
    )
    async def test_answers_of_what_stands_before_the_venue(self, fault, status, kind):
        async with client() as venue:
            await venue.control({"fault": fault})
            answered, content, body = await venue.get("/api/v1/orderBooks")
            assert (answered, content) == (status, kind)
            assert (json.loads(body)["code"] == 23000) if kind == "application/json" else body.startswith(b"<html>")
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await venue.http.ws_connect(venue.venue.ready.ws_url)
            form = {"tx_type": "14", "tx_info": tx.create(nonce=0, ClientOrderIndex=1)}
            async with venue.http.post(venue.venue.ready.url + "/api/v1/sendTx", data=form) as answer:
                assert answer.status == status
            await venue.control()
            assert len(await venue.live()) == (1 if fault == "http-502" else 0)

    @pytest.mark.parametrize(
        ("fault", "rule", "code"),
        [("nonce-storm", {}, 21104), ("refuse", {}, 21733), ("refuse", {"code": 21712}, 21712)],
    )
    async def test_refusals_spend_nothing(self, fault, rule, code):
        async with client() as venue:
            await venue.control({"fault": fault, **rule})
            status, body = await venue.send(tx.CREATE, tx.create(nonce=0, ClientOrderIndex=1))
            assert (status, body["code"], await venue.nonce(), await venue.live()) == (400, code, 0, [])

    @pytest.mark.parametrize(("fault", "landed"), [("request-lost", 0), ("refusal-lost", 0), ("reply-lost", 1)])
    async def test_no_reply(self, fault, landed):
        async with client() as venue:
            await venue.control({"fault": fault})
            with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
                await venue.send(tx.CREATE, tx.create(nonce=0, ClientOrderIndex=1))
            assert (await venue.nonce(), len(await venue.live())) == (landed, landed)

    @pytest.mark.parametrize("fault", ["slow-ack", "fills-before-ack"])
    async def test_a_slow_ack_comes_after_its_frames(self, fault):
        async with client() as venue, venue.stream(f"account_all_trades/{OPERATOR}") as socket:
            await frames(socket, "subscribed/account_all_trades")
            await venue.control({"fault": fault, "ms": 400, "match": "*sendtx*"})
            info = tx.create(nonce=0, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000)
            sending = asyncio.create_task(venue.send(tx.CREATE, info))
            await frames(socket, "update/account_all_trades")
            assert not sending.done()
            assert (await sending)[0] == 200

    async def test_a_reduce_only_order_that_vanishes(self):
        async with client() as venue, venue.stream(f"account_all_orders/{OPERATOR}") as socket:
            await frames(socket, "subscribed/account_all_orders")
            await venue.send(tx.CREATE, tx.create(nonce=0, Type=tx.MARKET, TimeInForce=tx.IOC, Price=300_000))
            await venue.control({"fault": "reduce-only-drop"})
            info = tx.create(nonce=1, ClientOrderIndex=7, IsAsk=1, Price=250_000, ReduceOnly=1)
            assert (await venue.send(tx.CREATE, info))[0] == 200
            assert (await venue.nonce(), await venue.live()) == (2, [])
            await venue.send(tx.CREATE, tx.create(nonce=2, ClientOrderIndex=8))
            seen = [await frames(socket, "update/account_all_orders") for _ in range(2)]
            clients = [order["client_order_index"] for [body] in seen for order in body["orders"]["0"]]
            assert clients == [0, 8]

    async def test_tokens_that_have_expired(self):
        async with client() as venue, venue.stream() as socket:
            await venue.control({"fault": "token-expired"})
            status, _, body = await venue.get("/api/v1/accountActiveOrders", account_index=OPERATOR, auth=tx.token())
            assert (status, json.loads(body)["code"]) == (401, 20013)
            await socket.send_json(
                {"type": "subscribe", "channel": f"account_all_orders/{OPERATOR}", "auth": tx.token()}
            )
            assert (await socket.receive_json(timeout=5))["error"]["code"] == 20013

    @pytest.mark.parametrize(("fault", "code"), [("ws-23000", 23000), ("ws-30009", 30009), ("ws-30010", 30010)])
    async def test_messages_the_socket_refuses(self, fault, code):
        async with client() as venue, venue.stream() as socket:
            await venue.control({"fault": fault, "count": 1})
            await socket.send_json({"type": "subscribe", "channel": "order_book/0"})
            assert (await socket.receive_json(timeout=5))["error"]["code"] == code
            await socket.send_json({"type": "subscribe", "channel": "order_book/0"})
            await frames(socket, "subscribed/order_book")

    @pytest.mark.parametrize(
        ("fault", "landed", "answer"),
        [
            ("nonce-storm", 0, 21104),
            ("request-lost", 0, None),
            ("reply-lost", 1, None),
            ("slow-ack", 1, 200),
        ],
    )
    async def test_transactions_over_the_socket(self, fault, landed, answer):
        async with client() as venue, venue.stream() as socket:
            await venue.control({"fault": fault, "ms": 50})
            data = {"tx_type": 14, "tx_info": json.loads(tx.create(nonce=0, ClientOrderIndex=1)), "id": "7"}
            await socket.send_json({"type": "jsonapi/sendtx", "data": data})
            await socket.send_json({"type": "ping"})
            replies = [await socket.receive_json(timeout=5) for _ in range(1 if answer is None else 2)]
            told = [each for each in replies if each["type"] == "jsonapi/sendtx"]
            assert [(each["id"], each["code"]) for each in told] == ([] if answer is None else [("7", answer)])
            await venue.control()
            assert (await venue.nonce(), len(await venue.live())) == (landed, landed)


async def test_the_control_endpoint_is_closed_to_strangers_and_where_it_was_not_asked_for():
    async with client() as venue:
        url = venue.venue.ready.url
        for headers in ({}, {"authorization": "wrong"}, {"authorization": "öpen"}):
            async with venue.http.post(f"{url}/control/faults", data="{}", headers=headers) as answer:
                assert answer.status == 401
        async with venue.http.post(
            f"{url}/control/faults", data='{"faults":[{"fault":"x"}]}', headers=HEADERS
        ) as answer:
            assert (answer.status, (await answer.json())["message"]) == (
                400,
                "fault schedule: faults[0]: no fault is called 'x'; see lighter-tui venue --list-faults",
            )
        async with venue.http.post(f"{url}/control/advance", data='{"ms":1}', headers=HEADERS) as answer:
            assert (answer.status, (await answer.json())["message"]) == (400, "this venue runs on the machine's clock")
    async with (
        hosted_venue(markets=1) as venue,
        aiohttp.ClientSession() as http,
        http.post(f"{venue.ready.url}/control/faults", data="{}", headers=HEADERS) as answer,
    ):
        assert answer.status == 404


async def test_a_schedule_from_the_start():
    schedule = parse(b'{"faults":[{"fault":"http-503","match":"/api/v1/orderBooks"}]}', is_toml=False)
    async with hosted_venue(markets=1, extras=Extras(faults=schedule)) as venue, aiohttp.ClientSession() as http:
        async with http.get(venue.ready.url + "/api/v1/orderBooks") as answer:
            assert answer.status == 503
        async with http.get(venue.ready.url + "/") as answer:
            assert answer.status == 200


def test_no_fault_is_without_a_test():
    source = Path(__file__).read_text()
    assert [kind.value for kind in FaultKind if f'"{kind.value}"' not in source] == []
