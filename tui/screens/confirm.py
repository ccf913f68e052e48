"""Asked a second time, before what cannot be taken back; staying is what Enter does when nothing else was chosen."""

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from tui.screens.modal import Modal, say
from tui.view import View
from tui.widgets.choice import Choice
from tui.widgets.lines import Lines, Tone

_WIDTH: Final = 58


class ConfirmModal(Modal[bool]):
    """Answers True, or nothing to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "do it", show=False, priority=True),
        Binding("up", "step(-1)", "previous", show=False),
        Binding("down", "step(1)", "next", show=False),
    ]

    def __init__(self, title: str, question: Callable[[View], str], do: str) -> None:
        """`question` says what would be done, by the newest view; `do` names it."""
        super().__init__(title)
        self._question = question
        self._about = Lines(id="confirm-about")
        self._choice = Choice((("stay", False), (do, True)), id="confirm-choice")

    def window(self) -> Iterable[Widget]:
        """The question once more, with what it is about."""
        yield self._about
        yield self._choice
        yield Label("←→ choose · enter does it · esc stays", classes="hint")

    def on_view(self, view: View) -> None:
        """Say what it is about, now."""
        say(self._about, self._question(view), Tone.ARMED, _WIDTH)

    def action_step(self, step: int) -> None:
        """Choose up or down as well."""
        self._choice.action_step(step)

    def action_confirm(self) -> None:
        """Answer."""
        self.dismiss(self._choice.value or None)
