"""Health: streams, budgets, latencies, and the desk's own pace."""

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.surface import Surface
from tui.widgets.health import BudgetsPane, LatenciesPane, LinksPane, ReadingsPane


class HealthScreen(Surface):
    """Four tables."""

    NAME = "health"

    def body(self) -> Iterable[Widget]:
        """Links, budgets, latencies, readings."""
        return self.add(LinksPane(), BudgetsPane(), LatenciesPane(), ReadingsPane())
