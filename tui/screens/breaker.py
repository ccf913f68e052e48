"""Closing a tripped breaker: asks for a reason, because closing lets orders out again."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.state import BreakerStatus
from tui.format import clean, utc
from tui.screens.modal import Modal, say
from tui.widgets.lines import Lines, Tone
from tui.widgets.text_field import TextField

_WIDTH: Final = 58


class CloseBreakerModal(Modal[str]):
    """Answers the reason, or nothing."""

    TITLE_TEXT = "close the circuit breaker"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "confirm", "close it", show=False, priority=True)]

    def __init__(self, breaker: BreakerStatus, symbol: str) -> None:
        super().__init__()
        self._breaker = breaker
        self._symbol = symbol
        self._reason = TextField(id="breaker-reason", placeholder="reason, for the journal", max_length=200)
        self._about = Lines(id="breaker-about")
        self._verdict = Lines(id="breaker-verdict")

    def window(self) -> Iterable[Widget]:
        """What is tripped, and one field."""
        yield self._about
        yield self._reason
        yield self._verdict
        yield Label("enter closes it · esc leaves it tripped", classes="hint")

    def on_mount(self) -> None:
        """Say what is tripped."""
        breaker = self._breaker
        text = (
            f"{self._symbol}: {breaker.trips_to.value} since {utc(breaker.at_us)} UTC, "
            f"by {clean(breaker.by)}: {clean(breaker.reason)}"
        )
        say(self._about, text, Tone.PLAIN, _WIDTH)
        self.on_input_changed()

    def on_input_changed(self) -> None:
        """Judge the text again."""
        is_given = bool(self._reason.value.strip())
        text = "✓ enter closes the breaker: orders may pass again" if is_given else "type a reason, then enter"
        say(self._verdict, text, Tone.GAIN if is_given else Tone.ARMED, _WIDTH)

    def action_confirm(self) -> None:
        """Close it if there is a reason."""
        reason = clean(self._reason.value.strip())
        if reason:
            self.dismiss(reason)
