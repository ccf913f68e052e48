"""What every order that may be live still wants, kept up to date order by order. Pure.

The order map tells of each change; risk reads sums, counts and our own best prices without walking over the orders.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Final, NamedTuple, Protocol

from sortedcontainers import SortedList

from core.model import Order, OrderType, Side, TimeInForce
from core.units import ZERO, MarketId

_EXACT: Final = Context(prec=100)
"""Sums that are added to and taken from for days must come back to zero."""
_BUY: Final = Side.BUY  # looking a member up in its enum costs as much as counting an order
_LIMIT: Final = OrderType.LIMIT
_IOC: Final = TimeInForce.IOC


class Holder(Protocol):
    """Whoever carries an order through its life; compared by identity."""

    @property
    def order(self) -> Order:
        """The order as it is now."""
        ...

    @property
    def at_risk(self) -> Decimal:
        """What of it may still trade at worst, in base units."""
        ...

    @property
    def prices(self) -> tuple[Decimal, ...]:
        """Where it may rest; a change that is on its way is a second place."""
        ...

    def __hash__(self) -> int: ...


class _Share(NamedTuple):
    """What one order adds. A tuple, because one is made for every change of every order."""

    market_id: MarketId
    side: Side
    size: Decimal
    notional: Decimal
    prices: tuple[Decimal, ...]
    """Where it may rest; none for one that cannot."""


@dataclass(slots=True)
class Demand:
    """One market."""

    buys: Decimal = ZERO
    """Remaining size, base units."""
    sells: Decimal = ZERO
    notional: Decimal = ZERO
    """At their own prices, both sides together, USDC."""
    orders: int = 0
    prices: dict[Side, "SortedList[Decimal]"] = field(default_factory=lambda: {side: SortedList() for side in Side})

    @property
    def bid(self) -> Decimal | None:
        """Highest price of a buy that may rest."""
        prices = self.prices[Side.BUY]
        return prices[-1] if prices else None

    @property
    def ask(self) -> Decimal | None:
        """Lowest price of a sell that may rest."""
        prices = self.prices[Side.SELL]
        return prices[0] if prices else None


NO_DEMAND: Final = Demand()


class Working:
    """The sums of all orders that may be live, per market and together."""

    def __init__(self) -> None:
        self._shares: dict[Holder, _Share] = {}
        self._demands: dict[MarketId, Demand] = {}
        self.notional = ZERO
        """Of all markets, USDC."""

    def __len__(self) -> int:
        """How many orders may be live."""
        return len(self._shares)

    def note(self, holder: Holder) -> None:
        """An order came, changed or ended: its share is what it is now."""
        self._take(holder)
        share = _share_of(holder)
        if share is not None:
            self._give(holder, share)

    def demand(self, market_id: MarketId) -> Demand:
        """What is wanted in one market."""
        return self._demands.get(market_id, NO_DEMAND)

    def markets(self) -> tuple[MarketId, ...]:
        """Markets in which anything is wanted."""
        return tuple(self._demands)

    def lift(self, holder: Holder) -> None:
        """Leave one order out, until `note` takes it in again: for judging it as if it were not there."""
        self._take(holder)

    def _give(self, holder: Holder, share: _Share) -> None:
        self._shares[holder] = share
        demand = self._demands.get(share.market_id)
        if demand is None:
            demand = self._demands[share.market_id] = Demand()
        demand.orders += 1
        self._count(demand, share, _EXACT.add)
        for price in share.prices:
            demand.prices[share.side].add(price)

    def _take(self, holder: Holder) -> None:
        share = self._shares.pop(holder, None)
        if share is None:
            return
        demand = self._demands[share.market_id]
        demand.orders -= 1
        self._count(demand, share, _EXACT.subtract)
        for price in share.prices:
            demand.prices[share.side].remove(price)
        if not demand.orders:
            del self._demands[share.market_id]

    def _count(self, demand: Demand, share: _Share, count: Callable[[Decimal, Decimal], Decimal]) -> None:
        """Add a share to the sums, or subtract it from them."""
        if share.side is _BUY:
            demand.buys = count(demand.buys, share.size)
        else:
            demand.sells = count(demand.sells, share.size)
        demand.notional = count(demand.notional, share.notional)
        self.notional = count(self.notional, share.notional)


def _share_of(holder: Holder) -> _Share | None:
    order = holder.order
    if not order.status.may_be_live:
        return None
    intent, size, prices = order.intent, holder.at_risk, holder.prices
    can_rest = intent.type is _LIMIT and intent.tif is not _IOC
    notional = _EXACT.multiply(size, prices[0] if len(prices) == 1 else max(prices))
    return _Share(intent.market_id, intent.side, size, notional, prices if can_rest else ())
