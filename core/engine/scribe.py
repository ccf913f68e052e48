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
from core.engine.filed import FiledOrder, FiledOrders
from core.engine.inserts import Inserts
from core.engine.records import Record, SavedCommand, SavedFill, SavedLog, SavedMeta, SavedOrder
from core.engine.rows import FILL_COLUMNS, LOG_COLUMNS, ORDER_COLUMNS, STATE_COLUMNS
from core.model import OrderStatus

ORDER: Final = "order"
FILL: Final = "fill"
META: Final = "meta"
CLOCK: Final = "clock"
_JUMP_US: Final = SECOND_US
"""A wall clock that moves this much otherwise than time passed has jumped."""

_CLOSED: Final = frozenset(status.value for status in OrderStatus if status.is_closed)

_LOG: Final = Inserts("log", LOG_COLUMNS)
_ORDERS: Final = Inserts("orders", (*ORDER_COLUMNS, "is_closed", "log_seq", "world", "id"))
_FILLS: Final = Inserts("fills", ("world", *FILL_COLUMNS, "log_seq"), verb="INSERT OR IGNORE")
_UPDATE_ORDER: Final = (
    "UPDATE orders SET client_id=coalesce(?, client_id), venue_id=coalesce(?, venue_id), "  # noqa: S608
    f"{', '.join(f'{name}=?' for name in ORDER_COLUMNS[2:])}, is_closed=?, log_seq=? WHERE id=?"
)
_STATE: Final = ", ".join(f"{name}=?" for name in STATE_COLUMNS)
# SQLite writes an index anew for every column of it that is named, changed or not: most changes name none.
_CLOSE_ORDER: Final = f"UPDATE orders SET {_STATE}, is_closed=1, log_seq=? WHERE id=?"  # noqa: S608
_MOVE_ORDER: Final = f"UPDATE orders SET {_STATE}, log_seq=? WHERE id=?"  # noqa: S608
_UPSERT_META: Final = (
    "INSERT INTO meta (key, value, log_seq) VALUES (?,?,?) "
    "ON CONFLICT (key) DO UPDATE SET value=excluded.value, log_seq=excluded.log_seq"
)
_UPDATE_HEAD: Final = "UPDATE head SET seq=?, digest=?, client_id=?, task_id=?"

_OrderBody = msgspec.defstruct("_OrderBody", list(ORDER_COLUMNS), gc=False)
_FillBody = msgspec.defstruct("_FillBody", list(FILL_COLUMNS), gc=False)
"""Bodies by the names of their columns; structs are encoded in half the time of dicts."""


class Scribe:
    """The writing end of one journal: where its chain stands, and what a group makes of its tables."""

    def __init__(self, connection: sqlite3.Connection, world: int) -> None:
        """Take up the chain where it ended."""
        self.connection: Final = connection
        self._world: Final = world
        self.seq, self.digest, client_id, task_id = connection.execute(
            "SELECT seq, digest, client_id, task_id FROM head"
        ).fetchone()
        self._filed: Final = FiledOrders(connection, world, client_id, task_id)
        self._last: Instant | None = None
        self._log: list[LogColumns] = []
        """This group's rows of the log, and beside them what they tell."""
        self._told: list[object] = []
        self._fills: list[object] = []
        """This group's rows of fills, their values one after another."""
        self._orders: dict[int, FiledOrder] = {}
        """The orders that this group changes, by their rows."""

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
                        self._put_meta(record)
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
            self.seq += 1
            self._log.append(
                (self.seq, moment.utc_us, ORDER, world, client_id, venue_id, market_id, rows.whose(kind, name), place)
            )
            self._told.append(_OrderBody(*row))
            self.connection.execute("UPDATE orders SET log_seq=? WHERE id=?", (self.seq, place))
        for key, value in self.connection.execute("SELECT key, value FROM meta WHERE log_seq <= ?", (upto,)).fetchall():
            self._add(moment.utc_us, META, {"key": key, "value": value})
            self.connection.execute(_UPSERT_META, (key, value, self.seq))
        self._flush()

    def _flush(self) -> None:
        connection, filed = self.connection, self._filed
        logged, self.digest = link_all(self.digest, self._log, self._told)
        _LOG.put(connection, logged)
        self._put_orders()
        _FILLS.put(connection, self._fills)
        connection.execute(_UPDATE_HEAD, (self.seq, self.digest, filed.last_client_id, filed.last_task_id))
        self._log, self._told, self._fills, self._orders = [], [], [], {}
        filed.tidy()

    def _put_orders(self) -> None:
        """Each order that changed is stored once, in its newest form, with the statement that costs least."""
        inserted: list[object] = []
        changed: list[tuple[object, ...]] = []
        closed: list[tuple[object, ...]] = []
        moved: list[tuple[object, ...]] = []
        for place, one in self._orders.items():
            is_closed = one.state[0] in _CLOSED
            if one.is_new:
                inserted += (one.client_id, one.venue_id, *one.values, *one.state)
                inserted += (is_closed, one.seq, self._world, place)
            elif one.is_changed or one.is_closed:
                ids = (one.client_id, one.venue_id)
                changed.append((*ids, *one.values, *one.state, is_closed, one.seq, place))
            else:
                (closed if is_closed else moved).append((*one.state, one.seq, place))
            one.is_new = one.is_changed = False
            one.is_closed = is_closed
        _ORDERS.put(self.connection, inserted)
        for statement, values in ((_UPDATE_ORDER, changed), (_CLOSE_ORDER, closed), (_MOVE_ORDER, moved)):
            if values:
                self.connection.executemany(statement, values)

    def _put_meta(self, record: SavedMeta) -> None:
        """An empty value is one that is gone: names such as those of plans would pile up for ever."""
        if record.value:
            self.connection.execute(_UPSERT_META, (record.key, record.value, self.seq))
        else:
            self.connection.execute("DELETE FROM meta WHERE key=?", (record.key,))

    def _add(self, at_us: int, kind: str, body: object) -> None:
        """A row of the log that is about nothing but itself."""
        self.seq += 1
        self._log.append((self.seq, at_us, kind, self._world, None, None, None, "", None))
        self._told.append(body)

    def _take_log(self, record: SavedLog) -> None:
        ids = (record.client_id, record.venue_id, record.market_id, record.origin, None)
        self.seq += 1
        self._log.append((self.seq, record.at_us, record.kind, self._world, *ids))
        self._told.append({"text": record.text, **record.details})

    def _take_fill(self, record: SavedFill, at_us: int) -> None:
        fill, row = record.fill, rows.fill_row(record)
        ids = (fill.client_order_id, fill.venue_order_id, fill.market_id, rows.whose(row[-2], row[-1]), fill.trade_id)
        self.seq += 1
        self._log.append((self.seq, at_us, FILL, self._world, *ids))
        self._told.append(_FillBody(*row))
        self._fills += (self._world, *row, self.seq)

    def _take_order(self, record: SavedOrder, at_us: int) -> None:
        order = record.order
        filed = self._filed.of(record)
        client_id, venue_id, place = order.client_id, order.venue_id, filed.place
        self.seq = filed.seq = self.seq + 1
        filed.state = rows.state_values(order)
        market_id = order.intent.market_id
        self._log.append((self.seq, at_us, ORDER, self._world, client_id, venue_id, market_id, filed.whose, place))
        self._told.append(_OrderBody(client_id, venue_id, *filed.values, *filed.state))
        self._orders[place] = filed

    def _watch_clock(self, moment: Instant) -> None:
        """Rows keep the order of writing; where the wall clock jumped between two of them, the log says so."""
        last, self._last = self._last, moment
        if last is None:
            return
        jump_us = (moment.utc_us - last.utc_us) - (moment.mono_ns - last.mono_ns) // 1_000
        if not -_JUMP_US < jump_us < _JUMP_US:
            self._take_log(jump(jump_us, "since the row before", moment))


def jump(jump_us: int, since: str, now: Instant) -> SavedLog:
    """What the log says of a clock that jumped."""
    way = "ahead" if jump_us > 0 else "back"
    seconds, rest = divmod(abs(jump_us), SECOND_US)
    text = f"the clock went {way} by {seconds}.{rest // 1_000:03} s {since}"
    return SavedLog(at_us=now.utc_us, kind=CLOCK, text=text, details={"jump_us": jump_us})
