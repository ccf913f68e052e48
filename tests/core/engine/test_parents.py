from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import CancelAlgorithm, KillPart, StartAlgorithm, TripBreaker
from core.decisions import Refused, Unresolved
from core.engine import effects as fx
from core.engine import parents
from core.engine.order_map import Tracked
from core.events import (
    CancelSendResolved,
    ModifySendResolved,
    NoticeLevel,
    OrderReport,
    OrderSendResolved,
    OrdersReported,
)
from core.model import OrderStatus, Origin, OriginKind, Side
from core.plans import Chase, Ladder, Plan, Twap
from core.scope import Scope
from core.state import AlgorithmStatus
from core.units import MarketId
from tests.support.fake_connector import ETH
from tests.support.machine import SENT, Bench

D = Decimal
TWAP = Twap(market_id=ETH, side=Side.BUY, size=D("0.4"), price=D("2001"), slices=4, every_s=10)
LADDER = Ladder(market_id=ETH, side=Side.BUY, size=D("0.2"), first=D("1990"), last=D("1980"), rungs=2)
CHASE = Chase(market_id=ETH, side=Side.BUY, size=D("0.1"), price=D("2005"), within_s=60)


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def start(bench: Bench, plan: Plan) -> None:
    bench.effects.clear()
    bench.wish(StartAlgorithm(plan=plan))


def live(bench: Bench) -> list[Tracked]:
    return [one for one in bench.facts.orders.live() if one.origin.kind is OriginKind.ALGORITHM]


def show(bench: Bench) -> list[OrderReport]:
    """The venue takes and shows every order that left."""
    reports = []
    for sent in bench.of(fx.SendOrder):
        bench.tell(OrderSendResolved(client_id=sent.order.client_id, outcome=SENT))
        reports.append(bench.report(sent.order))
        bench.tell(OrdersReported(orders=(reports[-1],)))
    bench.effects.clear()
    bench.wish()
    return reports


def the_one(bench: Bench) -> AlgorithmStatus:
    (status,) = bench.machine.algorithms()
    return status


@pytest.mark.parametrize("scope", [Scope(market_id=ETH), Scope(strategy="maker")])
def test_a_kill_of_its_market_or_strategy_ends_a_plan(bench: Bench, scope: Scope) -> None:
    bench.effects.clear()
    bench.wish(StartAlgorithm(plan=LADDER, origin=Origin(OriginKind.STRATEGY, "maker")))
    show(bench)
    assert {str(one.origin) for one in live(bench)} == {f"algorithm {the_one(bench).name}"}
    assert the_one(bench).name.endswith(" for maker")
    bench.wish(KillPart(scope=scope, by="test", pressed_ns=0))
    bench.wait(ms=50)
    assert the_one(bench).detail == "killed by test"
    assert all(one.wants_cancel for one in live(bench))


def test_a_kill_of_something_else_leaves_a_plan_alone(bench: Bench) -> None:
    start(bench, LADDER)
    show(bench)
    for scope in (Scope(market_id=MarketId(1)), Scope(strategy="maker")):
        bench.wish(KillPart(scope=scope, by="test", pressed_ns=0))
    bench.wait(ms=50)
    assert the_one(bench).detail == ""


def test_no_plan_begins_in_a_killed_part(bench: Bench) -> None:
    bench.wish(KillPart(scope=Scope(strategy="maker"), by="test", pressed_ns=0))
    begun, _ = bench.machine.begin(StartAlgorithm(plan=LADDER, origin=Origin(OriginKind.STRATEGY, "maker")), bench.now)
    assert begun == "killed by test"


def test_a_twap_works_its_size_slice_by_slice_under_its_own_name(bench: Bench) -> None:
    start(bench, TWAP)
    status = the_one(bench)
    assert status.name == f"twap {status.id}"
    for number in range(4):
        (sent,) = bench.of(fx.SendOrder)
        assert sent.order.intent.size == D("0.1")
        (child,) = live(bench)
        assert str(child.origin) == f"algorithm {status.name}"
        (report,) = show(bench)
        bench.fill(report, "0.1")
        bench.tell_ended(report, OrderStatus.FILLED)
        assert number == 3 or the_one(bench).filled == D("0.1") * (number + 1)
        bench.wait(seconds=10)
        bench.wish()
    assert bench.machine.algorithms() == ()
    assert bench.position() == D("0.4")
    assert "done; 0.4 of 0.4 filled" in bench.texts()
    assert {str(saved.origin) for saved in bench.fills.values()} == {f"algorithm {status.name}"}


def test_a_chase_moves_by_changes(bench: Bench) -> None:
    start(bench, CHASE)
    bench.wait(ms=600)
    bench.wish()
    (report,) = show(bench)
    assert report.price == D(2000)
    bench.quote(bid=D(2003))
    bench.wait(ms=600)
    (change,) = bench.of(fx.SendModify)
    assert (change.client_id, change.size, change.price) == (report.client_id, D("0.1"), D(2003))


def test_a_chase_whose_time_is_up_cancels_an_order_whose_change_is_in_doubt(bench: Bench) -> None:
    start(bench, CHASE)
    bench.wait(ms=600)
    bench.wish()
    (report,) = show(bench)
    bench.quote(bid=D(2003))
    bench.wait(ms=600)
    (change,) = bench.of(fx.SendModify)
    bench.tell(ModifySendResolved(client_id=change.client_id, outcome=Unresolved("no answer")))
    bench.wait(seconds=57)
    assert not bench.of(fx.SendCancel)
    bench.wait(seconds=4)
    (cancel,) = bench.of(fx.SendCancel)
    assert cancel.ref.client_id == report.client_id


def test_a_chase_whose_cancel_is_refused_asks_again_but_not_with_every_beat(bench: Bench) -> None:
    start(bench, CHASE)
    bench.wait(ms=600)
    bench.wish()
    show(bench)
    bench.wait(seconds=58)
    asked = 0
    for _ in range(120):
        bench.wait(ms=50)
        for cancel in bench.of(fx.SendCancel):
            asked += 1
            ref, down = cancel.ref, Refused(0, "the link is down")
            bench.tell(CancelSendResolved(market_id=ETH, client_id=ref.client_id, venue_id=ref.venue_id, outcome=down))
        bench.effects.clear()
    assert 2 <= asked <= 4


def test_cancelling_the_plan_cancels_its_orders_until_they_ended(bench: Bench) -> None:
    start(bench, LADDER)
    reports = show(bench)
    assert len(reports) == 2
    bench.wish(CancelAlgorithm(task_id=the_one(bench).id))
    assert len(bench.of(fx.SendCancel)) == 2
    assert the_one(bench).detail == "cancelled by operator"
    bench.tell_ended(reports[0])
    bench.wait(seconds=3)
    assert len(bench.of(fx.SendCancel)) >= 3, "asked for again"
    bench.tell_ended(reports[1])
    bench.wait(ms=100)
    assert bench.machine.algorithms() == ()


def test_a_plan_stops_with_its_first_denied_order(bench: Bench) -> None:
    start(bench, LADDER)
    first, second = bench.of(fx.SendOrder)
    bench.tell(OrderSendResolved(client_id=first.order.client_id, outcome=Refused(21_733, "price too far")))
    bench.tell(OrderSendResolved(client_id=second.order.client_id, outcome=SENT))
    report = bench.report(second.order)
    bench.tell(OrdersReported(orders=(report,)))
    bench.wait(ms=100)
    assert "was rejected: price too far" in the_one(bench).detail
    assert [cancel.ref.client_id for cancel in bench.of(fx.SendCancel)] == [report.client_id]


def test_a_kill_ends_every_plan(bench: Bench) -> None:
    start(bench, TWAP)
    (report,) = show(bench)
    bench.press()
    bench.tell_ended(report)
    bench.wait(seconds=30)
    assert not bench.of(fx.SendOrder)
    assert bench.machine.algorithms() == ()
    assert "killed by test" in bench.texts()


def test_while_only_reducing_is_allowed_it_waits(bench: Bench) -> None:
    start(bench, TWAP)
    bench.tell_ended(show(bench)[0])
    bench.wish(TripBreaker(by="test", reason="feed"))
    bench.wait(seconds=30)
    bench.wish()
    assert not bench.of(fx.SendOrder)
    assert the_one(bench).detail == ""
    start(bench, LADDER)
    assert "not started, ladder" in bench.texts()


def test_a_plan_whose_orders_the_venue_keeps_ending_stops(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parents, "_MOST_CHILDREN", 20)
    start(bench, replace(CHASE, within_s=3_600))
    ended = 0
    while bench.machine.algorithms():
        bench.wait(ms=550)
        bench.wish()
        for report in show(bench):
            bench.tell_ended(report)
            ended += 1
        assert ended <= 40
    assert "21 orders did not fill it" in bench.texts()


def test_a_plan_does_not_outlive_the_process_and_neither_do_its_orders(bench: Bench) -> None:
    start(bench, LADDER)
    reports = show(bench)
    again = bench.restarted()
    alerts = [notice.text for notice in again.facts.notices.all() if notice.level is NoticeLevel.ALERT]
    assert "was under way when the engine ended: it is not resumed; 2 orders of it are cancelled" in alerts[0]
    again.connect(*reports)
    again.wait(ms=100)
    assert {cancel.ref.client_id for cancel in again.of(fx.SendCancel)} == {report.client_id for report in reports}
    third = again.restarted()
    assert "was under way" not in third.texts(), "said once"


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Twap(market_id=ETH, side=Side.BUY, size=D(0), price=D(1), slices=2, every_s=1), "a size above zero, got 0"),
        (Twap(market_id=ETH, side=Side.BUY, size=D("NaN"), price=D(1), slices=2, every_s=1), "got NaN"),
        (Twap(market_id=ETH, side=Side.BUY, size=D(1), price=D(1), slices=501, every_s=1), "slices of 2 to 500"),
        (Twap(market_id=ETH, side=Side.BUY, size=D(1), price=D(1), slices=2, every_s=0), "every_s of 1 to 86400"),
        (Ladder(market_id=ETH, side=Side.BUY, size=D(1), first=D(1), last=D(-1), rungs=2), "last above zero, got -1"),
        (Ladder(market_id=ETH, side=Side.BUY, size=D(1), first=D(1), last=D(2), rungs=1), "rungs of 2 to 20"),
        (Chase(market_id=MarketId(99), side=Side.BUY, size=D(1), price=D(1), within_s=1), "market 99"),
    ],
)
def test_what_is_no_plan_is_refused_in_a_sentence(bench: Bench, plan: Plan, words: str) -> None:
    start(bench, plan)
    assert bench.machine.algorithms() == ()
    assert not bench.of(fx.SendOrder)
    assert words in bench.texts()
