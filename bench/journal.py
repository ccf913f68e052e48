"""The journal beside bare sqlite3: sustained group commit, recovery, and one tombstone among a million.

Group commit. Subject: `Journal.append`, one call a change as the engine makes them, until all is durable. Peer: the
same rows, ready-made, put into the same tables with `executemany` on one thread, with the same synchronous level and as
many changes a commit: each row of the log, each new order, each order of an earlier commit that changed, each fill, and
the head. It computes no digest and converts nothing.
"""

import random
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Final

from bench.engine_ground import LIMITS
from bench.journal_rows import lives, saved_order, the_last_of
from bench.results import Figure, compared, interleave
from core.clock import SystemClock
from core.decisions import TradingState
from core.engine import rows
from core.engine.facts import Facts
from core.engine.journal import Journal
from core.engine.machine import Machine
from core.engine.records import Record, SavedFill, SavedOrder
from core.risk import BreakerPanel, RiskManager

ORDERS: Final = 4_000
ROUNDS: Final = 5
JOURNALLED: Final = 100_000
OPEN: Final = 500
CLOSED: Final = 1_000_000
LOOK_UPS: Final = 500
WORLD: Final = "bench"
GROUP: Final = 512
"""Changes a commit, as the journal's own."""
_TABLES: Final = ("log", "orders", "fills")

_Values = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """What one commit of the peer writes."""

    log: Sequence[_Values]
    new: Sequence[_Values]
    changed: Sequence[_Values]
    fills: Sequence[_Values]


def measure() -> list[Figure]:
    """Every line about the journal."""
    with tempfile.TemporaryDirectory(prefix="lighter-tui-bench-") as folder:
        place = Path(folder)
        return [*_commits(place), *_recovery(place), *_tombstones(place)]


def _commits(place: Path) -> list[Figure]:
    changes = list(lives(ORDERS))
    numbers = iter(range(10_000))

    def ours() -> float:
        journal = Journal.open(place / f"ours {next(numbers)}", "bench")
        begun = perf_counter()
        futures = [journal.append(change) for change in changes]
        futures[-1].result(120)
        took = perf_counter() - begun
        journal.close()
        return len(changes) / took

    ours()
    model = place / "ours 0"
    written = sum(len(change) for change in changes)
    shares = _shares(changes, {table: _all_rows(model, table) for table in _TABLES})

    def bare() -> float:
        path = place / f"bare {next(numbers)}"
        with closing(_empty(path)) as connection:
            connection.execute("INSERT INTO head VALUES (1, 0, zeroblob(32), 0, 0, '')")
            connection.commit()
            begun = perf_counter()
            _fill(connection, shares)
            took = perf_counter() - begun
            _must(connection.execute("SELECT count(*) FROM log").fetchone()[0] == written, "every row of the log")
            return len(changes) / took

    found = interleave({"bare sqlite3, the same rows": bare, "Journal.append until durable": ours}, ROUNDS)
    return compared("journal: group commit", "changes/s", found, "bare sqlite3, the same rows")


def _all_rows(path: Path, table: str) -> Sequence[_Values]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608


def _empty(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level="IMMEDIATE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.executescript(rows.SCHEMA)
    return connection


def _shares(changes: Sequence[Sequence[Record]], content: Mapping[str, Sequence[_Values]]) -> Sequence[_Share]:
    """What each commit of the peer writes: the rows that `GROUP` changes make."""
    log, fills = iter(content["log"][1:]), iter(content["fills"])  # the first row of the log tells of the opening
    orders = {row[2]: row for row in content["orders"]}
    known: set[object] = set()
    shares: list[_Share] = []
    for first in range(0, len(changes), GROUP):
        records = [record for change in changes[first : first + GROUP] for record in change]
        touched = {record.order.client_id: None for record in records if isinstance(record, SavedOrder)}
        shares.append(
            _Share(
                log=list(islice(log, len(records))),
                new=[orders[key] for key in touched if key not in known],
                changed=[(*orders[key][1:], orders[key][0]) for key in touched if key in known],
                fills=list(islice(fills, sum(isinstance(record, SavedFill) for record in records))),
            )
        )
        known |= touched.keys()
    return shares


def _fill(connection: sqlite3.Connection, shares: Sequence[_Share]) -> None:
    inserts = {table: _insert(connection, table) for table in _TABLES}
    columns = ", ".join(f"{name}=?" for name in _columns(connection, "orders")[1:])
    for share in shares:
        with connection:
            connection.executemany(inserts["log"], share.log)
            connection.executemany(inserts["orders"], share.new)
            connection.executemany(f"UPDATE orders SET {columns} WHERE id=?", share.changed)  # noqa: S608
            connection.executemany(inserts["fills"], share.fills)
            connection.execute("UPDATE head SET seq=?, digest=?", (share.log[-1][0], share.log[-1][-1]))


def _insert(connection: sqlite3.Connection, table: str) -> str:
    return f"INSERT INTO {table} VALUES ({','.join('?' * len(_columns(connection, table)))})"  # noqa: S608


def _columns(connection: sqlite3.Connection, table: str) -> Sequence[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})").fetchall()]


def _recovery(place: Path) -> list[Figure]:
    path = place / "recovery"
    _journal_orders(path)

    def machine() -> float:
        begun = perf_counter()
        opened = Journal.open(path, WORLD)
        image = opened.load()
        facts = Facts(image, RiskManager(LIMITS), BreakerPanel.closed(TradingState.REDUCING), OPEN)
        Machine(facts, image, WORLD, SystemClock().now())
        took = perf_counter() - begun
        opened.close()
        _must(sum(1 for _ in facts.orders.live()) == OPEN, "every open order taken up")
        return took * 1_000

    def ours() -> float:
        begun = perf_counter()
        opened = Journal.open(path, WORLD)
        image = opened.load()
        took = perf_counter() - begun
        opened.close()
        _must(len(image.live) == OPEN, "the rows that were written")
        return took * 1_000

    def bare() -> float:
        begun = perf_counter()
        with closing(sqlite3.connect(path)) as connection:
            count = len(connection.execute("SELECT * FROM orders").fetchall())
        took = perf_counter() - begun
        _must(count == JOURNALLED, "the rows that were written")
        return took * 1_000

    def bare_open() -> float:
        begun = perf_counter()
        with closing(sqlite3.connect(path)) as connection:
            count = len(connection.execute("SELECT * FROM orders WHERE NOT is_closed").fetchall())
        took = perf_counter() - begun
        _must(count == OPEN, "the rows that were written")
        return took * 1_000

    peer = "bare sqlite3, reading all 100,000 orders"
    subjects = {
        peer: bare,
        "bare sqlite3, the open ones alone": bare_open,
        "Journal.open and load": ours,
        "the same, and the machine made of it": machine,
    }
    found = interleave(subjects, ROUNDS)
    return compared("journal: recovery, 100,000 orders, 500 open", "ms", found, peer)


def _journal_orders(path: Path) -> None:
    """All but the newest are closed."""
    journal = Journal.open(path, WORLD)
    for number in range(1, JOURNALLED - OPEN + 1):
        journal.append(the_last_of(saved_order(number)))
    for number in range(JOURNALLED - OPEN + 1, JOURNALLED + 1):
        last = journal.append([saved_order(number)])
    last.result(120)
    journal.close()


def _tombstones(place: Path) -> list[Figure]:
    path = place / "tombstones"
    with closing(_empty(path)) as connection, connection:
        _many_closed(connection)
    journal = Journal.open(path, "bench")
    chosen = random.Random(1)

    def ask(find: Callable[[int], object], first: int) -> float:
        wanted = [first + chosen.randrange(CLOSED) for _ in range(LOOK_UPS)]
        begun = perf_counter_ns()
        for one in wanted:
            _must(find(one) is not None, f"order {one}")
        return (perf_counter_ns() - begun) / LOOK_UPS / 1_000

    with closing(sqlite3.connect(path)) as reader:
        key = "SELECT * FROM orders WHERE id=?"
        subjects = {
            "bare sqlite3, by primary key": lambda: ask(lambda one: reader.execute(key, (one,)).fetchone(), 1),
            "find_order by our id, from another thread": lambda: ask(
                lambda one: journal.find_order(client_id=one).result(10), 1
            ),
            "find_order by the venue's id": lambda: ask(
                lambda one: journal.find_order(venue_id=one).result(10), 2**50 + 1
            ),
        }
        found = interleave(subjects, ROUNDS)
    journal.close()
    return compared("journal: one of 1,000,000 closed orders", "us", found, "bare sqlite3, by primary key")


def _many_closed(connection: sqlite3.Connection) -> None:
    """A million tombstones, by SQL alone: what is measured is finding them."""
    row = rows.order_row(the_last_of(saved_order(1))[0])
    names = ", ".join(rows.ORDER_COLUMNS[3:])
    marks = ",".join("?" * len(row[3:]))
    connection.execute("INSERT INTO worlds VALUES (1, 'bench')")
    connection.execute("INSERT INTO head VALUES (1, 0, zeroblob(32), ?, ?, '')", (CLOSED, CLOSED))
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "  # noqa: S608
        f"INSERT INTO orders (id, world, client_id, venue_id, task_id, {names}, is_closed, log_seq) "
        f"SELECT i, 1, i, i + {2**50}, i, {marks}, 1, 0 FROM n",
        (CLOSED, *row[3:]),
    )
    connection.execute(f"PRAGMA application_id={rows.APPLICATION}")
    connection.execute(f"PRAGMA user_version={rows.VERSION}")


def _must(is_so: object, what: str) -> None:
    """A figure of something else than what it says is worse than none."""
    if not is_so:
        raise AssertionError(f"expected {what}")
