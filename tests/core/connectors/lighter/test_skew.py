"""The difference of two clocks, from stamps that were late by unknown amounts."""

from contextlib import AsyncExitStack

from hypothesis import given
from hypothesis import strategies as st

from core.clock import SECOND_NS, Instant, SystemClock
from core.connectors.lighter.connector import LighterConnector
from core.connectors.lighter.skew import HALF_NS, Skew
from core.events import LinkName, Noticed
from tests.support.waiting import eventually


@given(ahead=st.integers(-100_000, 100_000), ways=st.lists(st.integers(0, 900), min_size=1, max_size=50))
def test_the_estimate_is_off_by_the_shortest_way_and_no_more(ahead, ways):
    skew = Skew()
    for at, way in enumerate(ways):
        stamp = 1_700_000_000_000 + at
        skew.note(stamp, (stamp + way + ahead) * 1_000, at * SECOND_NS // 10)
    assert skew.ahead_ms == ahead + min(ways)


def test_nothing_is_known_before_the_first_stamp():
    assert Skew().ahead_ms is None
    assert not Skew().is_wrong


def test_what_was_seen_more_than_a_minute_ago_counts_no_more():
    skew = Skew()
    skew.note(1_000, 1_000_000 - 5_000_000, 0)
    assert (skew.ahead_ms, skew.is_wrong) == (-5_000, True)
    skew.note(1_000, 1_000_000, HALF_NS)
    assert skew.ahead_ms == -5_000
    skew.note(1_000, 1_000_000 + 7_000, 2 * HALF_NS)
    assert (skew.ahead_ms, skew.is_wrong) == (0, False)


def test_a_stream_that_stamps_nothing_any_more_says_nothing_after_a_minute():
    skew = Skew()
    assert skew.fresh_ms(0) is None
    skew.note(1_000, 1_000_000, 5)
    assert skew.fresh_ms(2 * HALF_NS + 5) == 0
    assert skew.fresh_ms(2 * HALF_NS + 6) is None
    skew.note(1_000, 1_002_000, 9 * HALF_NS)
    assert skew.fresh_ms(9 * HALF_NS) == 0


class AdvancedClock(SystemClock):
    """The machine's clock, moved ahead by the test."""

    ahead_ns = 0

    def now(self) -> Instant:
        now = super().now()
        return Instant(mono_ns=now.mono_ns + self.ahead_ns, utc_us=now.utc_us + self.ahead_ns // 1_000)


async def test_the_comparison_of_a_stream_that_died_ends(venue):
    clock = AdvancedClock()
    async with AsyncExitStack() as stack:
        connector = LighterConnector(venue.settings(), clock)
        stack.push_async_callback(connector.close)
        await connector.start(lambda _: None)
        await eventually(lambda: len(venue.sockets) == 2, "both streams")
        stamp_ms = clock.now().utc_us // 1_000
        frame = {"channel": "market_stats:all", "market_stats": {}, "timestamp": stamp_ms}
        await venue.push({**frame, "type": "update/market_stats"})
        await eventually(lambda: any(link.skew_ms is not None for link in connector.links()), "a comparison")
        clock.ahead_ns = 2 * HALF_NS + 10 * SECOND_NS
        assert {link.skew_ms for link in connector.links()} == {None}


def test_the_sentence_says_which_clock_is_ahead():
    skew = Skew()
    skew.note(0, 2_500_000, 0)
    assert skew.sentence == "this machine's clock is 2500 ms ahead of the venue's"
    skew.note(0, -2_500_000, 0)
    assert skew.sentence == "this machine's clock is 2500 ms behind the venue's"


async def test_a_stream_tells_once_that_the_clocks_differ_and_shows_by_how_much(venue, start):
    connector, events = await start(venue.settings())

    def skew():
        return next(link.skew_ms for link in connector.links() if link.name is LinkName.MARKET_DATA)

    await eventually(lambda: len(venue.sockets) == 2, "both streams")
    assert skew() is None
    now_ms = connector._clock.now().utc_us // 1_000
    for _ in range(3):
        frame = {"channel": "market_stats:all", "market_stats": {}, "timestamp": now_ms + 60_000}
        await venue.push({**frame, "type": "update/market_stats"})
    await eventually(lambda: skew() is not None, "a comparison")
    assert -60_000 <= skew() <= -59_000
    told = [event.text for event in events if isinstance(event, Noticed) and "clock" in event.text]
    assert len([text for text in told if "behind the venue's: correct the clock" in text]) <= 2, "once a stream"
    assert told
