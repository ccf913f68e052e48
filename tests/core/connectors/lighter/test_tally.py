"""Positions and the fills that explain them: every order of honest frames, and the fills that never came."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SECOND_NS
from core.connectors.lighter.tally import PATIENCE_NS, Tallies
from core.events import FillReported, LinkStatus, Noticed, NoticeLevel
from core.model import Fill, Liquidity, Position, Side
from core.units import MarketId, TradeId, VenueOrderId
from tests.support.scripted_lighter import ACCOUNT, trade_row
from tests.support.waiting import eventually

ETH = MarketId(0)
START_US = 1_000
LATER_NS = PATIENCE_NS + 1
"""When a fill told is no more included in the list."""


def _position(size: int, time_us: int) -> Position:
    return Position(market_id=ETH, size=Decimal(size), time_us=time_us)


def _fill(number: int, size: int, time_us: int) -> Fill:
    return Fill(
        trade_id=TradeId(number),
        market_id=ETH,
        client_order_id=None,
        venue_order_id=VenueOrderId(2**49),
        side=Side.BUY if size > 0 else Side.SELL,
        price=Decimal(2_000),
        size=Decimal(abs(size)),
        fee=Decimal(0),
        liquidity=Liquidity.TAKER,
        time_us=time_us,
    )


def _tallies(held: int = 0) -> Tallies:
    """Right after a complete list."""
    tallies = Tallies()
    _listed(tallies, held)
    return tallies


def _listed(tallies: Tallies, held: int, now_ns: int = 0) -> None:
    tallies.positions([_position(held, 0)] if held else [], now_ns, is_complete=True)


def _filled(tallies: Tallies, fill: Fill, now_ns: int = 0) -> None:
    tallies.filled(fill, now_ns)


def _moved(tallies: Tallies, size: int, time_us: int, now_ns: int = 0) -> None:
    tallies.positions([_position(size, time_us)], now_ns, is_complete=False)


def _missed(tallies: Tallies) -> str:
    """What is said when the patience is over; it is said once."""
    assert tallies.missed(0) == ""
    assert tallies.missed(PATIENCE_NS - 1) == ""
    sentence = tallies.missed(PATIENCE_NS)
    assert tallies.missed(PATIENCE_NS + 1) == ""
    return sentence


def test_a_position_that_moved_without_a_fill_is_said_and_what_rest_brings_explains_it():
    tallies = _tallies(2)
    _moved(tallies, 5, START_US + 1)
    assert _missed(tallies) == "the position in market 0 went from 2 to 5, the fills make it 2"
    _filled(tallies, _fill(1, 3, START_US + 1))
    assert tallies.missed(9 * PATIENCE_NS) == ""
    _moved(tallies, 6, START_US + 9)
    assert _missed(tallies) == "the position in market 0 went from 5 to 6, the fills make it 5", "and so is the next"


def test_a_position_that_rest_does_not_explain_either_is_believed_in_the_end():
    tallies = _tallies(2)
    _moved(tallies, 5, START_US + 1)
    assert _missed(tallies)
    assert [tallies.missed(at * PATIENCE_NS) for at in (2, 3, 4, 5)] == [""] * 4
    _filled(tallies, _fill(2, 1, START_US + 9))
    _moved(tallies, 6, START_US + 9)
    assert _missed(tallies) == ""


def test_of_two_fills_the_missing_one_is_noticed():
    tallies = _tallies()
    _filled(tallies, _fill(1, 1, START_US + 1))
    _moved(tallies, 1, START_US + 1)
    assert tallies.missed(0) == ""
    _filled(tallies, _fill(2, 1, START_US + 2))
    _moved(tallies, 4, START_US + 3)
    assert _missed(tallies) == "the position in market 0 went from 1 to 4, the fills make it 2"


def test_a_fill_that_the_list_included_already_spoils_nothing_after_it():
    tallies = _tallies(3)
    for number, size in enumerate((3, 1), 1):
        _filled(tallies, _fill(number, size, START_US + number))
    _moved(tallies, 4, START_US + 2)
    assert _missed(tallies) == ""
    _moved(tallies, 5, START_US + 3)
    assert "went from 4 to 5" in _missed(tallies)


def test_a_fill_told_late_is_in_time_within_the_patience():
    tallies = _tallies()
    _moved(tallies, 1, START_US + 1)
    assert tallies.missed(0) == ""
    _filled(tallies, _fill(1, 1, START_US + 1))
    assert tallies.missed(PATIENCE_NS) == ""


def test_a_fill_told_twice_counts_once_and_a_trade_with_ourselves_moves_nothing():
    tallies = _tallies()
    for fill in (_fill(1, 2, START_US + 1), _fill(1, 2, START_US + 1), _fill(2, 4, START_US + 2)):
        _filled(tallies, fill)
    _filled(tallies, _fill(2, -4, START_US + 2))
    _moved(tallies, 2, START_US + 2)
    assert _missed(tallies) == ""


def test_nothing_is_compared_before_a_complete_list_or_after_the_link_was_lost():
    tallies = Tallies()
    _moved(tallies, 1, 5)
    assert _missed(tallies) == ""
    tallies = _tallies()
    _moved(tallies, 1, START_US + 1)
    tallies.forget()
    assert _missed(tallies) == ""


def test_a_fill_told_just_before_the_list_may_be_missing_from_it():
    tallies = Tallies()
    _filled(tallies, _fill(1, 2, START_US + 1), 1)
    _listed(tallies, 0, 2)
    _moved(tallies, 2, START_US + 1)
    assert _missed(tallies) == ""
    _moved(tallies, 3, START_US + 2)
    assert "went from 2 to 3, the fills make it 2" in _missed(tallies)


@pytest.mark.parametrize(("since", "is_excused"), [(PATIENCE_NS, True), (PATIENCE_NS + 1, False)])
def test_a_list_older_than_what_was_believed_is_excused_by_the_newest_fills_alone(since, is_excused):
    tallies = _tallies()
    _filled(tallies, _fill(1, 2, START_US + 1), 1)
    _moved(tallies, 2, START_US + 1)
    assert tallies.missed(0) == ""
    _listed(tallies, 0, 1 + since)
    _moved(tallies, 2, START_US + 9)
    assert (_missed(tallies) == "") is is_excused


def test_once_it_was_quiet_no_fill_is_left_over_to_explain_a_move_by():
    tallies = _tallies(1)
    _filled(tallies, _fill(1, 1, START_US + 1))  # in the list
    _filled(tallies, _fill(2, 1, START_US + 2))
    _moved(tallies, 2, START_US + 2)
    assert _missed(tallies) == ""
    _moved(tallies, 3, START_US + 3)
    assert "went from 2 to 3, the fills make it 2" in _missed(tallies)


def test_the_fills_of_an_old_list_are_included_in_every_position_even_if_it_is_never_quiet():
    tallies = _tallies(1)
    _filled(tallies, _fill(1, 1, START_US + 1))
    for number in range(2, 60):
        _filled(tallies, _fill(number, 3, START_US + number), number * SECOND_NS)
        _moved(tallies, 1 + 3 * (number - 1), START_US + number, number * SECOND_NS)
        assert tallies.missed(number * SECOND_NS) == ""
    assert len(tallies._of[ETH].fills) < 20, "what is old is not kept"


def test_more_fills_than_can_be_told_apart_are_no_reason_for_an_alert():
    tallies = _tallies(1)
    for number in range(1, 12):
        _filled(tallies, _fill(number, 2**number, START_US + number))
    _moved(tallies, 9_999, START_US + 50)
    assert _missed(tallies) == ""
    _moved(tallies, 10_000, START_US + 51)
    assert "went from 9999 to 10000" in _missed(tallies), "from then on it is known"


def test_after_a_list_a_move_that_no_run_of_its_fills_makes_is_said():
    tallies = _tallies(5)
    for number, size in enumerate((3, 2), 1):
        _filled(tallies, _fill(number, size, START_US + number))
    _moved(tallies, 9, START_US + 3)
    assert "went from 5 to 9" in _missed(tallies)


def test_an_older_position_that_comes_later_moves_nothing():
    tallies = _tallies()
    for number in (1, 2):
        _filled(tallies, _fill(number, 1, START_US + number), LATER_NS)
    _moved(tallies, 2, START_US + 2, LATER_NS)
    assert tallies.missed(LATER_NS) == ""
    _moved(tallies, 1, START_US + 1, LATER_NS)
    assert [tallies.missed(LATER_NS * at) for at in (1, 2, 3)] == [""] * 3


def test_long_after_the_list_a_fill_told_twice_explains_one_move_alone():
    tallies = _tallies()
    for _ in range(2):
        _filled(tallies, _fill(1, 2, START_US + 1), LATER_NS)
    _moved(tallies, 2, START_US + 1, LATER_NS)
    assert tallies.missed(LATER_NS) == ""
    _moved(tallies, 4, START_US + 2, LATER_NS)
    assert tallies.missed(LATER_NS) == ""
    assert "went from 2 to 4" in tallies.missed(2 * LATER_NS)


def test_a_new_list_ends_what_was_suspected_and_what_comes_after_it_is_said_in_its_own_time():
    tallies = _tallies()
    _moved(tallies, 5, START_US + 1)
    assert _missed(tallies)
    _listed(tallies, 5, LATER_NS)
    _moved(tallies, 7, START_US + 2, LATER_NS)
    assert tallies.missed(LATER_NS) == tallies.missed(2 * LATER_NS - 2) == ""
    assert "went from 5 to 7" in tallies.missed(2 * LATER_NS)


def test_a_position_may_be_told_a_patience_after_its_fill():
    tallies = _tallies(1)
    _filled(tallies, _fill(1, 1, START_US + 1), PATIENCE_NS - 1)
    assert tallies.missed(PATIENCE_NS) == "", "the list may include it: too early to tell"
    _moved(tallies, 2, START_US + 1, PATIENCE_NS + 1)
    assert [tallies.missed(PATIENCE_NS * at) for at in (2, 3, 4)] == [""] * 3


def test_fills_that_lead_elsewhere_than_the_position_once_it_is_quiet_are_said_though_it_never_moved():
    tallies = _tallies()
    _filled(tallies, _fill(1, 1, START_US + 1), LATER_NS)  # and the one that took it back was never told
    _moved(tallies, 0, START_US + 2, LATER_NS)
    assert [tallies.missed(LATER_NS + part) for part in (0, PATIENCE_NS - 1)] == [""] * 2
    said = tallies.missed(LATER_NS + PATIENCE_NS)
    assert said == "the position in market 0 went from 0 to 0, the fills make it 1"
    _filled(tallies, _fill(2, -1, START_US + 2))
    assert [tallies.missed(LATER_NS + at * PATIENCE_NS) for at in (3, 4, 5)] == [""] * 3


def test_a_position_that_went_and_came_back_without_its_fills_is_said():
    tallies = _tallies()
    _moved(tallies, 1, START_US + 1)
    _moved(tallies, 0, START_US + 2)
    assert "the fills make it 0" in _missed(tallies)


def test_a_fill_told_when_it_is_quiet_begins_a_new_patience():
    tallies = _tallies()
    _filled(tallies, _fill(1, 1, START_US + 1), LATER_NS)
    _filled(tallies, _fill(2, 1, START_US + 2), LATER_NS + PATIENCE_NS - 1)
    assert tallies.missed(LATER_NS + 2 * PATIENCE_NS - 2) == ""
    assert tallies.missed(LATER_NS + 2 * PATIENCE_NS - 1) != ""


def test_what_rest_explained_is_over_and_the_next_that_is_missing_is_said_again():
    tallies = _tallies(2)
    _moved(tallies, 5, START_US + 1)
    assert _missed(tallies)
    _filled(tallies, _fill(1, 3, START_US + 1), LATER_NS)
    assert tallies.missed(LATER_NS) == ""
    _moved(tallies, 6, START_US + 2, LATER_NS)
    assert tallies.missed(LATER_NS + PATIENCE_NS - 1) == ""
    assert "went from 5 to 6" in tallies.missed(LATER_NS + PATIENCE_NS)


def _busy(lost: int | None) -> list[str]:
    """A position told ten times a second, each time just before its fill; what is said meanwhile and after it."""
    tallies, said = _tallies(), []
    for number in range(1, 400):
        now_ns = number * SECOND_NS // 10
        if number <= 250:
            _moved(tallies, number, START_US + number, now_ns)
        said.append(tallies.missed(now_ns))
        if number <= 250 and number != lost:
            _filled(tallies, _fill(number, 1, START_US + number), now_ns)
    return [one for one in said if one]


def test_fills_that_keep_coming_after_their_positions_are_no_silence_and_a_missing_one_is_said_when_it_is_quiet():
    assert _busy(None) == []
    [said] = _busy(200)
    assert said.startswith("the position in market 0 went from 249 to 250, ")


_SIZES = st.lists(st.integers(-5, 5).filter(bool), min_size=1, max_size=8)


@given(_SIZES, st.randoms(use_true_random=False))
def test_honest_frames_in_any_order_and_doubled_are_never_suspected(sizes, random):
    tallies, frames, held = _tallies(), [], 0
    for number, size in enumerate(sizes, 1):
        held += size
        at = START_US + number
        frames += [(_filled, (tallies, _fill(number, size, at))), (_moved, (tallies, held, at))]
    frames += random.sample(frames, len(frames) // 2)
    random.shuffle(frames)
    for tell, what in frames:
        tell(*what)
        assert tallies.missed(0) == "", "within the patience"
    assert _missed(tallies) == ""


@given(_SIZES, st.data())
def test_a_fill_that_is_never_told_is_noticed_in_the_end_whichever_it_was(sizes, data):
    lost = data.draw(st.integers(0, len(sizes) - 1))
    tallies, held = _tallies(1), 1
    for number, size in enumerate(sizes):
        held += size
        if number != lost:
            _filled(tallies, _fill(number + 1, size, START_US + number), LATER_NS)
        _moved(tallies, held, START_US + number, LATER_NS)
    assert tallies.missed(LATER_NS) == tallies.missed(LATER_NS + PATIENCE_NS - 1) == ""
    assert tallies.missed(LATER_NS + PATIENCE_NS) != ""


_LAGS = st.lists(st.integers(0, 4), min_size=12, max_size=12)


@given(st.lists(st.integers(-3, 3).filter(bool), min_size=12, max_size=12), _LAGS, _LAGS, st.sets(st.integers(0, 11)))
def test_honest_frames_that_lag_by_less_than_the_patience_are_never_suspected_whatever_lists_come_between(
    sizes, fills_lag, positions_lag, lists
):
    tallies, frames, held = Tallies(), [(0, -1, _listed, (0,))], 0
    for number, (size, late_fill, late_move) in enumerate(zip(sizes, fills_lag, positions_lag, strict=True), 1):
        held += size
        frames.append((number + late_fill, number, _filled, (_fill(number, size, START_US + number),)))
        frames.append((number + late_move, number, _moved, (held, START_US + number)))
        if number in lists:
            frames.append((number + late_move, number, _listed, (held,)))
    for second in range(24):
        for at, _, tell, what in sorted(frames, key=lambda one: one[:2]):
            if at == second:
                tell(tallies, *what, second * SECOND_NS)
        assert tallies.missed(second * SECOND_NS) == ""


async def test_a_trades_channel_that_falls_silent_alone_is_an_alert_and_its_fills_come_from_rest(
    venue, start, monkeypatch
):
    monkeypatch.setattr("core.connectors.lighter.tally.PATIENCE_NS", 0)
    connector, events = await start(venue.settings())
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    feed = connector._running.feed
    await eventually(lambda: feed.closed_gap == feed.gap, "the first gap to be closed")
    venue.trades = [trade_row(7)]  # the venue executed it, and its trades channel says nothing
    row = {"market_id": 0, "sign": 1, "position": "0.0100", "open_order_count": 0, "avg_entry_price": "2000.00"}
    venue.held = [row]
    frame = {"channel": f"account_all_positions:{ACCOUNT}", "positions": {"0": row}}
    await venue.push({**frame, "type": "update/account_all_positions"})
    await eventually(lambda: [one for one in events if isinstance(one, FillReported)], "the fill", 10)
    assert [one.fill.trade_id for one in events if isinstance(one, FillReported)] == [7]
    [alert] = [one for one in events if isinstance(one, Noticed) and "position in market 0" in one.text]
    assert alert.level is NoticeLevel.ALERT
    assert "went from 0 to 0.0100, the fills make it 0" in alert.text
    assert len(venue.private_sockets) == 1, "one silent channel of four costs no connection"
