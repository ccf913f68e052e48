"""Runs strategies that act by themselves: each in a loop and a thread of its own, with a desk to trade at.

The engine's loop never waits for one. One that raises, or blocks its loop for too long, is left behind; its desk is
closed at that moment, so that nothing of it is taken any more. What it had placed, the bot cancels.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from decimal import Decimal
from functools import partial
from typing import Final, Protocol

from core.clock import SECOND_NS, Clock
from core.commands import CancelAlgorithm, CancelOrder, Command, ModifyOrder, StartAlgorithm, SubmitOrder
from core.guard import guarded
from core.model import OrderIntent, OrderStatus, OrderTask, Origin, OriginKind, Priority
from core.plans import Plan
from core.strategy import ActingStrategy, Fault, Finished, StrategyView
from core.units import MarketId, TaskId

_ANY: Final = frozenset(OrderStatus)


class OrderEntry(Protocol):
    """The engine as a desk needs it; every method may be called from any thread and returns at once."""

    def submit(self, command: Command) -> None:
        """Hand over a wish."""
        ...

    def place(self, command: SubmitOrder) -> "Future[TaskId]":
        """Queue one order; the task it became."""
        ...

    def begin(self, command: StartAlgorithm) -> "Future[TaskId]":
        """Take up a plan; its id, or ValueError with the reason why not."""
        ...

    def wait_for(self, task_id: TaskId, statuses: Collection[OrderStatus]) -> "Future[OrderTask]":
        """The task once it is of one of these statuses, or closed; LookupError when memory does not hold it."""
        ...


class StrategyRunner:
    """`core.strategy.Running`, with a thread for each strategy."""

    def __init__(self, clock: Clock, *, limit_seconds: float) -> None:
        """A strategy whose loop does not turn for `limit_seconds` has failed."""
        self._clock: Final = clock
        self._limit_seconds: Final = limit_seconds
        self._engine: OrderEntry | None = None
        self._workers: dict[str, _Worker] = {}

    def attach(self, engine: OrderEntry) -> None:
        """Name the engine that orders go to; before the first `poll`."""
        self._engine = engine

    def poll(
        self, strategy: ActingStrategy, view: StrategyView, own_markets: AbstractSet[MarketId]
    ) -> Fault | Finished | None:
        """See `core.strategy.Running.poll`."""
        if self._engine is None:
            return Fault("there is no engine to trade with")
        worker = self._workers.get(strategy.name)
        if worker is None:
            desk = Desk(strategy.name, self._engine, self._clock)
            worker = self._workers[strategy.name] = _Worker(strategy, desk)
        if worker.ending is None and worker.silent_seconds() > self._limit_seconds:
            self.stop(strategy.name)
            return Fault(f"its loop did not turn for {self._limit_seconds:g} s: something in it blocks")
        if worker.ending is not None:
            self.stop(strategy.name)
            return worker.ending
        worker.show(view, own_markets)
        return None

    def stop(self, name: str) -> None:
        """Cancel it, if it runs; its desk is closed at once."""
        worker = self._workers.pop(name, None)
        if worker is not None:
            worker.stop()

    def close(self) -> None:
        """Cancel every one and let every thread end that still can; idempotent."""
        workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()


class Desk:
    """`core.strategy.OrderDesk` of one strategy; used in its loop alone."""

    def __init__(self, name: str, engine: OrderEntry, clock: Clock) -> None:
        self._engine: Final = engine
        self._clock: Final = clock
        self._origin: Final = Origin(OriginKind.STRATEGY, name)
        self._lock: Final = threading.Lock()
        self._is_closed = False
        self._view: StrategyView | None = None
        self._is_new = asyncio.Event()
        self._own_markets: AbstractSet[MarketId] = frozenset()
        self._plans: set[TaskId] = set()

    async def view(self) -> StrategyView:
        """What it sees, newer than what this showed last."""
        while True:
            await self._is_new.wait()
            self._is_new.clear()
            if self._view is not None:
                return self._view

    async def place(self, intent: OrderIntent, *, send_within_s: int = 2, fill_within_s: int | None = None) -> TaskId:
        """Queue one order; the task it became."""
        self._check_market(intent.market_id)
        now_ns = self._clock.now().mono_ns
        command = SubmitOrder(
            intent=intent,
            origin=self._origin,
            priority=Priority.STRATEGY,
            deadline_ns=now_ns + send_within_s * SECOND_NS,
            fill_by_ns=None if fill_within_s is None else now_ns + fill_within_s * SECOND_NS,
        )
        with self._lock:
            self._check_open()
            answer = self._engine.place(command)
        return await asyncio.wrap_future(answer)

    async def modify(self, task_id: TaskId, *, size: Decimal, price: Decimal) -> None:
        """Ask for a new size and price of an order of its own."""
        task = await self._own(task_id)
        self._submit(
            ModifyOrder(
                market_id=task.intent.market_id,
                client_id=task.order.client_id,
                size=size,
                price=price,
                origin=self._origin,
            )
        )

    async def cancel(self, task_id: TaskId) -> None:
        """Ask for the cancel of an order of its own."""
        task = await self._own(task_id)
        market_id, client_id = task.intent.market_id, task.order.client_id
        self._submit(CancelOrder(market_id=market_id, client_id=client_id, origin=self._origin))

    async def start(self, plan: Plan) -> TaskId:
        """Have a plan worked on its behalf."""
        self._check_market(plan.market_id)
        with self._lock:
            self._check_open()
            answer = self._engine.begin(StartAlgorithm(plan=plan, origin=self._origin))
        plan_id = await asyncio.wrap_future(answer)
        self._plans.add(plan_id)
        return plan_id

    async def stop(self, plan_id: TaskId) -> None:
        """End a plan that it started."""
        if plan_id not in self._plans:
            raise LookupError(f"no plan {plan_id} was started by {self._origin.name}")
        self._plans.discard(plan_id)
        self._submit(CancelAlgorithm(task_id=plan_id, origin=self._origin))

    async def wait_for(self, task_id: TaskId, statuses: Collection[OrderStatus]) -> OrderTask:
        """The task once it is of one of these statuses, or closed."""
        return await asyncio.wrap_future(self._engine.wait_for(task_id, statuses))

    def show(self, view: StrategyView, own_markets: AbstractSet[MarketId]) -> None:
        """Take in what is new; in its loop."""
        self._view, self._own_markets = view, own_markets
        self._is_new.set()

    def close(self) -> None:
        """Take nothing more of it; from any thread. What it handed over before stays handed over."""
        with self._lock:
            self._is_closed = True

    async def _own(self, task_id: TaskId) -> OrderTask:
        task = await self.wait_for(task_id, _ANY)
        if task.origin.name != self._origin.name or task.origin.kind is OriginKind.ALGORITHM:
            raise LookupError(f"task {task_id} belongs to {task.origin}, not to {self._origin}")
        return task

    def _submit(self, command: Command) -> None:
        with self._lock:
            self._check_open()
            self._engine.submit(command)

    def _check_open(self) -> None:
        if self._is_closed:
            raise asyncio.CancelledError("the strategy was stopped")

    def _check_market(self, market_id: MarketId) -> None:
        if market_id not in self._own_markets:
            raise ValueError(f"market {market_id} is none of {self._origin.name}'s own")


class _Worker:
    """One strategy, its loop and its thread."""

    def __init__(self, strategy: ActingStrategy, desk: Desk) -> None:
        self._strategy = strategy
        self._desk = desk
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._shown_seconds: float | None = None
        """When the oldest view was handed over that its loop has not taken yet."""
        self.ending: Fault | Finished | None = None
        # A daemon: a strategy that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name=f"strategy-{strategy.name}", daemon=True)
        self._thread.start()

    def show(self, view: StrategyView, own_markets: AbstractSet[MarketId]) -> None:
        """Hand over a view, unless one still waits to be taken."""
        if self._shown_seconds is None:
            self._shown_seconds = time.monotonic()
            self._call(partial(self._take, view, own_markets))

    def silent_seconds(self) -> float:
        """For how long its loop has not turned."""
        shown = self._shown_seconds
        return 0 if shown is None else time.monotonic() - shown

    def stop(self) -> None:
        """Cancel it; its desk closes first."""
        self._desk.close()
        self._is_stopped = True
        self._call(self._cancel)

    def join(self) -> None:
        """Wait a moment for the thread to end."""
        self._thread.join(1)

    def _call(self, work: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(work)
        except RuntimeError:  # it ended, and its loop with it
            return

    def _take(self, view: StrategyView, own_markets: AbstractSet[MarketId]) -> None:
        self._shown_seconds = None
        self._desk.show(view, own_markets)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _work(self) -> None:
        ending = guarded(self._run)
        self.ending = Finished() if ending is None else ending

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._main())

    async def _main(self) -> None:
        if self._is_stopped:
            return
        self._task = asyncio.get_running_loop().create_task(self._strategy.run(self._desk))
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.result()
