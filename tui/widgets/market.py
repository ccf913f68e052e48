"""The panes around a ladder: one market's figures, its public tape, its candles."""

from typing import Final

from textual.geometry import Region
from textual.strip import Strip

from core.look import MarketLook
from core.model import BookStatus, Market, Quote
from core.tape import PublicTrade
from tui.format import NOTHING, decimal, money, seconds, signed, utc
from tui.view import View
from tui.widgets.chart import chart
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Canvas, Line, Span, Tone
from tui.widgets.prices import direction
from tui.widgets.seen import Seen
from tui.widgets.words import SIDE

TROUBLE: Final = {BookStatus.EMPTY: "… empty", BookStatus.SYNCING: "↻ syncing", BookStatus.STALE: "◌ stale"}


def trouble(look: MarketLook, view: View) -> str:
    """Why this book may not be believed, in words; empty when it may."""
    if view.is_past:
        return "◌ stale: the engine is silent or has ended"
    book = look.book
    if book.status is BookStatus.LIVE:
        return ""
    age = f" {seconds(view.now.mono_ns - book.received_ns)}" if book.received_ns else ""
    return f"{TROUBLE[book.status]}{age} {book.reason}".rstrip()


def figures(market: Market, quote: Quote | None) -> Line:
    """Mark, index, funding and change, each with its unit."""
    if quote is None:
        return (Span(f" {market.symbol} ", Tone.STRONG), Span("no figures yet", Tone.DIM))
    places = market.price_decimals
    return (
        Span(f" {market.symbol} ", Tone.STRONG),
        Span(" mark USDC ", Tone.DIM),
        Span(decimal(quote.mark, places)),
        Span("  index ", Tone.DIM),
        Span(decimal(quote.index, places)),
        Span("  funding %/h ", Tone.DIM),
        Span(signed(quote.funding_rate, 4), direction(quote.funding_rate)),
        Span("  24h % ", Tone.DIM),
        Span(signed(quote.change_24h, 2), direction(quote.change_24h)),
    )


def _taker(trade: PublicTrade) -> Span:
    word = SIDE[trade.taker]
    return Span(f"{word.text}!", Tone.ARMED) if trade.is_liquidation else word


class TapePane(Grid[PublicTrade]):
    """Public trades, newest first."""

    def __init__(self) -> None:
        columns: tuple[Column[PublicTrade], ...] = (
            Column(
                heading="PRICE",
                render=lambda t: Span(decimal(t.price, self.places[0])),
                width=11,
                narrow=9,
                is_number=True,
            ),
            Column(
                heading="SIZE",
                render=lambda t: Span(decimal(t.size, self.places[1])),
                width=10,
                narrow=8,
                is_number=True,
            ),
            Column(heading="TAKER", render=_taker, width=5),
            Column(heading="UTC", render=lambda t: Span(utc(t.time_us), Tone.DIM), width=8, rank=2),
            Column(
                heading="USDC",
                render=lambda t: Span(money(t.price * t.size, 0), Tone.DIM),
                width=9,
                is_number=True,
                rank=3,
            ),
            Column(
                heading="NOTE",
                render=lambda t: Span("! liquidation" if t.is_liquidation else "", Tone.ARMED),
                width=13,
                rank=1,
            ),
        )
        spec = Spec(title="tape", columns=columns, key=lambda t: t.trade_id, empty="no trade yet")
        super().__init__(spec, id="tape")
        self._seen = Seen()
        self.places = (2, 4)
        """Decimals of prices and sizes."""

    def show_tape(self, look: MarketLook, market: Market, view: View) -> None:
        """Paint what changed."""
        if self._seen.is_new(look.tape, market.id, view.is_past):
            self.places = (market.price_decimals, market.size_decimals)
            tape = look.tape
            is_live = tape.status is BookStatus.LIVE and not view.is_past
            self.note = "" if is_live else f"{TROUBLE.get(tape.status, '◌ stale')} {tape.reason}".strip()
            self.set_items(tape.trades)


class CandlesPane(Canvas):
    """Candles with volume; drawn again only when they or the room changed."""

    def __init__(self) -> None:
        super().__init__(id="candles")
        self._seen = Seen()
        self._lines: list[Line] = []
        self._drawn: tuple[object, ...] = ()
        self._look: tuple[MarketLook, Market] | None = None

    def show_candles(self, look: MarketLook, market: Market, view: View) -> None:
        """Take the newest candles."""
        self._look = (look, market)
        if self._seen.is_new(look.candles, look.candles_fault, market.id, self.size):
            self._lines = chart(look.candles, self.size.width, self.size.height, market.price_decimals)
            self.refresh(Region(0, 0, *self.size))
        age = seconds(view.now.mono_ns - look.candles_ns) if look.candles_ns else NOTHING
        said = f" · ◌ stale: {look.candles_fault}" if look.candles_fault else ""
        title = f"3 candles 1m · {age} old{said}"
        if self.border_title != title:
            self.border_title = title

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        return self.strip(self._lines[y] if y < len(self._lines) else (), self.size.width)
