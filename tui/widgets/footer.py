"""The footer: the keys that work now, from the one key map; what does not work now is grey, not gone."""

from collections.abc import Callable
from typing import Final

from tui.keys import FOOTER, SURFACES, Key
from tui.view import View
from tui.widgets.lines import Line, Lines, Span, Tone

_AROUND: Final = 3
"""Blanks around a key and its word."""


class Footer(Lines):
    """One line of keys."""

    def __init__(self, is_enabled: Callable[[Key], bool]) -> None:
        super().__init__(id="footer")
        self._is_enabled = is_enabled

    def show(self, view: View) -> None:
        """Paint what changed."""
        del view
        self.set_lines([footer(self._is_enabled, self.size.width)])


def footer(is_enabled: Callable[[Key], bool], width: int) -> Line:
    """Every key of the footer, control keys written short where space is; the screens' keys where there is room."""
    names = [key.display for key in FOOTER]
    if sum(len(name) + len(key.label) + _AROUND for name, key in zip(names, FOOTER, strict=True)) > width:
        names = [name.replace("ctrl+", "^") for name in names]
    spans: list[Span] = []
    for name, key in zip(names, FOOTER, strict=True):
        on = is_enabled(key)
        tone = Tone.HALTED if key.is_dangerous else Tone.CALM
        spans.append(Span(f" {name}", tone if on else Tone.DIM))
        spans.append(Span(f" {key.label} ", Tone.PLAIN if on else Tone.DIM))
    room = width - sum(len(span.text) for span in spans)
    screens = [Span(f" {key.display} {key.label} ", Tone.DIM) for key in SURFACES]
    length = sum(len(span.text) for span in screens)
    return (*spans, Span(" " * (room - length)), *screens) if length <= room else tuple(spans)
