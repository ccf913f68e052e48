"""The journal on a real disk: durable, exact, locked, and honest about what it cannot do."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from core.engine.journal import Journal
from core.engine.journal_reader import open_reader
from core.engine.records import SavedFill, SavedLog, SavedMeta, SavedOrder
from core.engine.scribe import Scribe
from core.engine.verify import verify
from core.errors import JournalError
from core.model import (
    EXTERNAL,
    OPERATOR,
    Fill,
    Liquidity,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    Origin,
    OriginKind,
    Priority,
    Side,
    TimeInForce,
)
from core.units import ClientOrderId, MarketId, TaskId, TradeId, VenueOrderId

TIMEOUT = 10


def saved(client_id: int | None = 7, *, task_id: int | None = 3, **changes: object) -> SavedOrder:
    intent = OrderIntent(
        market_id=MarketId(1),
        side=Side.SELL,
        type=OrderType.LIMIT,
        size=Decimal("0.00500"),
        price=Decimal("68000.1"),
        tif=TimeInForce.POST_ONLY,
    )
    order = Order(
        intent=intent,
        status=OrderStatus.SUBMITTING,
        client_id=None if client_id is None else ClientOrderId(client_id),
        created_us=11,
        updated_us=12,
    )
    return SavedOrder(
        order=replace(order, **changes),
        origin=Origin(OriginKind.STRATEGY, "maker") if task_id is not None else EXTERNAL,
        priority=Priority.STRATEGY,
        task_id=None if task_id is None else TaskId(task_id),
    )


def fill(trade_id: int = 99) -> Fill:
    return Fill(
        trade_id=TradeId(trade_id),
        market_id=MarketId(1),
        side=Side.SELL,
        size=Decimal("0.001"),
        price=Decimal(68000),
        fee=Decimal("0.019040"),
        liquidity=Liquidity.TAKER,
        venue_order_id=VenueOrderId(2**49),
        client_order_id=ClientOrderId(7),
        time_us=13,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal.open(path, "one")
    yield opened
    opened.close()


def test_an_empty_journal_starts_counting_at_one(journal: Journal) -> None:
    image = journal.load()
    assert (image.live, dict(image.meta), image.next_client_id, image.next_task_id) == ((), {}, 1, 1)


def test_everything_survives_a_restart_exactly(journal: Journal, path: Path) -> None:
    live = saved()
    closed = saved(8, task_id=4, status=OrderStatus.FILLED, venue_id=VenueOrderId(2**60), filled=Decimal("0.005"))
    journal.append([live, closed, SavedFill(fill=fill(), origin=OPERATOR), SavedMeta(key="kill", value="x")]).result(
        TIMEOUT
    )
    journal.append([SavedMeta(key="kill", value="y"), SavedLog(at_us=1, kind="kill", text="operator")]).result(TIMEOUT)
    journal.close()

    again = Journal.open(path, "one")
    image = again.load()
    assert image.live == (live,)
    assert image.meta == {"kill": "y"}
    assert (image.next_client_id, image.next_task_id, image.recent_trades) == (9, 5, ((99, Side.SELL),))
    assert again.find_order(client_id=ClientOrderId(8)).result(TIMEOUT) == closed
    assert again.find_order(venue_id=VenueOrderId(2**60)).result(TIMEOUT) == closed
    assert again.has_trade((TradeId(99), Side.SELL)).result(TIMEOUT)
    assert not again.has_trade((TradeId(99), Side.BUY)).result(TIMEOUT)
    assert not again.has_trade((TradeId(98), Side.SELL)).result(TIMEOUT)
    again.close()


def test_both_sides_of_a_trade_with_ourselves_are_kept(journal: Journal) -> None:
    bought = replace(fill(), side=Side.BUY)
    journal.append([SavedFill(fill=one, origin=OPERATOR) for one in (fill(), bought, bought)]).result(TIMEOUT)
    assert sorted(journal.load().recent_trades, key=str) == sorted([fill().key, bought.key], key=str)


def test_an_order_comes_back_with_what_its_fills_add_up_to(journal: Journal) -> None:
    one = saved(venue_id=VenueOrderId(2**49), status=OrderStatus.PARTIALLY_FILLED, filled=Decimal("0.004"))
    fills = [SavedFill(fill=fill(number), origin=OPERATOR) for number in (1, 2, 2)]
    other = SavedFill(fill=replace(fill(3), venue_order_id=VenueOrderId(2**50)), origin=OPERATOR)
    journal.append([one, *fills, other]).result(TIMEOUT)
    found = journal.find_order(client_id=ClientOrderId(7)).result(TIMEOUT)
    assert found == structs.replace(one, booked=Decimal("0.002"), booked_quote=Decimal(136))
    assert journal.load().live == (found,)


def test_saving_an_order_again_replaces_it_and_keeps_the_venues_id(journal: Journal) -> None:
    known = saved(venue_id=VenueOrderId(2**50), status=OrderStatus.ACCEPTED)
    journal.append([saved(), known])
    journal.append([saved(status=OrderStatus.CANCELED)])
    found = journal.find_order(client_id=ClientOrderId(7)).result(TIMEOUT)
    assert found == saved(venue_id=VenueOrderId(2**50), status=OrderStatus.CANCELED)
    assert journal.load().live == ()


def test_an_order_whose_wish_changes_is_kept_as_it_is_wished_now(journal: Journal) -> None:
    """Whoever writes remembers what an order wishes from row to row."""
    first = saved()
    intent = replace(first.order.intent, size=Decimal("0.009"))
    larger = structs.replace(first, order=replace(first.order, intent=intent))
    by_hand = structs.replace(larger, origin=Origin(OriginKind.OPERATOR), priority=Priority.OPERATOR)
    later = structs.replace(by_hand, task_id=TaskId(4))
    for newest in (first, larger, by_hand, later):
        journal.append([newest]).result(TIMEOUT)
        assert journal.find_order(client_id=ClientOrderId(7)).result(TIMEOUT) == newest


def test_a_foreign_order_never_overwrites_ours_with_the_same_client_id(journal: Journal) -> None:
    ours = saved(7, status=OrderStatus.FILLED, venue_id=VenueOrderId(2**50))
    foreign = saved(7, task_id=None, status=OrderStatus.ACCEPTED, venue_id=VenueOrderId(2**51))
    journal.append([ours, foreign]).result(TIMEOUT)
    assert journal.find_order(client_id=ClientOrderId(7)).result(TIMEOUT) == ours
    assert journal.find_order(venue_id=VenueOrderId(2**51)).result(TIMEOUT) == foreign
    assert journal.load().next_client_id == 8


def test_ids_of_another_world_are_kept_apart(journal: Journal, path: Path) -> None:
    first = saved(7, venue_id=VenueOrderId(2**50))
    journal.append([first, SavedFill(fill=fill(), origin=OPERATOR)]).result(TIMEOUT)
    journal.close()
    other = Journal.open(path, "two")
    assert not other.has_trade((TradeId(99), Side.SELL)).result(TIMEOUT)
    assert other.find_order(venue_id=VenueOrderId(2**50)).result(TIMEOUT) is None
    second = saved(8, task_id=4, venue_id=VenueOrderId(2**50))
    other.append([second, SavedFill(fill=fill(), origin=OPERATOR)]).result(TIMEOUT)
    image = other.load()
    assert image.live == (first, second), "orders of a world that is gone must still be settled by the engine"
    assert image.next_client_id == 9
    other.close()


def test_files_are_readable_by_their_owner_alone(journal: Journal, path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_second_process_is_refused_in_one_sentence(journal: Journal, path: Path) -> None:
    script = (
        "import sys, pathlib\nfrom core.engine.journal import Journal\nfrom core.errors import JournalError\n"
        "try: Journal.open(pathlib.Path(sys.argv[1]), 'one')\nexcept JournalError as error: sys.exit(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert f"another lighter-tui (process {os.getpid()}) is using this journal" in done.stderr
    assert done.stderr.count("\n") == 1


def test_closing_releases_the_lock_and_refuses_what_comes_later(journal: Journal, path: Path) -> None:
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append([saved()]).result(TIMEOUT)
    with pytest.raises(JournalError, match="closed"):
        journal.has_trade((TradeId(1), Side.SELL)).result(TIMEOUT)
    Journal.open(path, "one").close()


@pytest.mark.parametrize("content", [b"", b"this is no database, and never was one" * 40])
def test_a_file_that_is_no_journal_is_not_overwritten(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    if not content:
        Journal.open(path, "one").close()
        return
    with pytest.raises(JournalError, match="expected a journal of lighter-tui"):
        Journal.open(path, "one")
    assert path.read_bytes() == content


def test_a_newer_format_is_refused_and_left_alone(journal: Journal, path: Path) -> None:
    journal.close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version=99")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="newer lighter-tui"):
        Journal.open(path, "one")
    assert path.read_bytes() == before


def test_a_journal_that_cannot_be_written_says_so_to_everyone_who_waits(journal: Journal, path: Path) -> None:
    journal.append([saved()]).result(TIMEOUT)
    with sqlite3.connect(path) as raw:
        raw.execute("DROP TABLE orders")
    raw.close()
    for _ in range(2):
        with pytest.raises(JournalError, match="cannot be written"):
            journal.append([saved(8)]).result(TIMEOUT)


def test_an_id_that_no_table_can_hold_fails_loudly_and_nobody_waits(journal: Journal) -> None:
    with pytest.raises(JournalError, match="cannot be written"):
        journal.append([SavedFill(fill=fill(2**63), origin=OPERATOR)]).result(TIMEOUT)
    with pytest.raises(JournalError, match="cannot be written"):
        journal.append([saved()]).result(TIMEOUT)
    with pytest.raises(JournalError, match="cannot be read"):
        journal.has_trade((TradeId(2**63), Side.SELL)).result(TIMEOUT)


def test_a_disk_that_stalls_does_not_hold_up_the_end(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stalled, go_on = threading.Event(), threading.Event()
    write = Scribe.write

    def stalling(*arguments: object) -> None:
        stalled.set()
        assert go_on.wait(TIMEOUT)
        write(*arguments)

    monkeypatch.setattr(Scribe, "write", stalling)
    monkeypatch.setattr("core.engine.journal._CLOSE_S", 0.05)
    last = journal.append([saved()])
    assert stalled.wait(TIMEOUT)
    journal.close()
    assert "did not take the last records" in caplog.text
    go_on.set()
    last.result(TIMEOUT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_in_the_writer_leaves_nobody_waiting(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise TypeError("a fault of ours")

    monkeypatch.setattr(Scribe, "write", broken)
    with pytest.raises(JournalError, match="ended by a fault"):
        journal.append([saved()]).result(TIMEOUT)
    journal._thread.join(TIMEOUT)
    for late in (journal.append([saved(8)]), journal.has_trade((TradeId(1), Side.SELL))):
        with pytest.raises(JournalError):
            late.result(TIMEOUT)


def test_groups_keep_their_order(journal: Journal) -> None:
    pending = [journal.append([SavedMeta(key="last", value=str(count))]) for count in range(2_000)]
    for future in pending:
        future.result(TIMEOUT)
    assert journal.load().meta == {"last": "1999"}


exact = st.decimals(min_value=0, max_value=10**15, places=9, allow_nan=False)


@given(size=exact, price=exact, filled=exact, reason=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_decimals_and_words_come_back_as_they_went(
    tmp_path_factory: pytest.TempPathFactory, size: Decimal, price: Decimal, filled: Decimal, reason: str
) -> None:
    journal = Journal.open(tmp_path_factory.mktemp("journal") / "j", "one")
    order = saved(reason=reason, filled=filled)
    intent = replace(order.order.intent, size=size, price=price)
    wanted = structs.replace(order, order=replace(order.order, intent=intent))
    journal.append([wanted])
    found = journal.find_order(client_id=ClientOrderId(7)).result(TIMEOUT)
    journal.close()
    assert found == wanted
    assert found is not None
    assert str(found.order.intent.size) == str(size)


def test_a_named_value_that_is_cleared_leaves_no_row(journal: Journal, path: Path) -> None:
    journal.append([SavedMeta(key="algorithm:twap 7", value="buy 1"), SavedMeta(key="kept", value="1")]).result(TIMEOUT)
    journal.append([SavedMeta(key="algorithm:twap 7", value="")]).result(TIMEOUT)
    assert journal.load().meta == {"kept": "1"}
    journal.append([SavedMeta(key="never there", value="")]).result(TIMEOUT)
    with closing(open_reader(path)) as reader:
        assert verify(reader, path).fault is None
