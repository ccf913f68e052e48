"""Answers questions about the journal's log for whoever must not wait: each on a thread of its own, one at a time."""

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from core.engine.journal_reader import search
from core.errors import JournalError
from core.history import HistoryQuery, HistoryRow


class Library:
    """The reading room of one journal; may be asked before the journal exists, and from any thread."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened before the first question."""
        self._path: Final = path
        self._one_reader: Final = threading.Lock()

    def ask(self, query: HistoryQuery) -> "Future[tuple[HistoryRow, ...]]":
        """The newest rows that fit, newest first; the future fails with JournalError when they cannot be had."""
        answer: Future[tuple[HistoryRow, ...]] = Future()
        # A daemon: a disk that stalls must not hold up the end of the process.
        threading.Thread(target=self._read, args=(query, answer), name="history", daemon=True).start()
        return answer

    def _read(self, query: HistoryQuery, answer: "Future[tuple[HistoryRow, ...]]") -> None:
        with self._one_reader:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                rows = search(self._path, query)
            except JournalError as error:
                answer.set_exception(error)
            else:
                answer.set_result(rows)
