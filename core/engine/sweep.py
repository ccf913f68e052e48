"""Cancel everything and see the venue's own empty list: what the kill switch and the exit policy both need. Pure.

It never believes itself: an answer to a cancel-all proves nothing, only a complete list asked for afterwards does, and
only once no order of ours may still be on its way.
"""

from typing import Final, assert_never

from core.clock import MILLISECOND_NS, SECOND_NS, Instant
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.engine.effects import SendCancelAll
from core.engine.evidence import Evidence
from core.engine.facts import Facts
from core.engine.tasks import Tasks
from core.events import NoticeLevel, OpenOrdersListed

LATE_NS: Final = 3 * SECOND_NS
"""Without confirmation for this long, a sweep counts as failing; it goes on all the same."""
_LIST_EVERY_NS: Final = 250 * MILLISECOND_NS
_WATCH_EVERY_NS: Final = 5 * SECOND_NS
_AGAIN_NS: Final = SECOND_NS
_SINGLES_AFTER: Final = 2
"""Cancel-alls after which the orders that are still listed are cancelled one by one as well."""


class Sweep:
    """One pursuit of the empty list; watches that it stays empty until it is stopped."""

    def __init__(self, facts: Facts, tasks: Tasks, evidence: Evidence) -> None:
        self._facts = facts
        self._tasks = tasks
        self._evidence = evidence
        self.is_on = False
        self.attempts = 0
        self.sent_ns: int | None = None
        """When the bytes of the first cancel-all left."""
        self.confirmed_ns: int | None = None
        self.fault = ""
        """Why the last step failed."""
        self._started_ns = 0
        self._is_sending = False
        self._last_ns = 0
        self._was_taken = False
        self._polled_ns = 0
        self._asked_ns = 0
        self._listed: int | None = None
        self._is_blind = False
        """The newest try to get the list failed."""

    def start(self, now: Instant, *, is_new: bool) -> None:
        """Begin, or go on with another cancel-all at once; `is_new` measures and counts from here."""
        if is_new or not self.is_on or self.confirmed_ns is not None:
            self.attempts = 0
            self.sent_ns = None
            self.fault = ""
            self._started_ns = now.mono_ns
            self._is_sending = False
        self.is_on = True
        self.confirmed_ns = None
        self._listed = None
        self._cancel_all(now)

    @property
    def is_confirmed(self) -> bool:
        """Whether the venue's list is empty, and watched."""
        return self.is_on and self.confirmed_ns is not None

    def stop(self) -> None:
        """No longer watch."""
        self.is_on = False

    def is_late(self, now: Instant) -> bool:
        """Whether it should have been confirmed by now."""
        return self.confirmed_ns is None and now.mono_ns - self._started_ns > LATE_NS

    def may_be_live(self) -> int | None:
        """How many orders may be live, by our map and the venue's newest list; None while that list cannot be had."""
        if self._is_blind or not self._facts.standing.is_listed:
            return None
        return max(self._facts.strays(), self._listed or 0)

    def on_sent(self, sent_ns: int) -> None:
        """The bytes of a cancel-all left."""
        if self.sent_ns is None:
            self.sent_ns = sent_ns

    def on_resolved(self, outcome: TxOutcome, now: Instant) -> None:
        """What became of a cancel-all."""
        self._is_sending = False
        self._was_taken = isinstance(outcome, Sent)
        match outcome:
            case Sent():
                self.fault = ""
                if self.is_on:
                    self._ask(now)
            case Refused(code=code, detail=detail):
                self._fail(f"the cancel-all was refused: {detail} ({code})", now)
            case Unresolved(cause=cause):
                self._fail(f"the cancel-all is in doubt: {cause}", now)
            case other:
                assert_never(other)

    def on_list(self, listed: OpenOrdersListed, now: Instant) -> None:
        """The venue's complete list; `core.engine.evidence` took it in already."""
        flattening = self._facts.standing.flattening
        self._listed = sum(report.client_id not in flattening for report in listed.orders)
        self._is_blind = False
        self._asked_ns = listed.asked_ns
        if self._was_taken:
            self.fault = ""
        self._judge(now)

    def on_list_failed(self, why: str, now: Instant) -> None:
        """The list could not be had, so nothing is confirmed."""
        self._is_blind = True
        if self.is_on:
            self._fail(f"the list of open orders cannot be had: {why}", now)

    def tick(self, now: Instant) -> None:
        """Ask, cancel again, judge."""
        if not self.is_on:
            return
        if not self._facts.standing.is_connected:
            self._is_blind = True
            self.fault = "the venue cannot be reached yet"
            return
        self._judge(now)
        every = _LIST_EVERY_NS if self.confirmed_ns is None else _WATCH_EVERY_NS
        if now.mono_ns - self._polled_ns >= every:
            self._ask(now)
        if self.confirmed_ns is None and not self._is_sending and now.mono_ns - self._last_ns >= _AGAIN_NS:
            is_needed = self.attempts == 0 or not self._was_taken or bool(self._listed) or self._facts.orders.open() > 0
            if is_needed:
                self._cancel_all(now)

    def _judge(self, now: Instant) -> None:
        if not self.is_on:
            return
        may_live = self._facts.strays() > 0 or bool(self._listed)
        if self.confirmed_ns is not None:
            if may_live:
                self._facts.tell(NoticeLevel.ALERT, "an order appeared after everything was cancelled", now)
                self.confirmed_ns = None
                self._started_ns = now.mono_ns
            return
        is_answered = self.attempts > 0 and not self._is_sending
        is_fresh = self._listed is not None and self._asked_ns >= max(self._last_ns, self._tasks.resolved_ns)
        if is_answered and is_fresh and not may_live and not self._tasks.is_sending:
            self.confirmed_ns = now.mono_ns
            self.fault = ""

    def _cancel_all(self, now: Instant) -> None:
        if self._is_sending or not self._facts.standing.is_connected:
            return
        self._is_sending = True
        self._last_ns = now.mono_ns
        self.attempts += 1
        self._facts.emit(SendCancelAll())
        if self.attempts > _SINGLES_AFTER:
            for tracked in self._facts.orders.live():
                if tracked.status.may_be_live:
                    self._tasks.send_cancel(tracked, now)

    def _ask(self, now: Instant) -> None:
        self._polled_ns = now.mono_ns
        self._evidence.hurry(now)
        self._evidence.ask_list()

    def _fail(self, fault: str, now: Instant) -> None:
        if fault != self.fault:
            self._facts.tell(NoticeLevel.ALERT, fault, now)
        self.fault = fault


def orders(count: int) -> str:
    """`1 order`, `2 orders`."""
    return "1 order" if count == 1 else f"{count} orders"


def still_live(count: int | None) -> str:
    """What may still rest at the venue, in words."""
    if count is None:
        return "how many orders are live is not known"
    return f"{orders(count)} may still be live" if count else "the venue's list is not confirmed yet"
