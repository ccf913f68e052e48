"""Wishes: what the operator, a strategy or the shell asks of the engine.

Commands go in; nothing comes back but the next `EngineState`.
"""

from dataclasses import dataclass
from enum import Enum

from core.model import OPERATOR, OrderIntent, Origin, Priority
from core.units import ClientOrderId, MarketId, VenueOrderId


class ExitPolicy(Enum):
    """What becomes of open orders when the engine ends."""

    CANCEL = "cancel"
    """Cancel every order of the account and see the venue's empty list."""
    KEEP = "keep"
    """Leave them resting at the venue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOrder:
    """Place one order."""

    intent: OrderIntent
    origin: Origin = OPERATOR
    priority: Priority = Priority.OPERATOR
    deadline_ns: int | None = None
    """Monotonic moment after which it is pointless to send it; None for never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Cancel one order, by either id; an order that nobody here placed has only the venue's."""

    market_id: MarketId
    client_id: ClientOrderId | None = None
    venue_id: VenueOrderId | None = None
    origin: Origin = OPERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class TripBreaker:
    """Trip the breaker of one market, or of all when `market_id` is None."""

    by: str
    reason: str
    market_id: MarketId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseBreaker:
    """Close a tripped breaker again."""

    by: str
    reason: str
    market_id: MarketId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Halt, drop the queue, cancel everything at the venue, confirm by the venue's own list."""

    by: str
    pressed_ns: int
    """When the key was recognised: latencies count from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rearm:
    """Lift a kill. Refused unless the kill is CONFIRMED and a reason is given."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStrategy:
    """Start or stop one strategy by name."""

    name: str
    running: bool
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End the engine, after its exit policy ran to completion."""

    policy: ExitPolicy
    reason: str


Command = SubmitOrder | CancelOrder | TripBreaker | CloseBreaker | Kill | Rearm | SetStrategy | Stop
