"""Changes of limits: understood, valid as a whole, and loosened only where that is allowed."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import Instant
from core.commands import SetLimit
from core.limit_changes import (
    LOOSER_WHEN_LARGER,
    LOOSER_WHEN_SMALLER,
    amended,
    held_by,
    judged,
    market_names,
    names,
    path_of,
    preview,
    raises,
    shown,
    unknown_markets,
)
from core.limits import MarketLimits, RiskLimits
from core.scope import Scope
from core.state import BreakerStatus, EnginePhase, EngineState, KillPhase, KillStatus, LimitsInForce, LimitUse
from core.units import MarketId

LIMITS = RiskLimits(markets={"ETH": MarketLimits(max_order_notional=Decimal(5_000))})
RULES = LimitsInForce(limits=LIMITS)
KILLED = KillStatus(phase=KillPhase.CONFIRMED, by="the key")


def change(name: str, value: str, market: str = "", reason: str = "more room") -> SetLimit:
    return SetLimit(name=name, value=value, market=market, by="test", reason=reason)


def test_every_limit_is_shown_as_text_that_sets_it_again() -> None:
    for name in names():
        after = amended(LIMITS, name, shown(LIMITS, name))
        assert after == LIMITS, name
    for name in market_names():
        assert amended(LIMITS, name, shown(LIMITS, path_of(name, "ETH")), "ETH") == LIMITS


def test_every_limit_has_a_direction_or_counts_as_raised_by_any_change() -> None:
    directed = LOOSER_WHEN_LARGER | LOOSER_WHEN_SMALLER
    assert {*names(), *market_names()} - directed == {
        "day_starts_at_minute", "self_trade", "allowed_markets", "restricted_markets", "breaker_trips_to",
        "breaker.reject_window_s",
    }  # fmt: skip
    assert directed <= {*names(), *market_names()}


@pytest.mark.parametrize(
    ("name", "tight", "loose", "market"),
    [
        ("max_order_notional", "100", "200", ""),
        ("max_daily_loss", "100", "off", ""),
        ("max_order_notional", "4000", "6000", "ETH"),
        ("max_order_notional", "5000", "off", "ETH"),
        ("max_order_size", "1", "off", "SOL"),
        ("message_reserve", "50", "10", ""),
        ("duplicate_window_ms", "500", "0", ""),
        ("breaker.rearm_after_s", "off", "60", ""),
        ("breaker.loss_streak", "3", "off", ""),
        ("self_trade", "deny", "venue", ""),
        ("breaker_trips_to", "halted", "reducing", ""),
        ("allowed_markets", "ETH", "ETH,BTC", ""),
        ("allowed_markets", "ETH", "off", ""),
        ("restricted_markets", "ETH,BTC", "ETH", ""),
    ],
)
def test_a_loosened_limit_is_a_raise_and_the_way_back_is_not(name: str, tight: str, loose: str, market: str) -> None:
    first, second = amended(LIMITS, name, tight, market), amended(LIMITS, name, loose, market)
    assert isinstance(first, RiskLimits)
    assert isinstance(second, RiskLimits)
    assert raises(first, second) == (path_of(name, market),)
    assert raises(second, first) == ()


def test_what_nobody_can_tell_counts_as_raised_both_ways() -> None:
    other = amended(LIMITS, "day_starts_at_minute", "60")
    assert isinstance(other, RiskLimits)
    assert raises(LIMITS, other) == raises(other, LIMITS) == ("day_starts_at_minute",)


def test_a_market_that_leaves_its_own_tighter_limit_is_a_raise() -> None:
    assert raises(LIMITS, RiskLimits()) == ("markets.ETH.max_order_notional",)
    assert raises(RiskLimits(), LIMITS) == ()


@pytest.mark.parametrize(
    ("name", "value", "market", "said"),
    [
        ("max_order", "5", "", "expected one of max_order_notional"),
        ("breaker.loss_streak", "5", "ETH", "expected one of max_order_size"),
        ("max_order_notional", "-5", "", "max_order_notional: expected a value greater than 0"),
        ("max_order_notional", "NaN", "", "max_order_notional: expected a"),
        ("max_order_notional", "1e30", "", "less than or equal to"),
        ("max_order_notional", "many", "", "max_order_notional: "),
        ("max_order_notional", "off", "", "max_order_notional: "),
        ("max_order_notional", "60000", "", "max_order_notional <= max_position_notional"),
        ("max_order_size", "1", "eth!", "markets.eth!"),
        ("breaker_trips_to", "active", "", "expected 'reducing' or 'halted'"),
        ("max_open_orders", "1501", "", "less than or equal to 1500"),
    ],
)
def test_nonsense_is_answered_with_the_field_and_the_range(name: str, value: str, market: str, said: str) -> None:
    after = amended(LIMITS, name, value, market)
    assert isinstance(after, str)
    assert said in after
    verdict = judged(change(name, value, market), RULES, (), "")
    assert verdict.refusal == after
    assert verdict.limits is None


@given(
    st.sampled_from([*names(), *market_names()]),
    st.text(max_size=20) | st.decimals().map(str),
    st.sampled_from(["", "ETH"]),
)
def test_whatever_is_typed_gives_whole_limits_or_one_sentence(name: str, text: str, market: str) -> None:
    after = amended(LIMITS, name, text, market)
    if isinstance(after, RiskLimits):
        assert RiskLimits.model_validate(after.model_dump()) == after
    else:
        assert after
        assert "\n" not in after.strip("\n")


class TestJudged:
    def test_no_raise_while_anything_is_killed_or_tripped(self) -> None:
        part = KillStatus(scope=Scope(market_id=MarketId(1)), phase=KillPhase.SENT, by="the key")
        breaker = BreakerStatus(market_id=None, strategy="maker", is_tripped=True, by="engine", reason="lost")
        for held in (
            held_by(KILLED, (), ()),
            held_by(KillStatus(), (part,), ()),
            held_by(KillStatus(), (), (breaker,)),
        ):
            assert held
            assert held in judged(change("max_daily_loss", "6000"), RULES, (), held).refusal
            assert not judged(change("max_daily_loss", "4000"), RULES, (), held).refusal
        assert held_by(KillStatus(), (), (BreakerStatus(market_id=None),)) == ""

    def test_a_raise_needs_a_reason_and_a_tighter_limit_none(self) -> None:
        raised = judged(change("max_daily_loss", "6000", reason=" "), RULES, (), "")
        assert raised.is_raise
        assert "expected a reason" in raised.refusal
        assert not judged(change("max_daily_loss", "4000", reason=""), RULES, (), "").refusal

    def test_a_limit_below_present_use_may_be_and_says_so(self) -> None:
        use = LimitUse(
            name="max_position_notional", scope="ETH", used=Decimal(4_000), limit=Decimal(50_000), unit="USDC"
        )
        own = judged(change("max_position_notional", "3999", "ETH"), RULES, (use,), "")
        assert "max_order_notional" in own.refusal  # 5,000 an order would not fit into 3,999
        rules = replace(RULES, limits=RiskLimits())
        below = judged(change("max_position_notional", "3999", "ETH"), rules, (use,), "")
        assert below.refusal == ""
        assert "4,000 USDC in use (ETH)" in below.remark
        assert judged(change("max_position_notional", "4000", "ETH"), rules, (use,), "").remark == ""

    def test_the_same_again_is_refused_as_no_change(self) -> None:
        assert judged(change("max_daily_loss", "5000.0"), RULES, (), "").refusal == "max_daily_loss is 5000 already"

    def test_a_preview_of_a_state_is_the_same_verdict(self) -> None:
        state = EngineState(seq=1, published=Instant(0, 0), phase=EnginePhase.RUNNING)
        assert "starting" in preview(change("max_daily_loss", "1"), state).refusal
        state = replace(state, rules=RULES, kill=KILLED)
        assert "a kill by the key" in preview(change("max_daily_loss", "6000"), state).refusal


def test_markets_that_do_not_exist_are_named_with_their_field() -> None:
    limits = RiskLimits(allowed_markets=("ETH", "BTX"), restricted_markets=("SOLL",), markets={"X": MarketLimits()})
    assert unknown_markets(limits, ["ETH", "BTC"]) == ("allowed_markets: BTX", "restricted_markets: SOLL", "markets: X")
