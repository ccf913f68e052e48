"""Fills into the books: each side of each trade once."""

from dataclasses import replace

import pytest

from core.events import FillReported
from core.model import OrderStatus
from tests.support.machine import Bench, buy, sell


@pytest.mark.parametrize("trades_kept", [1_000, 0])
def test_both_sides_of_a_trade_with_ourselves_are_booked(trades_kept: int) -> None:
    bench = Bench()
    bench.connect()
    bought, sold = bench.rest(buy()), bench.rest(sell())
    one = bench.fill_of(bought, "0.1")
    other = replace(one, side=sold.side, venue_order_id=sold.venue_id, client_order_id=sold.client_id)
    facts = [FillReported(fill=fill) for fill in (one, other, one, other)]
    bench.tell(*facts)
    assert bench.position() == 0
    assert [bench.status(report.client_id) for report in (bought, sold)] == [OrderStatus.FILLED] * 2
    fresh = bench.restarted(trades_kept)
    fresh.connect()
    fresh.tell(*facts)
    assert set(fresh.fills) == {one.key, other.key}
