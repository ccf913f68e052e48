from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from core.decisions import Approved, Denied, DenyReason, TradingState
from core.limits import MarketLimits, RiskLimits
from core.model import BookStatus, MarketStatus, OrderType, Side, TimeInForce
from core.risk import BreakerPanel, RiskManager
from core.units import MarketId
from tests.support.risk_world import (
    ETH,
    ETH_ID,
    ETH_QUOTE,
    SOL_ID,
    SOL_QUOTE,
    exposure,
    intent,
    quote,
    view,
)

LIMITS = RiskLimits(
    max_order_notional=Decimal(10_000),
    max_position_notional=Decimal(20_000),
    max_gross_notional=Decimal(30_000),
    max_open_orders=5,
    markets={"ETH": MarketLimits(max_order_size=Decimal(4), max_position_size=Decimal(8))},
)
MANAGER = RiskManager(LIMITS)


def denied(an_intent, a_view, reason, *words: str, manager=MANAGER):
    decision = manager.check(an_intent, a_view)
    assert isinstance(decision, Denied), decision
    assert decision.reason is reason, decision
    for word in words:
        assert word in decision.detail, decision
    return decision


def passes(an_intent, a_view, manager=MANAGER):
    assert manager.check(an_intent, a_view) == Approved()


def test_a_sound_order_in_a_calm_world_passes():
    passes(intent(), view())


def test_a_killed_engine_sends_nothing_whatever_else_is_wrong():
    broken = view(is_killed=True, is_ready=False, trading=TradingState.HALTED, markets={}, quotes={})
    denied(intent(), broken, DenyReason.KILLED, "re-arm")


def test_nothing_trades_before_reconciliation():
    unready = view(is_ready=False, trading=TradingState.HALTED, trading_detail="asking for open orders")
    denied(intent(), unready, DenyReason.NOT_READY, "asking for open orders")


def test_halted_denies_and_says_why():
    halted = view(trading=TradingState.HALTED, trading_detail="the journal cannot be written")
    denied(intent(), halted, DenyReason.HALTED, "the journal cannot be written")
    shrinking = structs.replace(halted, exposures={ETH_ID: exposure("-5")})
    denied(intent(reduce_only=True), shrinking, DenyReason.HALTED)


class TestReduceOnly:
    @pytest.mark.parametrize(
        ("position", "side", "words"),
        [
            ("0", Side.SELL, "ETH is flat"),
            ("0", Side.BUY, "ETH is flat"),
            ("-2", Side.SELL, "ETH is short 2"),
            ("2", Side.BUY, "ETH is long 2"),
        ],
    )
    def test_with_nothing_to_reduce_the_venue_would_drop_it_without_a_word(self, position, side, words):
        world = view(exposures={ETH_ID: exposure(position)})
        denied(intent(side, reduce_only=True), world, DenyReason.NOTHING_TO_REDUCE, words)

    @pytest.mark.parametrize(("position", "side"), [("-2", Side.BUY), ("2", Side.SELL)])
    def test_what_reduces_passes(self, position, side):
        passes(intent(side, reduce_only=True), view(exposures={ETH_ID: exposure(position)}))


class TestReducing:
    REDUCING = view(trading=TradingState.REDUCING, trading_detail="link down")

    def test_flat_nothing_passes(self):
        denied(intent(), self.REDUCING, DenyReason.REDUCING, "link down", "it is 0", "buy 1")
        denied(intent(Side.SELL, reduce_only=True), self.REDUCING, DenyReason.REDUCING, "sell 1")

    def test_an_order_that_shrinks_passes_and_one_that_grows_does_not(self):
        short = structs.replace(self.REDUCING, exposures={ETH_ID: exposure("-2")})
        passes(intent(Side.BUY, "2.0000"), short)
        denied(intent(Side.SELL, "1.0000"), short, DenyReason.REDUCING)

    def test_an_order_that_would_flip_does_not_pass(self):
        long = structs.replace(self.REDUCING, exposures={ETH_ID: exposure("2")})
        denied(intent(Side.SELL, "2.0001"), long, DenyReason.REDUCING, "2.0001")

    def test_what_already_reduces_counts(self):
        working = structs.replace(self.REDUCING, exposures={ETH_ID: exposure("2", sells="1.5")})
        passes(intent(Side.SELL, "0.5000", reduce_only=True), working)
        denied(intent(Side.SELL, "0.5001", reduce_only=True), working, DenyReason.REDUCING, "1.5 already working")


class TestBreaker:
    def test_a_tripped_market_lets_only_shrinking_orders_pass(self):
        panel = BreakerPanel.closed(TradingState.REDUCING).trip(ETH_ID, by="operator", reason="odd fills", at_us=1)
        tripped = view(breakers=panel, exposures={ETH_ID: exposure("1")})
        denied(intent(), tripped, DenyReason.BREAKER_OPEN, "ETH", "operator", "odd fills")
        passes(intent(Side.SELL), tripped)

    def test_another_market_goes_on(self):
        panel = BreakerPanel.closed(TradingState.REDUCING).trip(SOL_ID, by="operator", reason="x", at_us=1)
        passes(intent(), view(breakers=panel))

    def test_the_global_one_holds_every_market(self):
        panel = BreakerPanel.closed(TradingState.HALTED).trip(None, by="F8", reason="lunch", at_us=1)
        tripped = view(breakers=panel, exposures={ETH_ID: exposure("1")})
        denied(intent(Side.SELL), tripped, DenyReason.BREAKER_OPEN, "every market", "F8", "lunch")


class TestMarket:
    def test_an_unknown_market_is_denied(self):
        denied(intent(market_id=MarketId(77)), view(), DenyReason.UNKNOWN_MARKET, "77")

    def test_an_inactive_market_is_denied(self):
        markets = {ETH_ID: replace(ETH, status=MarketStatus.INACTIVE)}
        denied(intent(), view(markets=markets), DenyReason.MARKET_CLOSED, "inactive")

    def test_a_reduce_only_market_lets_only_shrinking_orders_pass(self):
        world = view(markets={ETH_ID: replace(ETH, status=MarketStatus.REDUCE_ONLY)}, exposures={ETH_ID: exposure("1")})
        denied(intent(), world, DenyReason.MARKET_CLOSED, "reduce-only")
        passes(intent(Side.SELL), world)


class TestShape:
    @pytest.mark.parametrize("price", ["0", "-1.00", "42949672.96", "NaN", "Infinity", "1E+999999"])
    def test_a_price_the_wire_cannot_carry_is_out_of_range(self, price):
        denied(intent(price=price), view(), DenyReason.OUT_OF_RANGE, "price")

    @pytest.mark.parametrize("size", ["0", "-1", "28147497671.0656", "sNaN", "-Infinity", "1E-999999"])
    def test_a_size_the_wire_cannot_carry_is_out_of_range(self, size):
        denied(intent(size=size), view(), DenyReason.OUT_OF_RANGE, "size")

    @pytest.mark.parametrize("size", ["NaN", "sNaN", "Infinity", "-3"])
    def test_odd_sizes_do_not_slip_through_while_reducing(self, size):
        reducing = view(trading=TradingState.REDUCING, exposures={ETH_ID: exposure("-5")})
        denied(intent(size=size), reducing, DenyReason.REDUCING)

    @pytest.mark.parametrize("price", ["2000.001", "2000.00000000000000000000000000000000001"])
    def test_an_off_tick_price_is_denied_not_rounded(self, price):
        denied(intent(price=price), view(), DenyReason.OFF_TICK, "0.01", price.rstrip("0")[-4:])

    def test_an_off_step_size_is_denied_not_rounded(self):
        denied(intent(size="1.00001"), view(), DenyReason.OFF_STEP, "1.00001", "0.0001")

    def test_the_larger_minimum_holds_for_resting_orders(self):
        denied(intent(size="0.0049", price="3000.00"), view(), DenyReason.BELOW_MINIMUM, "0.005")
        denied(intent(size="0.0050", price="1999.99"), view(), DenyReason.BELOW_MINIMUM, "9.99995", "10 USDC")
        passes(intent(size="0.0050", price="2000.00"), view())

    def test_taking_and_reducing_orders_may_be_smaller(self):
        passes(intent(size="0.0001", tif=TimeInForce.IOC), view())
        passes(intent(size="0.0001", type=OrderType.MARKET, tif=TimeInForce.IOC), view())
        passes(intent(size="0.0001", reduce_only=True), view(exposures={ETH_ID: exposure("-1")}))


class TestData:
    @pytest.mark.parametrize("status", [BookStatus.EMPTY, BookStatus.SYNCING, BookStatus.STALE])
    def test_a_book_that_is_not_live_is_not_traded_on(self, status):
        stale = replace(ETH_QUOTE, status=status, reason="silent for 3.2 s")
        denied(intent(), view(quotes={ETH_ID: stale}), DenyReason.STALE_DATA, status.value, "silent for 3.2 s")

    def test_no_book_no_order(self):
        denied(intent(), view(quotes={}), DenyReason.STALE_DATA, "ETH has no book yet")

    def test_a_crossed_or_locked_book_is_not_traded_on(self):
        for bid, ask in [("2000.10", "2000.00"), ("2000.00", "2000.00")]:
            crossed = {ETH_ID: quote(ETH_ID, bid, ask, "2000.00")}
            denied(intent(), view(quotes=crossed), DenyReason.STALE_DATA, "crossed")

    def test_a_book_empty_on_both_sides_is_not_traded_on_and_a_one_sided_one_is(self):
        empty = replace(ETH_QUOTE, bid=None, ask=None)
        denied(intent(), view(quotes={ETH_ID: empty}), DenyReason.STALE_DATA, "empty on both sides")
        passes(intent(), view(quotes={ETH_ID: replace(ETH_QUOTE, ask=None)}))

    @pytest.mark.parametrize("mark", [None, Decimal(0)])
    def test_without_a_mark_price_nothing_passes(self, mark):
        denied(intent(), view(quotes={ETH_ID: replace(ETH_QUOTE, mark=mark)}), DenyReason.NO_MARK, "ETH")


class TestLimits:
    def test_max_order_size(self):
        manager = RiskManager(LIMITS.model_copy(update={"max_order_notional": Decimal(20_000)}))
        passes(intent(size="4.0000"), view(), manager)
        denied(intent(size="4.0001"), view(), DenyReason.MAX_ORDER_SIZE, "4.0001", "max_order_size 4", manager=manager)

    def test_max_order_notional_takes_the_worse_of_mark_and_price(self):
        manager = RiskManager(LIMITS.model_copy(update={"markets": {}}))
        passes(intent(size="5.0000", price="1000.00"), view(), manager)
        denied(
            intent(size="5.0001", price="1000.00"),
            view(),
            DenyReason.MAX_ORDER_NOTIONAL,
            "10,000.20",
            "10,000.00",
            manager=manager,
        )
        denied(
            intent(size="4.0000", price="2500.01"), view(), DenyReason.MAX_ORDER_NOTIONAL, "10,000.04", manager=manager
        )

    def test_max_position_size_counts_position_and_everything_working_on_that_side(self):
        busy = view(exposures={ETH_ID: exposure("4", buys="2.5", sells="9")})
        passes(intent(size="1.5000"), busy)
        denied(intent(size="1.5001"), busy, DenyReason.MAX_POSITION, "8.0001", "max_position_size 8", "long side")

    def test_max_position_size_of_the_short_side(self):
        busy = view(exposures={ETH_ID: exposure("-4", buys="9", sells="2.5")})
        passes(intent(Side.SELL, "1.5000"), busy)
        denied(intent(Side.SELL, "1.5001"), busy, DenyReason.MAX_POSITION, "short side")

    def test_max_position_notional_is_on_the_mark(self):
        manager = RiskManager(LIMITS.model_copy(update={"markets": {}}))
        busy = view(exposures={ETH_ID: exposure("5", buys="4")})
        passes(intent(size="1.0000", price="1.00", tif=TimeInForce.IOC), busy, manager)
        denied(intent(size="1.0001"), busy, DenyReason.MAX_POSITION, "20,000.20", "20,000.00", manager=manager)

    def test_a_position_beyond_its_limit_may_still_shrink(self):
        manager = RiskManager(LIMITS.model_copy(update={"markets": {}}))
        beyond = view(exposures={ETH_ID: exposure("-30")})
        passes(intent(Side.BUY, "5.0000", reduce_only=True), beyond, manager)
        passes(intent(Side.BUY, "5.0000"), beyond, manager)
        denied(intent(Side.SELL, "0.0100"), beyond, DenyReason.MAX_POSITION, manager=manager)

    def test_max_gross_sums_the_worst_case_of_every_market(self):
        limits = LIMITS.model_copy(update={"markets": {}})
        world = view(exposures={ETH_ID: exposure("2", sells="5"), SOL_ID: exposure("-100", buys="20", sells="50")})
        manager = RiskManager(limits)  # SOL worst 150 * 150 = 22,500; ETH worst 3 * 2000 = 6,000
        passes(intent(Side.SELL, "0.7500"), world, manager)
        denied(intent(Side.SELL, "0.7501"), world, DenyReason.MAX_GROSS, "30,000.20", "30,000.00", manager=manager)

    def test_an_order_that_adds_nothing_to_the_worst_case_passes_a_full_gross_limit(self):
        manager = RiskManager(LIMITS.model_copy(update={"markets": {}}))
        world = view(exposures={ETH_ID: exposure("3"), SOL_ID: exposure("1000")})
        passes(intent(Side.SELL, "3.0000"), world, manager)
        denied(intent(Side.BUY, "0.0100"), world, DenyReason.MAX_GROSS, manager=manager)

    def test_gross_fails_closed_when_another_market_has_no_mark(self):
        quotes = {ETH_ID: ETH_QUOTE, SOL_ID: replace(SOL_QUOTE, mark=None)}
        world = view(quotes=quotes, exposures={SOL_ID: exposure("1")})
        denied(intent(), world, DenyReason.NO_MARK, "SOL")
        passes(intent(), view(quotes=quotes, exposures={SOL_ID: exposure()}))

    def test_max_open_orders_counts_only_orders_that_may_rest(self):
        passes(intent(), view(open_orders=4))
        denied(intent(), view(open_orders=5), DenyReason.MAX_OPEN_ORDERS, "5 orders", "max_open_orders is 5")
        passes(intent(tif=TimeInForce.IOC), view(open_orders=5))
        passes(intent(type=OrderType.MARKET, tif=TimeInForce.IOC), view(open_orders=5))
