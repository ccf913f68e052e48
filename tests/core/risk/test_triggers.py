from dataclasses import replace
from decimal import Decimal

import pytest

from core.clock import SECOND_NS
from core.limits import BreakerSettings, RiskLimits
from core.risk import Money, Vitals, trips
from core.units import MarketId

CALM = Vitals(money=Money(equity=Decimal(10_000)))
ETH = MarketId(0)
LIMITS = RiskLimits(
    max_daily_loss=500,
    max_drawdown=900,
    max_strategy_fills=5,
    max_clock_skew_ms=1_000,
    breaker=BreakerSettings(
        loss_streak=3,
        reject_percent=50,
        reject_min_orders=4,
        max_strategy_denials=6,
        bad_data_s=10,
        link_lost_s=20,
        mismatch_s=30,
        price_gap_percent=5,
    ),
)
OFF = RiskLimits(
    max_daily_loss=None,
    max_drawdown=None,
    max_strategy_fills=None,
    breaker=BreakerSettings(reject_percent=None, max_strategy_denials=None, mismatch_s=None, price_gap_percent=None),
)
CASES = [
    (
        {"money": Money(day_loss=Decimal(500))},
        {"money": Money(day_loss=Decimal("499.99"))},
        None,
        "max_daily_loss",
        True,
    ),
    ({"money": Money(drawdown=Decimal(900))}, {"money": Money(drawdown=Decimal("899.99"))}, None, "max_drawdown", True),
    ({"losses": {"maker": 3}}, {"losses": {"maker": 2}}, "maker", "loss_streak", True),
    ({"fills": {"maker": 5}}, {"fills": {"maker": 4}}, "maker", "max_strategy_fills", True),
    ({"denials": {"maker": 6}}, {"denials": {"maker": 5}}, "maker", "max_strategy_denials", False),
    ({"sent": 4, "rejected": 2}, {"sent": 3, "rejected": 3}, None, "reject_percent", False),
    ({"sent": 5, "rejected": 3}, {"sent": 5, "rejected": 2}, None, "reject_percent", False),
    ({"bad_data_ns": {ETH: 10 * SECOND_NS}}, {"bad_data_ns": {ETH: 10 * SECOND_NS - 1}}, ETH, "bad_data_s", False),
    ({"lost_links_ns": {"account": 20 * SECOND_NS}}, {"lost_links_ns": {"account": 1}}, None, "link_lost_s", False),
    ({"mismatch_ns": 30 * SECOND_NS}, {"mismatch_ns": 30 * SECOND_NS - 1}, None, "mismatch_s", False),
    ({"gaps": {ETH: Decimal(5)}}, {"gaps": {ETH: Decimal("4.99")}}, ETH, "price_gap_percent", False),
    ({"skew_ms": -1_001}, {"skew_ms": -1_000}, None, "max_clock_skew_ms", False),
]


def test_a_calm_world_trips_nothing():
    assert trips(CALM, LIMITS) == ()


@pytest.mark.parametrize(("bad", "good", "scope", "word", "is_for_humans"), CASES)
def test_each_cause_trips_its_breaker_at_its_threshold_and_not_before(bad, good, scope, word, is_for_humans):
    assert trips(replace(CALM, **good), LIMITS) == ()
    (trip,) = trips(replace(CALM, **bad), LIMITS)
    assert (trip.scope, trip.is_for_humans) == (scope, is_for_humans)
    assert word in trip.reason


@pytest.mark.parametrize("bad", [case[0] for case in CASES if "skew_ms" not in case[0]])
def test_a_threshold_that_is_off_never_trips(bad):
    assert trips(replace(CALM, **bad), OFF) == ()
