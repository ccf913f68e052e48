"""How the engine's thread lives inside the desk, and what is said when it ends."""

from functools import partial
from typing import Final

from textual.app import App
from textual.worker import Worker, WorkerState

from core.state import ExitReport
from tui.bridge import EngineHandle

NAME: Final = "engine"
CONFIGURATION: Final = 2
"""The exit code of an engine that could not begin with what it was told."""


class EngineWorker:
    """The engine as a thread worker: cancelled with the desk, which the engine sees as *nobody is watching*."""

    def __init__(self, handle: EngineHandle) -> None:
        self._handle = handle
        self._worker: Worker[None] | None = None

    def start(self, app: "App[ExitReport | None]") -> None:
        """Start the thread."""
        run = partial(self._handle.run, self._is_gone)
        self._worker = app.run_worker(run, name=NAME, thread=True, exit_on_error=False)

    def _is_gone(self) -> bool:
        return self._worker is not None and self._worker.is_cancelled


def has_ended(event: Worker.StateChanged) -> bool:
    """Whether this is the engine's thread, ending by itself."""
    return event.worker.name == NAME and event.state in {WorkerState.SUCCESS, WorkerState.ERROR}


def last_words(event: Worker.StateChanged, report: ExitReport | None) -> str:
    """One sentence for the screen."""
    if event.state is WorkerState.ERROR:
        return f"the engine broke: {event.worker.error}; orders may still be live at the venue"
    return "the engine ended without a report" if report is None else report.text
