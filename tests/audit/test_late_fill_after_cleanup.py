"""Audit finding: fills of expired tasks never reached risk. Here every fill is booked once, however old its task."""

import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from core.commands import SubmitOrder
from core.events import FillReported
from core.model import OPERATOR, OrderStatus, Origin, OriginKind, Position, Priority, Side
from tests.support.engine import running, seen
from tests.support.fake_connector import ETH, FakeConnector, intent
from tests.support.machine import Bench, sell

MAKER = Origin(OriginKind.STRATEGY, "maker")
RECENT = 4


def test_a_fill_of_a_task_that_left_memory_long_ago(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue, recent_limit=RECENT) as handle:
        handle.submit(SubmitOrder(intent=intent(), origin=MAKER, priority=Priority.STRATEGY))
        seen(handle, "the order rests", lambda: venue.open and handle.state().may_be_live == 1)
        old = next(iter(venue.open.values()))
        venue.end(old.venue_id, OrderStatus.CANCELED)
        seen(handle, "it is cancelled", lambda: not handle.state().tasks)
        for size in ("0.2", "0.3", "0.4", "0.5", "0.6", "0.7"):
            handle.submit(SubmitOrder(intent=intent(Side.SELL, size, "2100.00"), origin=OPERATOR))
            seen(handle, "another rests", lambda: venue.open and handle.state().may_be_live == 1)
            venue.end(next(iter(venue.open)), OrderStatus.CANCELED)
            seen(handle, "and is cancelled", lambda: not handle.state().tasks)
        assert len(handle.state().recent) == RECENT
        assert all(task.order.client_id != old.client_id for task in handle.state().recent)

        fill = venue.fill(old, "0.04")
        seen(handle, "the late fill is booked", lambda: handle.state().fills)
        for _ in range(3):  # and the venue says it again
            venue.emit(FillReported(fill=fill))
        other = venue.fill(replace(old, venue_id=old.venue_id), "0.01")
        seen(handle, "a second late fill", lambda: len(handle.state().fills) == 2)

        state = handle.state()
        assert [one.trade_id for one in state.fills] == [other.trade_id, fill.trade_id]
        assert [position.size for position in state.positions] == [Decimal("0.05")]
        used = {(use.name, use.scope): use.used for use in state.limits}
        assert used["max_position_notional", "ETH"] == Decimal("0.05") * 2000
        assert "strategy maker, long after it was canceled" in " ".join(notice.text for notice in state.notices)

    rows = sqlite3.connect(tmp_path / "journal.sqlite")
    try:
        kept = rows.execute("SELECT trade_id, origin, origin_name, client_order_id FROM fills ORDER BY 1").fetchall()
        ((filled,),) = rows.execute("SELECT filled FROM orders WHERE client_id=?", (old.client_id,)).fetchall()
    finally:
        rows.close()
    assert kept == [(one.trade_id, "strategy", "maker", old.client_id) for one in (fill, other)]
    assert Decimal(filled) == Decimal("0.05")


def test_late_fills_after_one_clean_up_each_add_up(tmp_path: Path) -> None:
    venue = FakeConnector()

    def churn() -> None:
        for size in ("0.2", "0.3", "0.4", "0.5", "0.6"):
            handle.submit(SubmitOrder(intent=intent(Side.SELL, size, "2100.00")))
            seen(handle, "another rests", lambda: venue.open and handle.state().may_be_live == 1)
            venue.end(next(iter(venue.open)), OrderStatus.CANCELED)
            seen(handle, "and is cancelled", lambda: not handle.state().tasks)
        assert all(task.order.client_id != old.client_id for task in handle.state().recent)

    with running(tmp_path, venue, recent_limit=RECENT) as handle:
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "the order rests", lambda: venue.open and handle.state().may_be_live == 1)
        old = next(iter(venue.open.values()))
        venue.end(old.venue_id, OrderStatus.CANCELED)
        seen(handle, "it is cancelled", lambda: not handle.state().tasks)
        for count, size in enumerate(("0.04", "0.01", "0.05"), start=1):
            churn()
            venue.fill(old, size)
            seen(handle, "the late fill is booked", lambda count=count: len(handle.state().fills) == count)
        (kept,) = [task.order for task in handle.state().recent if task.order.client_id == old.client_id]
        assert (kept.filled, kept.filled_quote, kept.status) == (Decimal("0.10"), Decimal(190), OrderStatus.FILLED)


def test_an_order_that_lives_on_after_a_restart_keeps_the_fills_booked_before() -> None:
    bench = Bench()
    bench.connect()
    old = bench.rest()
    bench.fill(old, "0.04")
    fresh = bench.restarted()
    fresh.connect(replace(old, filled=Decimal("0.04")))
    fresh.fill(old, "0.06")
    assert fresh.tracked(old.client_id).booked == Decimal("0.10")
    assert fresh.status(old.client_id) is OrderStatus.FILLED


def test_the_same_fill_after_a_restart_is_not_booked_again(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "the order rests", lambda: venue.open and handle.state().may_be_live == 1)
        fill = venue.fill(next(iter(venue.open.values())), "0.1")
        seen(handle, "it is filled", lambda: handle.state().fills)
    venue.positions = {ETH: Position(market_id=ETH, size=Decimal("0.1"))}
    with running(tmp_path, venue) as handle:
        venue.emit(FillReported(fill=replace(fill, time_us=venue.time_us())))
        another = venue.place_elsewhere(intent())
        venue.fill(another, "0.02")
        seen(handle, "a newer fill is booked", lambda: handle.state().fills)
        assert len(handle.state().fills) == 1
        assert handle.state().positions[0].size == Decimal("0.12")


def test_in_the_recent_set_and_beyond_everything_changes_in_one_snapshot() -> None:
    for churn in (0, 20):
        bench = Bench(recent_limit=RECENT)
        bench.connect()
        old = bench.rest()
        bench.tell_ended(old)
        for _ in range(churn):
            bench.tell_ended(bench.rest(sell()))
        assert (bench.facts.orders.find(client_id=old.client_id) is None) == bool(churn)
        fill = bench.fill_of(old, "0.1")
        bench.tell(FillReported(fill=fill), FillReported(fill=fill))
        assert bench.position() == Decimal("0.1")
        assert bench.facts.outlook.exposures()[ETH].position == Decimal("0.1")
        assert bench.orders[old.client_id].order.filled == Decimal("0.1")
        assert bench.orders[old.client_id].order.status is OrderStatus.FILLED
        assert list(bench.fills) == [fill.key]
        assert bench.fills[fill.key].origin == OPERATOR
