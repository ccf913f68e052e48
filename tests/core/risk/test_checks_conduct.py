"""What the gate says of prices, repetition, rates, money and our own orders: each check refuses, and lets pass."""

from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

import pytest
from msgspec import structs

from core.clock import MILLISECOND_NS, SECOND_NS
from core.decisions import Approved, Denied, DenyReason, TradingState
from core.limits import MarketLimits, RiskLimits, SelfTrade
from core.model import Origin, OriginKind, Side, TimeInForce
from core.risk import BreakerPanel, Conduct, Money, RiskManager, Totals
from tests.support.risk_world import ETH_ID, ETH_QUOTE, SOL_ID, exposure, intent, view

MAKER = Origin(OriginKind.STRATEGY, "maker")
OTHER = Origin(OriginKind.STRATEGY, "other")
LONG = {ETH_ID: exposure("5")}
WIDE = {
    "max_order_notional": Decimal(10**6),
    "max_position_notional": Decimal(10**6),
    "max_gross_notional": Decimal(10**7),
}


def manager(**limits: object):
    return RiskManager(RiskLimits(**limits))


def denied(reason, an_intent, a_view, *words: str, origin=MAKER, **limits: object):
    decision = manager(**limits).check(an_intent, a_view, origin)
    assert isinstance(decision, Denied), decision
    assert decision.reason is reason, decision
    for word in words:
        assert word in decision.detail, decision


def passes(an_intent, a_view, *, origin=MAKER, **limits: object):
    assert manager(**limits).check(an_intent, a_view, origin) == Approved()


class TestCollar:
    """Mark 2000, book 1999.90 to 2000.10."""

    def test_a_buy_too_far_above_the_mark(self):
        passes(intent(price="2100.00"), view(), max_mark_deviation_percent=5)
        denied(
            DenyReason.PRICE_COLLAR,
            intent(price="2100.01"),
            view(),
            "5.0 %",
            "the mark 2,000",
            max_mark_deviation_percent=5,
        )

    def test_a_sell_too_far_below_the_mark(self):
        passes(intent(Side.SELL, price="1900.00"), view(), max_mark_deviation_percent=5)
        denied(DenyReason.PRICE_COLLAR, intent(Side.SELL, price="1899.99"), view(), max_mark_deviation_percent=5)

    def test_the_touch_of_the_other_side(self):
        passes(intent(price="2020.10"), view(), max_touch_deviation_percent=1)
        denied(DenyReason.PRICE_COLLAR, intent(price="2020.11"), view(), "best ask", max_touch_deviation_percent=1)
        denied(
            DenyReason.PRICE_COLLAR,
            intent(Side.SELL, price="1979.90"),
            view(),
            "best bid",
            max_touch_deviation_percent=1,
        )

    def test_a_price_that_waits_far_away_is_no_slip(self):
        passes(intent(price="20.00"), view(), max_mark_deviation_percent=5)
        passes(intent(Side.SELL, size="0.0100", price="90000.00"), view(), max_mark_deviation_percent=5)

    def test_resting_far_away_is_refused_where_that_is_set(self):
        passes(intent(price="1000.00"), view(), max_resting_percent=50)
        low = intent(price="999.99")
        denied(
            DenyReason.PRICE_COLLAR,
            low,
            view(),
            "999.99",
            "50.0 %",
            "max_resting_percent is 50",
            max_resting_percent=50,
        )
        passes(intent(Side.SELL, price="3000.00"), view(), max_resting_percent=50)
        denied(DenyReason.PRICE_COLLAR, intent(Side.SELL, price="3000.01"), view(), "the mark", max_resting_percent=50)
        passes(replace(low, tif=TimeInForce.IOC), view(), max_resting_percent=50)

    def test_a_market_may_have_a_collar_of_its_own(self):
        own = {"ETH": MarketLimits(max_mark_deviation_percent=1)}
        denied(DenyReason.PRICE_COLLAR, intent(price="2020.01"), view(), markets=own)
        passes(intent(price="2020.00"), view(), markets=own)

    def test_the_shrinking_side_is_collared_too(self):
        order = intent(Side.SELL, price="1000.00", reduce_only=True)
        denied(DenyReason.PRICE_COLLAR, order, view(exposures=LONG))

    def test_orders_that_walk_the_price_are_measured_from_where_it_was(self):
        walked = view(conduct=Conduct(marks={ETH_ID: (Decimal(1_900), Decimal(2_000))}))
        passes(intent(price="1995.00"), walked, max_walk_percent=5)
        denied(DenyReason.PRICE_WALK, intent(price="1995.01"), walked, "1,900", "60 s", max_walk_percent=5)
        fallen = view(conduct=Conduct(marks={ETH_ID: (Decimal(2_000), Decimal(2_200))}))
        denied(DenyReason.PRICE_WALK, intent(Side.SELL, price="2000.00"), fallen, "2,200", max_walk_percent=5)


class TestData:
    def test_a_mark_far_from_the_book_is_not_believed(self):
        odd = view(quotes={ETH_ID: replace(ETH_QUOTE, mark=Decimal(1_800))})
        denied(DenyReason.UNREASONABLE_DATA, intent(price="1700.00"), odd, "11.1 %", "max_mark_gap_percent")
        passes(intent(price="1700.00"), odd, max_mark_gap_percent=12)

    def test_a_wide_book_around_the_mark_is_believed(self):
        wide = replace(ETH_QUOTE, bid=Decimal(1_000), ask=Decimal(3_000))
        passes(intent(), view(quotes={ETH_ID: wide}))

    def test_a_book_older_than_its_limit(self):
        old = view(quotes={ETH_ID: replace(ETH_QUOTE, received_ns=1)}, now_ns=501 * MILLISECOND_NS + 1)
        denied(DenyReason.STALE_DATA, intent(), old, "501 ms", max_book_age_ms=500)
        passes(intent(), old, max_book_age_ms=501)


class TestDuplicate:
    def world(self, an_intent, origin, age_ms):
        now_ns = 10**12
        return view(
            conduct=Conduct(recent={ETH_ID: ((an_intent, origin, now_ns - age_ms * MILLISECOND_NS),)}), now_ns=now_ns
        )

    def test_the_same_order_of_the_same_origin_within_the_window(self):
        denied(DenyReason.DUPLICATE, intent(), self.world(intent(), MAKER, 499), "499 ms", duplicate_window_ms=500)
        passes(intent(), self.world(intent(), MAKER, 500), duplicate_window_ms=500)

    @pytest.mark.parametrize(
        "other", [intent(size="1.0001"), intent(price="2000.01"), intent(tif=TimeInForce.POST_ONLY)]
    )
    def test_any_difference_makes_it_another_order(self, other):
        passes(other, self.world(intent(), MAKER, 1))

    def test_another_origin_may_want_the_same(self):
        passes(intent(), self.world(intent(), OTHER, 1))

    def test_reducing_twice_is_harmless_and_the_check_may_be_off(self):
        order = intent(Side.SELL, reduce_only=True)
        passes(order, structs.replace(self.world(order, MAKER, 1), exposures=LONG))
        passes(intent(), self.world(intent(), MAKER, 0), duplicate_window_ms=0)


class TestRates:
    def test_the_reserve_is_kept_for_cancels_and_what_shrinks(self):
        busy = view(conduct=Conduct(messages=80))
        denied(
            DenyReason.MESSAGE_RATE, intent(), busy, "80 messages", "20 are kept", max_messages=100, message_reserve=20
        )
        passes(intent(), view(conduct=Conduct(messages=79)), max_messages=100, message_reserve=20)
        shrinking = structs.replace(busy, exposures=LONG)
        passes(intent(Side.SELL), shrinking, max_messages=100, message_reserve=20)
        full = structs.replace(shrinking, conduct=Conduct(messages=100))
        denied(DenyReason.MESSAGE_RATE, intent(Side.SELL), full, max_messages=100, message_reserve=20)

    def test_one_strategy_has_a_rate_of_its_own(self):
        busy = view(conduct=Conduct(by_strategy={"maker": 5}))
        denied(DenyReason.MESSAGE_RATE, intent(), busy, "maker", max_strategy_messages=5)
        passes(intent(), busy, origin=OTHER, max_strategy_messages=5)

    def test_a_strategy_executed_again_and_again_stops_until_a_human_looks(self):
        busy = view(conduct=Conduct(fills={"maker": 7}))
        denied(DenyReason.EXECUTION_RATE, intent(), busy, "executed 7 times", max_strategy_fills=7)
        passes(intent(), busy, origin=OTHER, max_strategy_fills=7)
        passes(intent(), busy, max_strategy_fills=None)


class TestSelfTrade:
    WORLD: ClassVar = {
        ETH_ID: structs.replace(exposure(buys="1", sells="1"), own_bid=Decimal("1990.00"), own_ask=Decimal("2010.00"))
    }

    @pytest.mark.parametrize(("side", "price"), [(Side.BUY, "2010.00"), (Side.SELL, "1990.00")])
    def test_an_order_that_could_meet_one_of_ours(self, side, price):
        denied(DenyReason.SELF_TRADE, intent(side, price=price), view(exposures=self.WORLD), "our own")

    @pytest.mark.parametrize(("side", "price"), [(Side.BUY, "2009.99"), (Side.SELL, "1990.01")])
    def test_one_that_could_not(self, side, price):
        passes(intent(side, price=price), view(exposures=self.WORLD))

    def test_it_may_be_left_to_the_venue(self):
        passes(intent(price="2010.00"), view(exposures=self.WORLD), self_trade=SelfTrade.VENUE)


class TestMarkets:
    def test_a_market_that_is_not_allowed_is_only_closed(self):
        denied(DenyReason.RESTRICTED_MARKET, intent(), view(), "ETH", allowed_markets=("SOL",))
        passes(intent(Side.SELL), view(exposures=LONG), allowed_markets=("SOL",))
        passes(intent(), view(), allowed_markets=("SOL", "ETH"))

    def test_a_restricted_market_is_only_closed(self):
        denied(DenyReason.RESTRICTED_MARKET, intent(), view(), restricted_markets=("ETH",))
        passes(intent(Side.SELL), view(exposures=LONG), restricted_markets=("ETH",))


class TestClock:
    @pytest.mark.parametrize(("skew_ms", "word"), [(1_001, "ahead of"), (-1_001, "behind")])
    def test_a_clock_that_is_wrong_signs_nothing(self, skew_ms, word):
        denied(DenyReason.CLOCK_SKEW, intent(), view(skew_ms=skew_ms), word, "1,001", max_clock_skew_ms=1_000)

    def test_a_little_skew_is_fine(self):
        passes(intent(), view(skew_ms=-1_000), max_clock_skew_ms=1_000)
        passes(intent(), view(skew_ms=None))

    def test_a_clock_that_nothing_compares_opens_no_position_after_a_grace_period(self):
        late = view(skew_ms=None, clockless_ns=60 * SECOND_NS, exposures=LONG)
        denied(DenyReason.CLOCK_SKEW, intent(), late, "could not be compared", "60 s", "doctor")
        passes(intent(Side.SELL), late)
        passes(intent(Side.SELL, reduce_only=True), late)
        passes(intent(), view(skew_ms=None, clockless_ns=60 * SECOND_NS - 1))
        passes(intent(), view(skew_ms=0, clockless_ns=60 * SECOND_NS))


class TestMoney:
    def test_the_days_loss_lets_only_shrinking_orders_pass(self):
        lost = view(money=Money(equity=Decimal(10**6), day_loss=Decimal(500)), exposures=LONG)
        denied(DenyReason.DAILY_LOSS, intent(), lost, "500.00 USDC", max_daily_loss=500)
        passes(intent(Side.SELL), lost, max_daily_loss=500)
        passes(intent(), lost, max_daily_loss=501)
        passes(intent(), lost, max_daily_loss=None)

    def test_a_drawdown_lets_only_shrinking_orders_pass(self):
        down = view(money=Money(equity=Decimal(10**6), drawdown=Decimal(900)), exposures=LONG)
        denied(DenyReason.DRAWDOWN, intent(), down, "900.00 USDC", max_drawdown=900, max_daily_loss=900)
        passes(intent(Side.SELL), down, max_drawdown=900, max_daily_loss=900)
        passes(intent(), down, max_drawdown=901, max_daily_loss=900)

    def margined(self, equity, **more: object):
        world = view(money=Money(equity=None if equity is None else Decimal(equity)), **more)
        eth = replace(world.markets[ETH_ID], initial_margin=Decimal("0.1"))
        return structs.replace(world, markets={**world.markets, ETH_ID: eth})

    def test_margin_of_the_worst_case_must_fit_equity(self):
        passes(intent(size="4.5000"), self.margined("1000"), **WIDE)
        denied(DenyReason.MARGIN, intent(size="4.5001"), self.margined("1000"), "900.02", "1,000.00", **WIDE)
        busy = self.margined("1000", totals=Totals(margin=Decimal(500)))
        denied(DenyReason.MARGIN, intent(size="2.0001"), busy, **WIDE)

    def test_capital_set_aside_is_a_limit_whatever_the_equity(self):
        passes(intent(size="0.5000"), self.margined("1000000"), max_capital=100)
        denied(DenyReason.MARGIN, intent(size="0.5001"), self.margined("1000000"), "max_capital", max_capital=100)

    def test_an_order_that_adds_no_exposure_needs_no_margin(self):
        passes(intent(Side.SELL, "5.0000"), self.margined("1", exposures=LONG), **WIDE)

    def test_without_an_account_nothing_grows(self):
        denied(DenyReason.NO_ACCOUNT, intent(), self.margined(None))
        passes(intent(Side.SELL), self.margined(None, exposures=LONG))


class TestUnexecuted:
    def test_what_open_orders_still_want_is_limited_together(self):
        busy = view(totals=Totals(open_notional=Decimal(8_000)))
        passes(intent(), busy, max_open_notional=10_000)
        denied(DenyReason.MAX_OPEN_NOTIONAL, intent(size="1.0001"), busy, "10,000.20", max_open_notional=10_000)

    def test_and_per_market(self):
        busy = view(
            exposures={ETH_ID: structs.replace(exposure(buys="4"), open_orders=3, open_notional=Decimal(8_000))}
        )
        own = {"ETH": MarketLimits(max_open_notional=10_000, max_open_orders=4)}
        passes(intent(), busy, markets=own)
        denied(DenyReason.MAX_OPEN_NOTIONAL, intent(size="1.0001"), busy, "ETH", markets=own)
        few = {"ETH": MarketLimits(max_open_orders=3)}
        denied(DenyReason.MAX_OPEN_ORDERS, intent(), busy, "3 orders may be live in ETH", markets=few)
        passes(intent(tif=TimeInForce.IOC), busy, markets=few)

    def test_what_shrinks_passes(self):
        world = view(exposures=LONG, totals=Totals(open_notional=Decimal(10_000)))
        passes(intent(Side.SELL), world, max_open_notional=10_000)


class TestStrategyBreaker:
    PANEL = BreakerPanel.closed(TradingState.REDUCING).trip("maker", by="engine", reason="floods", at_us=1)

    def test_it_halts_the_strategy_and_nobody_else(self):
        world = view(breakers=self.PANEL, exposures=LONG)
        denied(DenyReason.BREAKER_OPEN, intent(), world, "strategy maker", "floods")
        denied(DenyReason.BREAKER_OPEN, intent(Side.SELL), world)
        passes(intent(), world, origin=OTHER)
        passes(intent(), world, origin=Origin(OriginKind.OPERATOR))


def test_own_limits_of_a_market_stand_in_place_of_those_for_all():
    own = {"ETH": MarketLimits(max_order_notional=500, max_position_notional=1_000)}
    denied(DenyReason.MAX_ORDER_NOTIONAL, intent(size="0.3000"), view(), markets=own)
    denied(DenyReason.MAX_POSITION, intent(size="0.2500"), view(exposures={ETH_ID: exposure("0.3")}), markets=own)
    passes(intent(size="0.2500"), view(), markets=own)
    passes(intent(market_id=SOL_ID, size="10.000", price="150.000"), view(), markets=own)
