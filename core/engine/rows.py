"""The journal's tables, and how rows become records again. Knows SQL; knows no thread and no file.

`core.engine.scribe` writes the rows. Ids of the venue stay below 2**63 (order_index of market 2**15 - 1 is below
2**63), so SQLite's integers hold them. Decimals are kept as text: exact, and readable with any SQLite tool.
"""

import sqlite3
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from core.engine.records import JournalImage, SavedFill, SavedOrder
from core.model import (
    Liquidity,
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

VERSION: Final = 2
APPLICATION: Final = 0x4C54_4A4C
"""SQLite's `application_id`: this file is a journal of ours."""
_RECENT_TRADES: Final = 2_000

ID_COLUMNS: Final = ("client_id", "venue_id")
WISH_COLUMNS: Final = (
    "task_id", "origin", "origin_name", "priority", "market_id", "side", "type", "tif", "reduce_only", "size", "price",
)  # fmt: skip
STATE_COLUMNS: Final = ("status", "filled", "filled_quote", "reason", "created_us", "updated_us")
ORDER_COLUMNS: Final = (*ID_COLUMNS, *WISH_COLUMNS, *STATE_COLUMNS)
FILL_COLUMNS: Final = (
    "trade_id", "market_id", "side", "size", "price", "fee", "liquidity", "venue_order_id", "client_order_id",
    "time_us", "origin", "origin_name",
)  # fmt: skip
LOG_COLUMNS: Final = (
    "seq", "at_us", "kind", "world", "client_id", "venue_id", "market_id", "origin", "ref", "body", "digest",
)  # fmt: skip

# `log` is what happened, in order; `orders`, `fills` and `meta` are the newest form of what it tells, each row with the
# number of the log row that told it last. `head` is the newest log row and the highest ids ever given out.
SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, log_seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE worlds (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, world INTEGER NOT NULL REFERENCES worlds (id),
    client_id INTEGER, venue_id INTEGER, task_id INTEGER, origin TEXT NOT NULL, origin_name TEXT NOT NULL,
    priority INTEGER NOT NULL, market_id INTEGER NOT NULL, side TEXT NOT NULL, type TEXT NOT NULL, tif TEXT NOT NULL,
    reduce_only INTEGER NOT NULL, size TEXT NOT NULL, price TEXT NOT NULL, status TEXT NOT NULL, filled TEXT NOT NULL,
    filled_quote TEXT NOT NULL, reason TEXT NOT NULL, created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL,
    is_closed INTEGER NOT NULL, log_seq INTEGER NOT NULL
);
CREATE UNIQUE INDEX orders_by_client_id ON orders (client_id) WHERE task_id IS NOT NULL;
CREATE UNIQUE INDEX orders_by_venue_id ON orders (world, venue_id) WHERE venue_id IS NOT NULL;
CREATE INDEX orders_live ON orders (id) WHERE NOT is_closed;
CREATE TABLE fills (
    world INTEGER NOT NULL REFERENCES worlds (id), trade_id INTEGER NOT NULL,
    market_id INTEGER NOT NULL, side TEXT NOT NULL, size TEXT NOT NULL,
    price TEXT NOT NULL, fee TEXT NOT NULL, liquidity TEXT NOT NULL, venue_order_id INTEGER NOT NULL,
    client_order_id INTEGER, time_us INTEGER NOT NULL, origin TEXT NOT NULL, origin_name TEXT NOT NULL,
    log_seq INTEGER NOT NULL,
    PRIMARY KEY (world, trade_id, side)
) WITHOUT ROWID;
CREATE INDEX fills_by_order ON fills (world, venue_order_id);
CREATE TABLE log (
    seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kind TEXT NOT NULL, world INTEGER NOT NULL,
    client_id INTEGER, venue_id INTEGER, market_id INTEGER, origin TEXT NOT NULL, ref INTEGER, body TEXT NOT NULL,
    digest BLOB NOT NULL
);
CREATE INDEX log_anchors ON log (seq) WHERE kind='anchor';
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, digest BLOB NOT NULL,
    client_id INTEGER NOT NULL, task_id INTEGER NOT NULL, owner TEXT NOT NULL
);
"""

OrderRow = tuple[
    int | None, int | None, int | None, str, str, int, int, str, str, str, int, str, str, str, str, str, str, int, int
]  # fmt: skip
"""The values of `ORDER_COLUMNS`."""
WishValues = tuple[int | None, str, str, int, int, str, str, str, int, str, str]
"""The values of `WISH_COLUMNS`."""
StateValues = tuple[str, str, str, str, int, int]
"""The values of `STATE_COLUMNS`."""
FillRow = tuple[int, int, str, str, str, str, str, int, int | None, int, str, str]
"""The values of `FILL_COLUMNS`."""

# An enum computes `value` in Python at each reading; a dictionary is asked in a fifth of that time.
_STATUS: Final = {status: status.value for status in OrderStatus}
_SIDE: Final = {side: side.value for side in Side}
_TYPE: Final = {type_: type_.value for type_ in OrderType}
_TIF: Final = {tif: tif.value for tif in TimeInForce}
_KIND: Final = {kind: kind.value for kind in OriginKind}
_PRIORITY: Final = {priority: priority.value for priority in Priority}
_LIQUIDITY: Final = {liquidity: liquidity.value for liquidity in Liquidity}
_SELECT_ORDER: Final = f"SELECT world, {', '.join(ORDER_COLUMNS)} FROM orders WHERE id=?"  # noqa: S608
_SELECT_DEALS: Final = "SELECT size, price FROM fills WHERE world=? AND venue_order_id=?"


def enter(connection: sqlite3.Connection, world: str) -> int:
    """The row id of a world, new or known."""
    connection.execute("INSERT OR IGNORE INTO worlds (name) VALUES (?)", (world,))
    return int(connection.execute("SELECT id FROM worlds WHERE name=?", (world,)).fetchone()[0])


def row_of_ours(connection: sqlite3.Connection, client_id: int) -> int | None:
    """Which row holds the order that we placed under this id."""
    row: tuple[int] | None = connection.execute(
        "SELECT id FROM orders WHERE client_id=? AND task_id IS NOT NULL", (client_id,)
    ).fetchone()
    return None if row is None else row[0]


def row_of_theirs(connection: sqlite3.Connection, world: int, venue_id: int) -> int | None:
    """Which row holds the order that the venue calls by this id."""
    row: tuple[int] | None = connection.execute(
        "SELECT id FROM orders WHERE world=? AND venue_id=?", (world, venue_id)
    ).fetchone()
    return None if row is None else row[0]


def find_order(
    connection: sqlite3.Connection, world: int, client_id: ClientOrderId | None, venue_id: VenueOrderId | None
) -> SavedOrder | None:
    """One order by either id."""
    found = None if client_id is None else row_of_ours(connection, client_id)
    if found is None and venue_id is not None:
        found = row_of_theirs(connection, world, venue_id)
    return None if found is None else read_order(connection, found)


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
    last_client, last_task = connection.execute("SELECT client_id, task_id FROM head").fetchone()
    trades = connection.execute(
        "SELECT trade_id, side FROM fills WHERE world=? ORDER BY trade_id DESC LIMIT ?", (world, _RECENT_TRADES)
    )
    return JournalImage(
        live=tuple(read_order(connection, row[0]) for row in live),
        meta=dict(connection.execute("SELECT key, value FROM meta").fetchall()),
        next_client_id=ClientOrderId(last_client + 1),
        next_task_id=TaskId(last_task + 1),
        recent_trades=tuple((TradeId(trade_id), Side(side)) for trade_id, side in trades),
    )


def read_order(connection: sqlite3.Connection, row_id: int) -> SavedOrder:
    """One order, with what its fills add up to."""
    world, *values = connection.execute(_SELECT_ORDER, (row_id,)).fetchone()
    row: OrderRow = tuple(values)
    saved = _order_of(row)
    venue_id = saved.order.venue_id
    if venue_id is None:  # a fill names the venue's id
        return saved
    deals = [(Decimal(size), Decimal(price)) for size, price in connection.execute(_SELECT_DEALS, (world, venue_id))]
    return replace(
        saved,
        booked=sum((size for size, _ in deals), ZERO),
        booked_quote=sum((size * price for size, price in deals), ZERO),
    )


def order_row(saved: SavedOrder) -> OrderRow:
    """An order as the values of `ORDER_COLUMNS`."""
    order = saved.order
    return (order.client_id, order.venue_id, *wish_values(saved), *state_values(order))


def wish_values(saved: SavedOrder) -> WishValues:
    """What stays the same from change to change, as the values of `WISH_COLUMNS`."""
    intent, origin = saved.order.intent, saved.origin
    return (
        saved.task_id,
        _KIND[origin.kind],
        origin.name,
        _PRIORITY[saved.priority],
        intent.market_id,
        _SIDE[intent.side],
        _TYPE[intent.type],
        _TIF[intent.tif],
        int(intent.reduce_only),
        str(intent.size),
        str(intent.price),
    )


def state_values(order: Order) -> StateValues:
    """What changes in the life of an order, as the values of `STATE_COLUMNS`."""
    return (
        _STATUS[order.status],
        str(order.filled),
        str(order.filled_quote),
        order.reason,
        order.created_us,
        order.updated_us,
    )


def _order_of(row: OrderRow) -> SavedOrder:
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


def whose(kind: str, name: str) -> str:
    """As `str(Origin)`, of its columns."""
    return f"{kind} {name}" if name else kind


def fill_row(saved: SavedFill) -> FillRow:
    """A fill as the values of `FILL_COLUMNS`."""
    fill = saved.fill
    return (
        fill.trade_id,
        fill.market_id,
        _SIDE[fill.side],
        str(fill.size),
        str(fill.price),
        str(fill.fee),
        _LIQUIDITY[fill.liquidity],
        fill.venue_order_id,
        fill.client_order_id,
        fill.time_us,
        _KIND[saved.origin.kind],
        saved.origin.name,
    )
