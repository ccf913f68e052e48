"""The public tape of a market: executions between others, and the candles the venue makes of them.

For looking at: nothing here is ours, and no decision about money rests on it. Sizes in base units, prices in USDC.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from core.model import BookStatus, Side
from core.units import ZERO, MarketId, TradeId

_MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTrade:
    """One execution between others, or ours among them."""

    trade_id: TradeId
    market_id: MarketId
    price: Decimal
    size: Decimal
    taker: Side
    """Which side crossed."""
    is_liquidation: bool
    time_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """The newest public trades of one market."""

    market_id: MarketId
    status: BookStatus
    """EMPTY for a market that is not traded here; SYNCING until the first answer; LIVE; STALE as `reason` says."""
    reason: str = ""
    trades: tuple[PublicTrade, ...] = ()
    """Newest first, each once, without a gap between them."""


class Resolution(Enum):
    """How long a candle is, in the venue's words."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    H12 = "12h"
    D1 = "1d"

    @property
    def span_us(self) -> int:
        """Its length in microseconds."""
        number, unit = int(self.value[:-1]), self.value[-1]
        return number * _MINUTE_US * {"m": 1, "h": 60, "d": 1_440}[unit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """The trades of one span of one market. The newest one may still be running."""

    start_us: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    """Base units."""
    quote_volume: Decimal = ZERO
    """USDC."""
