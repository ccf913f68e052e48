"""The order map: client id and venue id to everything known of an order, bounded by what is live plus a recent few.

One object, both ways in constant time. `settle` is the only way out of the live set, and eviction the only way out of
memory; the journal keeps a tombstone of whatever leaves. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from core.engine.working import Working
from core.errors import InvariantBroken
from core.model import (
    IN_FLIGHT,
    Order,
    OrderMapEntry,
    OrderMapSide,
    OrderStatus,
    OrderTask,
    OrderType,
    Origin,
    Priority,
    Side,
    TimeInForce,
)
from core.units import ZERO, ClientOrderId, MarketId, TaskId, VenueOrderId


@dataclass(slots=True, kw_only=True)
class Doubt:
    """How an order whose state is in question is being looked up; all moments monotonic nanoseconds."""

    since_ns: int
    next_ns: int
    look_ups: int = 0
    """Answers that showed no trace of it."""
    is_asked: bool = False
    """A look-up is on its way."""


@dataclass(slots=True, kw_only=True)
class Change:
    """A new size and price that was asked for and not shown by the venue yet."""

    size: Decimal
    price: Decimal
    next_ns: int
    """When to look the order up if nothing was shown by then."""
    expires_ns: int | None = None
    """Until when it may still take effect although nobody said that it was taken; None once somebody did."""


@dataclass(slots=True, kw_only=True, eq=False)
class Tracked:
    """One order and all that is known about it; owned by the machine, never shown."""

    order: Order
    origin: Origin
    priority: Priority = Priority.OPERATOR
    task_id: TaskId | None = None
    """None for an order placed elsewhere."""
    deadline_ns: int | None = None
    fill_by_ns: int | None = None
    change: Change | None = None
    created_ns: int = 0
    since_ns: int = 0
    """Since when it stands on its side of the map."""
    is_listed: bool = False
    """The venue shows it as open."""
    shown_ns: int = 0
    """When the venue first showed it; 0 for never in this process."""
    sent_ns: int = 0
    is_acked: bool = False
    """The venue's API took it."""
    wants_cancel: bool = False
    told_cancel: str = ""
    """What was last said of a cancel that did not get through."""
    cancel_ns: int = 0
    """When a cancel of it was last sent."""
    awaits_owner: bool = False
    """The journal is being asked who placed it; not saved meanwhile."""
    venue_us: int = 0
    """The venue's time of the newest report applied."""
    reported: Decimal = ZERO
    reported_quote: Decimal = ZERO
    booked: Decimal = ZERO
    """Sum of the fills booked for it; the venue's report may run ahead of them."""
    booked_quote: Decimal = ZERO
    counted: Decimal = ZERO
    """How much of `reported` a position report is known to contain."""
    doubt: Doubt | None = None
    saved: Order | None = None
    """The form that was last journalled."""
    _shown_task: OrderTask | None = field(default=None, repr=False)

    @property
    def is_ours(self) -> bool:
        """Whether it was placed here."""
        return self.task_id is not None

    @property
    def status(self) -> OrderStatus:
        """The order's status."""
        return self.order.status

    @property
    def market_id(self) -> MarketId:
        """The market it was placed in."""
        return self.order.intent.market_id

    @property
    def largest(self) -> Decimal:
        """Its size, or the one it may be about to get if that is larger, in base units."""
        size = self.order.intent.size
        return size if self.change is None else max(size, self.change.size)

    @property
    def at_risk(self) -> Decimal:
        """What of it may still trade at worst, in base units; zero once closed."""
        is_harmless = self.status.is_closed or self.is_waiting
        return ZERO if is_harmless else max(ZERO, self.largest - self.order.filled)

    @property
    def is_waiting(self) -> bool:
        """Whether it is the exit of a group: a market order that is not immediate, and shrinks what its lead did.

        The venue sizes it by the position, and ends it with its twin: counted as exposure it would be counted twice.
        """
        intent = self.order.intent
        return intent.type is OrderType.MARKET and intent.tif is TimeInForce.GTT and intent.reduce_only

    @property
    def prices(self) -> tuple[Decimal, ...]:
        """Where it may rest: at its price, and at the one a change on its way gives it."""
        price = self.order.intent.price
        return (price,) if self.change is None else (price, self.change.price)

    @property
    def was_sent(self) -> bool:
        """Whether its bytes may have left."""
        return self.status not in {OrderStatus.QUEUED, OrderStatus.DENIED}

    @property
    def side(self) -> OrderMapSide:
        """Who knows it."""
        if not self.is_ours:
            return OrderMapSide.VENUE
        return OrderMapSide.BOTH if self.is_listed and self.status not in IN_FLIGHT else OrderMapSide.OURS

    @property
    def note(self) -> str:
        """What is being done about it; empty when nothing needs to be."""
        if self.awaits_owner:
            return "asking the journal whose it is"
        notes = []
        if not self.is_ours:
            notes.append("placed elsewhere: counted in risk, left alone")
        if self.wants_cancel:
            notes.append("its cancel was asked for")
        if self.change is not None:
            notes.append(f"asked for {self.change.size} at {self.change.price} instead")
        if self.doubt is not None:
            times = self.doubt.look_ups
            word = "once" if times == 1 else f"{times} times"
            notes.append(f"looked up {word}, no trace of it" if times else "being looked up")
        return "; ".join(notes)

    def become(self, order: Order) -> None:
        """Take a newer form of the order."""
        self.order = order
        self._shown_task = None

    def claim(self, task_id: TaskId, origin: Origin, priority: Priority) -> None:
        """Recognise it as ours."""
        self.task_id, self.origin, self.priority = task_id, origin, priority
        self._shown_task = None

    def count(self) -> None:
        """Bring the order's filled size up to the larger of what was reported and what was booked."""
        filled, quote = max((self.reported, self.reported_quote), (self.booked, self.booked_quote))
        if (filled, quote) != (self.order.filled, self.order.filled_quote):
            self.become(replace(self.order, filled=filled, filled_quote=quote))

    def task(self) -> OrderTask:
        """The task as the desk sees it; the same object until something changes."""
        if self._shown_task is None:
            if self.task_id is None:
                raise InvariantBroken("an order placed elsewhere was asked for its task")
            self._shown_task = OrderTask(
                id=self.task_id,
                origin=self.origin,
                priority=self.priority,
                order=self.order,
                deadline_ns=self.deadline_ns,
                fill_by_ns=self.fill_by_ns,
                created_ns=self.created_ns,
            )
        return self._shown_task

    def entry(self) -> OrderMapEntry:
        """Its row of the order map."""
        return OrderMapEntry(
            side=self.side,
            order=self.order,
            task_id=self.task_id,
            origin=self.origin,
            since_ns=self.since_ns,
            note=self.note,
        )


class OrderMap:
    """Every order in memory: live ones without bound but the account's own, closed ones up to `recent_limit`."""

    def __init__(self, recent_limit: int) -> None:
        self._recent_limit = recent_limit
        self._live: dict[Tracked, None] = {}
        self._recent: dict[Tracked, None] = {}
        self._by_client: dict[ClientOrderId, Tracked] = {}
        self._by_venue: dict[VenueOrderId, Tracked] = {}
        self._by_task: dict[TaskId, Tracked] = {}
        self._by_market: dict[MarketId, dict[Tracked, None]] = {}
        self.working = Working()
        """What every order that may be live still wants, kept order by order."""

    def __len__(self) -> int:
        return len(self._live) + len(self._recent)

    @property
    def index_size(self) -> int:
        """Entries of all indexes together; at most three times the number of orders held."""
        return len(self._by_client) + len(self._by_venue) + len(self._by_task)

    def add(self, tracked: Tracked) -> None:
        """Take in a new order, live.

        Raises:
            InvariantBroken: one of its ids is taken.
        """
        client_id, venue_id = tracked.order.client_id, tracked.order.venue_id
        if (client_id in self._by_client and tracked.is_ours) or venue_id in self._by_venue:
            raise InvariantBroken(f"two orders with one id: client {client_id}, venue {venue_id}")
        self._enter(tracked)
        self._index(tracked)
        self.working.note(tracked)

    def link(self, tracked: Tracked, venue_id: VenueOrderId) -> None:
        """Note the venue's id of an order.

        Raises:
            InvariantBroken: it has another one already, or the id is another order's.
        """
        if tracked.order.venue_id == venue_id:
            return
        if tracked.order.venue_id is not None or venue_id in self._by_venue:
            raise InvariantBroken(f"order {tracked.order.client_id} cannot become the venue's {venue_id}")
        tracked.become(replace(tracked.order, venue_id=venue_id))
        self._by_venue[venue_id] = tracked

    def find(self, *, venue_id: VenueOrderId | None = None, client_id: ClientOrderId | None = None) -> Tracked | None:
        """The order of either id, live or recent; the venue's id wins."""
        found = None if venue_id is None else self._by_venue.get(venue_id)
        if found is None and client_id is not None:
            found = self._by_client.get(client_id)
        return found

    def match(
        self, *, venue_id: VenueOrderId, client_id: ClientOrderId | None, market_id: MarketId, side: Side
    ) -> Tracked | None:
        """The order that a venue's report or fill is about.

        Another bot on the account may use client ids that look like ours: an order matches by client id only if it
        was sent, has no other venue id, and stands in the same market on the same side.
        """
        by_venue = self._by_venue.get(venue_id)
        if by_venue is not None:
            return by_venue
        ours = None if client_id is None else self._by_client.get(client_id)
        if ours is None or not ours.was_sent or ours.order.venue_id is not None:
            return None
        is_same = ours.market_id == market_id and ours.order.intent.side is side
        return ours if is_same else None

    def of_task(self, task_id: TaskId) -> Tracked | None:
        """The order of a task, live or recent."""
        return self._by_task.get(task_id)

    def is_free(self, client_id: ClientOrderId) -> bool:
        """Whether no order in memory carries this client id."""
        return client_id not in self._by_client

    def settle(self, tracked: Tracked) -> None:
        """Put an order where its status says: into the recent few once closed, back among the live otherwise.

        The oldest recent order is forgotten, with its index entries, when there are too many.
        """
        is_live = tracked in self._live
        if tracked.task_id is not None and (is_live or tracked in self._recent):
            self._by_task[tracked.task_id] = tracked  # it may have been recognised as ours only now
        self.working.note(tracked)
        if tracked.status.is_closed and is_live:
            self._leave(tracked)
            self._recent[tracked] = None
            while len(self._recent) > self._recent_limit:
                self._forget(next(iter(self._recent)))
        elif not tracked.status.is_closed and not is_live:
            self._recent.pop(tracked, None)
            self._enter(tracked)
            self._index(tracked)

    def live(self) -> Iterator[Tracked]:
        """Everything queued or possibly live, oldest first."""
        return iter(tuple(self._live))

    def live_in(self, market_id: MarketId) -> Iterator[Tracked]:
        """What is queued or possibly live in one market."""
        return iter(self._by_market.get(market_id, ()))

    def live_markets(self) -> Iterator[MarketId]:
        """Markets with anything queued or possibly live."""
        return iter(self._by_market)

    def recent(self) -> Iterator[Tracked]:
        """Closed orders still in memory, newest first."""
        return reversed(self._recent)

    def may_be_live(self) -> int:
        """How many orders the venue may be holding."""
        return len(self.working)

    def open(self) -> int:
        """How many orders the venue has shown and not ended."""
        return sum(tracked.status.is_open for tracked in self._live)

    def in_flight(self) -> int:
        """How many orders were sent and not shown by the venue yet, or are in doubt."""
        return sum(tracked.status.is_in_flight for tracked in self._live)

    def _enter(self, tracked: Tracked) -> None:
        self._live[tracked] = None
        self._by_market.setdefault(tracked.market_id, {})[tracked] = None

    def _leave(self, tracked: Tracked) -> None:
        del self._live[tracked]
        in_market = self._by_market[tracked.market_id]
        del in_market[tracked]
        if not in_market:
            del self._by_market[tracked.market_id]

    def _forget(self, tracked: Tracked) -> None:
        del self._recent[tracked]
        client_id, venue_id = tracked.order.client_id, tracked.order.venue_id
        if client_id is not None and self._by_client.get(client_id) is tracked:
            del self._by_client[client_id]
        if venue_id is not None and self._by_venue.get(venue_id) is tracked:
            del self._by_venue[venue_id]
        if tracked.task_id is not None and self._by_task.get(tracked.task_id) is tracked:
            del self._by_task[tracked.task_id]

    def _index(self, tracked: Tracked) -> None:
        """Make it findable by its ids; one that another order carries stays that order's."""
        client_id, venue_id = tracked.order.client_id, tracked.order.venue_id
        if client_id is not None:
            self._by_client.setdefault(client_id, tracked)
        if venue_id is not None:
            self._by_venue.setdefault(venue_id, tracked)
        if tracked.task_id is not None:
            self._by_task.setdefault(tracked.task_id, tracked)
