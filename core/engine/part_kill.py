"""Kills of a part: one market or one strategy, stopped, cancelled, confirmed by the venue's list, latched. Pure.

A market is cancelled by the venue's native cancel-all of it, a strategy order by order. Each part is blocked until it
is re-armed with a reason, over restarts too; the kill of everything stands above all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from core.clock import MILLISECOND_NS, SECOND_NS, Instant
from core.commands import KillPart, RearmPart
from core.decisions import Denied, DenyReason, Refused, Sent, TxOutcome, Unresolved
from core.engine.effects import SendCancelAll
from core.engine.evidence import Evidence
from core.engine.facts import Facts, Urgency
from core.engine.order_map import Tracked
from core.engine.sweep import LATE_NS, still_live
from core.engine.tasks import Tasks
from core.events import CancelSendResolved, NoticeLevel, OpenOrdersListed, OrderReport
from core.model import Market
from core.scope import Scope
from core.state import UNMEASURED, KillPhase, KillStatus
from core.units import MarketId

_KEY: Final = "kill part:"
_LIST_EVERY_NS: Final = 250 * MILLISECOND_NS
_WATCH_EVERY_NS: Final = 5 * SECOND_NS
_AGAIN_NS: Final = SECOND_NS
_SINGLE_AGAIN_NS: Final = 3 * SECOND_NS
"""A single cancel waits for the venue's budgets inside the connector: more of them would only lengthen that queue."""
_SINGLES_AFTER: Final = 2
_TOLD: Final = {KillPhase.CONFIRMED: NoticeLevel.WARN, KillPhase.FAILING: NoticeLevel.ALERT}


@dataclass(slots=True, kw_only=True)
class _Part:
    """One pursuit of a list without orders of this part."""

    status: KillStatus
    started_ns: int
    attempts: int = 0
    last_ns: int = 0
    """When it was last cancelled."""
    is_sending: bool = False
    """A cancel-all of its market is on its way."""
    was_taken: bool = False
    polled_ns: int = 0
    asked_ns: int = -1
    """When the newest list was asked for."""
    resolved_ns: int = 0
    """When the last order of it that was on its way was answered."""
    listed: int | None = None
    """Orders of it in the newest list; None while that cannot be had."""
    fault: str = ""

    @property
    def scope(self) -> Scope:
        return self.status.scope

    @property
    def is_native(self) -> bool:
        """Whether the venue can cancel all of it with one transaction."""
        return self.scope.market_id is not None and not self.scope.strategy


class PartKills:
    """Every part that is killed."""

    def __init__(self, facts: Facts, tasks: Tasks, evidence: Evidence) -> None:
        self._facts = facts
        self._tasks = tasks
        self._evidence = evidence
        self._parts: dict[Scope, _Part] = {}

    def restore(self, now: Instant) -> None:
        """What was killed starts killed."""
        for key, latch in self._facts.meta.items():
            if key.startswith(_KEY) and latch:
                at_us, _, by = latch.partition(" ")
                scope = Scope.of_key(key.removeprefix(_KEY))
                self._begin(scope, by, int(at_us), UNMEASURED, now)
                self._facts.tell(NoticeLevel.ALERT, f"{self._name(scope)} is still killed, by {by}", now)

    def press(self, command: KillPart, now: Instant) -> None:
        """Stop one part. Pressed again, it tries again at once."""
        facts, scope = self._facts, command.scope
        known = self._parts.get(scope)
        if known is None or known.status.phase is KillPhase.CONFIRMED:
            self._begin(scope, command.by, now.utc_us, command.pressed_ns, now)
        self._cancel(self._parts[scope], now)
        name = self._name(scope)
        dropped = self._tasks.drop_all(Denied(DenyReason.KILLED, f"{name} was killed by {command.by}"), now, scope)
        facts.store(_KEY + scope.key(), f"{now.utc_us} {command.by}")
        facts.audit("kill", f"{name} by {command.by}, {dropped} queued tasks dropped", now)
        facts.tell(NoticeLevel.ALERT, f"{name} killed by {command.by}: {dropped} queued tasks dropped", now)
        self.refresh(now)

    def is_confirmed(self, scope: Scope) -> bool:
        """Whether the venue's list holds no order of it, and is watched."""
        part = self._parts.get(scope)
        return part is not None and part.status.phase is KillPhase.CONFIRMED

    def rearm(self, command: RearmPart, now: Instant) -> None:
        """Lift one, if the venue confirmed that nothing of it is open and there is a reason."""
        facts, scope, name = self._facts, command.scope, self._name(command.scope)
        part = self._parts.get(scope)
        if part is None:
            facts.tell(NoticeLevel.INFO, f"nothing to re-arm: {name} is not killed by itself", now)
        elif part.status.phase is not KillPhase.CONFIRMED:
            text = f"cannot re-arm {name}: its kill is {part.status.phase.value}, the venue has not confirmed it"
            facts.tell(NoticeLevel.WARN, text, now)
        elif not command.reason.strip():
            facts.tell(NoticeLevel.WARN, f"cannot re-arm {name}: a reason is needed", now)
        else:
            del self._parts[scope]
            facts.store(_KEY + scope.key(), "")
            facts.audit("rearm", f"{name} by {command.by}: {command.reason}", now)
            facts.tell(NoticeLevel.WARN, f"{name} re-armed by {command.by}: {command.reason}", now)
            self._show()

    def on_list(self, listed: OpenOrdersListed) -> None:
        """The venue's complete list; `core.engine.evidence` took it in already."""
        for part in self._parts.values():
            part.listed = sum(_is_in(self._facts, part.scope, report) for report in listed.orders)
            part.asked_ns = listed.asked_ns
            if part.was_taken or not part.is_native:
                part.fault = ""

    def on_list_failed(self, why: str) -> None:
        """The list could not be had, so nothing is confirmed."""
        for part in self._parts.values():
            part.listed = None
            part.fault = f"the list of open orders cannot be had: {why}"

    def on_answer(self, tracked: Tracked | None, now: Instant) -> None:
        """An order that was on its way was answered: only a list asked for after this tells of it."""
        for part in self._parts.values():
            if tracked is None or _has(part.scope, tracked):
                part.resolved_ns = now.mono_ns

    def on_sent(self, market_id: MarketId, sent_ns: int) -> None:
        """The bytes of a cancel-all of this market left."""
        for part in self._parts.values():
            is_it = part.is_native and part.scope.market_id == market_id
            if is_it and part.status.sent_ns is None:
                part.status = replace(part.status, sent_ns=sent_ns)

    def on_resolved(self, market_id: MarketId, outcome: TxOutcome, now: Instant) -> None:
        """What became of a cancel-all of this market."""
        for part in self._parts.values():
            if part.is_native and part.scope.market_id == market_id:
                part.is_sending = False
                part.was_taken = isinstance(outcome, Sent)
                self._take(part, outcome, now)

    def on_cancel(self, event: CancelSendResolved, now: Instant) -> None:
        """What became of a single cancel."""
        tracked = self._facts.orders.find(venue_id=event.venue_id, client_id=event.client_id)
        outcome = event.outcome
        for part in self._parts.values():
            if tracked is not None and not part.is_native and _has(part.scope, tracked):
                self._take(part, outcome, now)
                if isinstance(outcome, Sent) and part.status.sent_ns is None:
                    part.status = replace(part.status, sent_ns=outcome.sent_ns)

    def tick(self, now: Instant) -> None:
        """Ask, and cancel again."""
        for part in self._parts.values():
            is_confirmed = part.status.phase is KillPhase.CONFIRMED
            if not self._facts.standing.is_connected:
                part.listed, part.fault = None, "the venue cannot be reached yet"
                continue
            if now.mono_ns - part.polled_ns >= (_WATCH_EVERY_NS if is_confirmed else _LIST_EVERY_NS):
                part.polled_ns = now.mono_ns
                self._evidence.hurry(now)
                self._evidence.ask_list()
            if not is_confirmed and now.mono_ns - part.last_ns >= _AGAIN_NS and self._is_needed(part):
                self._cancel(part, now)

    def refresh(self, now: Instant) -> None:
        """Judge every part, and bring what is shown up to it."""
        if not self._parts and not self._facts.standing.kills:
            return
        for part in self._parts.values():
            before = part.status
            live = sum(tracked.status.may_be_live for tracked in self._members(part.scope))
            left = None if part.listed is None else max(live, part.listed)
            phase, confirmed_ns = self._phase(part, live, now)
            if before.phase is KillPhase.CONFIRMED and phase is not KillPhase.CONFIRMED:
                text = f"an order of {self._name(part.scope)} appeared after it was cancelled"
                self._facts.tell(NoticeLevel.ALERT, text, now)
                part.started_ns = now.mono_ns
            part.status = replace(
                before,
                phase=phase,
                confirmed_ns=confirmed_ns,
                may_be_live=left,
                attempts=part.attempts,
                detail=_detail(phase, part.fault, left),
            )
            if phase is not before.phase and phase in _TOLD:
                text = f"kill of {self._name(part.scope)} {phase.value}: {part.status.detail}"
                self._facts.tell(_TOLD[phase], text, now)
                self._facts.audit("kill", text, now)
        self._show()

    def _phase(self, part: _Part, live: int, now: Instant) -> tuple[KillPhase, int | None]:
        is_clear = not live and not part.listed
        if part.status.phase is KillPhase.CONFIRMED and is_clear:
            return KillPhase.CONFIRMED, part.status.confirmed_ns
        is_answered = part.attempts > 0 and not part.is_sending and (part.was_taken or not part.is_native)
        is_fresh = part.listed is not None and part.asked_ns >= max(part.last_ns, part.resolved_ns)
        if is_clear and is_answered and is_fresh and not self._tasks.is_sending_in(part.scope):
            part.fault = ""
            return KillPhase.CONFIRMED, now.mono_ns
        if part.fault or now.mono_ns - part.started_ns > LATE_NS:
            return KillPhase.FAILING, None
        return (KillPhase.REQUESTED if part.status.sent_ns is None else KillPhase.SENT), None

    def _begin(self, scope: Scope, by: str, at_us: int, pressed_ns: int, now: Instant) -> None:
        status = KillStatus(scope=scope, phase=KillPhase.REQUESTED, by=by, at_us=at_us, pressed_ns=pressed_ns)
        self._parts[scope] = _Part(status=status, started_ns=now.mono_ns)
        self._show()

    def _cancel(self, part: _Part, now: Instant) -> None:
        if part.is_sending or not self._facts.standing.is_connected:
            return
        part.last_ns = now.mono_ns
        part.attempts += 1
        if part.is_native:
            part.is_sending = True
            self._facts.emit(SendCancelAll(market_id=part.scope.market_id))
        if not part.is_native or part.attempts > _SINGLES_AFTER:
            for tracked in self._members(part.scope):
                is_asked = tracked.wants_cancel and now.mono_ns - tracked.cancel_ns < _SINGLE_AGAIN_NS
                if tracked.status.may_be_live and not is_asked:
                    self._tasks.send_cancel(tracked, now)

    def _is_needed(self, part: _Part) -> bool:
        is_pending = part.attempts == 0 or (part.is_native and not part.was_taken)
        return is_pending or bool(part.listed) or any(one.status.is_open for one in self._members(part.scope))

    def _take(self, part: _Part, outcome: TxOutcome, now: Instant) -> None:
        """Ask for the list after a yes, say what was wrong otherwise."""
        match outcome:
            case Sent():
                part.fault = ""
                part.polled_ns = now.mono_ns
                self._evidence.ask_list()
            case Refused(code=code, detail=detail):
                part.fault = f"the cancel was refused: {detail} ({code})"
            case Unresolved(cause=cause):
                part.fault = f"the cancel is in doubt: {cause}"

    def _members(self, scope: Scope) -> list[Tracked]:
        """What of it may be live. An order whose owner is still being looked up may belong to any strategy."""
        flattening = self._facts.standing.flattening
        live = self._facts.orders.live()
        return [one for one in live if _has(scope, one) and one.order.client_id not in flattening]

    def _name(self, scope: Scope) -> str:
        return name_of(scope, self._facts.markets)

    def _show(self) -> None:
        shown = tuple(part.status for part in self._parts.values())
        if shown != self._facts.standing.kills:
            self._facts.standing.kills = shown
            self._facts.changed(Urgency.NOW)


def name_of(scope: Scope, markets: Mapping[MarketId, Market]) -> str:
    """In words: `market ETH`, `strategy demo`, `strategy demo in ETH`."""
    market = None if scope.market_id is None else markets.get(scope.market_id)
    symbol = str(scope.market_id) if market is None else market.symbol
    if not scope.strategy:
        return "everything" if scope.market_id is None else f"market {symbol}"
    return f"strategy {scope.strategy}" + ("" if scope.market_id is None else f" in {symbol}")


def _has(scope: Scope, tracked: Tracked) -> bool:
    if tracked.awaits_owner:
        return scope.market_id is None or scope.market_id == tracked.market_id
    return scope.covers(tracked.market_id, tracked.origin)


def _detail(phase: KillPhase, fault: str, left: int | None) -> str:
    match phase:
        case KillPhase.IDLE:
            return ""
        case KillPhase.REQUESTED:
            return "the cancel is on its way"
        case KillPhase.SENT:
            return "waiting for the venue's list"
        case KillPhase.CONFIRMED:
            return "the venue lists no open order of it"
        case KillPhase.FAILING:
            return fault or still_live(left)


def _is_in(facts: Facts, scope: Scope, report: OrderReport) -> bool:
    if report.client_id in facts.standing.flattening:
        return False
    tracked = facts.orders.match(
        venue_id=report.venue_id, client_id=report.client_id, market_id=report.market_id, side=report.side
    )
    if tracked is None:
        return scope.market_id is None or scope.market_id == report.market_id
    return _has(scope, tracked)
