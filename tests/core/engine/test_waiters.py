from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from core.commands import ModifyOrder, SubmitOrder
from core.model import OrderStatus
from core.units import Decimal, TaskId
from tests.support.engine import running, seen
from tests.support.fake_connector import ETH, FakeConnector, Fate, intent

OPEN, FILLED = OrderStatus.ACCEPTED, OrderStatus.FILLED


def test_placing_tells_the_task_and_waiting_needs_no_polling(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        task_id = handle.place(SubmitOrder(intent=intent())).result(5)
        task = handle.wait_for(task_id, {OPEN}).result(5)
        assert (task.id, task.order.status) == (task_id, OPEN)
        filled = handle.wait_for(task_id, {FILLED})
        (report,) = venue.open.values()
        venue.fill(report, "0.04")
        seen(handle, "half of it", lambda: [t for t in handle.state().tasks if t.order.filled])
        assert not filled.done()
        venue.fill(venue.open[report.venue_id], "0.06")
        assert filled.result(5).order.status is FILLED
        assert handle.wait_for(task_id, {OPEN}).result(5).order.status is FILLED, "closed: nothing follows"


def test_a_wait_ends_with_the_order_whatever_it_waited_for(tmp_path: Path) -> None:
    venue = FakeConnector()
    venue.fates.append(Fate.REFUSE)
    with running(tmp_path, venue) as handle:
        task_id = handle.place(SubmitOrder(intent=intent())).result(5)
        assert handle.wait_for(task_id, {FILLED}).result(5).order.status is OrderStatus.REJECTED


def test_a_task_that_memory_does_not_hold_cannot_be_waited_for(tmp_path: Path) -> None:
    with running(tmp_path, FakeConnector()) as handle, pytest.raises(LookupError, match="no task 77"):
        handle.wait_for(TaskId(77), {FILLED}).result(5)


def test_the_end_of_the_engine_ends_every_wait(tmp_path: Path) -> None:
    venue = FakeConnector()
    venue.fates.append(Fate.VANISH_UNSEEN)
    with running(tmp_path, venue) as handle:
        task_id = handle.place(SubmitOrder(intent=intent())).result(5)
        waiting = handle.wait_for(task_id, {FILLED})
        venue.is_cancelling = True
        seen(handle, "in doubt", lambda: handle.state().order_map)
        handle.wait_for(task_id, {OrderStatus.UNKNOWN}).result(5)
    with pytest.raises(CancelledError):
        waiting.result(0)


def test_a_change_reaches_the_venue_and_comes_back(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        task_id = handle.place(SubmitOrder(intent=intent())).result(5)
        task = handle.wait_for(task_id, {OPEN}).result(5)
        size, price = Decimal("0.2"), Decimal("1850.00")
        handle.submit(ModifyOrder(market_id=ETH, client_id=task.order.client_id, size=size, price=price))
        seen(handle, "the new terms", lambda: [t for t in handle.state().tasks if t.intent.size == size])
        assert handle.state().tasks[0].intent.price == price
        assert len(venue.submitted) == 1
