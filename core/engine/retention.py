"""Keeps the journal from growing for ever: old rows of the log go to an archive, then old closed orders go.

What is removed from the log is removed behind an *anchor*, a row that holds the digest of the newest row removed: the
chain goes on from there. Live orders and named values are told again after it, so that what is left of the log still
tells all that matters. A closed order goes only when every row that tells of it is gone, and after a time of its own:
until then a late fill finds whom it belongs to.

Each step is one short transaction; whoever holds the journal does them when nothing waits to be written.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.clock import DAY_US, Instant
from core.engine.journal_reader import archive_lines
from core.engine.records import SavedLog
from core.engine.scribe import Scribe
from core.engine.verify import ANCHOR, chain_start

REMOVED: Final = "removed"
_LOG_STEP: Final = 500
_ORDER_STEP: Final = 500
_SMALLEST_CUT: Final = 1_000
"""Fewer rows than this are not worth an anchor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long what is kept."""

    log_days: int = 90
    """Rows of the log stay in the journal for so long, and in archives beside it afterwards."""
    order_days: int = 730
    """Closed orders and their fills; never shorter than `log_days`."""
    is_archiving: bool = True
    """False removes old rows of the log without an archive."""


class Compactor:
    """One pass over the journal, step by step. One caller, the journal's own thread."""

    def __init__(self, path: Path, scribe: Scribe, retention: Retention, smallest_cut: int = _SMALLEST_CUT) -> None:
        """Nothing is done before `begin`."""
        self._path: Final = path
        self._scribe: Final = scribe
        self._connection: Final = scribe.connection
        self._retention: Final = retention
        self._smallest_cut: Final = smallest_cut
        self._step: Callable[[Instant], bool] | None = None
        self._cut = 0
        self._archived_to = 0
        self._archive: Path | None = None
        self._order_cursor = 0
        self._removed = 0

    @property
    def is_working(self) -> bool:
        """Whether a pass is under way."""
        return self._step is not None

    def begin(self, now: Instant) -> None:
        """Start a pass."""
        first = self._scalar("SELECT coalesce(min(seq), 0) FROM log")
        removed_to, _ = chain_start(self._connection)
        if first and first <= removed_to:  # an earlier pass was cut short
            self._cut, self._step = removed_to, self._delete_rows
            return
        self._cut = self._find_cut(first, now.utc_us - self._retention.log_days * DAY_US)
        self._archived_to = first - 1
        self._archive = self._path.with_name(f"{self._path.stem}-{first:012}-{self._cut:012}.jsonl")
        if self._cut - first + 1 < self._smallest_cut:
            self._begin_orders()
        else:
            self._step = self._archive_rows if self._retention.is_archiving else self._drop_anchor

    def step(self, now: Instant) -> None:
        """Do a little.

        Raises:
            OSError: an archive could not be written; the pass is given up, and nothing was removed for it.
            sqlite3.Error: the journal could not be written.
        """
        if self._step is None:
            return
        try:
            is_more = self._step(now)
        except OSError:
            self._step = None
            raise
        if not is_more:
            self._step = None

    def _find_cut(self, first: int, limit_us: int) -> int:
        """The newest row of the old ones: by halves, since moments rise with the rows, clock jumps aside."""
        low, high = first - 1, self._scribe.seq
        while low < high:
            middle = (low + high + 1) // 2
            at_us = self._scalar("SELECT at_us FROM log WHERE seq=?", middle)
            low, high = (middle, high) if at_us < limit_us else (low, middle - 1)
        return low

    def _archive_rows(self, now: Instant) -> bool:
        """Some rows more into the archive; the anchor follows the last of them."""
        del now
        if self._archive is None:
            return False
        upto = min(self._cut, self._archived_to + _LOG_STEP)
        partial = self._archive.with_name(self._archive.name + ".part")
        is_first = self._archived_to < self._scalar("SELECT min(seq) FROM log")
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if is_first else os.O_APPEND)
        file = os.open(partial, flags, 0o600)
        try:
            for line in archive_lines(self._connection, self._archived_to, upto):
                _write_all(file, line)
            if upto == self._cut:
                os.fsync(file)
        finally:
            os.close(file)
        self._archived_to = upto
        if upto == self._cut:
            partial.replace(self._archive)
            _sync_folder(self._archive.parent)
            self._step = self._drop_anchor
        return True

    def _drop_anchor(self, now: Instant) -> bool:
        """From here on the chain begins behind the cut."""
        digest: bytes = self._connection.execute("SELECT digest FROM log WHERE seq=?", (self._cut,)).fetchone()[0]
        is_kept = self._retention.is_archiving and self._archive is not None
        kept = f"archived in {self._archive.name}" if is_kept and self._archive else "removed"
        anchor = SavedLog(
            at_us=now.utc_us,
            kind=ANCHOR,
            text=f"rows up to {self._cut} were {kept}",
            details={"removed_to": self._cut, "digest": digest.hex()},
        )
        with self._connection:
            self._scribe.write([(now, [anchor])])
            self._scribe.tell_again(now, self._cut)
        self._step = self._delete_rows
        return True

    def _delete_rows(self, now: Instant) -> bool:
        del now
        with self._connection:
            done = self._connection.execute(
                "DELETE FROM log WHERE seq IN (SELECT seq FROM log WHERE seq<=? ORDER BY seq LIMIT ?)",
                (self._cut, _LOG_STEP),
            )
        if done.rowcount < _LOG_STEP:
            self._begin_orders()
        return True

    def _begin_orders(self) -> None:
        self._order_cursor, self._removed = 0, 0
        self._step = self._delete_orders

    def _delete_orders(self, now: Instant) -> bool:
        """Look at some orders more; the newest ids stay, so that none is given out twice."""
        limit_us = now.utc_us - max(self._retention.order_days, self._retention.log_days) * DAY_US
        removed_to, _ = chain_start(self._connection)
        seen = self._connection.execute(
            "SELECT id, world, venue_id, is_closed AND updated_us < ? AND log_seq <= ? FROM orders WHERE id > ? "
            "ORDER BY id LIMIT ?",
            (limit_us, removed_to, self._order_cursor, _ORDER_STEP),
        ).fetchall()
        gone = [(at, world, venue_id) for at, world, venue_id, is_old in seen if is_old]
        with self._connection:
            self._connection.executemany(
                "DELETE FROM fills WHERE world=? AND venue_order_id=? AND log_seq<=?",
                [(world, venue_id, removed_to) for _, world, venue_id in gone if venue_id is not None],
            )
            self._connection.executemany("DELETE FROM orders WHERE id=?", [(at,) for at, _, _ in gone])
        self._removed += len(gone)
        self._order_cursor = seen[-1][0] if seen else self._order_cursor
        if len(seen) < _ORDER_STEP:
            self._sign_off(now)
            return False
        return True

    def _sign_off(self, now: Instant) -> None:
        if self._removed:
            text = f"{self._removed} orders closed more than {self._retention.order_days} days ago were removed"
            with self._connection:
                self._scribe.write([(now, [SavedLog(at_us=now.utc_us, kind=REMOVED, text=text)])])

    def _scalar(self, statement: str, *values: int) -> int:
        return int(self._connection.execute(statement, values).fetchone()[0])


def _write_all(file: int, data: bytes) -> None:
    """Write everything: a full disk takes only a part and says nothing."""
    while data:
        data = data[os.write(file, data) :]


def _sync_folder(folder: Path) -> None:
    """Make a new name durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
