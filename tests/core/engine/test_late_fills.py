"""A whole engine, its clock moved on by a day: fills that come then find their orders' tombstones in the journal."""

import sqlite3
from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Final

import pytest

from core.clock import SECOND_NS, SECOND_US, Instant, SystemClock
from core.commands import SubmitOrder
from core.engine.handle import EngineThread
from core.events import FillReported, OrderReport
from core.model import OPERATOR, OrderStatus, Origin, OriginKind, Position, Priority, Side
from core.state import EnginePhase
from tests.support.engine import parts_of, seen, started
from tests.support.fake_connector import ETH, FakeConnector, intent

MAKER: Final = Origin(OriginKind.STRATEGY, "maker")
RECENT: Final = 4
DAY_S: Final = 86_400


class MovedClock(SystemClock):
    """The machine's clocks, and how far ahead of them it is."""

    ahead_s = 0

    def now(self) -> Instant:
        now = super().now()
        return Instant(mono_ns=now.mono_ns + self.ahead_s * SECOND_NS, utc_us=now.utc_us + self.ahead_s * SECOND_US)


@pytest.mark.parametrize("order", list(permutations(range(3)))[1::2])
def test_a_day_late_doubled_and_shuffled_everything_is_exact(tmp_path: Path, order: tuple[int, ...]) -> None:
    venue, clock = FakeConnector(), MovedClock()
    handle = EngineThread(replace(parts_of(tmp_path, venue, recent_limit=RECENT), clock=clock))
    with started(handle, venue):
        seen(handle, "the engine is running", lambda: handle.state().phase is EnginePhase.RUNNING)
        bought = cancelled(handle, venue, SubmitOrder(intent=intent(), origin=MAKER, priority=Priority.STRATEGY))
        sold = cancelled(handle, venue, SubmitOrder(intent=intent(Side.SELL, "0.2", "2100.00"), origin=OPERATOR))
        for number in range(1, RECENT + 2):
            cancelled(handle, venue, SubmitOrder(intent=intent(Side.BUY, f"0.{number}", "1800.00")))
        kept = {task.order.client_id for task in handle.state().recent}
        assert not kept & {bought.client_id, sold.client_id}, "both are in the journal alone"

        clock.ahead_s = DAY_S
        venue._time_us = max(venue._time_us, clock.now().utc_us)
        until_us = clock.now().utc_us
        seen(handle, "the next day", lambda: handle.state().published.utc_us >= until_us)
        fills = [
            venue.fill(report, size, is_told=False)
            for report, size in ((bought, "0.0301"), (bought, "0.0003"), (sold, "0.0101"))
        ]
        venue.positions = {ETH: Position(market_id=ETH, size=Decimal("0.0203"))}
        for place in (*order, *reversed(order)):
            venue.emit(FillReported(fill=fills[place]))
        seen(handle, "all are booked", lambda: len(handle.state().fills) == len(fills))

        seen(handle, "the position", lambda: [one.size for one in handle.state().positions] == [Decimal("0.0203")])
        assert {fill.trade_id for fill in handle.state().fills} == {fill.trade_id for fill in fills}
        rows = {row.strategy: row for row in handle.state().pnl}
        assert (rows[""].size, rows[""].fills) == (Decimal("0.0203"), 3)
        # Whichever came first, the 0.0101 sold at 2100 were bought at 1900.
        assert rows[""].realised == Decimal("2.0200")
        assert (rows["maker"].size, rows["maker"].realised) == (Decimal("0.0304"), 0)
    assert kept_of(tmp_path) == {
        (fills[0].trade_id, "0.0301", "strategy", "maker", bought.client_id),
        (fills[1].trade_id, "0.0003", "strategy", "maker", bought.client_id),
        (fills[2].trade_id, "0.0101", "operator", "", sold.client_id),
    }


def cancelled(handle: EngineThread, venue: FakeConnector, command: SubmitOrder) -> OrderReport:
    """An order that rested and was cancelled, as the venue showed it."""
    handle.submit(command)
    seen(handle, "it rests", lambda: venue.open and handle.state().may_be_live == 1)
    report = next(iter(venue.open.values()))
    venue.end(report.venue_id, OrderStatus.CANCELED)
    seen(handle, "it is cancelled", lambda: not handle.state().tasks)
    return report


def kept_of(folder: Path) -> set[tuple[int, str, str, str, int]]:
    reader = sqlite3.connect(folder / "journal.sqlite")
    try:
        return set(reader.execute("SELECT trade_id, size, origin, origin_name, client_order_id FROM fills"))
    finally:
        reader.close()
