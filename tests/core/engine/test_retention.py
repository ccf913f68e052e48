"""Old rows go behind an anchor and into an archive, old orders go after them, and the journal still proves itself."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.clock import DAY_US, Instant, ManualClock
from core.engine import journal as room
from core.engine.journal import Journal
from core.engine.journal_file import open_files
from core.engine.journal_reader import open_reader, search
from core.engine.retention import Compactor, Retention
from core.engine.verify import Verdict, verify
from core.history import HistoryQuery
from core.model import OrderStatus, Side
from core.units import ClientOrderId, TradeId
from tests.support.journal import ACCOUNT, TIMEOUT, an_order, edit, life_of, venue_id
from tests.support.waiting import wait_until

DAY_ONE_US = 1_700_000_000_000_000
KEEP = Retention(log_days=10, order_days=30)


class World:
    """A journal file through the years; one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def at(self, day: int) -> ManualClock:
        return ManualClock(DAY_ONE_US + day * DAY_US)

    def write(self, day: int, numbers: range, *, live: tuple[int, ...] = ()) -> None:
        clock = self.at(day)
        journal = Journal.open(self.path, ACCOUNT, clock=clock)
        for number in numbers:
            for records in life_of(number, clock.now().utc_us):
                journal.append(records)
        for number in live:
            journal.append([an_order(number, status=OrderStatus.ACCEPTED, venue_id=venue_id(number))])
        journal.close()

    def compact(self, day: int, steps: int | None = None, retention: Retention = KEEP) -> int:
        """A whole pass, or its first steps and then a crash; how many steps it took."""
        now: Instant = self.at(day).now()
        opened, scribe = open_files(self.path, ACCOUNT, "", now)
        compactor = Compactor(self.path, scribe, retention, smallest_cut=10)
        compactor.begin(now)
        taken = 0
        while compactor.is_working and taken != steps:
            compactor.step(now)
            opened.head.write(scribe.seq, scribe.digest)
            taken += 1
        opened.close()
        return taken

    def checked(self) -> Verdict:
        with closing(open_reader(self.path)) as connection:
            return verify(connection, self.path)

    def count(self, table: str) -> int:
        with closing(sqlite3.connect(self.path)) as raw:
            return int(raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608

    def archives(self) -> list[Path]:
        return sorted(self.path.parent.glob("*.jsonl"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "journal.sqlite3")


def test_young_rows_stay(world: World) -> None:
    world.write(0, range(1, 20))
    before = world.count("log")
    world.compact(9)
    assert world.count("log") == before + 1, "opened, and nothing else"
    assert world.archives() == []


def test_old_rows_are_archived_and_what_is_left_still_verifies(world: World) -> None:
    world.write(0, range(1, 20), live=(50, 51))
    world.write(19, range(20, 25))
    old = [row.seq for row in search(world.path, HistoryQuery(until_us=DAY_ONE_US + DAY_US, limit=10_000))]
    world.compact(20)
    verdict = world.checked()
    assert (verdict.fault, verdict.archived) == (None, max(old))
    assert verdict.first == max(old) + 1
    assert world.count("orders") == 26, "tombstones outlive the rows that told of them"
    (archive,) = world.archives()
    lines = [json.loads(line) for line in archive.read_text().splitlines()]
    assert [line["seq"] for line in lines] == sorted(old)
    assert archive.stat().st_mode & 0o077 == 0


def test_an_archive_ends_with_the_digest_that_the_anchor_carries_on(world: World) -> None:
    world.write(0, range(1, 20))
    world.compact(20)
    (anchor,) = search(world.path, HistoryQuery(kinds=("anchor",)))
    digest = bytes(32)
    for line in world.archives()[0].read_text().splitlines():
        read = json.loads(line)
        names = ("seq", "at_us", "kind", "world_id", "client_id", "venue_id", "market_id", "origin", "ref")
        columns = json.dumps([read[name] for name in names], separators=(",", ":"))
        body = line.split('"body":', 1)[1].split(',"world_id"', 1)[0]
        digest = hashlib.sha256(digest + f"{columns}\n{body}".encode()).digest()
    assert json.loads(anchor.body)["digest"] == digest.hex()


def test_the_engine_goes_on_with_a_compacted_journal(world: World) -> None:
    world.write(0, range(1, 20), live=(50,))
    world.compact(20)
    journal = Journal.open(world.path, ACCOUNT, clock=world.at(21))
    image = journal.load()
    assert [saved.order.client_id for saved in image.live] == [50]
    assert (image.next_client_id, image.next_task_id) == (51, 51)
    found = journal.find_order(client_id=ClientOrderId(7)).result(TIMEOUT)
    assert found is not None
    assert found.order.status is OrderStatus.FILLED
    assert journal.has_trade((TradeId(7), Side.BUY)).result(TIMEOUT)
    journal.append([an_order(50, status=OrderStatus.CANCELED)]).result(TIMEOUT)
    journal.close()
    assert world.checked().fault is None


def test_old_orders_go_after_their_rows_and_no_id_is_given_out_twice(world: World) -> None:
    world.write(0, range(1, 20), live=(50,))
    world.compact(20)
    world.compact(29)
    assert world.count("orders") == 20
    world.write(31, range(60, 61))
    world.compact(31)
    assert (world.count("orders"), world.count("fills")) == (2, 1), "the live one and the young one"
    (told,) = search(world.path, HistoryQuery(kinds=("removed",)))
    assert told.text == "19 orders closed more than 30 days ago were removed"
    assert world.checked().fault is None
    world.compact(100)
    journal = Journal.open(world.path, ACCOUNT, clock=world.at(101))
    assert (journal.load().next_client_id, world.count("orders")) == (61, 1)
    journal.close()


def test_an_order_stays_as_long_as_a_row_that_tells_of_it(world: World) -> None:
    """Its newest row is young although it closed long ago, as after a late fill."""
    world.write(0, range(1, 20))
    clock = world.at(28)
    journal = Journal.open(world.path, ACCOUNT, clock=clock)
    for records in life_of(7, world.at(0).now().utc_us):
        journal.append(records).result(TIMEOUT)
    journal.close()
    world.write(29, range(60, 61))
    world.compact(31)
    assert world.checked().fault is None
    assert world.count("orders") == 2


@pytest.mark.parametrize("steps", range(12))
def test_a_crash_between_any_two_steps_loses_nothing(world: World, steps: int) -> None:
    world.write(0, range(1, 400), live=(500,))
    taken = world.compact(20, steps)
    assert world.checked().fault is None, f"after {taken} steps"
    world.compact(21)
    verdict = world.checked()
    assert verdict.fault is None
    assert verdict.archived > 1_500
    archived = [json.loads(line)["seq"] for path in world.archives() for line in path.read_text().splitlines()]
    assert set(archived) >= set(range(1, verdict.archived + 1))


def test_there_are_that_many_steps_to_crash_between(world: World) -> None:
    world.write(0, range(1, 400), live=(500,))
    assert world.compact(20) <= 12


def test_an_anchor_that_was_edited_is_noticed(world: World) -> None:
    world.write(0, range(1, 20))
    world.compact(20)
    edit(world.path, "UPDATE log SET body=replace(body, '\"removed_to\":78', '\"removed_to\":77') WHERE kind='anchor'")
    assert world.checked().fault is not None


def test_without_archives_old_rows_go_for_good(world: World) -> None:
    world.write(0, range(1, 20))
    world.compact(20, retention=Retention(log_days=10, order_days=30, is_archiving=False))
    assert world.archives() == []
    assert world.checked().archived > 70


def test_an_archive_that_cannot_be_written_removes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write(0, range(1, 20))
    world.path.with_name(f"{world.path.stem}-{1:012}-{78:012}.jsonl.part").mkdir()
    before = world.count("log")
    with pytest.raises(OSError, match="directory"):
        world.compact(20)
    assert world.count("log") == before + 1
    assert world.checked().fault is None


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_FIRST_TIDYING_NS", 0)
    monkeypatch.setattr(room, "_HELD_S", 0.01)
    monkeypatch.setattr(room, "_BETWEEN_STEPS_S", 0.001)


def test_the_journal_tidies_by_itself_but_never_while_it_must_not(world: World, at_once: None) -> None:
    world.write(0, range(1, 400))
    journal = Journal.open(world.path, ACCOUNT, clock=world.at(20), retention=KEEP)
    journal.may_tidy = False
    for _ in range(20):
        journal.append(life_of(900)[0]).result(TIMEOUT)
        journal._tidy()
    assert list(world.path.parent.glob("*.jsonl*")) == []
    journal.may_tidy = True
    wait_until(lambda: world.checked().archived, "old rows were put away")
    wait_until(lambda: world.count("log") < 200, "old rows were removed")
    journal.append([an_order(901)]).result(TIMEOUT)
    journal.close()
    assert world.checked().fault is None
