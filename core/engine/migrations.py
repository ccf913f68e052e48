"""Bringing a journal of an older format up to this one: one step a version, each in the opener's transaction.

A step takes the connection of a journal of version N and leaves one of version N + 1. It may add to tables; it never
changes a row of the log, whose digests would no longer hold. Version 1 was never released and has no step.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

Step = Callable[[sqlite3.Connection], None]

STEPS: Final[Mapping[int, Step]] = {}


def missing_step(found: int, wanted: int, steps: Mapping[int, Step] = STEPS) -> int | None:
    """The first version between both that no step leads on from; None when the whole way is there."""
    return next((version for version in range(found, wanted) if version not in steps), None)


def migrate(connection: sqlite3.Connection, found: int, wanted: int, steps: Mapping[int, Step] = STEPS) -> None:
    """Take every step from `found` to `wanted` and stamp the version."""
    for version in range(found, wanted):
        steps[version](connection)
        connection.execute(f"PRAGMA user_version={version + 1:d}")
