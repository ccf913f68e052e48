"""What keeps the desk alive: the engine's thread, the paint pump, the terminal, and keys in the order they come.

The next room up is `tui.app`, which says what each key means.
"""

from functools import partial
from typing import TYPE_CHECKING, Final

from textual.driver import Driver
from textual.events import Event
from textual.worker import Worker

from core.clock import SECOND_NS
from core.state import ExitReport
from core.units import MarketId
from tui import wishes
from tui.bridge import EngineHandle
from tui.driver import KillDriver
from tui.engine_worker import CONFIGURATION, EngineWorker, has_ended, last_words
from tui.keymap import PLAIN
from tui.keys import Key
from tui.memory import settle_memory
from tui.painter import PaintedApp
from tui.possible import is_possible
from tui.pump import DeskOptions, Pump
from tui.screens.desk import DeskScreen
from tui.screens.modal import Modal
from tui.screens.surface import Surface
from tui.strokes import carry_out
from tui.style import style_sheet
from tui.theme import NAME, THEMES, TOKENS
from tui.view import View

if TYPE_CHECKING:
    from tui.web.driver import BrowserDriver

_BLIND: Final = frozenset({"kill", "quit"})
"""What may be asked for on a screen too small to show what it does."""

_ASKING: Final = frozenset({"ask"})
"""Actions whose parameter decides whether they are possible."""


_HARMLESS: Final = frozenset(
    {"kill", "quit", "help", "pane", "surface", "filter", "privacy", "acknowledge", "theme", "hide_hint"}
    | {"focus_next", "focus_previous", "command_palette", "bell"}
)
"""What a desk that only watches may do: look, and kill, because stopping is never refused."""


class Host(PaintedApp[ExitReport | None]):
    """Hosts one engine and one screen. `run()` answers the engine's report, or None when it was still ending."""

    TITLE = "lighter-tui"

    def __init__(self, handle: EngineHandle, options: DeskOptions, driver: type[Driver] = KillDriver) -> None:
        super().__init__(driver_class=driver, css_path=style_sheet())
        self.animation_level = "none"
        for theme in THEMES.values():
            self.register_theme(theme)
        self._wanted_theme = NAME
        self.theme = NAME  # before the style sheet is read: a change makes Textual read it again
        self.handle = handle
        self._clock = options.clock
        self.pump = Pump(handle, options)
        self._keys = PLAIN
        self.view = self.pump.view()
        self._engine = EngineWorker(handle)
        self._heal_ns = 0
        self.is_leaving = False
        self.desk = DeskScreen(self.is_enabled, self.newest, handle)
        self.add_mode(self.desk.NAME, lambda: self.desk)
        self.market_id: MarketId | None = None
        """The market selected last, on whichever screen."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Tokens that hold in every theme."""
        return dict(TOKENS)

    async def on_event(self, event: Event) -> None:
        """Carry out a key before the next one is looked at."""
        if not await carry_out(self, event):
            await super().on_event(event)

    def on_mount(self) -> None:
        """Paint first, then start the engine."""
        self.switch_mode(self.desk.NAME)
        self.desk.call_after_refresh(self._first_paint)

    def _first_paint(self) -> None:
        """The panes have their sizes: fill them, and begin what would compete with that for the interpreter."""
        self.show(self.pump.view())
        self.desk.call_after_refresh(self._begin)

    def _begin(self) -> None:
        driver = self._driver if isinstance(self._driver, KillDriver) else self.browser
        if driver is not None:
            self.pump.watch_terminal(lambda: driver.written, lambda: driver.unwritten)
            settle_memory()
        self.run_worker(self.pump.run(self.show, self._keep), name="pump")
        self._engine.start(self)

    def configure(self, options: DeskOptions) -> None:
        """Take what the configuration says; from any thread."""
        self.pump.options = options

    @property
    def browser(self) -> "BrowserDriver | None":
        """The driver, when this desk is painted in a browser."""
        driver = self._driver
        return driver if hasattr(driver, "line") else None  # type: ignore[return-value]  # its module is not needed here

    @property
    def surface(self) -> Surface:
        """The full screen in sight, under any windows."""
        base = self.screen_stack[0]
        return base if isinstance(base, Surface) else self.desk

    async def show_surface(self, name: str) -> None:
        """Bring another full screen into sight; the one before stays as it was, unpainted."""
        from tui.screens.catalogue import SCREENS  # noqa: PLC0415 - the first paint does not wait for them

        if name not in self._modes:
            self.add_mode(name, partial(SCREENS[name], self.is_enabled, self.newest, self.handle))
        self.market_id = self.surface.market_id or self.market_id
        await self.switch_mode(name)
        self.surface.choose(self.market_id)

    def newest(self) -> View:
        """The view of this moment."""
        return self.pump.view()

    def _keep(self, view: View) -> None:
        self.view = view
        self._take_keys()

    def _take_keys(self) -> None:
        """Once the configuration is read: its keys, and the mouse if it is wanted."""
        if self._keys is not self.pump.options.keys:
            self._keys = self.pump.options.keys
            self.set_keymap(dict(self._keys.changed))
        if isinstance(self._driver, KillDriver):
            self._driver.use_mouse(is_wanted=self.pump.options.mouse)

    def show(self, view: View) -> None:
        """Hand the newest view to the surface in sight and the windows over it."""
        self.view = view
        if self.pump.take_ring():
            self.bell()
        self._take_keys()
        if self._wanted_theme != self.pump.options.theme:
            self._wanted_theme = self.theme = self.pump.options.theme
        for screen in self.screen_stack:
            if isinstance(screen, Surface | Modal):
                screen.show(view)
        if view.now.mono_ns >= self._heal_ns:
            self._heal_ns = view.now.mono_ns + SECOND_NS
            self.heal()

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
        if self.pump.options.is_read_only and action.partition("(")[0] not in _HARMLESS:
            return None
        if action in _ASKING:
            action = f"{action}({', '.join(map(repr, parameters))})"  # as the key map has it
        if self.surface.is_too_small and action not in _BLIND:
            return None
        return True if is_possible(action, self.view, self.surface.order) else None

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
