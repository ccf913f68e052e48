"""The ledger by itself: trades once, and positions under frames that come apart, late, or without a time."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SECOND_NS, Instant
from core.engine.ledger import Ledger
from core.model import Fill, Liquidity, Position, Side
from core.units import ZERO, TradeId, VenueOrderId
from tests.support.fake_connector import BTC, ETH

START = Instant(mono_ns=1, utc_us=1_000)


def fill(trade_id: int, size: str = "1", side: Side = Side.BUY, time_us: int = 2_000, price: str = "100") -> Fill:
    return Fill(
        trade_id=TradeId(trade_id),
        market_id=ETH,
        side=side,
        size=Decimal(size),
        price=Decimal(price),
        fee=ZERO,
        liquidity=Liquidity.TAKER,
        venue_order_id=VenueOrderId(1),
        client_order_id=None,
        time_us=time_us,
    )


def position(size: str, time_us: int = 0) -> Position:
    return Position(market_id=ETH, size=Decimal(size), entry_price=Decimal(90), time_us=time_us)


@pytest.fixture
def ledger() -> Ledger:
    one = Ledger(())
    one.report((), is_complete=True, now=START)
    return one


def shown(ledger: Ledger) -> Decimal:
    return ledger.readings(ETH)[0]


def test_a_fill_older_than_the_baseline_does_not_move_the_position() -> None:
    ledger = Ledger(())
    ledger.report((position("5", 3_000),), is_complete=True, now=START)
    ledger.book(fill(1, time_us=2_999))
    assert ledger.readings(ETH) == (5, 5)
    ledger.book(fill(2, time_us=3_001))
    assert ledger.readings(ETH) == (6, 6)


def test_a_fill_before_the_baseline_came_is_counted_by_its_time() -> None:
    ledger = Ledger(())
    ledger.book(fill(1, time_us=2_000))
    ledger.book(fill(2, time_us=4_000))
    ledger.report((position("5", 3_000),), is_complete=True, now=START)
    assert ledger.readings(ETH) == (6, 6)


def test_a_clock_that_runs_ahead_does_not_hide_the_venues_reports() -> None:
    ledger = Ledger(())
    ahead = Instant(mono_ns=1, utc_us=60_000_000)
    ledger.report((), is_complete=True, now=ahead)
    ledger.book(fill(1, time_us=2_000))
    ledger.report((position("1", 2_000),), is_complete=False, now=ahead)
    assert shown(ledger) == 1
    ledger.report((position("3", 2_500),), is_complete=False, now=ahead)
    assert shown(ledger) == 3


def test_an_older_report_does_not_undo_a_newer_one(ledger: Ledger) -> None:
    ledger.report((position("2", 5_000),), is_complete=False, now=START)
    ledger.report((position("1", 4_000),), is_complete=False, now=START)
    assert shown(ledger) == 2


def test_a_report_without_a_time_that_repeats_itself_keeps_newer_fills(ledger: Ledger) -> None:
    ledger.book(fill(1))
    ledger.report((position("0"),), is_complete=False, now=START)
    assert shown(ledger) == 1
    ledger.report((position("1"),), is_complete=False, now=START)
    assert shown(ledger) == 1


def test_only_a_complete_list_makes_a_missing_market_flat(ledger: Ledger) -> None:
    ledger.report((position("2", 5_000),), is_complete=False, now=START)
    ledger.report((Position(market_id=BTC, size=Decimal(1)),), is_complete=False, now=START)
    assert shown(ledger) == 2
    ledger.report((), is_complete=True, now=START)
    assert shown(ledger) == 0


def test_a_position_opened_by_fills_alone_has_their_entry_price(ledger: Ledger) -> None:
    ledger.book(fill(1, "1", price="100"))
    ledger.book(fill(2, "3", price="200"))
    (held,) = ledger.positions()
    assert (held.size, held.entry_price) == (4, 175)


def test_flat_markets_are_not_positions(ledger: Ledger) -> None:
    ledger.book(fill(1))
    ledger.book(fill(2, side=Side.SELL))
    assert ledger.positions() == ()


def test_a_difference_is_in_doubt_after_two_seconds_and_settled_by_what_is_asked_for_then(ledger: Ledger) -> None:
    told = (position("3", 5_000),)
    ledger.report(told, is_complete=False, now=START)
    moments = (0, 2 * SECOND_NS, 2 * SECOND_NS + 1)
    assert [ledger.is_in_doubt(Instant(mono_ns=ns, utc_us=1_000)) for ns in moments] == [False, False, True]
    assert ledger.settle((position("4", 5_000),), moments[2]) == (), "that is not what is shown"
    assert ledger.settle(told, moments[1]) == (), "asked too early"
    assert ledger.readings(ETH) == (3, 0)
    assert len(ledger.settle(told, moments[2])) == 1
    assert ledger.settle(told, moments[2] + 1) == ()
    assert ledger.readings(ETH) == (3, 3)


def test_the_trades_in_memory_are_bounded_and_older_ones_are_admitted_to_be_forgotten() -> None:
    ledger = Ledger(())
    for number in range(1, 9_001):
        ledger.remember((TradeId(number), Side.BUY))
    assert ledger.trades_kept == 8_192
    assert ledger.is_booked((TradeId(9_000), Side.BUY))
    assert not ledger.is_booked((TradeId(1), Side.BUY))
    assert ledger.may_be_forgotten(TradeId(1))
    assert not ledger.may_be_forgotten(TradeId(9_001))


@given(
    st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 9)), min_size=1, max_size=8),
    st.data(),
)
def test_fills_and_reports_in_any_order_add_up(deals: list[tuple[Side, int]], data: st.DataObject) -> None:
    """Each deal is told as a fill and as a position; both streams keep their own order, their mixture is anything."""
    fills, positions, total = [], [], ZERO
    for number, (side, size) in enumerate(deals, start=1):
        total += size * side.sign
        fills.append(fill(number, str(size), side, time_us=2_000 + number))
        positions.append(position(str(total), time_us=2_000 + number))
    ledger = Ledger(())
    ledger.report((), is_complete=True, now=START)
    while fills or positions:
        is_fill = bool(fills) and (not positions or data.draw(st.booleans()))
        if is_fill:
            ledger.book(fills.pop(0))
        else:
            ledger.report((positions.pop(0),), is_complete=False, now=START)
    assert ledger.readings(ETH) == (total, total)


def traded(ledger: Ledger, count: int, first: int = 1) -> None:
    """That many fills of one, each a microsecond after the one before."""
    for number in range(first, first + count):
        ledger.book(fill(number, time_us=10_000 + number))


def test_a_venue_that_reports_no_position_for_thousands_of_fills_costs_no_memory(ledger: Ledger) -> None:
    traded(ledger, 5_000)
    assert ledger.fills_ahead <= 512
    assert ledger.readings(ETH) == (5_000, 5_000)
    assert ledger.positions()[0].entry_price == 100
    ledger.report((position("5000", 15_000),), is_complete=False, now=START)
    assert ledger.fills_ahead == 0
    assert ledger.readings(ETH) == (5_000, 5_000)
    assert ledger.positions()[0].entry_price == 90


def test_a_report_from_among_the_fills_kept_as_a_sum_is_passed_over(ledger: Ledger) -> None:
    traded(ledger, 2_000)
    ledger.report((position("700", 10_700),), is_complete=False, now=START)
    assert ledger.readings(ETH) == (2_000, 2_000)
    ledger.report((position("1990", 11_990),), is_complete=False, now=START)
    assert ledger.readings(ETH) == (2_000, 2_000)
    assert ledger.fills_ahead == 10


def test_fills_before_the_first_report_are_told_apart_whatever_their_number() -> None:
    ledger = Ledger(())
    traded(ledger, 2_000)
    ledger.report((position("700", 10_700),), is_complete=True, now=START)
    assert ledger.readings(ETH) == (2_000, 2_000)


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=12))
def test_readings_agree_with_an_exact_venue_however_seldom_it_reports(bursts: list[tuple[int, bool]]) -> None:
    ledger = Ledger(())
    ledger.report((), is_complete=True, now=START)
    total = 0
    for count, is_reported in bursts:
        traded(ledger, count, total + 1)
        total += count
        if is_reported:
            ledger.report((position(str(total), 10_000 + total),), is_complete=False, now=START)
        assert ledger.readings(ETH) == (total, total)
        assert ledger.fills_ahead <= 512
