"""What is over: closed orders with the reason they ended, among them everything refused, and our own executions."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.model import Fill, Market, OrderStatus, OrderTask
from core.units import MarketId
from tui.format import NOTHING, decimal, signed, trimmed, utc
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen
from tui.widgets.words import LIQUIDITY, ORDER_STATUS, SIDE, order_type

_REFUSED: Final = frozenset({OrderStatus.DENIED, OrderStatus.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRow:
    """One closed order, as painted."""

    task: OrderTask
    market: Market | None

    @property
    def symbol(self) -> str:
        """The market's symbol, or its id while the venue has not described it."""
        return self.market.symbol if self.market else f"#{self.task.intent.market_id}"

    def price(self, value: Decimal | None) -> str:
        """A price at the market's decimals."""
        return _figure(value, self.market.price_decimals if self.market else None)

    def size(self, value: Decimal) -> str:
        """A size at the market's decimals."""
        return _figure(value, self.market.size_decimals if self.market else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRow:
    """One execution, as painted."""

    fill: Fill
    market: Market | None

    @property
    def symbol(self) -> str:
        """The market's symbol, or its id while the venue has not described it."""
        return self.market.symbol if self.market else f"#{self.fill.market_id}"

    @property
    def price(self) -> str:
        """At the market's decimals."""
        return _figure(self.fill.price, self.market.price_decimals if self.market else None)

    @property
    def size(self) -> str:
        """At the market's decimals."""
        return _figure(self.fill.size, self.market.size_decimals if self.market else None)


def _figure(value: Decimal | None, decimals: int | None) -> str:
    if value is None:
        return NOTHING
    return trimmed(value) if decimals is None else decimal(value, decimals)


def _why(row: ClosedRow) -> Span:
    order = row.task.order
    return Span(order.reason, Tone.ARMED if order.status in _REFUSED else Tone.DIM)


CLOSED: Final[tuple[Column[ClosedRow], ...]] = (
    Column(heading="UTC", render=lambda r: Span(utc(r.task.order.updated_us), Tone.DIM), width=8),
    Column(heading="ID", render=lambda r: Span(str(r.task.id), Tone.DIM), width=6, narrow=5, rank=4, keeps_end=True),
    Column(heading="MARKET", render=lambda r: Span(r.symbol, Tone.STRONG), width=8, narrow=6),
    Column(heading="SIDE", render=lambda r: SIDE[r.task.intent.side], width=4),
    Column(heading="TYPE", render=lambda r: Span(order_type(r.task.intent)), width=12, narrow=6, rank=7),
    Column(
        heading="SIZE",
        is_amount=True,
        render=lambda r: Span(r.size(r.task.intent.size)),
        width=9,
        narrow=7,
        is_number=True,
    ),
    Column(
        heading="FILLED",
        is_amount=True,
        render=lambda r: Span(r.size(r.task.order.filled)),
        width=9,
        is_number=True,
        rank=5,
    ),
    Column(heading="PRICE", render=lambda r: Span(r.price(r.task.intent.price)), width=10, narrow=8, is_number=True),
    Column(
        heading="AVERAGE", render=lambda r: Span(r.price(r.task.order.average_price)), width=10, is_number=True, rank=6
    ),
    Column(heading="STATUS", render=lambda r: ORDER_STATUS[r.task.order.status], width=10),
    Column(heading="WHY IT ENDED", is_amount=True, render=_why, width=24, narrow=12, rank=1, is_flexible=True),
    Column(heading="ORIGIN", render=lambda r: Span(str(r.task.origin), Tone.DIM), width=16, narrow=10, rank=8),
)

FILLS: Final[tuple[Column[FillRow], ...]] = (
    Column(heading="UTC", render=lambda r: Span(utc(r.fill.time_us), Tone.DIM), width=8),
    Column(heading="MARKET", render=lambda r: Span(r.symbol, Tone.STRONG), width=8, narrow=6),
    Column(heading="SIDE", render=lambda r: SIDE[r.fill.side], width=4),
    Column(heading="SIZE", is_amount=True, render=lambda r: Span(r.size), width=9, narrow=7, is_number=True),
    Column(heading="PRICE", render=lambda r: Span(r.price), width=10, narrow=8, is_number=True),
    Column(
        heading="FEE USDC",
        is_amount=True,
        render=lambda r: Span(signed(r.fill.fee, 4)),
        width=9,
        is_number=True,
        rank=4,
    ),
    Column(heading="AS", render=lambda r: LIQUIDITY[r.fill.liquidity], width=5, rank=3),
    Column(
        heading="OUR ID",
        render=lambda r: Span(NOTHING if r.fill.client_order_id is None else str(r.fill.client_order_id), Tone.DIM),
        width=15,
        narrow=6,
        rank=5,
        keeps_end=True,
    ),
    Column(
        heading="TRADE",
        render=lambda r: Span(str(r.fill.trade_id), Tone.DIM),
        width=12,
        narrow=6,
        rank=6,
        keeps_end=True,
        is_flexible=True,
    ),
)


def _markets(view: View) -> dict[MarketId, Market]:
    return {market.id: market for market in view.state.markets}


class ClosedPane(Grid[ClosedRow]):
    """Closed orders, newest first; what risk or the venue refused stands out with its code."""

    def __init__(self) -> None:
        spec = Spec(
            title="closed orders, refusals among them",
            columns=CLOSED,
            key=lambda row: row.task.id,
            empty="none was closed in this run",
        )
        super().__init__(spec, id="closed")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        recent = view.state.recent
        if self._seen.is_new(recent, view.state.markets):
            markets = _markets(view)
            refused = sum(task.order.status in _REFUSED for task in recent)
            self.note = f"⊘ {refused} refused" if refused else ""
            self.set_items([ClosedRow(task=task, market=markets.get(task.intent.market_id)) for task in recent])


class FillsPane(Grid[FillRow]):
    """Our executions, newest first."""

    def __init__(self) -> None:
        spec = Spec(title="fills", columns=FILLS, key=lambda row: row.fill.key, empty="none in this run")
        super().__init__(spec, id="fills")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        if self._seen.is_new(view.state.fills, view.state.markets):
            markets = _markets(view)
            self.set_items([FillRow(fill=fill, market=markets.get(fill.market_id)) for fill in view.state.fills])
