"""The mouse: clicks select, choose and press harmless keys of the footer; the wheel moves. No click is dangerous."""

import pytest
from textual.events import MouseScrollDown, MouseScrollUp

from core.commands import CancelOrder
from tests.support.desk import SMALL, on_screen, rows, says, shows
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.keymap import KeyMap
from tui.screens.part import PartModal
from tui.screens.text import HelpModal
from tui.widgets.footer import key_at, laid_out
from tui.widgets.prices import PricesPane
from tui.widgets.tasks import TasksPane


async def test_a_click_selects_the_row_under_it_and_its_pane():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.click(TasksPane, offset=(5, 4))  # border, headings, two rows above
        await eventually(lambda: isinstance(pilot.app.focused, TasksPane), "the focus")
        await pilot.press("c")
        order = engine.current.order_map[2].order
        assert engine.commands == [
            CancelOrder(market_id=order.intent.market_id, client_id=order.client_id, venue_id=order.venue_id)
        ]


async def test_a_click_on_headings_or_below_the_rows_selects_nothing_else():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("4", "down")
        for y in (1, 12):
            await pilot.click(TasksPane, offset=(5, y))
        await pilot.press("c")
        [command] = engine.commands
        assert isinstance(command, CancelOrder)
        assert command.client_id == engine.current.order_map[1].order.client_id


async def test_the_wheel_moves_by_rows():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("1")
        pane = pilot.app.screen.query_one(PricesPane)
        for kind, index in ((MouseScrollDown, 3), (MouseScrollDown, 6), (MouseScrollUp, 3)):
            pane.post_message(kind(pane, 5, 5, 0, 1, 0, False, False, False))
            await eventually(lambda wanted=index: pane._cursor.index == wanted, f"row {index}")


@pytest.mark.parametrize("size", [(200, 50), SMALL], ids=str)
async def test_a_click_on_the_footer_presses_that_key(size: tuple[int, int]):
    async with on_screen(FakeEngine(), size) as pilot:
        await pilot.click("#footer", offset=(rows(pilot.app)[-1].index("? help") + 1, 0))
        await eventually(lambda: isinstance(pilot.app.screen, HelpModal), "the help")


async def test_a_click_on_a_screens_name_shows_it():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.click("#footer", offset=(rows(pilot.app)[-1].index("r risk") + 3, 0))
        await shows(pilot, "every limit")


async def test_no_click_kills_trips_or_quits():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        for word in ("KILL", "breaker", "quit"):
            await pilot.click("#footer", offset=(rows(pilot.app)[-1].index(word), 0))
        await pilot.press("1")
        assert (engine.kills, engine.commands, engine.stops) == ([], [], [])
        assert not pilot.app.screen.is_modal


async def test_a_click_chooses_a_value():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("f7")
        await eventually(lambda: isinstance(pilot.app.screen, PartModal), "the window")
        await pilot.click("#part-do", offset=(9, 0))
        await says(pilot, "flatten ETH: cancels")


def test_every_cell_of_the_footer_belongs_to_the_key_that_is_written_there():
    parts = laid_out(lambda _key: True, 200, KeyMap())
    text = "".join(span.text for spans, _key in parts for span in spans)
    for key in (*KeyMap().footer, *KeyMap().surfaces):
        assert key_at(parts, text.index(f"{key.display} {key.label}")) == key
    assert key_at(parts, 200) is None
