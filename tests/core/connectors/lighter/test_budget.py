"""Budgets: nothing over the limit in any minute, a reserve that orders never touch, pauses that nothing prolongs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SECOND_NS
from core.connectors.lighter.budget import (
    ALLOWANCES,
    MINUTE_NS,
    SEND_PATH,
    Grade,
    Limiter,
    Tier,
    Window,
    tier_named,
    transactions_for,
)

READ = "/api/v1/account"


def _send(limiter: Limiter, grade: Grade, now_ns: int = 0, count: int = 1) -> bool:
    return limiter.transaction(count, grade, now_ns) is None


def _left(limiter: Limiter, name: str, now_ns: int = 0) -> int:
    return next(use.left for use in limiter.uses(now_ns) if use.name == name)


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 20 * SECOND_NS), st.integers(1, 40), st.sampled_from([*Grade][1:])), max_size=80
    )
)
def test_no_minute_holds_more_than_the_limit_and_orders_leave_the_reserve(steps):
    window, now, taken = Window(100), 0, []
    for pause, cost, grade in steps:
        now += pause
        if window.has(cost, grade, now):
            window.take(cost, now)
            taken.append((now, cost, grade))
    for at, _, _ in taken:
        inside = [(cost, grade) for moment, cost, grade in taken if at - MINUTE_NS < moment <= at]
        assert sum(cost for cost, _ in inside) <= 100
        assert sum(cost for cost, grade in inside if grade >= Grade.ORDINARY) <= 80
        assert sum(cost for cost, grade in inside if grade is Grade.CHORE) <= 50


def test_orders_stop_at_the_reserve_cancels_use_it_up_and_a_kill_goes_beyond():
    limiter = Limiter(Tier.STANDARD)
    assert sum(_send(limiter, Grade.ORDINARY) for _ in range(100)) == 48
    assert sum(_send(limiter, Grade.URGENT) for _ in range(100)) == 12
    assert _send(limiter, Grade.KILL)
    assert limiter.transaction(1, Grade.ORDINARY, 0) == (
        "the budget of requests is spent: 0 of 60 a minute left, 12 of them for cancels"
    )
    assert not _send(limiter, Grade.ORDINARY, MINUTE_NS - 1)
    assert _send(limiter, Grade.ORDINARY, MINUTE_NS), "a minute later it is there again"


def test_chores_leave_half_to_everybody_else():
    limiter = Limiter(Tier.PREMIUM)
    assert sum(limiter.request(READ, Grade.CHORE, 0) is None for _ in range(100)) == 40
    assert limiter.request(READ, Grade.ORDINARY, 0) is None


def test_requests_weigh_as_documented_on_weighted_tiers_and_one_on_the_standard_tier():
    weighted, plain = Limiter(Tier.PREMIUM), Limiter(Tier.STANDARD)
    for path, weight in ((READ, 300), ("/api/v1/trades", 600), ("/api/v1/nextNonce", 6), ("/api/v1/apikeys", 150)):
        before, counted = _left(weighted, "requests"), _left(plain, "requests")
        weighted.request(path, Grade.ORDINARY, 0)
        plain.request(path, Grade.ORDINARY, 0)
        assert (before - _left(weighted, "requests"), counted - _left(plain, "requests")) == (weight, 1), path
    assert _send(weighted, Grade.ORDINARY, count=10)
    assert _left(weighted, "transactions") == 3_990
    assert _send(plain, Grade.ORDINARY, count=10)
    assert _left(plain, "requests") == 46, "on the standard tier transactions are requests"


def test_adopting_a_tier_keeps_what_was_spent():
    limiter = Limiter()
    for _ in range(40):
        _send(limiter, Grade.ORDINARY)
    limiter.adopt(Tier.PREMIUM)
    assert _left(limiter, "transactions") == 3_960
    limiter.adopt(Tier.STANDARD)
    assert _left(limiter, "transactions") == 20


def test_a_firewalls_pause_is_a_minute_and_an_apis_the_requests_share_of_it():
    premium, standard = Limiter(Tier.PREMIUM), Limiter(Tier.STANDARD)
    premium.throttled(is_firewall=True, path=READ, now_ns=0)
    assert premium.cooling_s(0) == 60
    for limiter, path, seconds in ((standard, SEND_PATH, 1), (Limiter(Tier.PREMIUM), "/api/v1/changeAccountTier", 8)):
        limiter.throttled(is_firewall=False, path=path, now_ns=0)
        assert limiter.cooling_s(0) == seconds
    assert standard.request(READ, Grade.ORDINARY, SECOND_NS) is None


def test_in_a_pause_nothing_goes_out_but_one_kill():
    limiter = Limiter(Tier.PREMIUM)
    limiter.throttled(is_firewall=True, path=SEND_PATH, now_ns=0)
    for grade in (Grade.CHORE, Grade.ORDINARY, Grade.URGENT):
        assert limiter.request(READ, grade, 1) == "the venue throttles this address; silent for 60 s more"
        assert not _send(limiter, grade, 1)
    assert _send(limiter, Grade.KILL, 1)
    limiter.throttled(is_firewall=True, path=SEND_PATH, now_ns=2)
    assert not _send(limiter, Grade.KILL, 3), "a second one would only prolong it"
    assert limiter.cooling_s(SECOND_NS) == 60, "measured from the last answer, never added up"
    assert _send(limiter, Grade.ORDINARY, 61 * SECOND_NS)
    limiter.throttled(is_firewall=False, path=SEND_PATH, now_ns=62 * SECOND_NS)
    assert _send(limiter, Grade.KILL, 62 * SECOND_NS + 1), "a new pause, a new kill"


def test_a_shorter_pause_does_not_end_a_longer_one():
    limiter = Limiter(Tier.PREMIUM)
    limiter.throttled(is_firewall=True, path=SEND_PATH, now_ns=0)
    limiter.throttled(is_firewall=False, path=SEND_PATH, now_ns=1)
    assert limiter.cooling_s(1) == 60


def test_the_volume_quota_keeps_some_for_the_kill_switch_and_uses_the_free_ones():
    limiter = Limiter(Tier.PREMIUM)
    limiter.learned_quota(None)
    assert "volume quota" not in {use.name for use in limiter.uses(0)}
    limiter.learned_quota(21)
    assert _send(limiter, Grade.ORDINARY)
    limiter.learned_quota(20)
    assert limiter.transaction(1, Grade.ORDINARY, 1) == (
        "20 of the volume quota left, and 20 are kept for the kill switch"
    )
    assert _send(limiter, Grade.URGENT, 1)
    assert _send(limiter, Grade.KILL, 1)
    assert _send(limiter, Grade.ORDINARY, 16 * SECOND_NS), "one in fifteen seconds is free"
    assert not _send(limiter, Grade.ORDINARY, 17 * SECOND_NS)
    assert _left(limiter, "volume quota") == 20


@pytest.mark.parametrize(
    ("word", "tier"),
    [("standard", Tier.STANDARD), ("Premium", Tier.PREMIUM), ("Premium 1", Tier.PREMIUM), ("plus", Tier.PLUS),
     ("builder", Tier.BUILDER), ("", None), ("gold", None)],
)  # fmt: skip
def test_a_tier_is_read_from_the_venues_word(word, tier):
    assert tier_named(word) is tier


def test_every_tier_has_an_allowance():
    assert set(ALLOWANCES) == set(Tier)


@pytest.mark.parametrize(
    ("staked", "most"),
    [("0", 4_000), ("999.99", 4_000), ("1000", 5_000), ("99999", 8_000), ("100000", 12_000), ("9e9", 48_000)],
)
def test_a_stake_counts_from_its_threshold_on_and_on_premium_alone(staked, most):
    assert transactions_for(Tier.PREMIUM, Decimal(staked)) == most
    assert transactions_for(Tier.PLUS, Decimal(staked)) == 4_000
    assert transactions_for(Tier.STANDARD, Decimal(staked)) is None
