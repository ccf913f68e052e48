"""The operator's switches: kill and re-arm, circuit breakers, the end. Latched ones survive a restart. Pure."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from core.clock import MILLISECOND_NS, SECOND_NS, Instant
from core.commands import CloseBreaker, ExitPolicy, Kill, Rearm, Stop, TripBreaker
from core.decisions import Denied, DenyReason
from core.engine.effects import LiftHalt
from core.engine.facts import Facts, Urgency
from core.engine.sweep import Sweep
from core.engine.tasks import Tasks
from core.events import NoticeLevel
from core.state import UNMEASURED, EnginePhase, ExitReport, KillPhase, KillStatus
from core.units import MarketId

_KILL_KEY: Final = "kill"
_BREAKER_KEY: Final = "breaker:"
_SAME_PRESS_NS: Final = 300 * MILLISECOND_NS
"""A held key repeats: that is one kill."""
_EXIT_LIMIT_NS: Final = 10 * SECOND_NS
_KEEP_LIMIT_NS: Final = 3 * SECOND_NS


class KillSwitch:
    """HALTED, queue dropped, everything cancelled, confirmed by the venue's list; latched until re-armed."""

    def __init__(self, facts: Facts, tasks: Tasks, sweep: Sweep) -> None:
        self._facts = facts
        self._tasks = tasks
        self._sweep = sweep

    def restore(self, now: Instant) -> None:
        """A killed bot starts killed."""
        latch = self._facts.meta.get(_KILL_KEY, "")
        if latch:
            at_us, _, by = latch.partition(" ")
            self._facts.standing.kill = KillStatus(
                phase=KillPhase.REQUESTED, by=by, at_us=int(at_us), pressed_ns=UNMEASURED
            )
            self._sweep.start(now, is_new=True)
            self._facts.tell(NoticeLevel.ALERT, f"still killed: {by} pressed it before the restart", now)

    def press(self, command: Kill, now: Instant) -> None:
        """Stop everything. Pressed again, it tries again at once."""
        facts = self._facts
        before = facts.standing.kill
        if before.is_latched and 0 <= command.pressed_ns - before.pressed_ns < _SAME_PRESS_NS:
            return
        is_new = facts.standing.kill.phase in {KillPhase.IDLE, KillPhase.CONFIRMED}
        if is_new:
            facts.standing.kill = KillStatus(
                phase=KillPhase.REQUESTED, by=command.by, at_us=now.utc_us, pressed_ns=command.pressed_ns
            )
        # The cancel-all is asked for before anything is written: nothing may stand before it.
        self._sweep.start(now, is_new=is_new)
        dropped = self._tasks.drop_all(Denied(DenyReason.KILLED, f"killed by {command.by}"), now)
        facts.store(_KILL_KEY, f"{now.utc_us} {command.by}")
        facts.audit("kill", f"pressed by {command.by}, {dropped} queued tasks dropped", now)
        facts.tell(NoticeLevel.ALERT, f"killed by {command.by}: {dropped} queued tasks dropped", now)
        facts.changed(Urgency.NOW)
        self.refresh(now)

    def rearm(self, command: Rearm, now: Instant) -> None:
        """Lift it, if the venue confirmed that nothing is open and there is a reason."""
        facts = self._facts
        status = facts.standing.kill
        if not status.is_latched:
            facts.tell(NoticeLevel.INFO, "nothing to re-arm: the kill switch is not on", now)
        elif status.phase is not KillPhase.CONFIRMED:
            text = f"cannot re-arm: the kill is {status.phase.value}, the venue has not confirmed that nothing is open"
            facts.tell(NoticeLevel.WARN, text, now)
        elif not command.reason.strip():
            facts.tell(NoticeLevel.WARN, "cannot re-arm: a reason is needed", now)
        else:
            facts.standing.kill = KillStatus()
            self._sweep.stop()
            facts.store(_KILL_KEY, "")
            facts.audit("rearm", f"by {command.by}: {command.reason}", now)
            facts.emit(LiftHalt())
            facts.tell(NoticeLevel.WARN, f"re-armed by {command.by}: {command.reason}", now)
            facts.changed(Urgency.NOW)

    def refresh(self, now: Instant) -> None:
        """Bring the shown status up to what the sweep knows."""
        facts, sweep = self._facts, self._sweep
        status = facts.standing.kill
        if not status.is_latched:
            return
        phase = self._phase(now)
        newer = replace(
            status,
            phase=phase,
            sent_ns=sweep.sent_ns,
            confirmed_ns=sweep.confirmed_ns,
            may_be_live=sweep.may_be_live(),
            attempts=sweep.attempts,
            detail=self._detail(phase),
        )
        if newer == status:
            return
        facts.standing.kill = newer
        facts.changed(Urgency.NOW)
        if phase is not status.phase and phase in {KillPhase.CONFIRMED, KillPhase.FAILING}:
            level = NoticeLevel.WARN if phase is KillPhase.CONFIRMED else NoticeLevel.ALERT
            facts.tell(level, f"kill {phase.value}: {newer.detail}", now)
            facts.audit("kill", f"{phase.value}: {newer.detail}", now)

    def _phase(self, now: Instant) -> KillPhase:
        if self._sweep.confirmed_ns is not None:
            return KillPhase.CONFIRMED
        if self._sweep.fault or self._sweep.is_late(now):
            return KillPhase.FAILING
        return KillPhase.REQUESTED if self._sweep.sent_ns is None else KillPhase.SENT

    def _detail(self, phase: KillPhase) -> str:
        match phase:
            case KillPhase.IDLE:
                return ""
            case KillPhase.REQUESTED:
                return "the cancel-all is on its way"
            case KillPhase.SENT:
                return "waiting for the venue's empty list"
            case KillPhase.CONFIRMED:
                return "the venue lists no open order"
            case KillPhase.FAILING:
                return self._sweep.fault or _still_live(self._sweep.may_be_live())


class Breakers:
    """Circuit breakers: trip, close, remember."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def restore(self) -> None:
        """A tripped breaker stays tripped over a restart."""
        for key, value in self._facts.meta.items():
            if key.startswith(_BREAKER_KEY) and value:
                scope = key.removeprefix(_BREAKER_KEY)
                at_us, by, reason = value.split("\t", 2)
                market_id = MarketId(int(scope)) if scope else None
                self._facts.breakers = self._facts.breakers.trip(market_id, by=by, reason=reason, at_us=int(at_us))

    def trip(self, command: TripBreaker, now: Instant) -> None:
        """Trip one market's breaker, or the global one."""
        facts = self._facts
        before = facts.breakers
        facts.breakers = before.trip(command.market_id, by=command.by, reason=command.reason, at_us=now.utc_us)
        if facts.breakers is not before:
            by = command.by.replace("\t", " ")
            facts.store(_key(command.market_id), f"{now.utc_us}\t{by}\t{command.reason}")
            self._tell("tripped", command.market_id, command.by, command.reason, now)

    def close(self, command: CloseBreaker, now: Instant) -> None:
        """Close it again."""
        facts = self._facts
        if any(s.market_id == command.market_id and s.is_tripped for s in facts.breakers.statuses(facts.markets)):
            facts.breakers = facts.breakers.close(command.market_id)
            facts.store(_key(command.market_id), "")
            self._tell("closed", command.market_id, command.by, command.reason, now)

    def _tell(self, what: str, market_id: MarketId | None, by: str, reason: str, now: Instant) -> None:
        market = None if market_id is None else self._facts.markets.get(market_id)
        scope = "all markets" if market_id is None else market.symbol if market else f"market {market_id}"
        text = f"breaker of {scope} {what} by {by}: {reason}"
        self._facts.audit("breaker", text, now)
        self._facts.tell(NoticeLevel.WARN, text, now)
        self._facts.changed(Urgency.NOW)


class Ending:
    """The exit policy, run to completion or to its time limit."""

    def __init__(self, facts: Facts, tasks: Tasks, sweep: Sweep) -> None:
        self._facts = facts
        self._tasks = tasks
        self._sweep = sweep
        self._policy: ExitPolicy | None = None
        self._started_ns = 0

    def begin(self, command: Stop, now: Instant) -> None:
        """Stop taking orders and carry out the policy; a second call changes nothing."""
        facts = self._facts
        if self._policy is not None:
            return
        # A kill stands above a wish to keep orders.
        self._policy = ExitPolicy.CANCEL if facts.standing.kill.is_latched else command.policy
        self._started_ns = now.mono_ns
        facts.standing.phase = EnginePhase.STOPPING
        facts.standing.phase_detail = f"stopping: {command.reason}"
        facts.audit("stop", f"{self._policy.value}: {command.reason}", now)
        self._tasks.drop_all(Denied(DenyReason.HALTED, "the engine is stopping"), now)
        facts.tell(NoticeLevel.INFO, f"stopping ({self._policy.value} open orders): {command.reason}", now)
        if self._policy is ExitPolicy.CANCEL:
            self._sweep.start(now, is_new=False)
        facts.changed(Urgency.NOW)
        self.tick(now)

    def tick(self, now: Instant) -> None:
        """Whether it is done. A kill that comes while orders are being kept takes over, and is given its own time."""
        standing = self._facts.standing
        if self._policy is ExitPolicy.KEEP and standing.kill.is_latched:
            self._policy = ExitPolicy.CANCEL
            self._started_ns = now.mono_ns
            standing.exit_report = None
            self._facts.audit("stop", "killed while orders were being kept: they are cancelled", now)
            self._facts.changed(Urgency.NOW)
        if self._policy is None or standing.exit_report is not None:
            return
        if not standing.is_connected:
            standing.exit_report = self._unreachable()
        elif self._policy is ExitPolicy.CANCEL:
            standing.exit_report = self._cancelled(now)
        else:
            standing.exit_report = self._kept(now)

    def _unreachable(self) -> ExitReport:
        left = self._facts.orders.may_be_live()
        if left == 0:
            return ExitReport(is_clean=True, text="stopped before the venue was reached; nothing was sent")
        text = f"the venue could not be reached; {_orders(left)} of an earlier run may still be live there"
        return ExitReport(is_clean=False, text=text, exit_code=1)

    def _cancelled(self, now: Instant) -> ExitReport | None:
        if self._sweep.confirmed_ns is not None:
            return ExitReport(is_clean=True, text="stopped; the venue lists no open order")
        if now.mono_ns - self._started_ns < _EXIT_LIMIT_NS:
            return None
        text = f"stopped without confirmation: {self._sweep.fault or _still_live(self._sweep.may_be_live())}"
        return ExitReport(is_clean=False, text=f"{text}; check the venue by hand", exit_code=1)

    def _kept(self, now: Instant) -> ExitReport | None:
        if self._facts.orders.in_flight() and now.mono_ns - self._started_ns < _KEEP_LIMIT_NS:
            return None
        blind = self._facts.blindness or ("" if self._facts.standing.is_listed else "the venue never listed them")
        if blind:
            text = f"stopped; open orders were left as they are, how many is not known: {blind}"
            return ExitReport(is_clean=False, text=f"{text}; check the venue by hand", exit_code=1)
        doubtful = self._facts.orders.in_flight()
        resting = self._facts.orders.open()
        if doubtful:
            text = f"stopped; {_orders(resting)} left resting as configured, {_orders(doubtful)} in doubt"
            return ExitReport(is_clean=False, text=text, exit_code=1)
        return ExitReport(is_clean=True, text=f"stopped; {_orders(resting)} left resting as configured")


class DayEquity:
    """Equity at the first sight of the UTC day, kept over restarts, per world."""

    _KEY: Final = "day equity"

    def __init__(self, facts: Facts, world: str) -> None:
        self._facts = facts
        self._world = world
        self._day: int | None = None
        self._start: Decimal | None = None

    def restore(self) -> None:
        """What an earlier run of the day saw."""
        day, _, rest = self._facts.meta.get(self._KEY, "").partition("\t")
        equity, _, world = rest.partition("\t")
        if day and world == self._world:
            self._day, self._start = int(day), Decimal(equity)

    def see(self, equity: Decimal, now: Instant) -> None:
        """Note the first equity of a day, in USDC."""
        if self._day != now.utc_day:
            self._day, self._start = now.utc_day, equity
            self._facts.store(self._KEY, f"{now.utc_day}\t{equity}\t{self._world}")

    def pnl(self) -> Decimal | None:
        """Equity now minus equity at the day's first sight, in USDC."""
        account = self._facts.account
        return None if account is None or self._start is None else account.equity - self._start


def _key(market_id: MarketId | None) -> str:
    return _BREAKER_KEY if market_id is None else f"{_BREAKER_KEY}{market_id}"


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count} orders"


def _still_live(count: int | None) -> str:
    if count is None:
        return "how many orders are live is not known"
    return f"{_orders(count)} may still be live" if count else "the venue's list is not confirmed yet"
