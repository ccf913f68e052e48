"""The one paint pump: takes the newest state at a fixed rate and shows it; nothing else repeats by itself."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from core.clock import Clock
from core.state import KillPhase, KillStatus
from tui.bridge import EngineHandle
from tui.view import View
from tui.widgets.kill_banner import NOT_TAKEN_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOptions:
    """How the desk behaves."""

    fps: int
    """Paints a second."""
    clock: Clock
    stale_after_ms: int
    """Prices are shown as stale when the engine has been silent for this long."""
    is_live: bool
    """Real money: the header says so."""


class Pump:
    """Makes views and shows them."""

    def __init__(self, handle: EngineHandle, options: DeskOptions) -> None:
        self._handle = handle
        self._options = options
        self._is_stopped = False
        self._pressed: KillStatus | None = None
        self.ended = ""
        """One sentence once the engine's thread has ended by itself."""

    def press_kill(self, by: str, pressed_ns: int) -> None:
        """Remember a kill from the press on, until the engine shows it; from any thread."""
        if self._pressed is None:
            self._pressed = KillStatus(
                phase=KillPhase.REQUESTED,
                by=by,
                at_us=self._options.clock.now().utc_us,
                pressed_ns=pressed_ns,
                detail=NOT_TAKEN_UP,
            )

    def stop(self) -> None:
        """Paint no more; from any thread and from signal handlers."""
        self._is_stopped = True

    def view(self) -> View:
        """The present moment."""
        state = self._handle.state()
        if state.kill.is_latched:
            self._pressed = None
        return View(
            state=state,
            now=self._options.clock.now(),
            kill=self._pressed or state.kill,
            is_live=self._options.is_live,
            stale_after_ms=self._options.stale_after_ms,
            ended=self.ended,
        )

    async def run(self, show: Callable[[View], None]) -> None:
        """Show a view at every tick until stopped."""
        while not self._is_stopped:
            show(self.view())
            await asyncio.sleep(1 / self._options.fps)
