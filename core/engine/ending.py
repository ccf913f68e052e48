"""The end: the exit policy, run to confirmed completion or to its time limit, and a truthful report. Pure."""

from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS, Instant
from core.commands import ExitPolicy, Stop
from core.decisions import Denied, DenyReason
from core.engine.facts import Facts, Urgency
from core.engine.flatten import Flatten
from core.engine.part_kill import name_of
from core.engine.sweep import Sweep, orders, still_live
from core.engine.tasks import Tasks
from core.events import NoticeLevel
from core.state import EnginePhase, ExitReport, FlattenPhase, KillPhase, KillStatus
from core.units import MarketId

_EXIT_LIMIT_NS: Final = 10 * SECOND_NS
_FLATTEN_LIMIT_S: Final = 15
_KEEP_LIMIT_NS: Final = 3 * SECOND_NS


class Ending:
    """The exit policy, run to completion or to its time limit."""

    def __init__(self, facts: Facts, tasks: Tasks, sweep: Sweep, flatten: Flatten) -> None:
        self._facts = facts
        self._tasks = tasks
        self._sweep = sweep
        self._flatten = flatten
        self._policy: ExitPolicy | None = None
        self._started_ns = 0

    def begin(self, command: Stop, now: Instant) -> None:
        """Stop taking orders and carry out the policy; a second call changes nothing."""
        facts = self._facts
        if self._policy is not None:
            return
        # A kill stands above a wish to keep orders.
        is_kept_killed = facts.standing.kill.is_latched and command.policy is ExitPolicy.KEEP
        self._policy = ExitPolicy.CANCEL if is_kept_killed else command.policy
        self._started_ns = now.mono_ns
        facts.standing.phase = EnginePhase.STOPPING
        facts.standing.phase_detail = f"stopping: {command.reason}"
        facts.audit("stop", f"{self._policy.value}: {command.reason}", now)
        self._tasks.drop_all(Denied(DenyReason.HALTED, "the engine is stopping"), now)
        facts.tell(NoticeLevel.INFO, f"stopping ({self._policy.value} open orders): {command.reason}", now)
        if self._policy is not ExitPolicy.FLATTEN:
            self._flatten.stop("the engine is stopping", now)
        if self._policy is not ExitPolicy.KEEP:
            self._sweep.start(now, is_new=False)
        if self._policy is ExitPolicy.FLATTEN:
            self._flatten.begin(None, f"the end ({command.reason})", now, _FLATTEN_LIMIT_S)
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
        elif self._killing() and self._policy is ExitPolicy.KEEP and _is_clean(standing.exit_report):
            self._started_ns = now.mono_ns
            standing.exit_report = None  # nobody has read it yet
        if self._policy is None or standing.exit_report is not None:
            return
        if not standing.is_connected:
            standing.exit_report = self._unreachable()
        elif self._policy is ExitPolicy.CANCEL:
            standing.exit_report = self._cancelled(now)
        elif self._policy is ExitPolicy.FLATTEN:
            standing.exit_report = self._flattened(now)
        else:
            standing.exit_report = self._kept(now)
        if standing.exit_report is not None:
            self._tasks.dropping.finish(now)

    def _unreachable(self) -> ExitReport:
        left = self._facts.orders.may_be_live()
        if left == 0:
            return ExitReport(is_clean=True, text="stopped before the venue was reached; nothing was sent")
        text = f"the venue could not be reached; {orders(left)} of an earlier run may still be live there"
        return ExitReport(is_clean=False, text=text, exit_code=1)

    def _cancelled(self, now: Instant) -> ExitReport | None:
        if self._sweep.confirmed_ns is not None:
            return ExitReport(is_clean=True, text="stopped; the venue lists no open order")
        if now.mono_ns - self._started_ns < _EXIT_LIMIT_NS:
            return None
        text = f"stopped without confirmation: {self._sweep.fault or still_live(self._sweep.may_be_live())}"
        return ExitReport(is_clean=False, text=f"{text}; check the venue by hand", exit_code=1)

    def _flattened(self, now: Instant) -> ExitReport | None:
        """Once the flatten ended; whatever it says, the orders must be gone as well."""
        status = self._facts.standing.flatten
        if self._flatten.is_on:
            return None
        cancelled = self._cancelled(now)
        if cancelled is None or not cancelled.is_clean:
            return cancelled
        if status is not None and status.phase is FlattenPhase.CONFIRMED:
            return ExitReport(is_clean=True, text="stopped; the venue lists no open order and shows no position")
        why = "the flatten never began" if status is None else status.detail
        left = "" if status is None else _positions(status.left, self._facts)
        text = f"stopped; no order is open, but positions were not all closed{left}: {why}"
        return ExitReport(is_clean=False, text=f"{text}; check the venue by hand", exit_code=1)

    def _killing(self) -> list[KillStatus]:
        """Kills of parts that the venue has not confirmed."""
        return [one for one in self._facts.standing.kills if one.phase is not KillPhase.CONFIRMED]

    def _kept(self, now: Instant) -> ExitReport | None:
        if self._facts.orders.in_flight() and now.mono_ns - self._started_ns < _KEEP_LIMIT_NS:
            return None
        killed = self._killing()
        if killed and now.mono_ns - self._started_ns < _EXIT_LIMIT_NS:
            return None  # a kill of a part stands above a wish to keep its orders
        blind = self._facts.blindness or ("" if self._facts.standing.is_listed else "the venue never listed them")
        if blind:
            text = f"stopped; open orders were left as they are, how many is not known: {blind}"
            return ExitReport(is_clean=False, text=f"{text}; check the venue by hand", exit_code=1)
        if killed:
            names = ", ".join(name_of(one.scope, self._facts.markets) for one in killed)
            text = f"stopped; other orders were left as configured, but the kill of {names} was not confirmed"
            return ExitReport(is_clean=False, text=f"{text}; check the venue by hand", exit_code=1)
        doubtful = self._facts.orders.in_flight()
        resting = self._facts.orders.open()
        if doubtful:
            text = f"stopped; {orders(resting)} left resting as configured, {orders(doubtful)} in doubt"
            return ExitReport(is_clean=False, text=text, exit_code=1)
        return ExitReport(is_clean=True, text=f"stopped; {orders(resting)} left resting as configured")


def _is_clean(report: ExitReport | None) -> bool:
    return report is not None and report.is_clean


def _positions(left: tuple[tuple[MarketId, Decimal], ...], facts: Facts) -> str:
    """What is left, in words: ` (ETH 0.5, BTC -0.01)`."""
    markets = facts.markets
    shown = [f"{markets[key].symbol if key in markets else key} {size}" for key, size in left]
    return f" ({', '.join(shown)})" if shown else ""
