"""Books and figures of every market on one stream, and the quotes made of them at the reader's pace. Pure.

A quote is only as good as its link: when no frame of market data came for the limit, or the link is down, every LIVE
book reads STALE, whatever its own state. On a link that speaks, a book may rest for a while in a thin market: it has a
longer limit of its own, and so has the mark price, which is no longer told when it is older.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from core.clock import MILLISECOND_NS, SECOND_NS
from core.connectors.lighter.book import Applied, OrderBook
from core.connectors.lighter.convert import number
from core.connectors.lighter.objects import Raw, WireStats
from core.connectors.lighter.wire import (
    BookSnapshot,
    BookUpdate,
    BrokenFrame,
    Frame,
    StatsSnapshot,
    StatsUpdate,
    decode_stats,
)
from core.errors import ProtocolViolation
from core.model import BookStatus, BookView, Market, Quote
from core.units import MarketId

STATS_CHANNEL: Final = "market_stats/all"
_DEAF: Final = "waiting for a new snapshot"
_CHANGED: Final = Applied.CHANGED


class _Figures:
    """A market's figures, merged from partial updates."""

    __slots__ = ("change", "funding", "index", "last", "mark", "mark_ns")

    def __init__(self) -> None:
        self.last: Decimal | None = None
        self.mark: Decimal | None = None
        self.mark_ns = 0
        """When the venue last told the mark, changed or not."""
        self.index: Decimal | None = None
        self.change: Decimal | None = None
        self.funding: Decimal | None = None

    def merge(self, stats: WireStats, now_ns: int) -> None:
        self.last = _newer(stats.last_trade_price, self.last)
        if (mark := number(stats.mark_price)) is not None:
            self.mark, self.mark_ns = mark, now_ns
        self.index = _newer(stats.index_price, self.index)
        self.change = _newer(stats.daily_price_change, self.change)
        self.funding = _newer(stats.current_funding_rate, self.funding)


class MarketData:
    """Every book of one venue."""

    def __init__(
        self, markets: Mapping[MarketId, Market], stale_after_ms: int, book_silent_after_ms: int = 60_000
    ) -> None:
        """How long the link, and one book or mark price on a link that speaks, may be silent and still be believed."""
        self._books = {market_id: OrderBook(market) for market_id, market in markets.items()}
        self._by_label = {f"order_book:{market_id}": book for market_id, book in self._books.items()}
        self._figures = {market_id: _Figures() for market_id in markets}
        self._changed: set[MarketId] = set(markets)
        self._stale_after_ns = stale_after_ms * MILLISECOND_NS
        self._silent_after_ns = book_silent_after_ms * MILLISECOND_NS
        self._silence = f"no frame for more than {self._silent_after_ns // SECOND_NS} s"
        self._silent: set[MarketId] = set()
        self._unmarked: set[MarketId] = set()
        self._asked: dict[MarketId, int] = {}
        """When a new snapshot of a quiet book was asked for."""
        self._last_data_ns = 0
        self._lost = "not connected"
        self._doubt = ""

    @property
    def markets(self) -> tuple[MarketId, ...]:
        """Whose books these are."""
        return tuple(self._books)

    @property
    def channels(self) -> tuple[str, ...]:
        """What to subscribe to: figures first, since they are small and every quote needs them."""
        return (STATS_CHANNEL, *(f"order_book/{market_id}" for market_id in self._books))

    def on_frame(self, frame: Frame, now_ns: int) -> str | None:
        """Use a frame; the label of a book that only a new snapshot can mend.

        Raises:
            ProtocolViolation: figures that cannot be read.
        """
        if isinstance(frame, BookUpdate):  # nearly every frame
            book = self._by_label.get(frame.channel)
            if book is None:
                return None
            applied = book.update(frame.order_book, now_ns)
            if applied is not _CHANGED:
                return self._took(book, applied, now_ns)
            self._last_data_ns, self._lost = now_ns, ""
            self._changed.add(book.market.id)
            return None
        match frame:
            case BookSnapshot():
                book = self._by_label.get(frame.channel)
                if book is not None:
                    self._asked.pop(book.market.id, None)
                return self._took(book, book.snapshot(frame.order_book, now_ns), now_ns) if book else None
            case StatsUpdate() | StatsSnapshot():
                self._last_data_ns, self._lost = now_ns, ""
                self._merge(frame, now_ns)
            case BrokenFrame(_, label, why) if label in self._by_label:
                self._by_label[label].lose(why)
                self._changed.add(self._by_label[label].market.id)
            case _:
                pass
        return None

    def on_lost(self, reason: str) -> None:
        """The link is down: keep what was seen, believed no more until new snapshots come."""
        self._lost = f"link down: {reason}"
        self._asked.clear()
        for book in self._books.values():
            book.orphan(self._lost)
        self._changed.update(self._books)

    def quiet(self, now_ns: int) -> list[MarketId]:
        """Books that are about to be too old to be believed, or are already; the oldest first.

        Their market may have had nothing to tell: only a new snapshot can say so.
        """
        limit_ns = now_ns - self._silent_after_ns * 3 // 4
        old = [
            (book.received_ns, market_id)
            for market_id, book in self._books.items()
            if book.status is BookStatus.LIVE and book.received_ns < limit_ns and market_id not in self._asked
        ]
        return [market_id for _, market_id in sorted(old)]

    def asked(self, market_id: MarketId, now_ns: int) -> None:
        """A new snapshot of this book is under way: meanwhile nothing of it is heard."""
        self._asked[market_id] = now_ns

    def drain(self, now_ns: int) -> tuple[Quote, ...]:
        """Quotes that changed since the last call, by a frame or by silence."""
        doubt = self.doubt(now_ns)
        if doubt != self._doubt:
            self._doubt = doubt
            self._changed.update(self._books)
        self._note_silence(now_ns)
        changed, self._changed = self._changed, set()
        return tuple(self._quote(market_id, now_ns) for market_id in sorted(changed))

    def quote(self, market_id: MarketId, now_ns: int) -> Quote:
        """The newest quote; EMPTY for a market that is not here."""
        if market_id not in self._books:
            return Quote(market_id=market_id, status=BookStatus.EMPTY)
        return self._quote(market_id, now_ns)

    def best(self, market_id: MarketId) -> tuple[int | None, int | None]:
        """Best bid and best ask of one market in ticks, however far they may be believed."""
        book = self._books.get(market_id)
        return (None, None) if book is None else book.best

    def book(self, market_id: MarketId, depth: int, now_ns: int) -> BookView:
        """The frozen top of one book; EMPTY for a market that is not here."""
        book = self._books.get(market_id)
        if book is None:
            return BookView(market_id=market_id, status=BookStatus.EMPTY)
        return book.view(depth, self._doubt_of(book, now_ns))

    def doubt(self, now_ns: int) -> str:
        """Why nothing on this link is believed; empty when it speaks."""
        if self._lost:
            return self._lost
        return "link silent" if now_ns - self._last_data_ns > self._stale_after_ns else ""

    def _took(self, book: OrderBook, applied: Applied, now_ns: int) -> str | None:
        self._last_data_ns, self._lost = now_ns, ""
        if applied is not Applied.IGNORED:
            self._changed.add(book.market.id)
        return f"order_book:{book.market.id}" if applied is Applied.RESUBSCRIBE else None

    def _doubt_of(self, book: OrderBook, now_ns: int) -> str:
        is_silent = now_ns - book.received_ns > self._silent_after_ns
        asked_ns = self._asked.get(book.market.id)
        is_deaf = asked_ns is not None and now_ns - asked_ns > self._stale_after_ns
        return self.doubt(now_ns) or (self._silence if is_silent else _DEAF if is_deaf else "")

    def _mark_of(self, market_id: MarketId, now_ns: int) -> Decimal | None:
        figures = self._figures[market_id]
        return None if now_ns - figures.mark_ns > self._silent_after_ns else figures.mark

    def _note_silence(self, now_ns: int) -> None:
        """Books and marks that passed their limit since the last look have changed, though no frame came."""
        limit_ns = now_ns - self._silent_after_ns
        silent = {market_id for market_id, book in self._books.items() if book.received_ns < limit_ns}
        deaf_ns = now_ns - self._stale_after_ns
        silent |= {market_id for market_id, asked_ns in self._asked.items() if asked_ns < deaf_ns}
        unmarked = {market_id for market_id, figures in self._figures.items() if figures.mark_ns < limit_ns}
        self._changed |= (silent - self._silent) | (unmarked - self._unmarked)
        self._silent, self._unmarked = silent, unmarked

    def _merge(self, frame: StatsUpdate | StatsSnapshot, now_ns: int) -> None:
        figures = decode_stats(frame)
        if isinstance(figures, BrokenFrame):
            raise ProtocolViolation(f"figures on {figures.channel} cannot be read", figures.why)
        for stats in figures:
            market_id = MarketId(stats.market_id)
            known = self._figures.get(market_id)
            if known is not None:
                known.merge(stats, now_ns)
                self._changed.add(market_id)

    def _quote(self, market_id: MarketId, now_ns: int) -> Quote:
        book, figures = self._books[market_id], self._figures[market_id]
        doubt = self._doubt_of(book, now_ns)
        bid, ask = book.touch()
        is_doubted = bool(doubt) and book.status is BookStatus.LIVE
        return Quote(
            market_id=market_id,
            status=BookStatus.STALE if is_doubted else book.status,
            reason=doubt if is_doubted else book.reason,
            bid=bid.price if bid else None,
            bid_size=bid.size if bid else None,
            ask=ask.price if ask else None,
            ask_size=ask.size if ask else None,
            last=figures.last,
            mark=self._mark_of(market_id, now_ns),
            index=figures.index,
            change_24h=figures.change,
            funding_rate=figures.funding,
            received_ns=book.received_ns,
        )


def _newer(raw: Raw, old: Decimal | None) -> Decimal | None:
    return old if (value := number(raw)) is None else value
