"""The ticket under an operator's hands, and under a paste that is none."""

import pytest
from textual.events import Paste
from textual.widgets import Input

from core.commands import SubmitOrder
from core.model import OrderType, Side, TimeInForce
from tests.support.desk import on_screen, shows
from tests.support.fake_engine import FakeEngine
from tui.screens.desk import DeskScreen
from tui.screens.ticket import Ticket


def field(pilot, name: str) -> Input:
    return pilot.app.screen.query_one(f"#ticket-{name}", Input)


async def test_the_market_is_chosen_by_typing_or_by_arrows():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("n")
        await shows(pilot, "new order")
        assert field(pilot, "market").value == "ETH"
        await pilot.press("down")
        assert field(pilot, "market").value == "BTC"
        assert field(pilot, "price").value == "112345.0"
        await pilot.press("up", "up")
        assert field(pilot, "market").value == "HYPE"
        await pilot.press(*"xrp")
        assert field(pilot, "price").value == "2.843309"
        await shows(pilot, "XRP  bid 2.843309  ask 2.843311")


async def test_a_market_order_offers_the_worst_price_and_places_it():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("n", "tab", "tab", "m")
        await shows(pilot, "the worst you accept", "book live")
        assert field(pilot, "price").value == "3036.66"
        await pilot.press("tab", *"1", "enter")
        [command] = engine.commands
        assert isinstance(command, SubmitOrder)
        assert (command.intent.type, command.intent.tif) == (OrderType.MARKET, TimeInForce.IOC)


async def test_a_typed_price_is_not_replaced_when_the_side_changes():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("n", "tab", "s")
        assert field(pilot, "price").value == "3021.56"
        await pilot.press("tab", "tab", "tab", *"3000", "shift+tab", "shift+tab", "shift+tab", "b")
        assert field(pilot, "price").value == "3000"


async def test_the_flags_reach_the_intent():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("n", "tab", "tab", "tab", *"2", "tab", "tab", "p", "tab", "y", "enter")
        [command] = engine.commands
        assert isinstance(command, SubmitOrder)
        intent = command.intent
        assert (intent.side, intent.tif, intent.reduce_only) == (Side.BUY, TimeInForce.POST_ONLY, True)


@pytest.mark.parametrize(
    "text", ["9" * 10_000, "\x1b[31m\x0b\x07", "价格１２", "1\n2\n3", "rm -rf /\r", "\x00", "1e999999", "-5"]
)
async def test_any_paste_into_any_field_is_harmless(text: str):
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("n")
        for _field in range(7):
            pilot.app.post_message(Paste(text))
            await pilot.press("tab")
        assert isinstance(pilot.app.screen, Ticket)
        assert engine.commands == []
        assert engine.kills == []
        for name in ("market", "size", "price"):
            assert len(field(pilot, name).value) <= 32


async def test_an_off_tick_price_is_refused_in_words_and_never_previewed():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("n", "tab", "tab", "tab", *"1", "tab", *"3000.005")
        await shows(pilot, "price: ETH moves in steps of 0.01, got 3000.005")
        before = len(engine.previewed)
        await pilot.press("enter")
        assert len(engine.previewed) == before
        assert engine.commands == []


async def test_escape_places_nothing():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("n", "tab", "tab", "tab", *"1", "escape")
        assert isinstance(pilot.app.screen, DeskScreen)
        assert engine.commands == []


async def test_the_ticket_opens_without_a_single_price():
    engine = FakeEngine()
    engine.publish(quotes=())
    async with on_screen(engine) as pilot:
        await pilot.press("n")
        await shows(pilot, "no price yet", "nothing was typed")


@pytest.mark.parametrize("typed", ["1,5", "1e3", "1e-2", "0x10", "-5", "1_0"])
async def test_nothing_that_is_typed_is_dropped_to_make_another_number(typed: str):
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("n", "tab", "tab", "tab")
        for letter in typed:
            await pilot.press({",": "comma", "-": "minus", "_": "underscore"}.get(letter, letter))
        await shows(pilot, "size: expected a number", typed)
        await pilot.press("enter")
        assert engine.commands == []


async def test_two_quick_presses_open_one_ticket():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("enter", "enter", "enter")
        assert isinstance(pilot.app.screen, Ticket)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, DeskScreen)


async def test_an_order_that_crosses_says_that_it_fills_at_once():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("n", "tab", "tab", "tab", *"0.5", "tab", *(["backspace"] * 12), *"9000")
        await shows(pilot, "▲ crosses", "the book, fills at once")
