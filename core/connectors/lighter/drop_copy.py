"""Two private connections compared: what one tells of fills and orders, the other must tell too. Pure.

A difference that lasts is either a frame the venue lost or one that we did; nobody here knows which, so it is said and
REST decides.
"""

from collections import OrderedDict
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias

from core.clock import SECOND_NS
from core.events import Event, FillReported, OpenOrdersListed, OrdersReported
from core.model import OrderStatus
from core.units import TradeId, VenueOrderId

GRACE_NS: Final = 3 * SECOND_NS
"""How much later than the other one connection may tell."""
_REMEMBERED: Final = 20_000

OrderState: TypeAlias = tuple[VenueOrderId, OrderStatus, Decimal, Decimal, Decimal]
"""Id, status, filled, price, size."""
Fact: TypeAlias = TradeId | OrderState


class Source(Enum):
    """Which of the two told."""

    PRIMARY = "the account stream"
    COPY = "the drop copy"


class DropCopy:
    """What both told, and what only one of them did."""

    def __init__(self) -> None:
        """Nothing told yet."""
        self._alone: OrderedDict[Fact, tuple[Source, int]] = OrderedDict()
        self._both: OrderedDict[Fact, None] = OrderedDict()

    def note(self, source: Source, event: Event, now_ns: int) -> None:
        """One of the two told something."""
        for fact in _facts(event):
            if fact in self._both:
                continue
            known = self._alone.get(fact)
            if known is None:
                self._alone[fact] = source, now_ns
            elif known[0] is not source:
                del self._alone[fact]
                self._remember(fact)

    def settle(self, event: Event) -> None:
        """This came from REST: neither stream owes it any more."""
        for fact in _facts(event):
            self._alone.pop(fact, None)
            self._remember(fact)

    def overdue(self, now_ns: int) -> tuple[tuple[Source, Fact], ...]:
        """What one told and the other did not in time; each is returned once."""
        late: list[tuple[Source, Fact]] = []
        while self._alone:
            fact, (source, since_ns) = next(iter(self._alone.items()))
            if now_ns - since_ns < GRACE_NS:
                break
            del self._alone[fact]
            self._remember(fact)
            late.append((source, fact))
        return tuple(late)

    def forget(self) -> None:
        """One of the two was not listening: what stands alone proves nothing."""
        for fact in self._alone:
            self._remember(fact)
        self._alone.clear()

    def _remember(self, fact: Fact) -> None:
        self._both[fact] = None
        while len(self._both) > _REMEMBERED:
            self._both.popitem(last=False)


def describe_fact(source: Source, fact: Fact) -> str:
    """One difference as a sentence."""
    other = Source.COPY if source is Source.PRIMARY else Source.PRIMARY
    what = f"order {fact[0]} as {fact[1].value}" if isinstance(fact, tuple) else f"trade {fact}"
    return f"{source.value} told {what}, {other.value} did not"


def _facts(event: Event) -> tuple[Fact, ...]:
    match event:
        case FillReported(fill=fill):
            return (fill.trade_id,)
        case OrdersReported(orders=orders) | OpenOrdersListed(orders=orders):
            return tuple((one.venue_id, one.status, one.filled, one.price, one.size) for one in orders)
        case _:
            return ()
