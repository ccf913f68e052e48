"""The venue's own dead-man's switch, kept armed: every order of the account is cancelled unless we renew in time. Pure.

Nothing counts as armed before the account itself shows the moment that was asked for (`cancel_all_time`): the API's yes
only means that the transaction was taken. So each renewal looks at the account, asks, and looks again until it shows.

Venues differ in how a switch is moved: a new schedule replaces the old one, or is refused with code 21712 until the old
one was aborted. Both are coped with. The switch belongs to the account: whoever else trades on it shares it.
"""

from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final, assert_never

from core.clock import MILLISECOND_NS, SECOND_NS, SECOND_US, Instant
from core.commands import TripBreaker
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.durations import span_text
from core.engine.breakers import Breakers
from core.engine.effects import ArmSwitch, DisarmSwitch, ReadSwitch, SwitchAnswered, SwitchRead, SwitchReadFailed
from core.engine.facts import Facts, Urgency
from core.events import LinkName, NoticeLevel
from core.state import DeadmanStatus, EnginePhase, ExitReport, KillPhase

LONGEST_S: Final = 15 * 86_400
"""The venue arms 5 minutes to 15 days ahead (apidocs.lighter.xyz/docs/trading)."""
_QUEUED: Final = 21_712
_SLACK_US: Final = 10 * SECOND_US
"""Added to the span, so that the shortest one is still long enough when the venue reads it."""
_MS_US: Final = 1_000
_ROUTINE_NS: Final = 60 * SECOND_NS
"""The account is looked at this often between renewals: somebody else may move or abort the switch."""
_AGAIN_NS: Final = SECOND_NS
_PROOF_NS: Final = 10 * SECOND_NS
"""What was taken has to show within this."""
_RETRY_NS: Final = 5 * SECOND_NS
"""A missed renewal is tried again after this: 40 cancel-alls a minute are allowed (apidocs, rate limits)."""
_LIMIT_PERCENT: Final = 80
"""So much of the span without a proven renewal halts trading: the rest is for the operator."""
_END_NS: Final = 5 * SECOND_NS
_KEY: Final = "deadman"
_SOURCE: Final = "deadman"
_UNARMED: Final = "the venue's dead-man's switch is not armed yet"


class _Stage(Enum):
    """What a renewal is waiting for."""

    RESTING = auto()
    LOOKING = auto()
    """The account is asked before the switch is moved: it may have fired, or have been moved elsewhere."""
    ARMING = auto()
    CLEARING = auto()
    """The old one is aborted, because the venue does not replace it."""
    PROVING = auto()
    DISARMING = auto()
    DISPROVING = auto()


class _Wish(Enum):
    """What the switch should be."""

    ARMED = auto()
    LEFT = auto()
    """As it is: everything is being cancelled, and if it fires meanwhile, all the better."""
    GONE = auto()


class Deadman:
    """Keeps the switch armed while trading may go on, and disarms it as the last thing of a clean end."""

    def __init__(self, facts: Facts, breakers: Breakers, span_s: int | None, world: str) -> None:
        """`span_s` None leaves the switch alone, and shows one that somebody else armed."""
        self._facts = facts
        self._breakers = breakers
        self._span_s = span_s
        self._world = world
        self._stage = _Stage.RESTING
        self._status = DeadmanStatus(span_s=span_s)
        at_us, _, stored_world = facts.meta.get(_KEY, "").partition("\t")
        self._believed_us = int(at_us) if at_us and stored_world == world else None
        """What the account showed last, also before a restart."""
        self._may_be_armed = self._believed_us is not None
        self._asked_us = 0
        self._answered_ns = 0
        self._proven_ns: int | None = None
        self._next_ns = 0
        self._disarm_ns = 0
        self._read_ns = 0
        self._looked_ns = 0
        self._prove_until_ns = 0
        self._is_reading = False
        self._end_ns: int | None = None
        if span_s is not None:
            facts.standing.deadman = self._status
            facts.standing.deadman_fault = _UNARMED

    def tick(self, now: Instant) -> None:
        """Renew, look, halt: whatever is due."""
        if self._span_s is None or not self._facts.standing.is_connected:
            return
        match self._stage:
            case _Stage.RESTING:
                self._rest(now)
            case _Stage.PROVING | _Stage.DISPROVING:
                if now.mono_ns >= self._read_ns:
                    self._read()
            case _Stage.LOOKING | _Stage.ARMING | _Stage.CLEARING | _Stage.DISARMING:
                pass
            case other:
                assert_never(other)
        self._judge(self._span_s, now)

    def on_account(self, cancel_all_us: int | None, now: Instant) -> None:
        """The account as reported by the way: it may be a minute old, so it proves nothing and only asks for a look."""
        if self._span_s is not None:
            if self._stage is _Stage.RESTING and cancel_all_us != self._believed_us:
                self._read_ns = min(self._read_ns, self._looked_ns + _ROUTINE_NS // 2)
            return
        if cancel_all_us == self._status.armed_us:
            return
        self._show(replace(self._status, armed_us=cancel_all_us, read_us=now.utc_us))
        if cancel_all_us is not None:
            text = (
                f"the venue will cancel every order of the account at {_moment(cancel_all_us)}: its dead-man's switch "
                "was armed by an earlier run or elsewhere; run once with `deadman` set and quit to disarm it"
            )
            self._facts.tell(NoticeLevel.WARN, text, now, _SOURCE)

    def on_event(self, event: SwitchAnswered | SwitchRead | SwitchReadFailed, now: Instant) -> None:
        """What came of the work asked for."""
        match event:
            case SwitchAnswered(at_us=at_us, outcome=outcome):
                self._on_answered(at_us, outcome, now)
            case SwitchRead(at_us=at_us, asked_ns=asked_ns):
                self._on_read(at_us, asked_ns, now)
            case SwitchReadFailed(why=why):
                self._on_read_failed(why, now)
            case other:
                assert_never(other)

    def last_word(self, report: ExitReport | None, now: Instant) -> ExitReport | None:
        """The report of the end: held back until the switch is disarmed, which is the last thing done.

        An end that is not clean leaves it armed: what may still live there is then cancelled by the venue.
        """
        if report is None or self._span_s is None or not self._may_be_armed:
            return report
        if report.is_clean and self._facts.standing.is_connected:
            if self._end_ns is None:
                self._end_ns = now.mono_ns
            if now.mono_ns - self._end_ns < _END_NS:
                return None
        at_us = self._believed_us or self._asked_us
        until = f"until {_moment(at_us)}" if at_us else "perhaps"
        text = f"{report.text}; the venue's dead-man's switch stays armed {until} and cancels every order then"
        return replace(report, is_clean=False, text=text, exit_code=report.exit_code or 1)

    def _on_answered(self, at_us: int | None, outcome: TxOutcome, now: Instant) -> None:
        """What became of arming for `at_us`, or of disarming when that is None."""
        self._answered_ns = now.mono_ns
        match outcome:
            case Sent() | Unresolved():
                if self._stage is _Stage.CLEARING:
                    self._arm(now)
                    return
                self._stage = _Stage.PROVING if at_us is not None else _Stage.DISPROVING
                self._prove_until_ns = now.mono_ns + _PROOF_NS
                self._read_ns = now.mono_ns
                self._read()
            case Refused(code=code) if code == _QUEUED and self._stage is _Stage.ARMING and self._may_be_armed:
                self._stage = _Stage.CLEARING
                self._facts.emit(DisarmSwitch())
            case Refused(code=code, detail=detail):
                verb = "disarming" if at_us is None else "renewing"
                self._miss(f"{verb} the venue's dead-man's switch was refused: {detail} ({code})", now)
            case other:
                assert_never(other)

    def _on_read(self, at_us: int | None, asked_ns: int, now: Instant) -> None:
        """What the account shows, asked for over REST at `asked_ns`."""
        self._is_reading = False
        if asked_ns < self._answered_ns:  # it may show what was before the newest answer
            self._read()
            return
        self._looked_ns = now.mono_ns
        self._show(replace(self._status, armed_us=at_us, read_us=now.utc_us))
        match self._stage:
            case _Stage.RESTING:
                self._read_ns = now.mono_ns + _ROUTINE_NS
                if at_us != self._believed_us:
                    self._compare(at_us, now)
                    self._next_ns = now.mono_ns
            case _Stage.LOOKING:
                self._compare(at_us, now)
                self._arm(now)
            case _Stage.PROVING:
                self._prove(at_us, now)
            case _Stage.DISPROVING:
                self._disprove(at_us, now)
            case _Stage.ARMING | _Stage.CLEARING | _Stage.DISARMING:
                pass
            case other:
                assert_never(other)

    def _on_read_failed(self, why: str, now: Instant) -> None:
        """The account could not be had: nothing is proven, and the switch is moved unseen rather than not at all."""
        self._is_reading = False
        self._read_ns = now.mono_ns + _AGAIN_NS
        if self._stage is _Stage.LOOKING:
            self._arm(now)
        elif self._stage in {_Stage.PROVING, _Stage.DISPROVING} and now.mono_ns >= self._prove_until_ns:
            self._miss(f"the venue's dead-man's switch cannot be read back: {why}", now)

    def _wish(self) -> _Wish:
        standing = self._facts.standing
        if standing.exit_report is not None:
            return _Wish.GONE if standing.exit_report.is_clean else _Wish.LEFT
        if standing.kill.is_latched:
            return _Wish.GONE if standing.kill.phase is KillPhase.CONFIRMED else _Wish.LEFT
        return _Wish.LEFT if standing.phase is EnginePhase.STOPPING else _Wish.ARMED

    def _rest(self, now: Instant) -> None:
        wish = self._wish()
        if wish is _Wish.GONE:
            if self._may_be_armed and now.mono_ns >= self._disarm_ns:
                self._stage = _Stage.DISARMING
                self._proven_ns = None  # whoever re-arms now waits for a switch that is proven anew
                self._facts.emit(DisarmSwitch())
        elif wish is _Wish.ARMED and now.mono_ns >= self._next_ns:
            self._stage = _Stage.LOOKING
            self._read()
        elif now.mono_ns >= self._read_ns:
            self._read()

    def _read(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self._facts.emit(ReadSwitch())

    def _arm(self, now: Instant) -> None:
        """Ask for the span from now, by the clock that is behind: the venue's or ours."""
        if self._span_s is None or self._wish() is not _Wish.ARMED:
            self._stage = _Stage.RESTING
            return
        ahead_us = max(0, now.utc_us - self._venue_us(now))
        at_us = now.utc_us + self._span_s * SECOND_US + _SLACK_US
        latest_us = now.utc_us - ahead_us + LONGEST_S * SECOND_US - _SLACK_US
        at_us = min(max(at_us, self._venue_us(now) + self._span_s * SECOND_US + _SLACK_US), latest_us)
        self._asked_us = at_us // _MS_US * _MS_US
        self._stage = _Stage.ARMING
        self._may_be_armed = True
        self._show(replace(self._status, asked_us=self._asked_us))
        self._facts.emit(ArmSwitch(at_us=self._asked_us))

    def _prove(self, at_us: int | None, now: Instant) -> None:
        if at_us == self._asked_us and self._span_s is not None:
            self._stage = _Stage.RESTING
            self._proven_ns = now.mono_ns
            self._next_ns = now.mono_ns + self._span_s * SECOND_NS // 2
            self._read_ns = now.mono_ns + _ROUTINE_NS
            self._believe(at_us)
            self._show(replace(self._status, missed=0, detail=""))
        elif now.mono_ns < self._prove_until_ns:
            self._read_ns = now.mono_ns + _AGAIN_NS
        else:
            self._compare(at_us, now)
            what = f"shows {_moment(at_us)}" if at_us else "shows none"
            self._miss(f"the venue took a dead-man's switch for {_moment(self._asked_us)} and {what}", now)

    def _disprove(self, at_us: int | None, now: Instant) -> None:
        if at_us is None:
            self._stage = _Stage.RESTING
            self._may_be_armed = False
            self._believe(None)
            self._next_ns = 0
            self._proven_ns = None
            self._facts.audit(_KEY, "disarmed", now)
        elif now.mono_ns < self._prove_until_ns:
            self._read_ns = now.mono_ns + _AGAIN_NS
        else:
            self._miss(f"the venue's dead-man's switch was aborted and still shows {_moment(at_us)}", now)

    def _compare(self, at_us: int | None, now: Instant) -> None:
        """What the account shows against what it showed last: it may have fired, or somebody else moved it."""
        believed_us = self._believed_us
        if at_us == believed_us:
            return
        self._believe(at_us)
        if believed_us is None:
            whose = "by an earlier run or elsewhere; it is replaced"
            text = f"the venue's dead-man's switch was armed already, for {_moment(at_us or 0)}, {whose}"
            self._facts.tell(NoticeLevel.WARN, text, now, _SOURCE)
        elif at_us is None and self._venue_us(now) >= believed_us - SECOND_US:
            self._fired(believed_us, now)
        elif at_us != self._asked_us:  # else a renewal took effect after it was given up
            text = f"somebody else moved the venue's dead-man's switch: expected {_moment(believed_us)}, found "
            self._facts.tell(NoticeLevel.ALERT, f"{text}{_moment(at_us) if at_us else 'none'}", now, _SOURCE)
            self._facts.audit(_KEY, f"moved elsewhere: expected {believed_us}, found {at_us}", now)

    def _fired(self, at_us: int, now: Instant) -> None:
        """Nobody renewed it in time: all orders are gone, and a person should know why before trading goes on."""
        text = f"the venue's dead-man's switch fired at {_moment(at_us)}: it cancelled every order of the account"
        self._facts.tell(NoticeLevel.ALERT, text, now, _SOURCE)
        self._show(replace(self._status, fired_us=at_us))
        self._breakers.trip(TripBreaker(market_id=None, by="the dead-man's switch", reason=text), now)

    def _miss(self, why: str, now: Instant) -> None:
        self._stage = _Stage.RESTING
        self._next_ns = now.mono_ns + _RETRY_NS
        self._disarm_ns = now.mono_ns + _AGAIN_NS
        if why != self._status.detail:  # tried again and again while it lasts
            self._facts.tell(NoticeLevel.ALERT, why, now, _SOURCE)
        self._show(replace(self._status, missed=self._status.missed + 1, detail=why))

    def _judge(self, span_s: int, now: Instant) -> None:
        """Whether trading may go on under this switch."""
        standing = self._facts.standing
        before = standing.deadman_fault
        if self._wish() is not _Wish.ARMED:
            return
        fault = ""
        if self._proven_ns is None:
            fault = _UNARMED
        elif now.mono_ns - self._proven_ns > span_s * SECOND_NS * _LIMIT_PERCENT // 100:
            fault = f"the venue's dead-man's switch was not renewed for {_LIMIT_PERCENT} % of {span_text(span_s)}"
        if fault and self._status.detail:
            fault = f"{fault}: {self._status.detail}"
        if fault == before:
            return
        standing.deadman_fault = fault
        self._facts.changed(Urgency.NOW)
        if fault and not before and self._proven_ns is not None:
            self._facts.tell(NoticeLevel.ALERT, f"trading halts: {fault}", now, _SOURCE)
        elif before and not fault:
            text = f"the venue's dead-man's switch is armed until {_moment(self._believed_us or 0)}"
            self._facts.tell(NoticeLevel.INFO, text, now, _SOURCE)

    def _believe(self, at_us: int | None) -> None:
        self._believed_us = at_us
        self._facts.store(_KEY, "" if at_us is None else f"{at_us}\t{self._world}")

    def _show(self, status: DeadmanStatus) -> None:
        self._status = status
        is_shown = self._span_s is not None or status.armed_us is not None
        self._facts.standing.deadman = status if is_shown else None
        self._facts.changed()

    def _venue_us(self, now: Instant) -> int:
        """The venue's clock, as far as its stream tells the difference."""
        link = self._facts.links.get(LinkName.ACCOUNT)
        skew_ms = 0 if link is None or link.skew_ms is None else link.skew_ms
        return now.utc_us - skew_ms * MILLISECOND_NS // 1_000


def _moment(at_us: int) -> str:
    """The venue's moment in words; with its day, because it may be weeks ahead."""
    shown = datetime.fromtimestamp(at_us // SECOND_US, UTC)
    return shown.strftime("%Y-%m-%d %H:%M:%S UTC")
