"""Two markets, their quotes and a calm `RiskView`, for tests that change one thing at a time."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from msgspec import structs

from core.decisions import TradingState
from core.model import BookStatus, Market, OrderIntent, OrderType, Quote, Side, TimeInForce
from core.risk import BreakerPanel, MarketExposure, Money, RiskView
from core.units import MarketId

ETH_ID: Final = MarketId(0)
SOL_ID: Final = MarketId(2)

ETH: Final = Market(
    id=ETH_ID,
    symbol="ETH",
    price_decimals=2,
    size_decimals=4,
    min_size=Decimal("0.0050"),
    min_notional=Decimal(10),
)
SOL: Final = Market(
    id=SOL_ID,
    symbol="SOL",
    price_decimals=3,
    size_decimals=3,
    min_size=Decimal("0.050"),
    min_notional=Decimal(10),
)


def quote(market_id: MarketId, bid: str, ask: str, mark: str | None) -> Quote:
    """A live quote with ten units on either side."""
    return Quote(
        market_id=market_id,
        status=BookStatus.LIVE,
        bid=Decimal(bid),
        bid_size=Decimal(10),
        ask=Decimal(ask),
        ask_size=Decimal(10),
        mark=None if mark is None else Decimal(mark),
    )


ETH_QUOTE: Final = quote(ETH_ID, "1999.90", "2000.10", "2000.00")
SOL_QUOTE: Final = quote(SOL_ID, "149.990", "150.010", "150.000")


def exposure(position: str = "0", buys: str = "0", sells: str = "0") -> MarketExposure:
    """Exposure from text."""
    return MarketExposure(position=Decimal(position), open_buys=Decimal(buys), open_sells=Decimal(sells))


def view(**changes: object) -> RiskView:
    """Active, ready, both markets live, no exposure; `changes` replace fields."""
    calm = RiskView(
        trading=TradingState.ACTIVE,
        trading_detail="",
        is_killed=False,
        is_ready=True,
        breakers=BreakerPanel.closed(TradingState.REDUCING),
        markets={ETH_ID: ETH, SOL_ID: SOL},
        quotes={ETH_ID: ETH_QUOTE, SOL_ID: SOL_QUOTE},
        exposures={},
        open_orders=0,
        money=Money(equity=Decimal(1_000_000)),
    )
    return structs.replace(calm, **changes)


def intent(side: Side = Side.BUY, size: str = "1.0000", price: str = "2000.00", **changes: object) -> OrderIntent:
    """A resting limit order in ETH; `changes` replace fields."""
    plain = OrderIntent(
        market_id=ETH_ID,
        side=side,
        type=OrderType.LIMIT,
        size=Decimal(size),
        price=Decimal(price),
        tif=TimeInForce.GTT,
    )
    return replace(plain, **changes)
