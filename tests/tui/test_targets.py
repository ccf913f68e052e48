"""What a wish can be about, by name."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.scope import EVERYTHING, Scope
from core.state import StrategyStatus
from tests.support.fake_engine import a_clock, a_state
from tui.targets import find_target, live_in, not_found, scope_name, targets

STATE = a_state(a_clock())
KNOWN = targets(STATE)


def test_everything_comes_first_then_markets_then_strategies_that_trade():
    names = [target.name for target in KNOWN]
    assert names[:3] == ["all", "ETH", "BTC"]
    assert names[-1] == "maker"
    assert KNOWN[0].scope == EVERYTHING
    assert KNOWN[-1].scope == Scope(strategy="maker")


def test_a_strategy_that_is_called_like_a_market_never_stands_for_it():
    strategies = (StrategyStatus(name="eth", is_running=True, markets=()), *STATE.strategies)
    known = targets(replace(STATE, strategies=strategies))
    market, strategy = find_target("ETH", known), find_target("strategy eth", known)
    assert market is not None
    assert strategy is not None
    assert (market.scope, strategy.scope) == (Scope(market_id=STATE.markets[0].id), Scope(strategy="eth"))


@given(st.text(max_size=50))
def test_only_a_name_in_full_finds_something_and_anything_else_is_answered_in_one_line(text: str):
    found = find_target(text, KNOWN)
    if found is None:
        said = not_found(text, KNOWN)
        assert said.startswith("expected one of all, ETH, BTC")
        assert said.isprintable()
    else:
        assert found.name.casefold() == text.strip().casefold()


def test_names_find_back_what_they_were_made_from():
    assert [find_target(target.name, KNOWN) for target in KNOWN] == list(KNOWN)


def test_scopes_in_words():
    eth = STATE.markets[0].id
    named = [scope_name(scope, STATE) for scope in (EVERYTHING, Scope(market_id=eth), Scope(strategy="maker"))]
    assert named == ["everything", "ETH", "strategy maker"]
    assert scope_name(Scope(market_id=eth, strategy="maker"), STATE) == "strategy maker in ETH"


def test_orders_that_may_be_live_are_counted_by_part():
    assert live_in(EVERYTHING, STATE) == STATE.may_be_live
    assert live_in(Scope(market_id=STATE.markets[2].id), STATE) == 2
    assert live_in(Scope(strategy="nobody"), STATE) == 0
