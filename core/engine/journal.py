"""The engine's memory on disk: one SQLite file in WAL mode, written by one thread in groups, locked to one process.

`append` answers with a future that is done when the records are durable. Nothing here decides what to remember.
The values are in `core.engine.records`, their rows in `core.engine.rows`, the writing in `core.engine.scribe`, and
what must hold before a file is opened in `core.engine.journal_file`.
"""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final, TypeVar

from core.clock import SECOND_NS, Clock, Instant, SystemClock
from core.engine import rows
from core.engine.journal_file import CLOSED, Opened, open_files
from core.engine.records import JournalImage, Record, SavedLog, SavedOrder
from core.engine.retention import Compactor, Retention
from core.engine.scribe import Scribe
from core.errors import JournalError
from core.model import TradeKey
from core.units import ClientOrderId, VenueOrderId

_LOG: Final = logging.getLogger(__name__)
_CLOSE_S: Final = 5.0
_GROUP: Final = 512
"""Most appends that share one commit."""
_FIRST_TIDYING_NS: Final = 60 * SECOND_NS
_TIDY_EVERY_NS: Final = 6 * 3_600 * SECOND_NS
_BETWEEN_STEPS_S: Final = 0.02
"""How long the writer listens for something to write between two steps of tidying."""
_HELD_S: Final = 1.0
_SYSTEM: Final = SystemClock()

_T = TypeVar("_T")
_Work = Callable[[sqlite3.Connection], None]


class Journal:
    """An open journal. Every method but `open`, `load` and `close` returns at once."""

    def __init__(self, opened: Opened, scribe: Scribe, clock: Clock, retention: Retention | None) -> None:
        """Use `open` instead: this takes over locked files and the end of their chain."""
        self._opened = opened
        self._path = opened.path
        self._world = opened.world
        self._scribe = scribe
        self._clock = clock
        self.may_tidy = True
        """Whether old rows may be put away when nothing waits: not while every moment counts."""
        self._compactor = None if retention is None else Compactor(opened.path, scribe, retention)
        self._tidy_ns = clock.now().mono_ns + _FIRST_TIDYING_NS
        self._queue: queue.SimpleQueue[_Group | _Read | None] = queue.SimpleQueue()
        self._gathering = threading.Lock()
        self._group: _Group | None = None
        """What is appended now; the writer has not taken it yet."""
        self._appended = 0
        self._done = 0
        """Of the appends: those that were answered, durable or not."""
        self._failure: JournalError | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls, path: Path, world: str, *, owner: str = "", clock: Clock = _SYSTEM, retention: Retention | None = None
    ) -> "Journal":
        """Open or create the file, readable by its owner alone, and lock it.

        `world` is the connector's `identity`: order and trade ids of one world mean nothing in another, so both are
        kept apart by it. Client ids rise over all worlds. `owner` names the account whose journal it is, over all
        worlds; empty for any. Without `retention` everything is kept for good.

        Raises:
            JournalError: it cannot be created, read or trusted, belongs to another account or version, or another
                process holds it.
        """
        opened, scribe = open_files(path, world, owner, clock.now())
        return cls(opened, scribe, clock, retention)

    def load(self) -> JournalImage:
        """Everything a restart begins with. Blocks; meant for the start.

        Raises:
            JournalError: what is stored cannot be read.
        """
        return self._read(lambda connection: rows.load_image(connection, self._world)).result()

    def append(self, records: Sequence[Record]) -> "Future[None]":
        """Write `records` in one transaction, in order.

        The future is shared by everything that the same commit makes durable. It fails with JournalError when that is
        not durable; from then on every append fails.
        """
        with self._gathering:
            if self._failure is not None or self._is_closed:
                refused: Future[None] = Future()
                refused.set_exception(self._failure or JournalError(f"{self._path}: the journal is closed"))
                return refused
            group = self._group
            if group is None or len(group.writes) >= _GROUP:
                group = self._group = _Group()
                self._queue.put(group)
            group.writes.append((self._clock.now(), records))
            self._appended += 1
            return group.done

    def depth(self) -> int:
        """How many appends are not durable yet; from any thread."""
        return max(0, self._appended - self._done)

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
        with self._gathering:
            if self._is_closed:
                return
            self._is_closed = True
        self._queue.put(None)
        self._thread.join(_CLOSE_S)
        if self._thread.is_alive():
            _LOG.error("%s: the disk did not take the last records within %g s", self._path, _CLOSE_S)
            return  # the lock stays with the writer for as long as this process lives

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
        """The writer thread: whatever ends it, everybody who waits is answered."""
        try:
            self._serve()
        finally:
            self._is_closed = True
            while True:
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
                if isinstance(job, _Group):
                    self._commit(job)
                elif job is not None:
                    job.answer(self._opened.connection)

    def _serve(self) -> None:
        """A group in one commit, then an answer to everybody in it."""
        while (job := self._next()) is not None:
            match job:
                case _Group():
                    with self._gathering:  # what comes from here on is of the next group
                        if self._group is job:
                            self._group = None
                    self._commit(job)
                case _Read():
                    job.answer(self._opened.connection)
        self._sign_off()
        self._opened.close()

    def _next(self) -> "_Group | _Read | None":
        """What waits to be done; as long as nothing does, old rows are put away."""
        while True:
            try:
                return self._queue.get(timeout=self._pause_seconds())
            except queue.Empty:
                self._tidy()

    def _pause_seconds(self) -> float | None:
        if self._compactor is None or self._failure is not None:
            return None
        if not self.may_tidy:
            return _HELD_S
        if self._compactor.is_working:
            return _BETWEEN_STEPS_S
        return max(_BETWEEN_STEPS_S, (self._tidy_ns - self._clock.now().mono_ns) / SECOND_NS)

    def _tidy(self) -> None:
        """One step of putting old rows away, when it is time for it and nobody is in a hurry."""
        now = self._clock.now()
        if self._compactor is None or not self.may_tidy:
            return
        try:
            if self._compactor.is_working:
                self._compactor.step(now)
                self._opened.head.write(self._scribe.seq, self._scribe.digest)
            elif now.mono_ns >= self._tidy_ns:
                self._tidy_ns = now.mono_ns + _TIDY_EVERY_NS
                self._compactor.begin(now)
        except OSError as error:
            _LOG.error("%s: old rows could not be archived, nothing was removed: %s", self._path, error)
        except (sqlite3.Error, ValueError) as error:
            self._failure = JournalError(f"{self._path}: the journal cannot be written: {error}")
            _LOG.error("%s", self._failure)

    def _commit(self, group: "_Group") -> None:
        is_through = False
        try:
            if self._failure is None:
                with self._opened.connection:
                    self._scribe.write(group.writes)
                self._opened.head.write(self._scribe.seq, self._scribe.digest)
            is_through = True
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            self._failure = JournalError(f"{self._path}: the journal cannot be written: {error}")
            is_through = True
        finally:  # also when a fault of ours ends this thread: nobody may wait for ever
            if not is_through:
                self._failure = JournalError(f"{self._path}: the journal's writer ended by a fault; see the log")
            self._done += len(group.writes)
            if self._failure is None:
                group.done.set_result(None)
            else:
                group.done.set_exception(self._failure)

    def _sign_off(self) -> None:
        """Say in the log that this run ended in good order: where that is missing, it did not."""
        now = self._clock.now()
        last = _Group()
        self._appended += 1
        last.writes.append(
            (now, [SavedLog(at_us=now.utc_us, kind=CLOSED, text="the journal was closed in good order")])
        )
        self._commit(last)


class _Group:
    """What one commit makes durable."""

    __slots__ = ("done", "writes")

    def __init__(self) -> None:
        self.done: Future[None] = Future()
        self.writes: list[tuple[Instant, Sequence[Record]]] = []


class _Read:
    __slots__ = ("answer",)

    def __init__(self, answer: _Work) -> None:
        self.answer = answer
