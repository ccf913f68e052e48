"""The venue's time: the machine's, or one that stands still until it is told to move.

Everything that waits at the venue waits here, so that a virtual venue does the same work in the same order every time.
"""

import asyncio
import time
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final, Protocol

START_US: Final = 1_767_225_600_000_000
"""2026-01-01, where virtual time begins unless it is told otherwise."""
MAX_TIMERS: Final = 100_000
_Act = Callable[[], None]


class VenueClock(Protocol):
    """What time it is, and something to do later; Unix microseconds."""

    @property
    def is_virtual(self) -> bool:
        """Whether time moves by request only."""
        ...

    def now_us(self) -> int:
        """The moment."""
        ...

    def after(self, delay_us: int, act: _Act) -> None:
        """Do something when `delay_us` have passed; things due at one moment happen in the order they were asked for.

        What is asked beyond `MAX_TIMERS` happens at once: a client must not make the venue grow.
        """
        ...

    def close(self) -> None:
        """Forget everything that was still to be done."""
        ...


class WallClock:
    """The machine's time."""

    is_virtual: Final = False

    def __init__(self) -> None:
        """Nothing to do."""
        self._timers: Final[set[asyncio.TimerHandle]] = set()

    def now_us(self) -> int:
        """The machine's clock."""
        return time.time_ns() // 1_000

    def after(self, delay_us: int, act: _Act) -> None:
        """See `VenueClock`; needs a running loop."""
        if len(self._timers) >= MAX_TIMERS:
            act()
            return

        def run() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(delay_us / 1_000_000, run)
        self._timers.add(timer)

    def close(self) -> None:
        """See `VenueClock`."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


class VirtualClock:
    """Time that moves by `advance` alone."""

    is_virtual: Final = True

    def __init__(self, start_us: int = START_US) -> None:
        """Stands at `start_us`."""
        self._now_us = start_us
        self._count = 0
        self._timers: list[tuple[int, int, _Act]] = []

    def now_us(self) -> int:
        """The moment it stands at."""
        return self._now_us

    def after(self, delay_us: int, act: _Act) -> None:
        """See `VenueClock`."""
        if len(self._timers) >= MAX_TIMERS:
            act()
            return
        self._count += 1
        heappush(self._timers, (self._now_us + max(0, delay_us), self._count, act))

    def advance(self, by_us: int) -> None:
        """Move on, and do everything that falls due on the way at its own moment."""
        target = self._now_us + max(0, by_us)
        while self._timers and self._timers[0][0] <= target:
            due, _, act = heappop(self._timers)
            self._now_us = max(self._now_us, due)
            act()
        self._now_us = target

    def close(self) -> None:
        """See `VenueClock`."""
        self._timers.clear()


async def pause(clock: VenueClock, delay_us: int) -> None:
    """Wait for venue time to pass."""
    if delay_us <= 0:
        return
    passed = asyncio.Event()
    clock.after(delay_us, passed.set)
    await passed.wait()
