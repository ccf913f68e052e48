"""The end and the kill together: whatever was to be kept, a kill takes it away."""

import pytest

from core.commands import ExitPolicy, KillPart, Stop, SubmitOrder
from core.decisions import Refused
from core.engine import effects as fx
from core.events import CancelAllResolved, OrderSendResolved, PositionsReported
from core.model import OrderStatus
from core.scope import Scope
from core.state import EnginePhase
from tests.support.fake_connector import BTC, ETH, intent
from tests.support.machine import SENT, Bench


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def test_a_kill_stands_above_a_wish_to_keep_orders(bench: Bench) -> None:
    bench.rest()
    bench.press()
    bench.wish(Stop(policy=ExitPolicy.KEEP, reason="test"))
    assert bench.facts.standing.exit_report is None
    assert bench.phase is EnginePhase.STOPPING


def test_a_kill_that_comes_while_orders_are_being_kept_cancels_them(bench: Bench) -> None:
    report = bench.rest()
    order = bench.submit()
    bench.wish(Stop(policy=ExitPolicy.KEEP, reason="the operator keeps"))
    bench.wait(ms=2_900)
    assert bench.facts.standing.exit_report is None, "an order is still on its way"
    bench.press()
    assert bench.of(fx.SendCancelAll)
    bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Refused(0, "killed before it was sent")))
    bench.wait(seconds=9)
    assert bench.facts.standing.exit_report is None, "the cancel-all has ten seconds from the kill on"
    bench.cancel_all_taken()
    bench.tell_ended(report)
    bench.lists()
    ended = bench.facts.standing.exit_report
    assert ended is not None
    assert ended.is_clean
    assert "lists no open order" in ended.text


def test_a_kill_after_keep_that_is_never_confirmed_ends_unclean(bench: Bench) -> None:
    bench.rest()
    bench.submit()
    bench.wish(Stop(policy=ExitPolicy.KEEP, reason="the operator keeps"))
    bench.press()
    bench.wait(ms=10_100)
    ended = bench.facts.standing.exit_report
    assert ended is not None
    assert (ended.is_clean, ended.exit_code) == (False, 1)


def test_a_kill_takes_back_a_report_of_kept_orders_that_nobody_has_read(bench: Bench) -> None:
    bench.rest()
    bench.wish(Stop(policy=ExitPolicy.KEEP, reason="the operator keeps"))
    assert bench.facts.standing.exit_report is not None
    bench.press()
    assert bench.facts.standing.exit_report is None
    assert bench.of(fx.SendCancelAll)


def test_a_kill_during_a_stop_sends_its_own_cancel_all(bench: Bench) -> None:
    bench.rest()
    bench.wish(Stop(policy=ExitPolicy.CANCEL, reason="test"))
    bench.press()
    assert bench.of(fx.SendCancelAll)
    assert bench.kill.sent_ns is None


class TestAPart:
    """A market that was killed is not kept with the rest."""

    def kill(self, bench: Bench) -> None:
        bench.wish(KillPart(scope=Scope(market_id=ETH), by="test", pressed_ns=bench.now.mono_ns))

    def keep(self, bench: Bench) -> None:
        bench.wish(Stop(policy=ExitPolicy.KEEP, reason="the operator keeps"))

    @pytest.mark.parametrize("is_last", [False, True])
    def test_its_kill_is_confirmed_before_the_end_and_the_rest_is_kept(self, bench: Bench, is_last: bool) -> None:
        report = bench.rest()
        kept = bench.rest(intent(size="0.01", price="2000.0", market_id=BTC))
        for wish in (self.keep, self.kill) if is_last else (self.kill, self.keep):
            wish(bench)
        bench.wait(seconds=3)
        assert bench.facts.standing.exit_report is None
        bench.tell(CancelAllResolved(market_id=ETH, outcome=SENT))
        bench.tell_ended(report)
        bench.lists(kept)
        ended = bench.facts.standing.exit_report
        assert ended is not None
        assert (ended.is_clean, ended.text) == (True, "stopped; 1 order left resting as configured")

    def test_one_that_is_never_confirmed_ends_unclean(self, bench: Bench) -> None:
        bench.rest()
        self.kill(bench)
        self.keep(bench)
        bench.wait(ms=10_100)
        ended = bench.facts.standing.exit_report
        assert ended is not None
        assert (ended.is_clean, ended.exit_code) == (False, 1)
        assert "the kill of market ETH was not confirmed" in ended.text


@pytest.mark.parametrize("policy", list(ExitPolicy))
def test_a_full_queue_is_dropped_in_slices_and_none_is_left_waiting_at_the_end(policy: ExitPolicy) -> None:
    bench = Bench()
    bench.connect()
    for number in range(500):
        bench.machine.submit(SubmitOrder(intent=intent(price=f"{1_500 + number}.00")), bench.now)

    def waiting() -> int:
        return sum(task.status is OrderStatus.QUEUED for task in bench.facts.orders.live())

    bench.wish(Stop(policy=policy, reason="test"))
    if policy is not ExitPolicy.KEEP:
        assert 0 < waiting() < 500, "some are left for later, so that the cancel-all leaves soon"
        bench.cancel_all_taken()
        bench.lists()
    if policy is ExitPolicy.FLATTEN:
        bench.tell(PositionsReported(positions=(), is_complete=True, asked_ns=bench.now.mono_ns))
    assert bench.facts.standing.exit_report is not None
    assert waiting() == 0
    assert not bench.of(fx.SendOrder)
