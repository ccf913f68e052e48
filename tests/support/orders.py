"""Orders for connector tests."""

from decimal import Decimal

from core.connectors.base import NewOrder
from core.model import OrderIntent, OrderType, Side, TimeInForce
from core.units import ClientOrderId, MarketId


def limit_order(client_id: int = 1, price: str = "2000.00", size: str = "0.0100", market_id: int = 0) -> NewOrder:
    """A resting bid."""
    intent = OrderIntent(
        market_id=MarketId(market_id),
        side=Side.BUY,
        type=OrderType.LIMIT,
        size=Decimal(size),
        price=Decimal(price),
        tif=TimeInForce.GTT,
    )
    return NewOrder(client_id=ClientOrderId(client_id), intent=intent)


def no_gate() -> str | None:
    """Lets everything go."""
    return None
