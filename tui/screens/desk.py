"""The desk itself: every pane at once, at 200x50 and at 80x24; smaller terminals get one clear sentence."""

from collections.abc import Callable
from typing import Final

from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Resize
from textual.screen import Screen

from core.model import Order
from core.units import MarketId
from tui.keys import Key
from tui.view import View
from tui.widgets.breakers import BreakersPane
from tui.widgets.footer import Footer
from tui.widgets.header import Header
from tui.widgets.kill_banner import KillBanner
from tui.widgets.limits import LimitsPane
from tui.widgets.lines import Lines, Span, Tone
from tui.widgets.log import LogPane
from tui.widgets.order_map import OrderMapPane
from tui.widgets.prices import PricesPane
from tui.widgets.tasks import TasksPane

MIN_WIDTH: Final = 80
MIN_HEIGHT: Final = 24
_WIDTHS: Final = [(0, "-cramped"), (MIN_WIDTH, "-narrow"), (130, "-wide")]
_HEIGHTS: Final = [(0, "-flat"), (MIN_HEIGHT, "-short"), (38, "-tall")]


class DeskScreen(Screen[None]):
    """All panes."""

    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS

    def __init__(self, is_enabled: Callable[[Key], bool]) -> None:
        super().__init__()
        self._banner = KillBanner()
        self._header = Header()
        self._footer = Footer(is_enabled)
        self._too_small = Lines(id="too-small")
        self._prices = PricesPane()
        self._tasks = TasksPane()
        self._map = OrderMapPane()
        self._panes = (self._prices, LimitsPane(), BreakersPane(), self._tasks, self._map, LogPane())

    def compose(self) -> ComposeResult:
        """Header above, keys below, panes between."""
        yield self._banner
        yield self._header
        yield self._too_small
        with Container(id="panes"):
            yield from self._panes
        yield self._footer

    def on_mount(self) -> None:
        """Begin at the prices."""
        self._prices.focus()

    def on_resize(self, event: Resize) -> None:
        """Say it in words when there is no room."""
        width, height = event.size
        self._too_small.set_lines(
            [
                (Span(f"expected at least {MIN_WIDTH}x{MIN_HEIGHT},", Tone.ARMED),),
                (Span(f"this terminal is {width}x{height}; enlarge it", Tone.ARMED),),
                (Span("ctrl+k still kills, ctrl+q quits", Tone.DIM),),
            ]
        )

    @property
    def is_too_small(self) -> bool:
        """Whether the panes cannot be shown."""
        return 0 < self.size.width < MIN_WIDTH or 0 < self.size.height < MIN_HEIGHT

    def show(self, view: View) -> None:
        """Hand the newest view to every pane; each paints only what changed."""
        if not self.is_mounted:
            return
        self.set_class(view.is_past, "-past")
        self._banner.show(view)
        self._header.show(view)
        for pane in self._panes:
            pane.show(view)
        self._footer.show(view)

    def focus_pane(self, pane_id: str) -> None:
        """Move the focus to the pane of this id."""
        self.set_focus(self.query_one(f"#{pane_id}"))

    @property
    def market_id(self) -> MarketId | None:
        """The market selected in the prices."""
        return self._prices.market_id

    @property
    def order(self) -> Order | None:
        """The order selected in the focused pane, if that pane has orders."""
        for pane in (self._tasks, self._map):
            if self.focused is pane:
                return pane.order
        return None
