"""The one paint pump: takes the newest state at a fixed rate and shows it; nothing else repeats by itself."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from core.clock import SECOND_NS, Clock
from core.state import KillPhase, KillStatus
from tui.alerts import Alerts
from tui.bridge import EngineHandle
from tui.hints import Hints
from tui.keymap import PLAIN, KeyMap
from tui.memory import resident_kb
from tui.meters import Meters
from tui.pace import Pace
from tui.theme import NAME
from tui.view import View
from tui.widgets.kill_banner import NOT_TAKEN_UP

_FLASH_NS: Final = 2 * SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOptions:
    """How the desk behaves. The defaults hold until the configuration has been read."""

    clock: Clock
    fps: int = 10
    """Paints a second."""
    stale_after_ms: int = 3_000
    """Prices are shown as stale when the engine has been silent for this long."""
    is_live: bool = False
    """Real money: the header says so, and the ladder begins disarmed."""
    bell: bool = True
    """Ring the terminal's bell for a new alert."""
    flash: bool = True
    """Let the header stand out for a moment for a new alert."""
    bytes_a_second: int | None = None
    """What painting may write to the terminal on average; None for as much as it likes."""
    theme: str = NAME
    pictures: Path | None = None
    """Where pictures of the screen go; None for the working directory."""
    sizes: tuple[Decimal, ...] = (Decimal(25), Decimal(100), Decimal(500))
    """Order sizes the ladder offers, in USDC, smallest first."""
    mouse: bool = False
    """Have the terminal report clicks and the wheel."""
    drill: tuple[str, ...] = ()
    """The command line that rehearses the kill; empty while nobody knows it."""
    keys: KeyMap = PLAIN
    """What every key does."""
    is_session: bool = False
    """One of several looks at an engine that lives elsewhere: leaving it ends nothing else."""
    is_read_only: bool = False
    """Nothing but the kill reaches the engine from here."""
    hints: Hints | None = None
    """Sentences for a first run; None for none, as until the configuration has been read."""


class Pump:
    """Makes views and shows them."""

    def __init__(self, handle: EngineHandle, options: DeskOptions) -> None:
        self._handle = handle
        self.options = options
        """May be replaced from any thread."""
        self._is_stopped = False
        self._pressed: KillStatus | None = None
        self.is_private = False
        """Amounts are hidden."""
        self.alerts = Alerts()
        self._meters = Meters()
        self._pace = Pace()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._written: Callable[[], int] = lambda: 0
        self._unwritten: Callable[[], int] = lambda: 0
        self._rings = False
        self._flash_until_ns = 0
        self.ended = ""
        """One sentence once the engine's thread has ended by itself."""

    def press_kill(self, by: str, pressed_ns: int) -> None:
        """Remember a kill from the press on, until the engine shows it; from any thread."""
        if self._pressed is None:
            self._pressed = KillStatus(
                phase=KillPhase.REQUESTED,
                by=by,
                at_us=self.options.clock.now().utc_us,
                pressed_ns=pressed_ns,
                detail=NOT_TAKEN_UP,
            )
        self._paint_now()

    def stop(self) -> None:
        """Paint no more; from any thread and from signal handlers."""
        self._is_stopped = True

    def watch_terminal(self, written: Callable[[], int], unwritten: Callable[[], int]) -> None:
        """Ask these how many bytes the terminal took since the start, and how many wait for it."""
        self._written, self._unwritten = written, unwritten

    def view(self) -> View:
        """The present moment."""
        state = self._handle.state()
        now = self.options.clock.now()
        if self.alerts.take(state.notices):
            self._rings = True
            self._flash_until_ns = now.mono_ns + _FLASH_NS
        if state.kill.is_latched:
            self._pressed = None
        return View(
            state=state,
            now=now,
            kill=self._pressed or state.kill,
            is_live=self.options.is_live,
            stale_after_ms=self.options.stale_after_ms,
            alerts=self.alerts.new,
            alert_rows=self.alerts.rows(),
            desk=self._meters.pace(self.options.fps, resident_kb(), self._pace.factor),
            sizes=self.options.sizes,
            is_read_only=self.options.is_read_only,
            keys=self.options.keys,
            hints=frozenset() if self.options.hints is None else self.options.hints.wanted,
            is_private=self.is_private,
            is_flashing=self.options.flash and now.mono_ns < self._flash_until_ns,
            ended=self.ended,
        )

    def take_ring(self) -> bool:
        """Whether a new alert came since the last call, and the bell is wanted."""
        rings, self._rings = self._rings and self.options.bell, False
        return rings

    async def run(self, show: Callable[[View], None], keep: Callable[[View], None] | None = None) -> None:
        """Show a view at every tick until stopped; one that the line has no room for only goes to `keep`."""
        late_ns = 0
        self._loop = asyncio.get_running_loop()
        handed = 0
        while not self._is_stopped:
            self._meters.add(time.monotonic_ns(), late_ns, self._written())
            view = self.view()
            if self._pace.may_paint(self._unwritten()):
                show(view)
            elif keep is not None:
                keep(view)
            before, handed = handed, self._written() + self._unwritten()
            pause = self._pace.pause_s(self.options.fps, handed - before, self.options.bytes_a_second)
            asked_ns = time.monotonic_ns()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()
            late_ns = time.monotonic_ns() - asked_ns - int(pause * SECOND_NS)

    def _paint_now(self) -> None:
        """Wait no longer for the next tick; from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the screen's loop has ended
                self._loop.call_soon_threadsafe(self._wake.set)
