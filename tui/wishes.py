"""What the operator's keys mean as commands: pure, one line each."""

from typing import Final

from core.commands import (
    CancelAlgorithm,
    CancelOrder,
    CloseBreaker,
    Flatten,
    KillPart,
    ModifyOrder,
    Rearm,
    RearmPart,
    Reconcile,
    SetStrategy,
    StartAlgorithm,
    TripBreaker,
)
from core.model import Order, OrderIntent
from core.plans import Plan
from core.scope import Scope
from core.state import AlgorithmStatus, BreakerStatus, StrategyStatus

BY: Final = "operator"
"""How the engine's journal names whoever sits at this desk."""


def trip_everything() -> TripBreaker:
    """Trip the breaker of all markets."""
    return TripBreaker(by=BY, reason="tripped by key")


def trip(scope: Scope, reason: str) -> TripBreaker:
    """Trip the breaker of everything, of a market or of a strategy."""
    return TripBreaker(by=BY, reason=reason, market_id=scope.market_id, strategy=scope.strategy)


def close_scope(scope: Scope, reason: str) -> CloseBreaker:
    """Close the breaker of everything, of a market or of a strategy."""
    return CloseBreaker(by=BY, reason=reason, market_id=scope.market_id, strategy=scope.strategy)


def close(breaker: BreakerStatus, reason: str) -> CloseBreaker:
    """Close this breaker."""
    return CloseBreaker(by=BY, reason=reason, market_id=breaker.market_id, strategy=breaker.strategy)


def cancel(order: Order) -> CancelOrder:
    """Cancel this order, by every id it has."""
    return CancelOrder(market_id=order.intent.market_id, client_id=order.client_id, venue_id=order.venue_id)


def toggle(strategy: StrategyStatus) -> SetStrategy:
    """Stop a strategy that runs, start one that does not."""
    return SetStrategy(name=strategy.name, running=not strategy.is_running, by=BY)


def kill_part(scope: Scope, pressed_ns: int) -> KillPart:
    """Kill one market or one strategy; latencies count from this monotonic moment."""
    return KillPart(scope=scope, by=BY, pressed_ns=pressed_ns)


def flatten(scope: Scope) -> Flatten:
    """Kill one market, or everything, and close its positions."""
    return Flatten(by=BY, market_id=scope.market_id)


def rearm(scope: Scope, reason: str) -> Rearm | RearmPart:
    """Lift the kill of everything, or of a part."""
    return Rearm(by=BY, reason=reason) if scope.is_everything else RearmPart(scope=scope, by=BY, reason=reason)


def modify(order: Order, wanted: OrderIntent) -> ModifyOrder:
    """Give this order the size and the price of `wanted`."""
    return ModifyOrder(
        market_id=order.intent.market_id,
        size=wanted.size,
        price=wanted.price,
        client_id=order.client_id,
        venue_id=order.venue_id,
    )


def start_plan(plan: Plan) -> StartAlgorithm:
    """Work a size by this plan."""
    return StartAlgorithm(plan=plan)


def end_plan(plan: AlgorithmStatus) -> CancelAlgorithm:
    """End this plan and cancel its orders."""
    return CancelAlgorithm(task_id=plan.id)


def reconcile() -> Reconcile:
    """Compare orders, fills and positions with the venue now."""
    return Reconcile(by=BY)
