"""One market's resting orders in price-time order, and what of them has been published.

Matching lives in `core.connectors.venue.exchange`; this only keeps order.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from core.connectors.venue.orders import AVERAGED, FILLED, OrderStatus, VenueOrder

Deal: TypeAlias = Callable[[VenueOrder, VenueOrder], OrderStatus | None]
"""Given a maker and a taker, fills them, or takes the maker out, or says what ends the taker."""

Changed: TypeAlias = Sequence[tuple[int, int]]
"""Prices with the size that is there now; 0 is gone."""
_NOTHING: Final[Changed] = ()


class Level(msgspec.Struct, eq=False):
    """All orders at one price, oldest first."""

    size: int = 0
    orders: dict[int, VenueOrder] = msgspec.field(default_factory=dict)


class BookSide:
    """Bids or asks. Keys are prices signed so that the best is the greatest: the end of a sorted list is cheap."""

    __slots__ = ("_keys", "_published", "_sign", "levels", "touched")

    def __init__(self, *, is_ask: bool) -> None:
        """Empty, nothing published."""
        self._sign = -1 if is_ask else 1
        self._keys: list[int] = []
        self.touched: set[int] = set()
        """Prices where something happened since the last publication."""
        self._published: dict[int, int] = {}
        self.levels: dict[int, Level] = {}

    def __len__(self) -> int:
        """How many prices."""
        return len(self._keys)

    def best(self) -> int | None:
        """The price that trades first."""
        return self._keys[-1] * self._sign if self._keys else None

    def worst(self) -> int | None:
        """The price that trades last."""
        return self._keys[0] * self._sign if self._keys else None

    def add(self, order: VenueOrder) -> None:
        """Queue behind everything at the order's price."""
        price = order.price
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = Level()
            insort(self._keys, price * self._sign)
        level.orders[order.index] = order
        level.size += order.size - order.filled
        self.touched.add(price)

    def remove(self, order: VenueOrder) -> None:
        """Take an order out; its `remaining` is what it still adds to the level."""
        price = order.price
        level = self.levels[price]
        del level.orders[order.index]
        level.size -= order.size - order.filled
        self.touched.add(price)
        if not level.orders:
            del self.levels[price]
            del self._keys[bisect_left(self._keys, price * self._sign)]

    def meet(self, taker: VenueOrder, deal: Deal) -> OrderStatus | None:
        """Let an order of the other side deal with one order after another, in price-time order.

        Returns what ended it, FILLED included; None when what is left of it found nobody.
        """
        keys, levels, sign = self._keys, self.levels, self._sign
        limit = taker.price * sign if taker.kind not in AVERAGED else None
        while taker.filled < taker.size:
            if not keys or (limit is not None and keys[-1] < limit):
                return None
            maker = next(iter(levels[keys[-1] * sign].orders.values()))
            ended = deal(maker, taker)
            if ended is not None:
                return ended
        return FILLED

    def fill(self, maker: VenueOrder, taker: VenueOrder, size: int) -> None:
        """Fill both by `size` at the price of the maker, which stands on this side at its best price."""
        price = maker.price
        quote = price * size
        maker.filled += size
        maker.filled_quote += quote
        taker.filled += size
        taker.filled_quote += quote
        level = self.levels[price]
        level.size -= size
        self.touched.add(price)
        if maker.filled == maker.size:
            del level.orders[maker.index]
            if not level.orders:
                del self.levels[price]
                self._keys.pop()

    def requeue(self, order: VenueOrder, size: int) -> None:
        """Give an order `size` to trade, and the last place at its price."""
        price = order.price
        level = self.levels[price]
        level.size += size - (order.size - order.filled)
        order.size = order.filled + size
        if len(level.orders) > 1:
            del level.orders[order.index]
            level.orders[order.index] = order
        self.touched.add(price)

    def shrink(self, order: VenueOrder, by: int) -> None:
        """An order of this side lost `by` steps and stays."""
        self.levels[order.price].size -= by
        self.touched.add(order.price)

    def first(self) -> VenueOrder | None:
        """The order that trades next."""
        if not self._keys:
            return None
        return next(iter(self.levels[self._keys[-1] * self._sign].orders.values()))

    def is_reached_by(self, price: int) -> bool:
        """Whether an order from the other side at `price` would trade at once."""
        return bool(self._keys) and price * self._sign <= self._keys[-1]

    def orders(self) -> Iterator[VenueOrder]:
        """Every order, best first."""
        for key in reversed(self._keys):
            yield from self.levels[key * self._sign].orders.values()

    def publish(self) -> Changed:
        """Levels whose size differs from what was last published, and remember them as published; 0 is gone."""
        changed: list[tuple[int, int]] = []
        touched, levels, published = self.touched, self.levels, self._published
        for price in sorted(touched) if len(touched) > 1 else touched:
            level = levels.get(price)
            size = level.size if level is not None else 0
            if published.get(price, 0) == size:
                continue
            changed.append((price, size))
            if size:
                published[price] = size
            else:
                del published[price]
        touched.clear()
        return changed

    def published(self) -> list[tuple[int, int]]:
        """What subscribers have been told, best first."""
        return sorted(self._published.items(), key=lambda item: -item[0] * self._sign)

    def published_best(self) -> tuple[int, int] | None:
        """The best level subscribers know."""
        if not self.touched:
            best = self.best()
            return (best, self.levels[best].size) if best is not None else None
        if not self._published:
            return None
        price = max(self._published) if self._sign > 0 else min(self._published)
        return price, self._published[price]


class MatchBook:
    """Both sides and the priority counters that make `order_index`."""

    __slots__ = ("_ask_count", "_bid_count", "_top", "asks", "bids", "nonce", "published_us")

    def __init__(self, market_id: int, priority_bits: int, first: int = 0) -> None:
        """An empty book whose next order is the market's `first`."""
        self.asks = BookSide(is_ask=True)
        self.bids = BookSide(is_ask=False)
        self.nonce = 0
        """Of the last batch published; 0 before the first."""
        self.published_us = 0
        self._top = (market_id + 1) << priority_bits
        self._ask_count = first
        self._bid_count = (1 << priority_bits) - 1 - first

    def side(self, *, is_ask: bool) -> BookSide:
        """Where an order of this direction rests."""
        return self.asks if is_ask else self.bids

    def publish(self) -> tuple[Changed, Changed]:
        """What changed of asks and bids, as `BookSide.publish` has it."""
        asks, bids = self.asks, self.bids
        return asks.publish() if asks.touched else _NOTHING, bids.publish() if bids.touched else _NOTHING

    def next_index(self, *, is_ask: bool) -> int:
        """A fresh `order_index`: later is greater for asks and smaller for bids."""
        if is_ask:
            index = self._top | self._ask_count
            self._ask_count += 1
        else:
            index = self._top | self._bid_count
            self._bid_count -= 1
        return index

    @property
    def is_crossed(self) -> bool:
        """Never, after any transaction."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid >= ask
