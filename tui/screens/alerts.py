"""Alerts: what wants a look, and what has had one."""

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.filtered import Filtered
from tui.widgets.alerts import AlertsPane


class AlertsScreen(Filtered):
    """One table."""

    NAME = "alerts"

    def tables(self) -> Iterable[Widget]:
        """The alerts."""
        return self.add(AlertsPane())
