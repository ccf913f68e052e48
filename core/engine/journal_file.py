"""Opening a journal's files: the lock, the format, whose journal it is, and whether its newest rows can be trusted.

Whatever does not hold is said in one sentence, and nothing is overwritten.
"""

import fcntl
import os
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Final

from core.clock import Instant
from core.engine import rows
from core.engine.chain import GENESIS
from core.engine.head_file import HeadFile, read_head
from core.engine.migrations import migrate, missing_step
from core.engine.records import Details, SavedLog
from core.engine.scribe import Scribe, jump
from core.engine.verify import tail_fault
from core.errors import JournalError

OPENED: Final = "opened"
CLOSED: Final = "closed"
_BACK_US: Final = 1_000_000


class Opened:
    """A journal's files, open and locked."""

    def __init__(self, path: Path, lock: int, connection: sqlite3.Connection, head: HeadFile) -> None:
        """Hold them until `close`."""
        self.path: Final = path
        self.connection: Final = connection
        self.head: Final = head
        self._lock: Final = lock
        self.world = 0

    def close(self) -> None:
        """Close the files; the lock goes last."""
        self.connection.close()
        self.head.close()
        os.close(self._lock)


def open_files(path: Path, world: str, owner: str, now: Instant) -> tuple[Opened, Scribe]:
    """Open or create a journal for `world`, and enter the opening in its log.

    Raises:
        JournalError: it cannot be created, read or trusted, it belongs to another account or version, or another
            process holds it.
    """
    lock = _lock(path)
    try:
        _check_format(path)
        connection = _connect(path)
    except JournalError:
        os.close(lock)
        raise
    try:
        opened = Opened(path, lock, connection, HeadFile(path))
    except OSError as error:
        connection.close()
        os.close(lock)
        raise JournalError(f"{path}: expected a journal this user can write, got: {error.strerror}") from None
    try:
        _check_owner(path, connection, owner)
        _check_end(path, connection)
        return opened, _enter(opened, world, owner, now)
    except (sqlite3.Error, OSError, UnicodeError) as error:
        opened.close()
        raise JournalError(f"{path}: expected a journal of lighter-tui, got: {error}") from None
    except JournalError:
        opened.close()
        raise


def _lock(path: Path) -> int:
    """The lock of this journal, with our process id in it for whoever comes second."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"{path}: expected a journal this user can write, got: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
        os.close(lock)
        who = f"another lighter-tui (process {holder})" if holder.isdecimal() else "another lighter-tui"
        raise JournalError(
            f"{path}: {who} is using this journal; stop it first, or choose another profile or state_dir"
        ) from None
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        os.close(lock)
        raise JournalError(f"{path}: the journal cannot be written: {error.strerror}") from None
    return lock


def _check_format(path: Path) -> None:
    """Read what kind of file it is before anything may change it."""
    try:
        if not path.exists() or not path.stat().st_size:
            return
        looker = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            application = int(looker.execute("PRAGMA application_id").fetchone()[0])
            found = int(looker.execute("PRAGMA user_version").fetchone()[0])
            tables = int(looker.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        finally:
            looker.close()
    except (sqlite3.Error, OSError) as error:
        raise JournalError(f"{path}: expected a journal of lighter-tui, got: {error}") from None
    if found > rows.VERSION:
        raise JournalError(
            f"{path}: written by a newer lighter-tui (format {found}, this one reads {rows.VERSION}); "
            "upgrade, or choose another state_dir"
        )
    if not tables:
        return
    if missing_step(found, rows.VERSION) is not None and found:
        raise JournalError(
            f"{path}: written by an older lighter-tui (format {found}, this one reads {rows.VERSION}) and not "
            "convertible; move it away to begin a new one: orders still open are found again in the venue's list"
        )
    if application != rows.APPLICATION:
        raise JournalError(f"{path}: expected a journal of lighter-tui, got an SQLite database of something else")


def _connect(path: Path) -> sqlite3.Connection:
    connection: sqlite3.Connection | None = None
    try:
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            _create_or_migrate(connection)
    except (sqlite3.Error, OSError) as error:
        if connection is not None:
            connection.close()
        raise JournalError(f"{path}: expected a journal of lighter-tui, got: {error}") from None
    return connection


def _create_or_migrate(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        migrate(connection, int(connection.execute("PRAGMA user_version").fetchone()[0]), rows.VERSION)
        return
    for statement in rows.SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute("INSERT INTO head VALUES (1, 0, ?, 0, 0, '')", (GENESIS,))
    connection.execute(f"PRAGMA application_id={rows.APPLICATION:d}")
    connection.execute(f"PRAGMA user_version={rows.VERSION:d}")


def _check_owner(path: Path, connection: sqlite3.Connection, owner: str) -> None:
    """Orders of one account mean nothing to another: closing or cancelling by them would be guessing."""
    found: str = connection.execute("SELECT owner FROM head").fetchone()[0]
    if found and owner and found != owner:
        raise JournalError(
            f"{path}: the journal of another account: expected {owner}, got {found}; "
            "choose another profile name or state_dir, or move the journal away"
        )


def _check_end(path: Path, connection: sqlite3.Connection) -> None:
    """The newest rows chain, and nothing was cut off after them."""
    fault = tail_fault(connection, read_head(path))
    if fault is not None:
        raise JournalError(
            f"{path}: the journal cannot be trusted, trading is refused: {fault}; "
            "bring back an untouched copy, or move it away to begin a new one"
        )


def _enter(opened: Opened, world: str, owner: str, now: Instant) -> Scribe:
    """Note in the log who opened it when, and that the clock went back since, if it did."""
    connection = opened.connection
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        opened.world = rows.enter(connection, world)
        if owner:
            connection.execute("UPDATE head SET owner=?", (owner,))
        scribe = Scribe(connection, opened.world)
        last = connection.execute("SELECT max(at_us) FROM (SELECT at_us FROM log ORDER BY seq DESC LIMIT 9)").fetchone()
        release = version("lighter-tui")
        details: Details = {"world": opened.world, "pid": os.getpid(), "owner": owner, "version": release}
        lines = [SavedLog(at_us=now.utc_us, kind=OPENED, text=world, details=details)]
        if last[0] is not None and last[0] - now.utc_us >= _BACK_US:
            lines.append(jump(now.utc_us - last[0], "since the last run", now))
        scribe.write([(now, lines)])
    opened.head.write(scribe.seq, scribe.digest)
    return scribe
