"""The header's line of the venue's dead-man's switch: the venue's own time, and a word when it is not sound."""

from dataclasses import replace

import pytest

from core.clock import Instant
from core.state import DeadmanStatus, EnginePhase, EngineState
from tui.view import View
from tui.widgets.header import header

NOW = Instant(mono_ns=1, utc_us=1_700_000_000_000_000)
ARMED = DeadmanStatus(span_s=600, armed_us=NOW.utc_us + 600_000_000)


@pytest.mark.parametrize(
    ("switch", "shown"),
    [
        (ARMED, "dead-man 22:23:20"),
        (replace(ARMED, armed_us=NOW.utc_us + 86_400_000_000), "dead-man 2023-11-15 22:13:20"),
        (replace(ARMED, missed=1), "dead-man ! 22:23:20"),
        (replace(ARMED, armed_us=None), "dead-man ! OFF"),
        (replace(ARMED, span_s=None), "dead-man ! 22:23:20"),
    ],
    ids=["armed", "another day", "a renewal missed", "not armed", "somebody else's"],
)
def test_the_dead_mans_switch_shows_the_venues_time(switch: DeadmanStatus, shown: str) -> None:
    assert shown in first_line(switch, 160)
    assert "dms " in first_line(switch, 80)


def test_without_one_nothing_is_said() -> None:
    assert "dead" not in first_line(None, 160)


def first_line(switch: DeadmanStatus | None, width: int) -> str:
    state = EngineState(seq=1, published=NOW, phase=EnginePhase.RUNNING, deadman=switch)
    return "".join(span.text for span in header(View(state=state, now=NOW, kill=state.kill), width)[0])
