"""The newcomer's way in: one command, no configuration, and the venue comes and goes with the desk."""

from pathlib import Path

import pytest

from tests.e2e.conftest import COMMAND
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def children_of(pid: int) -> list[int]:
    listings = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for listing in listings for child in listing.read_text().split()]


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_the_paper_desk_trades_by_itself_and_leaves_nothing(home: dict[str, str]) -> None:
    with Terminal((*COMMAND, "--profile", "paper"), env=home) as desk:
        desk.wait_for(r"│ETH .*● live")
        desk.wait_for(r"demo running")
        desk.wait_for(r"strategy demo")
        desk.wait_for(r"= both")
        [venue] = children_of(desk.pid)
        desk.press("ctrl+q")
        asked = desk.wait_for(r"cancel all and quit|lighter-tui: stopped")
        if asked.group().startswith("cancel"):
            desk.press("enter")
        assert desk.wait_exit() == 0
        wait_until(lambda: is_gone(venue), "the venue to end with the desk")
        assert "the venue lists no open order" in desk.text


def test_a_desk_that_dies_takes_its_venue_along(home: dict[str, str]) -> None:
    with Terminal((*COMMAND, "--profile", "paper"), env=home) as desk:
        desk.wait_for(r"│ETH .*● live")
        [venue] = children_of(desk.pid)
    wait_until(lambda: is_gone(venue), "the venue to notice that its parent died")


def test_it_fits_the_smallest_terminal(home: dict[str, str]) -> None:
    with Terminal((*COMMAND, "--profile", "paper"), env=home, columns=80, rows=24) as desk:
        for pane in ("1 prices", "2 risk limits", "3 circuit breaker", "4 tasks", "5 order map", "6 log"):
            desk.wait_for(pane)
        desk.wait_for(r"^ETH +[\d.]+ +[\d.]+")
        desk.press("f12")
        desk.wait_for(r"KILL CONFIRMED")
        desk.press("ctrl+q")
        assert desk.wait_exit() == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--profile", "nowhere"), "profile: expected one of paper, got 'nowhere'"),
        (("--config", "missing.toml"), "missing.toml: expected a configuration file, found none"),
    ],
)
def test_a_wrong_start_is_one_sentence_and_exit_code_two(
    home: dict[str, str], arguments: tuple[str, ...], sentence: str
) -> None:
    with Terminal((*COMMAND, *arguments), env=home) as desk:
        assert desk.wait_exit() == 2
        assert sentence in " ".join(desk.text.split("\n"))
        assert len([line for line in desk.lines if line]) == 1
