"""The kill switch: pressed, held, lifted, and still there after a restart."""

import pytest

from core.commands import Kill, Rearm, SubmitOrder
from core.decisions import DenyReason
from core.engine import effects as fx
from core.events import OrderSendResolved, Ticked
from core.model import OrderStatus
from core.state import KillPhase
from tests.support.fake_connector import intent
from tests.support.machine import SENT, Bench

S = OrderStatus
P = KillPhase


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def confirmed(bench: Bench) -> None:
    bench.press()
    bench.cancel_all_taken()
    bench.lists()
    assert bench.kill.phase is P.CONFIRMED


class TestPress:
    def test_the_cancel_all_is_the_first_effect(self, bench: Bench) -> None:
        bench.rest()
        bench.press()
        assert isinstance(bench.effects[0], fx.SendCancelAll)
        assert bench.kill.phase is P.REQUESTED

    def test_queued_tasks_are_dropped_and_none_leaves_afterwards(self, bench: Bench) -> None:
        for _ in range(5):
            bench.wish(SubmitOrder(intent=intent()))
        sending = [t for t in bench.facts.orders.live() if t.status is S.SUBMITTING]
        bench.press()
        assert not [t for t in bench.facts.orders.live() if t.status is S.QUEUED]
        dropped = list(bench.facts.orders.recent())
        assert len(dropped) == 3
        assert all(t.order.reason.startswith(DenyReason.KILLED.value) for t in dropped)
        for tracked in sending:
            bench.tell(OrderSendResolved(client_id=tracked.order.client_id, outcome=SENT))
        bench.wish(SubmitOrder(intent=intent()))
        assert not bench.of(fx.SendOrder)

    def test_a_full_queue_is_dropped_in_slices_and_nothing_of_it_ever_leaves(self, bench: Bench) -> None:
        for number in range(500):
            bench.machine.submit(SubmitOrder(intent=intent(price=f"{1_500 + number}.00")), bench.now)
        bench.effects.clear()
        bench.press()
        waiting = [task for task in bench.facts.orders.live() if task.status is S.QUEUED]
        assert 0 < len(waiting) < 500, "some are left for later, so that the cancel-all leaves soon"
        assert "500 queued tasks dropped" in bench.texts()
        bench.wait(ms=1_000)
        assert not [task for task in bench.facts.orders.live() if task.status is S.QUEUED]
        assert not bench.of(fx.SendOrder)

    def test_what_still_waits_when_it_is_lifted_is_dropped_first(self, bench: Bench) -> None:
        for number in range(500):
            bench.machine.submit(SubmitOrder(intent=intent(price=f"{1_500 + number}.00")), bench.now)
        confirmed(bench)
        assert [task for task in bench.facts.orders.live() if task.status is S.QUEUED], "lifted before all are gone"
        bench.effects.clear()
        bench.wish(Rearm(by="operator", reason="feed is back"))
        bench.wait(ms=100)
        assert bench.kill.phase is P.IDLE
        assert not bench.of(fx.SendOrder)
        bench.submit()

    def test_one_press_reported_twice_is_one_kill(self, bench: Bench) -> None:
        bench.press()
        pressed = bench.kill
        bench.cancel_all_taken()
        bench.lists()
        bench.wish(Kill(by="test", pressed_ns=pressed.pressed_ns + 20_000_000))
        assert bench.kill.phase is P.CONFIRMED, "the echo of a press must not undo its confirmation"
        assert bench.kill.pressed_ns == pressed.pressed_ns
        assert sum("killed by" in notice.text for notice in bench.facts.notices.all()) == 1

    def test_a_later_press_is_another_kill(self, bench: Bench) -> None:
        confirmed(bench)
        bench.clock.advance(seconds=1)
        bench.press()
        assert bench.kill.phase is P.REQUESTED

    def test_it_is_latched_in_the_journal(self, bench: Bench) -> None:
        bench.press()
        assert bench.meta["kill"].endswith(" test")


def test_a_held_key_is_one_press_however_long_and_a_press_after_a_pause_is_another(bench: Bench) -> None:
    bench.press()
    first_ns = bench.kill.pressed_ns
    bench.cancel_all_taken()
    bench.lists()
    bench.clock.advance(us=500_000)  # the first repeat comes late
    for _ in range(100):
        bench.wish(Kill(by="test", pressed_ns=bench.now.mono_ns))
        bench.clock.advance(us=33_000)
    assert (bench.kill.phase, bench.kill.pressed_ns) == (P.CONFIRMED, first_ns)
    bench.wish(Kill(by="signal", pressed_ns=bench.now.mono_ns))
    assert bench.kill.pressed_ns == bench.now.mono_ns, "somebody else's press is no repeat"
    bench.cancel_all_taken()
    bench.lists()
    bench.clock.advance(us=800_000)
    bench.wish(Kill(by="test", pressed_ns=bench.now.mono_ns))
    assert bench.kill.phase is P.REQUESTED


class TestRearm:
    def test_only_after_confirmation(self, bench: Bench) -> None:
        bench.rest()
        bench.press()
        bench.wish(Rearm(by="operator", reason="all good"))
        assert bench.kill.is_latched
        assert not bench.of(fx.LiftHalt)

    def test_only_with_a_reason(self, bench: Bench) -> None:
        confirmed(bench)
        bench.wish(Rearm(by="operator", reason="  "))
        assert bench.kill.is_latched
        assert not bench.of(fx.LiftHalt)

    def test_then_trading_resumes(self, bench: Bench) -> None:
        confirmed(bench)
        bench.wish(Rearm(by="operator", reason="feed is back"))
        assert bench.kill.phase is P.IDLE
        assert bench.of(fx.LiftHalt)
        assert bench.meta["kill"] == ""
        bench.submit()


class TestRestart:
    def test_a_killed_bot_starts_killed_and_sweeps_again(self, bench: Bench) -> None:
        confirmed(bench)
        fresh = bench.restarted()
        assert fresh.kill.is_latched
        assert fresh.kill.by == "test"
        fresh.effects.clear()
        fresh.connect()
        assert fresh.of(fx.SendCancelAll)
        fresh.cancel_all_taken()
        fresh.lists()
        assert fresh.kill.phase is P.CONFIRMED
        fresh.effects.clear()
        fresh.wish(SubmitOrder(intent=intent()))
        assert not fresh.of(fx.SendOrder)

    def test_nothing_is_measured_from_a_press_of_an_earlier_process(self, bench: Bench) -> None:
        confirmed(bench)
        fresh = bench.restarted()
        fresh.connect()
        fresh.cancel_all_taken()
        fresh.lists()
        assert fresh.kill.phase is P.CONFIRMED
        assert (fresh.kill.sent_ms, fresh.kill.confirmed_ms) == (None, None)

    def test_without_the_venue_nobody_knows_how_many_are_live(self, bench: Bench) -> None:
        confirmed(bench)
        fresh = bench.restarted()
        fresh.tell(Ticked())
        assert fresh.kill.phase is P.FAILING
        assert fresh.kill.may_be_live is None

    def test_a_rearmed_bot_does_not(self, bench: Bench) -> None:
        confirmed(bench)
        bench.wish(Rearm(by="operator", reason="feed is back"))
        assert not bench.restarted().kill.is_latched
