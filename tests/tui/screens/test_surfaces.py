"""Every screen beside the desk: reached by one key, true at once, painted only while it is in sight."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import SetStrategy
from core.events import NoticeLevel
from core.model import Fill, Liquidity, OrderStatus, OrderTask, Priority, Side
from core.state import BudgetUse, EngineState, Notice, StrategyStatus
from core.units import TaskId, TradeId, VenueOrderId
from tests.support.desk import LARGE, SMALL, on_screen, shows, text
from tests.support.fake_engine import MAKER, START_US, FakeEngine, an_entry, some_markets
from tests.support.waiting import eventually
from tui.keys import SURFACES

MARKETS = some_markets()


def a_closed(number: int, status: OrderStatus, reason: str) -> OrderTask:
    order = replace(an_entry(number, MARKETS[0]).order, status=status, reason=reason, updated_us=START_US)
    return OrderTask(id=TaskId(number), origin=MAKER, priority=Priority.STRATEGY, order=order)


def a_fill(number: int, price: str) -> Fill:
    return Fill(
        trade_id=TradeId(number),
        market_id=MARKETS[0].id,
        side=Side.SELL,
        size=Decimal("0.25"),
        price=Decimal(price),
        fee=Decimal("0.1"),
        liquidity=Liquidity.TAKER,
        venue_order_id=VenueOrderId(1),
        client_order_id=None,
        time_us=START_US,
    )


def a_notice(seq: int, level: NoticeLevel, words: str) -> Notice:
    return Notice(seq=seq, at_us=START_US, level=level, source="engine", text=words)


def a_busy_engine() -> FakeEngine:
    engine = FakeEngine()
    engine.publish(
        recent=(
            a_closed(41, OrderStatus.DENIED, "max order notional: 75,000 USDC is more than 25,000 USDC"),
            a_closed(42, OrderStatus.FILLED, ""),
        ),
        fills=(a_fill(9_002, "3021.55"), a_fill(9_001, "999.10")),
        budgets=(BudgetUse(name="transactions", left=150, limit=200, reserve=40, unit="transactions"),),
        strategies=(
            StrategyStatus(name="maker", is_running=True, markets=("ETH",)),
            StrategyStatus(name="taker", is_running=False, markets=("BTC",), fault="raised ValueError"),
        ),
    )
    return engine


SHOWN = {
    "o": ("tasks", "order map", "⊘ denied", "max order notional", "3021.55", "taker"),
    "r": ("max_gross".replace("max_", ""), "positions", "equity USDC", "100,234.12", "dead-man switch", "not armed"),
    "t": ("maker", "▶ running", "taker", "■ FAILED", "raised ValueError"),
    "e": ("alerts and warnings", "1 order is venue only", "● new"),
    "l": ("reconciled: 6 orders", "1 order is venue only"),
    "h": ("market data", "● live", "transactions", "150", "newest state", "kill: sent"),
}


@pytest.mark.parametrize("key", SHOWN)
async def test_one_key_shows_each_screen_with_what_is_true_now(key: str):
    async with on_screen(a_busy_engine(), LARGE) as pilot:
        await pilot.press(key)
        await shows(pilot, *SHOWN[key])
        await pilot.press("d")
        await shows(pilot, "1 prices", "4 tasks")


@pytest.mark.parametrize("key", SHOWN)
async def test_each_screen_stands_at_80x24_and_speaks_when_there_is_no_room(key: str):
    async with on_screen(a_busy_engine(), SMALL) as pilot:
        await pilot.press(key)
        await shows(pilot, SHOWN[key][0])
        await pilot.resize_terminal(20, 5)
        await shows(pilot, "expected at le")
        await pilot.resize_terminal(400, 100)
        await shows(pilot, *SHOWN[key])


async def test_the_palette_names_every_screen_that_has_a_key():
    async with on_screen(a_busy_engine()) as pilot:
        named = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert {key.label for key in SURFACES} <= named


async def test_only_the_screen_in_sight_is_painted():
    engine = a_busy_engine()
    async with on_screen(engine) as pilot:
        desk = pilot.app.desk
        await pilot.press("h")
        await shows(pilot, "venue budgets")
        before = desk._prices.items
        engine.publish(quotes=tuple(replace(quote, bid=Decimal(1)) for quote in engine.current.quotes))
        seen: list[EngineState] = []
        await eventually(lambda: seen.append(pilot.app.view.state) or seen[-1] is engine.current, "the next paint")
        assert desk._prices.items == before
        await pilot.press("d")
        await eventually(lambda: desk._prices.items[0].bid == Decimal(1), "the desk to show the newest view")


async def test_words_filter_every_table_and_escape_shows_all_again():
    async with on_screen(a_busy_engine()) as pilot:
        await pilot.press("o", "slash", *"denied")
        await shows(pilot, "1 of 2", "no row holds these words")
        assert "✓ filled" not in text(pilot.app)
        await pilot.press("escape")
        await shows(pilot, "✓ filled")


async def test_z_sorts_figures_by_value_and_says_which_column():
    async with on_screen(a_busy_engine()) as pilot:
        await pilot.press("o", "4", *"zzzzzzzzz")
        await shows(pilot, "▲PRICE")
        shown = text(pilot.app)
        assert shown.index("999.10") < shown.rindex("3021.55")
        await pilot.press("z")
        await shows(pilot, "▼PRICE")
        shown = text(pilot.app).partition("▼PRICE")[2]
        assert shown.index("3021.55") < shown.index("999.10")


async def test_a_new_alert_stands_in_the_header_until_it_is_acknowledged():
    engine = a_busy_engine()
    async with on_screen(engine) as pilot:
        assert "NEW (e)" not in text(pilot.app)
        notices = (*engine.current.notices, a_notice(3, NoticeLevel.ALERT, "margin is thin"))
        engine.publish(notices=notices)
        await shows(pilot, "■ 1 NEW (e)")
        await pilot.press("e")
        await shows(pilot, "margin is thin", "1 not acknowledged")
        await pilot.press("y")
        await shows(pilot, "all acknowledged", "✓ seen")
        await eventually(lambda: "NEW (e)" not in text(pilot.app), "the header to forget it")


async def test_v_shows_the_log_by_level():
    async with on_screen(a_busy_engine()) as pilot:
        await pilot.press("l", "v")
        await shows(pilot, "warnings and alerts only", "1 order is venue only")
        assert "reconciled: 6 orders" not in text(pilot.app)
        await pilot.press("v")
        await shows(pilot, "nothing of this level")
        await pilot.press("v")
        await shows(pilot, "reconciled: 6 orders")


async def test_the_selected_strategy_is_the_one_that_starts():
    engine = a_busy_engine()
    async with on_screen(engine) as pilot:
        await pilot.press("t")
        await shows(pilot, "taker")
        await pilot.press("down", "down", "s")
        assert engine.commands == [SetStrategy(name="taker", running=True, by="operator")]
