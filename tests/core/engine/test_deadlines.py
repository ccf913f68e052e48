import pytest

from core.commands import SubmitOrder
from core.engine import effects as fx
from core.engine.deadlines import Deadlines
from core.engine.records import SavedMeta
from core.events import OrderSendResolved, OrdersReported
from core.model import OrderStatus
from tests.support.fake_connector import intent
from tests.support.machine import SENT, Bench

SECOND = 1_000_000_000


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def test_one_not_filled_in_time_is_cancelled_until_the_venue_says_it_ended(bench: Bench) -> None:
    bench.effects.clear()
    bench.wish(SubmitOrder(intent=intent(), fill_by_ns=bench.now.mono_ns + 5 * SECOND))
    (sent,) = bench.of(fx.SendOrder)
    bench.tell(OrderSendResolved(client_id=sent.order.client_id, outcome=SENT))
    report = bench.report(sent.order)
    bench.tell(OrdersReported(orders=(report,)))
    bench.fill(report, "0.05")
    bench.wait(ms=4_900)
    assert not bench.of(fx.SendCancel)
    bench.wait(ms=150)
    assert len(bench.of(fx.SendCancel)) == 1
    assert bench.status(sent.order.client_id) is OrderStatus.PENDING_CANCEL
    bench.wait(seconds=2)
    assert len(bench.of(fx.SendCancel)) == 2
    bench.tell_ended(report)
    bench.wait(seconds=5)
    assert len(bench.of(fx.SendCancel)) == 2
    assert bench.texts().count("was not filled in time") == 1


def test_one_filled_in_time_is_left_alone(bench: Bench) -> None:
    bench.effects.clear()
    bench.wish(SubmitOrder(intent=intent(), fill_by_ns=bench.now.mono_ns + SECOND))
    (sent,) = bench.of(fx.SendOrder)
    bench.tell(OrdersReported(orders=(bench.report(sent.order, OrderStatus.FILLED, "0.1"),)))
    bench.wait(seconds=3)
    assert not bench.of(fx.SendCancel)


def test_one_too_late_to_send_is_dropped_though_its_turn_never_comes(bench: Bench) -> None:
    bench.submit()
    bench.submit()  # both places are taken and nobody answers
    bench.wish(SubmitOrder(intent=intent(), deadline_ns=bench.now.mono_ns + SECOND))
    waiting = next(t for t in bench.facts.orders.live() if t.status is OrderStatus.QUEUED)
    bench.wait(ms=1_100)
    assert waiting.status is OrderStatus.CANCELED
    assert "deadline" in waiting.order.reason


def test_deadlines_of_orders_that_ended_do_not_pile_up(bench: Bench) -> None:
    deadlines = Deadlines(bench.facts, bench.machine._tasks)
    for _ in range(2_000):
        tracked = bench.tracked(bench.submit_and_end(fill_by_ns=bench.now.mono_ns + 10**18))
        deadlines.watch(tracked, bench.now)
    assert len(deadlines) < 600


def test_a_fill_deadline_survives_a_restart() -> None:
    bench = Bench()
    bench.connect()
    bench.effects.clear()
    bench.wish(SubmitOrder(intent=intent(), fill_by_ns=bench.now.mono_ns + 10 * SECOND))
    (sent,) = bench.of(fx.SendOrder)
    before = bench.effects[: bench.effects.index(sent)]
    records = [record for one in before if isinstance(one, fx.Persist) for record in one.records]
    stored = [record.key for record in records if isinstance(record, SavedMeta)]
    assert "fill by" in stored, "known before the order can leave"
    bench.tell(OrderSendResolved(client_id=sent.order.client_id, outcome=SENT))
    report = bench.report(sent.order)
    bench.tell(OrdersReported(orders=(report,)))
    again = bench.restarted()
    again.connect(report)
    again.tell(fx.OrderLookedUp(client_id=sent.order.client_id, report=report))
    again.effects.clear()
    again.wait(seconds=9)
    assert again.of(fx.SendCancel) == []
    again.wait(seconds=2)
    assert {one.ref.client_id for one in again.of(fx.SendCancel)} == {sent.order.client_id}
