"""The kill switch from the press to the venue's empty list, and back."""

from dataclasses import replace

import pytest

from core.commands import ExitPolicy, Kill, Rearm, Stop, SubmitOrder
from core.connectors.base import NewOrder, OrderRef
from core.decisions import DenyReason, Refused, Unresolved
from core.engine import effects as fx
from core.events import CancelAllResolved, OpenOrdersListed, OrderSendResolved, OrdersReported, Ticked
from core.model import OrderStatus
from core.state import EnginePhase, KillPhase
from core.units import ClientOrderId
from tests.support.fake_connector import ETH, intent
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


class TestConfirmation:
    def test_an_answer_alone_confirms_nothing(self, bench: Bench) -> None:
        report = bench.rest()
        bench.press()
        bench.cancel_all_taken()
        assert bench.kill.phase is P.SENT
        bench.tell(OrdersReported(orders=(bench.ended(report),)))
        assert bench.kill.phase is P.SENT
        bench.lists()
        assert bench.kill.phase is P.CONFIRMED
        assert bench.kill.may_be_live == 0

    def test_a_list_asked_before_the_cancel_all_confirms_nothing(self, bench: Bench) -> None:
        asked_ns = bench.now.mono_ns
        bench.clock.advance(us=50)
        bench.press()
        bench.cancel_all_taken()
        bench.lists(asked_ns=asked_ns)
        assert bench.kill.phase is P.SENT

    def test_an_order_on_its_way_holds_confirmation_back(self, bench: Bench) -> None:
        order = bench.submit()
        bench.press()
        bench.cancel_all_taken()
        bench.lists()
        assert bench.kill.phase is P.SENT
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
        bench.lists()
        assert bench.kill.phase is P.SENT
        assert bench.kill.may_be_live == 1
        report = bench.report(order)
        bench.tell(OrdersReported(orders=(report,)))
        bench.wait(ms=1_100)
        assert len(bench.of(fx.SendCancelAll)) == 2, "it landed after the first"
        bench.cancel_all_taken()
        bench.tell(OrdersReported(orders=(bench.ended(report),)))
        bench.lists()
        assert bench.kill.phase is P.CONFIRMED

    def test_an_unknown_order_keeps_it_failing(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Unresolved("no reply")))
        bench.press()
        bench.cancel_all_taken()
        bench.wait(ms=3_200)
        bench.lists()
        assert bench.kill.phase is P.FAILING
        assert bench.kill.may_be_live == 1
        assert "1 order may still be live" in bench.kill.detail

    def test_what_is_in_doubt_is_looked_up_every_second(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Unresolved("no reply")))
        bench.press()
        asked = 0
        for _ in range(200):
            bench.wait(ms=50)
            for effect in bench.of(fx.LookUpOrder):
                bench.effects.remove(effect)
                asked += 1
                bench.tell(fx.OrderLookedUp(client_id=effect.client_id, report=None))
            for effect in bench.of(fx.ListOpenOrders):
                bench.effects.remove(effect)
                bench.lists()
        assert 8 <= asked <= 11

    def test_the_list_is_asked_for_four_times_a_second(self, bench: Bench) -> None:
        report = bench.rest()
        bench.press()
        asked = 0
        for _ in range(20):
            bench.wait(ms=50)
            for effect in bench.of(fx.ListOpenOrders):
                bench.effects.remove(effect)
                asked += 1
                bench.lists(report)
        assert asked == 4

    def test_cancel_all_is_repeated_then_joined_by_single_cancels(self, bench: Bench) -> None:
        mine = bench.rest()
        foreign = replace(mine, client_id=None, venue_id=7)
        bench.lists(mine, foreign)
        bench.press()
        for _ in range(3):
            bench.cancel_all_taken()
            bench.lists(mine, foreign)
            assert bench.kill.phase in {P.SENT, P.FAILING}
            bench.wait(ms=1_050)
        assert len(bench.of(fx.SendCancelAll)) >= 3
        assert {effect.ref for effect in bench.of(fx.SendCancel)} == {
            OrderRef(market_id=ETH, client_id=mine.client_id, venue_id=mine.venue_id),
            OrderRef(market_id=ETH, venue_id=foreign.venue_id),
        }

    def test_a_refused_cancel_all_is_failing_and_tried_again_until_it_works(self, bench: Bench) -> None:
        report = bench.rest()
        bench.press()
        bench.tell(CancelAllResolved(market_id=None, outcome=Refused(23_000, "Too Many Requests!")))
        assert bench.kill.phase is P.FAILING
        assert "Too Many Requests!" in bench.kill.detail
        bench.wait(ms=1_050)
        assert len(bench.of(fx.SendCancelAll)) == 2
        bench.cancel_all_taken()
        bench.tell(OrdersReported(orders=(bench.ended(report),)))
        bench.lists()
        assert bench.kill.phase is P.CONFIRMED
        assert bench.kill.attempts == 2

    def test_without_a_list_nothing_is_confirmed(self, bench: Bench) -> None:
        bench.press()
        bench.cancel_all_taken()
        bench.tell(fx.ListFailed(why="no answer"))
        assert bench.kill.phase is P.FAILING
        assert "no answer" in bench.kill.detail

    def test_before_any_list_nobody_knows_how_many_are_live(self) -> None:
        early = Bench()
        early.press()
        early.wait(ms=50)
        assert early.kill.phase is P.FAILING
        assert early.kill.may_be_live is None
        early.effects.clear()
        early.connect()
        assert early.of(fx.SendCancelAll), "as soon as the venue is there"

    def test_an_order_that_appears_while_killed_is_cancelled_too(self, bench: Bench) -> None:
        confirmed(bench)
        foreign = replace(bench.report(NewOrder(client_id=ClientOrderId(9_999), intent=intent())), client_id=None)
        bench.effects.clear()
        bench.tell(OrdersReported(orders=(foreign,)))
        bench.wait(ms=1_050)
        assert bench.kill.phase is not P.CONFIRMED
        assert bench.of(fx.SendCancelAll)
        assert "appeared" in bench.texts()

    def test_milliseconds_count_from_the_press(self, bench: Bench) -> None:
        bench.effects.clear()
        pressed_ns = bench.now.mono_ns
        bench.clock.advance(us=2_000)
        bench.wish(Kill(by="test", pressed_ns=pressed_ns))
        bench.clock.advance(us=3_000)
        bench.cancel_all_taken()
        bench.clock.advance(us=5_000)
        bench.lists()
        assert (bench.kill.sent_ms, bench.kill.confirmed_ms) == (5, 10)


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


class TestTogetherWithTheEnd:
    def test_a_kill_stands_above_a_wish_to_keep_orders(self, bench: Bench) -> None:
        bench.rest()
        bench.press()
        bench.wish(Stop(policy=ExitPolicy.KEEP, reason="test"))
        assert bench.facts.standing.exit_report is None
        assert bench.phase is EnginePhase.STOPPING

    def test_a_kill_that_comes_while_orders_are_being_kept_cancels_them(self, bench: Bench) -> None:
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

    def test_a_kill_after_keep_that_is_never_confirmed_ends_unclean(self, bench: Bench) -> None:
        bench.rest()
        bench.submit()
        bench.wish(Stop(policy=ExitPolicy.KEEP, reason="the operator keeps"))
        bench.press()
        bench.wait(ms=10_100)
        ended = bench.facts.standing.exit_report
        assert ended is not None
        assert (ended.is_clean, ended.exit_code) == (False, 1)

    def test_a_kill_takes_back_a_report_of_kept_orders_that_nobody_has_read(self, bench: Bench) -> None:
        bench.rest()
        bench.wish(Stop(policy=ExitPolicy.KEEP, reason="the operator keeps"))
        assert bench.facts.standing.exit_report is not None
        bench.press()
        assert bench.facts.standing.exit_report is None
        assert bench.of(fx.SendCancelAll)

    def test_a_kill_during_a_stop_sends_its_own_cancel_all(self, bench: Bench) -> None:
        bench.rest()
        bench.wish(Stop(policy=ExitPolicy.CANCEL, reason="test"))
        bench.press()
        assert bench.of(fx.SendCancelAll)
        assert bench.kill.sent_ns is None


def test_a_list_of_the_stream_counts_like_one_of_rest(bench: Bench) -> None:
    bench.press()
    bench.cancel_all_taken()
    bench.clock.advance(us=10)
    bench.tell(OpenOrdersListed(orders=(), asked_ns=bench.now.mono_ns))
    assert bench.kill.phase is P.CONFIRMED
