"""The life of an order as one table: every status against everything that can happen to it. Pure.

What the venue shows always wins over what we believed; what we would do wrong by ourselves raises `InvariantBroken`.
The next room is `core.engine.order_map`, which keeps the orders this table moves.
"""

from decimal import Decimal
from enum import Enum, auto
from typing import Final

from core.errors import InvariantBroken
from core.model import Order, OrderStatus
from core.units import ZERO


class Trigger(Enum):
    """What can happen to an order, in the column order of the table."""

    __hash__ = object.__hash__  # members are their own keys; the inherited one hashes the name, in Python

    DENY = auto()
    """Stopped by us before its bytes left: risk, the kill switch, the journal."""
    DROP = auto()
    """Taken out of the queue: cancelled or too late before it was sent."""
    SEND = auto()
    REFUSE = auto()
    """The venue's API refused it: it certainly did not take effect."""
    UNRESOLVE = auto()
    """Nobody knows whether it landed."""
    SHOW_OPEN = auto()
    SHOW_FILLED = auto()
    SHOW_CANCELED = auto()
    SHOW_REJECTED = auto()
    SHOW_EXPIRED = auto()
    EXECUTE = auto()
    """A fill that leaves something of it."""
    COMPLETE = auto()
    """A fill that leaves nothing of it."""
    ASK_CANCEL = auto()
    """A cancel of it is being sent."""
    KEEP = auto()
    """The cancel did not take effect."""
    LOSE = auto()
    """The venue shows no trace of it any more."""
    END_WORLD = auto()
    """The venue it lived at is gone."""
    ASK_CHANGE = auto()
    """A new size and price of it is being asked for."""


_RESTING: Final = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})
_CODES: Final = {
    "Q": OrderStatus.QUEUED,
    "D": OrderStatus.DENIED,
    "S": OrderStatus.SUBMITTING,
    "U": OrderStatus.UNKNOWN,
    "A": OrderStatus.ACCEPTED,
    "P": OrderStatus.PARTIALLY_FILLED,
    "W": OrderStatus.PENDING_CANCEL,
    "F": OrderStatus.FILLED,
    "C": OrderStatus.CANCELED,
    "R": OrderStatus.REJECTED,
    "E": OrderStatus.EXPIRED,
}

# A letter is the new status, "=" changes nothing, "!" must never happen.
#
#   - The stream may beat the reply: ACCEPTED and later ignore DENY, REFUSE and UNRESOLVE, and a fill may come first.
#   - A fill may follow a cancel: CANCELED and EXPIRED keep their status, or become FILLED when nothing is left.
#   - REJECTED with a fill was a wrong belief: it is live again, because that is the safe assumption.
#   - A closed order that the venue shows open (newer than what closed it) is live again, for the same reason.
#   - An order that was shown and then left no trace is not open; how it ended is not known, so it is EXPIRED, or
#     CANCELED when a cancel was on its way.
#   - A change asked for changes nothing by itself: the order is what the venue shows until it shows another.
#   - QUEUED and DENIED orders were never at the venue: a report about one belongs to somebody else's order.
# Columns:                            deny drop send refuse unresolve, the five SHOW, execute complete,
#                                     ask_cancel keep lose end_world, ask_change
_TABLE: Final = {
    OrderStatus.QUEUED: "DCS!! !!!!! !! !!!! =",
    OrderStatus.DENIED: "!!!!! !!!!! !! !!!! !",
    OrderStatus.SUBMITTING: "D!!RU AFCRE PF ==RE !",
    OrderStatus.UNKNOWN: "!!!!= AFCRE PF ==RE !",
    OrderStatus.ACCEPTED: "=!!== AFCRE PF WAEE =",
    OrderStatus.PARTIALLY_FILLED: "=!!== PFCRE PF WPEE =",
    OrderStatus.PENDING_CANCEL: "=!!== =FCRE =F =ACE !",
    OrderStatus.FILLED: "=!!== A==== == !=== !",
    OrderStatus.CANCELED: "=!!== AF=== =F !=== !",
    OrderStatus.REJECTED: "=!!== AFC=E PF !=== !",
    OrderStatus.EXPIRED: "=!!== AFC== =F !=== !",
}


def advance(status: OrderStatus, trigger: Trigger) -> OrderStatus:
    """The status that follows.

    Raises:
        InvariantBroken: this must never happen to an order of that status.
    """
    following = _TRANSITIONS[status, trigger]
    if following is None:
        raise InvariantBroken(f"an order that is {status.value} was told to {trigger.name.lower().replace('_', ' ')}")
    return following


def shown(status: OrderStatus) -> Trigger:
    """What a venue's report of this status does to an order.

    Raises:
        InvariantBroken: the status is one that only we can know.
    """
    trigger = _SHOWN.get(status)
    if trigger is None:
        raise InvariantBroken(f"a venue reported an order as {status.value}, which only we can know")
    return trigger


def open_status(status: OrderStatus, filled: Decimal) -> OrderStatus:
    """ACCEPTED or PARTIALLY_FILLED, whichever the filled size says; any other status as it is."""
    if status not in _RESTING:
        return status
    return OrderStatus.PARTIALLY_FILLED if filled > ZERO else OrderStatus.ACCEPTED


def moved(order: Order, status: OrderStatus, reason: str, updated_us: int) -> Order:
    """The order in another status. What `dataclasses.replace` does, in half the time: every order passes here."""
    return Order(
        intent=order.intent,
        status=status,
        client_id=order.client_id,
        venue_id=order.venue_id,
        filled=order.filled,
        filled_quote=order.filled_quote,
        reason=reason,
        created_us=order.created_us,
        updated_us=updated_us,
    )


def _outcome(status: OrderStatus, code: str) -> OrderStatus | None:
    if code == "!":
        return None
    return status if code == "=" else _CODES[code]


_SHOWN: Final = {
    OrderStatus.ACCEPTED: Trigger.SHOW_OPEN,
    OrderStatus.PARTIALLY_FILLED: Trigger.SHOW_OPEN,
    OrderStatus.FILLED: Trigger.SHOW_FILLED,
    OrderStatus.CANCELED: Trigger.SHOW_CANCELED,
    OrderStatus.REJECTED: Trigger.SHOW_REJECTED,
    OrderStatus.EXPIRED: Trigger.SHOW_EXPIRED,
}
_TRANSITIONS: Final = {
    (status, trigger): _outcome(status, code)
    for status, row in _TABLE.items()
    for trigger, code in zip(Trigger, row.replace(" ", ""), strict=True)
}
