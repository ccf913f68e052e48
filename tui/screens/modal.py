"""The base of every window: the kill banner stays above it, Esc closes it, and nothing else is shared."""

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget

from tui.painter import PatchedScreen
from tui.view import View
from tui.widgets.kill_banner import KillBanner
from tui.widgets.lines import LOOKS, Lines, Span, Tone

Result = TypeVar("Result")


class Window(VerticalScroll, can_focus=False):
    """The frame in the middle of the screen."""


class Modal(ModalScreen[Result], PatchedScreen[Result]):
    """A window over the desk."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(LOOKS)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False)]
    TITLE_TEXT: ClassVar[str] = ""

    def __init__(self, title: str = "") -> None:
        """`title` stands in the frame instead of the class's own."""
        super().__init__()
        self._banner = KillBanner()
        self._frame_title = title or self.TITLE_TEXT

    def window(self) -> Iterable[Widget]:
        """What stands in the window."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Banner above, window in the middle."""
        yield self._banner
        with Window() as window:
            window.border_title = self._frame_title
            yield from self.window()

    def show(self, view: View) -> None:
        """Take the newest view."""
        if self.is_mounted:
            self._banner.show(view)
            self.on_view(view)

    def on_view(self, view: View) -> None:
        """What a window does with the newest view beyond the banner."""

    def action_close(self) -> None:
        """Close the window; nothing is done."""
        self.dismiss(None)


def say(widget: Lines, text: str, tone: Tone, width: int) -> None:
    """Show sentences in a window, wrapped at words."""
    widget.set_lines([(Span(line, tone),) for line in wrap(text, width)])


def wrap(text: str, width: int) -> list[str]:
    """Break at spaces; a word longer than the line is broken inside."""
    lines = [""]
    for word in text.split():
        rest = word
        if lines[-1] and len(lines[-1]) + 1 + len(rest) > width:
            lines.append("")
        while len(rest) > width:
            lines[-1] = rest[:width]
            lines.append("")
            rest = rest[width:]
        lines[-1] = f"{lines[-1]} {rest}".strip()
    return lines
