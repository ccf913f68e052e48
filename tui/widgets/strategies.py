"""The strategies of the bot, one a row: running, stopped, or stopped because it failed; and what it made."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.state import StrategyStatus
from tui.format import signed_money
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.prices import direction
from tui.widgets.profit import total
from tui.widgets.seen import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyRow:
    """One strategy, as painted."""

    status: StrategyStatus
    pnl: Decimal | None
    """Net of fees, in USDC, since its first fill; None when not known."""
    is_old: bool
    """What it made is only the last known."""


def _state(row: StrategyRow) -> Span:
    if row.status.fault:
        return Span("■ FAILED", Tone.HALTED)
    return Span("▶ running", Tone.GAIN) if row.status.is_running else Span("■ stopped", Tone.DIM)


def _about(row: StrategyRow) -> Span:
    return Span(row.status.fault, Tone.HALTED) if row.status.fault else Span(row.status.detail, Tone.DIM)


def _pnl(row: StrategyRow) -> Span:
    return Span(signed_money(row.pnl), Tone.STALE if row.is_old else direction(row.pnl))


COLUMNS: Final[tuple[Column[StrategyRow], ...]] = (
    Column(heading="STRATEGY", render=lambda r: Span(r.status.name, Tone.STRONG), width=20, narrow=14),
    Column(heading="STATE", render=_state, width=10),
    Column(heading="PnL USDC", is_amount=True, render=_pnl, width=11, narrow=9, is_number=True, rank=3),
    Column(heading="MARKETS", render=lambda r: Span(" ".join(r.status.markets)), width=24, narrow=12, rank=1),
    Column(heading="WHAT IT SAYS", is_amount=True, render=_about, width=40, narrow=16, rank=2, is_flexible=True),
)


class StrategiesPane(Grid[StrategyRow]):
    """The grid of strategies."""

    def __init__(self) -> None:
        spec = Spec(
            title="strategies",
            columns=COLUMNS,
            key=lambda row: row.status.name,
            empty="none is loaded",
        )
        super().__init__(spec, id="strategies")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        state = view.state
        if self._seen.is_new(state.strategies, state.pnl, view.is_account_past):
            running = sum(status.is_running for status in state.strategies)
            self.note = f"{running} running; enter or s starts and stops the selected one"
            self.set_items(
                [
                    StrategyRow(status=status, pnl=total(state.pnl, status.name), is_old=view.is_account_past)
                    for status in state.strategies
                ]
            )
