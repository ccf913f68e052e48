"""Prices of every market. A price that may not be believed says so by glyph, word and age, not by colour alone."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.clock import MILLISECOND_NS
from core.model import BookStatus, Market, Quote
from core.units import ZERO, MarketId
from tui.format import NOTHING, decimal, seconds, signed, spread_bps
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen

_TROUBLE: Final = {BookStatus.EMPTY: "… empty", BookStatus.SYNCING: "↻ sync", BookStatus.STALE: "◌ stale"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One market, as painted: equal rows paint equally."""

    market: Market
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    last: Decimal | None
    mark: Decimal | None
    change: Decimal | None
    funding: Decimal | None
    position: Decimal
    is_position_old: bool
    """Only the last one known: the account's stream does not live."""
    trouble: str
    """Glyph and word when the book may not be believed; empty when it may."""
    age: str
    reason: str

    def price(self, value: Decimal | None) -> str:
        """A price at the market's decimals."""
        return decimal(value, self.market.price_decimals)

    def size(self, value: Decimal | None) -> str:
        """A size at the market's decimals."""
        return decimal(value, self.market.size_decimals)


def _spread(row: PriceRow) -> Span:
    return Span(row.trouble, Tone.STALE) if row.trouble else Span(decimal(spread_bps(row.bid, row.ask), 2), Tone.DIM)


def _change(row: PriceRow) -> Span:
    return Span(row.age, Tone.STALE) if row.trouble else Span(signed(row.change, 2), direction(row.change))


def _position(row: PriceRow) -> Span:
    if not row.position:
        return Span(f"◌ {NOTHING}", Tone.STALE) if row.is_position_old else Span(NOTHING, Tone.DIM)
    if row.is_position_old:
        return Span(f"◌{signed(row.position, row.market.size_decimals)}", Tone.STALE)
    return Span(signed(row.position, row.market.size_decimals), direction(row.position))


def _state(row: PriceRow) -> Span:
    if not row.trouble:
        return Span("● live", Tone.DIM)
    return Span(f"{row.trouble} {row.age} {row.reason}".strip(), Tone.STALE)


def direction(value: Decimal | None) -> Tone:
    """The tone of a signed figure."""
    if not value:
        return Tone.DIM
    return Tone.GAIN if value > 0 else Tone.LOSS


COLUMNS: Final[tuple[Column[PriceRow], ...]] = (
    Column(heading="MARKET", render=lambda r: Span(r.market.symbol, Tone.STRONG), width=10, narrow=8),
    Column(heading="BID SIZE", render=lambda r: Span(r.size(r.bid_size), Tone.DIM), width=10, is_number=True, rank=8),
    Column(heading="BID", render=lambda r: Span(r.price(r.bid), Tone.BID), width=11, narrow=9, is_number=True),
    Column(heading="ASK", render=lambda r: Span(r.price(r.ask), Tone.ASK), width=11, narrow=9, is_number=True),
    Column(heading="ASK SIZE", render=lambda r: Span(r.size(r.ask_size), Tone.DIM), width=10, is_number=True, rank=8),
    Column(heading="LAST", render=lambda r: Span(r.price(r.last)), width=11, narrow=9, is_number=True, rank=1),
    Column(heading="SPREAD bp", short="SPR bp", render=_spread, width=9, narrow=7, is_number=True, rank=2),
    Column(heading="24h %", render=_change, width=7, narrow=6, is_number=True, rank=2),
    Column(heading="MARK", render=lambda r: Span(r.price(r.mark)), width=11, narrow=9, is_number=True, rank=3),
    Column(
        heading="FUND %/h",
        short="FUND%/h",
        render=lambda r: Span(signed(r.funding, 4), direction(r.funding)),
        width=8,
        narrow=7,
        is_number=True,
        rank=4,
    ),
    Column(heading="POSITION", is_amount=True, render=_position, width=11, narrow=8, is_number=True, rank=1),
    Column(heading="BOOK", render=_state, width=12, rank=6, is_flexible=True),
)


class PricesPane(Grid[PriceRow]):
    """The grid of prices."""

    def __init__(self) -> None:
        spec = Spec(
            title="prices",
            columns=COLUMNS,
            key=lambda row: row.market.id,
            empty="no market yet",
            row_tone=lambda row: Tone.STALE if row.trouble else None,
        )
        super().__init__(spec, id="prices")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        state = view.state
        if self._seen.is_new(
            state.quotes, state.positions, state.markets, state.links, view.second, state.is_over, view.ended
        ):
            self.set_items(price_rows(view))
            if self.selected is None:
                self.action_move(0)

    @property
    def market_id(self) -> MarketId | None:
        """The market the cursor is on."""
        row = self.selected
        return None if row is None else row.market.id


def price_rows(view: View) -> list[PriceRow]:
    """One row per market, in the engine's order."""
    state = view.state
    positions = {position.market_id: position.size for position in state.positions}
    quotes = {quote.market_id: quote for quote in state.quotes}
    return [_row(market, quotes.get(market.id), positions.get(market.id, ZERO), view) for market in state.markets]


def _row(market: Market, known: Quote | None, position: Decimal, view: View) -> PriceRow:
    quote = Quote(market_id=market.id, status=BookStatus.EMPTY) if known is None else known
    silence = view.now.mono_ns - view.state.published.mono_ns
    is_old = silence > view.stale_after_ms * MILLISECOND_NS or bool(view.ended) or view.state.is_over
    status = BookStatus.STALE if is_old and quote.status is BookStatus.LIVE else quote.status
    trouble = "" if status is BookStatus.LIVE else _TROUBLE[status]
    age = seconds(view.now.mono_ns - quote.received_ns) if trouble and quote.received_ns else ""
    return PriceRow(
        market=market,
        bid=quote.bid,
        bid_size=quote.bid_size,
        ask=quote.ask,
        ask_size=quote.ask_size,
        last=quote.last,
        mark=quote.mark,
        change=quote.change_24h,
        funding=quote.funding_rate,
        position=position,
        is_position_old=view.is_account_past,
        trouble=trouble,
        age=age,
        reason=("the engine is silent" if is_old else quote.reason) if trouble else "",
    )
