"""The kill switch: HALTED, queue dropped, everything cancelled, confirmed by the venue; latched over restarts. Pure."""

from dataclasses import replace
from typing import Final

from core.clock import MILLISECOND_NS, Instant
from core.commands import Kill, Rearm
from core.decisions import Denied, DenyReason
from core.engine.effects import LiftHalt
from core.engine.facts import Facts, Urgency
from core.engine.sweep import Sweep, still_live
from core.engine.tasks import Tasks
from core.events import NoticeLevel
from core.state import UNMEASURED, KillPhase, KillStatus

_KILL_KEY: Final = "kill"
_SAME_PRESS_NS: Final = 700 * MILLISECOND_NS
"""A held key repeats, first after 250 to 660 ms (xset, kbdrate), then many times a second: that is one kill. Only a
press after a pause this long is another."""


class KillSwitch:
    """HALTED, queue dropped, everything cancelled, confirmed by the venue's list; latched until re-armed."""

    def __init__(self, facts: Facts, tasks: Tasks, sweep: Sweep) -> None:
        self._facts = facts
        self._tasks = tasks
        self._sweep = sweep
        self._heard: dict[str, int] = {}
        """When each one who presses was last heard, monotonic."""

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
        if self._is_repeat(command):
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

    def _is_repeat(self, command: Kill) -> bool:
        """Whether a held key says the same thing again; each repeat makes the next one a repeat too."""
        last_ns = self._heard.get(command.by)
        self._heard[command.by] = command.pressed_ns
        is_quiet = last_ns is None or not 0 <= command.pressed_ns - last_ns < _SAME_PRESS_NS
        return self._facts.standing.kill.is_latched and not is_quiet

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
                return self._sweep.fault or still_live(self._sweep.may_be_live())
