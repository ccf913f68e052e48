"""One API key's line to the venue: sign, send and wait for the answer, one transaction at a time.

The venue refuses the second of two requests in flight on one key even when its nonce is right, so the turn is held from
signing to the answer. Which nonce is next is decided by `nonce`; here it is only carried out.
"""

import asyncio
from collections.abc import Callable
from enum import IntEnum
from heapq import heappop, heappush
from typing import Final

from core.clock import Clock
from core.connectors.base import SendGate
from core.connectors.lighter import nonce
from core.connectors.lighter.bodies import NextNonce
from core.connectors.lighter.budget import Grade
from core.connectors.lighter.encode import Tx
from core.connectors.lighter.rest import RestClient
from core.connectors.lighter.signer import Signer
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.errors import AuthRejected, LinkDown, ProtocolViolation


class Urgency(IntEnum):
    """Who goes first when several wait for one key."""

    CANCEL_ALL = 0
    CANCEL = 1
    ORDER = 2


_GRADES: Final = {Urgency.CANCEL_ALL: Grade.KILL, Urgency.CANCEL: Grade.URGENT, Urgency.ORDER: Grade.ORDINARY}
_PACE_S: Final = 0.25
"""How often a cancel that the budgets hold back asks again."""


class Lane:
    """The nonces of one key, and the turn on it."""

    def __init__(self, signer: Signer, rest: RestClient, clock: Clock, account_index: int, wait_s: int) -> None:
        """An order that waits longer than `wait_s` for its turn is not sent; cancels wait as long as it takes."""
        self._clock: Final = clock
        self._limiter: Final = rest.limiter
        self._signer: Final = signer
        self._rest: Final = rest
        self._account: Final = account_index
        self._wait_s: Final = wait_s
        self._turn: Final = _Turn()
        self._state: nonce.NonceState = nonce.Unknown()

    @property
    def state(self) -> nonce.NonceState:
        """What is known of the next nonce."""
        return self._state

    async def prepare(self) -> None:
        """Learn the next nonce ahead of the first transaction.

        Raises:
            LinkDown: the venue did not say.
            AuthRejected: it does not know the key.
        """
        await self._fetch(Grade.URGENT)

    async def send(
        self, tx: Tx, gate: SendGate, urgency: Urgency, on_sent: Callable[[int], None] | None = None
    ) -> TxOutcome:
        """Send one transaction when its turn comes. `gate` is asked before signing and again before bytes leave.

        An order that the budgets do not cover is refused, a cancel waits until they do.
        """
        while True:
            try:
                async with asyncio.timeout(self._wait_s if urgency is Urgency.ORDER else None):
                    await self._turn.take(urgency)
            except TimeoutError:
                return Refused(0, f"not sent: waited {self._wait_s} s for the answer to an earlier transaction")
            try:
                held = self._limiter.transaction(1, _GRADES[urgency], self._clock.now().mono_ns)
                if held is None:
                    return await self._attempt_twice(tx, gate, urgency, on_sent)
                if urgency is not Urgency.CANCEL:
                    return Refused(0, f"not sent: {held}")
            finally:
                self._turn.give()
            await asyncio.sleep(_PACE_S)  # without the turn: a cancel-all may go meanwhile

    async def _attempt_twice(
        self, tx: Tx, gate: SendGate, urgency: Urgency, on_sent: Callable[[int], None] | None
    ) -> TxOutcome:
        outcome = await self._attempt(tx, gate, urgency, on_sent)
        if not isinstance(outcome, Refused) or outcome.code != nonce.INVALID_NONCE:
            return outcome
        held = self._limiter.transaction(1, _GRADES[urgency], self._clock.now().mono_ns)
        return outcome if held else await self._attempt(tx, gate, urgency, on_sent)  # it was certainly not executed

    async def _attempt(
        self, tx: Tx, gate: SendGate, urgency: Urgency, on_sent: Callable[[int], None] | None
    ) -> TxOutcome:
        stopped = gate()
        if stopped is not None:
            return Refused(0, stopped or "stopped")
        if not isinstance(self._state, nonce.Ready):
            try:
                await self._fetch(_GRADES[urgency])
            except (LinkDown, AuthRejected, ProtocolViolation) as error:
                return Refused(0, f"not sent: {error}")
        sent_ns = 0

        def note(at_ns: int) -> None:
            nonlocal sent_ns
            sent_ns = at_ns
            if on_sent is not None:
                on_sent(at_ns)

        outcome = await self._sign_and_send(tx, gate, note)
        return await self._settle(outcome, sent_ns) if isinstance(outcome, Unresolved) else outcome

    async def _sign_and_send(self, tx: Tx, gate: SendGate, on_sent: Callable[[int], None]) -> TxOutcome:
        self._state = nonce.step(self._state, nonce.Taken())
        if not isinstance(self._state, nonce.Busy):
            return Refused(0, "not sent: the venue did not say which nonce is next")
        happened: nonce.NonceInput = nonce.Returned()
        try:
            signed = await self._signer.sign(tx, self._state.nonce)
            if isinstance(signed, Refused):
                return signed
            happened = nonce.Lost()  # also what a cancelled wait leaves behind
            outcome = await self._rest.send_tx(signed, gate, on_sent)
            happened = _as_input(outcome)
            return outcome
        finally:
            self._state = nonce.step(self._state, happened)

    async def _settle(self, outcome: Unresolved, sent_ns: int) -> TxOutcome:
        """A counter that moved past the lost nonce proves it landed; one that did not proves nothing."""
        before = self._state
        try:
            fetched = await self._fetch(Grade.KILL)
        except (LinkDown, AuthRejected, ProtocolViolation):
            return outcome
        known_ns = self._rest.health.last_message_ns
        return Sent(outcome.tx_hash, sent_ns, known_ns) if nonce.has_landed(before, fetched) else outcome

    async def _fetch(self, grade: Grade) -> int:
        answer = await self._rest.get(
            "/api/v1/nextNonce",
            NextNonce,
            {"account_index": self._account, "api_key_index": self._signer.api_key_index},
            grade=grade,
        )
        self._state = nonce.step(self._state, nonce.Fetched(answer.nonce))
        return answer.nonce


class _Turn:
    """A lock whose waiters go by urgency, then by arrival."""

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []
        self._arrivals = 0

    async def take(self, urgency: Urgency) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        granted = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heappush(self._waiting, (urgency, self._arrivals, granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():  # granted and cancelled at once: pass it on
                self.give()
            raise

    def give(self) -> None:
        while self._waiting:
            _, _, granted = heappop(self._waiting)
            if not granted.done():
                granted.set_result(None)
                return
        self._is_taken = False


def _as_input(outcome: TxOutcome) -> nonce.NonceInput:
    match outcome:
        case Sent():
            return nonce.Accepted()
        case Refused(code, _):
            return nonce.RefusedWith(code) if code else nonce.Returned()
        case Unresolved():
            return nonce.Lost()
