"""One order book: integer ticks and steps, sizes by the venue's own price texts, believed only while its chain holds.

Every update must begin at the nonce the last frame ended with; one that does not empties the book and asks for a new
snapshot. Nearly every level changes the size of a price that is known already: that costs one look into a dict, however
deep the book. A price whose size became zero stays known for a while, since most come back. Nothing here waits or reads
a clock.
"""

from bisect import insort
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Final

from core.connectors.lighter.objects import WireBook, WireLevel
from core.model import BookStatus, BookView, Level, Market
from core.units import to_units

_MAX_VIEWS: Final = 8
_FEW: Final = 256
"""Prices of a side that are kept without a look at how many of them are empty."""
_NOTHING: Final = -(2**64)
"""The best key of an empty side: below every other, and no sum with it reaches zero."""
_LIVE: Final = BookStatus.LIVE


class Applied(Enum):
    """What an update did."""

    CHANGED = "changed"
    IGNORED = "ignored"
    """It came before a snapshot, or while one is awaited."""
    RESUBSCRIBE = "resubscribe"
    """The chain is broken: the book is empty now, and only a new snapshot mends it."""


_CHANGED: Final = Applied.CHANGED


class _Side:
    """One side. A key is the price in ticks, negative for asks, so that the best price has the largest key."""

    __slots__ = ("_limit", "best", "keys", "names", "sign", "sizes")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        """Ascending. Some may be of prices without a size, never the last one."""
        self.names: dict[int, str] = {}
        """The text of each key."""
        self.sizes: dict[str, int] = {}
        """Steps by price text; 0 for a price that is empty now."""
        self.best = _NOTHING
        """The largest key that has a size."""
        self._limit = _FEW

    def put(self, price: str, key: int, size: int) -> None:
        """Set one size of a price that may be new, or known under another text."""
        name = self.names.get(key)
        if name is not None:
            self.sizes[name] = size
        elif size:
            if len(self.keys) >= self._limit:
                self._forget_empty()
            insort(self.keys, key)
            self.names[key] = price
            self.sizes[price] = size

    def forget_best(self) -> None:
        """Empty prices above the best one that has a size."""
        keys, names, sizes = self.keys, self.names, self.sizes
        while keys and not sizes[names[keys[-1]]]:
            del sizes[names.pop(keys.pop())]

    def _forget_empty(self) -> None:
        """Now and then, so that what is kept is at most twice what has a size."""
        kept = {key: name for key, name in self.names.items() if self.sizes[name]}
        self.keys, self.names = sorted(kept), kept
        self.sizes = {name: self.sizes[name] for name in kept.values()}
        self._limit = max(_FEW, 2 * len(kept))


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
        self._bids = _Side(1)
        self._asks = _Side(-1)
        self._dot = -1 - market.size_decimals
        self._step = market.step
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

    @property
    def best(self) -> tuple[int | None, int | None]:
        """Best bid and best ask in ticks, however far they may be believed."""
        bid, ask = self._bids.best, self._asks.best
        return None if bid == _NOTHING else bid, None if ask == _NOTHING else -ask

    def touch(self) -> tuple[Level | None, Level | None]:
        """Best bid and best ask."""
        bids, asks = self._top(self._bids, 1), self._top(self._asks, 1)
        return bids[0] if bids else None, asks[0] if asks else None

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
            bids=self._top(self._bids, depth),
            asks=self._top(self._asks, depth),
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
                self._apply(book.bids, self._bids)
            if book.asks:
                self._apply(book.asks, self._asks)
        except ValueError as error:
            self.lose(f"unreadable level: {error}")
            return Applied.RESUBSCRIBE
        self._nonce = book.nonce
        self._awaits_snapshot = False
        self.received_ns = now_ns
        self.seq += 1
        is_crossed = self._bids.best + self._asks.best >= 0  # the key of an ask is below zero
        self.status, self.reason = (BookStatus.STALE, "crossed") if is_crossed else (_LIVE, "")
        return _CHANGED

    def _apply(self, levels: Iterable[WireLevel], side: _Side) -> None:
        """Absolute sizes replace, zero empties; a text that is not padded to the market's decimals is read slowly.

        Sizes are set as if every price were known: whether one was not is asked once, and which is the end of a dict.
        """
        sizes, dot = side.sizes, self._dot
        known = len(sizes)
        for level in levels:
            text = level.size
            try:
                size = int(text.replace(".", "")) if text[dot] == "." else self._size(text)
            except IndexError:
                size = self._size(text)
            if size < 0:
                raise ValueError(f"size {text!r} at {level.price}")
            sizes[level.price] = size
        if len(sizes) != known:
            self._meet(levels, side, known)
            sizes = side.sizes
        keys = side.keys
        if keys and not sizes[side.names[keys[-1]]]:
            side.forget_best()
        side.best = keys[-1] if keys else _NOTHING

    def _meet(self, levels: Iterable[WireLevel], side: _Side, known: int) -> None:
        """Name the prices that stand in `sizes` behind the known; of one already named the last size counts."""
        fresh = [side.sizes.popitem() for _ in range(len(side.sizes) - known)]
        keys = [side.sign * self._tick(price) for price, _ in fresh]
        if len({*keys}) == len(keys) and side.names.keys().isdisjoint(keys):
            for (price, size), key in zip(fresh, keys, strict=True):
                side.put(price, key, size)
        else:  # one price in two spellings: only the order of the frame tells which size is the last
            for level in levels:
                side.put(level.price, side.sign * self._tick(level.price), self._size(level.size))

    def _size(self, text: str) -> int:
        return _exact(text, self.market.size_decimals)

    def _tick(self, text: str) -> int:
        tick = _exact(text, self.market.price_decimals)
        if tick <= 0:
            raise ValueError(f"price {text!r}")
        return tick

    def _clear(self) -> None:
        self._bids, self._asks = _Side(1), _Side(-1)
        self.seq += 1

    def _top(self, side: _Side, depth: int) -> tuple[Level, ...]:
        names, sizes, step = side.names, side.sizes, self._step
        found: list[Level] = []
        until = len(side.keys)
        while until and (wanted := depth - len(found)) > 0:
            until, end = max(0, until - wanted), until
            best_last = [names[key] for key in side.keys[until:end]]
            found += [  # a product of at most 19 digits is exact
                Level(Decimal(name), Decimal(size) * step) for name in reversed(best_last) if (size := sizes[name])
            ]
        return tuple(found)


def _exact(text: str, decimals: int) -> int:
    """A number in units of the market's grid; not padded to its decimals it may be, such as `0` or `1.50`."""
    whole, _, part = text.partition(".")
    if len(part) == decimals and (whole + part).isdecimal():
        return int(whole + part)
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not finite")
    return to_units(value, decimals)
