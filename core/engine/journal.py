"""The engine's memory on disk: one SQLite file in WAL mode, written by one thread in groups, locked to one process.

`append` answers with a future that is done when the records are durable. Nothing here decides what to remember.
The values are in `core.engine.records`, their rows in `core.engine.rows`.
"""

import fcntl
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final, TypeVar

from core.engine import rows
from core.engine.records import JournalImage, Record, SavedOrder
from core.errors import JournalError
from core.model import TradeKey
from core.units import ClientOrderId, VenueOrderId

_LOG: Final = logging.getLogger(__name__)
_CLOSE_S: Final = 5.0
_GROUP: Final = 512
"""Most requests that share one commit."""

_T = TypeVar("_T")
_Work = Callable[[sqlite3.Connection], None]


class Journal:
    """An open journal. Every method but `open`, `load` and `close` returns at once."""

    def __init__(self, path: Path, lock: int, connection: sqlite3.Connection, world: int) -> None:
        """Use `open` instead: this takes over an acquired lock and a prepared connection."""
        self._world = world
        self._path = path
        self._lock = lock
        self._connection = connection
        self._queue: queue.SimpleQueue[_Write | _Read | None] = queue.SimpleQueue()
        self._failure: JournalError | None = None
        self._is_closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, world: str) -> "Journal":
        """Open or create the file, readable by its owner alone, and lock it.

        `world` is the connector's `identity`: order and trade ids of one world mean nothing in another, so both are
        kept apart by it. Client ids rise over all worlds.

        Raises:
            JournalError: it cannot be created or read, belongs to a newer version, or another process holds it.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(f"{path}: expected a journal this user can write, got: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise JournalError(
                f"{path}: another lighter-tui is using this journal; stop it first, "
                "or choose another profile or state_dir"
            ) from None
        try:
            connection = _connect(path)
            with connection:
                entered = rows.enter(connection, world)
        except (sqlite3.Error, OSError) as error:
            os.close(lock)
            raise JournalError(f"{path}: expected a journal of lighter-tui, got: {error}") from None
        except JournalError:
            os.close(lock)
            raise
        return cls(path, lock, connection, entered)

    def load(self) -> JournalImage:
        """Everything a restart begins with. Blocks; meant for the start.

        Raises:
            JournalError: what is stored cannot be read.
        """
        return self._read(lambda connection: rows.load_image(connection, self._world)).result()

    def append(self, records: Sequence[Record]) -> "Future[None]":
        """Write `records` in one transaction, in order.

        The future fails with JournalError when they are not durable; from then on every append fails.
        """
        future: Future[None] = Future()
        if self._failure is not None or self._is_closed:
            future.set_exception(self._failure or JournalError(f"{self._path}: the journal is closed"))
        else:
            self._queue.put(_Write(tuple(records), future))
        return future

    def find_order(
        self, *, client_id: ClientOrderId | None = None, venue_id: VenueOrderId | None = None
    ) -> "Future[SavedOrder | None]":
        """One order by either id (`client_id` finds only ours), also when it closed long ago; sees earlier appends."""
        return self._read(lambda connection: rows.find_order(connection, self._world, client_id, venue_id))

    def has_trade(self, trade: TradeKey) -> "Future[bool]":
        """Whether a fill was ever saved; sees every earlier append."""
        return self._read(lambda connection: rows.has_trade(connection, self._world, trade))

    def close(self) -> None:
        """Write what is queued, close the file, release the lock; gives up on a disk that stalls. Idempotent."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
        self._queue.put(None)
        self._thread.join(_CLOSE_S)
        if self._thread.is_alive():
            _LOG.error("%s: the disk did not take the last records within %g s", self._path, _CLOSE_S)
            return  # the lock stays with the writer for as long as this process lives
        os.close(self._lock)

    def _read(self, ask: Callable[[sqlite3.Connection], _T]) -> "Future[_T]":
        future: Future[_T] = Future()
        if self._is_closed:
            future.set_exception(JournalError(f"{self._path}: the journal is closed"))
            return future

        def answer(connection: sqlite3.Connection) -> None:
            try:
                found = ask(connection)
            except (sqlite3.Error, ValueError, KeyError, OverflowError) as error:
                future.set_exception(JournalError(f"{self._path}: what is stored cannot be read: {error}"))
            else:
                future.set_result(found)

        self._queue.put(_Read(answer))
        return future

    def _work(self) -> None:
        """The writer thread: take what waits, write it in one commit, then answer."""
        is_open = True
        while is_open:
            group: list[_Write] = []
            reads: list[_Read] = []
            job = self._queue.get()
            while True:
                match job:
                    case None:
                        is_open = False
                    case _Write():
                        group.append(job)
                    case _Read():
                        reads.append(job)
                if not is_open or reads or len(group) >= _GROUP:
                    break
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
            self._commit(group)
            for read in reads:
                read.answer(self._connection)
        self._connection.close()

    def _commit(self, group: Sequence["_Write"]) -> None:
        if not group:
            return
        if self._failure is None:
            try:
                with self._connection:
                    for write in group:
                        rows.write(self._connection, self._world, write.records)
            except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
                self._failure = JournalError(f"{self._path}: the journal cannot be written: {error}")
        for write in group:
            if self._failure is None:
                write.done.set_result(None)
            else:
                write.done.set_exception(self._failure)


class _Write:
    __slots__ = ("done", "records")

    def __init__(self, records: tuple[Record, ...], done: "Future[None]") -> None:
        self.records = records
        self.done = done


class _Read:
    __slots__ = ("answer",)

    def __init__(self, answer: _Work) -> None:
        self.answer = answer


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        _check_version(path, int(connection.execute("PRAGMA user_version").fetchone()[0]))
        with connection:
            rows.create(connection)
    except (sqlite3.Error, JournalError):
        connection.close()
        raise
    return connection


def _check_version(path: Path, found: int) -> None:
    if found > rows.VERSION:
        raise JournalError(
            f"{path}: written by a newer lighter-tui (format {found}, this one reads {rows.VERSION}); "
            "upgrade, or choose another state_dir"
        )
