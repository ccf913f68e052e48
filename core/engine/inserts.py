"""Putting many rows into one table with few statements. Knows SQL; knows no table and no thread.

SQLite is asked once for dozens of rows: a call for each row costs as much again as the row itself, and gives up the
interpreter's lock every time, so that the writer would queue for it behind whoever else is busy.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

_ROWS: Final = 64
"""Rows a statement; more gain nothing. Times the columns it stays below the 32,766 values that SQLite binds."""


class Inserts:
    """The statements that put rows into one table: one for many rows, one for a row that is left over."""

    def __init__(self, table: str, columns: Sequence[str], *, verb: str = "INSERT") -> None:
        """`verb` is how to insert, such as `INSERT OR IGNORE`. All three are this program's own words, never data."""
        marks = f"({','.join('?' * len(columns))})"
        self._width: Final = len(columns)
        self._one: Final = f"{verb} INTO {table} ({', '.join(columns)}) VALUES {marks}"
        self._many: Final = self._one + f",{marks}" * (_ROWS - 1)

    def put(self, connection: sqlite3.Connection, values: list[object]) -> None:
        """Insert rows whose values follow one another in `values`, in order; inside the caller's transaction."""
        width, stride = self._width, self._width * _ROWS
        whole = len(values) // stride * stride
        for first in range(0, whole, stride):
            connection.execute(self._many, values[first : first + stride])
        rest = range(whole, len(values), width)
        if rest:
            connection.executemany(self._one, [values[first : first + width] for first in rest])
