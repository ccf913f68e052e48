"""The markets the paper venue can list: symbols, ids, decimals, minimums and margins of the real perpetuals.

`price_decimals + size_decimals` is 6 on every perpetual of the venue, so a price in ticks times a size in steps is
exactly a count of millionths of a USDC. Reference prices and volatilities are only where the walk starts.
"""

from dataclasses import dataclass
from typing import Final

from core.connectors.venue.catalogue_more import further
from core.errors import ConfigError

QUOTE_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSpec:
    """One perpetual as the venue describes it."""

    market_id: int
    symbol: str
    price_decimals: int
    reference_price: int
    """Where the walk starts, in ticks."""
    min_base: int
    """Smallest resting order, in steps."""
    daily_volatility_bp: int
    """One standard deviation of a day, in basis points."""
    common_percent: int
    """How much of the walk is shared with every other market, in percent."""
    gap_ppm: int
    """Distance between two levels of the book, in millionths of the price."""
    default_imf: int = 1_000
    """Initial margin fraction in 1e-4 of the notional."""
    min_imf: int = 500
    maintenance_mf: int = 300
    closeout_mf: int = 200
    min_quote: int = 10_000_000
    """Smallest resting order, in 1e-6 USDC."""
    quote_limit: int = 281_474_976_710_655
    """Largest order, in 1e-6 USDC."""
    created_at_ms: int = 1_737_098_461_100

    @property
    def size_decimals(self) -> int:
        """Decimals of a size."""
        return QUOTE_DECIMALS - self.price_decimals


def _major(market_id: int, symbol: str, decimals: int, reference: int, min_base: int) -> MarketSpec:
    """A market with the margins of ETH and BTC (`orderBookDetails`: 500, 200, 120, 80)."""
    return MarketSpec(
        market_id=market_id,
        symbol=symbol,
        price_decimals=decimals,
        reference_price=reference,
        min_base=min_base,
        daily_volatility_bp=300,
        common_percent=80,
        gap_ppm=50,
        default_imf=500,
        min_imf=200,
        maintenance_mf=120,
        closeout_mf=80,
    )


def _minor(market_id: int, symbol: str, decimals: int, reference: int, min_base: int) -> MarketSpec:
    return MarketSpec(
        market_id=market_id,
        symbol=symbol,
        price_decimals=decimals,
        reference_price=reference,
        min_base=min_base,
        daily_volatility_bp=480,
        common_percent=65,
        gap_ppm=120,
    )


_KNOWN: Final = (
    _major(0, "ETH", 2, 191_425, 50),
    _major(1, "BTC", 1, 643_500, 20),
    _major(2, "SOL", 3, 78_540, 50),
    _minor(3, "DOGE", 6, 98_400, 50),
    _minor(7, "XRP", 6, 1_312_500, 8),
    _minor(8, "LINK", 5, 884_600, 10),
    _minor(9, "AVAX", 4, 91_250, 50),
    _minor(16, "SUI", 5, 96_310, 50),
    _minor(24, "HYPE", 4, 571_400, 15),
    _minor(25, "BNB", 4, 5_872_000, 2),
    _minor(36, "CRV", 5, 27_840, 350),
    _minor(4, "1000PEPE", 6, 4_120, 2_000),
    _minor(10, "NEAR", 5, 153_900, 20),
    _minor(11, "DOT", 5, 142_600, 20),
    _minor(13, "TAO", 3, 268_450, 40),
    _minor(39, "ADA", 5, 31_220, 100),
    _minor(12, "TON", 5, 138_700, 20),
    _minor(6, "WLD", 5, 41_950, 100),
)


MOST_MARKETS: Final = 200
_TEN_USDC: Final = 10_000_000


def _made(market_id: int, symbol: str, decimals: int, reference: int) -> MarketSpec:
    return _minor(market_id, symbol, decimals, reference, max(1, _TEN_USDC // reference))


CATALOGUE: Final = _KNOWN + tuple(
    _made(*row)
    for row in further(
        {spec.market_id for spec in _KNOWN}, {spec.symbol for spec in _KNOWN}, MOST_MARKETS - len(_KNOWN)
    )
)


def listed(count: int) -> tuple[MarketSpec, ...]:
    """The first `count` markets.

    Raises:
        ConfigError: the catalogue does not hold that many.
    """
    if not 1 <= count <= len(CATALOGUE):
        raise ConfigError(f"--markets: expected 1 to {len(CATALOGUE)} for the paper venue, got {count}")
    return CATALOGUE[:count]
