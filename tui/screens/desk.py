"""The desk itself: every pane at once, at 200x50 and at 80x24."""

from collections.abc import Callable, Iterable

from textual.widget import Widget

from core.units import MarketId
from tui.bridge import EngineHandle
from tui.keys import Key
from tui.screens.surface import Surface
from tui.view import View
from tui.widgets.breakers import BreakersPane
from tui.widgets.limits import LimitsPane
from tui.widgets.log import LogPane
from tui.widgets.order_map import OrderMapPane
from tui.widgets.prices import PricesPane
from tui.widgets.tasks import TasksPane


class DeskScreen(Surface):
    """All panes."""

    NAME = "desk"

    def __init__(self, is_enabled: Callable[[Key], bool], newest: Callable[[], View], handle: EngineHandle) -> None:
        super().__init__(is_enabled, newest, handle)
        self._prices = PricesPane()

    def body(self) -> Iterable[Widget]:
        """Prices, limits, breakers, tasks, order map, log."""
        return self.add(self._prices, LimitsPane(), BreakersPane(), TasksPane(), OrderMapPane(), LogPane())

    @property
    def market_id(self) -> MarketId | None:
        """The market selected in the prices."""
        return self._prices.market_id
