"""Risk: limits as gauges, every breaker, positions at the mark, and the account's money."""

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.surface import Surface
from tui.widgets.breakers import BreakersPane
from tui.widgets.limits import LimitsPane
from tui.widgets.positions import Money, PositionsPane


class RiskScreen(Surface):
    """Four panes."""

    NAME = "risk"

    def body(self) -> Iterable[Widget]:
        """Limits, breakers, positions, money."""
        return self.add(LimitsPane(), BreakersPane(is_complete=True), PositionsPane(), Money())
