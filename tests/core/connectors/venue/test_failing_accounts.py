"""Margin that runs out, funding, and the money of everybody through all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue import liquidation, margin
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.funding import HOUR_US
from core.connectors.venue.margin import Health
from core.connectors.venue.orders import Grouping, OrderKind, OrderStatus, SelfTrade, Tif, TradeKind
from tests.support.venue_books import (
    BTC,
    ETH,
    MARK,
    MONEY,
    assert_sound,
    exchange_with,
    group,
    hold,
    leg,
    move,
    order,
    request,
    stop,
)

SIZE = 1_000
QUOTE = SIZE * MARK
# ETH: initial margin 5 percent, maintenance 1.2, close-out 0.8.
THIN = QUOTE * 6 // 100


def run_liquidation(exchange) -> int:
    return sum(1 for _ in liquidation.check(exchange, now_us=3))


class TestHealth:
    @pytest.mark.parametrize(
        ("mark", "health"),
        [
            (MARK, Health.SOUND),
            (98_948, Health.SOUND),
            (98_947, Health.PRE_LIQUIDATION),
            (95_142, Health.PRE_LIQUIDATION),
            (95_141, Health.LIQUIDATION),
            (94_759, Health.LIQUIDATION),
            (94_758, Health.CLOSE_OUT),
        ],
    )
    def test_the_borders(self, mark, health):
        # 6,000,000 of collateral on 100,000,000: value is 6 % + change, the borders are 5, 1.2 and 0.8 % of the value.
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, b, SIZE)
        exchange.markets[ETH].mark = mark
        assert margin.health(a, exchange.markets) is health

    def test_a_resting_order_of_a_weak_account_is_cancelled_when_it_would_trade(self):
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, b, SIZE)
        more = order(exchange, a, "buy", 10, 97_000)
        less = order(exchange, a, "sell", 10, 99_000)
        exchange.markets[ETH].mark = 98_000
        order(exchange, b, "sell", 10, 97_000, tif=Tif.IOC)
        order(exchange, b, "buy", 10, 99_000)
        assert (more.status, more.filled) == (OrderStatus.MARGIN, 0)
        assert less.status is OrderStatus.FILLED

    def test_an_account_with_nothing_but_open_profit_has_no_balance(self):
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, b, SIZE)
        waiting = stop(exchange, a, "buy", 100 * SIZE, 110_000, reduce_only=False)
        order(exchange, b, "sell", 100 * SIZE, 111_000)
        a.collateral = -1
        exchange.fund.collateral += THIN + 1
        move(exchange, 110_000)
        assert (waiting.status, waiting.filled) == (OrderStatus.BALANCE, 0)
        assert_sound(exchange)


class TestLiquidation:
    def test_orders_first_then_the_position_at_the_zero_price_or_better(self):
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, b, SIZE)
        resting = order(exchange, a, "sell", 10, 120_000)
        waiting = stop(exchange, a, "sell", 10, 90_000)
        order(exchange, b, "buy", 2 * SIZE, 95_000)
        exchange.markets[ETH].mark = 95_100
        zero = margin.zero_price(a, exchange.markets[ETH], exchange.markets)
        assert 94_000 <= zero <= 94_001  # sold there, 6 percent are lost: all there was
        fund = exchange.fund.collateral
        exchange.take_changes()
        assert run_liquidation(exchange) == 2
        assert (resting.status, waiting.status) == (OrderStatus.LIQUIDATION, OrderStatus.LIQUIDATION)
        sold = a.closed[-1]
        assert (sold.kind, sold.status, sold.filled) == (OrderKind.LIQUIDATION, OrderStatus.FILLED, SIZE)
        [trade] = exchange.take_changes().trades
        assert (trade.kind, trade.price, trade.ask.fee_rate) == (TradeKind.LIQUIDATION, 95_000, 10_000)
        assert exchange.fund.collateral - fund == SIZE * 95_000 // 100
        assert (a.size_in(ETH), a.collateral) == (0, THIN - SIZE * 5_000 - SIZE * 950)
        assert [notice.trade for notice in a.notices] == [trade]
        assert_sound(exchange)

    def test_the_fee_is_no_more_than_what_was_gained(self):
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, b, SIZE)
        exchange.markets[ETH].mark = 95_100
        zero = margin.zero_price(a, exchange.markets[ETH], exchange.markets)
        order(exchange, b, "buy", 2 * SIZE, zero + 2)
        fund = exchange.fund.collateral
        run_liquidation(exchange)
        assert (exchange.fund.collateral - fund, a.size_in(ETH)) == (2 * SIZE, 0)
        assert a.collateral >= 0

    def test_without_buyers_it_waits_until_the_close_out_margin_and_is_taken_over(self):
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, b, SIZE)
        exchange.markets[ETH].mark = 95_100
        assert run_liquidation(exchange) == 1
        assert (a.size_in(ETH), a.closed[-1].status) == (SIZE, OrderStatus.LIQUIDITY)
        exchange.take_changes()
        exchange.markets[ETH].mark = 94_700
        run_liquidation(exchange)
        assert (a.size_in(ETH), exchange.fund.size_in(ETH)) == (0, SIZE)
        assert 0 <= a.collateral < SIZE
        assert [notice.is_takeover for notice in a.notices] == [True]
        assert exchange.take_changes().trades[-1].kind is TradeKind.DELEVERAGE
        assert_sound(exchange)

    def test_the_fund_bears_what_the_account_cannot(self):
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, b, -SIZE)
        exchange.markets[ETH].mark = 120_000
        assert margin.equity(a, exchange.markets) < 0
        before = margin.equity(exchange.fund, exchange.markets)
        run_liquidation(exchange)
        assert (a.size_in(ETH), exchange.fund.size_in(ETH)) == (0, -SIZE)
        assert -SIZE <= a.collateral <= SIZE
        assert margin.equity(exchange.fund, exchange.markets) < before
        assert_sound(exchange)

    def test_when_the_fund_is_spent_the_most_profitable_take_over_against_their_will(self):
        exchange, (a, b, c) = exchange_with(THIN, MONEY, MONEY)
        hold(exchange, c, a, 3 * SIZE // 4)  # a sells 750 to c, who sold nothing before
        hold(exchange, b, a, SIZE // 4, MARK - 1_000)
        exchange.deposits -= exchange.fund.collateral
        exchange.fund.collateral = 0
        exchange.markets[ETH].mark = 120_000
        exchange.take_changes()
        run_liquidation(exchange)
        assert (a.size_in(ETH), b.size_in(ETH), c.size_in(ETH), exchange.fund.size_in(ETH)) == (0, 0, 0, 0)
        first, second = exchange.take_changes().trades
        assert {first.kind, second.kind} == {TradeKind.DELEVERAGE}
        assert (first.ask.account_index, second.ask.account_index) == (b.index, c.index)
        assert (first.size, second.size) == (SIZE // 4, 3 * SIZE // 4)
        assert [len(each.notices) for each in (a, b, c)] == [3, 1, 1]
        assert abs(a.collateral) <= SIZE
        assert_sound(exchange)

    def test_what_nobody_holds_against_it_goes_to_the_fund_even_when_that_is_spent(self):
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, exchange.fund, -SIZE)
        exchange.deposits -= exchange.fund.collateral
        exchange.fund.collateral = 0
        exchange.markets[ETH].mark = 120_000
        run_liquidation(exchange)
        assert (a.size_in(ETH), b.size_in(ETH), exchange.fund.size_in(ETH)) == (0, 0, 0)
        assert_sound(exchange)

    def test_a_sound_account_is_left_alone(self):
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, b, SIZE)
        order(exchange, a, "sell", 10, 120_000)
        exchange.markets[ETH].mark = 96_000
        assert run_liquidation(exchange) == 0
        assert len(a.live) == 1


class TestFunding:
    def test_longs_pay_shorts_on_the_hour(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        hold(exchange, a, b, SIZE)
        exchange.take_changes()
        market = exchange.markets[ETH]
        market.funding_ppm = 125
        assert not exchange.fund_positions(10 * HOUR_US + 5)
        assert not exchange.fund_positions(11 * HOUR_US - 1)
        assert exchange.fund_positions(11 * HOUR_US)
        assert not exchange.fund_positions(11 * HOUR_US + 9)
        due = QUOTE * 125 // 1_000_000
        assert (a.collateral, b.collateral) == (MONEY - due, MONEY + due)
        assert (a.positions[ETH].funding_paid, b.positions[ETH].funding_paid) == (due, -due)
        assert (a.fundings[-1].change, a.fundings[-1].time_s) == (-due, 11 * 3_600)
        assert (market.last_funding_ppm, market.fundings[-1].rate_ppm) == (125, 125)
        changes = exchange.take_changes()
        assert changes.positions == {a: {ETH}, b: {ETH}}
        assert [payment.change for payment in changes.fundings[b]] == [due]

    def test_hours_that_were_leapt_over_are_made_up_for(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        hold(exchange, a, b, SIZE)
        exchange.markets[ETH].funding_ppm = -100
        exchange.fund_positions(10 * HOUR_US)
        exchange.fund_positions(13 * HOUR_US)
        assert a.collateral == MONEY + 3 * QUOTE // 10_000
        assert exchange.fund_positions(12 * HOUR_US) is False
        assert_sound(exchange)

    @given(st.lists(st.integers(-50, 50), min_size=3, max_size=3), st.integers(-500, 500), st.integers(1, 10**6))
    def test_rounding_is_never_against_the_venue(self, sizes, rate, mark):
        exchange, accounts = exchange_with(MONEY, MONEY, MONEY)
        for account, size in zip(accounts[1:], sizes, strict=False):
            if size:
                hold(exchange, account, accounts[0], size)
        exchange.markets[ETH].funding_ppm, exchange.markets[ETH].mark = rate, mark
        exchange.fund_positions(HOUR_US)
        before = exchange.fees_collected
        exchange.fund_positions(2 * HOUR_US)
        assert 0 <= exchange.fees_collected - before < 4
        assert_sound(exchange)


class TestLeverage:
    def test_it_changes_what_orders_need(self):
        exchange, (a, _) = exchange_with(QUOTE // 20, MONEY)
        request_of_it = request("buy", SIZE, MARK)
        assert margin.can_afford(a, exchange.markets, request_of_it)
        assert exchange.set_leverage(a, ETH, 1_000) is None
        assert not margin.can_afford(a, exchange.markets, request_of_it)
        assert exchange.take_changes().positions == {a: {ETH}}

    def test_it_may_not_undo_the_margin_of_what_is_open(self):
        exchange, (a, b) = exchange_with(THIN, MONEY)
        hold(exchange, a, b, SIZE)
        refusal = exchange.set_leverage(a, ETH, 1_000)
        assert isinstance(refusal, Refusal)
        assert (refusal.code, a.positions[ETH].imf) == (Code.RISK_CHANGE, 500)
        assert exchange.set_leverage(a, ETH, 200) is None


class TestSchedule:
    def test_everything_goes_when_the_time_comes(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        hold(exchange, a, b, 4)
        orders = [order(exchange, a, "buy", 5, 90_000), stop(exchange, a, "sell", 4, 95_000)]
        a.cancel_all_ms = 5_000
        assert list(exchange.cancel_scheduled(4_999_999)) == []
        assert list(exchange.cancel_scheduled(5_000_000)) == [None]
        assert {each.status for each in orders} == {OrderStatus.CANCELED}
        assert a.cancel_all_ms == 0


SIZES = st.sampled_from([1, 3, 10, 30, 300])
PRICES = st.integers(97_000, 103_000)
SIDES = st.sampled_from(["buy", "sell"])
WHO = st.integers(0, 3)
STEPS = st.one_of(
    st.tuples(st.just("order"), WHO, SIDES, SIZES, PRICES, st.sampled_from([Tif.GTT, Tif.GTT, Tif.IOC]), st.booleans()),
    st.tuples(st.just("order"), WHO, SIDES, SIZES, PRICES, st.sampled_from([Tif.GTT, Tif.GTT, Tif.IOC]), st.booleans()),
    st.tuples(st.just("stop"), WHO, SIDES, SIZES, PRICES, st.booleans(), st.booleans()),
    st.tuples(st.just("group"), WHO, SIDES, SIZES, PRICES, st.sampled_from(list(Grouping))),
    st.tuples(st.just("cancel"), WHO, st.integers(0, 9)),
    st.tuples(st.just("modify"), WHO, st.integers(0, 9), SIZES, PRICES),
    st.tuples(st.just("mark"), st.integers(90_000, 110_000)),
    st.tuples(st.just("mark"), st.integers(90_000, 110_000)),
    st.tuples(st.just("fund"), st.integers(-500, 500)),
    st.tuples(st.just("lever"), WHO, st.sampled_from([200, 500, 5_000])),
)


class Story:
    """Plays steps on two markets; who places an order may be refused, nobody may lose track of money."""

    def __init__(self) -> None:
        self.exchange, self.accounts = exchange_with(10**5, 3 * 10**5, 10**6, MONEY, maker_fee=40, taker_fee=280)
        whale = self.exchange.add_account(VenueAccount(index=9, collateral=MONEY))
        for gap in range(500, 10_000, 500):  # somebody who buys what is liquidated, for less and less
            for market_id in (ETH, BTC):
                order(self.exchange, whale, "buy", 40, MARK - gap, market_id=market_id)
                order(self.exchange, whale, "sell", 40, MARK + gap, market_id=market_id)
        self.hours = 1
        self.exchange.fund_positions(HOUR_US)

    def play(self, step) -> None:
        kind, *rest = step
        getattr(self, kind)(*rest)
        for _ in liquidation.check(self.exchange, now_us=3):
            assert_sound(self.exchange)
        assert_sound(self.exchange)

    def order(self, who, side, size, price, tif, reduce_only) -> None:
        wanted = request(
            side, size, price, tif=tif, reduce_only=reduce_only, self_trade=SelfTrade(size % 4), market_id=price % 2
        )
        if tif is Tif.IOC or margin.can_afford(self.accounts[who], self.exchange.markets, wanted):
            self.exchange.create(self.accounts[who], wanted, 1)

    def stop(self, who, side, size, trigger, is_limit, reduce_only) -> None:
        kind = OrderKind.STOP_LOSS_LIMIT if is_limit else OrderKind.TAKE_PROFIT
        tif = Tif.GTT if is_limit else Tif.IOC
        terms = {"kind": kind, "tif": tif, "trigger_price": trigger, "reduce_only": reduce_only}
        self.exchange.create(self.accounts[who], request(side, size, trigger, **terms), 1)

    def group(self, who, side, size, price, kind) -> None:
        other = "sell" if side == "buy" else "buy"
        is_pair = kind is Grouping.OCO
        pair = [
            leg(other, OrderKind.STOP_LOSS, price - 500, size if is_pair else 0),
            leg(other, OrderKind.TAKE_PROFIT, price + 500, size if is_pair else 0),
        ]
        lead = request(side, size, price)
        if is_pair or margin.can_afford(self.accounts[who], self.exchange.markets, lead):
            requests = {Grouping.OTO: (lead, pair[0]), Grouping.OCO: tuple(pair), Grouping.OTOCO: (lead, *pair)}[kind]
            self.exchange.create_group(self.accounts[who], kind, requests, 1)

    def cancel(self, who, place) -> None:
        live = list(self.accounts[who].live.values())
        if live:
            self.exchange.cancel(live[place % len(live)], OrderStatus.CANCELED, 1)

    def modify(self, who, place, size, price) -> None:
        live = [each for each in self.accounts[who].live.values() if not each.is_pending]
        if live:
            self.exchange.modify(live[place % len(live)], size, price, 1)

    def mark(self, mark) -> None:
        for market_id in (ETH, BTC):
            move(self.exchange, mark, market_id)

    def fund(self, rate) -> None:
        for market in self.exchange.markets.values():
            market.funding_ppm = rate
        self.hours += 1
        self.exchange.fund_positions(self.hours * HOUR_US)

    def lever(self, who, imf) -> None:
        self.exchange.set_leverage(self.accounts[who], ETH, imf)


@given(st.lists(STEPS, min_size=20, max_size=60))
def test_money_sizes_and_lists_hold_through_triggers_groups_funding_and_liquidation(steps):
    story = Story()
    for step in steps:
        story.play(step)


def test_a_group_is_what_the_story_plays():
    # The story refuses quietly; this says that its groups are real ones.
    exchange, (a, _) = exchange_with(MONEY, MONEY)
    assert (
        len(group(exchange, a, Grouping.OTO, request("buy", 10, MARK), leg("sell", OrderKind.STOP_LOSS, 90_000))) == 2
    )
