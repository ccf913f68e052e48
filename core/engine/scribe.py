"""Writes records into the journal's tables, a group at a time, each with its row in the chained log. Knows no thread.

An order that changes several times within one group gets a log row for each change and is stored once.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, assert_never

import msgspec

from core.clock import SECOND_US, Instant
from core.engine import rows
from core.engine.chain import LogColumns, link_all
from core.engine.entries import command_entry
from core.engine.inserts import Inserts
from core.engine.records import Record, SavedCommand, SavedFill, SavedLog, SavedMeta, SavedOrder
from core.engine.rows import FILL_COLUMNS, LOG_COLUMNS, ORDER_COLUMNS, WishValues
from core.model import OrderIntent, OrderStatus, Origin

ORDER: Final = "order"
FILL: Final = "fill"
META: Final = "meta"
CLOCK: Final = "clock"
_JUMP_US: Final = SECOND_US
"""A wall clock that moves this much otherwise than time passed has jumped."""
_KNOWN_LIMIT: Final = 20_000
"""Rows of orders whose place is remembered, so that it need not be looked up."""

_STATUS_AT: Final = ORDER_COLUMNS.index("status")
_CLOSED: Final = frozenset(status.value for status in OrderStatus if status.is_closed)

_LOG: Final = Inserts("log", LOG_COLUMNS)
_ORDERS: Final = Inserts("orders", (*ORDER_COLUMNS, "is_closed", "log_seq", "world", "id"))
_FILLS: Final = Inserts("fills", ("world", *FILL_COLUMNS, "log_seq"), verb="INSERT OR IGNORE")
_UPDATE_ORDER: Final = (
    "UPDATE orders SET client_id=coalesce(?, client_id), venue_id=coalesce(?, venue_id), "  # noqa: S608
    f"{', '.join(f'{name}=?' for name in ORDER_COLUMNS[2:])}, is_closed=?, log_seq=? WHERE id=?"
)
_UPSERT_META: Final = (
    "INSERT INTO meta (key, value, log_seq) VALUES (?,?,?) "
    "ON CONFLICT (key) DO UPDATE SET value=excluded.value, log_seq=excluded.log_seq"
)
_UPDATE_HEAD: Final = "UPDATE head SET seq=?, digest=?, client_id=?, task_id=?"

_Ids = tuple[int | None, int | None, int | None, str, int | None]
"""client_id, venue_id, market_id, origin, ref."""
_NO_IDS: Final[_Ids] = (None, None, None, "", None)

_OrderBody = msgspec.defstruct("_OrderBody", list(ORDER_COLUMNS), gc=False)
_FillBody = msgspec.defstruct("_FillBody", list(FILL_COLUMNS), gc=False)
"""Bodies by the names of their columns; structs are encoded in half the time of dicts."""


class Scribe:
    """The writing end of one journal: where its chain stands, and which row holds which order."""

    def __init__(self, connection: sqlite3.Connection, world: int) -> None:
        """Take up the chain where it ended."""
        self.connection: Final = connection
        self._world: Final = world
        self.seq, self.digest, self._client_id, self._task_id = connection.execute(
            "SELECT seq, digest, client_id, task_id FROM head"
        ).fetchone()
        self._next_row: int = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM orders").fetchone()[0]
        self._ours: dict[int, int] = {}
        self._theirs: dict[int, int] = {}
        self._last: Instant | None = None
        self._wishes: dict[int, _Wish] = {}
        self._log: list[LogColumns] = []
        """This group's rows of the log, and beside them what they tell."""
        self._told: list[object] = []
        self._fills: list[object] = []
        """This group's rows of fills, their values one after another."""
        self._orders: dict[int, tuple[tuple[object, ...], int]] = {}
        """What this group makes of each order's row: values, and the log row that told it."""
        self._new: set[int] = set()

    def write(self, group: Iterable[tuple[Instant, Sequence[Record]]]) -> None:
        """Write every record, in order, each with the moment it was handed over; inside the caller's transaction."""
        for moment, records in group:
            self._watch_clock(moment)
            for record in records:
                match record:
                    case SavedOrder():
                        self._take_order(record, moment.utc_us)
                    case SavedFill():
                        self._take_fill(record, moment.utc_us)
                    case SavedMeta():
                        self._add(moment.utc_us, META, {"key": record.key, "value": record.value})
                        self.connection.execute(_UPSERT_META, (record.key, record.value, self.seq))
                    case SavedLog():
                        self._take_log(record)
                    case SavedCommand():
                        self._take_log(command_entry(record))
                    case _:
                        assert_never(record)
        self._flush()

    def tell_again(self, moment: Instant, upto: int) -> None:
        """Tell of live orders and named values that only rows up to `upto` tell of; inside the caller's transaction."""
        names = ", ".join(ORDER_COLUMNS)
        live = self.connection.execute(
            f"SELECT id, world, {names} FROM orders WHERE NOT is_closed AND log_seq <= ? ORDER BY id",  # noqa: S608
            (upto,),
        ).fetchall()
        for place, world, *row in live:
            client_id, venue_id, _, kind, name, _, market_id = row[:7]
            ids = (client_id, venue_id, market_id, _whose(kind, name), place)
            self._add(moment.utc_us, ORDER, _OrderBody(*row), ids, world)
            self.connection.execute("UPDATE orders SET log_seq=? WHERE id=?", (self.seq, place))
        for key, value in self.connection.execute("SELECT key, value FROM meta WHERE log_seq <= ?", (upto,)).fetchall():
            self._add(moment.utc_us, META, {"key": key, "value": value})
            self.connection.execute(_UPSERT_META, (key, value, self.seq))
        self._flush()

    def _flush(self) -> None:
        connection, fresh = self.connection, self._new
        logged, self.digest = link_all(self.digest, self._log, self._told)
        _LOG.put(connection, logged)
        inserted: list[object] = []
        updated: list[tuple[object, ...]] = []
        for at, (row, seq) in self._orders.items():
            is_closed = row[_STATUS_AT] in _CLOSED
            if at in fresh:
                inserted += (*row, is_closed, seq, self._world, at)
            else:
                updated.append((*row, is_closed, seq, at))
        _ORDERS.put(connection, inserted)
        connection.executemany(_UPDATE_ORDER, updated)
        _FILLS.put(connection, self._fills)
        connection.execute(_UPDATE_HEAD, (self.seq, self.digest, self._client_id, self._task_id))
        self._log, self._told, self._fills, self._orders, self._new = [], [], [], {}, set()
        if len(self._ours) + len(self._theirs) > _KNOWN_LIMIT:
            self._ours.clear()
            self._theirs.clear()
            self._wishes.clear()

    def _add(self, at_us: int, kind: str, body: object, ids: _Ids = _NO_IDS, world: int | None = None) -> None:
        self.seq += 1
        self._log.append((self.seq, at_us, kind, world or self._world, *ids))
        self._told.append(body)

    def _take_log(self, record: SavedLog) -> None:
        body = {"text": record.text, **record.details}
        ids = (record.client_id, record.venue_id, record.market_id, record.origin, None)
        self._add(record.at_us, record.kind, body, ids)

    def _take_fill(self, record: SavedFill, at_us: int) -> None:
        fill, row = record.fill, rows.fill_row(record)
        ids = (fill.client_order_id, fill.venue_order_id, fill.market_id, _whose(*row[-2:]), fill.trade_id)
        self._add(at_us, FILL, _FillBody(*row), ids)
        self._fills += (self._world, *row, self.seq)

    def _take_order(self, record: SavedOrder, at_us: int) -> None:
        order = record.order
        # Another bot on the account may use client ids that look like ours: its orders go by the venue's id alone.
        client_id = None if record.task_id is None else order.client_id
        place = self._place(client_id, order.venue_id)
        if client_id is not None:
            self._ours[client_id] = place
            self._client_id = max(self._client_id, client_id)
            self._task_id = max(self._task_id, record.task_id or 0)
        if order.venue_id is not None:
            self._theirs[order.venue_id] = place
        wish = self._wishes.get(place)
        if wish is None or not wish.is_of(record):
            wish = self._wishes[place] = _Wish(record)
        row: tuple[object, ...] = (order.client_id, order.venue_id, *wish.values, *rows.state_values(order))
        ids = (order.client_id, order.venue_id, order.intent.market_id, wish.whose, place)
        self._add(at_us, ORDER, _OrderBody(*row), ids)
        if (before := self._orders.get(place)) is not None:
            client, venue, *rest = row  # what was known of its ids stays known
            known_client, known_venue = before[0][:2]
            ids_first = (known_client if client is None else client, known_venue if venue is None else venue)
            row = (*ids_first, *rest)
        self._orders[place] = (row, self.seq)

    def _place(self, client_id: int | None, venue_id: int | None) -> int:
        """The row of an order, by our id first; a new one when nothing is known of it."""
        found: int | None = None
        if client_id is not None:
            found = self._ours.get(client_id)
            if found is None and client_id <= self._client_id:
                found = rows.row_of_ours(self.connection, client_id)
        if found is None and venue_id is not None:
            found = self._theirs.get(venue_id)
            if found is None:
                found = rows.row_of_theirs(self.connection, self._world, venue_id)
        if found is None:
            found = self._next_row
            self._next_row += 1
            self._new.add(found)
        return found

    def _watch_clock(self, moment: Instant) -> None:
        """Rows keep the order of writing; where the wall clock jumped between two of them, the log says so."""
        last, self._last = self._last, moment
        if last is None:
            return
        jump_us = (moment.utc_us - last.utc_us) - (moment.mono_ns - last.mono_ns) // 1_000
        if abs(jump_us) >= _JUMP_US:
            self._take_log(jump(jump_us, "since the row before", moment))


class _Wish:
    """What does not change from one row of an order to the next, as columns."""

    __slots__ = ("_intent", "_origin", "_priority", "_task_id", "values", "whose")

    def __init__(self, record: SavedOrder) -> None:
        self._intent: OrderIntent = record.order.intent
        self._origin: Origin = record.origin
        self._priority, self._task_id = record.priority, record.task_id
        self.values: WishValues = rows.wish_values(record)
        self.whose: str = _whose(record.origin.kind.value, record.origin.name)

    def is_of(self, record: SavedOrder) -> bool:
        """Whether a record holds these very values: the same objects, for comparing would cost as much as making."""
        return (
            record.order.intent is self._intent
            and record.origin is self._origin
            and record.priority is self._priority
            and record.task_id == self._task_id
        )


def _whose(kind: str, name: str) -> str:
    """As `str(Origin)`."""
    return f"{kind} {name}" if name else kind


def jump(jump_us: int, since: str, now: Instant) -> SavedLog:
    """What the log says of a clock that jumped."""
    way = "ahead" if jump_us > 0 else "back"
    seconds, rest = divmod(abs(jump_us), SECOND_US)
    text = f"the clock went {way} by {seconds}.{rest // 1_000:03} s {since}"
    return SavedLog(at_us=now.utc_us, kind=CLOCK, text=text, details={"jump_us": jump_us})
