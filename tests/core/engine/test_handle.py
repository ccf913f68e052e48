"""The engine in its thread, against a fake venue: what the desk can do to it, and how it ends."""

import contextlib
import time
from pathlib import Path

from core.commands import CancelOrder, SubmitOrder
from core.engine.handle import EngineThread
from core.engine.journal import Journal
from core.history import HistoryQuery
from core.model import OrderStatus
from core.state import EnginePhase, KillPhase
from tests.support.engine import parts_of, running, seen
from tests.support.fake_connector import FakeConnector, intent
from tests.support.waiting import wait_until


def test_an_order_rests_is_filled_and_the_rest_is_cancelled(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "accepted", lambda: [t for t in handle.state().tasks if t.order.status is OrderStatus.ACCEPTED])
        venue.fill(next(iter(venue.open.values())), "0.04")
        seen(handle, "filled", lambda: handle.state().positions)
        state = handle.state()
        assert str(state.positions[0].size) == "0.04"
        assert state.tasks[0].order.status is OrderStatus.PARTIALLY_FILLED
        handle.submit(CancelOrder(market_id=state.markets[0].id, client_id=state.tasks[0].order.client_id))
        seen(handle, "cancelled", lambda: not handle.state().tasks)
        assert handle.state().recent[0].order.status is OrderStatus.CANCELED


def test_the_desk_reads_the_log_of_the_running_engine(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "accepted", lambda: [t for t in handle.state().tasks if t.order.status is OrderStatus.ACCEPTED])
        ours = handle.state().tasks[0].order.client_id
        wait_until(
            lambda: (
                {"order", "outcome"} == {row.kind for row in handle.history(HistoryQuery(order_id=ours)).result(10)}
            ),
            "the order and what came of sending it stand in the log",
        )
        (asked,) = handle.history(HistoryQuery(kinds=("command",))).result(10)
        assert asked.text == "submit order by operator"


def test_kill_is_confirmed_by_the_empty_list(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        for _ in range(3):
            handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "three open", lambda: handle.state().may_be_live == 3)
        handle.kill("test", time.monotonic_ns())
        seen(handle, "confirmed", lambda: handle.state().kill.phase is KillPhase.CONFIRMED)
        kill = handle.state().kill
        assert kill.may_be_live == 0
        assert kill.sent_ms is not None
        assert kill.sent_ms < 1_000
        assert not venue.open
    report = handle.exit_report()
    assert report is not None
    assert report.is_clean
    assert report.exit_code == 0
    assert handle.state().phase is EnginePhase.STOPPED


def test_an_order_placed_after_the_end_is_given_up_at_once(tmp_path: Path) -> None:
    with running(tmp_path, FakeConnector()) as handle:
        seen(handle, "running", lambda: handle.state().phase is EnginePhase.RUNNING)
    assert handle.place(SubmitOrder(intent=intent())).cancelled()


def test_an_engine_that_never_ran_gives_up_whoever_waits(tmp_path: Path) -> None:
    handle = EngineThread(parts_of(tmp_path, FakeConnector()))
    early = handle.place(SubmitOrder(intent=intent()))
    with contextlib.closing(Journal.open(tmp_path / "journal.sqlite", "somebody")):
        handle.run(lambda: False)
    assert handle.state().phase is EnginePhase.FAILED
    assert early.cancelled()
    assert handle.place(SubmitOrder(intent=intent())).cancelled()
