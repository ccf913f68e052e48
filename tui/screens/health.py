"""Health: streams, budgets, and the desk's own pace."""

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.surface import Surface
from tui.widgets.health import BudgetsPane, LinksPane, ReadingsPane


class HealthScreen(Surface):
    """Three tables."""

    NAME = "health"

    def body(self) -> Iterable[Widget]:
        """Links, budgets, readings."""
        return self.add(LinksPane(), BudgetsPane(), ReadingsPane())
