"""An engine as one browser session may use it: looking always, killing always, acting only where it was allowed."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from core.commands import Command, ExitPolicy
from core.decisions import Denied, DenyReason, RiskDecision
from core.history import HistoryQuery, HistoryRow
from core.look import MarketLook
from core.model import BookView, OrderIntent
from core.state import EngineState, ExitReport
from core.units import MarketId
from tui.bridge import EngineHandle

_LOOK_S: Final = 0.1
_READ_ONLY: Final = Denied(DenyReason.NOT_READY, "this desk only watches; start it with --act to trade from it")


class Watching:
    """`tui.bridge.EngineHandle` over one that runs elsewhere: a session that ends leaves the engine as it is.

    The kill passes read-only as well: whoever can see trouble can stop it, and a kill takes nothing that a typed word
    and a reason do not give back.
    """

    def __init__(self, handle: EngineHandle, *, may_act: bool) -> None:
        self._handle = handle
        self._may_act = may_act

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Wait for the end of the session, or of the engine."""
        pause = threading.Event()
        while not should_stop() and self._handle.exit_report() is None:
            pause.wait(_LOOK_S)

    def state(self) -> EngineState:
        """The engine's newest snapshot."""
        return self._handle.state()

    def book(self, market_id: MarketId, depth: int) -> BookView:
        """The newest frozen view of one book."""
        return self._handle.book(market_id, depth)

    def look(self, market_id: MarketId, depth: int) -> MarketLook:
        """The newest look at one market."""
        return self._handle.look(market_id, depth)

    def submit(self, command: Command) -> None:
        """Hand over a wish, where that was allowed; otherwise it ends here."""
        if self._may_act:
            self._handle.submit(command)

    def kill(self, by: str, pressed_ns: int) -> None:
        """Halt at once, whatever else is allowed."""
        self._handle.kill(by, pressed_ns)

    def preview(self, intent: OrderIntent) -> RiskDecision:
        """What risk would say; read-only nothing would be approved."""
        return self._handle.preview(intent) if self._may_act else _READ_ONLY

    def history(self, query: HistoryQuery) -> "Future[tuple[HistoryRow, ...]]":
        """What the journal's log holds."""
        return self._handle.history(query)

    def request_stop(self, policy: ExitPolicy, reason: str) -> None:
        """Nobody ends the engine from a browser: that is done where it was started."""

    def exit_report(self) -> ExitReport | None:
        """How the engine ended; None while it runs."""
        return self._handle.exit_report()
