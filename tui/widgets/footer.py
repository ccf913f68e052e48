"""The footer: the keys that work now, from the one key map; what does not work now is grey, not gone."""

from collections.abc import Callable, Iterable
from typing import Final

from textual.events import Click

from tui.keymap import KeyMap
from tui.keys import Key
from tui.view import View
from tui.widgets.lines import Line, Lines, Span, Tone

_AROUND: Final = 3
"""Blanks around a key and its word."""


Part = tuple[tuple[Span, ...], Key | None]
"""A key as it is written, or what stands between keys."""


class Footer(Lines):
    """One line of keys."""

    def __init__(self, is_enabled: Callable[[Key], bool]) -> None:
        super().__init__(id="footer")
        self._is_enabled = is_enabled
        self._parts: list[Part] = []

    def show(self, view: View) -> None:
        """Paint what changed."""
        self._parts = laid_out(self._is_enabled, self.size.width, view.keys)
        self.set_lines([tuple(span for spans, _key in self._parts for span in spans)])

    async def on_click(self, event: Click) -> None:
        """A click does what the key under it does; what is dangerous takes the key itself."""
        key = key_at(self._parts, event.x)
        if key is not None and not key.is_dangerous and self._is_enabled(key):
            await self.app.run_action(key.action)


def footer(is_enabled: Callable[[Key], bool], width: int, keys: KeyMap) -> Line:
    """The footer's line for so many cells."""
    return tuple(span for spans, _key in laid_out(is_enabled, width, keys) for span in spans)


def key_at(parts: Iterable[Part], x: int) -> Key | None:
    """The key that is written in this cell, if one is."""
    end = 0
    for spans, key in parts:
        end += _length(spans)
        if x < end:
            return key
    return None


def laid_out(is_enabled: Callable[[Key], bool], width: int, keys: KeyMap) -> list[Part]:
    """Every key of the footer, control keys written short where space is; others where there is room."""
    shown = keys.footer
    names = [key.display for key in shown]
    if sum(len(name) + len(key.label) + _AROUND for name, key in zip(names, shown, strict=True)) > width:
        names = [name.replace("ctrl+", "^") for name in names]
    parts: list[Part] = []
    for name, key in zip(names, shown, strict=True):
        one = _key(name, key, is_enabled)
        if _width(parts) + _length(one) > width:
            break  # no key is shown in part
        parts.append((one, key))
    screens: list[Part] = [((Span(f" {key.display} {key.label} ", Tone.DIM),), key) for key in keys.surfaces]
    if _width(parts) + _width(screens) > width:
        screens = []
    for key in keys.secondary:
        more = _key(key.display, key, is_enabled)
        if _width(parts) + _length(more) + _width(screens) <= width:
            parts.append((more, key))
    gap: list[Part] = [((Span(" " * (width - _width(parts) - _width(screens))),), None)] if screens else []
    return [*parts, *gap, *screens]


def _key(name: str, key: Key, is_enabled: Callable[[Key], bool]) -> tuple[Span, Span]:
    on = is_enabled(key)
    tone = Tone.HALTED if key.is_dangerous else Tone.CALM
    return Span(f" {name}", tone if on else Tone.DIM), Span(f" {key.label} ", Tone.PLAIN if on else Tone.DIM)


def _length(spans: Iterable[Span]) -> int:
    return sum(len(span.text) for span in spans)


def _width(parts: Iterable[Part]) -> int:
    return sum(_length(spans) for spans, _key in parts)
