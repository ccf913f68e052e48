"""SIGUSR1 kills: a second channel that needs no screen, no loop and no socket, only a thread that waits for it.

Python runs ordinary handlers in the main thread, between two of its instructions: a main thread stuck in a library's
code would never run one. So the signal is blocked everywhere and one thread of our own takes it out of the kernel's
hands. What holds the interpreter's lock for good stops this thread too; then `lighter-tui kill --direct` remains.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

NUMBER: Final = signal.SIGUSR1
BY: Final = "signal SIGUSR1"
_log: Final = logging.getLogger(__name__)


def hold_back() -> None:
    """Block the signal in this thread and in every thread that it starts; before any other thread exists."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {NUMBER})


@contextmanager
def killing_on_signal(kill: Callable[[str, int], None]) -> Iterator[None]:
    """Call `kill(by, pressed_ns)` at each SIGUSR1 inside this block; `hold_back` came before it."""
    is_over = threading.Event()

    def wait() -> None:
        while True:
            signal.sigwait({NUMBER})
            if is_over.is_set():
                return
            pressed_ns = time.monotonic_ns()
            kill(BY, pressed_ns)
            _log.warning("killed by %s", BY)

    thread = threading.Thread(target=wait, name="kill signal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        if thread.ident is not None:
            signal.pthread_kill(thread.ident, NUMBER)
        thread.join()
