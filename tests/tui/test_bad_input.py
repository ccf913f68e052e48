"""Whatever is typed, pasted or done to the terminal: no traceback, no lost layout, no order."""

import random

import pytest
from rich.cells import cell_len
from textual.events import Key, Paste
from textual.pilot import Pilot

from core.state import ExitReport
from tests.support.desk import SMALL, on_screen, rows, shows, text
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.app import Desk

WAYS = {
    "desk": (),
    "market": ("m",),
    "filter": ("o", "slash"),
    "log filter": ("l", "slash"),
    "ticket": ("n",),
    "size in the ticket": ("n", "tab", "tab", "tab"),
    "limit": ("f4",),
    "trip": ("f6",),
    "part": ("f7",),
    "change": ("4", "f2"),
    "journal": ("ctrl+f",),
    "palette": ("ctrl+p",),
    "help": ("question_mark",),
}
TEXTS = {
    "flood": "x" * 10_000,
    "digits": "9" * 10_000,
    "lines": "buy\nsell\r\n" * 500,
    "control": "".join(map(chr, range(32))) + "\x7f\x9b31m\x1b[2J\x1b]0;title\x07",
    "wide": "漢字仮名交じり文" * 40 + "👩‍👩‍👧🇩🇪" * 20,
    "combining": "e\u0301\u0327" * 300 + "\u200b\u202e\u2066\ufeff" * 50,
    "lone": "\ud800\udfff",
    "markup": "[bold red]x[/][link=http://x]" * 20 + "%s{}{0}",
}
SIZES = [(20, 5), (1, 1), (80, 24), (79, 23), (400, 100), (200, 5), (20, 100), (130, 38)]
UNKNOWN = ("f24", "ctrl+alt+delete", "<ignore>", "shift+insert", "ctrl+@", "super+left", "nonsense", "")


def typed(text: str) -> list[Key]:
    """A key for each character, as a terminal that does not bracket pastes sends it."""
    return [Key(letter, letter) for letter in text if letter.isprintable() and letter not in "eE"]


async def settled(pilot: Pilot[ExitReport | None]) -> Desk:
    """Everything posted so far has been looked at."""
    app = pilot.app
    assert isinstance(app, Desk)
    await pilot.pause()
    await eventually(app._message_queue.empty, "every key to be looked at", 60.0)
    await pilot.pause()
    return app


def assert_whole(app: Desk, engine: FakeEngine, size: tuple[int, int]) -> None:
    screen = rows(app)
    assert len(screen) == size[1]
    assert {cell_len(row) for row in screen} == {size[0]}
    assert not any(letter in row for row in screen for letter in "\x1b\x07\x00\u202e")
    assert engine.commands == []
    assert engine.stops == []
    assert app._exception is None


@pytest.mark.parametrize("way", WAYS)
async def test_any_text_in_any_field_changes_nothing_but_the_field(way: str):
    engine = FakeEngine()
    async with on_screen(engine, SMALL) as pilot:
        await pilot.press(*WAYS[way])
        where = type(pilot.app.screen)
        for name, bad in TEXTS.items():
            pilot.app.post_message(Paste(bad))
            app = await settled(pilot)
            assert type(app.screen) is where, name
            assert_whole(app, engine, SMALL)
        assert not engine.kills
        await pilot.press("f12")
        await eventually(lambda: len(engine.kills) == 1, "the kill")
        await shows(pilot, "KILL REQUESTED")


@pytest.mark.parametrize("way", ["ticket", "filter", "limit", "palette"])
async def test_keys_of_every_script_typed_into_a_field_harm_nothing(way: str):
    engine = FakeEngine()
    async with on_screen(engine, SMALL) as pilot:
        await pilot.press(*WAYS[way])
        for name in ("wide", "combining", "markup"):
            for key in typed(TEXTS[name][:150]):
                pilot.app.post_message(key)
        for name in UNKNOWN:
            pilot.app.post_message(Key(name, None))
        assert_whole(await settled(pilot), engine, SMALL)


async def test_a_storm_of_resizes_with_keys_between_ends_with_every_pane_in_its_place():
    engine = FakeEngine()
    choose = random.Random(7)  # noqa: S311 - the same storm in every run
    async with on_screen(engine, SMALL) as pilot:
        for _ in range(40):
            await pilot.resize_terminal(*choose.choice(SIZES))
            pilot.app.post_message(Key(choose.choice(("m", "d", "h", "tab", "down")), None))
        await pilot.resize_terminal(*SMALL)
        app = await settled(pilot)
        await pilot.press("d")
        await shows(pilot, "1 prices", "2 risk limits", "3 circuit breaker", "4 tasks", "5 order map", "6 log")
        assert_whole(app, engine, SMALL)


@pytest.mark.parametrize("way", WAYS)
async def test_at_20x5_every_window_stays_alive_and_the_kill_works(way: str):
    engine = FakeEngine()
    async with on_screen(engine, SMALL) as pilot:
        await pilot.press(*WAYS[way])
        await pilot.resize_terminal(20, 5)
        app = await settled(pilot)
        assert_whole(app, engine, (20, 5))
        await pilot.press("f12")
        await eventually(lambda: len(engine.kills) == 1, "the kill")
        await pilot.resize_terminal(*SMALL)
        await shows(pilot, "KILL REQUESTED")
        assert "enlarge it" not in text(app)
