"""Every window that asks something, and what becomes of the answer. Imported with the first window, not before."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.screen import Screen

from core.commands import Command, ExitPolicy, SubmitOrder
from core.errors import InvariantBroken
from core.history import HistoryRow
from core.model import Order, OrderIntent
from core.scope import Scope
from core.state import AlgorithmStatus, BreakerStatus, LimitUse, Notice
from tui import wishes
from tui.alerts import Alert
from tui.closing import flatten_question
from tui.screens.breaker import CloseBreakerModal
from tui.screens.confirm import ConfirmModal
from tui.screens.drill import DrillModal
from tui.screens.journal import JournalModal, JournalRowModal
from tui.screens.limit import LimitModal
from tui.screens.modify import ModifyModal
from tui.screens.part import PartModal, PartStop
from tui.screens.plan import PlanModal
from tui.screens.quit import LeavingModal, QuitModal, is_known
from tui.screens.rearm import RearmModal
from tui.screens.text import HelpModal, NoticeModal
from tui.screens.ticket import Ticket
from tui.screens.trip import TripModal
from tui.strokes import open_window
from tui.widgets.breakers import BreakerRow
from tui.widgets.plans import PlanRow
from tui.widgets.prices import PriceRow
from tui.widgets.rules import RuleName, RuleRow, rule_of
from tui.widgets.strategies import StrategyRow

if TYPE_CHECKING:
    from tui.host import Host

Answer = TypeVar("Answer")


class Questions:
    """Opens windows over whatever screen is shown."""

    def __init__(self, host: "Host") -> None:
        self._host = host

    async def open(self, what: str) -> None:
        """Open the window that asks for this, for what is selected below it."""
        host, surface = self._host, self._host.surface
        match what:
            case "part":
                await self._window(PartModal, lambda: PartModal(host.view, surface.scope), self._stop_part)
            case "trip":
                await self.trip(surface.scope)
            case "limit":
                await self.limit(self._selected_rule())
            case "drill":
                await self._window(DrillModal, lambda: DrillModal(host.pump.options.drill))
            case "plan":
                market_id = surface.market_id or host.market_id
                await self._window(PlanModal, lambda: PlanModal(host.view, market_id), self._submit)
            case "modify":
                await self.modify(surface.order)
            case "journal":
                await self._window(JournalModal, lambda: JournalModal(host.view, host.handle.history))
            case "reconcile":
                host.handle.submit(wishes.reconcile())
            case _:
                raise InvariantBroken(f"no window asks for {what!r}")

    async def chosen(self, item: object) -> None:
        """Enter on a row means what that row is."""
        match item:
            case PriceRow():
                await self.ticket()
            case BreakerRow() if item.breaker.is_tripped:
                await self.close_breaker(item.breaker, item.symbol)
            case BreakerRow():
                await self.trip(item.scope)
            case LimitUse() | RuleRow():
                await self.limit(self._selected_rule())
            case Notice():
                self.notice(item)
            case Alert():
                self.notice(item.notice)
            case PlanRow():
                await self.end_plan(item.plan)
            case HistoryRow():
                self._host.push_screen(JournalRowModal(item))
            case StrategyRow():
                self._host.handle.submit(wishes.toggle(item.status))
            case _:
                pass

    def _selected_rule(self) -> RuleName | None:
        """The limit that the focused pane has selected."""
        match getattr(self._host.surface.focused, "selected", None):
            case LimitUse() as use:
                return rule_of(use, self._host.view.state.rules)
            case RuleRow() as row:
                return row.rule
            case _:
                return None

    async def ticket(self) -> None:
        """Open the ticket for the selected market."""
        host = self._host
        if not isinstance(host.screen, Ticket):  # two quick presses ask for one ticket
            await open_window(
                host, Ticket(host.view, host.surface.market_id or host.market_id, host.handle.preview), self._place
            )

    async def rearm(self) -> None:
        """Ask for the word and the reason."""
        await self._window(RearmModal, lambda: RearmModal(self._host.view), self._submit)

    async def trip(self, first: Scope | None) -> None:
        """Ask whose breaker to trip or to close, and why."""
        await self._window(TripModal, lambda: TripModal(self._host.view, first), self._submit)

    async def modify(self, order: Order | None) -> None:
        """Ask for a new price or size of this order."""
        if order is not None:
            await self._window(ModifyModal, lambda: ModifyModal(self._host.view, order), self._submit)

    async def limit(self, first: RuleName | None) -> None:
        """Ask for a new value of a risk limit."""
        host = self._host
        await self._window(LimitModal, lambda: LimitModal(host.view, first, host.handle.submit))

    async def end_plan(self, plan: AlgorithmStatus) -> None:
        """Ask whether a plan is to end."""

        def end(is_meant: bool | None) -> None:  # noqa: FBT001 - what the window answers
            if is_meant:
                self._host.handle.submit(wishes.end_plan(plan))

        text = f"{plan.name} ends, and its {plan.working} open orders are cancelled. Really?"
        await self._window(ConfirmModal, lambda: ConfirmModal("end a plan", lambda _: text, "end it"), end)

    async def _window(
        self,
        kind: type[Screen[Answer]],
        make: Callable[[], Screen[Answer]],
        done: Callable[[Answer | None], None] | None = None,
    ) -> None:
        """Open a window, unless one of its kind is on top: two quick presses ask for one."""
        if not isinstance(self._host.screen, kind):
            await open_window(self._host, make(), done)

    async def close_breaker(self, breaker: BreakerStatus, symbol: str) -> None:
        """Ask why a tripped breaker may be closed."""

        def close(reason: str | None) -> None:
            if reason:
                self._host.handle.submit(wishes.close(breaker, reason))

        if not isinstance(self._host.screen, CloseBreakerModal):
            await open_window(self._host, CloseBreakerModal(breaker, symbol), close)

    async def quit(self) -> None:
        """Leave at once when nothing can be live, after asking otherwise."""
        host = self._host
        state = host.view.state
        if is_known(host.view) and not state.order_map and not state.tasks:
            self._leave(ExitPolicy.CANCEL)
        elif not isinstance(host.screen, QuitModal):
            await open_window(host, QuitModal(), self._leave)

    def help(self) -> None:
        """Show the key map."""
        self._host.push_screen(HelpModal(self._host.newest().keys))

    def notice(self, notice: Notice) -> None:
        """Show a line of the log in full."""
        self._host.push_screen(NoticeModal(notice))

    def _place(self, intent: OrderIntent | None) -> None:
        if intent is not None:
            self._host.handle.submit(SubmitOrder(intent=intent))

    def _submit(self, wish: Command | None) -> None:
        if wish is not None:
            self._host.handle.submit(wish)

    def _stop_part(self, stop: PartStop | None) -> None:
        host = self._host
        if stop is None:
            return
        if not stop.is_flatten:
            host.handle.submit(wishes.kill_part(stop.scope, host.newest().now.mono_ns))
            return

        def flatten(is_meant: bool | None) -> None:  # noqa: FBT001 - what the window answers
            if is_meant:
                host.handle.submit(wishes.flatten(stop.scope))

        market_id = stop.scope.market_id
        do = "close every position" if market_id is None else "close the position"
        host.push_screen(ConfirmModal("flatten", lambda view: flatten_question(view, market_id), do), flatten)

    def _leave(self, policy: ExitPolicy | None) -> None:
        if policy is ExitPolicy.FLATTEN:  # it trades: one key too many must not do it
            again = ConfirmModal("flatten and quit", flatten_question, "close every position")
            self._host.push_screen(again, self._flatten_and_end)
        else:
            self._end(policy)

    def _flatten_and_end(self, is_meant: bool | None) -> None:  # noqa: FBT001 - what the window answers
        self._end(ExitPolicy.FLATTEN if is_meant else None)

    def _end(self, policy: ExitPolicy | None) -> None:
        if policy is not None:
            host = self._host
            host.is_leaving = True
            host.handle.request_stop(policy, "the operator quits")
            host.push_screen(LeavingModal(policy, host.newest().keys.written("quit")))
