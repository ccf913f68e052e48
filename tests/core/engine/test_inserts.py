"""Many rows a statement: every row arrives, in its order, however many there are."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from core.engine.inserts import Inserts


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, text TEXT)")
        yield opened


def kept(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    return connection.execute("SELECT number, text FROM kept ORDER BY rowid").fetchall()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 127, 128, 200])
def test_every_row_arrives(connection: sqlite3.Connection, count: int) -> None:
    rows = [(number, f"row {number}") for number in range(count)]
    Inserts("kept", ("number", "text")).put(connection, [value for row in rows for value in row])
    assert kept(connection) == rows


def test_known_rows_are_left_as_they_are_where_that_is_asked(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO kept VALUES (70, 'first')")
    values = [value for number in range(100) for value in (number, "second")]
    Inserts("kept", ("number", "text"), verb="INSERT OR IGNORE").put(connection, values)
    assert [text for number, text in kept(connection) if text == "first"] == ["first"]
    assert len(kept(connection)) == 100


def test_a_known_row_is_refused_where_it_is_not(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO kept VALUES (7, 'first')")
    with pytest.raises(sqlite3.IntegrityError):
        Inserts("kept", ("number", "text")).put(connection, [7, "second"])
