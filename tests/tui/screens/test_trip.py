"""Breakers of parts tripped and closed by hand, with a reason, and never the one for the other."""

from dataclasses import replace

import pytest

from core.commands import CloseBreaker, TripBreaker
from core.state import BreakerStatus
from tests.support.desk import SMALL, on_screen, says, shows
from tests.support.fake_engine import START_US, FakeEngine
from tests.support.waiting import eventually
from tui.screens.desk import DeskScreen
from tui.screens.trip import TripModal


def tripped(engine: FakeEngine, index: int) -> tuple[BreakerStatus, ...]:
    market_id = engine.current.markets[index].id
    return tuple(
        replace(one, is_tripped=True, by="risk", reason="price gap", at_us=START_US)
        if one.market_id == market_id
        else one
        for one in engine.current.breakers
    )


@pytest.mark.parametrize("size", [(200, 50), SMALL], ids=str)
async def test_the_breaker_of_the_selected_market_is_tripped_with_a_reason(size: tuple[int, int]):
    engine = FakeEngine()
    async with on_screen(engine, size) as pilot:
        await pilot.press("1", "down", "f6")
        await says(pilot, "now closed: orders pass", "type a reason")
        await pilot.press("enter")
        assert engine.commands == []
        await pilot.press(*"odd prints", "enter")
        assert engine.commands == [
            TripBreaker(by="operator", reason="odd prints", market_id=engine.current.markets[1].id)
        ]


async def test_a_strategy_is_tripped_by_name_and_escape_trips_nothing():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f6", *"maker", "escape")
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the window to close")
        await pilot.press("f6", *"maker", "enter", *"floods", "enter")
        assert engine.commands == [TripBreaker(by="operator", reason="floods", strategy="maker")]


async def test_enter_on_a_closed_breaker_asks_to_trip_that_one():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("r", "2", "down", "down", "enter")
        await shows(pilot, "circuit breaker", "BTC")
        await pilot.press("enter", *"news", "enter")
        assert engine.commands == [TripBreaker(by="operator", reason="news", market_id=engine.current.markets[1].id)]


async def test_one_that_trips_by_itself_meanwhile_is_not_closed():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f6", "enter", *"calm")
        await says(pilot, "enter trips ETH")
        engine.publish(breakers=tripped(engine, 0))
        await says(pilot, "now tripped: reducing since 14:13:20 UTC, by risk: price gap", "ETH is tripped already")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, TripModal)
        assert engine.commands == []


async def test_a_tripped_one_is_closed_by_choice_and_with_a_reason():
    engine = FakeEngine()
    engine.publish(breakers=tripped(engine, 2))
    async with on_screen(engine) as pilot:
        await pilot.press("f6", *"sol", "tab", "c", "enter")
        await says(pilot, "type a reason")
        await pilot.press(*"calm again", "enter")
        assert engine.commands == [
            CloseBreaker(by="operator", reason="calm again", market_id=engine.current.markets[2].id)
        ]


async def test_what_is_not_known_is_answered_with_what_was_expected():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f6", *"nope", "enter", "enter")
        await says(pilot, "expected one of all, ETH, BTC", "got 'nope'")
        assert engine.commands == []
