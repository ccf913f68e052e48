"""A venue that does what a test says: canned REST answers, canned snapshots, every request remembered."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from aiohttp import WSMsgType, web
from pydantic import SecretStr

from core.connectors.lighter.connector import LighterSettings
from core.connectors.lighter.signer import generate_api_key

ACCOUNT, KEY, KILL_KEY, CHAIN = 65, 5, 6, 304
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def market_row(market_id: int, symbol: str, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "market_id": market_id,
        "market_type": "perp",
        "status": "active",
        "taker_fee": "0.0000",
        "maker_fee": "0.0000",
        "min_base_amount": "0.0050",
        "min_quote_amount": "10.000000",
        "supported_size_decimals": 4,
        "supported_price_decimals": 2,
        "last_trade_price": 2361.31,
        "min_initial_margin_fraction": 200,
        "maintenance_margin_fraction": 120,
        **changes,
    }


def order_row(index: int, client: int, **changes: Any) -> dict[str, Any]:
    return {
        "order_index": index,
        "client_order_index": client,
        "market_index": 0,
        "initial_base_amount": "0.0100",
        "price": "2000.00",
        "remaining_base_amount": "0.0100",
        "is_ask": False,
        "filled_base_amount": "0.0000",
        "filled_quote_amount": "0.000000",
        "side": "",
        "type": "limit",
        "time_in_force": "good-till-time",
        "reduce_only": False,
        "status": "open",
        "transaction_time": 1_700_000_000_000_000,
        **changes,
    }


def trade_row(trade_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "trade_id": trade_id,
        "type": "trade",
        "market_id": 0,
        "size": "0.0100",
        "price": "2000.00",
        "usd_amount": "20.000000",
        "ask_id": 2**48 + 1,
        "bid_id": 2**49 - 1,
        "ask_client_id": 0,
        "bid_client_id": 77,
        "ask_account_id": 9,
        "bid_account_id": ACCOUNT,
        "is_maker_ask": True,
        "taker_fee": 28,
        "timestamp": 1_700_000_000_000,
        "transaction_time": 1_700_000_000_000_001,
        **changes,
    }


def book_body(nonce: int, begin: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> dict[str, Any]:
    def levels(side: list[tuple[str, str]]) -> list[dict[str, str]]:
        return [{"price": price, "size": size} for price, size in side]

    return {"code": 0, "asks": levels(asks), "bids": levels(bids), "offset": 1, "nonce": nonce, "begin_nonce": begin}


@dataclass
class ScriptedVenue:
    """State a test may change at any time."""

    url: str = ""
    keys: dict[int, tuple[str, str]] = field(default_factory=dict)
    nonces: dict[int, int] = field(default_factory=dict)
    markets: list[dict[str, Any]] = field(default_factory=lambda: [market_row(0, "ETH"), market_row(1, "BTC")])
    orders: list[dict[str, Any]] = field(default_factory=list)
    closed_orders: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Handler] = field(default_factory=dict)
    """Overrides by path."""
    socket_answers: list[dict[str, Any] | None] = field(default_factory=list)
    """Answers to the next transactions over WebSocket, instead of taking them; None swallows one."""
    by_socket: list[dict[str, Any]] = field(default_factory=list)
    """Of `sent`, what came over WebSocket."""
    sent: list[dict[str, Any]] = field(default_factory=list)
    """`tx_info` of each transaction that arrived, with its `tx_type`."""
    asked: list[str] = field(default_factory=list)
    """Path and query of each read."""
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    private_sockets: list[web.WebSocketResponse] = field(default_factory=list)
    """Those that subscribed to the account's orders, in that order."""
    heard: list[dict[str, Any]] = field(default_factory=list)
    """Client frames, of all sockets."""
    silent_channels: set[str] = field(default_factory=set)
    tier: str = "premium"
    staked: str = "0.00000000"
    is_mute: bool = False
    """Sockets stay open, and nothing comes back any more."""
    is_shut: bool = False
    """New sockets are refused with a page of maintenance."""
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict)
    assets: list[dict[str, Any]] = field(default_factory=list)
    """Asset rows of the account, as REST and its stream list them."""
    held: list[dict[str, Any]] = field(default_factory=list)
    """Position rows of the account, as REST lists them."""

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/stream"

    def settings(self, **changes: Any) -> LighterSettings:
        return LighterSettings(
            **{
                "name": "scripted",
                "world": "scripted",
                "url": self.url,
                "ws_url": self.ws_url,
                "chain_id": CHAIN,
                "account_index": ACCOUNT,
                "api_key_index": KEY,
                "private_key": SecretStr(self.keys[KEY][0]),
                "kill_api_key_index": KILL_KEY,
                "kill_private_key": SecretStr(self.keys[KILL_KEY][0]),
                "request_timeout_s": 1,
                "is_sending_by_socket": False,
                **changes,
            }
        )

    async def push(self, frame: dict[str, Any]) -> None:
        """Send a frame to every open socket."""
        for socket in self.sockets:
            if not socket.closed:
                await socket.send_str(json.dumps(frame))

    async def cut(self) -> None:
        """Drop every connection without a close frame."""
        for socket in self.sockets:
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()
        self.sockets.clear()

    async def rest(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.answers:
            return await self.answers[request.path](request)
        if request.path == "/api/v1/sendTx":
            return await self._send_tx(request)
        if request.path == "/api/v1/sendTxBatch":
            return await self._send_batch(request)
        self.asked.append(request.path_qs)
        return self._read(request)

    async def take(self, request: web.Request) -> dict[str, Any]:
        """Remember the transaction in a request."""
        form = await request.post()
        info = {**json.loads(str(form["tx_info"])), "tx_type": int(str(form["tx_type"]))}
        self.sent.append(info)
        return info

    async def _send_tx(self, request: web.Request) -> web.StreamResponse:
        info = await self.take(request)
        key = info["ApiKeyIndex"]
        if info["Nonce"] != self.nonces[key]:
            return refusal(21104, "invalid nonce")
        self.nonces[key] += 1
        return web.json_response({"code": 200, "message": "{}", "tx_hash": "ab" * 40, "predicted_execution_time_ms": 1})

    async def _send_batch(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        types, infos = json.loads(str(form["tx_types"])), json.loads(str(form["tx_infos"]))
        taken = [{**json.loads(info), "tx_type": kind} for info, kind in zip(infos, types, strict=True)]
        self.sent += taken
        code, message = self._take_nonces(taken)
        return refusal(code, message, status=200 if code == 200 else 400)

    def _read(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        open_here = [one for one in self.orders if query.get("market_id", "255") in {"255", str(one["market_index"])}]
        bodies: dict[str, Callable[[], dict[str, Any]]] = {
            "": lambda: {"status": 200, "network_id": 1},
            "orderBookDetails": lambda: {"order_book_details": self.markets, "spot_order_book_details": None},
            "apikeys": lambda: {"api_keys": self._keys(query["api_key_index"])},
            "nextNonce": lambda: {"nonce": self.nonces[int(query["api_key_index"])]},
            "account": lambda: {"accounts": [self._account()]},
            "trades": lambda: {"trades": sorted(self.trades, key=lambda t: -t["trade_id"])[: int(query["limit"])]},
            "accountLimits": lambda: {
                "user_tier": self.tier,
                "user_tier_name": self.tier.title(),
                "effective_lit_stakes": self.staked,
            },
            "accountActiveOrders": lambda: {"orders": open_here},
            "accountInactiveOrders": lambda: {"orders": self.closed_orders},
        }
        body = bodies.get(request.path.rpartition("/")[2])
        if body is None:
            return web.Response(status=404, text="not found")
        return web.json_response({"code": 200, **body()})

    def _keys(self, index: str) -> list[dict[str, Any]]:
        return [
            {"account_index": ACCOUNT, "api_key_index": key, "public_key": public.removeprefix("0x")}
            for key, (_, public) in self.keys.items()
            if index in {"255", str(key)}
        ]

    def _account(self) -> dict[str, Any]:
        return {
            "index": ACCOUNT,
            "account_index": ACCOUNT,
            "collateral": "1000.000000",
            "available_balance": "900.000000",
            "cancel_all_time": 0,
            "positions": self.held or None,
            "assets": self.assets or None,
        }

    async def stream(self, request: web.Request) -> web.StreamResponse:
        if self.is_shut:
            return web.Response(status=503, text="<html>503 Service Temporarily Unavailable</html>")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_str('{"session_id":"1","type":"connected"}')
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            self.heard.append(frame)
            if not self.is_mute:
                await self._answer(socket, frame)
        return socket

    async def _answer(self, socket: web.WebSocketResponse, frame: dict[str, Any]) -> None:
        channel = str(frame.get("channel", ""))
        if frame["type"].startswith("jsonapi/"):
            await self._answer_tx(socket, frame)
        elif frame["type"] == "ping":
            await socket.send_str('{"type":"pong"}')
        elif frame["type"] == "unsubscribe":
            await socket.send_str(json.dumps({"type": "unsubscribed", "channel": channel.replace("/", ":")}))
        elif channel not in self.silent_channels:
            if channel.startswith("account_all_orders"):
                self.private_sockets.append(socket)
            await socket.send_str(json.dumps(self._snapshot(channel)))

    async def _answer_tx(self, socket: web.WebSocketResponse, frame: dict[str, Any]) -> None:
        data = frame["data"]
        infos, types = [data.get("tx_info")], [data.get("tx_type")]
        if frame["type"].endswith("batch"):
            infos, types = [json.loads(info) for info in json.loads(data["tx_infos"])], json.loads(data["tx_types"])
        taken = [{**info, "tx_type": kind} for info, kind in zip(infos, types, strict=True)]
        self.sent += taken
        self.by_socket += taken
        if self.socket_answers:
            answer = self.socket_answers.pop(0)
            if answer is not None:
                await socket.send_str(json.dumps({"type": frame["type"], "id": data["id"], **answer}))
            return
        code, message = self._take_nonces(taken)
        await socket.send_str(json.dumps({"type": frame["type"], "id": data["id"], "code": code, "message": message}))

    def _take_nonces(self, infos: list[dict[str, Any]]) -> tuple[int, str]:
        for info in infos:
            if info["Nonce"] != self.nonces[info["ApiKeyIndex"]]:
                return 21104, "invalid nonce"
            self.nonces[info["ApiKeyIndex"]] += 1
        return 200, ""

    def _snapshot(self, channel: str) -> dict[str, Any]:
        name, _, of = channel.partition("/")
        by_market: dict[str, list[dict[str, Any]]] = {}
        for order in self.orders:
            by_market.setdefault(str(order["market_index"]), []).append(order)
        money = {"collateral": "1000.0", "portfolio_value": "1001.0", "available_balance": "900.0", "leverage": "0.10"}
        bodies: dict[str, dict[str, Any]] = {
            "order_book": {"order_book": book_body(10, 0, [("2000.00", "1.0000")], [("2001.00", "2.0000")])},
            "market_stats": {"market_stats": {"0": {"market_id": 0, "mark_price": "2000.50", "last_trade_price": ""}}},
            "trade": {"trades": [], "liquidation_trades": None, "nonce": 1},
            "account_all_orders": {"orders": by_market},
            "account_all_trades": {"trades": {}},
            "account_all_positions": {"positions": {}, "shares": []},
            "account_all_assets": {"assets": {str(row["asset_id"]): row for row in self.assets}},
            "user_stats": {"stats": money},
        }
        body = self.snapshots.get(channel, bodies[name])
        return {"channel": f"{name}:{of}", **body, "type": f"subscribed/{name}"}


_Kind = TypeVar("_Kind", bound=ScriptedVenue)


def refusal(code: int, message: str, status: int = 400) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)


@asynccontextmanager
async def scripted_venue(made: _Kind | None = None) -> AsyncIterator[_Kind]:
    """A scripted venue, or the one given, on a free port of the loopback address."""
    venue = made or cast("_Kind", ScriptedVenue())
    for key in (KEY, KILL_KEY):
        venue.keys[key] = generate_api_key()
        venue.nonces[key] = 1
    app = web.Application()
    app.router.add_get("/stream", venue.stream)
    app.router.add_route("*", "/{path:.*}", venue.rest)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    venue.url = f"http://{host}:{port}"
    try:
        yield venue
    finally:
        for socket in list(venue.sockets):
            await asyncio.wait_for(socket.close(), timeout=2)
        await runner.cleanup()
