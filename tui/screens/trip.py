"""The breaker of everything, of one market or of one strategy: tripped or closed by hand, with a reason."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.commands import CloseBreaker, TripBreaker
from core.scope import Scope
from core.state import BreakerStatus
from tui import wishes
from tui.format import clean, utc
from tui.screens.modal import Modal, say
from tui.targets import Target, targets
from tui.view import View
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.lines import Lines, Tone
from tui.widgets.target_field import TargetField
from tui.widgets.text_field import TextField

_WIDTH: Final = 58


class TripModal(Modal[TripBreaker | CloseBreaker]):
    """Answers what to ask of the engine, or nothing.

    Tripping and closing are two choices and no toggle: a breaker that trips by itself meanwhile must not be closed.
    """

    TITLE_TEXT = "circuit breaker"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "do it", show=False, priority=True),
        Binding("up", "target(-1)", "previous", show=False),
        Binding("down", "target(1)", "next", show=False),
    ]

    def __init__(self, view: View, first: Scope | None) -> None:
        """`first` is whose breaker to begin with: what is selected on the screen below."""
        super().__init__()
        self._view = view
        self._target = TargetField(targets(view.state), first, id="trip-target")
        self._do = Choice((("trip", True), ("close", False)), id="trip-do")
        self._reason = TextField(id="trip-reason", placeholder="reason, for the journal", max_length=200)
        self._about = Lines(id="trip-about")
        self._verdict = Lines(id="trip-verdict")

    def window(self) -> Iterable[Widget]:
        """Whose, what, and why."""
        yield Field("breaker of", self._target)
        yield Field("do", self._do)
        yield Field("reason", self._reason)
        yield self._about
        yield self._verdict
        yield Label("enter does it · ↑↓ another · tab, ←→ choose · esc closes", classes="hint")

    def on_view(self, view: View) -> None:
        """Breakers trip by themselves as well."""
        self._view = view
        self._judge()

    def on_input_changed(self) -> None:
        """Judge the text again."""
        self._judge()

    def on_choice_changed(self) -> None:
        """Judge the choice again."""
        self._judge()

    def action_target(self, step: int) -> None:
        """Go to the next or previous breaker."""
        self._target.step(step)

    def action_confirm(self) -> None:
        """Answer, or go to the reason when only that is missing."""
        target, reason = self._target.target, clean(self._reason.value.strip())
        if target is None or self._problem(target):
            return
        if not reason:
            self._reason.focus()
            return
        self.dismiss((wishes.trip if self._do.value else wishes.close_scope)(target.scope, reason))

    def _breaker(self, scope: Scope) -> BreakerStatus | None:
        """The one of this scope, if it is tripped."""
        return next((one for one in self._view.state.breakers if one.is_tripped and breaker_scope(one) == scope), None)

    def _problem(self, target: Target) -> str:
        is_tripped = self._breaker(target.scope) is not None
        if is_tripped is not self._do.value:
            return ""
        return f"the breaker of {target.name} is {'tripped' if is_tripped else 'closed'} already"

    def _judge(self) -> None:
        target = self._target.target
        if target is None:
            self._about.set_lines([])
            say(self._verdict, self._target.problem, Tone.ARMED, _WIDTH)
            return
        breaker = self._breaker(target.scope)
        say(self._about, about(breaker), Tone.DIM if breaker is None else Tone.ARMED, _WIDTH)
        problem = self._problem(target)
        if not problem and not self._reason.value.strip():
            problem = "type a reason, then enter"
        does = f"✓ enter trips {target.name}" if self._do.value else f"✓ enter closes {target.name}: orders may pass"
        say(self._verdict, problem or does, Tone.ARMED if problem else Tone.GAIN, _WIDTH)


def breaker_scope(breaker: BreakerStatus) -> Scope:
    """What a breaker holds back."""
    return Scope(market_id=breaker.market_id, strategy=breaker.strategy)


def about(breaker: BreakerStatus | None) -> str:
    """How the breaker stands: who tripped it, why and when."""
    if breaker is None:
        return "now closed: orders pass"
    until = f", may close by itself at {utc(breaker.until_us)} UTC" if breaker.until_us is not None else ""
    return (
        f"now tripped: {breaker.trips_to.value} since {utc(breaker.at_us)} UTC{until}, "
        f"by {clean(breaker.by)}: {clean(breaker.reason)}"
    )
