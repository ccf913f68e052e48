"""Flatten and quit, asked a second time: it trades, and what it closes stays closed."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.commands import ExitPolicy
from tui.screens.modal import Modal, say
from tui.view import View
from tui.widgets.choice import Choice
from tui.widgets.lines import Lines, Tone

_WIDTH: Final = 58


class FlattenModal(Modal[ExitPolicy]):
    """Answers FLATTEN, or nothing to stay; staying is what enter does when nothing else was chosen."""

    TITLE_TEXT = "flatten and quit"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "do it", show=False, priority=True),
        Binding("up", "step(-1)", "previous", show=False),
        Binding("down", "step(1)", "next", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._about = Lines(id="flatten-about")
        self._choice: Choice[ExitPolicy | None] = Choice(
            (("stay", None), ("close every position", ExitPolicy.FLATTEN)), id="flatten-choice"
        )

    def window(self) -> Iterable[Widget]:
        """The question once more, with what it is about."""
        yield self._about
        yield self._choice
        yield Label("←→ choose · enter does it · esc stays", classes="hint")

    def on_view(self, view: View) -> None:
        """Name the positions, now."""
        say(self._about, question(view), Tone.ARMED, _WIDTH)

    def action_step(self, step: int) -> None:
        """Choose up or down as well."""
        self._choice.action_step(step)

    def action_confirm(self) -> None:
        """Answer."""
        self.dismiss(self._choice.value)


def question(view: View) -> str:
    """What would be closed, in words."""
    symbols = {market.id: market.symbol for market in view.state.markets}
    held = [
        f"{position.size:+f} {symbols.get(position.market_id, f'market {position.market_id}')}"
        for position in view.state.positions
        if position.size
    ]
    what = ", ".join(held) if held else "no position is known"
    return f"Every order is cancelled, then every position closed near the mark: {what}. Really?"
