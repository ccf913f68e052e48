"""The check of a whole journal: nothing can be changed, added or taken away without its saying where."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.engine.head_file import path_of
from core.engine.journal import Journal
from core.engine.journal_reader import open_reader
from core.engine.verify import Verdict, verify
from tests.support.journal import ACCOUNT, TIMEOUT, an_order, edit, fill_journal, venue_id, write_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal.open(path, ACCOUNT)
    yield opened
    opened.close()


def checked(path: Path) -> Verdict:
    with closing(open_reader(path)) as connection:
        return verify(connection, path)


def test_a_whole_journal_passes_while_it_is_being_written(journal: Journal, path: Path) -> None:
    fill_journal(journal)
    first = checked(path)
    assert first.fault is None
    assert (first.first, first.is_head_noted, first.archived) == (1, True, 0)
    journal.append([an_order(9)]).result(TIMEOUT)
    again = checked(path)
    assert (again.fault, again.last) == (None, first.last + 1)
    assert again.head != first.head


def test_ids_learnt_in_one_group_and_forgotten_by_a_later_row_still_agree(journal: Journal, path: Path) -> None:
    journal.append([an_order(1, venue_id=venue_id(1)), an_order(1)])
    journal.append([an_order(1)]).result(TIMEOUT)
    assert checked(path).fault is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE log SET body=replace(body, '0.005', '0.006') WHERE seq=3", "row 3 of the log was changed"),
        ("UPDATE log SET origin='operator' WHERE seq=4", "row 4 of the log was changed"),
        ("UPDATE log SET ref=2 WHERE seq=3", "row 3 of the log was changed"),
        ("DELETE FROM log WHERE seq=4", "row 4 of the log is missing: row 5 follows row 3"),
        ("UPDATE orders SET filled='0.004' WHERE client_id=2", "order 2 (ours 2, theirs 1125899906842626) is not what"),
        ("UPDATE orders SET is_closed=0 WHERE client_id=2", "is filed otherwise than its status says"),
        (
            "UPDATE orders SET log_seq=3 WHERE client_id=2",
            "order 2 (ours 2, theirs 1125899906842626) is not what row 3",
        ),
        ("DELETE FROM orders WHERE client_id=2", "tells of an order that is stored otherwise"),
        ("UPDATE fills SET price='1' WHERE trade_id=2", "the fill of trade 2 is not what row"),
        ("DELETE FROM fills WHERE trade_id=2", "tells of a fill that is not stored"),
        ("UPDATE meta SET value='1 DOGE'", "the named value 'markets' is not what the log says"),
        ("INSERT INTO meta VALUES ('kill', '', 1)", "the named value 'kill' is not what the log says"),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(path: Path, change: str, says: str) -> None:
    write_journal(path)
    edit(path, change)
    assert says in str(checked(path).fault)


def test_an_order_rolled_back_to_an_earlier_row_is_named(path: Path) -> None:
    """Consistent with one row of the log, but not with the newest about it."""
    write_journal(path)
    edit(
        path,
        "UPDATE orders SET status='accepted', filled='0', is_closed=0, log_seq="
        "(SELECT min(seq) + 1 FROM log WHERE kind='order' AND ref=orders.id) WHERE client_id=2",
    )
    assert "tells of an order that is stored otherwise" in str(checked(path).fault)


def test_a_chain_rebuilt_over_a_cut_tail_is_noticed_by_the_file_beside(path: Path) -> None:
    write_journal(path)
    edit(path, "DELETE FROM log WHERE seq=(SELECT max(seq) FROM log)", "UPDATE head SET seq=seq-1",
         "UPDATE head SET digest=(SELECT digest FROM log WHERE seq=head.seq)")  # fmt: skip
    assert "its end was cut off" in str(checked(path).fault)
    path_of(path).unlink()
    assert checked(path) == Verdict(fault=None, first=1, last=16, head=checked(path).head, is_head_noted=False)


def test_a_damaged_file_is_one_sentence(path: Path) -> None:
    write_journal(path, 400)
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 200] = b"\x5a" * 200
    path.write_bytes(content)
    fault = checked(path).fault
    assert fault is not None
    assert "\n" not in fault
