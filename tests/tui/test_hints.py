"""Hints of a first run: one a screen, hidden one by one, and hidden for good."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.state import ExitReport
from tests.support.desk import SMALL, on_screen, rows, shows, text
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.app import Desk
from tui.hints import FILE, Hints, sentence
from tui.keymap import PLAIN, key_map
from tui.keys import SURFACES

SCREENS = tuple(key.name for key in SURFACES)


async def hinting(pilot: Pilot[ExitReport | None], folder: Path) -> Desk:
    """The configuration was read: a folder to remember in."""
    app = pilot.app
    assert isinstance(app, Desk)
    app.configure(replace(app.pump.options, hints=Hints(folder)))
    return app


async def test_a_hint_goes_away_on_its_screen_alone_and_stays_away_in_the_next_run(tmp_path: Path):
    async with on_screen(FakeEngine()) as pilot:
        app = await hinting(pilot, tmp_path / "state")
        await shows(pilot, "ctrl+k stops everything · esc hides it")
        await pilot.press("escape")
        await eventually(lambda: "esc hides it" not in text(app), "the hint to go")
        await pilot.press("h")
        await shows(pilot, "look here when it feels slow")
    async with on_screen(FakeEngine()) as pilot:
        app = await hinting(pilot, tmp_path / "state")
        await pilot.press("h")
        await shows(pilot, "look here when it feels slow")
        await pilot.press("d")
        await shows(pilot, "1 prices")
        assert "esc hides it" not in text(app)


@pytest.mark.parametrize("name", SCREENS)
async def test_at_80x24_every_hint_is_one_line_and_every_pane_keeps_a_row(name: str, tmp_path: Path):
    assert len(sentence(name, PLAIN)) + len(" · esc hides it") < SMALL[0]
    async with on_screen(FakeEngine(), SMALL) as pilot:
        app = await hinting(pilot, tmp_path)
        await app.show_surface(name)
        await shows(pilot, "esc hides it")
        assert "esc hides it" in rows(app)[-2]
        if name == "desk":
            await shows(pilot, "3021.54", "gross USDC", "○ closed", "= both")


async def test_no_hint_before_the_configuration_says_where_to_remember():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("escape")
        await shows(pilot, "1 prices")
        assert "esc hides" not in text(pilot.app)


def test_hints_say_the_keys_in_force():
    assert "alt+o order" in sentence("desk", key_map({"ticket": ["alt+o"]}))


def test_every_screen_has_a_hint(tmp_path: Path):
    assert Hints(tmp_path).wanted == frozenset(SCREENS)


def test_a_folder_that_cannot_be_written_hides_them_for_this_run_alone(tmp_path: Path):
    blocked = tmp_path / "a file"
    blocked.write_text("", encoding="utf-8")
    hints = Hints(blocked)
    hints.hide({"desk"})
    assert "desk" not in hints.wanted
    assert "desk" in Hints(blocked).wanted


def test_a_file_that_is_no_text_hides_nothing(tmp_path: Path):
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    assert Hints(tmp_path).wanted == frozenset(SCREENS)


async def test_a_kill_takes_the_room_of_the_hint(tmp_path: Path):
    engine = FakeEngine()
    async with on_screen(engine, SMALL) as pilot:
        app = await hinting(pilot, tmp_path)
        await shows(pilot, "esc hides it")
        await pilot.press("f12")
        await shows(pilot, "KILL REQUESTED")
        await eventually(lambda: "esc hides it" not in text(app), "the hint to give way")
