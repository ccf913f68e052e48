"""Candles as characters."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.tape import Candle
from tui.widgets.chart import chart


def a_candle(number: int, low: int, high: int) -> Candle:
    return Candle(
        start_us=60_000_000 * (number + 1),
        open=Decimal(low),
        high=Decimal(high + 1),
        low=Decimal(low - 1),
        close=Decimal(high),
        volume=Decimal(high - low),
    )


def words(lines: list) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def test_the_highest_candle_reaches_the_top_and_the_lowest_the_foot():
    lines = words(chart([a_candle(0, 100, 110), a_candle(1, 150, 200)], 30, 14, 2))
    assert len(lines) == 14
    assert (lines[0][17], lines[0][18]) == (" ", "█")
    assert (lines[9][17], lines[9][18]) == ("█", " ")
    assert lines[13].startswith("00:01:00 to 00:02:00 UTC")


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**6)), max_size=40),
    st.integers(0, 80),
    st.integers(0, 40),
)
def test_no_candles_and_no_room_break_it(ends: list[tuple[int, int]], width: int, height: int):
    candles = [a_candle(number, low, low + more) for number, (low, more) in enumerate(ends)]
    lines = words(chart(candles, width, height, 2))
    assert lines
    if len(lines) > 1:
        assert len(lines) == height
        assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize(("width", "height"), [(5, 20), (50, 3)])
def test_it_says_that_there_is_no_room(width: int, height: int):
    assert words(chart([a_candle(0, 1, 2)], width, height, 2)) == [" no room for candles"]
