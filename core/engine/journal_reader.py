"""Reading a journal's log on a connection of its own, while an engine may be writing it. Never writes.

The desk's history and the commands `journal show|export` are made of this.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from core.engine import rows
from core.engine.records import MARKETS
from core.engine.scribe import FILL, META, ORDER
from core.errors import JournalError
from core.history import MAX_ROWS, HistoryQuery, HistoryRow
from core.units import ClientOrderId, MarketId, VenueOrderId

_BUSY_S: Final = 5.0
_COLUMNS: Final = (
    "log.seq, log.at_us, log.kind, worlds.name, log.client_id, log.venue_id, log.market_id, log.origin, log.body"
)

_NAMES: Final = ("seq", "at_us", "kind", "world", "client_id", "venue_id", "market_id", "origin")

_Row = tuple[int, int, str, str | None, int | None, int | None, int | None, str, str]


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can read and nothing else.

    Raises:
        JournalError: there is no journal, or none that this version reads.
    """
    if not path.is_file():
        raise JournalError(f"{path}: expected a journal, found none; name another with --profile or --file")
    try:
        connection = _connect(path)
        try:
            application = int(connection.execute("PRAGMA application_id").fetchone()[0])
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.Error:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise JournalError(f"{path}: expected a journal of lighter-tui, got: {error}") from None
    if (application, found) != (rows.APPLICATION, rows.VERSION):
        connection.close()
        is_ours = application == rows.APPLICATION or found == 1
        got = f"format {found}" if is_ours else "an SQLite database of something else"
        raise JournalError(f"{path}: expected a journal of format {rows.VERSION}, got {got}")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    """Also where nothing may be written: on a medium that is read-only, a journal that was closed in good order."""
    address = path.absolute().as_uri()
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        return sqlite3.connect(f"{address}?immutable=1", uri=True, isolation_level=None)
    return connection


def search(path: Path, query: HistoryQuery) -> tuple[HistoryRow, ...]:
    """The newest rows that fit, newest first. Blocks for as long as the disk takes: never call it on a UI's loop.

    Raises:
        JournalError: it cannot be read.
    """
    with closing(open_reader(path)) as connection:
        try:
            return tuple(found(connection, query))
        except sqlite3.Error as error:
            raise JournalError(f"{path}: what is stored cannot be read: {error}") from None


def found(connection: sqlite3.Connection, query: HistoryQuery) -> Iterator[HistoryRow]:
    """The newest rows that fit, newest first."""
    where, values = _conditions(query)
    limit = max(1, min(query.limit, MAX_ROWS))
    statement = (
        f"SELECT {_COLUMNS} FROM log LEFT JOIN worlds ON worlds.id = log.world "  # noqa: S608 - no value stands in it
        f"WHERE {where} ORDER BY log.seq DESC LIMIT ?"
    )
    for row in connection.execute(statement, (*values, limit)):
        yield _shown(row)


def exported(connection: sqlite3.Connection, query: HistoryQuery) -> Iterator[bytes]:
    """Every row that fits, oldest first, each as one line of JSON; the limit does not count here.

    With `world_id` and `ref`, a line holds all that its `digest` covers: see `core.engine.chain`.
    """
    where, values = _conditions(query)
    statement = (
        f"SELECT {_COLUMNS}, log.world, log.ref, log.digest FROM log LEFT JOIN worlds ON worlds.id = log.world "  # noqa: S608
        f"WHERE {where} ORDER BY log.seq"
    )
    for row in connection.execute(statement, values):
        yield _json_line(row)


def archive_lines(connection: sqlite3.Connection, after: int, upto: int) -> Iterator[bytes]:
    """The rows after one number and up to another, as `exported` gives them."""
    statement = (
        f"SELECT {_COLUMNS}, log.world, log.ref, log.digest FROM log LEFT JOIN worlds ON worlds.id = log.world "  # noqa: S608
        "WHERE log.seq > ? AND log.seq <= ? ORDER BY log.seq"
    )
    for row in connection.execute(statement, (after, upto)):
        yield _json_line(row)


def _json_line(row: Sequence[object]) -> bytes:
    *shown, body, world_id, ref, digest = row
    line: dict[str, object] = dict(zip(_NAMES, shown, strict=True))
    line |= {"body": msgspec.Raw(str(body).encode()), "world_id": world_id, "ref": ref}
    line["digest"] = digest.hex() if isinstance(digest, bytes) else digest
    return msgspec.json.encode(line) + b"\n"


def symbols(connection: sqlite3.Connection) -> Mapping[int, str]:
    """What the venue calls its markets, as the newest run heard it."""
    row = connection.execute("SELECT value FROM meta WHERE key=?", (MARKETS,)).fetchone()
    pairs = [part.partition(" ") for part in row[0].split(",")] if row and row[0] else []
    return {int(number): symbol for number, _, symbol in pairs}


def _conditions(query: HistoryQuery) -> tuple[str, list[str | int]]:
    """The query as SQL; every value is bound, none is pasted."""
    terms: list[str] = ["1"]
    values: list[str | int] = []
    if query.kinds:
        terms.append(f"log.kind IN ({','.join('?' * len(query.kinds))})")
        values += query.kinds
    if query.order_id is not None:
        terms.append("(log.client_id=? OR log.venue_id=?)")
        values += [query.order_id, query.order_id]
    for term, value in (
        ("log.market_id=?", query.market_id),
        ("log.at_us>=?", query.since_us),
        ("log.at_us<=?", query.until_us),
        ("log.seq<?", query.before_seq),
        ("instr(log.origin, ?)", query.origin or None),
        ("instr(log.body, ?)", query.text or None),
    ):
        if value is not None:
            terms.append(term)
            values.append(value)
    return " AND ".join(terms), values


def _shown(row: _Row) -> HistoryRow:
    seq, at_us, kind, world, client_id, venue_id, market_id, origin, body = row
    return HistoryRow(
        seq=seq,
        at_us=at_us,
        kind=kind,
        text=_sentence(kind, msgspec.json.decode(body, type=dict[str, str | int | bool | None])),
        world=world or "",
        client_id=None if client_id is None else ClientOrderId(client_id),
        venue_id=None if venue_id is None else VenueOrderId(venue_id),
        market_id=None if market_id is None else MarketId(market_id),
        origin=origin,
        body=body,
    )


def _sentence(kind: str, body: Mapping[str, str | int | bool | None]) -> str:
    """What a row says, for whoever reads it."""
    if kind == ORDER:
        wanted = f"{body['side']} {body['size']} at {body['price']}, {body['type']}, {body['tif']}"
        reason = f" ({body['reason']})" if body["reason"] else ""
        return f"{body['status']}: {wanted}; filled {body['filled']}{reason}"
    if kind == FILL:
        deal = f"{body['side']} {body['size']} at {body['price']}"
        return f"trade {body['trade_id']}: {deal}, {body['liquidity']}, fee {body['fee']}"
    if kind == META:
        return f"{body['key']} = {body['value']!r}" if body["value"] else f"{body['key']} is cleared"
    return str(body.get("text", ""))
