from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.model import Side
from core.risk import MarketExposure
from tests.support.risk_world import ETH_ID, ETH_QUOTE, exposure, view

sizes = st.decimals(min_value=0, max_value=1000, places=3)
signed = st.decimals(min_value=-1000, max_value=1000, places=3)


@given(position=signed, buys=st.lists(sizes, max_size=4), sells=st.lists(sizes, max_size=4), data=st.data())
def test_no_order_of_fills_takes_the_position_beyond_its_worst_case(position, buys, sells, data):
    before = MarketExposure(position=position, open_buys=sum(buys, Decimal(0)), open_sells=sum(sells, Decimal(0)))
    fills = data.draw(st.permutations([*buys, *(-size for size in sells)]))
    for fill in fills:
        position += fill
        assert abs(position) <= before.worst
        assert before.lowest <= position <= before.highest


def test_reach_and_adding_agree():
    before = exposure("1", buys="2", sells="4")
    assert before.reach(Side.BUY, Decimal(3)) == Decimal(6) == before.adding(Side.BUY, Decimal(3)).highest
    assert before.reach(Side.SELL, Decimal(3)) == Decimal(6) == -before.adding(Side.SELL, Decimal(3)).lowest
    assert exposure("5").reach(Side.SELL, Decimal(3)) == Decimal(-2)


def test_flat_is_flat_only_with_nothing_working():
    assert exposure().is_flat
    assert not exposure("-1").is_flat
    assert not exposure(buys="1").is_flat
    assert not exposure(sells="1").is_flat


def test_a_market_without_an_entry_has_no_exposure_and_a_mark_of_zero_is_no_mark():
    assert view().exposure(ETH_ID).is_flat
    assert view().mark(ETH_ID) == ETH_QUOTE.mark
    assert view(quotes={}).mark(ETH_ID) is None
