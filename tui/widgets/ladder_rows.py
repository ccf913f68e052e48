"""The rows of a ladder and the orders its keys mean: pure, so that every key can be tested without a screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from core.model import BookView, Market, Order, OrderIntent, OrderMapEntry, OrderType, Side, TimeInForce
from core.units import ZERO, MarketId

DEPTH: Final = 40
"""Levels a side that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One price of the ladder."""

    price: Decimal
    bid: Decimal = ZERO
    ask: Decimal = ZERO
    own: tuple[Order, ...] = ()
    """Ours that may be live at this price."""

    def own_size(self, side: Side) -> Decimal:
        """What of ours may still trade here."""
        return sum((order.remaining for order in self.own if order.intent.side is side), ZERO)

    def ahead(self, side: Side) -> Decimal | None:
        """The most that can stand before our orders here: the venue does not tell our place, only the level's size."""
        own = self.own_size(side)
        if not own:
            return None
        return max(ZERO, (self.bid if side is Side.BUY else self.ask) - own)


def own_orders(entries: Sequence[OrderMapEntry], market_id: MarketId) -> tuple[Order, ...]:
    """Ours of one market that may be live, orphans of both sides included."""
    return tuple(
        entry.order for entry in entries if entry.order.intent.market_id == market_id and entry.order.status.may_be_live
    )


def rungs(book: BookView, own: Sequence[Order], cursor: Decimal | None) -> tuple[Rung, ...]:
    """The book's prices, those of our orders and the cursor's, from the highest down."""
    bids = {level.price: level.size for level in book.bids}
    asks = {level.price: level.size for level in book.asks}
    ours: dict[Decimal, list[Order]] = {}
    for order in own:
        ours.setdefault(order.intent.price, []).append(order)
    prices = {*bids, *asks, *ours} | (set() if cursor is None else {cursor})
    return tuple(
        Rung(price=price, bid=bids.get(price, ZERO), ask=asks.get(price, ZERO), own=tuple(ours.get(price, ())))
        for price in sorted(prices, reverse=True)
    )


def touch(book: BookView, side: Side) -> Decimal | None:
    """The best price of one side."""
    levels = book.bids if side is Side.BUY else book.asks
    return levels[0].price if levels else None


def improved(book: BookView, side: Side, market: Market) -> Decimal | None:
    """One tick better than the best of our side, where that does not reach the other side."""
    own, other = touch(book, side), touch(book, side.opposite)
    if own is None:
        return None
    price = own + market.tick * side.sign
    crosses = other is not None and (price - other) * side.sign >= 0
    return None if crosses or price <= 0 else price


def intent(market: Market, side: Side, price: Decimal, notional: Decimal) -> OrderIntent | None:
    """A post-only order for so many USDC, its size rounded down to the market's step; None when that is nothing."""
    if price <= 0:
        return None
    size = (notional / price).quantize(market.step, rounding=ROUND_DOWN)
    if size <= 0:
        return None
    return OrderIntent(
        market_id=market.id,
        side=side,
        type=OrderType.LIMIT,
        size=size,
        price=price,
        tif=TimeInForce.POST_ONLY,
    )
