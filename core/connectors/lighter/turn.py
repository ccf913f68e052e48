"""Whose turn it is on one API key: a lock whose waiters go by urgency, then by arrival."""

import asyncio
from enum import IntEnum
from heapq import heappop, heappush


class Urgency(IntEnum):
    """Who goes first when several wait for one key."""

    CANCEL_ALL = 0
    CANCEL = 1
    ORDER = 2


class Turn:
    """Taken by one at a time."""

    def __init__(self) -> None:
        """Free."""
        self._is_taken = False
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []
        self._arrivals = 0

    @property
    def is_taken(self) -> bool:
        """Whether somebody has it."""
        return self._is_taken

    async def take(self, urgency: Urgency) -> None:
        """Wait for it; whoever takes it gives it back."""
        if not self._is_taken:
            self._is_taken = True
            return
        granted = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heappush(self._waiting, (urgency, self._arrivals, granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():  # granted and cancelled at once: pass it on
                self.give()
            raise

    def give(self) -> None:
        """Hand it to the most urgent of those who wait."""
        while self._waiting:
            _, _, granted = heappop(self._waiting)
            if not granted.done():
                granted.set_result(None)
                return
        self._is_taken = False
