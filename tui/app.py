"""The desk as a Textual application: one intent a key. What keeps it alive is in `tui.host`."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from core.state import Notice
from tui import wishes
from tui.alerts import Alert
from tui.keys import bindings
from tui.looks import Looks
from tui.pump import DeskOptions
from tui.theme import THEMES
from tui.widgets.breakers import global_breaker
from tui.widgets.grid import Grid

if TYPE_CHECKING:
    from tui.questions import Questions

__all__ = ["Desk", "DeskOptions"]


class Desk(Looks):
    """The operator's desk: what every key means."""

    BINDINGS: ClassVar[list[BindingType]] = list(bindings())

    @property
    def _ask(self) -> "Questions":
        from tui.questions import Questions  # noqa: PLC0415 - the first paint does not wait for windows

        return Questions(self)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette offers what can be taken back and works now; what is dangerous has its own keys."""
        del screen
        for key in filter(self.is_enabled, self.pump.options.keys.harmless):
            yield SystemCommand(key.label, key.help, partial(self.run_action, key.action))
        for name, theme in THEMES.items():
            change = partial(self.action_theme, theme.name)
            yield SystemCommand(f"theme {name}", "Change the colours, for this run.", change)

    def action_command_palette(self) -> None:
        """Show the palette, over screens that change."""
        from tui.screens.palette import Palette  # noqa: PLC0415 - the first paint does not wait for windows

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id=Palette.ID))

    def action_kill(self) -> None:
        """Kill: for a press that did not come through the terminal's input thread, which keeps those it carries out."""
        self.kill_now()

    async def action_breaker(self) -> None:
        """Trip everything, or ask before closing it."""
        breaker = global_breaker(self.view.state.breakers)
        if breaker is not None and breaker.is_tripped:
            await self._ask.close_breaker(breaker, "all markets")
        else:
            self.handle.submit(wishes.trip_everything())

    async def action_ask(self, what: str) -> None:
        """Open the window that asks for this."""
        await self._ask.open(what)

    async def action_ticket(self) -> None:
        """Open the ticket for the selected market."""
        await self._ask.ticket()

    def action_cancel(self) -> None:
        """Cancel the selected order."""
        order = self.surface.order
        if order is not None:
            self.handle.submit(wishes.cancel(order))

    async def action_rearm(self) -> None:
        """Ask for the word and the reason."""
        await self._ask.rearm()

    def action_strategy(self) -> None:
        """Start or stop the selected strategy, or the first where none can be selected."""
        known = self.view.state.strategies
        strategy = self.surface.strategy or (known[0] if known and not self.surface.has_strategies else None)
        if strategy is not None:
            self.handle.submit(wishes.toggle(strategy))

    def action_help(self) -> None:
        """Show the key map."""
        self._ask.help()

    def action_pane(self, number: int) -> None:
        """Go to a pane."""
        self.surface.focus_number(number)

    async def action_surface(self, name: str) -> None:
        """Show another screen."""
        await self.show_surface(name)

    def action_filter(self) -> None:
        """Go to the field that filters tables, where there is one."""
        self.surface.filter()

    async def action_quit(self) -> None:
        """Leave: at once when nothing can be live, after asking otherwise; a second time leaves the screen."""
        if self.pump.options.is_session:
            self.exit(None)
        elif self.is_leaving or self.pump.ended or self.view.state.is_over:
            self.exit(self.handle.exit_report())
        else:
            await self._ask.quit()

    async def on_grid_chosen(self, event: Grid.Chosen) -> None:
        """Enter on a row means what that row is."""
        if self.pump.options.is_read_only and not isinstance(event.item, Notice | Alert):
            return
        await self._ask.chosen(event.item)
