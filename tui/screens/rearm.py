"""Lifting a kill: a typed word and a reason, and only after the venue confirmed that nothing is left."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.state import KillPhase
from tui.format import clean
from tui.screens.modal import Modal, say
from tui.view import View
from tui.widgets.lines import Lines, Tone
from tui.widgets.text_field import TextField

WORD: Final = "REARM"
_WIDTH: Final = 58


class RearmModal(Modal[str]):
    """Answers the reason, or nothing."""

    TITLE_TEXT = "re-arm after a kill"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "confirm", "re-arm", show=False, priority=True)]

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
        self._word = TextField(id="rearm-word", placeholder=f"type {WORD}", max_length=16)
        self._reason = TextField(id="rearm-reason", placeholder="reason, for the journal", max_length=200)
        self._verdict = Lines(id="rearm-verdict")

    def window(self) -> Iterable[Widget]:
        """Two fields."""
        yield self._word
        yield self._reason
        yield self._verdict
        yield Label("enter re-arms · tab next field · esc keeps the kill", classes="hint")

    def on_view(self, view: View) -> None:
        """The kill may have moved on."""
        self._view = view
        self._judge()

    def on_input_changed(self) -> None:
        """Judge the text again."""
        self._judge()

    def action_confirm(self) -> None:
        """Re-arm, go to the missing field, or say what is missing."""
        if not self._problem():
            self.dismiss(clean(self._reason.value.strip()))
        elif self._word.has_focus and self._word.value.strip() == WORD:
            self._reason.focus()

    def _problem(self) -> str:
        phase = self._view.kill.phase
        if phase is KillPhase.IDLE:
            return "nothing is killed"
        if phase is not KillPhase.CONFIRMED:
            return (
                f"the kill is {phase.value}, not confirmed: orders may still be live, so the engine refuses to re-arm"
            )
        if self._word.value.strip() != WORD:
            return f"type {WORD} in the first field"
        return "" if self._reason.value.strip() else "give a reason in the second field"

    def _judge(self) -> None:
        problem = self._problem()
        say(self._verdict, problem or "✓ enter re-arms trading", Tone.ARMED if problem else Tone.GAIN, _WIDTH)
