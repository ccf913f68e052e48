"""Checking a journal: its chain, its tables against its log, and SQLite's own integrity. Reads; never writes.

Every check answers with the first thing that is wrong, in one sentence, or None.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from core.engine.chain import GENESIS, link
from core.engine.head_file import read_head
from core.engine.rows import FILL_COLUMNS, LOG_COLUMNS, ORDER_COLUMNS
from core.model import OrderStatus

ANCHOR: Final = "anchor"
_TAIL: Final = 512
"""Newest rows whose digests are checked at every start; `journal verify` checks them all."""
_SELECT_LOG: Final = f"SELECT {', '.join(LOG_COLUMNS)} FROM log WHERE seq > ? ORDER BY seq"  # noqa: S608

_Body = dict[str, str | int | bool | None]
_read_body = msgspec.json.Decoder(_Body).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a whole check came to."""

    fault: str | None
    """The first thing that is wrong; None when nothing is."""
    first: int = 0
    last: int = 0
    """The rows of the log that were checked."""
    head: str = ""
    """Digest of the newest row, as hexadecimal digits: whoever notes it down can tell later that nothing changed."""
    archived: int = 0
    """Rows that were removed behind an anchor."""
    is_head_noted: bool = True
    """Whether the file beside the journal said what its newest row was."""
    is_joined: bool = True
    """Whether an archive's first row was checked against the row before it, too."""


def verify(connection: sqlite3.Connection, path: Path) -> Verdict:
    """Check everything, in one snapshot, while an engine may go on writing. The connection is used up by it."""
    try:
        noted = read_head(path)  # first: the journal may be newer than this, never older
        connection.execute("BEGIN")
        return _verdict(connection, noted)
    except (sqlite3.Error, OSError) as error:
        return Verdict(fault=f"it cannot be read: {error}")
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
        return Verdict(fault=f"a row of the log cannot be read: {error}")


def _verdict(connection: sqlite3.Connection, noted: tuple[int, bytes] | None) -> Verdict:
    removed_to, digest = chain_start(connection)
    fault = (
        _integrity(connection)
        or end_fault(connection, noted)
        or broken_link(connection, removed_to, digest)
        or _orders(connection, removed_to)
        or _fills(connection, removed_to)
        or _meta(connection, removed_to)
    )
    last, head = connection.execute("SELECT seq, digest FROM head").fetchone()
    return Verdict(
        fault=fault,
        first=removed_to + 1,
        last=last,
        head=head.hex(),
        archived=removed_to,
        is_head_noted=noted is not None,
    )


def chain_start(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """After which row the chain begins, and with which digest: at the very first row, or behind the newest anchor."""
    # The kind stands in the text, not beside it: only so does SQLite find the anchors by their index.
    row = connection.execute("SELECT body FROM log WHERE kind='anchor' ORDER BY seq DESC LIMIT 1").fetchone()
    if row is None:
        return 0, GENESIS
    body = _read_body(row[0])
    return int(body["removed_to"] or 0), bytes.fromhex(str(body["digest"]))


def broken_link(connection: sqlite3.Connection, after: int = 0, digest: bytes = GENESIS) -> str | None:
    """The first row after `after` that does not follow from the one before it, beginning with this digest."""
    before = after
    for *columns, body, told in connection.execute(_SELECT_LOG, (after,)):
        seq = columns[0]
        if seq != before + 1:
            return f"row {before + 1} of the log is missing: row {seq} follows row {before}"
        digest = link(digest, tuple(columns), body)
        if digest != told:
            return f"row {seq} of the log was changed: its digest does not follow from its content and the row before"
        before = seq
    return None


def end_fault(connection: sqlite3.Connection, noted: tuple[int, bytes] | None) -> str | None:
    """What is wrong with the newest row, beside what was `noted` in the head file."""
    seq, digest = connection.execute("SELECT seq, digest FROM head").fetchone()
    last = connection.execute("SELECT seq, digest FROM log ORDER BY seq DESC LIMIT 1").fetchone()
    last_seq, last_digest = last or (0, GENESIS)
    newest = max(seq, noted[0] if noted else 0)
    if last_seq < newest:
        return f"the log ends with row {last_seq}, but row {newest} was written: its end was cut off"
    if (last_seq, last_digest) != (seq, digest):
        return f"the log ends with row {last_seq}, which is not the row {seq} that was written last"
    if noted is not None:
        told = connection.execute("SELECT digest FROM log WHERE seq=?", (noted[0],)).fetchone()
        if told is not None and told[0] != noted[1]:
            return f"row {noted[0]} of the log is not the row that was written"
    return None


def tail_fault(connection: sqlite3.Connection, noted: tuple[int, bytes] | None) -> str | None:
    """The quick check of a start: the newest rows chain, and nothing was cut off after them."""
    fault = end_fault(connection, noted)
    if fault is not None:
        return fault
    first, last = connection.execute("SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM log").fetchone()
    after = max(first, last - _TAIL)
    if after <= 1:
        return broken_link(connection)
    known = connection.execute("SELECT digest FROM log WHERE seq=?", (after,)).fetchone()
    return f"row {after} of the log is missing" if known is None else broken_link(connection, after, known[0])


def _integrity(connection: sqlite3.Connection) -> str | None:
    told: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return None if told == "ok" else f"SQLite finds the file damaged: {told.splitlines()[-1]}"


def _orders(connection: sqlite3.Connection, removed_to: int) -> str | None:
    """Every order is as the log told it last; a closed one may be told of by rows that were removed."""
    names = ", ".join(f"orders.{name}" for name in ORDER_COLUMNS)
    statement = (
        f"SELECT orders.id, orders.log_seq, orders.is_closed, log.kind, log.ref, log.body, {names} "  # noqa: S608
        "FROM orders LEFT JOIN log ON log.seq = orders.log_seq"
    )
    for at, seq, is_closed, kind, ref, body, *row in connection.execute(statement):
        if seq <= removed_to:
            if not is_closed:
                return f"order {at} is live, but the rows that told of it were removed"
            continue
        told = _read_body(body) if body is not None else {}
        if (kind, ref) != ("order", at) or not _is_told(told, row):
            return f"order {at} (ours {row[0]}, theirs {row[1]}) is not what row {seq} of the log says"
        if bool(is_closed) != OrderStatus(str(told["status"])).is_closed:
            return f"order {at} (ours {row[0]}, theirs {row[1]}) is filed otherwise than its status says"
    later = connection.execute(
        "SELECT log.seq FROM log LEFT JOIN orders ON orders.id = log.ref WHERE log.kind='order' AND log.seq > ? "
        "AND (orders.id IS NULL OR orders.log_seq < log.seq) LIMIT 1",
        (removed_to,),
    ).fetchone()
    return None if later is None else f"row {later[0]} of the log tells of an order that is stored otherwise"


def _is_told(told: _Body, row: list[object]) -> bool:
    """Ids once known stay known, also when a later row does not repeat them."""
    values = list(zip(ORDER_COLUMNS, row, strict=True))
    ids_fit = all(told.get(name) in {None, value} for name, value in values[:2])
    return ids_fit and all(told.get(name) == value for name, value in values[2:])


def _fills(connection: sqlite3.Connection, removed_to: int) -> str | None:
    """Every fill is as the log told it, and none is missing."""
    names = ", ".join(f"fills.{name}" for name in FILL_COLUMNS)
    statement = (
        f"SELECT fills.log_seq, log.kind, log.body, {names} FROM fills LEFT JOIN log ON log.seq = fills.log_seq "  # noqa: S608
        "WHERE fills.log_seq > ?"
    )
    for seq, kind, body, *row in connection.execute(statement, (removed_to,)):
        told = _read_body(body) if body is not None else {}
        if kind != "fill" or [told.get(name) for name in FILL_COLUMNS] != row:
            return f"the fill of trade {row[0]} is not what row {seq} of the log says"
    lost = connection.execute(
        "SELECT log.seq FROM log LEFT JOIN fills ON fills.world = log.world AND fills.trade_id = log.ref "
        "AND fills.side = json_extract(log.body, '$.side') "
        "WHERE log.kind='fill' AND log.seq > ? AND fills.trade_id IS NULL LIMIT 1",
        (removed_to,),
    ).fetchone()
    return None if lost is None else f"row {lost[0]} of the log tells of a fill that is not stored"


def _meta(connection: sqlite3.Connection, removed_to: int) -> str | None:
    """Every named value is as the log told it last; an empty one is gone."""
    told: dict[str, str] = {}
    for (body,) in connection.execute("SELECT body FROM log WHERE kind='meta' AND seq > ? ORDER BY seq", (removed_to,)):
        read = _read_body(body)
        told[str(read["key"])] = str(read["value"])
    stored = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    gone = {key for key, value in told.items() if not value and key not in stored}
    wrong = sorted(key for key in (told.keys() | stored.keys()) - gone if told.get(key) != stored.get(key))
    return None if not wrong else f"the named value {wrong[0]!r} is not what the log says"
