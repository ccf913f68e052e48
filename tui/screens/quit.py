"""Leaving: what becomes of open orders, and how far the exit policy has come."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.commands import ExitPolicy
from core.events import LinkStatus
from core.state import EnginePhase
from tui.format import clean
from tui.screens.modal import Modal, say
from tui.view import View
from tui.widgets.choice import Choice
from tui.widgets.lines import Lines, Tone

_WIDTH: Final = 58
_DOING: Final = {
    ExitPolicy.CANCEL: "cancelling every order",
    ExitPolicy.KEEP: "leaving orders at the venue",
    ExitPolicy.FLATTEN: "cancelling every order, then closing every position",
}


class QuitModal(Modal[ExitPolicy]):
    """Answers the exit policy, or nothing to stay."""

    TITLE_TEXT = "quit"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "do it", show=False, priority=True),
        Binding("up", "step(-1)", "previous", show=False),
        Binding("down", "step(1)", "next", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._about = Lines(id="quit-about")
        self._choice: Choice[ExitPolicy | None] = Choice(
            (
                ("cancel all and quit", ExitPolicy.CANCEL),
                ("keep and quit", ExitPolicy.KEEP),
                ("flatten and quit", ExitPolicy.FLATTEN),
                ("stay", None),
            ),
            id="quit-choice",
        )

    def window(self) -> Iterable[Widget]:
        """One question."""
        yield self._about
        yield self._choice
        yield Label("flatten also closes every position, near the mark", classes="hint")
        yield Label("←→ choose · enter does it · esc stays", classes="hint")

    def on_view(self, view: View) -> None:
        """Count what may be live, now."""
        say(self._about, question(view), Tone.ARMED, _WIDTH)

    def action_step(self, step: int) -> None:
        """Choose up or down as well."""
        self._choice.action_step(step)

    def action_confirm(self) -> None:
        """Answer."""
        self.dismiss(self._choice.value)


class LeavingModal(Modal[None]):
    """Shows the exit policy at work; the desk ends by itself when the engine has."""

    TITLE_TEXT = "leaving"

    def __init__(self, policy: ExitPolicy, quit_key: str) -> None:
        """`quit_key` as people write it."""
        super().__init__()
        self._policy = policy
        self._quit = quit_key
        self._progress = Lines(id="leaving-progress")

    def window(self) -> Iterable[Widget]:
        """Progress in words."""
        yield self._progress
        yield Label(f"{self._quit} again leaves the screen; the engine still finishes", classes="hint")

    def on_view(self, view: View) -> None:
        """Say how far it is."""
        doing = _DOING[self._policy]
        detail = clean(view.state.phase_detail)
        text = f"{doing}; {live(view)}. {detail}".strip()
        say(self._progress, text, Tone.ARMED, _WIDTH)

    def action_close(self) -> None:
        """There is no way back once the engine was asked to end."""


def is_known(view: View) -> bool:
    """Whether the count of live orders may be believed: a running engine that speaks, and streams that are up."""
    state = view.state
    is_connected = all(link.status is not LinkStatus.DOWN for link in state.links)
    return state.phase in {EnginePhase.RUNNING, EnginePhase.STOPPING} and is_connected and not view.silent_ns


def live(view: View) -> str:
    """How many orders may be live, in words."""
    count = view.state.may_be_live
    if not is_known(view):
        return f"orders at the venue: unknown ({count} known of)"
    return f"{count} order{'' if count == 1 else 's'} may be live at the venue"


def question(view: View) -> str:
    """What the operator has to decide."""
    waiting = sum(not task.order.status.may_be_live for task in view.state.tasks)
    queued = f", {waiting} queued" if waiting else ""
    return f"{live(view)}{queued}. What becomes of them?"
