"""Privacy, bell and flash, themes, pictures, and a line that does not drain."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from core.events import NoticeLevel
from core.state import Notice
from tests.support.desk import on_screen, shows, text
from tests.support.fake_engine import START_US, FakeEngine
from tests.support.waiting import eventually
from tui.format import HIDDEN, hide
from tui.pump import DeskOptions, Pump
from tui.theme import THEMES, TOKENS


def alerted(engine: FakeEngine) -> None:
    notice = Notice(seq=9, at_us=START_US, level=NoticeLevel.ALERT, source="risk", text="margin is thin")
    engine.publish(notices=(*engine.current.notices, notice))


async def test_privacy_hides_money_positions_and_sizes_and_shows_them_again():
    async with on_screen(FakeEngine()) as pilot:
        await shows(pilot, "100,234.12", "+1.2500", "0.5000", "reconciled: 6 orders")
        await pilot.press("p")
        await shows(pilot, f"equity {HIDDEN} USDC", f"day PnL {HIDDEN} USDC")
        await eventually(lambda: "+1.2500" not in text(pilot.app), "positions to be hidden")
        shown = text(pilot.app)
        assert not any(
            amount in shown for amount in ("100,234.12", "234.12", "-40.000", "0.5000", "81,234", "6 orders")
        )
        await pilot.press("p")
        await shows(pilot, "100,234.12", "+1.2500")


def test_of_a_sentence_only_the_figures_are_hidden():
    assert hide("bought 0.127 SOL at 1,079.19", is_figure=False) == f"bought {HIDDEN} SOL at {HIDDEN}"
    assert hide("0.127", is_figure=True) == HIDDEN


async def test_a_new_alert_rings_once_and_flashes_for_two_seconds():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        rings: list[None] = []
        pilot.app.bell = lambda: rings.append(None)  # type: ignore[method-assign]  # headless has no bell to hear
        alerted(engine)
        await eventually(lambda: rings, "the bell")
        header = pilot.app.screen.query_one("#header")
        await eventually(lambda: header.has_class("-flash"), "the flash")
        engine.clock.advance(seconds=3)
        await eventually(lambda: not header.has_class("-flash"), "the end of the flash")
        assert len(rings) == 1


@pytest.mark.parametrize("is_wanted", [True, False])
def test_bell_and_flash_are_settings(is_wanted: bool):
    engine = FakeEngine()
    pump = Pump(engine, DeskOptions(clock=engine.clock, bell=is_wanted, flash=is_wanted))
    alerted(engine)
    assert pump.view().is_flashing is is_wanted
    assert pump.take_ring() is is_wanted
    assert not pump.take_ring()


@pytest.mark.parametrize("name", THEMES)
async def test_every_theme_is_whole_and_can_be_chosen(name: str):
    theme = THEMES[name]
    assert set(TOKENS) <= set(theme.variables)
    async with on_screen(FakeEngine()) as pilot:
        pilot.app.configure(replace(pilot.app.pump.options, theme=theme.name))
        await eventually(lambda: pilot.app.theme == theme.name, "the theme")
        await shows(pilot, "1 prices")


def test_monochrome_has_no_hue():
    for colour in THEMES["mono"].variables.values():
        digits = colour.removeprefix("#")[:6]
        assert digits[0:2] == digits[2:4] == digits[4:6]


async def test_a_picture_is_saved_where_the_configuration_says(tmp_path: Path):
    async with on_screen(FakeEngine()) as pilot:
        pilot.app.configure(replace(pilot.app.pump.options, pictures=tmp_path))
        await pilot.press("f9")
        await eventually(lambda: list(tmp_path.glob("*.svg")), "the picture")
        assert "ETH" in next(tmp_path.glob("*.svg")).read_text(encoding="utf-8")


async def test_a_line_that_does_not_drain_is_not_painted_on_but_the_newest_state_is_kept():
    engine = FakeEngine()
    pump = Pump(engine, DeskOptions(clock=engine.clock, fps=30))
    unwritten = [100_000]
    pump.watch_terminal(lambda: 0, lambda: unwritten[0])
    painted: list[int] = []
    kept: list[int] = []
    task = asyncio.create_task(
        pump.run(lambda view: painted.append(view.state.seq), lambda v: kept.append(v.state.seq))
    )
    await eventually(lambda: len(kept) > 1, "two views")
    assert painted == []
    unwritten[0] = 0
    await eventually(lambda: painted, "a paint once it drains")
    pump.stop()
    await asyncio.wait_for(task, 5)
