"""The desk as a Textual application: it hosts the engine's thread, binds the keys, and turns each into one wish."""

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.events import Event
from textual.screen import Screen
from textual.worker import Worker

from core.commands import ExitPolicy, Rearm, SubmitOrder
from core.model import OrderIntent
from core.state import BreakerStatus, ExitReport, Notice
from tui import wishes
from tui.bridge import EngineHandle
from tui.driver import KillDriver
from tui.engine_worker import CONFIGURATION, EngineWorker, has_ended, last_words
from tui.keys import HARMLESS, Key, bindings
from tui.memory import settle_memory
from tui.possible import is_possible
from tui.pump import DeskOptions, Pump
from tui.screens.breaker import CloseBreakerModal
from tui.screens.desk import DeskScreen
from tui.screens.modal import Modal
from tui.screens.quit import LeavingModal, QuitModal, is_known
from tui.screens.rearm import RearmModal
from tui.screens.text import HelpModal, NoticeModal
from tui.screens.ticket import Ticket
from tui.strokes import carry_out, open_window
from tui.style import style_sheet
from tui.theme import NAME, NIGHT, TOKENS
from tui.view import View
from tui.widgets.breakers import BreakerRow, global_breaker
from tui.widgets.grid import Grid
from tui.widgets.prices import PriceRow


class Desk(App[ExitReport | None]):
    """The operator's desk. `run()` answers the engine's report, or None when the engine was still ending."""

    TITLE = "lighter-tui"
    BINDINGS: ClassVar[list[BindingType]] = list(bindings())

    def __init__(self, handle: EngineHandle, options: DeskOptions) -> None:
        super().__init__(driver_class=KillDriver, css_path=style_sheet())
        self.animation_level = "none"
        self._handle = handle
        self._clock = options.clock
        self._pump = Pump(handle, options)
        self._view = self._pump.view()
        self._engine = EngineWorker(handle)
        self._is_leaving = False
        self._desk = DeskScreen(self.is_enabled)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Tokens that hold in every theme."""
        return dict(TOKENS)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette offers what can be taken back and works now; what is dangerous has its own keys."""
        del screen
        for key in filter(self.is_enabled, HARMLESS):
            yield SystemCommand(key.label, key.help, partial(self.run_action, key.action))

    async def on_event(self, event: Event) -> None:
        """Carry out a key before the next one is looked at."""
        if not await carry_out(self, event):
            await super().on_event(event)

    def on_mount(self) -> None:
        """Paint first, then start the engine."""
        self.register_theme(NIGHT)
        self.theme = NAME
        self.push_screen(self._desk)
        self.run_worker(self._pump.run(self.show), name="pump")
        self._engine.start(self)
        if not self.is_headless:
            self.call_after_refresh(settle_memory)

    def show(self, view: View) -> None:
        """Hand the newest view to every screen, covered ones too."""
        self._view = view
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen | Modal):
                screen.show(view)

    def stop_painting(self) -> None:
        """Paint no more and write nothing to the terminal; from any thread and from signal handlers."""
        self._pump.stop()
        if isinstance(self._driver, KillDriver):
            self._driver.mute()

    def kill_now(self) -> None:
        """Kill at once; from any thread."""
        pressed_ns = self._clock.now().mono_ns
        self._handle.kill(wishes.BY, pressed_ns)
        self._pump.press_kill(wishes.BY, pressed_ns)

    action_kill = kill_now

    def is_enabled(self, key: Key) -> bool:
        """Whether a key would do anything now."""
        return self.check_action(key.action, ()) is True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        del parameters
        return True if is_possible(action, self._view, self._desk.order) else None

    async def action_breaker(self) -> None:
        """Trip everything, or ask before closing it."""
        breaker = global_breaker(self._view.state.breakers)
        if breaker is not None and breaker.is_tripped:
            await self._close_breaker(breaker, "all markets")
        else:
            self._handle.submit(wishes.trip_everything())

    async def action_ticket(self) -> None:
        """Open the ticket for the selected market."""
        await open_window(self, Ticket(self._view, self._desk.market_id, self._handle.preview), self._place)

    def action_cancel(self) -> None:
        """Cancel the selected order."""
        order = self._desk.order
        if order is not None:
            self._handle.submit(wishes.cancel(order))

    async def action_rearm(self) -> None:
        """Ask for the word and the reason."""
        await open_window(self, RearmModal(self._view), self._rearm)

    def action_strategy(self) -> None:
        """Start or stop the first strategy."""
        for strategy in self._view.state.strategies[:1]:
            self._handle.submit(wishes.toggle(strategy))

    def action_help(self) -> None:
        """Show the key map."""
        self.push_screen(HelpModal())

    def action_focus_pane(self, pane_id: str) -> None:
        """Go to a pane."""
        self._desk.focus_pane(pane_id)

    async def action_quit(self) -> None:
        """Leave: at once when nothing can be live, after asking otherwise; a second time leaves the screen."""
        state = self._view.state
        if self._is_leaving or self._pump.ended or state.is_over:
            self.exit(self._handle.exit_report())
        elif is_known(self._view) and not state.order_map and not state.tasks:
            self._leave(ExitPolicy.CANCEL)
        elif not isinstance(self.screen, QuitModal):
            await open_window(self, QuitModal(), self._leave)

    async def on_grid_chosen(self, event: Grid.Chosen) -> None:
        """Enter on a row means what that row is."""
        item = event.item
        if isinstance(item, PriceRow):
            await self.action_ticket()
        elif isinstance(item, BreakerRow) and item.breaker.is_tripped:
            await self._close_breaker(item.breaker, item.symbol)
        elif isinstance(item, Notice):
            self.push_screen(NoticeModal(item))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The engine ended: by our wish, or by itself, which is said in words."""
        if has_ended(event):
            report = self._handle.exit_report()
            self._pump.ended = last_words(event, report)
            if self._is_leaving or (report is not None and report.exit_code == CONFIGURATION):
                self.exit(report)

    def on_terminal_gone(self) -> None:
        """Nobody watches any more: leave, and the engine carries out its exit policy."""
        self.stop_painting()
        self.exit(self._handle.exit_report())

    def _place(self, intent: OrderIntent | None) -> None:
        if intent is not None:
            self._handle.submit(SubmitOrder(intent=intent))

    def _rearm(self, reason: str | None) -> None:
        if reason:
            self._handle.submit(Rearm(by=wishes.BY, reason=reason))

    async def _close_breaker(self, breaker: BreakerStatus, symbol: str) -> None:
        def close(reason: str | None) -> None:
            if reason:
                self._handle.submit(wishes.close(breaker, reason))

        if not isinstance(self.screen, CloseBreakerModal):
            await open_window(self, CloseBreakerModal(breaker, symbol), close)

    def _leave(self, policy: ExitPolicy | None) -> None:
        if policy is not None:
            self._is_leaving = True
            self._handle.request_stop(policy, "the operator quits")
            self.push_screen(LeavingModal(policy))
