"""Opening a journal: what cannot be trusted or is not ours is refused in one sentence, and left as it is."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.engine.head_file import path_of, read_head
from core.engine.journal import Journal
from core.engine.migrations import migrate, missing_step
from core.engine.records import SavedLog
from core.errors import JournalError

TIMEOUT = 10
DAY_S = 86_400
COPY_LAST = (
    "INSERT INTO log SELECT seq+1,at_us,kind,world,client_id,venue_id,market_id,origin,ref,body,digest FROM log "
    "ORDER BY seq DESC LIMIT 1"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def written(path: Path, count: int = 5, *, owner: str = "") -> None:
    journal = Journal.open(path, "one", owner=owner)
    for number in range(count):
        journal.append([SavedLog(at_us=number, kind="kill", text=f"line {number}")]).result(TIMEOUT)
    journal.close()


def edit(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute(statement)
    raw.close()


def kinds(path: Path) -> list[tuple[str, str]]:
    raw = sqlite3.connect(path)
    found = raw.execute("SELECT kind, body FROM log ORDER BY seq").fetchall()
    raw.close()
    return found


def test_each_run_is_entered_and_signed_off_in_the_log(path: Path) -> None:
    written(path, 1)
    written(path, 0)
    assert [kind for kind, _ in kinds(path)] == ["opened", "kill", "closed", "opened", "closed"]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("UPDATE log SET body=replace(body, 'line 3', 'line 9') WHERE seq=5", "row 5 of the log was changed"),
        ("UPDATE log SET at_us=at_us+1 WHERE seq=2", "row 2 of the log was changed"),
        ("UPDATE log SET market_id=7 WHERE seq=2", "row 2 of the log was changed"),
        ("UPDATE log SET digest=zeroblob(32) WHERE seq=4", "row 4 of the log was changed"),
        ("DELETE FROM log WHERE seq=3", "row 3 of the log is missing"),
        ("DELETE FROM log WHERE seq>4", "its end was cut off"),
        ("DELETE FROM log", "its end was cut off"),
        ("UPDATE head SET seq=4", "is not the row 4 that was written last"),
        (COPY_LAST, "is not the row 7 that was written last"),
    ],
)
def test_an_edited_journal_is_refused_and_left_alone(path: Path, what: str, expected: str) -> None:
    written(path)
    edit(path, what)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="cannot be trusted") as refused:
        Journal.open(path, "one")
    assert expected in str(refused.value)
    assert path.read_bytes() == before


def test_an_old_copy_put_back_in_place_is_noticed(path: Path) -> None:
    written(path)
    copy = path.read_bytes()
    written(path)
    path.write_bytes(copy)
    with pytest.raises(JournalError, match="the log ends with row 7, but row 14 was written"):
        Journal.open(path, "one")


def test_a_tail_rewritten_with_its_head_row_is_noticed_by_the_file_beside(path: Path) -> None:
    written(path)
    edit(path, "DELETE FROM log WHERE seq>4")
    edit(path, "UPDATE head SET seq=4, digest=(SELECT digest FROM log WHERE seq=4)")
    with pytest.raises(JournalError, match="its end was cut off"):
        Journal.open(path, "one")
    path_of(path).unlink()
    Journal.open(path, "one").close()  # nobody is left to contradict


@pytest.mark.parametrize("torn", [b"", b"00000000000000000007 ab", b"\xff" * 86])
def test_a_torn_head_file_after_a_power_cut_does_not_stop_a_whole_journal(path: Path, torn: bytes) -> None:
    written(path)
    path_of(path).write_bytes(torn)
    Journal.open(path, "one").close()
    assert read_head(path) is not None


def test_a_torn_journal_is_refused(path: Path) -> None:
    written(path, 200)
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\x5a" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    with pytest.raises(JournalError, match="journal"):
        Journal.open(path, "one")
    assert path.read_bytes() == content


def test_the_journal_of_another_account_is_refused(path: Path) -> None:
    written(path, owner="chain 304 account 1")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="expected chain 304 account 2, got chain 304 account 1"):
        Journal.open(path, "one", owner="chain 304 account 2")
    assert path.read_bytes() == before
    written(path, owner="chain 304 account 1")
    written(path)


def test_an_older_format_is_refused_with_what_to_do(path: Path) -> None:
    written(path)
    edit(path, "PRAGMA user_version=1")
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"older lighter-tui .format 1, this one reads 2.*move it away"):
        Journal.open(path, "one")
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    edit(path, "CREATE TABLE songs (title TEXT)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="an SQLite database of something else"):
        Journal.open(path, "one")
    assert path.read_bytes() == before


def test_a_format_between_is_brought_up_step_by_step() -> None:
    raw = sqlite3.connect(":memory:")
    steps: dict[int, Callable[[sqlite3.Connection], None]] = {
        5: lambda connection: connection.execute("CREATE TABLE six (id INTEGER)") and None,
        6: lambda connection: connection.execute("ALTER TABLE six ADD COLUMN seven TEXT") and None,
    }
    assert missing_step(5, 7, steps) is None
    assert missing_step(4, 7, steps) == 4
    migrate(raw, 5, 7, steps)
    assert raw.execute("SELECT id, seven FROM six").fetchall() == []
    assert raw.execute("PRAGMA user_version").fetchone() == (7,)
    raw.close()


@pytest.mark.parametrize("parent", ["/proc/nowhere", "/dev/null/state"])
def test_a_place_that_cannot_be_written_is_one_sentence(parent: str) -> None:
    with pytest.raises(JournalError, match="expected a journal this user can write, got: "):
        Journal.open(Path(parent) / "journal.sqlite3", "one")


def test_a_clock_that_jumps_while_running_is_in_the_log_and_rows_keep_their_order(path: Path) -> None:
    clock = ManualClock()
    journal = Journal.open(path, "one", clock=clock)
    for shift_s in (0, 60, -60):
        now = clock.advance(seconds=1)
        clock._now = type(now)(mono_ns=now.mono_ns, utc_us=now.utc_us + shift_s * 1_000_000)
        journal.append([SavedLog(at_us=clock.now().utc_us, kind="kill", text=f"after {shift_s}")]).result(TIMEOUT)
    journal.close()
    told = [body for kind, body in kinds(path) if kind == "clock"]
    assert [body.split('"')[3] for body in told] == [
        "the clock went ahead by 60.000 s since the row before",
        "the clock went back by 60.000 s since the row before",
    ]
    assert [kind for kind, _ in kinds(path)] == ["opened", "kill", "clock", "kill", "clock", "kill", "closed"]


def test_a_clock_that_went_back_between_two_runs_is_in_the_log(path: Path) -> None:
    clock = ManualClock()
    Journal.open(path, "one", clock=clock).close()
    Journal.open(path, "one", clock=ManualClock(clock.now().utc_us - DAY_S * 1_000_000)).close()
    assert "the clock went back by 86400.000 s since the last run" in kinds(path)[3][1]
