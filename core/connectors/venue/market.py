"""One market as the venue keeps it: its book, its last prints and the statistics it publishes."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from core.connectors.venue.book import MatchBook
from core.connectors.venue.candles import Candles
from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.orders import PRIORITY_BITS, VenueOrder, VenueTrade

KEPT_PRINTS: Final = 1_000
KEPT_FUNDINGS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRound:
    """One hour's funding of a market."""

    time_s: int
    rate_ppm: int
    """Positive when longs paid."""
    value: int
    """What one whole unit of the base paid or received, in 1e-8 USDC."""


@dataclass(slots=True)
class DayStats:
    """The trailing day as the market reports it; prices in ticks, base in steps, quote in 1e-6 USDC."""

    open: int
    high: int
    low: int
    base: int = 0
    quote: int = 0
    trades: int = 0

    def count(self, price: int, size: int) -> None:
        """Add one trade."""
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.base += size
        self.quote += price * size
        self.trades += 1


@dataclass(slots=True, eq=False)
class MarketState:
    """Everything about one market that changes."""

    spec: MarketSpec
    book: MatchBook
    mark: int
    index: int
    last: int
    day: DayStats
    open_interest: int = 0
    """Sum of long positions, in steps."""
    funding_ppm: int = 0
    """Estimated rate of the hour, in millionths of the notional; positive is paid by longs."""
    last_funding_ppm: int = 0
    funding_time_ms: int = 0
    prints: deque[VenueTrade] = field(default_factory=lambda: deque(maxlen=KEPT_PRINTS))
    """Newest last."""
    candles: Candles = field(default_factory=Candles)
    fundings: deque[FundingRound] = field(default_factory=lambda: deque(maxlen=KEPT_FUNDINGS))
    """Newest last."""
    watching: dict[int, VenueOrder] = field(default_factory=dict)
    """Pending orders that watch the mark price, by `order_index`."""

    @property
    def market_id(self) -> int:
        """The venue's market index."""
        return self.spec.market_id


def open_market(spec: MarketSpec, first_order: int = 0) -> MarketState:
    """A market before its first order, whose priority counts from `first_order`."""
    price = spec.reference_price
    return MarketState(
        spec=spec,
        book=MatchBook(spec.market_id, PRIORITY_BITS, first_order),
        mark=price,
        index=price,
        last=price,
        day=DayStats(open=price, high=price, low=price),
    )
