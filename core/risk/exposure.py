"""What risk may know of the world at one moment: exposure per market, worst case, and everything around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.decisions import TradingState
from core.model import Market, Quote, Side
from core.risk.breaker import BreakerPanel
from core.units import ZERO, MarketId


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketExposure:
    """Position and whatever may still change it, in base units."""

    position: Decimal = ZERO
    """Signed: positive is long."""
    open_buys: Decimal = ZERO
    """Remaining size of buys that may be live: open, in flight, unknown, or approved and queued."""
    open_sells: Decimal = ZERO

    @property
    def highest(self) -> Decimal:
        """The position if every buy fills and no sell does."""
        return self.position + self.open_buys

    @property
    def lowest(self) -> Decimal:
        """The position if every sell fills and no buy does."""
        return self.position - self.open_sells

    @property
    def worst(self) -> Decimal:
        """The largest size, on either side, that the position may reach without another order."""
        return max(abs(self.highest), abs(self.lowest))

    @property
    def is_flat(self) -> bool:
        """No position and nothing that could make one."""
        return not (self.position or self.open_buys or self.open_sells)

    def reach(self, side: Side, size: Decimal) -> Decimal:
        """How far the position may get on `side` with `size` more of it, in base units.

        Positive is exposure on that side; zero or less means that even if everything fills, it only shrinks the other.
        """
        return (self.highest if side is Side.BUY else -self.lowest) + size

    def adding(self, side: Side, size: Decimal) -> "MarketExposure":
        """The exposure with one more order of `size`, in base units."""
        buys, sells = (size, ZERO) if side is Side.BUY else (ZERO, size)
        return MarketExposure(
            position=self.position, open_buys=self.open_buys + buys, open_sells=self.open_sells + sells
        )


NO_EXPOSURE = MarketExposure()


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """Everything a risk decision rests on, frozen at one moment."""

    trading: TradingState
    trading_detail: str
    """Why it is not ACTIVE."""
    is_killed: bool
    is_ready: bool
    """Our belief was reconciled with the venue's."""
    breakers: BreakerPanel
    markets: Mapping[MarketId, Market]
    quotes: Mapping[MarketId, Quote]
    exposures: Mapping[MarketId, MarketExposure]
    """A market that is missing has no exposure."""
    open_orders: int
    """Orders of the account that may be live."""

    def exposure(self, market_id: MarketId) -> MarketExposure:
        """The exposure of one market."""
        return self.exposures.get(market_id, NO_EXPOSURE)

    def mark(self, market_id: MarketId) -> Decimal | None:
        """The mark price of one market, None while nobody knows it."""
        quote = self.quotes.get(market_id)
        mark = None if quote is None else quote.mark
        return mark if mark is not None and mark > 0 else None
