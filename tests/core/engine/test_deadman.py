"""The venue's dead-man's switch: armed before anything trades, renewed early, proven by the account, disarmed last."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands import CloseBreaker, ExitPolicy, Kill, Rearm, Stop
from core.decisions import Refused, TradingState, TxOutcome, Unresolved
from core.engine import effects as fx
from core.events import AccountReported, LinkChanged, LinkHealth, LinkName, LinkStatus, NoticeLevel, Ticked
from core.model import Account
from core.state import DeadmanStatus, ExitReport, KillPhase
from core.units import ZERO, AccountIndex
from tests.support.machine import SENT, Bench

SPAN_S = 600
SECOND_US = 1_000_000
QUEUED = Refused(21_712, "cancel all is already queued")


@dataclass
class Switch:
    """A machine that keeps the switch, and a venue that has one; `wait` lets both live."""

    bench: Bench = field(default_factory=lambda: Bench(deadman_s=SPAN_S))
    armed_us: int | None = None
    answers: list[TxOutcome] = field(default_factory=list)
    """What the venue says to the next changes, instead of doing them."""
    replaces: bool = True
    """Whether a schedule replaces the one before."""
    is_shown: bool = True
    """Whether the account can be read."""
    armings: list[int] = field(default_factory=list)
    aborts: int = 0

    def connect(self) -> "Switch":
        self.bench.connect()
        self.serve()
        return self

    def serve(self) -> None:
        """Answer until nothing is asked."""
        while self.bench.effects:
            effects, self.bench.effects = self.bench.effects, []
            for effect in effects:
                self._answer(effect)

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.bench.clock.advance(seconds=1)
            self._fire()
            self.bench.tell(Ticked())
            self.serve()

    @property
    def status(self) -> DeadmanStatus:
        status = self.bench.facts.standing.deadman
        assert status is not None
        return status

    @property
    def trading(self) -> TradingState:
        return self.bench.facts.trading()[0]

    def left_s(self) -> int:
        assert self.armed_us is not None
        return (self.armed_us - self.bench.now.utc_us) // SECOND_US

    def report(self) -> ExitReport | None:
        return self.bench.machine.exit_report(self.bench.now)

    def alerts(self) -> list[str]:
        return [one.text for one in self.bench.facts.notices.all() if one.level is NoticeLevel.ALERT]

    def _fire(self) -> None:
        if self.armed_us is not None and self.armed_us <= self.bench.now.utc_us:
            self.armed_us = None

    def _answer(self, effect: object) -> None:
        match effect:
            case fx.ArmSwitch(at_us=at_us):
                self.armings.append(at_us)
                self.bench.tell(fx.SwitchAnswered(at_us=at_us, outcome=self._moved(at_us)))
            case fx.DisarmSwitch():
                self.aborts += 1
                self.bench.tell(fx.SwitchAnswered(at_us=None, outcome=self._moved(None)))
            case fx.ReadSwitch() if self.is_shown:
                self.bench.tell(fx.SwitchRead(at_us=self.armed_us, asked_ns=self.bench.now.mono_ns))
            case fx.ReadSwitch():
                self.bench.tell(fx.SwitchReadFailed(why="the venue does not answer"))
            case fx.ListOpenOrders():
                self.bench.lists()
            case fx.SendCancelAll():
                self.bench.cancel_all_taken()

    def _moved(self, at_us: int | None) -> TxOutcome:
        if self.answers:
            return self.answers.pop(0)
        if at_us is not None and self.armed_us is not None and not self.replaces:
            return QUEUED
        self.armed_us = at_us
        return SENT


@pytest.fixture
def switch() -> Switch:
    return Switch().connect()


def test_who_rearms_while_it_is_disarmed_waits_for_a_new_proof(switch: Switch) -> None:
    bench = switch.bench
    bench.press()
    while not bench.of(fx.DisarmSwitch):  # its answer is on its way
        effects, bench.effects = bench.effects, []
        for effect in effects:
            switch._answer(effect)
    bench.wish(Rearm(by="operator", reason="go on"))
    bench.tell(Ticked())
    assert switch.trading is TradingState.HALTED
    switch.serve()
    switch.wait(3)
    assert switch.trading is TradingState.ACTIVE
    assert switch.armed_us is not None


class TestArming:
    def test_nothing_trades_before_the_account_shows_it(self) -> None:
        switch = Switch(is_shown=False)
        switch.connect()
        assert switch.armings, "it is armed unseen rather than not at all"
        assert switch.trading is TradingState.HALTED
        assert "not armed yet" in switch.bench.facts.trading()[1]
        switch.is_shown = True
        switch.wait(3)
        assert switch.trading is TradingState.ACTIVE
        assert switch.status.armed_us == switch.armed_us

    def test_it_is_renewed_at_half_time_and_never_runs_out(self, switch: Switch) -> None:
        switch.wait(3_600)
        assert all(300 <= b - a <= 310 for a, b in zip(_seconds(switch), _seconds(switch)[1:], strict=False))
        assert len(switch.armings) == 13
        assert switch.left_s() >= SPAN_S // 2
        assert switch.trading is TradingState.ACTIVE
        assert switch.alerts() == []

    def test_a_venue_that_does_not_replace_is_told_to_abort_first(self) -> None:
        switch = Switch(replaces=False).connect()
        switch.wait(650)
        assert switch.aborts == 2
        assert switch.left_s() >= SPAN_S // 2
        assert (switch.status.missed, switch.alerts()) == (0, [])

    def test_without_the_setting_nothing_is_sent(self) -> None:
        switch = Switch(Bench()).connect()
        switch.wait(120)
        assert (switch.armings, switch.aborts) == ([], 0)
        assert switch.bench.facts.standing.deadman is None
        assert switch.trading is TradingState.ACTIVE

    def test_one_that_somebody_else_armed_is_shown_and_left_alone(self) -> None:
        switch = Switch(Bench()).connect()
        at_us = switch.bench.now.utc_us + 400 * SECOND_US
        switch.bench.tell(AccountReported(account=_account(at_us)), AccountReported(account=_account(at_us)))
        assert switch.status == DeadmanStatus(span_s=None, armed_us=at_us, read_us=switch.bench.now.utc_us)
        assert switch.bench.texts().count("will cancel every order of the account") == 1
        switch.bench.tell(AccountReported(account=_account(None)))
        assert switch.bench.facts.standing.deadman is None
        assert switch.armings == []

    @given(skew_ms=st.integers(-120_000, 120_000), span_s=st.sampled_from([300, 3_600, 15 * 86_400]))
    def test_a_clock_that_differs_never_arms_too_soon_or_too_far(self, skew_ms: int, span_s: int) -> None:
        bench = Bench(deadman_s=span_s)
        link = LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.LIVE, skew_ms=skew_ms)
        bench.tell(LinkChanged(link=link), fx.ConnectorStarted(), fx.SwitchRead(at_us=None, asked_ns=bench.now.mono_ns))
        (armed,) = bench.of(fx.ArmSwitch)
        for clock_us in (bench.now.utc_us, bench.now.utc_us - skew_ms * 1_000):
            assert 300 * SECOND_US <= armed.at_us - clock_us <= 15 * 86_400 * SECOND_US


class TestMissing:
    def test_a_missed_renewal_alarms_once_and_is_tried_again(self, switch: Switch) -> None:
        switch.answers = [Refused(21_714, "invalid cancel all time")] * 5
        switch.wait(315)
        assert switch.status.missed >= 2
        assert len(switch.alerts()) == 1
        assert "21714" in switch.status.detail
        assert switch.trading is TradingState.ACTIVE, "half of the time is left"
        switch.wait(30)
        assert (switch.status.missed, switch.status.detail) == (0, "")

    def test_too_long_without_a_proven_renewal_halts_until_there_is_one(self, switch: Switch) -> None:
        switch.answers = [Unresolved("no reply")] * 1_000
        switch.wait(479)
        assert switch.trading is TradingState.ACTIVE
        switch.wait(3)
        assert switch.trading is TradingState.HALTED
        assert "80 % of 10m" in switch.bench.facts.trading()[1]
        assert any("trading halts" in text for text in switch.alerts())
        switch.answers = []
        switch.wait(20)
        assert switch.trading is TradingState.ACTIVE

    def test_a_renewal_that_was_taken_and_does_not_show_is_missed(self, switch: Switch) -> None:
        before = switch.armed_us
        switch.answers = [SENT] * 1_000
        switch.wait(330)
        assert switch.status.missed >= 1
        assert switch.status.armed_us == before, "the venue's own time is shown, not ours"
        assert "took a dead-man's switch" in switch.status.detail

    def test_a_reply_that_was_lost_counts_when_the_account_shows_it(self, switch: Switch) -> None:
        switch.wait(295)
        switch.answers = [Unresolved("no reply")]
        switch.wait(6)
        switch.armed_us = switch.armings[-1]
        switch.wait(5)
        assert (switch.status.missed, switch.status.armed_us) == (0, switch.armings[-1])

    def test_one_that_somebody_else_moved_is_found_and_armed_anew(self, switch: Switch) -> None:
        switch.armed_us = switch.bench.now.utc_us + 5_000 * SECOND_US
        switch.wait(65)
        assert any("somebody else moved" in text for text in switch.alerts())
        assert switch.armed_us == switch.armings[-1]

    def test_one_that_fired_is_said_and_trips_the_breaker(self, switch: Switch) -> None:
        switch.is_shown, switch.answers = False, [Unresolved("no reply")] * 1_000
        switch.wait(700)
        assert switch.armed_us is None, "it fired"
        assert switch.trading is TradingState.HALTED
        switch.is_shown, switch.answers = True, []
        switch.wait(30)
        assert any("fired at" in text for text in switch.alerts())
        assert switch.status.fired_us is not None
        assert switch.trading is TradingState.REDUCING
        assert switch.left_s() > SPAN_S // 2, "and it is armed again"
        switch.bench.wish(CloseBreaker(market_id=None, by="test", reason="seen"))
        assert switch.trading is TradingState.ACTIVE

    def test_one_that_fired_while_nobody_ran_is_said_at_the_next_start(self, switch: Switch) -> None:
        later = Switch(switch.bench.restarted())
        later.bench.clock.advance(seconds=SPAN_S + 60)
        later.connect()
        assert any("fired at" in text for text in later.alerts())

    def test_one_that_an_earlier_run_left_armed_is_taken_over_quietly(self, switch: Switch) -> None:
        later = Switch(switch.bench.restarted(), armed_us=switch.armed_us).connect()
        assert later.alerts() == []
        assert later.armed_us == later.armings[-1]


class TestEnd:
    @pytest.mark.parametrize("policy", [ExitPolicy.CANCEL, ExitPolicy.KEEP])
    def test_a_clean_end_disarms_it_last(self, switch: Switch, policy: ExitPolicy) -> None:
        switch.bench.wish(Stop(policy=policy, reason="test"))
        assert switch.aborts == 0
        assert switch.report() is None, "the engine waits for it"
        switch.serve()
        switch.wait(2)
        report = switch.report()
        assert report is not None
        assert (switch.armed_us, switch.aborts, report.is_clean, report.exit_code) == (None, 1, True, 0)

    def test_an_end_that_is_not_clean_leaves_it_armed_and_says_so(self, switch: Switch) -> None:
        switch.bench.rest()
        switch.bench.wish(Stop(policy=ExitPolicy.CANCEL, reason="test"))
        switch.bench.effects.clear()
        switch.bench.wait(seconds=15)
        report = switch.report()
        assert report is not None
        assert (report.is_clean, report.exit_code) == (False, 1)
        assert "stays armed until 20" in report.text
        assert switch.armed_us is not None

    def test_a_venue_that_does_not_disarm_holds_nobody_for_long(self, switch: Switch) -> None:
        switch.answers = [Refused(23_000, "too many requests")] * 100
        switch.bench.wish(Stop(policy=ExitPolicy.KEEP, reason="test"))
        switch.serve()
        assert switch.report() is None
        switch.wait(6)
        report = switch.report()
        assert report is not None
        assert (report.is_clean, report.exit_code) == (False, 1)
        assert "stays armed" in report.text

    def test_a_kill_keeps_it_until_the_empty_list_is_seen(self, switch: Switch) -> None:
        switch.wait(295)
        armings = len(switch.armings)
        switch.bench.wish(Kill(by="test", pressed_ns=switch.bench.now.mono_ns))
        switch.bench.wait(seconds=10)  # nothing is answered
        assert switch.bench.kill.phase is KillPhase.FAILING
        assert (switch.aborts, len(switch.armings)) == (0, armings)
        switch.serve()
        switch.wait(5)
        assert switch.bench.kill.phase is KillPhase.CONFIRMED
        assert (switch.aborts, switch.armed_us) == (1, None)
        switch.bench.wish(Rearm(by="test", reason="seen"))
        switch.wait(2)
        assert switch.armed_us is not None
        assert switch.trading is TradingState.ACTIVE


def _seconds(switch: Switch) -> list[int]:
    return [at_us // SECOND_US for at_us in switch.armings]


def _account(cancel_all_us: int | None) -> Account:
    return Account(index=AccountIndex(1), equity=ZERO, collateral=ZERO, available=ZERO, cancel_all_us=cancel_all_us)
