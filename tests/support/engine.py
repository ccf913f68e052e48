"""Runs a real engine thread against the fake venue and ends it properly, whatever the test did."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.clock import SystemClock
from core.commands import ExitPolicy
from core.engine.autopilot import Autopilot
from core.engine.handle import EngineThread
from core.engine.runtime import EngineParts
from core.limits import RiskLimits
from core.risk import RiskManager
from core.state import EnginePhase
from tests.support.fake_connector import FakeConnector
from tests.support.waiting import wait_until


def parts_of(
    tmp_path: Path,
    venue: FakeConnector,
    *,
    policy: ExitPolicy = ExitPolicy.CANCEL,
    autopilot: Autopilot | None = None,
    recent_limit: int = 256,
) -> EngineParts:
    """What an engine is made of in tests."""
    return EngineParts(
        connector=venue,
        risk=RiskManager(RiskLimits(duplicate_window_ms=0)),  # tests repeat themselves
        journal_path=tmp_path / "journal.sqlite",
        clock=SystemClock(),
        profile="fake",
        exit_policy=policy,
        autopilot=autopilot,
        recent_limit=recent_limit,
    )


@contextmanager
def started(handle: EngineThread, venue: FakeConnector, policy: ExitPolicy = ExitPolicy.CANCEL) -> Iterator[None]:
    """Run it in a thread; at the end ask it to stop, and see thread and connector end."""
    thread = threading.Thread(target=handle.run, args=(lambda: False,), name="engine")
    thread.start()
    try:
        yield
    finally:
        handle.request_stop(policy, "the test is over")
        thread.join(20)
        assert not thread.is_alive(), "the engine did not end"
        assert venue.is_closed, "the connector was left open"


@contextmanager
def running(
    tmp_path: Path, venue: FakeConnector, *, policy: ExitPolicy = ExitPolicy.CANCEL, recent_limit: int = 256
) -> Iterator[EngineThread]:
    """A running engine, reconciled."""
    handle = EngineThread(parts_of(tmp_path, venue, policy=policy, recent_limit=recent_limit))
    with started(handle, venue, policy):
        seen(handle, "the engine is running", lambda: handle.state().phase is EnginePhase.RUNNING)
        yield handle


def seen(handle: EngineThread, what: str, predicate: Callable[[], object], timeout: float = 5.0) -> None:
    """Wait for something to show in the state; fail with the whole state."""
    try:
        wait_until(predicate, what, timeout)
    except AssertionError as error:
        raise AssertionError(f"{error}; {handle.state()}") from None
