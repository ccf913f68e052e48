"""One order book: integer ticks, a dict of sizes and a bisected key list a side, believed only while its chain holds.

Every update must begin at the nonce the last frame ended with; one that does not empties the book and asks for a new
snapshot. Nothing here waits or reads a clock.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Final

from core.connectors.lighter.objects import WireBook, WireLevel
from core.model import BookStatus, BookView, Level, Market
from core.units import from_units, to_units

_MAX_REMEMBERED: Final = 20_000
_MAX_VIEWS: Final = 8


class Applied(Enum):
    """What an update did."""

    CHANGED = "changed"
    IGNORED = "ignored"
    """It came before a snapshot, or while one is awaited."""
    RESUBSCRIBE = "resubscribe"
    """The chain is broken: the book is empty now, and only a new snapshot mends it."""


class _Side:
    """One side: sizes by key, keys ascending with the best last. A key is the tick, negative for asks."""

    __slots__ = ("keys", "sizes")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.sizes: dict[int, int] = {}


class OrderBook:
    """The book of one market."""

    def __init__(self, market: Market) -> None:
        """Empty, until a snapshot comes."""
        self.market = market
        self.status = BookStatus.EMPTY
        self.reason = ""
        self.seq = 0
        """Rises with every change."""
        self.received_ns = 0
        self._nonce = 0
        self._awaits_snapshot = True
        self._bids = _Side()
        self._asks = _Side()
        self._ticks: dict[str, int] = {}
        self._views: dict[tuple[int, str], BookView] = {}

    def snapshot(self, book: WireBook, now_ns: int) -> Applied:
        """Replace everything; `RESUBSCRIBE` when the snapshot cannot be read."""
        self._clear()
        return self._take(book, now_ns)

    def update(self, book: WireBook, now_ns: int) -> Applied:
        """Apply a change, if it continues what is here."""
        if self._awaits_snapshot:
            return Applied.IGNORED
        if book.begin_nonce != self._nonce:
            self.lose(f"gap: expected an update from nonce {self._nonce}, got one from {book.begin_nonce}")
            return Applied.RESUBSCRIBE
        return self._take(book, now_ns)

    def lose(self, reason: str) -> None:
        """Forget the levels, after a gap or a broken frame; SYNCING until a snapshot comes."""
        self._clear()
        self._awaits_snapshot = True
        if self.status is not BookStatus.EMPTY:
            self.status = BookStatus.SYNCING
        self.reason = reason

    def orphan(self, reason: str) -> None:
        """The link is gone: keep the levels to look at, STALE until a snapshot comes."""
        self._awaits_snapshot = True
        if self.status in {BookStatus.LIVE, BookStatus.STALE}:
            self.status, self.reason = BookStatus.STALE, reason
        self.seq += 1

    def touch(self) -> tuple[Level | None, Level | None]:
        """Best bid and best ask."""
        return self._best(self._bids, 1), self._best(self._asks, -1)

    def view(self, depth: int, doubt: str = "") -> BookView:
        """The frozen top, cached until it changes; `doubt` (a silent or lost link) turns a LIVE book STALE."""
        known = self._views.get((depth, doubt))
        if known is not None and known.seq == self.seq:
            return known
        is_doubted = bool(doubt) and self.status is BookStatus.LIVE
        view = BookView(
            market_id=self.market.id,
            status=BookStatus.STALE if is_doubted else self.status,
            reason=doubt if is_doubted else self.reason,
            bids=self._top(self._bids, 1, depth),
            asks=self._top(self._asks, -1, depth),
            seq=self.seq,
            received_ns=self.received_ns,
        )
        if len(self._views) >= _MAX_VIEWS:  # old keys are of closed panes and past doubts
            self._views.clear()
        self._views[depth, doubt] = view
        return view

    def _take(self, book: WireBook, now_ns: int) -> Applied:
        try:
            if book.bids:
                self._apply(book.bids, self._bids, 1)
            if book.asks:
                self._apply(book.asks, self._asks, -1)
        except ValueError as error:
            self.lose(f"unreadable level: {error}")
            return Applied.RESUBSCRIBE
        self._nonce = book.nonce
        self._awaits_snapshot = False
        self.received_ns = now_ns
        self.seq += 1
        bids, asks = self._bids.keys, self._asks.keys
        if bids and asks and bids[-1] >= -asks[-1]:
            self.status, self.reason = BookStatus.STALE, "crossed"
        else:
            self.status, self.reason = BookStatus.LIVE, ""
        return Applied.CHANGED

    def _apply(self, levels: Iterable[WireLevel], side: _Side, sign: int) -> None:
        """Absolute sizes replace, zero deletes; a text that is not padded to the market's decimals is read slowly."""
        keys, sizes = side.keys, side.sizes
        ticks, decimals = self._ticks, self.market.size_decimals
        dot = -1 - decimals
        for level in levels:
            tick = ticks.get(level.price) or self._tick(level.price)
            text = level.size
            size = int(text.replace(".", "")) if text[dot : dot + 1] == "." else _exact(text, decimals)
            if size < 0:
                raise ValueError(f"size {text!r} at {level.price}")
            key = sign * tick
            if size:
                if key not in sizes:
                    insort(keys, key)
                sizes[key] = size
            elif key in sizes:
                del sizes[key]
                del keys[bisect_left(keys, key)]

    def _tick(self, text: str) -> int:
        """A price in ticks, remembered: a book says the same few thousand prices over and over."""
        tick = _exact(text, self.market.price_decimals)
        if tick <= 0:
            raise ValueError(f"price {text!r}")
        if len(self._ticks) >= _MAX_REMEMBERED:
            self._ticks.clear()
        self._ticks[text] = tick
        return tick

    def _clear(self) -> None:
        self._bids, self._asks = _Side(), _Side()
        self.seq += 1

    def _best(self, side: _Side, sign: int) -> Level | None:
        return self._level(side, side.keys[-1], sign) if side.keys else None

    def _top(self, side: _Side, sign: int, depth: int) -> tuple[Level, ...]:
        best = side.keys[-depth:] if depth > 0 else []
        return tuple(self._level(side, key, sign) for key in reversed(best))

    def _level(self, side: _Side, key: int, sign: int) -> Level:
        return Level(
            price=from_units(sign * key, self.market.price_decimals),
            size=from_units(side.sizes[key], self.market.size_decimals),
        )


def _exact(text: str, decimals: int) -> int:
    """A number not padded to the market's decimals, such as `0` or `1.50` on a coarser grid."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not finite")
    return to_units(value, decimals)
