"""Risk: limits as gauges and as numbers, every breaker, positions at the mark, and the account's money."""

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.surface import Surface
from tui.widgets.breakers import BreakersPane
from tui.widgets.limits import LimitsPane
from tui.widgets.positions import Money, PositionsPane
from tui.widgets.rules import RulesPane


class RiskScreen(Surface):
    """Five panes; every limit by number only where there is room."""

    NAME = "risk"

    def body(self) -> Iterable[Widget]:
        """Limits, breakers, positions, every limit, money."""
        return self.add(LimitsPane(), BreakersPane(is_complete=True), PositionsPane(), RulesPane(), Money())
