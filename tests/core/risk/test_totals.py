from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.risk import MarketExposure, RunningTotals
from core.risk.exposure import added_up
from core.units import MarketId
from tests.support.risk_world import ETH, ETH_ID, ETH_QUOTE, SOL, SOL_ID, SOL_QUOTE, exposure, view

numbers = st.decimals(min_value=-(10**9), max_value=10**9, places=9)
sizes = st.decimals(min_value=0, max_value=10**9, places=9)
exposures = st.builds(MarketExposure, position=numbers, open_buys=sizes, open_sells=sizes) | st.just(MarketExposure())
marks = st.none() | st.decimals(min_value=Decimal("0.000001"), max_value=10**7, places=6)


@given(st.lists(st.tuples(st.sampled_from([ETH_ID, SOL_ID]), exposures, marks), max_size=30))
def test_running_sums_are_to_the_last_digit_what_adding_up_gives(changes):
    totals, last = RunningTotals(), {}
    for market_id, one, mark in changes:
        totals.put(market_id, one, mark, Decimal("0.05"))
        last[market_id] = (one, mark)
    kept = totals.now(Decimal(0))
    assert kept.gross == sum(one.worst * mark for one, mark in last.values() if mark is not None)
    assert kept.margin == kept.gross * Decimal("0.05")
    assert kept.unpriced == {market_id for market_id, (one, mark) in last.items() if mark is None and not one.is_flat}


def test_it_says_what_a_view_adds_up():
    totals = RunningTotals()
    exposures = {ETH_ID: exposure("2", sells="5"), SOL_ID: exposure("-100", buys="20", sells="50")}
    totals.put(ETH_ID, exposures[ETH_ID], ETH_QUOTE.mark, ETH.initial_margin)
    totals.put(SOL_ID, exposures[SOL_ID], SOL_QUOTE.mark, SOL.initial_margin)
    assert totals.now(Decimal(0)) == added_up(view(exposures=exposures))


def test_a_market_that_got_its_mark_is_no_longer_unpriced():
    totals = RunningTotals()
    totals.put(MarketId(7), exposure("1"), None, Decimal(0))
    assert totals.now(Decimal(0)).unpriced == {7}
    totals.put(MarketId(7), exposure("1"), Decimal(3), Decimal(0))
    assert (totals.now(Decimal(0)).unpriced, totals.now(Decimal(0)).gross) == (frozenset(), 3)
