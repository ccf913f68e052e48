"""The footer: the keys that work now, from the one key map; what does not work now is grey, not gone."""

from collections.abc import Callable, Iterable
from typing import Final

from tui.keymap import KeyMap
from tui.keys import Key
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
        self.set_lines([footer(self._is_enabled, self.size.width, view.keys)])


def footer(is_enabled: Callable[[Key], bool], width: int, keys: KeyMap) -> Line:
    """Every key of the footer, control keys written short where space is; others where there is room."""
    shown = keys.footer
    names = [key.display for key in shown]
    if sum(len(name) + len(key.label) + _AROUND for name, key in zip(names, shown, strict=True)) > width:
        names = [name.replace("ctrl+", "^") for name in names]
    spans: list[Span] = []
    for name, key in zip(names, shown, strict=True):
        one = _key(name, key, is_enabled)
        if _length(spans) + _length(one) > width:
            break  # no key is shown in part
        spans.extend(one)
    screens = [Span(f" {key.display} {key.label} ", Tone.DIM) for key in keys.surfaces]
    if _length(spans) + _length(screens) > width:
        screens = []
    for key in keys.secondary:
        more = _key(key.display, key, is_enabled)
        if _length(spans) + _length(more) + _length(screens) <= width:
            spans.extend(more)
    return (*spans, Span(" " * (width - _length(spans) - _length(screens))), *screens) if screens else tuple(spans)


def _key(name: str, key: Key, is_enabled: Callable[[Key], bool]) -> tuple[Span, Span]:
    on = is_enabled(key)
    tone = Tone.HALTED if key.is_dangerous else Tone.CALM
    return Span(f" {name}", tone if on else Tone.DIM), Span(f" {key.label} ", Tone.PLAIN if on else Tone.DIM)


def _length(spans: Iterable[Span]) -> int:
    return sum(len(span.text) for span in spans)
