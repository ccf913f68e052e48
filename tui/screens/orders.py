"""Orders: what is open on either side, what is closed and why, and what was executed."""

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.filtered import Filtered
from tui.widgets.history import ClosedPane, FillsPane
from tui.widgets.order_map import OrderMapPane
from tui.widgets.plans import PlansPane
from tui.widgets.tasks import TasksPane


class OrdersScreen(Filtered):
    """Tasks, order map, closed orders, fills, and plans while there are any."""

    NAME = "orders"

    def tables(self) -> Iterable[Widget]:
        """Open ones first."""
        return self.add(TasksPane(), OrderMapPane(), ClosedPane(), FillsPane(), PlansPane())
