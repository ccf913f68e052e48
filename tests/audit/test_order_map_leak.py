"""Audit finding: the order map only ever grew. Here it is bounded by what is live plus a recent few, for good."""

import gc

from core.commands import CancelOrder, SubmitOrder
from core.engine import effects as fx
from core.engine.order_map import Tracked
from core.events import CancelSendResolved, OrderSendResolved, OrdersReported
from core.model import OrderStatus
from tests.support.fake_connector import ETH
from tests.support.machine import SENT, Bench, buy, sell

TASKS = 10_000
RECENT = 64
RESTING = 5


def one_life(bench: Bench, number: int) -> None:
    """One order through one of the ways an order can go."""
    order = bench.submit(buy() if number % 2 else sell())
    bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
    report = bench.report(order)
    way = number % 4
    if way == 0:  # filled before anything else is known
        bench.fill(report, "0.1")
        bench.tell(OrdersReported(orders=(bench.ended(report, OrderStatus.FILLED, "0.1"),)))
        return
    bench.tell(OrdersReported(orders=(report,)))
    if way == 1:
        bench.fill(report, "0.1")
    else:
        bench.wish(CancelOrder(market_id=ETH, client_id=order.client_id))
        bench.tell(CancelSendResolved(market_id=ETH, client_id=order.client_id, venue_id=None, outcome=SENT))
        bench.tell(OrdersReported(orders=(bench.ended(report),)))
        if way == 3:  # and the report comes again, late
            bench.tell(OrdersReported(orders=(bench.ended(report),)))


def test_ten_thousand_tasks_leave_nothing_behind() -> None:
    bench = Bench(recent_limit=RECENT)
    bench.connect()
    resting = [bench.rest() for _ in range(RESTING)]
    orders, ledger = bench.facts.orders, bench.facts.ledger
    for number in range(TASKS):
        one_life(bench, number)
        assert len(orders) <= RESTING + RECENT
    assert orders.index_size <= 3 * (RESTING + RECENT)
    assert {tracked.order.venue_id for tracked in orders.live()} == {report.venue_id for report in resting}
    assert ledger.trades_kept <= 8_192
    assert len(ledger.fills()) <= 200
    assert len(bench.facts.notices.all()) <= 200
    assert bench.machine._fills.pending == 0
    assert not bench.machine._tasks.is_sending

    bench.effects.clear()
    gc.collect()
    held = sum(isinstance(thing, Tracked) for thing in gc.get_objects())
    assert held <= RESTING + RECENT, "something outside the order map holds on to closed orders"
    assert len(bench.orders) == TASKS + RESTING, "every order left a tombstone in the journal"


def test_denied_and_cancelled_tasks_of_the_queue_leave_as_well() -> None:
    bench = Bench(recent_limit=RECENT)
    bench.connect()
    for _ in range(3_000):
        bench.machine.on_command(SubmitOrder(intent=buy()), bench.now)
        (queued,) = bench.facts.orders.live()
        bench.wish(CancelOrder(market_id=ETH, client_id=queued.order.client_id))
        bench.tell(fx.JournalFailed(why="halted for this test"))
        bench.submit_denied()
    assert len(bench.facts.orders) <= RECENT
    assert not bench.machine._tasks._queue
