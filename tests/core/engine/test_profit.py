from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from core.commands import SubmitOrder
from core.engine import effects as fx
from core.engine.profit import Account
from core.events import FillReported, QuotesChanged
from core.model import Fill, Liquidity, Origin, OriginKind, Position, Side
from core.money import TrackRecord
from core.units import TradeId, VenueOrderId
from tests.support.fake_connector import BTC, ETH, intent
from tests.support.machine import EMPTY_IMAGE, Bench

MAKER = Origin(OriginKind.STRATEGY, "maker")


def fill(side: Side, size: Decimal, price: Decimal, fee: Decimal = Decimal(0)) -> Fill:
    return Fill(
        trade_id=TradeId(1),
        market_id=ETH,
        side=side,
        size=size,
        price=price,
        fee=fee,
        liquidity=Liquidity.TAKER,
        venue_order_id=VenueOrderId(1),
        client_order_id=None,
        time_us=1,
    )


fills = st.builds(
    fill,
    st.sampled_from(Side),
    st.integers(1, 10**12).map(lambda steps: Decimal(steps).scaleb(-4)),
    st.integers(1, 2**32 - 1).map(lambda ticks: Decimal(ticks).scaleb(-6)),
    st.integers(-(10**9), 10**9).map(lambda units: Decimal(units).scaleb(-6)),
)


def booked(some: list[Fill]) -> Account:
    account = Account()
    for one in some:
        account.book(one)
    return account


def by_fractions(some: list[Fill]) -> Fraction:
    """Realised profit by average cost, in exact fractions."""
    size = average = realised = Fraction(0)
    for one in some:
        signed, price = Fraction(one.size) * one.side.sign, Fraction(one.price)
        if size * signed >= 0:
            average = (average * size + price * signed) / (size + signed)
        else:
            closed = min(abs(size), abs(signed)) * (1 if size > 0 else -1)
            realised += closed * (price - average)
            if abs(signed) > abs(size):
                average = price
        size += signed
    return realised


@given(st.lists(fills, max_size=30))
def test_realised_is_average_cost_to_the_last_decimal_that_a_division_leaves(some):
    assert abs(Fraction(booked(some).realised) - by_fractions(some)) <= len(some) * Fraction(1, 10**18)


@given(st.lists(fills, min_size=1, max_size=20), st.randoms(use_true_random=False), st.integers(1, 10**9))
def test_total_profit_position_and_fees_are_exact_in_any_order(some, chance, ticks):
    mark = Decimal(ticks).scaleb(-3)
    shuffled = [*some]
    chance.shuffle(shuffled)
    one, other = booked(some), booked(shuffled)
    assert (one.size, one.fees, one.cash) == (other.size, other.fees, other.cash)
    assert Fraction(one.realised) + Fraction(one.unrealised(mark)) == sum(
        (Fraction(mark) - Fraction(each.price)) * Fraction(each.size) * each.side.sign for each in some
    )
    assert one.realised + one.unrealised(mark) == other.realised + other.unrealised(mark)


def test_a_position_that_is_flat_again_has_realised_everything():
    account = booked([fill(Side.BUY, Decimal(3), Decimal(100)), fill(Side.SELL, Decimal(3), Decimal("100.1"))])
    assert (account.size, account.basis, account.realised) == (0, 0, Decimal("0.3"))


def test_a_flip_closes_the_old_side_and_opens_the_new_at_its_price():
    account = booked([fill(Side.BUY, Decimal(1), Decimal(100)), fill(Side.SELL, Decimal(3), Decimal(110))])
    assert (account.size, account.realised, account.basis / account.size) == (-2, 10, 110)


def test_losing_closes_in_a_row_are_counted_until_one_wins():
    account = booked([fill(Side.BUY, Decimal(5), Decimal(100)), *[fill(Side.SELL, Decimal(1), Decimal(99))] * 3])
    assert account.losses == 3
    account.book(fill(Side.SELL, Decimal(1), Decimal(101)))
    assert account.losses == 0


@given(st.lists(fills, max_size=30))
def test_wins_less_losses_are_what_was_settled_whenever_it_is_flat(some):
    account = booked(some)
    if account.size:
        account.book(fill(Side.SELL if account.size > 0 else Side.BUY, abs(account.size), Decimal(7)))
    assert account.record.won - account.record.lost == account.settled
    assert account.record.trades <= account.fills


def test_a_trade_is_counted_once_however_many_fills_it_took_and_fees_decide_it():
    fee = Decimal("0.4")
    account = booked([fill(Side.BUY, Decimal(3), Decimal(100)), *[fill(Side.SELL, Decimal(1), Decimal(101))] * 2])
    assert account.record.trades == 0, "still open"
    account.book(fill(Side.SELL, Decimal(1), Decimal(101)))
    assert account.record == TrackRecord(wins=1, won=Decimal(3))
    account.book(fill(Side.SELL, Decimal(1), Decimal(100), fee))
    account.book(fill(Side.BUY, Decimal(1), Decimal("99.5"), fee))
    assert account.record == TrackRecord(wins=1, won=Decimal(3), losses=1, lost=Decimal("0.3"))


def test_a_flip_ends_one_trade_and_begins_another():
    account = booked([fill(Side.BUY, Decimal(1), Decimal(100)), fill(Side.SELL, Decimal(3), Decimal(110))])
    assert account.record == TrackRecord(wins=1, won=Decimal(10))
    account.book(fill(Side.BUY, Decimal(2), Decimal(115)))
    assert account.record == TrackRecord(wins=1, won=Decimal(10), losses=1, lost=Decimal(10))


class TestDay:
    """What each row made since the day began."""

    @staticmethod
    def days(bench: Bench) -> dict[str, Decimal | None]:
        quote = bench.facts.quotes.get(ETH)
        marks = {} if quote is None else {ETH: quote.mark}
        return {row.strategy: row.day for row in bench.facts.profit.rows(marks, {})}

    @staticmethod
    def mark(bench: Bench, price: str | None) -> None:
        quote = replace(bench.facts.quotes[ETH], mark=None if price is None else Decimal(price))
        bench.tell(QuotesChanged(quotes=(quote,)))
        bench.wait(seconds=1)

    def test_it_counts_from_the_days_beginning_over_a_restart_and_anew_the_next_day(self) -> None:
        bench = Bench()
        bench.connect()
        self.mark(bench, "2000")
        bench.wish(SubmitOrder(intent=intent(size="1", price="2000"), origin=MAKER))
        bench.fill(bench.report(bench.of(fx.SendOrder)[0].order), "1")
        self.mark(bench, "2010")
        assert self.days(bench) == {"": 10, "maker": 10}
        fresh = bench.restarted()
        fresh.connect()
        self.mark(fresh, "2005")
        assert self.days(fresh) == {"": 5, "maker": 5}, "a restart is no new day"
        fresh.clock.advance(seconds=86_400)
        fresh.wait(seconds=1)
        assert self.days(fresh) == {"": 0, "maker": 0}
        self.mark(fresh, "1999")
        assert self.days(fresh) == {"": -6, "maker": -6}

    def test_without_a_mark_it_is_not_known_and_begins_when_it_is(self) -> None:
        bench = Bench()
        bench.connect(positions=(Position(market_id=ETH, size=Decimal(2), entry_price=Decimal(1_900)),))
        self.mark(bench, None)
        assert self.days(bench) == {"": None}
        self.mark(bench, "2000")
        assert self.days(bench) == {"": 0}
        self.mark(bench, "2001")
        assert self.days(bench) == {"": 2}


def test_an_engine_books_each_fill_once_for_market_and_strategy_and_remembers_over_a_restart():
    bench = Bench()
    bench.connect()
    bench.wish(SubmitOrder(intent=intent(size="0.2"), origin=MAKER))
    report = bench.report(bench.of(fx.SendOrder)[0].order)
    first = bench.fill(report, "0.1")
    bench.tell(FillReported(fill=first))
    assert bench.facts.profit.of(ETH).size == bench.facts.profit.of(ETH, "maker").size == Decimal("0.1")
    fresh = bench.restarted()
    fresh.connect()
    fresh.tell(FillReported(fill=first))
    again = fresh.facts.profit.of(ETH, "maker")
    assert (again.size, again.cash, again.fills) == (Decimal("0.1"), Decimal("-190.00"), 1)


def test_what_another_world_booked_is_not_taken_over():
    bench = Bench()
    bench.connect()
    bench.fill(bench.rest(), "0.1")
    bench.world = "another world"
    assert bench.restarted().facts.profit.of(ETH).fills == 0


class TestFirstSight:
    """What is held before the first fill belongs to the account, and is taken in once."""

    HELD = Position(market_id=ETH, size=Decimal(2), entry_price=Decimal(1_900), funding_paid=Decimal("1.5"))

    def test_what_is_held_counts_from_the_venues_average(self) -> None:
        bench = Bench()
        bench.connect(positions=(replace(self.HELD, unrealized_pnl=Decimal(199), realized_pnl=Decimal(7)),))
        (row,) = bench.facts.profit.rows({ETH: Decimal(2_000)}, {ETH: bench.facts.ledger.positions()[0]})
        assert (row.size, row.average_price, row.realised, row.unrealised) == (2, 1_900, 0, 200)
        assert (row.venue_difference, row.funding, row.venue_realised) == (1, Decimal("1.5"), 7)
        bench.facts.profit.book(fill(Side.SELL, Decimal(2), Decimal(2_000)), MAKER)
        assert bench.facts.profit.of(ETH).realised == 200

    def test_a_restart_takes_nothing_in_twice(self) -> None:
        bench = Bench()
        bench.connect(positions=(self.HELD,))
        after = Bench(image=replace(EMPTY_IMAGE, meta=dict(bench.meta)))
        after.connect(positions=(replace(self.HELD, size=Decimal(5)), replace(self.HELD, market_id=BTC)))
        assert after.facts.profit.of(ETH).size == 2, "the other three came by fills that are still to be read"
        assert after.facts.profit.of(BTC).size == 0, "and so did these"

    def test_another_world_begins_anew(self) -> None:
        bench = Bench()
        bench.connect(positions=(self.HELD,))
        after = Bench(image=replace(EMPTY_IMAGE, meta=dict(bench.meta)), world="fake account 2")
        after.connect(positions=(replace(self.HELD, size=Decimal(5)),))
        assert after.facts.profit.of(ETH).size == 5

    def test_a_strategys_row_says_nothing_of_the_venues_position(self) -> None:
        bench = Bench()
        bench.connect(positions=(self.HELD,))
        bench.facts.profit.book(fill(Side.BUY, Decimal(1), Decimal(2_000)), MAKER)
        _, mine = bench.facts.profit.rows({}, {ETH: self.HELD})
        assert (mine.strategy, mine.funding, mine.venue_realised) == ("maker", None, None)
