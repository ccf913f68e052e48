"""The engine before it is built: nothing asked of it is lost, a kill least of all, and every end is reported."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.commands import ExitPolicy, SubmitOrder
from core.decisions import Denied
from core.engine.handle import EngineThread
from core.engine.late import LateEngine
from core.errors import ConfigError, JournalError, LinkDown
from core.history import HistoryQuery
from core.model import BookStatus
from core.state import EnginePhase, KillPhase
from tests.support.engine import parts_of
from tests.support.fake_connector import ETH, FakeConnector, intent
from tests.support.waiting import wait_until


class Late:
    """A late engine in a thread, and the door that holds its building back."""

    def __init__(self, tmp_path: Path, error: Exception | None = None) -> None:
        self.venue = FakeConnector()
        self.door = threading.Event()
        self._tmp_path = tmp_path
        self._error = error
        self.handle = LateEngine(self._build, SystemClock(), "test", "waiting for the door")
        self.thread = threading.Thread(target=self.handle.run, args=(lambda: False,))

    def _build(self) -> EngineThread:
        assert self.door.wait(10)
        if self._error is not None:
            raise self._error
        return EngineThread(parts_of(self._tmp_path, self.venue))


@contextmanager
def running(late: Late) -> Iterator[None]:
    late.thread.start()
    try:
        yield
    finally:
        late.handle.request_stop(ExitPolicy.CANCEL, "the test ends")
        late.door.set()
        late.thread.join(20)
        assert not late.thread.is_alive()


def test_until_it_is_built_it_says_what_it_waits_for_and_refuses(tmp_path: Path) -> None:
    late = Late(tmp_path)
    with running(late):
        state = late.handle.state()
        assert (state.phase, state.phase_detail) == (EnginePhase.STARTING, "waiting for the door")
        assert isinstance(late.handle.preview(intent()), Denied)
        assert late.handle.book(ETH, 5).status is BookStatus.EMPTY
        assert late.handle.exit_report() is None


def test_its_log_cannot_be_read_before_it_is_built(tmp_path: Path) -> None:
    late = Late(tmp_path)
    with pytest.raises(JournalError, match="its journal is not open yet"):
        late.handle.history(HistoryQuery()).result(0)


def test_a_kill_before_it_is_built_is_the_first_thing_it_does(tmp_path: Path) -> None:
    late = Late(tmp_path)
    with running(late):
        late.handle.submit(SubmitOrder(intent=intent()))
        late.handle.kill("test", SystemClock().now().mono_ns)
        late.door.set()
        wait_until(lambda: late.handle.state().kill.phase is KillPhase.CONFIRMED, "the kill to be confirmed")
        assert late.venue.submitted == []


@pytest.mark.parametrize(("error", "code"), [(LinkDown("no venue"), 1), (ConfigError("no such market"), 2)])
def test_what_cannot_be_built_is_reported(tmp_path: Path, error: Exception, code: int) -> None:
    late = Late(tmp_path, error)
    late.door.set()
    late.handle.run(lambda: False)
    report = late.handle.exit_report()
    assert report is not None
    assert (report.text, report.exit_code) == (str(error), code)
    assert late.handle.state().phase is EnginePhase.FAILED


def test_asked_to_stop_before_it_is_built_it_never_begins(tmp_path: Path) -> None:
    late = Late(tmp_path)
    with running(late):
        late.handle.request_stop(ExitPolicy.CANCEL, "too early")
        late.door.set()
        late.thread.join(10)
        report = late.handle.exit_report()
        assert report is not None
        assert report.is_clean
        assert not any(tmp_path.iterdir())


def test_what_is_waited_for_may_change_while_it_is_built(tmp_path: Path) -> None:
    late = Late(tmp_path)
    with running(late):
        before = late.handle.state()
        late.handle.announce("main", "preparing the engine")
        state = late.handle.state()
        assert (state.profile, state.phase_detail, state.phase) == (
            "main",
            "preparing the engine",
            EnginePhase.STARTING,
        )
        assert state.seq > before.seq
