"""One thread that works for a signer, and that nobody has to wait for: a library that hangs holds up no end.

`ThreadPoolExecutor` would: Python joins its threads without limit when the process ends.
"""

import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final, TypeVar

from core.errors import LighterTuiError, LinkDown

_T = TypeVar("_T")


class SignerThread:
    """Carries out one piece of work after the other, in the order they came."""

    def __init__(self, name: str) -> None:
        """The thread starts with the first work."""
        self._name: Final = name
        self._queue: Final[queue.SimpleQueue[Callable[[], None] | None]] = queue.SimpleQueue()
        self._lock: Final = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def submit(self, work: Callable[[], _T]) -> "Future[_T]":
        """What came of `work`, or what it raised; LinkDown when this is closed already."""
        answer: Future[_T] = Future()
        with self._lock:
            if self._is_closed:
                answer.set_exception(LinkDown("the signer is closed"))
                return answer
            if self._thread is None:
                self._begin()
            self._queue.put(partial(_answer, answer, work))
        return answer

    def close(self, limit_seconds: float) -> bool:
        """Take no more work, and wait for what was begun; whether it was done within the limit. Idempotent."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
            thread = self._thread
        if thread is None:
            return True
        thread.join(limit_seconds)
        return not thread.is_alive()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            while (carry_out := self._queue.get()) is not None:
                carry_out()
        finally:
            if sys.exception() is not None:  # a fault of ours ends this thread aloud; what waits is still worked off
                with self._lock:
                    self._begin()


def _answer(answer: "Future[_T]", work: Callable[[], _T]) -> None:
    """Whoever waits hears of every end, also of one that nobody expected."""
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(work())
    except LighterTuiError as error:
        answer.set_exception(error)
    finally:
        fault = sys.exception()
        if fault is not None and not answer.done():
            answer.set_exception(fault)
