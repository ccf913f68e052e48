"""The journal's tables, and how records become rows and rows become records. Knows SQL; knows no thread and no file."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Final, assert_never

from core.engine.records import JournalImage, Record, SavedFill, SavedLog, SavedMeta, SavedOrder
from core.model import (
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    Origin,
    OriginKind,
    Priority,
    Side,
    TimeInForce,
    TradeKey,
)
from core.units import ZERO, ClientOrderId, MarketId, TaskId, TradeId, VenueOrderId

VERSION: Final = 1
_RECENT_TRADES: Final = 2_000

# Ids of the venue stay below 2**63 (order_index of market 2**15 - 1 is below 2**63), so SQLite's integers hold them.
# Decimals are kept as text: exact, and readable with any SQLite tool.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS worlds (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, world INTEGER NOT NULL REFERENCES worlds (id),
    client_id INTEGER, venue_id INTEGER, task_id INTEGER, origin TEXT NOT NULL, origin_name TEXT NOT NULL,
    priority INTEGER NOT NULL, market_id INTEGER NOT NULL, side TEXT NOT NULL, type TEXT NOT NULL, tif TEXT NOT NULL,
    reduce_only INTEGER NOT NULL, size TEXT NOT NULL, price TEXT NOT NULL, status TEXT NOT NULL, filled TEXT NOT NULL,
    filled_quote TEXT NOT NULL, reason TEXT NOT NULL, created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL,
    is_closed INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS orders_by_client_id ON orders (client_id) WHERE task_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS orders_by_venue_id ON orders (world, venue_id) WHERE venue_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS orders_live ON orders (id) WHERE NOT is_closed;
CREATE TABLE IF NOT EXISTS fills (
    world INTEGER NOT NULL REFERENCES worlds (id), trade_id INTEGER NOT NULL,
    market_id INTEGER NOT NULL, side TEXT NOT NULL, size TEXT NOT NULL,
    price TEXT NOT NULL, fee TEXT NOT NULL, liquidity TEXT NOT NULL, venue_order_id INTEGER NOT NULL,
    client_order_id INTEGER, time_us INTEGER NOT NULL, origin TEXT NOT NULL, origin_name TEXT NOT NULL,
    PRIMARY KEY (world, trade_id, side)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fills_by_order ON fills (world, venue_order_id);
CREATE TABLE IF NOT EXISTS log (
    seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
);
"""

_ORDER_COLUMNS: Final = (
    "client_id, venue_id, task_id, origin, origin_name, priority, market_id, side, type, tif, reduce_only, size, "
    "price, status, filled, filled_quote, reason, created_us, updated_us"
)
_UPDATE_ORDER: Final = (
    "UPDATE orders SET client_id=coalesce(?, client_id), venue_id=coalesce(?, venue_id), task_id=?, origin=?, "
    "origin_name=?, priority=?, market_id=?, side=?, type=?, tif=?, reduce_only=?, size=?, price=?, status=?, "
    "filled=?, filled_quote=?, reason=?, created_us=?, updated_us=?, is_closed=? WHERE id=?"
)
_INSERT_ORDER: Final = (
    f"INSERT INTO orders ({_ORDER_COLUMNS}, is_closed, world) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
)
_INSERT_FILL: Final = "INSERT OR IGNORE INTO fills VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
_UPSERT_META: Final = "INSERT INTO meta VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value=excluded.value"

_OrderRow = tuple[
    int | None, int | None, int | None, str, str, int, int, str, str, str, int, str, str, str, str, str, str, int, int
]  # fmt: skip


def create(connection: sqlite3.Connection) -> None:
    """Create the tables that are missing and stamp the format's version."""
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version={VERSION}")


def enter(connection: sqlite3.Connection, world: str) -> int:
    """The row id of a world, new or known."""
    connection.execute("INSERT OR IGNORE INTO worlds (name) VALUES (?)", (world,))
    return int(connection.execute("SELECT id FROM worlds WHERE name=?", (world,)).fetchone()[0])


def write(connection: sqlite3.Connection, world: int, records: Iterable[Record]) -> None:
    """Write records in order, inside the caller's transaction."""
    for record in records:
        match record:
            case SavedOrder():
                _write_order(connection, world, record)
            case SavedFill():
                connection.execute(_INSERT_FILL, (world, *_fill_row(record)))
            case SavedMeta():
                connection.execute(_UPSERT_META, (record.key, record.value))
            case SavedLog():
                connection.execute(
                    "INSERT INTO log (at_us, kind, text) VALUES (?,?,?)", (record.at_us, record.kind, record.text)
                )
            case _:
                assert_never(record)


def _write_order(connection: sqlite3.Connection, world: int, saved: SavedOrder) -> None:
    values = (*_order_row(saved), int(saved.order.status.is_closed))
    # Another bot on the account may use client ids that look like ours: its orders go by the venue's id alone.
    client_id = None if saved.task_id is None else saved.order.client_id
    known = _row_id(connection, world, client_id, saved.order.venue_id)
    if known is None:
        connection.execute(_INSERT_ORDER, (*values, world))
    else:
        connection.execute(_UPDATE_ORDER, (*values, known))


def _row_id(
    connection: sqlite3.Connection, world: int, client_id: ClientOrderId | None, venue_id: VenueOrderId | None
) -> int | None:
    row: tuple[int] | None = None
    if client_id is not None:
        row = connection.execute(
            "SELECT id FROM orders WHERE client_id=? AND task_id IS NOT NULL", (client_id,)
        ).fetchone()
    if row is None and venue_id is not None:
        row = connection.execute("SELECT id FROM orders WHERE world=? AND venue_id=?", (world, venue_id)).fetchone()
    return None if row is None else row[0]


def find_order(
    connection: sqlite3.Connection, world: int, client_id: ClientOrderId | None, venue_id: VenueOrderId | None
) -> SavedOrder | None:
    """One order by either id."""
    found = _row_id(connection, world, client_id, venue_id)
    if found is None:
        return None
    return _read_order(connection, found)


def has_trade(connection: sqlite3.Connection, world: int, trade: TradeKey) -> bool:
    """Whether a fill is stored."""
    trade_id, side = trade
    found = connection.execute(
        "SELECT 1 FROM fills WHERE world=? AND trade_id=? AND side=?", (world, trade_id, side.value)
    ).fetchone()
    return found is not None


def load_image(connection: sqlite3.Connection, world: int) -> JournalImage:
    """Everything a restart begins with."""
    live: list[tuple[int]] = connection.execute("SELECT id FROM orders WHERE NOT is_closed ORDER BY id").fetchall()
    last_client, last_task = connection.execute(
        # An order placed elsewhere under an id of its own does not move our counter: only tasks are ours.
        "SELECT coalesce(max(client_id) FILTER (WHERE task_id IS NOT NULL), 0), coalesce(max(task_id), 0) FROM orders"
    ).fetchone()
    trades = connection.execute(
        "SELECT trade_id, side FROM fills WHERE world=? ORDER BY trade_id DESC LIMIT ?", (world, _RECENT_TRADES)
    )
    return JournalImage(
        live=tuple(_read_order(connection, row[0]) for row in live),
        meta=dict(connection.execute("SELECT key, value FROM meta").fetchall()),
        next_client_id=ClientOrderId(last_client + 1),
        next_task_id=TaskId(last_task + 1),
        recent_trades=tuple((TradeId(trade_id), Side(side)) for trade_id, side in trades),
    )


def _read_order(connection: sqlite3.Connection, row_id: int) -> SavedOrder:
    """One order, with what its fills add up to."""
    row: _OrderRow = connection.execute(f"SELECT {_ORDER_COLUMNS} FROM orders WHERE id=?", (row_id,)).fetchone()  # noqa: S608
    fills = connection.execute(
        "SELECT fills.size, fills.price FROM fills JOIN orders ON fills.world = orders.world "
        "AND fills.venue_order_id = orders.venue_id WHERE orders.id=?",
        (row_id,),
    )
    deals = [(Decimal(size), Decimal(price)) for size, price in fills]
    return replace(
        _order_of(row),
        booked=sum((size for size, _ in deals), ZERO),
        booked_quote=sum((size * price for size, price in deals), ZERO),
    )


def _order_row(saved: SavedOrder) -> _OrderRow:
    order, intent = saved.order, saved.order.intent
    return (
        order.client_id,
        order.venue_id,
        saved.task_id,
        saved.origin.kind.value,
        saved.origin.name,
        saved.priority.value,
        intent.market_id,
        intent.side.value,
        intent.type.value,
        intent.tif.value,
        int(intent.reduce_only),
        str(intent.size),
        str(intent.price),
        order.status.value,
        str(order.filled),
        str(order.filled_quote),
        order.reason,
        order.created_us,
        order.updated_us,
    )


def _order_of(row: _OrderRow) -> SavedOrder:
    client_id, venue_id, task_id, kind, name, priority, market_id, side, type_, tif, reduce_only = row[:11]
    size, price, status, filled, filled_quote, reason, created_us, updated_us = row[11:]
    intent = OrderIntent(
        market_id=MarketId(market_id),
        side=Side(side),
        type=OrderType(type_),
        size=Decimal(size),
        price=Decimal(price),
        tif=TimeInForce(tif),
        reduce_only=bool(reduce_only),
    )
    order = Order(
        intent=intent,
        status=OrderStatus(status),
        client_id=None if client_id is None else ClientOrderId(client_id),
        venue_id=None if venue_id is None else VenueOrderId(venue_id),
        filled=Decimal(filled),
        filled_quote=Decimal(filled_quote),
        reason=reason,
        created_us=created_us,
        updated_us=updated_us,
    )
    return SavedOrder(
        order=order,
        origin=Origin(OriginKind(kind), name),
        priority=Priority(priority),
        task_id=None if task_id is None else TaskId(task_id),
    )


def _fill_row(saved: SavedFill) -> tuple[int, int, str, str, str, str, str, int, int | None, int, str, str]:
    fill = saved.fill
    return (
        fill.trade_id,
        fill.market_id,
        fill.side.value,
        str(fill.size),
        str(fill.price),
        str(fill.fee),
        fill.liquidity.value,
        fill.venue_order_id,
        fill.client_order_id,
        fill.time_us,
        saved.origin.kind.value,
        saved.origin.name,
    )
