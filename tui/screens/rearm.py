"""Lifting a kill: a typed word and a reason, and only after the venue confirmed that nothing is left."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.commands import Rearm, RearmPart
from core.scope import EVERYTHING, Scope
from core.state import KillPhase, KillStatus
from tui import wishes
from tui.format import clean
from tui.screens.modal import Modal, say
from tui.targets import scope_name
from tui.view import View
from tui.widgets.lines import Lines, Tone
from tui.widgets.text_field import TextField

WORD: Final = "REARM"
_WIDTH: Final = 58


class RearmModal(Modal[Rearm | RearmPart]):
    """Answers what to ask of the engine, or nothing."""

    TITLE_TEXT = "re-arm after a kill"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "re-arm", show=False, priority=True),
        Binding("up", "which(-1)", "previous", show=False),
        Binding("down", "which(1)", "next", show=False),
    ]

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
        self._scopes = killed(view)
        """What can be re-armed here, settled when the window opens: nothing moves under a typing hand."""
        self._index = 0
        self._about = Lines(id="rearm-about")
        self._word = TextField(id="rearm-word", placeholder=f"type {WORD}", max_length=16)
        self._reason = TextField(id="rearm-reason", placeholder="reason, for the journal", max_length=200)
        self._verdict = Lines(id="rearm-verdict")

    def window(self) -> Iterable[Widget]:
        """What it is about, and two fields."""
        yield self._about
        yield self._word
        yield self._reason
        yield self._verdict
        yield Label("enter re-arms · tab next field · esc keeps the kill", classes="hint")

    @property
    def scope(self) -> Scope:
        """What is about to be re-armed."""
        return self._scopes[self._index] if self._scopes else EVERYTHING

    def on_view(self, view: View) -> None:
        """The kill may have moved on."""
        self._view = view
        self._judge()

    def on_input_changed(self) -> None:
        """Judge the text again."""
        self._judge()

    def action_which(self, step: int) -> None:
        """Another of the kills; what was typed for the one before does not count for it."""
        if len(self._scopes) > 1:
            self._index = (self._index + step) % len(self._scopes)
            self._word.value = self._reason.value = ""
            self._word.focus()
            self._judge()

    def action_confirm(self) -> None:
        """Re-arm, go to the missing field, or say what is missing."""
        if not self._problem():
            self.dismiss(wishes.rearm(self.scope, clean(self._reason.value.strip())))
        elif self._word.has_focus and self._word.value.strip() == WORD:
            self._reason.focus()

    def _problem(self) -> str:
        phase = _kill_of(self.scope, self._view).phase
        flatten = self._view.state.flatten
        if phase is KillPhase.IDLE:
            return "nothing is killed"
        if phase is not KillPhase.CONFIRMED:
            return (
                f"the kill is {phase.value}, not confirmed: orders may still be live, so the engine refuses to re-arm"
            )
        if flatten is not None and not flatten.is_over and Scope(market_id=flatten.market_id) == self.scope:
            return "a flatten is under way: nothing may open again what it closes"
        if self._word.value.strip() != WORD:
            return f"type {WORD} in the first field"
        return "" if self._reason.value.strip() else "give a reason in the second field"

    def _judge(self) -> None:
        name = scope_name(self.scope, self._view.state)
        more = f" ({self._index + 1} of {len(self._scopes)}: ↑↓ another)" if len(self._scopes) > 1 else ""
        say(self._about, f"of {name}{more}", Tone.STRONG, _WIDTH)
        problem = self._problem()
        say(self._verdict, problem or f"✓ enter re-arms {name}", Tone.ARMED if problem else Tone.GAIN, _WIDTH)


def killed(view: View) -> tuple[Scope, ...]:
    """Everything that is killed: all of the account first, then its parts."""
    return tuple(kill.scope for kill in (view.kill, *view.state.kills) if kill.is_latched)


def _kill_of(scope: Scope, view: View) -> KillStatus:
    if scope.is_everything:
        return view.kill
    return next((kill for kill in view.state.kills if kill.scope == scope), KillStatus(scope=scope))
