"""The desk's own pace."""

from core.clock import SECOND_NS
from tui.meters import Meters


def test_nothing_is_said_before_there_is_something_to_measure():
    meters = Meters()
    assert meters.pace(10, 0) is None
    meters.add(0, 0, 0)
    assert meters.pace(10, 0) is None


def test_figures_are_those_of_the_last_five_seconds():
    meters = Meters()
    meters.add(0, 900_000_000, 0)
    for tick in range(1, 101):
        meters.add(tick * SECOND_NS // 10, 2_500_000 if tick == 70 else 1_000, tick * 1_000)
    pace = meters.pace(10, 4_096)
    assert pace is not None
    assert (pace.paints, pace.wanted, pace.late_us) == (100, 10, 2_500)
    assert (pace.bytes_a_second, pace.memory_kb) == (10_000, 4_096)
