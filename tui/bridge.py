"""The one door between the desk and the engine: what the desk may ask, and nothing else.

The engine lives in another thread with its own event loop; every method here may be called from the UI's thread, and
`kill` from any thread at all, at once and without waiting.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from core.commands import Command, ExitPolicy
from core.decisions import RiskDecision
from core.history import HistoryQuery, HistoryRow
from core.look import MarketLook
from core.model import BookView, OrderIntent
from core.state import EngineState, ExitReport
from core.units import MarketId


class EngineHandle(Protocol):
    """The engine as the desk sees it."""

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Run the engine in the calling thread until it ends; the body of the desk's thread worker.

        `should_stop` is asked many times a second: once it answers True (the desk is gone) the engine carries out its
        default exit policy and returns.
        """
        ...

    def state(self) -> EngineState:
        """The newest snapshot; the same object until there is a newer one."""
        ...

    def book(self, market_id: MarketId, depth: int) -> BookView:
        """The newest frozen view of one book that the engine was asked to publish; EMPTY before the first."""
        ...

    def look(self, market_id: MarketId, depth: int) -> MarketLook:
        """Book, tape and candles of one market, the newest there are; asking keeps them coming for a few seconds."""
        ...

    def submit(self, command: Command) -> None:
        """Hand over a wish; never blocks. What became of it shows in the next states."""
        ...

    def kill(self, by: str, pressed_ns: int) -> None:
        """Halt at once (an atomic flag that every send checks last), then cancel everything. Idempotent."""
        ...

    def preview(self, intent: OrderIntent) -> RiskDecision:
        """What risk would say to this intent now: the same code that will decide, on the newest snapshot."""
        ...

    def history(self, query: HistoryQuery) -> "Future[tuple[HistoryRow, ...]]":
        """What the journal's log holds, newest rows first; never blocks.

        The future is done by another thread: `await asyncio.wrap_future(...)`. It fails with JournalError, one
        sentence, when the log cannot be read or the engine is not built yet.
        """
        ...

    def request_stop(self, policy: ExitPolicy, reason: str) -> None:
        """Ask the engine to end; thread-safe, also from a signal handler."""
        ...

    def exit_report(self) -> ExitReport | None:
        """How it ended; None while it runs."""
        ...
