"""Limits changed from the desk: judged while typing, asked once more, and true to the engine's answer."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import ResetLimits, SetLimit
from core.limits import MarketLimits, RiskLimits
from core.state import BreakerStatus, LimitOverride, LimitsInForce, LimitUse
from tests.support.desk import SMALL, on_screen, says, shows, text
from tests.support.fake_engine import START_US, FakeEngine
from tests.support.waiting import eventually
from tui.format import HIDDEN
from tui.screens.limit import LimitModal
from tui.screens.risk import RiskScreen
from tui.widgets.rules import RuleName, rule_of, rule_rows


def a_change(name: str, value: str, reason: str = "", market: str = "") -> SetLimit:
    return SetLimit(name=name, value=value, by="operator", reason=reason, market=market)


@pytest.mark.parametrize("size", [(200, 50), SMALL], ids=str)
async def test_a_limit_is_tightened_after_a_second_question(size: tuple[int, int]):
    engine = FakeEngine()
    async with on_screen(engine, size) as pilot:
        await pilot.press("f4")
        await says(pilot, "max_order_notional is 25000 already")
        await pilot.press(*"10000")
        await says(pilot, "enter asks: changes max_order_notional from 25000 to 10000")
        await pilot.press("enter")
        await says(pilot, "Really?")
        await pilot.press("enter")  # one key too many
        await eventually(lambda: isinstance(pilot.app.screen, LimitModal), "the question to close")
        assert engine.commands == []
        await pilot.press("enter", "c", "enter")
        await eventually(lambda: engine.commands, "the engine to be asked")
        assert engine.commands == [a_change("max_order_notional", "10000")]


async def test_a_raise_needs_a_reason_and_none_passes_while_anything_is_tripped():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f4", *"50000")
        await says(pilot, "expected a reason for raising it from 25000 to 50000")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, LimitModal)
        await pilot.press("tab", *"more capital")
        await says(pilot, "enter asks: RAISES max_order_notional from 25000 to 50000")
        engine.publish(breakers=(BreakerStatus(market_id=None, is_tripped=True, reason="daily loss"),))
        await says(pilot, "while a breaker is tripped (daily loss): re-arm first")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, LimitModal)
        assert engine.commands == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-5", "greater than 0"),
        ("nonsense", "a valid decimal"),
        ("60000", "limits contradict each other"),
        ("1e40", "less than or equal"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(typed: str, said: str):
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f4", *typed, "enter", "enter")
        await says(pilot, "⊘", said)
        assert isinstance(pilot.app.screen, LimitModal)
        assert engine.commands == []


async def test_the_engines_answer_is_shown_and_nothing_before_it():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f4", *"10000", "enter", "c", "enter")
        await says(pilot, "asked; the engine has not answered yet")
        refused = LimitsInForce(limits=RiskLimits(), answered=1, answer="not while killed", is_refused=True)
        engine.publish(rules=refused)
        await says(pilot, "⊘ refused: not while killed")
        engine.publish(rules=replace(refused, answer="max_order_notional is 10000", is_refused=False))
        await says(pilot, "✓ done: max_order_notional is 10000")


async def test_what_is_in_use_beyond_the_new_limit_is_said_and_hidden_on_request():
    engine = FakeEngine()
    engine.publish(
        limits=(
            LimitUse(name="max_gross_notional", scope="all", used=Decimal(81_234), limit=Decimal(200_000), unit="USDC"),
        )
    )
    async with on_screen(engine) as pilot:
        await pilot.press("2", "enter", *"60000")
        await says(pilot, "in use: 81,234 USDC (all)", "81,234 USDC in use (all): beyond it only what shrinks passes")
        await pilot.press("escape", "p", "2", "enter", *"60000")
        await says(pilot, f"in use: {HIDDEN} USDC (all)", f"{HIDDEN} USDC in use (all): beyond it")


async def test_arrows_choose_the_limit_and_its_own_value_comes_with_it():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f4", "down")
        await says(pilot, "max_position_notional is 50000 already")
        await pilot.press("up", "up")
        await says(pilot, "is 10 already")


async def test_a_market_gets_a_limit_of_its_own():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f4", "shift+tab", "shift+tab", *"eth")
        await pilot.press("tab", "tab", *"5000", "enter", "c", "enter")
        await eventually(lambda: engine.commands, "the engine to be asked")
        assert engine.commands == [a_change("max_order_notional", "5000", market="ETH")]


async def test_a_limit_goes_back_to_what_the_file_says():
    engine = FakeEngine()
    own = LimitOverride(name="max_order_notional", value="10000", file_value="25000", by="operator", at_us=START_US)
    rules = LimitsInForce(limits=RiskLimits(max_order_notional=Decimal(10_000)), overrides=(own,))
    engine.publish(rules=rules)
    async with on_screen(engine) as pilot:
        await pilot.press("f4", "shift+tab", "b")
        await says(pilot, "expected a reason for raising it from 10000 to 25000")
        await pilot.press("tab", "tab", *"calm", "enter", "c", "enter")
        await eventually(lambda: engine.commands, "the engine to be asked")
        assert engine.commands == [ResetLimits(by="operator", reason="calm", name="max_order_notional")]


async def test_the_risk_screen_lists_every_limit_and_enter_edits_the_selected_one():
    engine = FakeEngine()
    own = LimitOverride(name="max_open_orders", value="60", file_value="100", by="operator", at_us=START_US)
    engine.publish(rules=LimitsInForce(limits=RiskLimits(), overrides=(own,)))
    async with on_screen(engine) as pilot:
        await pilot.press("r", "4")
        await shows(pilot, "4 every limit", "1 set at run time", "operator (file 100)")
        await pilot.press("down", "down", "down", "enter")
        await says(pilot, "max_open_orders is 60 already")


async def test_at_80x24_the_list_gives_way_and_the_window_is_whole():
    async with on_screen(FakeEngine(), SMALL) as pilot:
        await pilot.press("r")
        await eventually(lambda: isinstance(pilot.app.screen, RiskScreen), "the risk screen")
        await pilot.press("4", "f4")
        await shows(pilot, "risk limit", "holds for", "back to the file", "esc closes")
        assert "every limit" not in text(pilot.app)


def test_a_gauge_is_about_the_markets_own_limit_only_where_it_has_one():
    use = LimitUse(name="max_order_notional", scope="ETH", used=Decimal(1), limit=Decimal(2), unit="USDC")
    own = LimitsInForce(limits=RiskLimits(markets={"ETH": MarketLimits(max_order_notional=Decimal(5))}))
    assert rule_of(use, LimitsInForce(limits=RiskLimits())) == RuleName("max_order_notional")
    assert rule_of(use, own) == RuleName("max_order_notional", "ETH")
    size = replace(use, name="max_order_size", scope="BTC")
    assert rule_of(size, own) == RuleName("max_order_size", "BTC")


def test_rows_name_every_limit_and_of_markets_only_what_is_set():
    rules = LimitsInForce(limits=RiskLimits(markets={"ETH": MarketLimits(max_order_notional=Decimal(5))}))
    rows = rule_rows(rules)
    assert [row.value for row in rows if row.rule.market == "ETH"] == ["5"]
    assert {"max_order_notional", "breaker.loss_streak"} <= {row.rule.name for row in rows if not row.rule.market}
    assert rule_rows(None) == []
