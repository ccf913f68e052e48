"""Strategies: which ones run, and one key to start or stop the selected one."""

from collections.abc import Iterable

from textual.widget import Widget

from core.state import StrategyStatus
from tui.screens.surface import Surface
from tui.widgets.strategies import StrategiesPane


class StrategiesScreen(Surface):
    """One table."""

    NAME = "strategies"
    has_strategies = True

    def body(self) -> Iterable[Widget]:
        """The strategies."""
        self._table = StrategiesPane()
        return self.add(self._table)

    @property
    def strategy(self) -> StrategyStatus | None:
        """The selected one."""
        return self._table.selected
