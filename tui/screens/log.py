"""The log: everything the engine said, by level and by words."""

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.filtered import Filtered
from tui.widgets.log import LogPane


class LogScreen(Filtered):
    """One table."""

    NAME = "log"

    def tables(self) -> Iterable[Widget]:
        """The log."""
        return self.add(LogPane())
