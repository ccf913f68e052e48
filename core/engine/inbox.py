"""Everything that comes into the engine, from any thread, in order; a kill goes before all of it."""

import asyncio
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass

from core.commands import Command, Kill, KillPart, StartAlgorithm, SubmitOrder
from core.engine.effects import EngineInput
from core.model import OrderStatus, OrderTask, Origin
from core.units import MarketId, TaskId


@dataclass(frozen=True, slots=True, eq=False)
class Placing:
    """A wish for an order whose sender wants to know the task it becomes."""

    command: SubmitOrder
    answer: "Future[TaskId]"


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """Somebody waits for a task to reach one of these statuses."""

    task_id: TaskId
    statuses: frozenset[OrderStatus]
    answer: "Future[OrderTask]"


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """A wish for a plan whose sender wants to know its id, or why it was not started."""

    command: StartAlgorithm
    answer: "Future[TaskId]"


Item = Command | EngineInput | Placing | Beginning | Waiting


class Inbox:
    """A queue with one reader, the engine's loop. What is put in before the loop runs is kept for it."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._kills: deque[tuple[Kill | KillPart, int]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._is_closed = False
        self.press_seen = 0
        """The newest press of the halt flag that was taken out."""

    def bind(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Let the running loop read it; None when the loop ends."""
        self._loop = loop
        if loop is not None:
            self._wake.set()

    def post(self, item: Item) -> None:
        """Put in, from any thread."""
        self._items.append(item)
        if self._is_closed:
            self._give_up()
        self._call()

    def post_kill(self, kill: Kill | KillPart, press: int = 0) -> None:
        """Put in a kill before everything else, from any thread; `press` is the halt flag's, 0 for none."""
        self._kills.append((kill, press))
        self._call()

    def put(self, item: Item) -> None:
        """Put in, on the loop's own thread."""
        self._items.append(item)
        self._wake.set()

    def is_killed(self, market_id: MarketId, origin: Origin) -> bool:
        """Whether a kill that waits to be taken is about such an order."""
        return any(isinstance(kill, Kill) or kill.scope.covers(market_id, origin) for kill, _ in tuple(self._kills))

    @property
    def has_kill(self) -> bool:
        """Whether a kill waits to be taken."""
        return bool(self._kills)

    def take(self) -> Item | None:
        """The next item, None when there is none."""
        if self._kills:
            kill, press = self._kills.popleft()
            self.press_seen = max(self.press_seen, press)
            return kill
        return self._items.popleft() if self._items else None

    async def wait(self) -> None:
        """Return once there is something to take."""
        if not self._items and not self._kills:
            self._wake.clear()
            if not self._items and not self._kills:  # put in by another thread between both lines
                await self._wake.wait()

    def close(self) -> None:
        """Nobody reads any more: give up whoever waits for an answer, and whoever comes later. Kills stay countable."""
        self._is_closed = True
        self._give_up()

    def _give_up(self) -> None:
        """By whichever thread comes first to an item."""
        while True:
            try:
                item = self._items.popleft()
            except IndexError:
                return
            if isinstance(item, Placing | Beginning | Waiting):
                item.answer.cancel()

    def _call(self) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop closed meanwhile: nobody reads any more
            self._loop = None
