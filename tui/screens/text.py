"""Windows that only say something: the key map, and one line of the log in full."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.state import Notice
from tui.format import clean, fit, utc
from tui.keymap import KeyMap
from tui.screens.modal import Modal, wrap
from tui.widgets.lines import Line, Lines, Span, Tone
from tui.widgets.words import LEVEL

_WIDTH: Final = 70
_KEYS_WIDTH: Final = 18


class HelpModal(Modal[None]):
    """The key map."""

    TITLE_TEXT = "keys"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "close", "close", show=False, id="help"),
        Binding("enter", "close", "close", show=False),
    ]

    def __init__(self, keys: KeyMap) -> None:
        super().__init__()
        self._keys = keys

    def window(self) -> Iterable[Widget]:
        """Every key with its sentence."""
        body = Lines(id="help-keys")
        body.set_lines(help_lines(self._keys))
        yield body
        yield Label("↑↓ scroll · esc closes", classes="hint")

    def on_mount(self) -> None:
        """Arrows scroll."""
        window = self.query_one("Window")
        window.can_focus = True
        window.focus()


class NoticeModal(Modal[None]):
    """One notice, unabridged."""

    TITLE_TEXT = "log"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "close", "close", show=False)]

    def __init__(self, notice: Notice) -> None:
        super().__init__()
        self._notice = notice

    def window(self) -> Iterable[Widget]:
        """Head and text."""
        notice = self._notice
        body = Lines(id="notice-text")
        head = f"{utc(notice.at_us, 0)} UTC  {LEVEL[notice.level].text.strip()}  {clean(notice.source)}"
        body.set_lines([(Span(head, Tone.DIM),), *((Span(line),) for line in wrap(clean(notice.text, 4_000), _WIDTH))])
        yield body
        yield Label("esc closes", classes="hint")


def help_lines(keys: KeyMap) -> list[Line]:
    """The key map as lines."""
    lines: list[Line] = []
    for key in keys.every:
        texts = wrap(key.help, _WIDTH - _KEYS_WIDTH - 1)
        names = wrap(" ".join(key.written), _KEYS_WIDTH)
        tone = Tone.HALTED if key.is_dangerous else Tone.CALM
        for index in range(max(len(texts), len(names))):
            name = names[index] if index < len(names) else ""
            text = texts[index] if index < len(texts) else ""
            lines.append((Span(fit(name, _KEYS_WIDTH + 1), tone), Span(text)))
    return lines
