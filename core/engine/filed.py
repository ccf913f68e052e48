"""Which row of the journal's table holds which order, and what is known of that row. Knows SQL; knows no thread."""

import sqlite3
from typing import Final

from core.engine import rows
from core.engine.records import SavedOrder
from core.engine.rows import StateValues, WishValues
from core.model import Order

_KNOWN_LIMIT: Final = 20_000
"""Rows that are remembered, so that they need not be looked up."""


class FiledOrder:
    """One order's row: where it is, and its newest values."""

    __slots__ = (
        "client_id", "intent", "is_changed", "is_closed", "is_new", "origin", "place", "priority", "seq", "state",
        "task_id", "values", "venue_id", "whose",
    )  # fmt: skip

    def __init__(self, place: int, record: SavedOrder, *, is_new: bool) -> None:
        """A row of which nothing is known but its place."""
        self.place: Final = place
        self.is_new = is_new
        """It is not stored yet."""
        self.is_changed = True
        """More changed than its state, as far as is known here: ids, or what was wanted."""
        self.is_closed = False
        """As it is stored."""
        self.client_id: int | None = None
        self.venue_id: int | None = None
        self.seq = 0
        """The row of the log that told it last."""
        self.state: StateValues
        self.take_wish(record)

    def take_wish(self, record: SavedOrder) -> None:
        """What does not change from one form of an order to the next, unless the order itself is changed."""
        self.intent = record.order.intent
        self.origin = record.origin
        self.priority, self.task_id = record.priority, record.task_id
        self.values: WishValues = rows.wish_values(record)
        self.whose: str = rows.whose(self.values[1], self.values[2])
        self.is_changed = True

    def take_ids(self, order: Order) -> None:
        """What was known of its ids stays known, also when a later form does not repeat it."""
        if order.client_id is not None and order.client_id != self.client_id:
            self.client_id = order.client_id
            self.is_changed = True
        if order.venue_id is not None and order.venue_id != self.venue_id:
            self.venue_id = order.venue_id
            self.is_changed = True


class FiledOrders:
    """The rows of one journal's orders in one world. A new order gets a new row."""

    def __init__(self, connection: sqlite3.Connection, world: int, last_client_id: int, last_task_id: int) -> None:
        """`last_client_id` and `last_task_id` are the highest that were ever given out."""
        self._connection: Final = connection
        self._world: Final = world
        self.last_client_id = last_client_id
        self.last_task_id = last_task_id
        self._next_row: int = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM orders").fetchone()[0]
        self._ours: dict[int, FiledOrder] = {}
        self._theirs: dict[int, FiledOrder] = {}
        self._places: dict[int, FiledOrder] = {}

    def of(self, record: SavedOrder) -> FiledOrder:
        """The row of an order, by our id first, with the ids and the wish that this form tells."""
        order = record.order
        # Another bot on the account may use client ids that look like ours: its orders go by the venue's id alone.
        client_id = None if record.task_id is None else order.client_id
        venue_id = order.venue_id
        filed = None if client_id is None else self._ours.get(client_id)
        if filed is None or filed.venue_id != venue_id:
            filed = filed or self._find(client_id, venue_id, record)
            filed.take_ids(order)
            if client_id is not None:
                self._ours[client_id] = filed
                self.last_client_id = max(self.last_client_id, client_id)
                self.last_task_id = max(self.last_task_id, record.task_id or 0)
            if venue_id is not None:
                self._theirs[venue_id] = filed
        # By identity: comparing values would cost as much as making them.
        is_same = order.intent is filed.intent and record.origin is filed.origin
        if not is_same or record.priority is not filed.priority or record.task_id != filed.task_id:
            filed.take_wish(record)
        return filed

    def tidy(self) -> None:
        """Forget what can be looked up; only when everything is stored."""
        if len(self._ours) + len(self._theirs) > _KNOWN_LIMIT:
            self._ours.clear()
            self._theirs.clear()
            self._places.clear()

    def _find(self, client_id: int | None, venue_id: int | None, record: SavedOrder) -> FiledOrder:
        place: int | None = None
        if client_id is not None and client_id <= self.last_client_id:
            place = rows.row_of_ours(self._connection, client_id)
        if place is None and venue_id is not None:
            known = self._theirs.get(venue_id)
            if known is not None:
                return known
            place = rows.row_of_theirs(self._connection, self._world, venue_id)
        is_new = place is None
        if place is None:
            place = self._next_row
            self._next_row += 1
        if (known := self._places.get(place)) is None:
            known = self._places[place] = FiledOrder(place, record, is_new=is_new)
        return known
