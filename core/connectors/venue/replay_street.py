"""Somebody else's book inside our matching engine: its levels and prints, with our clients' orders among them.

Who joins a level stands behind everything that was shown there, and moves forward with prints, and with cancels as soon
as less is shown than stood ahead: a cancel that could have come from behind is taken to have come from behind. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.book import BookSide
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.market import MarketState
from core.connectors.venue.orders import OrderRequest, OrderStatus, Tif, VenueOrder

_FIRST_INTERNAL: Final = 281_474_976_500_000
_COLLATERAL: Final = 10**18

Levels = Mapping[int, int]
"""Sizes in steps by price in ticks; zero is gone."""


@dataclass(slots=True, eq=False)
class _Side:
    """One side of one market as it is shown elsewhere."""

    is_ask: bool
    shown: dict[int, int] = field(default_factory=dict)
    orders: dict[int, list[VenueOrder]] = field(default_factory=dict)
    """What stands for it here, front first."""
    gone: dict[int, int] = field(default_factory=dict)
    """What the last update took away: a print that follows may be what took it, and must not take it twice."""
    printed: dict[int, int] = field(default_factory=dict)
    """What prints took since the last update, which is about to say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """A trade of others."""

    price: int
    size: int
    is_maker_ask: bool


class Street:
    """Everybody else, in one market."""

    def __init__(self, exchange: Exchange, market: MarketState, makers: VenueAccount, takers: VenueAccount) -> None:
        """Nothing shown."""
        self._exchange: Final = exchange
        self._market: Final = market
        self._makers: Final = makers
        self._takers: Final = takers
        self._sides: Final = (_Side(is_ask=True), _Side(is_ask=False))

    def replace(self, asks: Levels, bids: Levels, now_us: int) -> Iterator[None]:
        """Show exactly this; yields after each trade with a client."""
        full = [
            dict.fromkeys(side.shown, 0) | dict(levels) for side, levels in zip(self._sides, (asks, bids), strict=True)
        ]
        yield from self.update(full[0], full[1], now_us)

    def update(self, asks: Levels, bids: Levels, now_us: int) -> Iterator[None]:
        """Show these levels from now on; what leaves goes first, so that nobody meets what is no longer there."""
        changes = [(self._sides[0], asks), (self._sides[1], bids)]
        for side, levels in changes:
            side.gone.clear()
            for price, size in levels.items():
                if size < side.shown.get(price, 0):
                    side.gone[price] = max(0, side.shown[price] - size - side.printed.get(price, 0))
                    self._show(side, price, size)
                    self._shrink_to(side, price, size)
        for side, levels in changes:
            for price, size in levels.items():
                if size >= side.shown.get(price, 0) and size:
                    self._show(side, price, size)
                    yield from self._grow_to(side, price, size, now_us)
            side.printed.clear()

    def trade(self, traded: Print, now_us: int) -> Iterator[None]:
        """Repeat a trade here: it takes the queue of its level from the front, clients' orders in their turn."""
        side = self._sides[0 if traded.is_maker_ask else 1]
        size = self._not_gone(side, traded)
        if size <= 0 or traded.price <= 0:
            return
        side.printed[traded.price] = side.printed.get(traded.price, 0) + size
        away = self._step_aside(side, traded.price)
        missing = size - _offered(self._book_side(side), side, traded.price)
        if missing > 0:
            self._add(side, traded.price, missing)
        request = OrderRequest(
            market_id=self._market.market_id,
            client_index=0,
            is_ask=not traded.is_maker_ask,
            size=size,
            price=traded.price,
            tif=Tif.IOC,
        )
        self._exchange.create(self._takers, request, now_us)
        yield
        again = [(side, price) for price in side.orders if _is_reached(side, price, traded.price)]
        for where, price in [*again, *away]:
            shown = where.shown.get(price, 0)
            self._shrink_to(where, price, shown)
            yield from self._grow_to(where, price, shown, now_us)

    def _step_aside(self, side: _Side, price: int) -> list[tuple[_Side, int]]:
        """Take away what cannot have stood there when others traded at this price; the next update says so too."""
        other = self._sides[1 if side.is_ask else 0]
        stale = [(side, at) for at in side.orders if at != price and _is_reached(side, at, price)]
        stale += [(other, at) for at in other.orders if _is_reached(other, at, price)]
        for where, at in stale:
            self._shrink_to(where, at, 0)
        return stale

    def _not_gone(self, side: _Side, traded: Print) -> int:
        """How much of a print still has to be repeated: what an update took before it is put back at the front.

        Where a client is at the front by now, nothing can be put back, and that part of the print is left out.
        """
        taken = min(side.gone.pop(traded.price, 0), traded.size)
        orders, book_side = self._standing(side, traded.price), self._book_side(side)
        level = book_side.levels.get(traded.price)
        if taken and orders and level is not None and next(iter(level.orders)) == orders[0].index:
            orders[0].size += taken
            book_side.shrink(orders[0], -taken)
            taken = 0
        elif taken and level is None:
            taken = 0
        return traded.size - taken

    def _show(self, side: _Side, price: int, size: int) -> None:
        if size:
            side.shown[price] = size
        else:
            side.shown.pop(price, None)

    def _shrink_to(self, side: _Side, price: int, size: int) -> None:
        """Take the excess away from the back."""
        orders = self._standing(side, price)
        excess = sum(order.remaining for order in orders) - size
        while excess > 0 and orders:
            last = orders[-1]
            if last.remaining <= excess:
                excess -= last.remaining
                self._exchange.cancel(orders.pop(), OrderStatus.CANCELED, 0)
            else:
                last.size -= excess
                self._book_side(side).shrink(last, excess)
                excess = 0
        if not orders:
            side.orders.pop(price, None)

    def _grow_to(self, side: _Side, price: int, size: int, now_us: int) -> Iterator[None]:
        """Add what is missing to the back; where a client stands in the way, trade first."""
        missing = size - sum(order.remaining for order in self._standing(side, price))
        if missing <= 0:
            return
        opposite = self._market.book.side(is_ask=not side.is_ask)
        if opposite.is_reached_by(price):
            request = OrderRequest(
                market_id=self._market.market_id,
                client_index=0,
                is_ask=side.is_ask,
                size=missing,
                price=price,
                tif=Tif.IOC,
            )
            taken = self._exchange.create(self._takers, request, now_us)
            missing -= taken.filled if isinstance(taken, VenueOrder) else 0
            yield
        if missing > 0:
            self._add(side, price, missing)

    def _add(self, side: _Side, price: int, size: int) -> None:
        orders, book_side = self._standing(side, price), self._book_side(side)
        level = book_side.levels.get(price)
        if orders and level is not None and next(reversed(level.orders)) == orders[-1].index:
            orders[-1].size += size
            book_side.shrink(orders[-1], -size)
            return
        order = self._exchange.quote(self._makers, self._market, price, size, is_ask=side.is_ask)
        if order is not None:
            side.orders.setdefault(price, []).append(order)

    def _standing(self, side: _Side, price: int) -> list[VenueOrder]:
        orders = [order for order in side.orders.get(price, ()) if order.status is OrderStatus.OPEN and order.remaining]
        if orders:
            side.orders[price] = orders
        else:
            side.orders.pop(price, None)
        return orders

    def _book_side(self, side: _Side) -> BookSide:
        return self._market.book.side(is_ask=side.is_ask)


def streets(exchange: Exchange) -> dict[int, Street]:
    """A street for every market of the exchange."""
    makers, takers = (
        exchange.add_account(VenueAccount(index=_FIRST_INTERNAL + place, collateral=_COLLATERAL, is_internal=True))
        for place in range(2)
    )
    return {market_id: Street(exchange, market, makers, takers) for market_id, market in exchange.markets.items()}


def _offered(book_side: BookSide, side: _Side, price: int) -> int:
    """Steps that an order from the other side reaches at `price` or better."""
    return sum(level.size for at, level in book_side.levels.items() if _is_reached(side, at, price))


def _is_reached(side: _Side, at: int, price: int) -> bool:
    return at <= price if side.is_ask else at >= price
