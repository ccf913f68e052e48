"""What the operator's keys mean as commands: pure, one line each."""

from typing import Final

from core.commands import CancelOrder, CloseBreaker, SetStrategy, TripBreaker
from core.model import Order
from core.state import BreakerStatus, StrategyStatus

BY: Final = "operator"
"""How the engine's journal names whoever sits at this desk."""


def trip_everything() -> TripBreaker:
    """Trip the breaker of all markets."""
    return TripBreaker(by=BY, reason="tripped by key")


def close(breaker: BreakerStatus, reason: str) -> CloseBreaker:
    """Close this breaker."""
    return CloseBreaker(by=BY, reason=reason, market_id=breaker.market_id, strategy=breaker.strategy)


def cancel(order: Order) -> CancelOrder:
    """Cancel this order, by every id it has."""
    return CancelOrder(market_id=order.intent.market_id, client_id=order.client_id, venue_id=order.venue_id)


def toggle(strategy: StrategyStatus) -> SetStrategy:
    """Stop a strategy that runs, start one that does not."""
    return SetStrategy(name=strategy.name, running=not strategy.is_running, by=BY)
