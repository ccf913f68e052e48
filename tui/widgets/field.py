"""A field of a window: a label, and beside it what is filled in."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Label


class Field(Horizontal):
    """A label and what it names."""

    def __init__(self, label: str, widget: Widget) -> None:
        super().__init__()
        self._label = Label(label)
        self._widget = widget

    def compose(self) -> ComposeResult:
        """Label left, widget right."""
        yield self._label
        yield self._widget

    def name_it(self, label: str) -> None:
        """Give it another label."""
        self._label.update(label)
