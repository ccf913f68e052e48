"""Isolated positions: margin of their own, moved, lost and given back, and the account beside them untouched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue import account_views, liquidation, margin
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import conserved
from core.connectors.venue.funding import HOUR_US
from core.connectors.venue.margin import Health
from core.connectors.venue.orders import OrderStatus, TradeKind
from core.connectors.venue.views import fixed
from tests.support.venue_books import BTC, ETH, MARK, MONEY, assert_sound, exchange_with, hold, order, stop

SIZE = 1_000
QUOTE = SIZE * MARK
IMF = 1_000
BROUGHT = QUOTE // 10
# ETH: maintenance 1.2 percent, close-out 0.8.


def isolated(collateral: int = MONEY, size: int = SIZE):
    """An account that is long `size` in isolation at ten times, and its counterparty."""
    exchange, (a, b) = exchange_with(collateral, MONEY)
    assert exchange.set_leverage(a, ETH, IMF, is_isolated=True) is None
    if size:
        hold(exchange, a, b, size)
    return exchange, a, b


class TestAllocation:
    def test_opening_brings_the_initial_margin_and_closing_gives_it_back_with_the_profit(self):
        exchange, a, b = isolated()
        position = a.positions[ETH]
        assert (position.allocated, a.collateral) == (BROUGHT, MONEY - BROUGHT)
        order(exchange, b, "buy", SIZE // 4, MARK + 1_000)
        order(exchange, a, "sell", SIZE // 4, MARK + 1_000)
        gain = SIZE // 4 * 1_000
        back = (BROUGHT + gain) // 4
        assert (position.allocated, a.collateral) == (BROUGHT + gain - back, MONEY - BROUGHT + back)
        order(exchange, b, "buy", SIZE, MARK)
        order(exchange, a, "sell", SIZE - SIZE // 4, MARK)
        assert (position.size, position.allocated, a.collateral) == (0, 0, MONEY + gain)
        assert_sound(exchange)

    def test_a_flip_gives_back_everything_and_brings_the_margin_of_the_rest(self):
        exchange, a, b = isolated()
        order(exchange, b, "buy", 3 * SIZE, MARK)
        order(exchange, a, "sell", 3 * SIZE, MARK)
        assert (a.size_in(ETH), a.positions[ETH].allocated) == (-2 * SIZE, 2 * BROUGHT)
        assert a.collateral == MONEY - 2 * BROUGHT

    def test_the_trade_says_what_was_allocated_before_and_after(self):
        exchange, a, b = isolated(size=0)
        exchange.take_changes()
        hold(exchange, a, b, SIZE)
        [trade] = exchange.take_changes().trades
        assert (trade.side_of(a.index).allocated_before, trade.side_of(a.index).allocated_after) == (0, BROUGHT)

    def test_funding_is_paid_from_the_own_margin(self):
        exchange, a, _ = isolated()
        free = a.collateral
        exchange.fund_positions(HOUR_US)
        exchange.markets[ETH].funding_ppm = 100
        exchange.fund_positions(2 * HOUR_US)
        assert (a.collateral, a.positions[ETH].allocated) == (free, BROUGHT - QUOTE * 100 // 1_000_000)
        assert_sound(exchange)

    def test_an_order_asks_the_account_for_the_margin_of_what_it_would_open(self):
        exchange, a, _ = isolated()
        assert margin.available(a, exchange.markets) == MONEY - BROUGHT
        order(exchange, a, "buy", SIZE, MARK // 2)
        assert margin.available(a, exchange.markets) == MONEY - BROUGHT - BROUGHT
        order(exchange, a, "sell", SIZE, MARK * 2)
        assert margin.available(a, exchange.markets) == MONEY - BROUGHT - BROUGHT

    def test_a_resting_order_that_the_account_can_no_longer_fund_is_cancelled_when_it_would_trade(self):
        exchange, a, b = isolated(collateral=BROUGHT + 10)
        more = order(exchange, a, "buy", SIZE, MARK - 10)
        order(exchange, b, "sell", SIZE, MARK - 10)
        assert (more.status, more.filled) == (OrderStatus.MARGIN, 0)
        assert a.collateral == 10


class TestMoving:
    def test_there_and_back(self):
        exchange, a, _ = isolated()
        assert exchange.move_margin(a, ETH, 5_000) is None
        assert (a.positions[ETH].allocated, a.collateral) == (BROUGHT + 5_000, MONEY - BROUGHT - 5_000)
        assert exchange.move_margin(a, ETH, -5_000) is None
        assert (a.positions[ETH].allocated, a.collateral) == (BROUGHT, MONEY - BROUGHT)
        assert exchange.take_changes().positions[a] == {ETH}

    def test_not_more_than_is_free_and_not_below_the_initial_margin(self):
        exchange, a, _ = isolated()
        for amount, code in ((MONEY, Code.NOT_ENOUGH_COLLATERAL), (-1, Code.RISK_CHANGE)):
            refusal = exchange.move_margin(a, ETH, amount)
            assert isinstance(refusal, Refusal)
            assert refusal.code is code
        assert (a.positions[ETH].allocated, a.collateral) == (BROUGHT, MONEY - BROUGHT)

    @pytest.mark.parametrize("market_id", [ETH, BTC])
    def test_not_without_an_isolated_position(self, market_id):
        exchange, a, _ = isolated(size=0)
        refusal = exchange.move_margin(a, market_id, 1)
        assert isinstance(refusal, Refusal)
        assert refusal.code is Code.INVALID_MARGIN_MODE

    def test_the_mode_stays_while_something_is_open(self):
        exchange, a, _ = isolated()
        refusal = exchange.set_leverage(a, ETH, IMF)
        assert isinstance(refusal, Refusal)
        assert refusal.code is Code.MARGIN_MODE_IN_USE
        assert exchange.set_leverage(a, ETH, 800, is_isolated=True) is None
        refusal = exchange.set_leverage(a, ETH, 2_000, is_isolated=True)
        assert isinstance(refusal, Refusal)
        assert (refusal.code, a.positions[ETH].imf) == (Code.RISK_CHANGE, 800)
        exchange, a, _ = isolated(size=0)
        order(exchange, a, "buy", 1, MARK // 2)
        assert isinstance(exchange.set_leverage(a, ETH, IMF), Refusal)


class TestLiquidation:
    def test_it_fails_alone(self):
        exchange, a, b = isolated()
        order(exchange, b, "sell", 10, MARK, market_id=BTC)
        order(exchange, a, "buy", 10, MARK, market_id=BTC)
        here = order(exchange, a, "sell", 10, MARK * 2)
        waiting = stop(exchange, a, "sell", 10, MARK // 2)
        there = order(exchange, a, "buy", 1, MARK // 2, market_id=BTC)
        free, held = a.collateral, a.size_in(BTC)
        exchange.markets[ETH].mark = 90_700  # 9.3 percent lost of ten; 0.77 of the value is left
        assert margin.health(a, exchange.markets) is Health.SOUND
        assert margin.health_in(a, exchange.markets, ETH) is Health.CLOSE_OUT
        exchange.take_changes()
        for _ in liquidation.check(exchange, 5):
            pass
        assert (here.status, waiting.status) == (OrderStatus.LIQUIDATION, OrderStatus.LIQUIDATION)
        assert there.status is OrderStatus.OPEN
        assert (a.size_in(ETH), a.positions[ETH].allocated, a.size_in(BTC)) == (0, 0, held)
        assert free <= a.collateral < free + SIZE
        assert exchange.take_changes().trades[-1].kind is TradeKind.DELEVERAGE
        assert_sound(exchange)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_the_price_it_is_liquidated_at_is_where_its_margin_meets_maintenance(self, sign):
        exchange, a, _ = isolated(size=sign * SIZE)
        market = exchange.markets[ETH]
        view = account_views.position_view(a, market, exchange.markets)
        assert (view["margin_mode"], view["allocated_margin"]) == (1, fixed(6)(BROUGHT))
        price = int(str(view["liquidation_price"]).replace(".", ""))
        market.mark = price + 2 * sign
        assert margin.position_health(a.positions[ETH], market) is Health.PRE_LIQUIDATION
        market.mark = price - 2 * sign
        assert margin.position_health(a.positions[ETH], market) is Health.LIQUIDATION

    def test_views_add_up(self):
        exchange, a, _ = isolated()
        exchange.markets[ETH].mark = MARK + 100
        row = account_views.account_view(a, exchange.markets, 1)
        assert row["collateral"] == fixed(6)(MONEY)
        assert row["total_asset_value"] == fixed(6)(MONEY + SIZE * 100)
        assert row["cross_asset_value"] == fixed(6)(MONEY - BROUGHT)
        stats = account_views.user_stats_view(a, exchange.markets)
        assert (stats["collateral"], stats["portfolio_value"]) == (row["collateral"], row["total_asset_value"])


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 300), st.integers(-30, 30)), max_size=40),
    st.integers(MARK // 2, MARK * 2),
)
def test_no_money_comes_or_goes(trades, mark):
    exchange, a, b = isolated(size=0)
    for buys, size, away in trades:
        order(exchange, b, "sell" if buys else "buy", size, MARK + away)
        order(exchange, a, "buy" if buys else "sell", size, MARK + away)
        position = a.positions[ETH]
        assert (position.size == 0) <= (position.allocated == 0)
        assert conserved(exchange, {ETH: mark, BTC: mark}) == exchange.deposits
