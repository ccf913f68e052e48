"""The health screen: latencies, budgets, and the desk's own figures, at both sizes."""

from dataclasses import replace

import pytest

from core.state import BudgetUse
from tests.support.desk import LARGE, SMALL, on_screen, shows, text
from tests.support.fake_engine import FakeEngine, a_quote
from tests.support.waiting import eventually

BUDGETS = (
    BudgetUse(name="requests", left=21_400, limit=24_000, reserve=2_400, unit="weight"),
    BudgetUse(name="transactions", left=300, limit=4_000, reserve=400, unit="requests"),
    BudgetUse(name="messages", left=100, limit=200, reserve=20, unit="messages", paused_s=59),
    BudgetUse(name="volume quota", left=9_000, limit=None, reserve=100, unit="transactions"),
)


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=str)
async def test_latencies_budgets_and_readings_are_all_in_sight(size: tuple[int, int]):
    engine = FakeEngine()
    engine.publish(budgets=BUDGETS)
    async with on_screen(engine, size) as pilot:
        await pilot.press("h")
        await shows(pilot, "1 links · 3", "2 venue budgets · 4", "3 latencies · 4", "4 this desk")
        await shows(pilot, "order: submit to sent", "1.8", "6.1", "9.9", "order: sent to ack", "engine loop: lag")
        await shows(pilot, "21,400", "● enough", "▲ reserve only", "■ refused 59s", "volume quota")
        await shows(pilot, "desk loop: lag", "to the terminal", "memory", "MEDIAN ms", "P99 ms", "MOST ms")


async def test_the_journal_s_depth_is_shown_and_followed():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("h")
        await shows(pilot, "journal: waiting")
        row = "journal: waiting                  2"
        await shows(pilot, row)
        engine.publish(journal_depth=41)
        engine.clock.advance(seconds=1)
        engine.publish()
        await shows(pilot, row[:-2] + "41")


async def test_the_age_of_books_is_told_by_market_and_unheard_ones_do_not_count():
    engine = FakeEngine()
    now = engine.clock.advance(seconds=7)
    markets = engine.current.markets
    quotes = tuple(
        replace(a_quote(market), received_ns=0 if index == 0 else now.mono_ns - index * 1_000_000)
        for index, market in enumerate(markets)
    )
    engine.publish(quotes=quotes)
    async with on_screen(engine) as pilot:
        await pilot.press("h")
        await eventually(lambda: "book: age, by market" in text(pilot.app), "the row")
        row = next(line for line in text(pilot.app).splitlines() if "book: age" in line)
        cells = row.split("│")[1].split()
        assert cells[-4:] == ["6.0", "11.0", "11.0", "11"]


async def test_before_anything_is_known_it_says_so():
    engine = FakeEngine()
    engine.publish(timings=(), quotes=(), journal_depth=None, budgets=())
    async with on_screen(engine) as pilot:
        await pilot.press("h")
        await shows(pilot, "nothing was timed yet", "not known yet")
