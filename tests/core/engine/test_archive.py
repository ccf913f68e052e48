"""The check of an archive: a row that was changed, taken out, or cut off at either end is named."""

from pathlib import Path

import pytest

from core.clock import DAY_US, ManualClock
from core.engine.archive import verify_archive
from core.engine.journal import Journal
from core.engine.journal_file import open_files
from core.engine.retention import Compactor, Retention
from tests.support.journal import ACCOUNT, life_of

KEEP = Retention(log_days=10, order_days=30)
DAY_ONE_US = 1_700_000_000_000_000


def _put_away(path: Path, day: int, numbers: range) -> None:
    """Some orders, and twenty days later a whole pass of retention."""
    clock = ManualClock(DAY_ONE_US + day * DAY_US)
    journal = Journal.open(path, ACCOUNT, clock=clock)
    for number in numbers:
        for records in life_of(number, clock.now().utc_us):
            journal.append(records)
    journal.close()
    now = ManualClock(DAY_ONE_US + (day + 20) * DAY_US).now()
    opened, scribe = open_files(path, ACCOUNT, "", now)
    compactor = Compactor(path, scribe, KEEP, smallest_cut=10)
    compactor.begin(now)
    while compactor.is_working:
        compactor.step(now)
        opened.head.write(scribe.seq, scribe.digest)
    opened.close()


@pytest.fixture
def archives(tmp_path: Path) -> list[Path]:
    """Two archives, one after the other."""
    path = tmp_path / "journal.sqlite3"
    _put_away(path, 0, range(1, 20))
    _put_away(path, 40, range(20, 40))
    return sorted(tmp_path.glob("*.jsonl"))


def test_archives_as_they_were_written_chain_and_join(archives: list[Path]) -> None:
    first, second = (verify_archive(path) for path in archives)
    assert (first.fault, first.first, first.is_joined) == (None, 1, True)
    assert (second.fault, second.first, second.is_joined) == (None, first.last + 1, True)


def test_without_the_one_before_the_first_row_is_taken_as_it_is(archives: list[Path]) -> None:
    archives[0].unlink()
    verdict = verify_archive(archives[1])
    assert (verdict.fault, verdict.is_joined) == (None, False)


@pytest.mark.parametrize("place", [0, 3])
def test_a_row_that_was_changed_is_named(archives: list[Path], place: int) -> None:
    lines = archives[1].read_text().splitlines(keepends=True)
    first = verify_archive(archives[1]).first
    at_us = lines[place].split('"at_us":')[1].split(",")[0]
    lines[place] = lines[place].replace(at_us, str(int(at_us) + 1), 1)
    archives[1].write_text("".join(lines))
    assert f"row {first + place} was changed" in str(verify_archive(archives[1]).fault)


def test_a_body_that_was_changed_is_named(archives: list[Path]) -> None:
    text = archives[0].read_text()
    archives[0].write_text(text.replace('"size":"0.005"', '"size":"0.006"', 1))
    assert "was changed" in str(verify_archive(archives[0]).fault)


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        (slice(0, -1), "expected rows 1 to 78 by its name, got 1 to 77"),
        (slice(1, None), "expected rows 1 to 78 by its name, got 2 to 78"),
        (slice(0, None, 2), "row 2 is missing: row 3 follows row 1"),
        (slice(0, 0), "expected rows 1 to 78 by its name, got none"),
    ],
)
def test_rows_that_were_taken_out_are_missed(archives: list[Path], kept: slice, says: str) -> None:
    lines = archives[0].read_text().splitlines(keepends=True)
    archives[0].write_text("".join(lines[kept]))
    assert verify_archive(archives[0]).fault == says


def test_what_is_no_archive_is_one_sentence(tmp_path: Path) -> None:
    other = tmp_path / "notes.jsonl"
    assert "cannot be read" in str(verify_archive(other).fault)
    other.write_text('{"a": 1}\n')
    assert "expected an archive of a journal" in str(verify_archive(other).fault)
    other.write_bytes(b"\xff\xfe")
    assert "\n" not in str(verify_archive(other).fault)
