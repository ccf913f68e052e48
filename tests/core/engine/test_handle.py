"""The engine in its thread, against a fake venue: what the desk can do to it, and how it ends."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.clock import SystemClock
from core.commands import CancelOrder, ExitPolicy, SubmitOrder
from core.config import RiskLimits
from core.engine.handle import EngineThread
from core.engine.runtime import EngineParts
from core.model import OrderStatus
from core.risk import RiskManager
from core.state import EnginePhase, KillPhase
from tests.support.fake_connector import FakeConnector, intent
from tests.support.waiting import wait_until


@contextmanager
def running(tmp_path: Path, venue: FakeConnector, policy: ExitPolicy = ExitPolicy.CANCEL) -> Iterator[EngineThread]:
    handle = EngineThread(
        EngineParts(
            connector=venue,
            risk=RiskManager(RiskLimits()),
            journal_path=tmp_path / "journal.sqlite",
            clock=SystemClock(),
            profile="fake",
            exit_policy=policy,
        )
    )
    thread = threading.Thread(target=handle.run, args=(lambda: False,))
    thread.start()
    try:
        yield handle
    finally:
        handle.request_stop(policy, "the test is over")
        thread.join(15)
        assert not thread.is_alive()
        assert venue.is_closed


def seen(handle: EngineThread, what: str, predicate: Callable[[], object]) -> None:
    try:
        wait_until(predicate, what)
    except AssertionError as error:
        raise AssertionError(f"{error}; {handle.state()}") from None


def is_running(handle: EngineThread) -> Callable[[], bool]:
    return lambda: handle.state().phase is EnginePhase.RUNNING


def test_an_order_rests_is_filled_and_the_rest_is_cancelled(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        seen(handle, "running", is_running(handle))
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


def test_kill_is_confirmed_by_the_empty_list(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        seen(handle, "running", is_running(handle))
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
