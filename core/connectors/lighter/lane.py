"""One API key's line to the venue: sign, send and wait for the answer, one message at a time.

The venue refuses the second of two requests in flight on one key even when its nonce is right, so the turn is held
from signing to the answer. Which nonce is next is decided by `nonce`; here it is only carried out. The account's
WebSocket is the first road and REST the second; a lane keeps off the first for a while after it swallowed an answer.

An outcome that is not clear is settled without ever signing anew: the venue's counter tells whether the nonce was
used; where it was not, the identical bytes may go once more, since a nonce works once; and the venue can be asked by
hash.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from core.clock import SECOND_NS, Clock
from core.connectors.base import EventSink, SendGate
from core.connectors.lighter import nonce
from core.connectors.lighter.bodies import EnrichedTx, NextNonce, tx_outcome
from core.connectors.lighter.budget import Grade
from core.connectors.lighter.encode import Tx
from core.connectors.lighter.rest import RestClient
from core.connectors.lighter.signed import signed_event
from core.connectors.lighter.signer import SignedTx, Signer
from core.connectors.lighter.turn import Turn, Urgency
from core.connectors.lighter.tx_socket import TxSocket
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.errors import AuthRejected, LinkDown, ProtocolViolation

__all__ = ["MAX_BATCH", "Lane", "Roads", "Urgency"]

MAX_BATCH: Final = 50
"""Of one REST request; the venue's code 21514 beyond."""
_GRADES: Final = {Urgency.CANCEL_ALL: Grade.KILL, Urgency.CANCEL: Grade.URGENT, Urgency.ORDER: Grade.ORDINARY}
_PACE_S: Final = 0.25
"""How often a cancel that the budgets hold back asks again."""
_DISTRUST_NS: Final = 30 * SECOND_NS
_ORDER_AGAIN_NS: Final = 2 * SECOND_NS
"""Bytes of an order are sent again only this soon: an order at an old price is not what was wanted."""
_MAY_LAND_NS: Final = 600 * SECOND_NS
"""A transaction of ours that got no answer may move the nonce until its signature expires, 599 s after signing."""
_FAILURES: Final = (LinkDown, AuthRejected, ProtocolViolation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """The ways to the venue that all lanes of an account share."""

    rest: RestClient
    socket: TxSocket | None
    """None when transactions shall go over REST alone."""
    clock: Clock
    sink: EventSink | None = None
    """Told of every transaction signed; None when nobody keeps a journal of them."""


@dataclass(slots=True, kw_only=True)
class _Job:
    """What is sent with one message, and how far it came."""

    txs: Sequence[Tx]
    gate: SendGate
    urgency: Urgency
    on_sent: Callable[[int], None] | None
    signed: list[SignedTx] = field(default_factory=list)
    first: int = 0
    """The nonce of the first transaction."""
    sent_ns: int = 0

    def note(self, at_ns: int) -> None:
        """The bytes leave; only the first time counts."""
        if not self.sent_ns:
            self.sent_ns = at_ns
            if self.on_sent is not None:
                self.on_sent(at_ns)


class Lane:
    """The nonces of one key, and the turn on it."""

    def __init__(self, signer: Signer, roads: Roads, account_index: int, wait_s: int) -> None:
        """An order that waits longer than `wait_s` for its turn is not sent; cancels wait as long as it takes."""
        self._signer: Final = signer
        self._rest: Final = roads.rest
        self._socket: Final = roads.socket
        self._clock: Final = roads.clock
        self._sink: Final = roads.sink
        self._limiter: Final = roads.rest.limiter
        self._account: Final = account_index
        self._wait_s: Final = wait_s
        self._turn: Final = Turn()
        self._state: nonce.NonceState = nonce.Unknown()
        self._distrust_until_ns = 0
        self._lost_ns: int | None = None
        self.on_moved: Callable[[int, int], None] = lambda _expected, _found: None
        """Told when the nonce expected and the one found differ and nothing of ours can explain it."""

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

    @property
    def is_forgetful(self) -> bool:
        """Whether the next transaction would have to ask for its nonce first, and none is doing so."""
        return isinstance(self._state, nonce.Unknown) and not self._turn.is_taken

    async def learn(self) -> None:
        """Read the nonce of a lane that lost it, in nobody's way: whoever wants to send meanwhile asks by himself.

        Raises:
            LinkDown: the venue did not say, or the budget for chores is spent.
            AuthRejected: it does not know the key.
            ProtocolViolation: its answer cannot be read.
        """
        before = self._state
        fetched = await self._ask_nonce(Grade.CHORE)
        if self._state is before and self.is_forgetful:
            self._state = nonce.step(self._state, nonce.Fetched(fetched))

    async def send(
        self, tx: Tx, gate: SendGate, urgency: Urgency, on_sent: Callable[[int], None] | None = None
    ) -> TxOutcome:
        """Send one transaction when its turn comes. `gate` is asked before signing and again before bytes leave.

        An order that the budgets do not cover is refused, a cancel waits until they do.
        """
        outcomes = await self._run(_Job(txs=(tx,), gate=gate, urgency=urgency, on_sent=on_sent))
        return outcomes[0]

    async def send_batch(self, txs: Sequence[Tx], gate: SendGate) -> tuple[TxOutcome, ...]:
        """Send up to 50 orders in one message; the outcome of each, in order.

        The venue gives one verdict for all. When it is not a clear yes, its counter tells how many were taken.
        """
        if not txs:
            return ()
        if len(txs) > MAX_BATCH:
            return (Refused(0, f"batch: expected at most {MAX_BATCH} orders, got {len(txs)}"),) * len(txs)
        return await self._run(_Job(txs=txs, gate=gate, urgency=Urgency.ORDER, on_sent=None))

    async def _run(self, job: _Job) -> tuple[TxOutcome, ...]:
        urgency = job.urgency
        while True:
            try:
                async with asyncio.timeout(self._wait_s if urgency is Urgency.ORDER else None):
                    await self._turn.take(urgency)
            except TimeoutError:
                return _all(
                    job, Refused(0, f"not sent: waited {self._wait_s} s for the answer to an earlier transaction")
                )
            try:
                held = self._charge(job)
                if held is None:
                    return await self._attempt_twice(job)
                if urgency is not Urgency.CANCEL:
                    return _all(job, Refused(0, f"not sent: {held}"))
            finally:
                self._turn.give()
            await asyncio.sleep(_PACE_S)  # without the turn: a cancel-all may go meanwhile

    def _charge(self, job: _Job) -> str | None:
        return self._limiter.transaction(len(job.txs), _GRADES[job.urgency], self._clock.now().mono_ns)

    async def _attempt_twice(self, job: _Job) -> tuple[TxOutcome, ...]:
        outcomes = await self._attempt(job)
        if not all(isinstance(one, Refused) and one.code == nonce.INVALID_NONCE for one in outcomes):
            return outcomes
        if self._charge(job):
            return outcomes
        expected = job.first
        outcomes = await self._attempt(job)  # certainly not executed
        is_ours = self._lost_ns is not None and self._clock.now().mono_ns - self._lost_ns < _MAY_LAND_NS
        if job.first > expected and not is_ours:
            self.on_moved(expected, job.first)
        return outcomes

    async def _attempt(self, job: _Job) -> tuple[TxOutcome, ...]:
        stopped = job.gate()
        if stopped is not None:
            return _all(job, Refused(0, stopped or "stopped"))
        if not isinstance(self._state, nonce.Ready):
            try:
                await self._fetch(_GRADES[job.urgency])
            except _FAILURES as error:
                return _all(job, Refused(0, f"not sent: {error}"))
        verdict = await self._sign_and_send(job)
        is_doubtful_batch = isinstance(verdict, Refused) and bool(verdict.code) and len(job.txs) > 1
        if isinstance(verdict, Unresolved) or is_doubtful_batch:
            return await self._settle(job, verdict)
        return _all(job, verdict)

    async def _sign_and_send(self, job: _Job) -> TxOutcome:
        self._state = nonce.step(self._state, nonce.Taken())
        if not isinstance(self._state, nonce.Busy):
            return Refused(0, "not sent: the venue did not say which nonce is next")
        happened: nonce.NonceInput = nonce.Returned()
        try:
            job.first, job.signed = self._state.nonce, []
            for number, tx in enumerate(job.txs, job.first):
                signed = await self._signer.sign(tx, number)
                if isinstance(signed, Refused):
                    return signed
                job.signed.append(signed)
                if self._sink is not None:
                    self._sink(signed_event(tx, signed, number, self._signer.api_key_index))
            happened = nonce.Lost()  # also what a cancelled wait leaves behind
            verdict = await self._dispatch(job)
            happened = _as_input(verdict, len(job.txs))
            return verdict
        finally:
            self._state = nonce.step(self._state, happened)
            if isinstance(happened, nonce.Lost):
                self._lost_ns = self._clock.now().mono_ns

    async def _dispatch(self, job: _Job) -> TxOutcome:
        """By the first road that is open and trusted."""
        if self._socket is not None and self._clock.now().mono_ns >= self._distrust_until_ns:
            verdict = await self._socket.send(job.signed, job.gate, job.note)
            if isinstance(verdict, Unresolved):
                self._distrust_until_ns = self._clock.now().mono_ns + _DISTRUST_NS
            if verdict is not None:
                return verdict
        return await self._rest.send_txs(job.signed, job.gate, job.note)

    async def _settle(self, job: _Job, verdict: TxOutcome) -> tuple[TxOutcome, ...]:
        """Find out what became of it, by evidence alone."""
        landed = await self._count_landed(job)
        if landed == 0 and isinstance(verdict, Unresolved) and self._may_go_again(job):
            again = await self._send_again(job)
            if isinstance(again, Sent):
                return _all(job, again)
            landed = await self._count_landed(job)
        if landed is None:
            cause = verdict.cause if isinstance(verdict, Unresolved) else "a batch of which some may have been taken"
            verdict, landed = Unresolved(cause, job.signed[0].tx_hash), 0
        is_alone = len(job.txs) == 1 and job.urgency is Urgency.ORDER  # cancels are tried again sooner than looked up
        if isinstance(verdict, Unresolved) and landed == 0 and is_alone:
            verdict = await self._ask_by_hash(job, verdict)
        known = Sent(job.signed[0].tx_hash, job.sent_ns, self._clock.now().mono_ns)
        return (*_all(job, known)[:landed], *_all(job, verdict)[landed:])

    async def _count_landed(self, job: _Job) -> int | None:
        """How many the venue's counter proves to have been taken: all before it. None when it cannot be read.

        That the others were not taken yet proves nothing: the message may still be under way.
        """
        before = self._state
        try:
            fetched = await self._fetch(Grade.KILL)
        except _FAILURES:
            return None
        return min(len(job.txs), fetched - job.first) if nonce.has_landed(before, fetched) else 0

    def _may_go_again(self, job: _Job) -> bool:
        """Identical bytes can be executed once at most: their nonce works once. Orders must still be timely."""
        now_ns = self._clock.now().mono_ns
        is_timely = job.urgency is not Urgency.ORDER or now_ns - job.sent_ns <= _ORDER_AGAIN_NS
        return is_timely and self._state == nonce.Ready(job.first) and self._charge(job) is None

    async def _send_again(self, job: _Job) -> TxOutcome:
        """The very same bytes, over REST."""
        self._state = nonce.step(self._state, nonce.Taken())
        happened: nonce.NonceInput = nonce.Lost()
        try:
            verdict = await self._rest.send_txs(job.signed, job.gate, job.note)
            if isinstance(verdict, Sent):
                happened = nonce.Accepted(len(job.txs))
            return verdict
        finally:  # whatever else it says, the first copy may still arrive
            self._state = nonce.step(self._state, happened)

    async def _ask_by_hash(self, job: _Job, verdict: Unresolved) -> TxOutcome:
        params: dict[str, str | int] = {"by": "hash", "value": job.signed[0].tx_hash}
        try:
            found = await self._rest.get("/api/v1/tx", EnrichedTx, params, grade=Grade.URGENT)
        except _FAILURES:  # also what the venue says of a hash it has not seen yet
            return verdict
        known = Sent(job.signed[0].tx_hash, job.sent_ns, self._clock.now().mono_ns)
        return tx_outcome(found, known) or verdict

    async def _fetch(self, grade: Grade) -> int:
        fetched = await self._ask_nonce(grade)
        self._state = nonce.step(self._state, nonce.Fetched(fetched))
        return fetched

    async def _ask_nonce(self, grade: Grade) -> int:
        answer = await self._rest.get(
            "/api/v1/nextNonce",
            NextNonce,
            {"account_index": self._account, "api_key_index": self._signer.api_key_index},
            grade=grade,
        )
        return answer.nonce


def _all(job: _Job, verdict: TxOutcome) -> tuple[TxOutcome, ...]:
    """One verdict for each transaction of a message, each with its own hash."""
    match verdict:
        case Sent(_, sent_ns, acked_ns):
            return tuple(Sent(one.tx_hash, sent_ns, acked_ns) for one in job.signed)
        case Unresolved(cause, _):
            return tuple(Unresolved(cause, one.tx_hash) for one in job.signed)
        case Refused():
            return (verdict,) * len(job.txs)


def _as_input(verdict: TxOutcome, count: int) -> nonce.NonceInput:
    match verdict:
        case Sent():
            return nonce.Accepted(count)
        case Refused(code, _):
            if count > 1 and code:  # some of a batch may have been taken before the one that was not
                return nonce.Lost()
            return nonce.RefusedWith(code) if code else nonce.Returned()
        case Unresolved():
            return nonce.Lost()
