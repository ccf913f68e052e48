"""What waited when it was stopped: out of the queue at once, dropped a slice at a time. Pure.

A thousand tasks take 50 ms to drop, and the cancel-all of the same wish is being signed and sent on the same loop.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from core.clock import Instant
from core.engine.facts import Facts
from core.engine.order_map import Tracked
from core.engine.orders import Trigger
from core.model import OrderStatus

_SLICE: Final = 40
"""Tasks dropped at a time: 2 ms."""


class Dropping:
    """Tasks that left the queue and will never be decided or sent; shown as waiting until each is dropped."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._left: deque[tuple[Tracked, str]] = deque()

    def __len__(self) -> int:
        """Tasks that are not dropped yet."""
        return len(self._left)

    def take(self, waiting: Iterable[Tracked], why: str, now: Instant) -> None:
        """Drop the first slice of these tasks of the queue, and keep the others for `step`."""
        self._left.extend((tracked, why) for tracked in waiting)
        self.step(now)

    def step(self, now: Instant) -> None:
        """Drop the next slice."""
        for _ in range(min(_SLICE, len(self._left))):
            tracked, why = self._left.popleft()
            if tracked.status is OrderStatus.QUEUED:  # not cancelled by somebody meanwhile
                self._facts.move(tracked, Trigger.DENY, now, why)

    def finish(self, now: Instant) -> None:
        """Drop all of them: nothing comes after that could."""
        while self._left:
            self.step(now)
