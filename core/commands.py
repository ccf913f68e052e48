"""Wishes: what the operator, a strategy or the shell asks of the engine.

Commands go in; nothing comes back but the next `EngineState`.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from core.model import OPERATOR, OrderIntent, Origin, Priority
from core.plans import Plan
from core.scope import Scope
from core.units import ClientOrderId, MarketId, TaskId, VenueOrderId


class ExitPolicy(Enum):
    """What becomes of open orders when the engine ends."""

    CANCEL = "cancel"
    """Cancel every order of the account and see the venue's empty list."""
    KEEP = "keep"
    """Leave them resting at the venue."""
    FLATTEN = "flatten"
    """Cancel every order, close every position, and see the venue show none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOrder:
    """Place one order."""

    intent: OrderIntent
    origin: Origin = OPERATOR
    priority: Priority = Priority.OPERATOR
    deadline_ns: int | None = None
    """Monotonic moment after which it is pointless to send it; None for never."""
    fill_by_ns: int | None = None
    """Monotonic moment at which whatever is left of it is cancelled; None for never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Cancel one order, by either id; an order that nobody here placed has only the venue's."""

    market_id: MarketId
    client_id: ClientOrderId | None = None
    venue_id: VenueOrderId | None = None
    origin: Origin = OPERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyOrder:
    """Give an order of ours a new size and price, by either id; it keeps its ids."""

    market_id: MarketId
    size: Decimal
    """As if placed anew, in base units: what was filled already counts towards it."""
    price: Decimal
    client_id: ClientOrderId | None = None
    venue_id: VenueOrderId | None = None
    origin: Origin = OPERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAlgorithm:
    """Work a size by a plan."""

    plan: Plan
    origin: Origin = OPERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAlgorithm:
    """End a plan and cancel its orders."""

    task_id: TaskId
    origin: Origin = OPERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Compare orders, fills and positions with the venue now."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TripBreaker:
    """Trip the breaker of one strategy, of one market, or of all when neither is named."""

    by: str
    reason: str
    market_id: MarketId | None = None
    strategy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseBreaker:
    """Close a tripped breaker again. Refused without a reason."""

    by: str
    reason: str
    market_id: MarketId | None = None
    strategy: str = ""


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
class KillPart:
    """Stop one market or one strategy: block its orders, cancel them, confirm by the venue's list."""

    scope: Scope
    by: str
    pressed_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RearmPart:
    """Lift the kill of a part. Refused unless it is CONFIRMED and a reason is given."""

    scope: Scope
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """Kill one market, or everything, then close its positions by reduce-only orders. The kill stays latched."""

    by: str
    market_id: MarketId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStrategy:
    """Start or stop one strategy by name."""

    name: str
    running: bool
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyFailed:
    """The bot stopped a strategy that raised, hung, or asked for nonsense."""

    name: str
    text: str
    orders: int = 0
    """How many of its orders are queued or may be live."""
    is_cancelling: bool = True
    """Whether they are being cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimit:
    """Change one risk limit. Refused unless all fit together; a raise also while anything is killed or tripped."""

    name: str
    """As in the configuration: `max_order_notional`, `breaker.loss_streak`."""
    value: str
    """As typed: `5000`, `ETH,BTC`, or `off`."""
    by: str
    reason: str = ""
    """A raise needs one."""
    market: str = ""
    """Symbol of the market whose own limit it is; empty for what holds for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetLimits:
    """Let the file's value of one limit, or of all when none is named, hold again; refused if a raise is."""

    by: str
    reason: str = ""
    name: str = ""
    market: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadLimits:
    """Take over what the configuration file says of limits now. Refused like a raise if it is one."""

    limits: str
    """The whole `risk` table as JSON, defaults and all."""
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End the engine, after its exit policy ran to completion."""

    policy: ExitPolicy
    reason: str


Command = (
    SubmitOrder
    | CancelOrder
    | ModifyOrder
    | StartAlgorithm
    | CancelAlgorithm
    | Reconcile
    | TripBreaker
    | CloseBreaker
    | Kill
    | Rearm
    | KillPart
    | RearmPart
    | Flatten
    | SetStrategy
    | StrategyFailed
    | SetLimit
    | ResetLimits
    | ReloadLimits
    | Stop
)
