"""The wires of the paper venue: aiohttp carries bytes between clients and the pure simulation, and decides nothing."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

from core.connectors.venue import replies
from core.connectors.venue.catalogue import listed
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.conversation import Conversation
from core.connectors.venue.hub import Hub, Listener
from core.connectors.venue.rest import Query, Rest, refused
from core.connectors.venue.simulation import KeyOf, Simulation
from core.connectors.venue.views import encode

HOST: Final = "127.0.0.1"
BATCH_US: Final = 50_000
"""The venue batches book changes for 50 ms (apidocs, WebSocket reference)."""
SHORTEST_BATCH_US: Final = 1_000
MAX_MESSAGE: Final = 1024 * 1024

_EPOCH_MS: Final = 1_767_225_600_000
"""2026-01-01, in Unix milliseconds: keeps the ids as short as the real ones."""


class VenueServer:
    """One venue: an aiohttp application and the task that moves its markets."""

    def __init__(self, *, markets: int, seed: int, keys: tuple[KeyOf, ...], rate: int | None = None) -> None:
        """Build the venue; `rate` is book frames a second over all markets, 20 a market when it is None.

        Raises:
            ConfigError: the catalogue does not hold that many markets.
        """
        specs = listed(markets)
        self._hub: Final = Hub()
        self.simulation: Final = Simulation(specs, seed, keys, self._hub, first_id=_since_epoch_ms())
        self._rest: Final = Rest(self.simulation)
        self._step_us: Final = BATCH_US if rate is None else max(SHORTEST_BATCH_US, 1_000_000 * len(specs) // rate)
        self._listeners: Final[set[Listener]] = set()
        self.stopped: Final = asyncio.Event()
        """Set when the markets can move no further."""
        self.failure: BaseException | None = None
        """Why, when it was a fault of ours: a venue that froze must not go on answering."""

    def app(self) -> web.Application:
        """The application; it runs the markets for as long as it is started."""
        app = web.Application(client_max_size=MAX_MESSAGE)
        app.router.add_get("/stream", self._stream)
        app.router.add_post("/api/v1/sendTx", self._send_tx)
        app.router.add_post("/api/v1/sendTxBatch", self._send_batch)
        app.router.add_get("/{path:.*}", self._get)
        app.cleanup_ctx.append(self._running)
        app.on_shutdown.append(self._close_sockets)
        return app

    async def _running(self, _: web.Application) -> AsyncIterator[None]:
        self.simulation.tick(self._step_us, _now_us())  # nobody sees an empty book
        task = asyncio.create_task(self._run(), name="venue-markets")
        task.add_done_callback(self._ended)
        yield
        task.cancel()
        await asyncio.wait([task])

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.failure = None if task.cancelled() else task.exception()
        self.stopped.set()

    async def _run(self) -> None:
        """Step the markets on a fixed beat; beats that were missed are skipped, not made up for."""
        loop = asyncio.get_running_loop()
        step = self._step_us / 1_000_000
        due = loop.time()
        while True:
            due = max(due + step, loop.time())
            await asyncio.sleep(due - loop.time())
            self.simulation.tick(self._step_us, _now_us())
            self._dispatch()

    def _dispatch(self) -> None:
        self._hub.publish(self.simulation.take_frames())

    async def _get(self, request: web.Request) -> web.Response:
        token = request.headers.get("authorization") or request.query.get("auth")
        query = Query(params=request.query, token=token, now_us=_now_us())
        return _json(*self._rest.get(request.path, query))

    async def _send_tx(self, request: web.Request) -> web.Response:
        form = await request.post()
        tx_type, tx_info = form.get("tx_type"), form.get("tx_info")
        if not (isinstance(tx_type, str) and tx_type.isascii() and tx_type.isdigit() and isinstance(tx_info, str)):
            return _json(*refused(Refusal(Code.INVALID_PARAM, "invalid param : tx_type or tx_info")))
        now_us = _now_us()
        outcome = self.simulation.send(int(tx_type), tx_info, now_us)
        self._dispatch()
        if isinstance(outcome, Refusal):
            return _json(*refused(outcome))
        return _json(200, encode({"message": replies.QUOTA, **replies.sent_body(outcome.tx_hash, now_us)}))

    async def _send_batch(self, request: web.Request) -> web.Response:
        form = await request.post()
        try:
            types = msgspec.json.decode(str(form.get("tx_types")), type=list[int])
            infos = msgspec.json.decode(str(form.get("tx_infos")), type=list[str])
        except msgspec.DecodeError:
            return _json(*refused(Refusal(Code.INVALID_PARAM, "invalid param : tx_types or tx_infos")))
        now_us = _now_us()
        outcome = self.simulation.send_batch(types, infos, now_us)
        self._dispatch()
        if isinstance(outcome, Refusal):
            return _json(*refused(outcome))
        hashes = [record.tx_hash for record in outcome]
        return _json(200, encode({"message": replies.QUOTA, **replies.sent_body(hashes, now_us)}))

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        # Compressing for a reader on the same machine costs both sides more than the bytes do.
        socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE, autoping=True)
        await socket.prepare(request)
        listener, conversation = Listener(socket, request.transport), Conversation(self.simulation)
        self._listeners.add(listener)
        listener.push(encode({"session_id": str(uuid.uuid4()), "type": "connected"}))
        writer = asyncio.create_task(listener.pump(), name="venue-writer")
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    reply = conversation.receive(message.data, _now_us())
                    if reply is not None:
                        listener.push(reply)
                    self._hub.sync(listener, conversation.subscribed)
                    self._dispatch()
        finally:
            self._hub.sync(listener, set())
            self._listeners.discard(listener)
            writer.cancel()
            await asyncio.wait([writer])
        return socket

    async def _close_sockets(self, _: web.Application) -> None:
        await asyncio.gather(*(listener.close() for listener in self._listeners))


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


def _since_epoch_ms() -> int:
    """A venue that lost its memory and starts again must not give an id away twice: clients remember.

    It trades far less than once a millisecond, so ids that begin at the moment of the start never meet.
    """
    return time.time_ns() // 1_000_000 - _EPOCH_MS


def _now_us() -> int:
    return time.time_ns() // 1_000
