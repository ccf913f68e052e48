"""What belongs to a part, and how it is remembered."""

import pytest

from core.model import EXTERNAL, OPERATOR, Origin, OriginKind
from core.scope import EVERYTHING, Scope, plan_origin, strategy_of
from core.units import MarketId

MAKER = Origin(OriginKind.STRATEGY, "maker")
ONE, TWO = MarketId(1), MarketId(2)


@pytest.mark.parametrize(
    "scope", [EVERYTHING, Scope(market_id=ONE), Scope(strategy="a/b"), Scope(market_id=MarketId(0))]
)
def test_its_key_reads_back(scope: Scope) -> None:
    assert Scope.of_key(scope.key()) == scope


def test_what_it_covers() -> None:
    assert EVERYTHING.covers(ONE, EXTERNAL)
    assert Scope(market_id=ONE).covers(ONE, EXTERNAL)
    assert not Scope(market_id=ONE).covers(TWO, MAKER)
    assert Scope(strategy="maker").covers(TWO, MAKER)
    assert Scope(strategy="maker").covers(TWO, Origin(OriginKind.RECOVERED, "maker"))
    assert not Scope(strategy="maker").covers(TWO, OPERATOR)
    assert not Scope(market_id=ONE, strategy="maker").covers(TWO, MAKER)


def test_the_operator_is_no_strategy_whatever_it_is_called() -> None:
    assert not Scope(strategy="maker").covers(ONE, Origin(OriginKind.OPERATOR, "maker"))


def test_a_plan_belongs_to_the_strategy_that_started_it():
    by = Origin(OriginKind.STRATEGY, "wait for me")
    plan = plan_origin("twap 12", by)
    assert str(plan) == "algorithm twap 12 for wait for me"
    assert strategy_of(plan) == by.name
    assert Scope(strategy=by.name).covers(MarketId(1), plan)
    assert not Scope(strategy="me").covers(MarketId(1), plan)
    assert plan_origin("twap 12", OPERATOR).name == "twap 12"
    assert strategy_of(plan_origin("twap 12", OPERATOR)) == strategy_of(OPERATOR) == ""
