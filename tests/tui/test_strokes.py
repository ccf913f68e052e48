"""A burst of keys means the same as the same keys pressed slowly."""

import pytest
from textual.events import Key, Paste

from core.commands import CancelOrder, SubmitOrder
from core.model import Side, TimeInForce
from tests.support.desk import on_screen
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.screens.ticket import Ticket

CHARACTERS = {"tab": "\t", "enter": "\r", "escape": "\x1b", "down": None}


def burst(pilot, *keys: str) -> None:
    """Post keys without waiting for any."""
    for key in keys:
        name = {".": "full_stop"}.get(key, key)
        pilot.app.post_message(Key(name, CHARACTERS.get(key, key)))


@pytest.mark.parametrize("market", ["ETH", "SOL"])
async def test_a_whole_order_typed_in_one_burst_is_the_order_meant(market: str):
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        burst(pilot, "n", *market, "tab", "s", "tab", "l", "tab", *"12.5", "tab", *"150.75")
        burst(pilot, "tab", "p", "tab", "y", "enter")
        await eventually(lambda: engine.commands, "the order")
        [command] = engine.commands
        assert isinstance(command, SubmitOrder)
        intent = command.intent
        assert engine.current.markets[intent.market_id].symbol == market
        assert (intent.side, str(intent.size), str(intent.price)) == (Side.SELL, "12.5", "150.75")
        assert (intent.tif, intent.reduce_only) == (TimeInForce.POST_ONLY, True)


async def test_keys_after_an_escape_go_to_the_desk_again():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        burst(pilot, "n", *"BTC", "escape", "4", "down", "c")
        await eventually(lambda: engine.commands, "the cancel")
        [command] = engine.commands
        assert isinstance(command, CancelOrder)
        assert command.client_id == engine.current.tasks[1].order.client_id


async def test_a_paste_in_a_burst_goes_where_the_focus_is_then():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        burst(pilot, "n", "tab", "tab", "tab")
        pilot.app.post_message(Paste("7.25\nrm"))
        burst(pilot, "enter")
        await eventually(lambda: engine.commands, "the order")
        [command] = engine.commands
        assert str(command.intent.size) == "7.25"


async def test_a_paste_outside_a_text_field_does_nothing():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        pilot.app.post_message(Paste("ncs"))
        burst(pilot, "n", "tab")
        pilot.app.post_message(Paste("sss"))
        await eventually(lambda: isinstance(pilot.app.screen, Ticket), "the ticket")
        await pilot.pause()
        assert engine.commands == []
