"""Risk: limits as gauges and as numbers, every breaker, positions at the mark, the account's money and curves."""

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.surface import Surface
from tui.widgets.breakers import BreakersPane
from tui.widgets.curves import CurvesPane
from tui.widgets.limits import LimitsPane
from tui.widgets.positions import Money, PositionsPane
from tui.widgets.rules import RulesPane


class RiskScreen(Surface):
    """Six panes; every limit by number, and the curves, only where there is room."""

    NAME = "risk"

    def body(self) -> Iterable[Widget]:
        """Limits, breakers, positions, every limit, curves, money."""
        return self.add(
            LimitsPane(), BreakersPane(is_complete=True), PositionsPane(), RulesPane(), CurvesPane(), Money()
        )
