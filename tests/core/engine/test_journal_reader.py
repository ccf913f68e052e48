"""Reading the log beside its writer: filters, pages, sentences, and exports that can be checked elsewhere."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.journal import Journal
from core.engine.journal_reader import exported, open_reader, search, symbols
from core.engine.records import SavedLog
from core.errors import JournalError
from core.history import HistoryQuery
from core.units import MarketId
from tests.support.journal import ACCOUNT, TIMEOUT, edit, fill_journal, venue_id, write_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal.open(path, ACCOUNT)
    fill_journal(opened)
    yield opened
    opened.close()


def numbers(path: Path, **query: object) -> list[int]:
    return [row.seq for row in search(path, HistoryQuery(**query))]


def test_the_newest_rows_come_first_and_pages_follow_each_other(journal: Journal, path: Path) -> None:
    newest = numbers(path, limit=4)
    assert newest == [16, 15, 14, 13]
    assert numbers(path, limit=2, before_seq=newest[-1]) == [12, 11]


def test_every_filter_restricts(journal: Journal, path: Path) -> None:
    by_ours = search(path, HistoryQuery(order_id=2))
    assert {row.kind for row in by_ours} == {"order", "fill"}
    assert {row.client_id for row in by_ours} == {2}
    assert set(numbers(path, order_id=venue_id(2))) < set(numbers(path, order_id=2))
    assert {row.market_id for row in search(path, HistoryQuery(market_id=MarketId(2)))} == {2}
    assert {row.kind for row in search(path, HistoryQuery(kinds=("fill", "kill")))} == {"fill", "kill"}
    assert {row.origin for row in search(path, HistoryQuery(origin="maker"))} == {"strategy maker"}
    assert [row.text for row in search(path, HistoryQuery(text="pressed by"))] == ["pressed by operator"]
    assert numbers(path, until_us=1_000_000) == [16]
    assert 16 not in numbers(path, since_us=1_000_001)
    assert numbers(path, text="'; DROP TABLE log; --") == []


def test_rows_speak_in_sentences(journal: Journal, path: Path) -> None:
    told = {row.kind: row for row in search(path, HistoryQuery(order_id=2))}
    assert told["fill"].text == "trade 2: buy 0.005 at 68000, taker, fee 0.019"
    first = search(path, HistoryQuery(order_id=2))[-1]
    assert first.text == "submitting: buy 0.005 at 68000.1, limit, good-till-time; filled 0"
    assert first.world == ACCOUNT
    assert json.loads(first.body)["price"] == "68000.1"


def test_exported_lines_hold_all_that_their_digests_cover(journal: Journal, path: Path) -> None:
    with closing(open_reader(path)) as connection:
        lines = list(exported(connection, HistoryQuery(limit=1)))
    assert len(lines) == 16
    before = bytes(32)
    names = ("seq", "at_us", "kind", "world_id", "client_id", "venue_id", "market_id", "origin", "ref")
    for line in lines:
        read = json.loads(line)
        columns = json.dumps([read[name] for name in names], separators=(",", ":"), ensure_ascii=False)
        body = line.decode().split('"body":', 1)[1].split(',"world_id"', 1)[0]
        before = hashlib.sha256(before + f"{columns}\n{body}".encode()).digest()
        assert read["digest"] == before.hex()


def test_symbols_of_markets_are_known(journal: Journal, path: Path) -> None:
    with closing(open_reader(path)) as connection:
        assert symbols(connection) == {1: "ETH", 2: "BTC"}


def test_a_reader_cannot_write(journal: Journal, path: Path) -> None:
    with closing(open_reader(path)) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM log")


def test_a_reader_that_dwells_does_not_hold_up_the_writer(journal: Journal, path: Path) -> None:
    with closing(open_reader(path)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM log").fetchone()
        journal.append([SavedLog(at_us=1, kind="kill", text="meanwhile")]).result(TIMEOUT)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("PRAGMA user_version=99", "expected a journal of format 2, got format 99"),
        ("PRAGMA application_id=5", "got an SQLite database of something else"),
    ],
)
def test_what_is_no_journal_of_this_version_is_one_sentence(path: Path, statement: str, says: str) -> None:
    write_journal(path)
    edit(path, statement)
    with pytest.raises(JournalError, match=says):
        open_reader(path)


def test_no_journal_and_no_database_are_one_sentence_each(path: Path) -> None:
    with pytest.raises(JournalError, match="found none; name another with --profile or --file"):
        search(path, HistoryQuery())
    path.write_bytes(os.urandom(8_192))
    with pytest.raises(JournalError, match="expected a journal of lighter-tui, got: file is not a database"):
        search(path, HistoryQuery())


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_words_of_any_alphabet_come_back_as_they_went(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    place = tmp_path_factory.mktemp("journal") / "j"
    journal = Journal.open(place, "one")
    journal.append([SavedLog(at_us=1, kind="denied", text=text, origin=text)]).result(TIMEOUT)
    (row,) = search(place, HistoryQuery(kinds=("denied",)))
    journal.close()
    assert (row.text, row.origin) == (text, text)
