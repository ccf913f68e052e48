"""Who waits for what of which task: futures that any thread may wait for, resolved on the engine's loop."""

from collections.abc import Collection
from concurrent.futures import Future

from core.engine.facts import Facts
from core.model import OrderStatus, OrderTask
from core.units import TaskId


class Waiters:
    """Every wait that is not over."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._waiting: dict[TaskId, list[tuple[frozenset[OrderStatus], Future[OrderTask]]]] = {}

    def __len__(self) -> int:
        return sum(len(waits) for waits in self._waiting.values())

    def add(self, task_id: TaskId, statuses: Collection[OrderStatus], future: "Future[OrderTask]") -> None:
        """Resolve `future` with the task once it is of one of these statuses, or closed: nothing follows that.

        A task that is not in memory fails it with LookupError.
        """
        if future.cancelled():
            return
        tracked = self._facts.orders.of_task(task_id)
        is_now = tracked is None or tracked.status in statuses or tracked.status.is_closed
        if is_now and not future.set_running_or_notify_cancel():
            return  # whoever waited gave up meanwhile, in another thread
        if tracked is None:
            future.set_exception(LookupError(f"no task {task_id} is in memory; closed ones are in the journal"))
        elif is_now:
            future.set_result(tracked.task())
        else:
            self._waiting.setdefault(task_id, []).append((frozenset(statuses), future))
            self._facts.watched.add(task_id)

    def on_moved(self, task: OrderTask) -> None:
        """A watched task changed."""
        left = []
        for statuses, future in self._waiting.pop(task.id, ()):
            if future.cancelled():
                continue
            if task.order.status in statuses or task.order.status.is_closed:
                if future.set_running_or_notify_cancel():
                    future.set_result(task)
            else:
                left.append((statuses, future))
        if left:
            self._waiting[task.id] = left
        else:
            self._facts.watched.discard(task.id)

    def end(self) -> None:
        """Nothing more will be said: give up every wait."""
        for waits in self._waiting.values():
            for _, future in waits:
                future.cancel()
        self._waiting.clear()
        self._facts.watched.clear()
