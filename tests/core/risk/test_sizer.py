from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Sizing
from core.money import TrackRecord
from core.risk import Edge, PositionSizer, SizingContext, Volatility, edge_of, smallest_valid_size
from core.units import is_on_grid
from tests.support.risk_world import ETH

SETTINGS = Sizing(kelly_fraction=Decimal("0.25"), max_notional=Decimal(2_000), min_trades=30)
SIZER = PositionSizer(SETTINGS)
EDGE = Edge(win_probability=Decimal("0.55"), payoff=Decimal(1), trades=100)
RICH = SizingContext(equity=Decimal(10_000), price=Decimal(2_000), headroom=Decimal(50_000))


def test_a_quarter_of_kelly_of_equity_in_base_units():
    # f* = 0.55 - 0.45 / 1 = 0.10; a quarter of it of 10,000 is 250 USDC, at 2,000 that is 0.125
    advice = SIZER.size(EDGE, ETH, RICH)
    assert advice.size == Decimal("0.1250")
    assert "fractional Kelly" in advice.reason


def test_payoff_divides_the_chance_of_losing():
    edge = Edge(win_probability=Decimal("0.4"), payoff=Decimal(2), trades=100)
    assert edge.kelly == Decimal("0.1")


def test_no_edge_no_trade():
    for probability in ("0.5", "0.1", "0"):
        advice = SIZER.size(replace(EDGE, win_probability=Decimal(probability)), ETH, RICH)
        assert advice.size == 0
        assert "no edge" in advice.reason


def test_too_few_trades_mean_the_smallest_valid_size_and_it_says_so():
    advice = SIZER.size(replace(EDGE, trades=29), ETH, RICH)
    assert advice.size == Decimal("0.0050")
    assert "29 of 30" in advice.reason


def record(wins: int, losses: int, won: int = 0, lost: int = 0) -> TrackRecord:
    return TrackRecord(wins=wins, losses=losses, won=Decimal(won), lost=Decimal(lost))


def test_closed_trades_tell_the_edge():
    edge = edge_of(record(60, 40, 600, 200), 30)
    assert edge == Edge(win_probability=Decimal("0.6"), payoff=Decimal(2), trades=100)
    # f* = 0.6 - 0.4 / 2 = 0.4; a quarter of it of 10,000 is 1,000 USDC, at 2,000 that is 0.5
    assert SIZER.size(record(60, 40, 600, 200), ETH, RICH).size == Decimal("0.5000")


@pytest.mark.parametrize(
    ("few", "words"),
    [
        (record(0, 0), "only 0 of 30 trades of its own closed: smallest size"),
        (record(4, 25, 9, 9_000), "only 29 of 30 trades of its own closed: smallest size"),
        (record(30, 0, 9), "30 closed trades and no loss yet, so no payoff is known: smallest size"),
    ],
)
def test_what_closed_trades_cannot_tell_yet_is_the_smallest_size_and_it_says_so(few, words):
    advice = SIZER.size(few, ETH, RICH)
    assert (advice.size, advice.reason) == (Decimal("0.0050"), words)
    assert SIZER.size(few, ETH, replace(RICH, equity=Decimal(0))).size == 0


@pytest.mark.parametrize("losing", [record(15, 15, 100, 101), record(0, 30, 0, 5)])
def test_closed_trades_that_lost_mean_nothing_is_traded(losing):
    advice = SIZER.size(losing, ETH, RICH)
    assert advice.size == 0
    assert "no edge" in advice.reason


def test_too_few_trades_without_an_edge_mean_nothing():
    assert SIZER.size(replace(EDGE, trades=0, win_probability=Decimal("0.5")), ETH, RICH).size == 0


def test_the_cap_holds():
    advice = SIZER.size(replace(EDGE, win_probability=Decimal(1)), ETH, RICH)
    assert advice.size == Decimal("1.0000")
    assert "max_notional" in advice.reason


def test_headroom_holds_when_it_is_less_than_the_cap():
    advice = SIZER.size(replace(EDGE, win_probability=Decimal(1)), ETH, replace(RICH, headroom=Decimal("500.1")))
    assert advice.size == Decimal("0.2500")
    assert "headroom" in advice.reason


@pytest.mark.parametrize("headroom", ["0", "-5", "9.99"])
def test_no_room_no_trade(headroom):
    advice = SIZER.size(EDGE, ETH, replace(RICH, headroom=Decimal(headroom)))
    assert advice.size == 0
    assert "smallest valid ETH order is 0.005" in advice.reason


@pytest.mark.parametrize("equity", ["0", "-1"])
def test_no_equity_no_trade(equity):
    advice = SIZER.size(replace(EDGE, trades=1), ETH, replace(RICH, equity=Decimal(equity)))
    assert advice.size == 0
    assert "no equity" in advice.reason


def test_the_smallest_valid_size_meets_both_minimums():
    assert smallest_valid_size(ETH, Decimal(2_000)) == Decimal("0.0050")
    assert smallest_valid_size(ETH, Decimal(1_000)) == Decimal("0.0100")
    assert smallest_valid_size(ETH, Decimal(3)) == Decimal("3.3334")
    assert smallest_valid_size(replace(ETH, min_size=Decimal(0), min_notional=Decimal(0)), Decimal(3)) == ETH.step


@pytest.mark.parametrize(
    "fields",
    [{"win_probability": Decimal("1.01")}, {"win_probability": Decimal(-1)}, {"payoff": Decimal(0)}, {"trades": -1}],
)
def test_an_impossible_edge_is_refused(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        replace(EDGE, **fields)


def test_a_price_of_zero_is_refused():
    with pytest.raises(ValueError, match="price"):
        SIZER.size(EDGE, ETH, replace(RICH, price=Decimal(0)))


cents = st.integers(min_value=0, max_value=10_000_000).map(lambda units: Decimal(units).scaleb(-2))


@given(
    probability=st.integers(min_value=0, max_value=1_000).map(lambda units: Decimal(units).scaleb(-3)),
    payoff=st.integers(min_value=1, max_value=500).map(lambda units: Decimal(units).scaleb(-2)),
    trades=st.integers(min_value=0, max_value=60),
    equity=cents,
    price=cents.filter(bool),
    headroom=cents,
)
def test_advice_is_on_the_grid_valid_and_within_every_cap(probability, payoff, trades, equity, price, headroom):
    edge = Edge(win_probability=probability, payoff=payoff, trades=trades)
    advice = SIZER.size(edge, ETH, SizingContext(equity=equity, price=price, headroom=headroom))
    assert advice.reason
    if advice.size == 0:
        return
    assert is_on_grid(advice.size, ETH.size_decimals)
    assert advice.size >= ETH.min_size
    assert advice.size * price >= ETH.min_notional
    assert advice.size * price <= min(SETTINGS.max_notional, headroom)
    if trades >= SETTINGS.min_trades:
        assert advice.size * price <= edge.kelly * SETTINGS.kelly_fraction * equity


class TestFixedFraction:
    SIZER = PositionSizer(Sizing(method="fixed", fixed_fraction=Decimal("0.02"), max_notional=Decimal(2_000)))

    def test_it_is_of_equity_however_large_the_edge(self):
        for probability in ("0.51", "0.9"):
            advice = self.SIZER.size(replace(EDGE, win_probability=Decimal(probability)), ETH, RICH)
            assert advice.size == Decimal("0.1000"), "2 % of 10,000 at 2,000"
            assert "0.02 of equity, fixed" in advice.reason

    def test_caps_few_trades_and_a_missing_edge_hold_as_ever(self):
        assert "headroom" in self.SIZER.size(EDGE, ETH, replace(RICH, headroom=Decimal(150))).reason
        assert "max_notional" in self.SIZER.size(EDGE, ETH, replace(RICH, equity=Decimal(10**6))).reason
        assert self.SIZER.size(replace(EDGE, trades=29), ETH, RICH).size == Decimal("0.0050")
        assert self.SIZER.size(replace(EDGE, win_probability=Decimal("0.5")), ETH, RICH).size == 0


class TestVolatilityTarget:
    SIZER = PositionSizer(Sizing(method="volatility", volatility_target=Decimal("0.002"), max_notional=Decimal(2_000)))
    CALM = replace(RICH, volatility=Volatility(daily_move=Decimal("0.04"), moves=30))

    def test_a_day_s_move_of_the_position_is_worth_the_target(self):
        advice = self.SIZER.size(EDGE, ETH, self.CALM)
        assert advice.size == Decimal("0.2500"), "0.2 % of 10,000 is 20 USDC, which is 4 % of 500 USDC"
        assert "0.0400 is worth 0.002 of equity" in advice.reason

    def test_a_wilder_market_is_traded_smaller(self):
        wild = replace(self.CALM, volatility=Volatility(daily_move=Decimal("0.08"), moves=30))
        assert self.SIZER.size(EDGE, ETH, wild).size == Decimal("0.1250")

    @pytest.mark.parametrize(
        ("seen", "word"),
        [
            (Volatility(), "0 of 30 moves"),
            (Volatility(daily_move=Decimal("0.04"), moves=29), "29 of 30 moves"),
            (Volatility(moves=30), "stood still"),
        ],
    )
    def test_what_was_not_seen_to_move_enough_is_traded_at_the_smallest_size(self, seen, word):
        advice = self.SIZER.size(EDGE, ETH, replace(RICH, volatility=seen))
        assert advice.size == Decimal("0.0050")
        assert word in advice.reason

    def test_caps_few_trades_and_a_missing_edge_hold_as_ever(self):
        still = replace(self.CALM, volatility=Volatility(daily_move=Decimal("0.0001"), moves=30))
        assert "max_notional" in self.SIZER.size(EDGE, ETH, still).reason
        assert "headroom" in self.SIZER.size(EDGE, ETH, replace(still, headroom=Decimal(150))).reason
        assert self.SIZER.size(replace(EDGE, trades=29), ETH, self.CALM).size == Decimal("0.0050")
        assert self.SIZER.size(replace(EDGE, win_probability=Decimal("0.5")), ETH, self.CALM).size == 0
