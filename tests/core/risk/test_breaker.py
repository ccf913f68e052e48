import pytest

from core.decisions import TradingState
from core.risk import BreakerPanel, worst
from core.state import BreakerStatus
from core.units import MarketId

ONE, TWO = MarketId(1), MarketId(2)
CLOSED = BreakerPanel.closed(TradingState.REDUCING)


def test_a_closed_panel_is_active_everywhere():
    assert CLOSED.effective(ONE) is TradingState.ACTIVE
    assert CLOSED.cause(ONE) is None
    assert CLOSED.statuses([ONE]) == (BreakerStatus(market_id=None), BreakerStatus(market_id=ONE))


@pytest.mark.parametrize("trips_to", [TradingState.REDUCING, TradingState.HALTED])
def test_a_market_trips_alone(trips_to):
    panel = BreakerPanel.closed(trips_to).trip(ONE, by="operator", reason="odd", at_us=7)
    assert panel.effective(ONE) is trips_to
    assert panel.effective(TWO) is TradingState.ACTIVE


def test_the_global_breaker_holds_every_market_and_is_shown_first():
    panel = CLOSED.trip(TWO, by="a", reason="r", at_us=1).trip(None, by="b", reason="s", at_us=2)
    assert panel.effective(ONE) is TradingState.REDUCING
    everything, one, two = panel.statuses([ONE, TWO])
    assert (everything.market_id, everything.is_tripped, everything.by, everything.reason, everything.at_us) == (
        None, True, "b", "s", 2,
    )  # fmt: skip
    assert (one.market_id, one.is_tripped) == (ONE, False)
    assert (two.market_id, two.is_tripped, two.at_us) == (TWO, True, 1)
    assert panel.cause(TWO) == everything


def test_a_second_trip_keeps_the_first_cause():
    panel = CLOSED.trip(ONE, by="a", reason="first", at_us=1)
    assert panel.trip(ONE, by="b", reason="second", at_us=2) == panel


def test_what_waits_for_a_human_replaces_what_would_close_by_itself():
    cooling = CLOSED.trip(ONE, by="a", reason="first", at_us=1, until_us=5)
    assert cooling.trip(ONE, by="b", reason="second", at_us=2, until_us=9) == cooling
    held = cooling.trip(ONE, by="b", reason="second", at_us=2).of(ONE)
    assert held is not None
    assert (held.by, held.reason, held.until_us) == ("b", "second", None)


def test_closing_one_leaves_the_others():
    panel = CLOSED.trip(None, by="a", reason="r", at_us=1).trip(ONE, by="a", reason="r", at_us=1)
    reopened = panel.close(None)
    assert reopened.effective(ONE) is TradingState.REDUCING
    assert reopened.effective(TWO) is TradingState.ACTIVE
    assert reopened.close(ONE) == CLOSED
    assert CLOSED.close(ONE) == CLOSED


def test_a_panel_never_changes_under_its_reader():
    before = CLOSED.statuses([ONE])
    CLOSED.trip(ONE, by="a", reason="r", at_us=1)
    assert CLOSED.statuses([ONE]) == before
    with pytest.raises(TypeError):
        CLOSED._tripped[ONE] = before[0]


def test_worst_is_the_most_restrictive():
    assert worst() is TradingState.ACTIVE
    assert worst(TradingState.REDUCING, TradingState.ACTIVE) is TradingState.REDUCING
    assert worst(TradingState.REDUCING, TradingState.HALTED, TradingState.ACTIVE) is TradingState.HALTED
