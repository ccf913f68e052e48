"""Making any one limit of all of them tighter never lets an order pass that was denied before."""

from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from core.clock import MILLISECOND_NS
from core.decisions import Approved, Denied
from core.limits import MarketLimits, RiskLimits, SelfTrade
from core.model import Origin, OriginKind, Side
from core.risk import Conduct, Money, RiskManager, Totals
from tests.support.risk_world import ETH_ID, ETH_QUOTE, exposure, intent, view

M = TypeVar("M", RiskLimits, MarketLimits)
MAKER = Origin(OriginKind.STRATEGY, "maker")

LOOSE = RiskLimits(
    max_order_notional=10**9,
    max_position_notional=10**9,
    max_gross_notional=10**9,
    max_open_notional=10**9,
    max_open_orders=1_500,
    max_daily_loss=10**9,
    max_drawdown=10**9,
    max_capital=10**9,
    max_messages=100_000,
    message_reserve=0,
    max_clock_skew_ms=300_000,
    max_mark_deviation_percent=100,
    max_touch_deviation_percent=100,
    max_resting_percent=100,
    max_walk_percent=100,
    max_mark_gap_percent=100,
    max_margin_usage_percent=100,
    duplicate_window_ms=0,
    max_strategy_messages=100_000,
    max_strategy_fills=100_000,
    self_trade=SelfTrade.VENUE,
)
numbers = st.integers(1, 10**5)
percents = st.integers(1, 100)
counts = st.integers(1, 100)
BY_AMOUNT = {
    **dict.fromkeys(
        ["max_order_notional", "max_position_notional", "max_gross_notional", "max_open_notional"], numbers
    ),
    **dict.fromkeys(["max_daily_loss", "max_drawdown", "max_capital"], numbers),
    **dict.fromkeys(["max_mark_deviation_percent", "max_touch_deviation_percent", "max_resting_percent"], percents),
    **dict.fromkeys(["max_walk_percent", "max_mark_gap_percent", "max_margin_usage_percent"], percents),
    **dict.fromkeys(["max_open_orders", "max_messages", "max_strategy_messages", "max_strategy_fills"], counts),
    "max_clock_skew_ms": st.integers(100, 10_000),
    "max_book_age_ms": st.integers(250, 5_000),
}
"""Tighter when smaller; one that is off is tighter with any."""
BY_RESERVE = {"message_reserve": st.integers(99_900, 99_999), "duplicate_window_ms": st.integers(0, 2_000)}
"""Tighter when larger."""
BY_CHOICE = {
    "self_trade": st.just(SelfTrade.DENY),
    "allowed_markets": st.sampled_from([("SOL",), ("ETH", "SOL"), ("ETH",)]),
    "restricted_markets": st.sampled_from([("SOL",), ("ETH",)]),
}
"""Each value is at least as tight as the loosest."""
OF_THE_MARKET = {
    **dict.fromkeys(["max_order_size", "max_position_size"], st.integers(1, 30)),
    **dict.fromkeys(["max_order_notional", "max_position_notional", "max_open_notional"], numbers),
    **dict.fromkeys(["max_mark_deviation_percent", "max_touch_deviation_percent"], percents),
    "max_open_orders": counts,
}
NO_LIMITS = {"walk_window_s", "message_window_s", "strategy_fills_window_s", "day_starts_at_minute"}
"""How the past is counted, which whoever builds the view does."""
STANDING = {"breaker_trips_to", "breaker"}
"""Of the breakers, whose state is part of the view."""
TIGHTENED = st.one_of(
    *(st.tuples(st.just(name), values) for name, values in {**BY_AMOUNT, **BY_RESERVE, **BY_CHOICE}.items()),
    *(st.tuples(st.just(f"ETH.{name}"), values) for name, values in OF_THE_MARKET.items()),
)


def tightened(limits: RiskLimits, name: str, value: object) -> RiskLimits:
    """The same with one limit at least as tight as before."""
    if name.startswith("ETH."):
        own = limits.markets.get("ETH", MarketLimits())
        return limits.model_copy(update={"markets": {"ETH": with_less(own, name.removeprefix("ETH."), value, limits)}})
    if name in BY_CHOICE:
        return limits if getattr(limits, name) != getattr(LOOSE, name) else limits.model_copy(update={name: value})
    if name in BY_RESERVE:
        return limits.model_copy(update={name: max(value, getattr(limits, name))})
    return with_less(limits, name, value, limits)


def with_less(model: M, name: str, value: int, whole: RiskLimits) -> M:
    """One number made smaller; a market's own stands in place of the one for all, so it is held against that."""
    before = getattr(model, name)
    before = getattr(whole, name, None) if before is None else before
    return model.model_copy(update={name: Decimal(value) if before is None else min(Decimal(value), Decimal(before))})


WORLDS = st.builds(
    lambda position, gross, loss, count, skew, low, asks, mark: view(
        exposures={
            ETH_ID: structs.replace(exposure(str(position)), own_ask=Decimal(asks) if asks else None, open_orders=count)
        },
        totals=Totals(gross=Decimal(gross), margin=Decimal(gross) / 10, open_notional=Decimal(gross)),
        money=Money(equity=Decimal(50_000), day_loss=Decimal(loss), drawdown=Decimal(loss)),
        quotes={ETH_ID: replace(ETH_QUOTE, received_ns=1, mark=Decimal(mark))},
        conduct=Conduct(
            messages=count,
            by_strategy={MAKER.name: count},
            fills={MAKER.name: count},
            marks={ETH_ID: (Decimal(low), Decimal(2_500))},
            recent={ETH_ID: ((intent(), MAKER, 0),)},
        ),
        skew_ms=skew,
        open_orders=count,
        now_ns=count * 50 * MILLISECOND_NS,
    ),
    st.integers(-20, 20),
    numbers,
    numbers,
    st.integers(0, 100),
    st.integers(-10_000, 10_000),
    st.integers(1_500, 2_000),
    st.sampled_from([0, 1_990, 2_010]),
    st.integers(1_950, 2_050),
)
ORDERS = st.builds(
    lambda side, size, price: intent(side, f"{size}.0000", f"{price}.00"),
    st.sampled_from(Side),
    st.integers(1, 20),
    st.integers(1_000, 3_000) | st.just(2_000),
)


@given(ORDERS, WORLDS, st.lists(TIGHTENED, max_size=3), TIGHTENED)
def test_tightening_any_one_limit_never_turns_a_denial_into_an_approval(order, world, before, more):
    limits = LOOSE
    for name, value in before:
        limits = tightened(limits, name, value)
    if isinstance(RiskManager(limits).check(order, world, MAKER), Denied):
        assert isinstance(RiskManager(tightened(limits, *more)).check(order, world, MAKER), Denied)


@pytest.mark.parametrize("name", [*BY_AMOUNT, *BY_RESERVE, *BY_CHOICE, *(f"ETH.{name}" for name in OF_THE_MARKET)])
def test_each_of_these_limits_denies_alone_what_passes_without_it(name):
    """Otherwise the property above would say nothing of it."""

    @settings(max_examples=400, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(ORDERS, WORLDS, st.data())
    def search(order, world, data):
        passes = isinstance(RiskManager(LOOSE).check(order, world, MAKER), Approved)
        values = {**BY_AMOUNT, **BY_RESERVE, **BY_CHOICE, **{f"ETH.{one}": of for one, of in OF_THE_MARKET.items()}}
        tight = tightened(LOOSE, name, data.draw(values[name]))
        if passes and isinstance(RiskManager(tight).check(order, world, MAKER), Denied):
            raise Found

    with pytest.raises(Found):
        search()


class Found(Exception):
    """A limit that denies."""


def test_every_limit_there_is_can_be_tightened_here():
    assert {*RiskLimits.model_fields} == {*BY_AMOUNT, *BY_RESERVE, *BY_CHOICE, *NO_LIMITS, *STANDING, "markets"}
    assert {*MarketLimits.model_fields} == {*OF_THE_MARKET}
