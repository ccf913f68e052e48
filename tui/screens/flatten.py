"""Flatten, asked a second time: it trades, and what it closes stays closed."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.units import MarketId
from tui.format import HIDDEN, signed, trimmed
from tui.screens.modal import Modal, say
from tui.view import View
from tui.widgets.choice import Choice
from tui.widgets.lines import Lines, Tone

_WIDTH: Final = 58


class FlattenModal(Modal[bool]):
    """Answers True, or nothing to stay; staying is what enter does when nothing else was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "do it", show=False, priority=True),
        Binding("up", "step(-1)", "previous", show=False),
        Binding("down", "step(1)", "next", show=False),
    ]

    def __init__(self, title: str, market_id: MarketId | None = None) -> None:
        """`market_id` is the only market that is flattened; None for all."""
        super().__init__(title)
        self._market_id = market_id
        self._about = Lines(id="flatten-about")
        self._choice = Choice((("stay", False), (_close(market_id), True)), id="flatten-choice")

    def window(self) -> Iterable[Widget]:
        """The question once more, with what it is about."""
        yield self._about
        yield self._choice
        yield Label("←→ choose · enter does it · esc stays", classes="hint")

    def on_view(self, view: View) -> None:
        """Name the positions, now."""
        say(self._about, question(view, self._market_id), Tone.ARMED, _WIDTH)

    def action_step(self, step: int) -> None:
        """Choose up or down as well."""
        self._choice.action_step(step)

    def action_confirm(self) -> None:
        """Answer."""
        self.dismiss(self._choice.value or None)


def held(view: View, market_id: MarketId | None = None) -> str:
    """The positions of one market or of all, in words."""
    markets = {market.id: market for market in view.state.markets}
    found = []
    for position in view.state.positions:
        if position.size and market_id in {None, position.market_id}:
            market = markets.get(position.market_id)
            size = signed(position.size, market.size_decimals) if market else trimmed(position.size)
            name = market.symbol if market else f"market {position.market_id}"
            found.append(f"{HIDDEN if view.is_private else size} {name}")
    known = ", ".join(found) if found else "no position is known"
    return f"◌ last known: {known}" if view.is_account_past else known


def question(view: View, market_id: MarketId | None = None) -> str:
    """What would be closed, in words."""
    if market_id is None:
        return f"Every order is cancelled, then every position closed near the mark: {held(view)}. Really?"
    symbols = (market.symbol for market in view.state.markets if market.id == market_id)
    symbol = next(symbols, f"market {market_id}")
    return (
        f"Every order in {symbol} is cancelled, then its position closed near the mark: "
        f"{held(view, market_id)}. Really?"
    )


def _close(market_id: MarketId | None) -> str:
    return "close every position" if market_id is None else "close the position"
