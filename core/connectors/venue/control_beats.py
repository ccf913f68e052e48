"""The beat on which markets move: the machine's time, or virtual time as it is asked for."""

import asyncio
from collections.abc import Callable
from typing import Final

from core.connectors.venue.control_clock import VenueClock, VirtualClock

_BREATH_S: Final = 0.002
_PATIENCE: Final = 1_000
"""Breaths that virtual time waits for readers who are behind, at each beat."""


class Beats:
    """Steps the markets, and fails where they fail."""

    def __init__(
        self,
        clock: VenueClock,
        step_us: int,
        beat: Callable[[], None],
        has_room: Callable[[], bool],
        *,
        made_up_us: int = 0,
    ) -> None:
        """`beat` moves the markets by `step_us`; `has_room` says whether clients keep up with virtual time.

        Beats that are late by no more than `made_up_us` are made up for; those before are skipped.
        """
        self._clock: Final = clock
        self._step_us: Final = step_us
        self._beat: Final = beat
        self._has_room: Final = has_room
        self._made_up_s: Final = made_up_us / 1_000_000
        self._asked: Final[asyncio.Queue[tuple[int, asyncio.Future[None]]]] = asyncio.Queue()

    async def run(self) -> None:
        """Beat until cancelled."""
        if isinstance(self._clock, VirtualClock):
            await self._run_virtual(self._clock)
        else:
            await self._run_real()

    async def advance(self, by_us: int) -> None:
        """Move virtual time; returns when everything on the way has been done."""
        done = asyncio.get_running_loop().create_future()
        await self._asked.put((by_us, done))
        await done

    async def _run_real(self) -> None:
        """On a fixed beat; after a long stall it goes on from there instead of racing through what was missed."""
        loop = asyncio.get_running_loop()
        step = self._step_us / 1_000_000
        due = loop.time()
        while True:
            due = max(due + step, loop.time() - self._made_up_s)
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._beat()

    async def _run_virtual(self, clock: VirtualClock) -> None:
        def beat() -> None:
            clock.after(self._step_us, beat)
            self._beat()

        clock.after(self._step_us, beat)
        while True:
            left_us, done = await self._asked.get()
            while left_us > 0:
                slice_us = min(left_us, self._step_us)
                clock.advance(slice_us)
                left_us -= slice_us
                await self._breathe()
            if not done.done():
                done.set_result(None)

    async def _breathe(self) -> None:
        """Let the clients be written to; those who read nothing are disconnected by their own queue in time."""
        await asyncio.sleep(0)
        for _ in range(_PATIENCE):
            if self._has_room():
                return
            await asyncio.sleep(_BREATH_S)
