"""Asks each strategy in a thread of its own, so that one that raises or hangs harms nobody else.

A strategy is code that nobody here has read: whatever it raises is caught here, and ends it alone. A thread cannot be
ended from outside; one that hangs is left behind, and its answer, should it still come, is thrown away. What this
cannot survive is code that holds the interpreter's lock for ever.
"""

import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from core.strategy import Fault, Signal, Strategy, StrategyView

GRACE_SECONDS: Final = 0.01
"""How long the engine's loop waits for an answer before it goes on without it."""

_T = TypeVar("_T")


class GuardedStrategies:
    """`core.strategy.Asking` with a thread for each strategy."""

    def __init__(self, *, limit_seconds: float, grace_seconds: float = GRACE_SECONDS) -> None:
        """A strategy that does not answer within `limit_seconds` has failed."""
        self._limit_seconds: Final = limit_seconds
        self._grace_seconds: Final = grace_seconds
        self._workers: dict[str, _Worker] = {}

    def ask(self, strategy: Strategy, view: StrategyView) -> Sequence[Signal] | Fault | None:
        """Its wishes, for this view or the one before; see `Asking.ask`."""
        worker = self._workers.get(strategy.name)
        if worker is None:
            worker = self._workers[strategy.name] = _Worker(strategy)
        if not worker.is_thinking:
            worker.begin(view)
        answer = worker.wait(self._grace_seconds)
        if answer is not None or worker.thinking_seconds() <= self._limit_seconds:
            return answer
        worker.write_off()
        return Fault(f"it did not answer within {self._limit_seconds:g} s")

    def close(self) -> None:
        """Let every thread end that still can; idempotent."""
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()


class _Worker:
    """One strategy and its thread."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._views: queue.SimpleQueue[StrategyView | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Sequence[Signal] | Fault] = queue.SimpleQueue()
        self._is_written_off = False
        self._began_seconds = time.monotonic()
        self.is_thinking = False
        # A daemon: a strategy that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name=f"strategy-{strategy.name}", daemon=True)
        self._thread.start()

    def begin(self, view: StrategyView) -> None:
        """Hand over a view."""
        self.is_thinking = True
        self._began_seconds = time.monotonic()
        self._views.put(view)

    def wait(self, grace_seconds: float) -> Sequence[Signal] | Fault | None:
        """The answer, if it comes now; one that came after it was given up is thrown away."""
        try:
            answer = self._answers.get(timeout=0 if self._is_written_off else grace_seconds)
        except queue.Empty:
            return None
        self.is_thinking = False
        if self._is_written_off:
            self._is_written_off = False
            self._began_seconds = time.monotonic()
            return None
        return answer

    def thinking_seconds(self) -> float:
        """How long it has been thinking."""
        return time.monotonic() - self._began_seconds

    def write_off(self) -> None:
        """It took too long: what it answers to this view counts for nothing."""
        self._is_written_off = True

    def close(self) -> None:
        """Let the thread end, unless it hangs."""
        self._views.put(None)
        self._thread.join(0 if self.is_thinking else 1)

    def _work(self) -> None:
        while (view := self._views.get()) is not None:
            self._answers.put(guarded(partial(self._strategy.on_state, view)))


def guarded(work: Callable[[], _T]) -> _T | Fault:
    """What foreign code answers; whatever it raises ends that code alone, and comes back as a fault."""
    try:
        return work()
    except BaseException as error:  # noqa: BLE001 - a strategy is code that nobody here has read
        return Fault(_last_line(error))


def _last_line(error: BaseException) -> str:
    """The last line of the traceback, and where it happened."""
    words = " ".join("".join(traceback.format_exception_only(error)).split())
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return words
    place = frames[-1]
    return f"{words} (line {place.lineno} of {place.name})"
