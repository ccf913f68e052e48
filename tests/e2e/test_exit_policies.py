"""The exit policies when it is not the operator who ends it: the screen breaks, or the line drops."""

import signal

import pytest

from core.connectors.venue.child import PaperVenue
from tests.e2e.conftest import COMMAND
from tests.e2e.test_kill_channels import bought, positions, resting
from tests.support.counterparty import open_orders
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

# Textual's own switch: after so many seconds it saves a picture of the screen, in the screen's loop. Into a folder that
# cannot be made it raises there, which is the end of any Textual program.
BREAKS = {"TEXTUAL_SCREENSHOT": "12", "TEXTUAL_SCREENSHOT_LOCATION": "/dev/null/nowhere"}


def policy(word: str) -> dict[str, str]:
    return {"LIGHTER_TUI_EXIT_POLICY": word}


def said(desk: Terminal) -> str:
    return " ".join(desk.text.split())


def test_a_screen_that_breaks_ends_in_cancels_and_is_no_success(
    configured: dict[str, str], paper_venue: PaperVenue
) -> None:
    with Terminal(COMMAND, env=configured | policy("cancel") | BREAKS) as desk:
        auth = resting(desk, paper_venue)
        assert desk.wait_exit(timeout=40) == 1, desk.text
        assert "stopped; the venue lists no open order" in said(desk)
        assert open_orders(paper_venue.ready, paper_venue.ready.trading, auth) == []


def test_a_screen_that_breaks_ends_flat_where_that_is_the_policy(
    configured: dict[str, str], paper_venue: PaperVenue
) -> None:
    with Terminal(COMMAND, env=configured | policy("flatten") | BREAKS) as desk:
        bought(desk, paper_venue)
        assert positions(paper_venue.ready)
        assert desk.wait_exit(timeout=50) == 1, desk.text
        assert "the venue lists no open order and shows no position" in said(desk)
        assert positions(paper_venue.ready) == {}


def test_a_hang_up_keeps_what_is_to_be_kept(configured: dict[str, str], paper_venue: PaperVenue) -> None:
    with Terminal(COMMAND, env=configured | policy("keep")) as desk:
        auth = resting(desk, paper_venue)
        desk.signal(signal.SIGHUP)
        assert desk.wait_exit() == 0
        assert "stopped; 1 order left resting as configured" in said(desk)
        assert len(open_orders(paper_venue.ready, paper_venue.ready.trading, auth)) == 1
