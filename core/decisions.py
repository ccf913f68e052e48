"""Expected outcomes, as values: what risk decided, and what became of a transaction."""

from dataclasses import dataclass
from enum import Enum


class TradingState(Enum):
    """What the engine may send."""

    ACTIVE = "active"
    REDUCING = "reducing"
    """Only orders that shrink exposure."""
    HALTED = "halted"
    """No new orders. Cancels always pass."""


class DenyReason(Enum):
    """Why risk refused an order before it reached the wire; the value is the code shown and journalled."""

    HALTED = "halted"
    KILLED = "killed"
    REDUCING = "reducing only"
    BREAKER_OPEN = "breaker tripped"
    NOT_READY = "not reconciled"
    NOTHING_TO_REDUCE = "nothing to reduce"
    UNKNOWN_MARKET = "unknown market"
    MARKET_CLOSED = "market closed"
    STALE_DATA = "stale data"
    NO_MARK = "no mark price"
    OFF_TICK = "price off tick"
    OFF_STEP = "size off step"
    OUT_OF_RANGE = "out of range"
    BELOW_MINIMUM = "below minimum"
    MAX_ORDER_SIZE = "max order size"
    MAX_ORDER_NOTIONAL = "max order notional"
    MAX_POSITION = "max position"
    MAX_GROSS = "max gross exposure"
    MAX_OPEN_ORDERS = "max open orders"
    QUEUE_FULL = "queue full"
    RESTRICTED_MARKET = "restricted market"
    CLOCK_SKEW = "clock skew"
    UNREASONABLE_DATA = "unreasonable data"
    DUPLICATE = "duplicate order"
    SELF_TRADE = "self-trade"
    MESSAGE_RATE = "message rate"
    EXECUTION_RATE = "repeated executions"
    PRICE_COLLAR = "price collar"
    PRICE_WALK = "price walk"
    MAX_OPEN_NOTIONAL = "max open notional"
    NO_ACCOUNT = "account unknown"
    MARGIN = "margin headroom"
    DAILY_LOSS = "daily loss"
    DRAWDOWN = "drawdown"


@dataclass(frozen=True, slots=True)
class Approved:
    """Risk lets it pass."""


@dataclass(frozen=True, slots=True)
class Denied:
    """Risk refuses it."""

    reason: DenyReason
    detail: str
    """A sentence with the numbers that decided."""


RiskDecision = Approved | Denied


@dataclass(frozen=True, slots=True)
class Sent:
    """The venue's API took the transaction: queued there, not yet resting, filled or gone."""

    tx_hash: str
    sent_ns: int
    acked_ns: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The transaction certainly did not take effect: refused by the API, or never sent."""

    code: int
    """The venue's code; 0 when we did not send it ourselves."""
    detail: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Nobody knows whether the transaction landed; evidence must settle it."""

    cause: str
    tx_hash: str = ""


TxOutcome = Sent | Refused | Unresolved
