"""The base of screens whose tables can be filtered: one field above them, for all of them."""

from collections.abc import Callable, Iterable

from textual.widget import Widget
from textual.widgets import Input

from tui.bridge import EngineHandle
from tui.keys import Key
from tui.screens.surface import Surface
from tui.view import View
from tui.widgets.filter_field import FilterField


class Filtered(Surface):
    """A surface of tables under a filter."""

    def __init__(self, is_enabled: Callable[[Key], bool], newest: Callable[[], View], handle: EngineHandle) -> None:
        super().__init__(is_enabled, newest, handle)
        self._words = FilterField()

    def tables(self) -> Iterable[Widget]:
        """The tables."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """Field above, tables below."""
        return (self._words, *self.tables())

    def filter(self) -> bool:
        """Go to the field."""
        self._words.focus()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """Every letter counts at once."""
        for grid in self._grids:
            grid.set_words(event.value)
