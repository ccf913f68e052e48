"""How the process ends on a signal: painting stops first, the engine carries out its exit policy, then the screen goes.

A terminal that hung up or is no longer read must hold up neither; if the screen still cannot end, the process does.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from core.commands import ExitPolicy
from core.state import ExitReport
from tui.app import Desk
from tui.bridge import EngineHandle

_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_STEP_S: Final = 0.05
_ENGINE_S: Final = 30.0
"""Longer than any exit policy takes, with its own limits."""
_SCREEN_S: Final = 5.0
HUNG: Final = "the engine does not end; orders may still be live: check the venue by hand, now"
_log: Final = logging.getLogger(__name__)


class Ending:
    """Ends desk and engine once, from whichever signal comes first."""

    def __init__(self, desk: Desk, handle: EngineHandle, policy: ExitPolicy = ExitPolicy.CANCEL) -> None:
        self._desk = desk
        self._handle = handle
        self.policy = policy
        """What becomes of open orders; the configuration may set it later, before there is an engine to have any."""
        self._begun = False
        self._is_over = threading.Event()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Handle SIGTERM, SIGHUP and SIGINT inside this block, which must reach to the process's last words.

        ctrl+c on the keyboard is a key, not a signal.
        """
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            self._is_over.set()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._begun:
            return
        self._begun = True
        # Nothing that takes a lock may run in a handler: the interrupted code may hold it. A thread does the rest.
        threading.Thread(target=self._end, args=(signal.Signals(number).name,), name="ending", daemon=True).start()

    def _end(self, why: str) -> None:
        self._desk.stop_painting()
        _log.warning("ending on %s", why)
        self._handle.request_stop(self.policy, why)
        report = self._await_report()
        threading.Thread(target=self._close_screen, args=(report,), name="closing screen", daemon=True).start()
        if not self._is_over.wait(_SCREEN_S):
            _log.error("the terminal does not take our last words; ending without them")
            # The engine has ended; what is left hangs on a terminal that is not read and that nobody here can repair.
            os._exit(report.exit_code)

    def watch(self) -> None:
        """The screen is gone: from now on the engine has a limited time to say how it ended."""
        if not self._begun:
            threading.Thread(target=self._await_report, name="watching the engine", daemon=True).start()

    def _await_report(self) -> ExitReport:
        """How the engine ended; an engine that hangs is said aloud, and the process ends with it."""
        _wait(lambda: self._handle.exit_report() is not None, _ENGINE_S)
        report = self._handle.exit_report()
        if report is not None:
            return report
        _log.critical(HUNG)
        self._desk.stop_painting()
        with suppress(OSError):
            os.set_blocking(2, False)  # a terminal that is not read must not keep the process either
            os.write(2, f"\r\nlighter-tui: {HUNG}\r\n".encode())
        # Its thread cannot be ended from outside, and Python would wait for it for ever.
        os._exit(1)

    def _close_screen(self, report: ExitReport | None) -> None:
        with suppress(RuntimeError):  # the screen has gone by itself meanwhile
            self._desk.call_from_thread(self._desk.exit, report)


def _wait(is_done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_done() and time.monotonic() < deadline:
        time.sleep(_STEP_S)
