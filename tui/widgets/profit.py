"""Profit and loss of each strategy in each market, from the fills booked here, and what a strategy was made with."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.model import Market
from core.money import PnlRow
from core.state import StrategyStatus
from core.units import ZERO
from tui.format import NOTHING, clean, decimal, hide, signed, signed_money, trimmed
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Line, Lines, Span, Tone
from tui.widgets.prices import direction
from tui.widgets.seen import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitRow:
    """One row, as painted."""

    pnl: PnlRow
    market: Market | None
    is_old: bool
    """The open part is only the last known."""

    @property
    def symbol(self) -> str:
        """The market's symbol, or its id while the venue has not described it."""
        return self.market.symbol if self.market else f"#{self.pnl.market_id}"

    @property
    def size(self) -> str:
        """Signed, at the market's decimals."""
        size = self.pnl.size
        return signed(size, self.market.size_decimals) if self.market else trimmed(size)

    @property
    def average(self) -> str:
        """At the market's decimals."""
        price = self.pnl.average_price
        if price is None:
            return NOTHING
        return decimal(price, self.market.price_decimals) if self.market else trimmed(price)


def net(row: PnlRow) -> Decimal | None:
    """Realised and unrealised less fees, in USDC; None while the open part has no mark."""
    if row.unrealised is None and row.size:
        return None
    return row.realised + (row.unrealised or ZERO) - row.fees


def total(rows: Iterable[PnlRow], strategy: str) -> Decimal | None:
    """What a strategy made in all its markets, in USDC; None where it traded nothing or a part is not known."""
    found = [net(row) for row in rows if row.strategy == strategy]
    known = [one for one in found if one is not None]
    return sum(known, ZERO) if found and len(known) == len(found) else None


def _money(value: Decimal | None, row: ProfitRow) -> Span:
    return Span(signed_money(value), Tone.STALE if row.is_old else direction(value))


def _fees(row: ProfitRow) -> Span:
    return Span(decimal(row.pnl.fees, 4))


COLUMNS: Final[tuple[Column[ProfitRow], ...]] = (
    Column(heading="STRATEGY", render=lambda r: Span(r.pnl.strategy or "all", Tone.STRONG), width=16, narrow=10),
    Column(heading="MARKET", render=lambda r: Span(r.symbol), width=8, narrow=6),
    Column(heading="SIZE", is_amount=True, render=lambda r: Span(r.size), width=11, narrow=9, is_number=True, rank=3),
    Column(heading="AVERAGE", render=lambda r: Span(r.average), width=10, is_number=True, rank=5),
    Column(
        heading="REALISED",
        is_amount=True,
        render=lambda r: _money(r.pnl.realised, r),
        width=11,
        narrow=9,
        is_number=True,
        rank=2,
    ),
    Column(
        heading="UNREALISED",
        short="UNREAL.",
        is_amount=True,
        render=lambda r: _money(r.pnl.unrealised, r),
        width=11,
        narrow=9,
        is_number=True,
        rank=2,
    ),
    Column(heading="FEES", is_amount=True, render=_fees, width=9, is_number=True, rank=4),
    Column(
        heading="NET USDC", is_amount=True, render=lambda r: _money(net(r.pnl), r), width=11, narrow=9, is_number=True
    ),
    Column(heading="FILLS", render=lambda r: Span(str(r.pnl.fills), Tone.DIM), width=6, is_number=True, rank=1),
)


class ProfitPane(Grid[ProfitRow]):
    """One row a strategy and market; whole markets first."""

    def __init__(self) -> None:
        spec = Spec(
            title="profit and loss, USDC",
            columns=COLUMNS,
            key=lambda row: (row.pnl.market_id, row.pnl.strategy),
            empty="nothing was filled yet",
        )
        super().__init__(spec, id="profit")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        state = view.state
        if self._seen.is_new(state.pnl, state.markets, view.is_account_past):
            markets = {market.id: market for market in state.markets}
            self.set_items(
                [
                    ProfitRow(pnl=row, market=markets.get(row.market_id), is_old=view.is_account_past)
                    for row in state.pnl
                ]
            )


class Parameters(Lines):
    """What the selected strategy was made with."""

    def __init__(self) -> None:
        super().__init__(id="parameters")
        self.border_title = "parameters"

    def show_strategy(self, strategy: StrategyStatus | None, view: View) -> None:
        """Paint what changed."""
        self.set_lines(parameter_lines(strategy, is_private=view.is_private))


def parameter_lines(strategy: StrategyStatus | None, *, is_private: bool) -> list[Line]:
    """One line a parameter, under the strategy's name."""
    if strategy is None:
        return [(Span(" none is selected", Tone.DIM),)]
    lines: list[Line] = [(Span(f" {clean(strategy.name)}", Tone.STRONG),)]
    width = max((len(name) for name, _ in strategy.parameters), default=0)
    for name, value in strategy.parameters:
        text = hide(clean(value), is_figure=False) if is_private else clean(value)
        lines.append((Span(f" {clean(name):<{width}}", Tone.DIM), Span(f" {text}")))
    return lines if strategy.parameters else [*lines, (Span(" it states none", Tone.DIM),)]
