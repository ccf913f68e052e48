"""The wires of the paper venue: aiohttp carries bytes between clients and the pure simulation, and decides nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from itertools import count
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

from core.connectors.venue import replies
from core.connectors.venue.catalogue import listed
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.control import Control
from core.connectors.venue.control_beats import Beats
from core.connectors.venue.control_clock import VenueClock, WallClock, pause
from core.connectors.venue.conversation import Conversation
from core.connectors.venue.faults import Faults
from core.connectors.venue.faults_requests import is_vanishing
from core.connectors.venue.faults_wire import FaultyListener, Meddlers, middleware, response
from core.connectors.venue.generator import moving
from core.connectors.venue.hub import Hub
from core.connectors.venue.options import PLAIN, Extras
from core.connectors.venue.rest import NOT_FOUND, Query, Rest, refused
from core.connectors.venue.sequencer import TxRecord
from core.connectors.venue.simulation import KeyOf, Simulation
from core.connectors.venue.tiers_gate import Gate
from core.connectors.venue.tx import CreateTx
from core.connectors.venue.verifier import Verifier
from core.connectors.venue.views import encode

HOST: Final = "127.0.0.1"
BATCH_US: Final = 50_000
"""The venue batches book changes for 50 ms (apidocs, WebSocket reference)."""
SHORTEST_BATCH_US: Final = 1_000
_MADE_UP_US: Final = 100_000
"""How late a beat may be and is still made up for, where a rate was asked for: timers are late each time."""
MAX_MESSAGE: Final = 1024 * 1024

_EPOCH_MS: Final = 1_767_225_600_000 - 1
"""2026-01-01, in Unix milliseconds: keeps the ids as short as the real ones.

A venue that lost its memory and starts again must not give an id away twice: clients remember. It trades far less than
once a millisecond, so ids that begin at the moment of the start never meet."""
_ROOM: Final = 512 * 1024
"""Bytes a client may be behind before virtual time waits for it."""
_MAX_DIGITS: Final = 9


class VenueServer:
    """One venue: an aiohttp application and the task that moves its markets."""

    def __init__(
        self,
        *,
        markets: int,
        seed: int,
        keys: tuple[KeyOf, ...],
        rate: int | None = None,
        extras: Extras = PLAIN,
    ) -> None:
        """Build the venue; `rate` is book frames a second over all markets, 20 a market when it is None.

        Raises:
            ConfigError: the catalogue does not hold that many markets.
        """
        specs = extras.feeding.specs if extras.feeding else listed(markets)
        self._hub: Final = Hub()
        self._clock: Final[VenueClock] = extras.clock or WallClock()
        self.simulation: Final = Simulation(
            specs,
            seed,
            keys,
            self._hub.heard,
            first_id=self._clock.now_us() // 1_000 - _EPOCH_MS,
            source=extras.feeding.source if extras.feeding else moving(seed, extras.volatility_percent),
        )
        self.simulation.exchange.price_band_percent = extras.price_band_percent
        self._rest: Final = Rest(self.simulation)
        self._meddlers: Final = Meddlers(
            faults=Faults(extras.faults, self._clock.now_us()),
            clock=self._clock,
            gate=Gate(extras.tier, self.simulation.exchange),
        )
        self._verifier: Final = Verifier(self.simulation, is_strict=extras.verifies_signatures)
        self.simulation.route = self._route
        self._control_token: Final = extras.control_token
        self._step_us: Final = BATCH_US if rate is None else max(SHORTEST_BATCH_US, 1_000_000 * len(specs) // rate)
        made_up_us = 0 if rate is None else _MADE_UP_US
        self._beats: Final = Beats(self._clock, self._step_us, self._beat, self._has_room, made_up_us=made_up_us)
        self._skew_us = 0
        self._sessions: Final = count(1)
        self._listeners: Final[set[FaultyListener]] = set()
        self.stopped: Final = asyncio.Event()
        """Set when the markets can move no further."""
        self.failure: BaseException | None = None
        """Why, when it was a fault of ours: a venue that froze must not go on answering."""

    def app(self) -> web.Application:
        """The application; it runs the markets for as long as it is started."""
        meddle = middleware(self._meddlers.faults, self._clock)
        app = web.Application(client_max_size=MAX_MESSAGE, middlewares=[meddle])
        app.router.add_get("/stream", self._stream)
        app.router.add_post("/api/v1/sendTx", self._send_tx)
        app.router.add_post("/api/v1/sendTxBatch", self._send_batch)
        if self._control_token is not None:
            faults, advance = self._meddlers.faults, self._beats.advance
            Control(self._control_token, faults, self._clock, advance).add_to(app.router)
        for path in self._rest.posted_paths:
            app.router.add_post(path, self._post)
        app.router.add_get("/{path:.*}", self._get)
        app.router.add_route("*", "/{path:.*}", self._nowhere)
        app.cleanup_ctx.append(self._running)
        app.on_shutdown.append(self._close_sockets)
        return app

    async def _running(self, _: web.Application) -> AsyncIterator[None]:
        self.simulation.tick(self._step_us, self._now_us())  # nobody sees an empty book
        task = asyncio.create_task(self._beats.run(), name="venue-markets")
        task.add_done_callback(self._ended)
        yield
        task.cancel()
        await asyncio.wait([task])
        self._clock.close()
        self._verifier.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.failure = None if task.cancelled() else task.exception()
        self.stopped.set()

    def _beat(self) -> None:
        self.simulation.tick(self._step_us, self._now_us())
        self._dispatch()

    def _has_room(self) -> bool:
        return all(listener.queued_bytes < _ROOM for listener in self._listeners)

    def _now_us(self) -> int:
        """The venue's time, with what is wrong with it on purpose."""
        now_us = self._clock.now_us()
        skew_us = self._meddlers.faults.skew_us(now_us)
        if skew_us != self._skew_us:
            self._skew_us = skew_us
            self.simulation.jump(now_us + skew_us)
        return now_us + skew_us

    def _route(self, record: TxRecord, now_us: int) -> int | None:
        wait_us = self._meddlers.gate.admitted(record, now_us)
        is_reducing = isinstance(record.tx, CreateTx) and record.tx.reduce_only == 1
        if is_reducing and is_vanishing(self._meddlers.faults, self._clock.now_us()):
            return None
        if wait_us:
            self._clock.after(wait_us, self._run_due)
        return wait_us

    def _run_due(self) -> None:
        self.simulation.run_due(self._now_us())
        self._dispatch()

    def _dispatch(self) -> None:
        self._hub.publish(self.simulation.take_frames())

    async def _post(self, request: web.Request) -> web.Response:
        form = await _form(request)
        token = request.headers.get("authorization") or request.query.get("auth") or form.get("auth")
        query = Query(params=form, token=token, now_us=self._now_us())
        refused_by_gate = self._meddlers.gate.request(request.path, query.now_us)
        if refused_by_gate is not None:
            return response(refused_by_gate)
        forged = await self._verifier.token(token)
        if forged is not None:
            return _json(*refused(forged))
        return _json(*self._rest.post(request.path, query))

    async def _get(self, request: web.Request) -> web.Response:
        token = request.headers.get("authorization") or request.query.get("auth")
        query = Query(params=request.query, token=token, now_us=self._now_us())
        refused_by_gate = self._meddlers.gate.request(request.path, query.now_us)
        if refused_by_gate is not None:
            return response(refused_by_gate)
        forged = await self._verifier.token(token)
        if forged is not None:
            return _json(*refused(forged))
        return _json(*self._rest.get(request.path, query))

    async def _nowhere(self, request: web.Request) -> web.Response:
        """What nobody serves is not found; a 405 would be read as the firewall's, which asks for a pause."""
        stopped = self._meddlers.gate.request(request.path, self._now_us())
        return response(stopped) if stopped is not None else _json(*NOT_FOUND)

    async def _send_tx(self, request: web.Request) -> web.Response:
        form = await _form(request)
        tx_type, tx_info = form.get("tx_type"), form.get("tx_info")
        if not (isinstance(tx_type, str) and tx_type.isascii() and tx_type.isdigit() and isinstance(tx_info, str)):
            return _json(*refused(Refusal(Code.INVALID_PARAM, "invalid param : tx_type or tx_info")))
        return await self._carry([int(tx_type[:_MAX_DIGITS])], [tx_info], is_batch=False)

    async def _send_batch(self, request: web.Request) -> web.Response:
        form = await _form(request)
        try:
            types = msgspec.json.decode(str(form.get("tx_types")), type=list[int])
            infos = msgspec.json.decode(str(form.get("tx_infos")), type=list[str])
        except (msgspec.DecodeError, UnicodeEncodeError):
            return _json(*refused(Refusal(Code.INVALID_PARAM, "invalid param : tx_types or tx_infos")))
        return await self._carry(types, infos, is_batch=True)

    async def _carry(self, types: list[int], infos: list[str], *, is_batch: bool) -> web.Response:
        """Admit what the gate lets through; the reply comes when it is committed."""
        forged = await self._verifier.txs(types, infos)
        if forged is not None:
            return _json(*refused(forged))
        now_us, gate = self._now_us(), self._meddlers.gate
        stopped = gate.sending(types, infos, now_us, is_batch=is_batch)
        if stopped is not None:
            return response(stopped)
        outcome = self.simulation.send_batch(types, infos, now_us) if is_batch else self._one(types, infos, now_us)
        self._dispatch()
        receipt = gate.receipt(now_us, is_batch=is_batch)
        if isinstance(outcome, Refusal):
            return _json(*refused(outcome))
        hashes = [record.tx_hash for record in outcome]
        await pause(self._clock, gate.commit_us)
        return _json(200, encode({**receipt, **replies.sent_body(hashes if is_batch else hashes[0], now_us)}))

    def _one(self, types: list[int], infos: list[str], now_us: int) -> list[TxRecord] | Refusal:
        outcome = self.simulation.send(types[0], infos[0], now_us)
        return outcome if isinstance(outcome, Refusal) else [outcome]

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        # Compressing for a reader on the same machine costs both sides more than the bytes do.
        socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE, autoping=True)
        writer_of_bytes = await socket.prepare(request)
        listener = FaultyListener(socket, request.transport, writer_of_bytes.drain, self._meddlers)
        conversation = Conversation(self.simulation)
        self._listeners.add(listener)
        listener.push(encode({"session_id": self._session_id(), "type": "connected"}))
        writer = asyncio.create_task(listener.pump(), name="venue-writer")
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    conversation.distrust(await self._verifier.message(message.data))
                    listener.converse(conversation, message.data, self._now_us())
                    self._hub.sync(listener, conversation.subscribed)
                    self._dispatch()
        finally:
            self._hub.sync(listener, set())
            self._listeners.discard(listener)
            writer.cancel()
            await asyncio.wait([writer])
        return socket

    def _session_id(self) -> str:
        """Fresh, but the same again where time is."""
        number = next(self._sessions)
        return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)) if self._clock.is_virtual else uuid.uuid4())

    async def _close_sockets(self, _: web.Application) -> None:
        await asyncio.gather(*(listener.close() for listener in self._listeners))


async def _form(request: web.Request) -> dict[str, str]:
    """The text fields of a form; none when it is no form, or one that cannot be read."""
    try:
        posted = await request.post()
    except (ValueError, LookupError):  # no boundary, broken text, a character set nobody knows
        return {}
    return {name: text for name, text in posted.items() if isinstance(text, str)}


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")
