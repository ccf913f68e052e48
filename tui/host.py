"""What keeps the desk alive: the engine's thread, the paint pump, the terminal, and keys in the order they come.

The next room up is `tui.app`, which says what each key means.
"""

from typing import Final

from textual.app import App
from textual.events import Event
from textual.worker import Worker

from core.state import ExitReport
from tui import wishes
from tui.bridge import EngineHandle
from tui.driver import KillDriver
from tui.engine_worker import CONFIGURATION, EngineWorker, has_ended, last_words
from tui.keys import Key
from tui.memory import settle_memory
from tui.possible import is_possible
from tui.pump import DeskOptions, Pump
from tui.screens.desk import DeskScreen
from tui.screens.modal import Modal
from tui.strokes import carry_out
from tui.style import style_sheet
from tui.theme import NAME, NIGHT, TOKENS
from tui.view import View

_BLIND: Final = frozenset({"kill", "quit"})
"""What may be asked for on a screen too small to show what it does."""


class Host(App[ExitReport | None]):
    """Hosts one engine and one screen. `run()` answers the engine's report, or None when it was still ending."""

    TITLE = "lighter-tui"

    def __init__(self, handle: EngineHandle, options: DeskOptions) -> None:
        super().__init__(driver_class=KillDriver, css_path=style_sheet())
        self.animation_level = "none"
        self.handle = handle
        self._clock = options.clock
        self.pump = Pump(handle, options)
        self.view = self.pump.view()
        self._engine = EngineWorker(handle)
        self.is_leaving = False
        self.desk = DeskScreen(self.is_enabled)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Tokens that hold in every theme."""
        return dict(TOKENS)

    async def on_event(self, event: Event) -> None:
        """Carry out a key before the next one is looked at."""
        if not await carry_out(self, event):
            await super().on_event(event)

    def on_mount(self) -> None:
        """Paint first, then start the engine."""
        self.register_theme(NIGHT)
        self.theme = NAME
        self.push_screen(self.desk)
        self.run_worker(self.pump.run(self.show), name="pump")
        self._engine.start(self)
        if not self.is_headless:
            self.call_after_refresh(settle_memory)

    def show(self, view: View) -> None:
        """Hand the newest view to every screen, covered ones too."""
        self.view = view
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen | Modal):
                screen.show(view)

    def stop_painting(self) -> None:
        """Paint no more and write nothing to the terminal; from any thread and from signal handlers."""
        self.pump.stop()
        if isinstance(self._driver, KillDriver):
            self._driver.mute()

    def kill_now(self) -> None:
        """Kill at once; from any thread."""
        pressed_ns = self._clock.now().mono_ns
        self.handle.kill(wishes.BY, pressed_ns)
        self.pump.press_kill(wishes.BY, pressed_ns)

    def is_enabled(self, key: Key) -> bool:
        """Whether a key would do anything now."""
        return self.check_action(key.action, ()) is True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        del parameters
        if self.desk.is_too_small and action not in _BLIND:
            return None
        return True if is_possible(action, self.view, self.desk.order) else None

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The engine ended: by our wish, or by itself, which is said in words."""
        if has_ended(event):
            report = self.handle.exit_report()
            self.pump.ended = last_words(event, report)
            if self.is_leaving or (report is not None and report.exit_code == CONFIGURATION):
                self.exit(report)

    def on_terminal_gone(self) -> None:
        """Nobody watches any more: leave, and the engine carries out its exit policy."""
        self.stop_painting()
        self.exit(self.handle.exit_report())
