"""The strategies of the bot, one a row: running, stopped, or stopped because it failed."""

from typing import Final

from core.state import StrategyStatus
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen


def _state(status: StrategyStatus) -> Span:
    if status.fault:
        return Span("■ FAILED", Tone.HALTED)
    return Span("▶ running", Tone.GAIN) if status.is_running else Span("■ stopped", Tone.DIM)


def _about(status: StrategyStatus) -> Span:
    return Span(status.fault, Tone.HALTED) if status.fault else Span(status.detail, Tone.DIM)


COLUMNS: Final[tuple[Column[StrategyStatus], ...]] = (
    Column(heading="STRATEGY", render=lambda s: Span(s.name, Tone.STRONG), width=20, narrow=14),
    Column(heading="STATE", render=_state, width=10),
    Column(heading="MARKETS", render=lambda s: Span(" ".join(s.markets)), width=24, narrow=12, rank=1),
    Column(heading="WHAT IT SAYS", is_amount=True, render=_about, width=40, narrow=16, rank=2, is_flexible=True),
)


class StrategiesPane(Grid[StrategyStatus]):
    """The grid of strategies."""

    def __init__(self) -> None:
        spec = Spec(
            title="strategies",
            columns=COLUMNS,
            key=lambda status: status.name,
            empty="none is loaded",
        )
        super().__init__(spec, id="strategies")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        if self._seen.is_new(view.state.strategies):
            running = sum(status.is_running for status in view.state.strategies)
            self.note = f"{running} running; enter or s starts and stops the selected one"
            self.set_items(view.state.strategies)
