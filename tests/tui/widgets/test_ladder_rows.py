"""What the ladder's keys mean: never across the book, never off the grid, never more than was asked for."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.model import BookStatus, BookView, Level, OrderStatus, Side
from core.units import MarketId, is_on_grid
from tests.support.fake_engine import an_entry, some_markets
from tui.widgets.ladder_rows import improved, intent, own_orders, rungs, touch

MARKET = some_markets()[0]


def a_book(bids: list[str], asks: list[str]) -> BookView:
    def levels(prices: list[str]) -> tuple[Level, ...]:
        return tuple(Level(price=Decimal(price), size=Decimal(2)) for price in prices)

    return BookView(market_id=MARKET.id, status=BookStatus.LIVE, bids=levels(bids), asks=levels(asks))


def test_rows_hold_book_own_orders_and_the_marked_price_once_each_from_the_highest_down():
    own = own_orders((an_entry(1, MARKET), an_entry(2, MARKET, buy=Side.SELL)), MARKET.id)
    shown = rungs(a_book(["3021.54", "3021.50"], ["3021.60"]), own, Decimal("3000.00"))
    assert [str(rung.price) for rung in shown] == ["3021.60", "3021.55", "3021.54", "3021.50", "3000.00"]
    at_own = shown[1]
    assert (at_own.own_size(Side.BUY), at_own.own_size(Side.SELL)) == (Decimal("0.5"), Decimal("0.5"))


def test_what_stands_ahead_is_at_most_the_level_without_our_own():
    own = own_orders((an_entry(1, MARKET),), MARKET.id)
    rung = next(rung for rung in rungs(a_book(["3021.55"], []), own, None) if rung.own)
    assert rung.ahead(Side.BUY) == Decimal("1.5")
    assert rung.ahead(Side.SELL) is None


def test_only_what_may_be_live_in_this_market_is_ours():
    entries = (
        an_entry(1, MARKET, OrderStatus.UNKNOWN),
        an_entry(2, MARKET, OrderStatus.FILLED),
        an_entry(3, some_markets()[1]),
    )
    assert [order.client_id for order in own_orders(entries, MARKET.id)] == [entries[0].order.client_id]
    assert own_orders(entries, MarketId(99)) == ()


def test_improving_needs_a_tick_between_bid_and_ask():
    assert improved(a_book(["10.00"], ["10.02"]), Side.BUY, MARKET) == Decimal("10.01")
    assert improved(a_book(["10.00"], ["10.02"]), Side.SELL, MARKET) == Decimal("10.01")
    assert improved(a_book(["10.00"], ["10.01"]), Side.BUY, MARKET) is None
    assert improved(a_book([], ["10.01"]), Side.BUY, MARKET) is None
    assert improved(a_book([], ["0.01"]), Side.SELL, MARKET) is None


@given(st.integers(2, 10**6), st.integers(1, 10**4), st.sampled_from(Side))
def test_improving_never_crosses(bid: int, spread: int, side: Side):
    bids, asks = [str(bid * MARKET.tick)], [str((bid + spread) * MARKET.tick)]
    book = a_book(bids, asks)
    price = improved(book, side, MARKET)
    other = touch(book, side.opposite)
    assert other is not None
    if price is not None:
        assert (other - price) * side.sign > 0
        assert is_on_grid(price, MARKET.price_decimals)


@given(
    st.decimals(min_value="0.01", max_value="100000", places=2),
    st.decimals(min_value="0.01", max_value="100000", places=2),
)
def test_a_preset_is_never_exceeded_and_sizes_are_whole_steps(price: Decimal, notional: Decimal):
    wanted = intent(MARKET, Side.BUY, price, notional)
    if wanted is not None:
        assert wanted.notional <= notional
        assert wanted.size > 0
        assert is_on_grid(wanted.size, MARKET.size_decimals)
    else:
        assert notional < price * MARKET.step
