"""A day's move of the mark: from irregular observations, without drift, and never from what may be old."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import BookStatus
from core.risk.volatility import INTERVAL_NS, KEPT, MarkMoves, Volatility
from tests.support.risk_world import ETH_ID, ETH_QUOTE, SOL_ID


def seen(marks, every_ns=INTERVAL_NS) -> MarkMoves:
    moves = MarkMoves()
    for index, mark in enumerate(marks):
        moves.observe([replace(ETH_QUOTE, mark=None if mark is None else Decimal(mark))], index * every_ns)
    return moves


def test_one_percent_a_minute_is_thirty_eight_percent_a_day():
    estimate = seen(["100", "101"]).of(ETH_ID)
    assert estimate.moves == 1
    assert estimate.daily_move.quantize(Decimal("0.0001")) == Decimal("0.3795"), "0.01 x sqrt(1,440)"


def test_the_same_move_in_four_times_the_time_counts_half():
    slow = seen(["100", "101"], 4 * INTERVAL_NS).of(ETH_ID).daily_move
    assert slow * 2 == pytest.approx(seen(["100", "101"]).of(ETH_ID).daily_move)


def test_more_often_than_the_interval_is_not_looked_at():
    assert seen(["100", "150", "100"], INTERVAL_NS // 3).of(ETH_ID) == Volatility()


def test_what_may_be_old_is_passed_over_and_the_next_move_takes_longer():
    moves = seen(["100", None, "101"])
    assert moves.of(ETH_ID) == seen(["100", "101"], 2 * INTERVAL_NS).of(ETH_ID)
    stale = MarkMoves()
    for index in range(3):
        stale.observe([replace(ETH_QUOTE, status=BookStatus.STALE)], index * INTERVAL_NS)
    assert stale.of(ETH_ID) == Volatility()


def test_old_moves_are_forgotten_and_markets_are_apart():
    moves = seen(["100", "200", *["200"] * KEPT])
    assert moves.of(ETH_ID) == Volatility(moves=KEPT)
    assert moves.of(SOL_ID) == Volatility()


@given(st.lists(st.decimals("0.01", "100000", places=2), min_size=2, max_size=40), st.integers(2, 1_000))
def test_the_price_s_unit_does_not_matter(marks, factor):
    plain, scaled = seen(marks).of(ETH_ID), seen([mark * factor for mark in marks]).of(ETH_ID)
    assert plain.moves == scaled.moves == len(marks) - 1
    assert abs(plain.daily_move - scaled.daily_move) <= plain.daily_move * Decimal("1e-12")
