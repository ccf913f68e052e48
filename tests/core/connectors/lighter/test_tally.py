"""Positions and the fills that explain them: every order of honest frames, and the fills that never came."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.connectors.lighter.tally import PATIENCE_NS, Tallies
from core.events import FillReported, LinkStatus, Noticed, NoticeLevel
from core.model import Fill, Liquidity, Position, Side
from core.units import MarketId, TradeId, VenueOrderId
from tests.support.scripted_lighter import ACCOUNT, trade_row
from tests.support.waiting import eventually

ETH = MarketId(0)
START_US = 1_000


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
    tallies.positions([_position(held, 0)] if held else [], is_complete=True)
    return tallies


def _moved(tallies: Tallies, size: int, time_us: int) -> None:
    tallies.positions([_position(size, time_us)], is_complete=False)


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
    tallies.filled(_fill(1, 3, START_US + 1))
    assert tallies.missed(9 * PATIENCE_NS) == ""
    _moved(tallies, 6, START_US + 9)
    assert _missed(tallies) == "the position in market 0 went from 5 to 6, the fills make it 5", "and so is the next"


def test_a_position_that_rest_does_not_explain_either_is_believed_in_the_end():
    tallies = _tallies(2)
    _moved(tallies, 5, START_US + 1)
    assert _missed(tallies)
    assert [tallies.missed(at * PATIENCE_NS) for at in (2, 3, 4, 5)] == [""] * 4
    tallies.filled(_fill(2, 1, START_US + 9))
    _moved(tallies, 6, START_US + 9)
    assert _missed(tallies) == ""


def test_of_two_fills_the_missing_one_is_noticed():
    tallies = _tallies()
    tallies.filled(_fill(1, 1, START_US + 1))
    _moved(tallies, 1, START_US + 1)
    assert tallies.missed(0) == ""
    tallies.filled(_fill(2, 1, START_US + 2))
    _moved(tallies, 4, START_US + 3)
    assert _missed(tallies) == "the position in market 0 went from 1 to 4, the fills make it 2"


def test_a_fill_that_the_list_included_already_spoils_nothing_after_it():
    tallies = _tallies(3)
    for number, size in enumerate((3, 1), 1):
        tallies.filled(_fill(number, size, START_US + number))
    _moved(tallies, 4, START_US + 2)
    assert _missed(tallies) == ""
    _moved(tallies, 5, START_US + 3)
    assert "went from 4 to 5" in _missed(tallies)


def test_a_fill_told_late_is_in_time_within_the_patience():
    tallies = _tallies()
    _moved(tallies, 1, START_US + 1)
    assert tallies.missed(0) == ""
    tallies.filled(_fill(1, 1, START_US + 1))
    assert tallies.missed(PATIENCE_NS) == ""


def test_a_fill_told_twice_counts_once_and_a_trade_with_ourselves_moves_nothing():
    tallies = _tallies()
    for fill in (_fill(1, 2, START_US + 1), _fill(1, 2, START_US + 1), _fill(2, 4, START_US + 2)):
        tallies.filled(fill)
    tallies.filled(_fill(2, -4, START_US + 2))
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


_SIZES = st.lists(st.integers(-5, 5).filter(bool), min_size=1, max_size=8)


@given(_SIZES, st.randoms(use_true_random=False))
def test_honest_frames_in_any_order_and_doubled_are_never_suspected(sizes, random):
    tallies, frames, held = _tallies(), [], 0
    for number, size in enumerate(sizes, 1):
        held += size
        at = START_US + number
        frames += [(tallies.filled, (_fill(number, size, at),)), (_moved, (tallies, held, at))]
    frames += random.sample(frames, len(frames) // 2)
    random.shuffle(frames)
    for tell, what in frames:
        tell(*what)
        assert tallies.missed(0) == "", "within the patience"
    assert _missed(tallies) == ""


@given(_SIZES, st.data())
def test_a_fill_that_is_never_told_is_noticed_at_the_end_unless_the_others_make_up_for_it(sizes, data):
    lost = data.draw(st.integers(0, len(sizes) - 1))
    tallies = _tallies()
    tallies.filled(_fill(1, 1, START_US))
    _moved(tallies, 1, START_US)
    assert tallies.missed(0) == "", "the first move since the list"
    told, held = [0], 1
    for number, size in enumerate(sizes):
        held += size
        if number != lost:
            told.append(size)
            tallies.filled(_fill(number + 2, size, START_US + number + 1))
    _moved(tallies, held, START_US + len(sizes))
    is_led_to = held in {1 + sum(told[:count]) for count in range(1, len(told) + 1)}
    assert bool(_missed(tallies)) is not is_led_to


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
