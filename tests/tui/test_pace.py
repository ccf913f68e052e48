"""Slow mode: a line that does not drain slows the desk down, and one that does lets it speed up again."""

from hypothesis import given
from hypothesis import strategies as st

from tui.pace import MOST, Pace


def test_a_line_that_drains_keeps_the_full_pace():
    pace = Pace()
    assert all(pace.may_paint(100) for _ in range(100))
    assert (pace.factor, pace.pause_s(10)) == (1, 0.1)


def test_a_line_that_is_behind_halves_the_pace_and_is_not_written_to():
    pace = Pace()
    assert not pace.may_paint(50_000)
    assert (pace.factor, pace.pause_s(10)) == (2, 0.2)
    for _ in range(10):
        assert not pace.may_paint(50_000)
    assert (pace.factor, pace.pause_s(10)) == (MOST, 1.0)


def test_it_speeds_up_again_step_by_step():
    pace = Pace()
    for _ in range(3):
        pace.may_paint(50_000)
    seen = [pace.factor for _ in range(80) if pace.may_paint(0)]
    assert seen[0] == 8
    assert seen[-1] == 1
    assert sorted(seen, reverse=True) == seen


@given(st.lists(st.integers(0, 10**7), max_size=200), st.integers(1, 30))
def test_the_pause_stays_between_one_frame_and_one_second(backlogs: list[int], fps: int):
    pace = Pace()
    for unwritten in backlogs:
        pace.may_paint(unwritten)
        assert 1 / fps <= pace.pause_s(fps) <= 1.0


def test_a_budget_of_bytes_stretches_the_pause():
    pace = Pace()
    assert pace.pause_s(10, 1_000, None) == 0.1
    assert pace.pause_s(10, 1_000, 25_000) == 0.1
    assert pace.pause_s(10, 9_000, 25_000) == 0.36
    assert pace.pause_s(10, 900_000, 25_000) == 1.0
