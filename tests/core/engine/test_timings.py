"""Latencies: percentiles of the newest samples, and where the samples come from."""

from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.decisions import Refused, Sent
from core.engine.journal import Journal
from core.engine.timings import Step, Timings
from core.events import OrderSendResolved
from core.state import TimingUse
from tests.support.journal import TIMEOUT, an_order
from tests.support.machine import Bench
from tests.support.waiting import wait_until

MS = 1_000_000


@given(st.lists(st.integers(-5, 10**10), min_size=1, max_size=1_500))
def test_percentiles_are_of_the_newest_samples_and_in_order(spans: list[int]) -> None:
    timings = Timings()
    for span in spans:
        timings.add(Step.LOOP_LAG, span)
    kept = [max(0, span) for span in spans[-512:]]
    (row,) = timings.rows()
    assert row.count == len(kept)
    assert min(kept) // 1_000 <= row.median_us <= row.p99_us <= row.most_us == max(kept) // 1_000
    assert sum(span // 1_000 <= row.median_us for span in kept) * 2 >= len(kept)
    assert sum(span // 1_000 <= row.p99_us for span in kept) * 100 >= len(kept) * 99


def test_a_step_that_never_happened_has_no_row_and_the_others_keep_their_order() -> None:
    timings = Timings()
    timings.add(Step.LOOP_LAG, MS)
    timings.add(Step.SUBMIT_TO_SENT, 2 * MS)
    assert [row.name for row in timings.rows()] == ["order: submit to sent", "engine loop: lag"]


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def test_an_order_is_timed_from_the_wish_to_its_bytes_and_from_there_to_the_answer(bench: Bench) -> None:
    order = bench.submit()
    tracked = bench.machine.facts.orders.find(client_id=order.client_id)
    assert tracked is not None
    sent_ns = tracked.created_ns + 3 * MS
    bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Sent("0x1", sent_ns, sent_ns + 40 * MS)))
    first, second = bench.machine.facts.timings.rows()
    assert first == TimingUse(name="order: submit to sent", count=1, median_us=3_000, p99_us=3_000, most_us=3_000)
    assert (second.name, second.median_us) == ("order: sent to ack", 40_000)


def test_an_order_that_did_not_leave_is_not_timed(bench: Bench) -> None:
    order = bench.submit()
    bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Refused(0, "killed before it was sent")))
    assert bench.machine.facts.timings.rows() == ()


def test_the_journal_says_how_much_waits_for_the_disk(tmp_path: Path) -> None:
    with closing(Journal.open(tmp_path / "journal.sqlite3", "chain 300 account 7")) as journal:
        hold: Future[None] = Future()
        held = journal._read(lambda _: hold.result(TIMEOUT))
        written = [journal.append([an_order(number)]) for number in range(1, 4)]
        assert journal.depth() == 3
        hold.set_result(None)
        held.result(TIMEOUT)
        for one in written:
            one.result(TIMEOUT)
        wait_until(lambda: journal.depth() == 0, "nothing to wait")
