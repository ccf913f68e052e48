"""Waits for a condition with a deadline: the one place where tests may sleep, so that none of them guesses a delay.

The pauses below only pace the polling; whether and when a test goes on is decided by its condition alone.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

_PAUSE_S: Final = 0.005


async def eventually(predicate: Callable[[], object], what: str, timeout: float = 5.0) -> None:
    """Let the loop run until `predicate` holds; fail naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for: {what}")
        await asyncio.sleep(_PAUSE_S)


def wait_until(predicate: Callable[[], object], what: str, timeout: float = 5.0) -> None:
    """Block this thread until `predicate` holds; fail naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for: {what}")
        time.sleep(_PAUSE_S)
