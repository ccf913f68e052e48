"""Markets are read closely only while somebody looks at them."""

from decimal import Decimal

from core.clock import ManualClock
from core.engine.looking import Looking
from core.model import BookStatus
from core.tape import Candle, Resolution
from tests.support.fake_connector import ETH, FakeConnector


def a_candle(start_us: int) -> Candle:
    return Candle(start_us=start_us, open=Decimal(1), high=Decimal(2), low=Decimal(1), close=Decimal(2))


async def test_nothing_is_read_of_a_market_that_nobody_asked_for():
    clock = ManualClock(utc_us=1, mono_ns=1)
    venue = FakeConnector()
    await venue.start(lambda _: None)
    looking = Looking(venue, clock)
    looking.refresh()
    await looking.fetch_due()
    assert looking.look(ETH, 5).book.status is BookStatus.EMPTY
    looking.refresh()
    look = looking.look(ETH, 5)
    assert (look.book.status, look.tape.status) == (BookStatus.LIVE, BookStatus.LIVE)


async def test_asking_keeps_it_coming_and_silence_forgets_it():
    clock = ManualClock(utc_us=1, mono_ns=1)
    venue = FakeConnector()
    await venue.start(lambda _: None)
    looking = Looking(venue, clock)
    for _ in range(4):
        looking.look(ETH, 5)
        looking.refresh()
        clock.advance(seconds=2)
    assert looking.look(ETH, 5).book.status is BookStatus.LIVE
    clock.advance(seconds=4)
    looking.refresh()
    assert looking.look(ETH, 5).book.status is BookStatus.EMPTY


async def test_candles_come_at_their_own_pace_and_a_failure_keeps_the_last_ones():
    clock = ManualClock(utc_us=1, mono_ns=1)
    venue = FakeConnector()
    await venue.start(lambda _: None)
    venue.candle_rows[ETH, Resolution.M1] = (a_candle(60),)
    looking = Looking(venue, clock)

    async def step(seconds: int) -> None:
        clock.advance(seconds=seconds)
        looking.look(ETH, 5)
        looking.refresh()
        await looking.fetch_due()

    await step(0)
    first = looking.look(ETH, 5)
    assert (first.candles, first.candles_ns) == ((a_candle(60),), clock.now().mono_ns)
    venue.candle_rows[ETH, Resolution.M1] = (a_candle(60), a_candle(120))
    await step(1)
    assert looking.look(ETH, 5).candles == (a_candle(60),), "not again before it is due"
    venue.is_rest_down = True
    for _ in range(4):
        await step(3)
    failed = looking.look(ETH, 5)
    assert (failed.candles, failed.candles_fault) == ((a_candle(60),), "the venue does not answer")
    venue.is_rest_down = False
    for _ in range(4):
        await step(3)
    again = looking.look(ETH, 5)
    assert (len(again.candles), again.candles_fault) == (2, "")
