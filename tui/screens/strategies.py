"""Strategies: which ones run, what each was made with and what it made; one key starts or stops the selected one."""

from collections.abc import Iterable

from textual.widget import Widget

from core.state import StrategyStatus
from tui.screens.surface import Surface
from tui.view import View
from tui.widgets.profit import Parameters, ProfitPane
from tui.widgets.strategies import StrategiesPane


class StrategiesScreen(Surface):
    """Two tables, and the parameters of the selected strategy."""

    NAME = "strategies"
    has_strategies = True

    def body(self) -> Iterable[Widget]:
        """Strategies, profit and loss, parameters."""
        self._table = StrategiesPane()
        self._parameters = Parameters()
        return (*self.add(self._table, ProfitPane()), self._parameters)

    def show(self, view: View) -> None:
        """Show the parameters of the selected one as well, or of the first."""
        super().show(view)
        if self.is_mounted:
            known = view.state.strategies
            self._parameters.show_strategy(self.strategy or (known[0] if known else None), view)

    @property
    def strategy(self) -> StrategyStatus | None:
        """The selected one."""
        row = self._table.selected
        return None if row is None else row.status
