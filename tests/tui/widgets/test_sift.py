"""Filtering and sorting go by what cells say."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tui.format import NOTHING
from tui.widgets.sift import Sorting, matching, next_sorting, ordered


def cell(item: str, _column: int) -> str:
    return item


def test_every_word_has_to_occur_somewhere():
    rows = [("ETH", "buy"), ("ETH", "sell"), ("BTC", "buy")]
    assert matching(rows, "eth BUY", lambda row: row) == [("ETH", "buy")]
    assert matching(rows, "  ", lambda row: row) == rows


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)))
def test_figures_sort_by_value_however_they_are_written(values: list[Decimal]):
    shown = ordered([f"{value:,f}" for value in values], Sorting(0), cell)
    assert [Decimal(text.replace(",", "")) for text in shown] == sorted(values)


def test_what_is_no_figure_comes_last_and_words_go_by_the_alphabet():
    assert ordered(["b", "10", NOTHING, "9", "a"], Sorting(0), cell) == ["9", "10", "a", "b", NOTHING]


def test_sorting_steps_through_columns_both_ways_and_back_to_none():
    steps = []
    now = None
    for _ in range(5):
        now = next_sorting(now, 2)
        steps.append(now)
    assert steps == [Sorting(0), Sorting(0, is_down=True), Sorting(1), Sorting(1, is_down=True), None]
