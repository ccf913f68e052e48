"""Carries faults out on real sockets: a listener that loses frames, a middleware that loses replies."""

import asyncio
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from core.connectors.venue.control_clock import VenueClock, pause
from core.connectors.venue.conversation import Conversation
from core.connectors.venue.faults import Faults
from core.connectors.venue.faults_frames import FRAME_FAULTS, NORMAL, Act, Cut, Deliver, FaultyStream, Hangup
from core.connectors.venue.faults_requests import PASS, Answer, judge, judge_message
from core.connectors.venue.hub import Drain, Listener
from core.connectors.venue.tiers_gate import Gate

CONTROL: Final = "/control/"
"""Requests under this path are the operator's, not a client's: no fault touches them."""
_TEXT_16: Final = b"\x81\x7e"
"""Header of a whole text frame whose length follows in two bytes (RFC 6455, 5.2)."""
_CLOSE_NORMAL: Final = b"\x88\x02" + NORMAL.to_bytes(2, "big")
_LINGER_US: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Meddlers:
    """What stands between the venue and its clients."""

    faults: Faults
    clock: VenueClock
    gate: Gate


class FaultyListener(Listener):
    """A listener whose frames go through the faults first."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, drain: Drain, meddlers: Meddlers
    ) -> None:
        """Nothing queued, nothing held back."""
        super().__init__(socket, transport, drain)
        self._wire: Final = transport
        self._faults: Final = meddlers.faults
        self._clock: Final = meddlers.clock
        self._gate: Final = meddlers.gate
        self._stream: Final = FaultyStream(meddlers.faults)
        self._is_over = False

    def push(self, body: bytes) -> None:
        """Queue what the faults leave of one message."""
        if self._is_over:
            return
        if not self._faults.has_any(FRAME_FAULTS):
            Listener.push(self, body)  # at every frame of every client: `super()` costs as much again
            return
        for act in self._stream.passing(body, self._clock.now_us()):
            self._do(act)

    def converse(self, conversation: Conversation, text: str, now_us: int) -> None:
        """Let one message of the client be answered, as far as budgets and faults allow."""
        refused = self._gate.message(text, now_us)
        if refused is not None:
            self.push(refused)
            return
        verdict = PASS
        if self._faults.is_armed:
            verdict, ready = judge_message(self._faults, text, self._clock.now_us())
            if ready is not None and verdict.is_heard:
                self.push(ready)
            if ready is not None or not verdict.is_carried_out:
                return
        reply = conversation.receive(text, now_us)
        delay_us = verdict.delay_us + (self._gate.commit_us if self._gate.has_fresh else 0)
        self._gate.receipt(now_us)
        if reply is None or not verdict.is_heard:
            return
        if delay_us:
            self._clock.after(delay_us, lambda: self.push(reply))
        else:
            self.push(reply)

    def _do(self, act: Act) -> None:
        match act:
            case Deliver(body, 0):
                super().push(body)
            case Deliver(body, delay_us):
                self._clock.after(delay_us, lambda: self._late(body))
            case Hangup(0):
                self._hang_up()
            case Hangup(delay_us):
                self._clock.after(delay_us, self._hang_up)
            case Cut(body):
                self._end(_TEXT_16 + min(len(body), 0xFFFF).to_bytes(2, "big") + body[: min(len(body), 0xFFFF) // 2])
                if self._wire is not None:
                    self._wire.close()

    def _late(self, body: bytes) -> None:
        if not self._is_over:
            super().push(body)

    def _hang_up(self) -> None:
        """Say goodbye, and hang up on a client that does not answer it."""
        self._end(_CLOSE_NORMAL)
        if self._wire is not None:
            self._clock.after(_LINGER_US, self._wire.close)

    def _end(self, last: bytes) -> None:
        """The last bytes of this socket; the queue is forgotten."""
        if self._is_over or self._wire is None or self._wire.is_closing():
            return
        self._is_over = True
        self.forget()
        self._wire.write(last)


def middleware(faults: Faults, clock: VenueClock) -> Middleware:
    """Meddles with every request but the operator's."""

    @web.middleware
    async def meddle(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not faults.is_armed or request.path.startswith(CONTROL):
            return await handler(request)
        has_token = "authorization" in request.headers or "auth" in request.query
        verdict = judge(faults, request.path, clock.now_us(), has_token=has_token)
        is_done = verdict.is_carried_out and (verdict.instead is None or request.method == "POST")
        answer = await handler(request) if is_done else web.Response(status=500)
        await pause(clock, verdict.delay_us)
        if not verdict.is_heard and request.transport is not None:
            request.transport.abort()
        elif verdict.instead is not None:
            answer = response(verdict.instead)
        if isinstance(answer, web.Response) and isinstance(answer.body, bytes) and verdict.changes:
            answer.body = verdict.changed(answer.body)
        return answer

    return meddle


def response(answer: Answer) -> web.Response:
    """A ready answer as HTTP."""
    return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)
