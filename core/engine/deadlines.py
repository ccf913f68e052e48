"""Deadlines that act: an order too late to send is dropped, one not filled in time is cancelled. Pure.

One that the venue does not show in time is looked up by `core.engine.evidence`.
"""

import heapq
from typing import Final

from core.clock import SECOND_NS, Instant
from core.engine.facts import Facts
from core.engine.order_map import Tracked
from core.engine.orders import Trigger
from core.engine.tasks import Tasks
from core.events import NoticeLevel
from core.model import OrderStatus
from core.units import ClientOrderId

_AGAIN_NS: Final = 2 * SECOND_NS
"""How long a cancel is given to take effect before it is asked for again."""

_KEY: Final = "fill by"
_SLACK: Final = 256


class Deadlines:
    """Every deadline that has not passed, soonest first; all moments monotonic nanoseconds."""

    def __init__(self, facts: Facts, tasks: Tasks) -> None:
        self._facts = facts
        self._tasks = tasks
        self._heap: list[tuple[int, int, Tracked]] = []
        self._pushed = 0
        self._fill_by_us: dict[Tracked, int] = {}
        """The calendar's moments, for a restart: this process's steady clock ends with it."""
        self._kept = 0
        """How many deadlines of live orders there were when those of closed ones were last let go."""

    def __len__(self) -> int:
        return len(self._heap)

    def restore(self, now: Instant) -> None:
        """Keep the deadlines of orders that an earlier run left; one that passed meanwhile is due at once."""
        for pair in self._facts.meta.get(_KEY, "").split():
            client_id, _, at_us = pair.partition("@")
            tracked = self._facts.orders.find(client_id=ClientOrderId(int(client_id)))
            if tracked is not None and tracked.is_ours and tracked.fill_by_ns is None:
                tracked.fill_by_ns = now.mono_ns + (int(at_us) - now.utc_us) * 1_000
                self._fill_by_us[tracked] = int(at_us)
        for tracked in self._facts.orders.live():
            self._keep(tracked)

    def watch(self, tracked: Tracked, now: Instant) -> None:
        """Keep the deadlines of a new task, over a restart too: written before the order can leave."""
        self._keep(tracked)
        if tracked.fill_by_ns is None or tracked.status.is_closed:
            return
        self._fill_by_us = {one: at_us for one, at_us in self._fill_by_us.items() if not one.status.is_closed}
        self._fill_by_us[tracked] = now.utc_us + (tracked.fill_by_ns - now.mono_ns) // 1_000
        pairs = (f"{one.order.client_id}@{at_us}" for one, at_us in self._fill_by_us.items())
        self._facts.store(_KEY, " ".join(pairs))

    def _keep(self, tracked: Tracked) -> None:
        for moment_ns in (tracked.deadline_ns, tracked.fill_by_ns):
            if moment_ns is not None:
                self._push(moment_ns, tracked)

    def tick(self, now: Instant) -> None:
        """Act on whatever is due."""
        while self._heap and self._heap[0][0] < now.mono_ns:
            tracked = heapq.heappop(self._heap)[2]
            if tracked.status is OrderStatus.QUEUED:
                self._facts.move(tracked, Trigger.DROP, now, "its deadline passed before its turn came")
            elif tracked.status.may_be_live and tracked.fill_by_ns is not None and now.mono_ns > tracked.fill_by_ns:
                self._cancel(tracked, now)

    def _cancel(self, tracked: Tracked, now: Instant) -> None:
        """Cancel what is left, again and again until it ended: only the venue says that it did."""
        if not tracked.wants_cancel:
            text = f"order {tracked.order.client_id} was not filled in time: what is left of it is cancelled"
            self._facts.tell(NoticeLevel.INFO, text, now)
        if self._facts.standing.is_connected:
            self._tasks.send_cancel(tracked, now)
        self._push(now.mono_ns + _AGAIN_NS, tracked)

    def _push(self, moment_ns: int, tracked: Tracked) -> None:
        self._pushed += 1
        if len(self._heap) > 2 * self._kept + _SLACK:
            self._heap = [item for item in self._heap if not item[2].status.is_closed]
            heapq.heapify(self._heap)
            self._kept = len(self._heap)
        heapq.heappush(self._heap, (moment_ns, self._pushed, tracked))
