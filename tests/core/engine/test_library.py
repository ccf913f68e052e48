"""Questions about the log are answered off the asker's thread, in their order, or with one sentence."""

import threading
from pathlib import Path

import pytest

from core.engine.library import Library
from core.errors import JournalError
from core.history import HistoryQuery
from core.units import ClientOrderId
from tests.support.journal import TIMEOUT, write_journal


def test_an_answer_comes_from_another_thread(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    write_journal(path)
    answered_by: list[str] = []
    library = Library(path)
    with library._one_reader:  # not answered before somebody listens
        future = library.ask(HistoryQuery(order_id=ClientOrderId(2)))
        future.add_done_callback(lambda _: answered_by.append(threading.current_thread().name))
    rows = future.result(TIMEOUT)
    assert answered_by == ["history"]
    assert [row.kind for row in rows] == ["fill", "order", "order", "order"]


def test_a_question_about_no_journal_is_answered_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="expected a journal, found none"):
        Library(tmp_path / "none").ask(HistoryQuery()).result(TIMEOUT)


def test_questions_that_nobody_waits_for_any_more_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    write_journal(path)
    library = Library(path)
    with library._one_reader:
        dropped, kept = library.ask(HistoryQuery(limit=1)), library.ask(HistoryQuery(limit=1))
        assert dropped.cancel()
    assert len(kept.result(TIMEOUT)) == 1
