"""The footer: the keys that work now, from the one key map; what does not work now is grey, not gone."""

from collections.abc import Callable

from tui.keys import KEYS, Key
from tui.view import View
from tui.widgets.lines import Line, Lines, Span, Tone


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
    """As many keys as fit, the most urgent first."""
    spans: list[Span] = []
    used = 0
    for key in KEYS:
        if not key.label:
            continue
        name, label = f" {key.display} ", f"{key.label} "
        used += len(name) + len(label)
        if used > width:
            break
        on = is_enabled(key)
        tone = Tone.HALTED if key.is_dangerous else Tone.CALM
        spans.extend((Span(name, tone if on else Tone.DIM), Span(label, Tone.PLAIN if on else Tone.DIM)))
    return tuple(spans)
