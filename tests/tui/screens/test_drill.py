"""The kill rehearsed from the desk: a real process, followed line by line, and ended with its window."""

import sys
from dataclasses import replace
from pathlib import Path

from tests.support.desk import SMALL, on_screen, says
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.screens.desk import DeskScreen

PATIENCE_S = 30.0


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def test_what_the_rehearsal_prints_is_shown_and_its_end_told_in_words():
    async with on_screen(FakeEngine(), SMALL) as pilot:
        code = "print('round 1: confirmed after 9.1 ms'); print('press to the first bytes   median 2.4 ms')"
        pilot.app.configure(replace(pilot.app.pump.options, drill=python(code)))
        await pilot.press("f10")
        await says(pilot, "enter starts it", "no order of yours is touched")
        await pilot.press("enter")
        await says(pilot, "every round was confirmed", within=PATIENCE_S)
        await says(pilot, "round 1: confirmed after 9.1 ms", "press to the first bytes median 2.4 ms")


async def test_a_rehearsal_that_fails_says_so():
    async with on_screen(FakeEngine()) as pilot:
        code = "import sys; print('1 ROUNDS FAILED'); sys.exit(1)"
        pilot.app.configure(replace(pilot.app.pump.options, drill=python(code)))
        await pilot.press("f10", "enter")
        await says(pilot, "FAILED, exit code 1", "1 ROUNDS FAILED", within=PATIENCE_S)


async def test_what_cannot_be_started_says_so():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("f10", "enter")
        await says(pilot, "the configuration has not been read yet")
        pilot.app.configure(replace(pilot.app.pump.options, drill=("/nowhere/no-such-program",)))
        await pilot.press("escape")
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the window to close")
        await pilot.press("f10", "enter")
        await says(pilot, "it could not be started: No such file")


async def test_closing_the_window_ends_the_rehearsal(tmp_path: Path):
    code = (
        "import pathlib, signal, sys\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "def end(*_):\n"
        "    (folder / 'tidied').touch()\n"
        "    sys.exit(1)\n"
        "signal.signal(signal.SIGINT, end)\n"
        "print('round 1', flush=True)\n"
        "signal.pause()\n"
    )
    async with on_screen(FakeEngine()) as pilot:
        pilot.app.configure(replace(pilot.app.pump.options, drill=python(code)))
        await pilot.press("f10", "enter")
        await says(pilot, "round 1", "running", within=PATIENCE_S)
        await pilot.press("escape")
        await eventually((tmp_path / "tidied").exists, "the rehearsal to end", PATIENCE_S)
