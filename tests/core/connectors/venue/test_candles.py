"""Candles against the trades they were made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.candles import PAGE, RESOLUTIONS, WEEK, Candle, Candles

MINUTE = 60_000
DAY = 1_440 * MINUTE
MONDAY = 1_785_110_400_000
"""2026-07-27, 00:00 UTC."""
TRADES = st.lists(
    st.tuples(st.integers(0, 3 * DAY), st.integers(1, 50), st.integers(1, 9), st.booleans()), min_size=1, max_size=60
)


def naive(trades: list[tuple[int, int, int]], length: int) -> list[Candle]:
    made: dict[int, Candle] = {}
    for number, (at, price, size) in enumerate(trades, start=1):
        start = at // length * length
        candle = made.setdefault(start, Candle(start, price, price, price, price))
        candle.count(price, size, number)
    return list(made.values())


@given(TRADES, st.sampled_from(sorted(RESOLUTIONS)))
def test_every_span_is_made_of_its_trades_however_often_it_is_looked_at(given_trades, resolution):
    candles = Candles()
    trades = sorted((MONDAY + at, price, size, is_looked_at) for at, price, size, is_looked_at in given_trades)
    for number, (at, price, size, is_looked_at) in enumerate(trades, start=1):
        candles.count(price, size, number, at * 1_000)
        if is_looked_at:
            live = candles.live(resolution)
            assert live is not None
            assert (live.close, live.last_trade) == (price, number)
    expected = naive([trade[:3] for trade in trades], RESOLUTIONS[resolution])
    assert candles.between(resolution, 0, MONDAY + 4 * DAY, 0) == expected
    assert candles.since(resolution, expected[-1].start_ms) == expected[-1:]
    assert candles.revision == len(trades)


class TestRange:
    @pytest.fixture
    def candles(self) -> Candles:
        made = Candles()
        for number in range(600):
            made.count(100 + number, 1, number + 1, (MONDAY + number * MINUTE) * 1_000)
        return made

    def test_the_end_is_exclusive_and_the_start_is_not(self, candles):
        found = candles.between("1m", MONDAY + 590 * MINUTE, MONDAY + 595 * MINUTE, 0)
        assert [candle.open for candle in found] == [690, 691, 692, 693, 694]

    def test_counting_back_reaches_before_the_start(self, candles):
        found = candles.between("1m", MONDAY + 594 * MINUTE, MONDAY + 595 * MINUTE, 3)
        assert [candle.open for candle in found] == [692, 693, 694]
        assert candles.between("1m", MONDAY + 900 * MINUTE, MONDAY + 901 * MINUTE, 0) == []

    def test_a_page_is_the_newest(self, candles):
        found = candles.between("1m", 0, MONDAY + DAY, 0)
        assert (len(found), found[-1].open) == (PAGE, 699)

    def test_weeks_begin_on_monday(self):
        made = Candles()
        for at in (MONDAY - 1, MONDAY, MONDAY + 7 * DAY - 1):
            made.count(5, 1, 1, at * 1_000)
        assert [candle.start_ms for candle in made.between(WEEK, 0, MONDAY + DAY, 0)] == [MONDAY - 7 * DAY, MONDAY]
