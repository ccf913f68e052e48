"""The desk as a Textual application: one intent a key. What keeps it alive is in `tui.host`."""

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from core.commands import ExitPolicy, Rearm, SubmitOrder
from core.model import OrderIntent
from core.state import BreakerStatus, Notice
from tui import wishes
from tui.host import Host
from tui.keys import HARMLESS, bindings
from tui.pump import DeskOptions
from tui.screens.breaker import CloseBreakerModal
from tui.screens.quit import LeavingModal, QuitModal, is_known
from tui.screens.rearm import RearmModal
from tui.screens.text import HelpModal, NoticeModal
from tui.screens.ticket import Ticket
from tui.strokes import open_window
from tui.widgets.breakers import BreakerRow, global_breaker
from tui.widgets.grid import Grid
from tui.widgets.prices import PriceRow

__all__ = ["Desk", "DeskOptions"]


class Desk(Host):
    """The operator's desk: every key, and what becomes of the answers of windows."""

    BINDINGS: ClassVar[list[BindingType]] = list(bindings())

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette offers what can be taken back and works now; what is dangerous has its own keys."""
        del screen
        for key in filter(self.is_enabled, HARMLESS):
            yield SystemCommand(key.label, key.help, partial(self.run_action, key.action))

    def action_kill(self) -> None:
        """Kill: for a press that did not come through the terminal's input thread, which keeps those it carries out."""
        self.kill_now()

    async def action_breaker(self) -> None:
        """Trip everything, or ask before closing it."""
        breaker = global_breaker(self.view.state.breakers)
        if breaker is not None and breaker.is_tripped:
            await self._close_breaker(breaker, "all markets")
        else:
            self.handle.submit(wishes.trip_everything())

    async def action_ticket(self) -> None:
        """Open the ticket for the selected market."""
        if isinstance(self.screen, Ticket):
            return  # two quick presses ask for one ticket
        await open_window(self, Ticket(self.view, self.desk.market_id, self.handle.preview), self._place)

    def action_cancel(self) -> None:
        """Cancel the selected order."""
        order = self.desk.order
        if order is not None:
            self.handle.submit(wishes.cancel(order))

    async def action_rearm(self) -> None:
        """Ask for the word and the reason."""
        await open_window(self, RearmModal(self.view), self._rearm)

    def action_strategy(self) -> None:
        """Start or stop the first strategy."""
        for strategy in self.view.state.strategies[:1]:
            self.handle.submit(wishes.toggle(strategy))

    def action_help(self) -> None:
        """Show the key map."""
        self.push_screen(HelpModal())

    def action_focus_pane(self, pane_id: str) -> None:
        """Go to a pane."""
        self.desk.focus_pane(pane_id)

    async def action_quit(self) -> None:
        """Leave: at once when nothing can be live, after asking otherwise; a second time leaves the screen."""
        state = self.view.state
        if self.is_leaving or self.pump.ended or state.is_over:
            self.exit(self.handle.exit_report())
        elif is_known(self.view) and not state.order_map and not state.tasks:
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

    def _place(self, intent: OrderIntent | None) -> None:
        if intent is not None:
            self.handle.submit(SubmitOrder(intent=intent))

    def _rearm(self, reason: str | None) -> None:
        if reason:
            self.handle.submit(Rearm(by=wishes.BY, reason=reason))

    async def _close_breaker(self, breaker: BreakerStatus, symbol: str) -> None:
        def close(reason: str | None) -> None:
            if reason:
                self.handle.submit(wishes.close(breaker, reason))

        if not isinstance(self.screen, CloseBreakerModal):
            await open_window(self, CloseBreakerModal(breaker, symbol), close)

    def _leave(self, policy: ExitPolicy | None) -> None:
        if policy is not None:
            self.is_leaving = True
            self.handle.request_stop(policy, "the operator quits")
            self.push_screen(LeavingModal(policy))
