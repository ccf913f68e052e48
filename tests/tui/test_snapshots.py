"""What every screen looks like in every state that matters, against pictures that a human accepted.

`make snapshots` takes them again; look at what changed before you keep it. Time stands still in all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from core.state import ExitReport
from tests.support.desk import LARGE, SMALL, text
from tests.support.desk_states import STATES, StillMeters, a_still_desk, an_engine_in
from tests.support.waiting import eventually
from tui.app import Desk
from tui.keys import SURFACES
from tui.theme import NAME, THEMES

Compare = Callable[..., bool]
SCREENS = [key.name for key in SURFACES]
WINDOWS = {"ticket": "n", "help": "question_mark", "quit": "ctrl+q"}
_PAINTS = 3
_WITHIN_S = 60.0


def brought_to(meters: StillMeters, screen: str, *keys: str) -> Callable[[Pilot[ExitReport | None]], Awaitable[None]]:
    """Show this screen, press these keys, and wait until nothing moves any more."""

    async def bring(pilot: Pilot[ExitReport | None]) -> None:
        app = pilot.app
        assert isinstance(app, Desk)
        await eventually(lambda: "UTC" in text(app), "the first paint", _WITHIN_S)
        await app.show_surface(screen)
        await pilot.press(*keys)
        await eventually(lambda: meters.paints > 1, "the pump", _WITHIN_S)
        async with asyncio.timeout(_WITHIN_S):
            shown = ""
            while shown != (shown := text(app)):
                before = meters.paints
                await eventually(lambda limit=before + _PAINTS: meters.paints >= limit, "paints", _WITHIN_S)

    return bring


def looks_the_same(
    compare: Compare, screen: str, state: str, *keys: str, size: tuple[int, int] = SMALL, theme: str = NAME
) -> bool:
    """Whether this screen in this state looks as it was accepted."""
    meters = StillMeters()
    desk: Any = a_still_desk(an_engine_in(state), meters, theme)
    return compare(desk, terminal_size=size, run_before=brought_to(meters, screen, *keys))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_in_every_state_at_80x24(snap_compare: Compare, screen: str, state: str):
    assert looks_the_same(snap_compare, screen, state)


@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_in_monochrome(snap_compare: Compare, screen: str):
    assert looks_the_same(snap_compare, screen, "failing", theme=THEMES["mono"].name)


@pytest.mark.parametrize("screen", ["desk", "market"])
def test_the_busiest_screens_at_200x50(snap_compare: Compare, screen: str):
    assert looks_the_same(snap_compare, screen, "live", size=LARGE)


@pytest.mark.parametrize("window", WINDOWS)
def test_windows_over_the_desk(snap_compare: Compare, window: str):
    assert looks_the_same(snap_compare, "desk", "live", WINDOWS[window])


def test_the_candles_of_a_narrow_screen(snap_compare: Compare):
    assert looks_the_same(snap_compare, "market", "live", "3")
