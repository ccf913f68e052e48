"""A field that holds one of a few values: arrows or a value's first letter choose."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from tui.widgets.lines import Canvas, Span, Tone

Value = TypeVar("Value")
_AROUND = 2
"""Cells around a value."""


class Choice(Canvas, Generic[Value], can_focus=True):
    """One line: every value, the chosen one marked by brackets and colour."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "previous value", show=False),
        Binding("right,space", "step(1)", "next value", show=False),
    ]

    class Changed(Message):
        """Another value was chosen."""

    def __init__(self, options: Sequence[tuple[str, Value]], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._options = tuple(options)
        self._index = 0

    @property
    def value(self) -> Value:
        """What is chosen."""
        return self._options[self._index][1]

    def choose(self, value: Value) -> None:
        """Choose one of the values."""
        self._take(next(index for index, option in enumerate(self._options) if option[1] == value))

    def action_step(self, step: int) -> None:
        """Choose the next or previous value, around the end."""
        self._take((self._index + step) % len(self._options))

    def on_click(self, event: Click) -> None:
        """A click chooses the value under it."""
        end = 0
        for index, (label, _value) in enumerate(self._options):
            end += len(label) + _AROUND
            if event.x < end:
                self._take(index)
                break

    def take_letter(self, letter: str | None) -> bool:
        """A first letter chooses the value it begins, or the next such; False when it is no letter."""
        if letter is None or not letter.isalpha():
            return False
        order = [(self._index + step) % len(self._options) for step in range(1, len(self._options) + 1)]
        for index in order:
            if self._options[index][0].lower().startswith(letter.lower()):
                self._take(index)
                break
        return True

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line."""
        del container, viewport, width
        return 1

    def render_line(self, y: int) -> Strip:
        """Draw the values."""
        if y:
            return self.strip((), self.size.width)
        spans = [
            Span(f"[{label}]" if index == self._index else f" {label} ", self._tone(index))
            for index, (label, _value) in enumerate(self._options)
        ]
        return self.strip(tuple(spans), self.size.width)

    def _tone(self, index: int) -> Tone:
        if index != self._index:
            return Tone.DIM
        return Tone.BADGE if self.has_focus else Tone.STRONG

    def _take(self, index: int) -> None:
        if index != self._index:
            self._index = index
            self.refresh()
            self.post_message(self.Changed())
