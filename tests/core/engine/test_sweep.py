"""Cancelling everything until the venue itself lists nothing, and only then calling it confirmed."""

from dataclasses import replace

import pytest

from core.commands import Kill
from core.connectors.base import NewOrder, OrderRef
from core.decisions import Refused, Unresolved
from core.engine import effects as fx
from core.events import CancelAllResolved, OpenOrdersListed, OrderSendResolved, OrdersReported
from core.state import KillPhase
from core.units import ClientOrderId
from tests.support.fake_connector import ETH, intent
from tests.support.machine import SENT, Bench

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


def test_an_answer_alone_confirms_nothing(bench: Bench) -> None:
    report = bench.rest()
    bench.press()
    bench.cancel_all_taken()
    assert bench.kill.phase is P.SENT
    bench.tell(OrdersReported(orders=(bench.ended(report),)))
    assert bench.kill.phase is P.SENT
    bench.lists()
    assert bench.kill.phase is P.CONFIRMED
    assert bench.kill.may_be_live == 0


def test_a_list_asked_before_the_cancel_all_confirms_nothing(bench: Bench) -> None:
    asked_ns = bench.now.mono_ns
    bench.clock.advance(us=50)
    bench.press()
    bench.cancel_all_taken()
    bench.lists(asked_ns=asked_ns)
    assert bench.kill.phase is P.SENT


def test_an_order_on_its_way_holds_confirmation_back(bench: Bench) -> None:
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


def test_an_order_that_ended_before_its_reply_came_holds_confirmation_back_until_it_does(bench: Bench) -> None:
    order = bench.submit()
    bench.tell(OrdersReported(orders=(bench.ended(bench.report(order)),)))
    bench.press()
    bench.cancel_all_taken()
    bench.lists()
    assert bench.kill.phase is P.SENT, "what is being sent is not settled"
    bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
    assert bench.kill.phase is P.SENT, "the list was asked for before"
    bench.wait(ms=50)
    bench.lists()
    assert bench.kill.phase is P.CONFIRMED


def test_an_unknown_order_keeps_it_failing(bench: Bench) -> None:
    order = bench.submit()
    bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Unresolved("no reply")))
    bench.press()
    bench.cancel_all_taken()
    bench.wait(ms=3_200)
    bench.lists()
    assert bench.kill.phase is P.FAILING
    assert bench.kill.may_be_live == 1
    assert "1 order may still be live" in bench.kill.detail


def test_what_is_in_doubt_is_looked_up_every_second(bench: Bench) -> None:
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


def test_the_list_is_asked_for_four_times_a_second(bench: Bench) -> None:
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


def test_cancel_all_is_repeated_then_joined_by_single_cancels(bench: Bench) -> None:
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


def test_a_refused_cancel_all_is_failing_and_tried_again_until_it_works(bench: Bench) -> None:
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


def test_without_a_list_nothing_is_confirmed(bench: Bench) -> None:
    bench.press()
    bench.cancel_all_taken()
    bench.tell(fx.ListFailed(why="no answer"))
    assert bench.kill.phase is P.FAILING
    assert "no answer" in bench.kill.detail


def test_before_any_list_nobody_knows_how_many_are_live() -> None:
    early = Bench()
    early.press()
    early.wait(ms=50)
    assert early.kill.phase is P.FAILING
    assert early.kill.may_be_live is None
    early.effects.clear()
    early.connect()
    assert early.of(fx.SendCancelAll), "as soon as the venue is there"


def test_an_order_that_appears_while_killed_is_cancelled_too(bench: Bench) -> None:
    confirmed(bench)
    foreign = replace(bench.report(NewOrder(client_id=ClientOrderId(9_999), intent=intent())), client_id=None)
    bench.effects.clear()
    bench.tell(OrdersReported(orders=(foreign,)))
    bench.wait(ms=1_050)
    assert bench.kill.phase is not P.CONFIRMED
    assert bench.of(fx.SendCancelAll)
    assert "appeared" in bench.texts()


def test_milliseconds_count_from_the_press(bench: Bench) -> None:
    bench.effects.clear()
    pressed_ns = bench.now.mono_ns
    bench.clock.advance(us=2_000)
    bench.wish(Kill(by="test", pressed_ns=pressed_ns))
    bench.clock.advance(us=3_000)
    bench.cancel_all_taken()
    bench.clock.advance(us=5_000)
    bench.lists()
    assert (bench.kill.sent_ms, bench.kill.confirmed_ms) == (5, 10)


def test_a_list_of_the_stream_counts_like_one_of_rest(bench: Bench) -> None:
    bench.press()
    bench.cancel_all_taken()
    bench.clock.advance(us=10)
    bench.tell(OpenOrdersListed(orders=(), asked_ns=bench.now.mono_ns))
    assert bench.kill.phase is P.CONFIRMED
