"""Starts the desk without a terminal and reads what it shows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from core.state import ExitReport
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.app import Desk, DeskOptions
from tui.widgets.lines import Lines

LARGE = (200, 50)
SMALL = (80, 24)
_TEST_FPS = 10
"""Not more: after each key Textual waits for a moment of 20 ms in which next to nothing is done, up to two seconds."""


def a_desk(engine: FakeEngine, *, is_live: bool = False) -> Desk:
    return Desk(engine, DeskOptions(fps=_TEST_FPS, clock=engine.clock, stale_after_ms=3_000, is_live=is_live))


@asynccontextmanager
async def on_screen(
    engine: FakeEngine, size: tuple[int, int] = LARGE, *, is_live: bool = False
) -> AsyncIterator[Pilot[ExitReport | None]]:
    """The desk at work, painted once."""
    desk = a_desk(engine, is_live=is_live)
    async with desk.run_test(size=size) as pilot:
        await eventually(lambda: "UTC" in text(desk) or "enlarge" in text(desk), "the first paint")
        yield pilot


def rows(app: Desk) -> list[str]:
    """The screen as text, line by line."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


def text(app: Desk) -> str:
    """The screen as text."""
    return "\n".join(rows(app))


async def shows(pilot: Pilot[ExitReport | None], *words: str) -> None:
    """Wait until the screen shows all these words."""
    app = pilot.app
    assert isinstance(app, Desk)
    try:
        await eventually(lambda: all(word in text(app) for word in words), f"the screen to show {words}")
    except AssertionError as error:
        raise AssertionError(f"{error}; it shows:\n{text(app)}") from None


async def says(pilot: Pilot[ExitReport | None], *sentences: str, within: float = 5.0) -> None:
    """Wait for so many seconds until the window says all these sentences, wherever its lines break."""
    app = pilot.app

    def said() -> str:
        lines = [line for widget in app.screen.query(Lines) for line in widget._lines]
        return " ".join("".join(span.text for span in line).strip() for line in lines)

    try:
        await eventually(
            lambda: all(sentence in said() for sentence in sentences), f"the window to say {sentences}", within
        )
    except AssertionError as error:
        raise AssertionError(f"{error}; it says:\n{said()}") from None
