"""Execution plans under way: what each works, how far it is, and on whose behalf. In sight only while there is one."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.model import Market
from core.state import AlgorithmStatus
from tui.format import bar, clean, decimal, percent_used, seconds, trimmed
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen
from tui.widgets.words import SIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One plan, as painted."""

    plan: AlgorithmStatus
    market: Market | None
    age: str

    @property
    def symbol(self) -> str:
        """The market's symbol, or its id while the venue has not described it."""
        return self.market.symbol if self.market else f"#{self.plan.market_id}"

    def size(self, value: Decimal) -> str:
        """A size at the market's decimals."""
        return decimal(value, self.market.size_decimals) if self.market else trimmed(value)


def _standing(row: PlanRow) -> Span:
    return Span(f"✕ ending: {clean(row.plan.detail)}", Tone.ARMED) if row.plan.detail else Span("● working", Tone.GAIN)


def _done(row: PlanRow) -> Span:
    return Span(str(percent_used(row.plan.filled, row.plan.size)), Tone.CALM)


def _gauge(row: PlanRow, width: int) -> Span:
    return Span(bar(row.plan.filled, row.plan.size, width), Tone.CALM)


COLUMNS: Final[tuple[Column[PlanRow], ...]] = (
    Column(heading="PLAN", render=lambda r: Span(r.plan.name, Tone.STRONG), width=12, narrow=10),
    Column(heading="MARKET", render=lambda r: Span(r.symbol), width=8, narrow=6),
    Column(heading="SIDE", render=lambda r: SIDE[r.plan.side], width=4),
    Column(heading="SIZE", is_amount=True, render=lambda r: Span(r.size(r.plan.size)), width=9, is_number=True),
    Column(heading="FILLED", is_amount=True, render=lambda r: Span(r.size(r.plan.filled)), width=9, is_number=True),
    Column(heading="DONE", render=_done, draw=_gauge, width=12, narrow=6, rank=4),
    Column(heading="%", render=_done, width=4, is_number=True, rank=2),
    Column(heading="ORDERS", render=lambda r: Span(str(r.plan.working)), width=6, is_number=True, rank=3),
    Column(heading="BY", render=lambda r: Span(str(r.plan.by), Tone.DIM), width=16, narrow=10, rank=6),
    Column(heading="STATE", render=_standing, width=16, narrow=10, rank=1, is_flexible=True),
    Column(heading="AGE", render=lambda r: Span(r.age, Tone.DIM), width=4, is_number=True, rank=5),
)


class PlansPane(Grid[PlanRow]):
    """The grid of plans."""

    def __init__(self) -> None:
        spec = Spec(title="plans", columns=COLUMNS, key=lambda row: row.plan.id, empty="no plan is under way")
        super().__init__(spec, id="plans")
        self._seen = Seen()
        self.note = "enter ends one"
        self.display = False

    def show(self, view: View) -> None:
        """Paint what changed."""
        state = view.state
        if self._seen.is_new(state.algorithms, state.markets, view.second if state.algorithms else 0):
            markets = {market.id: market for market in state.markets}
            self.display = bool(state.algorithms)
            self.set_items(
                [
                    PlanRow(
                        plan=plan,
                        market=markets.get(plan.market_id),
                        age=seconds(view.now.mono_ns - plan.started_ns),
                    )
                    for plan in state.algorithms
                ]
            )
