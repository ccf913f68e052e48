"""The venue dies and returns: the desk says so in words, shows nothing old as new, and mends itself."""

import os
import signal

import pytest

from core.connectors.venue.child import PaperVenue
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

WITHIN = 5.0
"""Seconds until trouble must be on the screen."""


def test_a_dead_venue_is_shown_as_down_and_found_again(desk: Terminal, paper_venue: PaperVenue) -> None:
    desk.wait_for(r"│ETH .*● live")
    desk.wait_for(r"● ACTIVE")
    os.kill(paper_venue.pid, signal.SIGKILL)
    desk.wait_for(r"market data ■ DOWN.*account ■ DOWN", timeout=WITHIN)
    desk.wait_for(r"│ETH .*stale", timeout=WITHIN)
    desk.wait_gone(r"│\w+ .*● live", timeout=WITHIN)
    assert "● ACTIVE" not in desk.text
    port = int(paper_venue.ready.url.rpartition(":")[2])
    with PaperVenue(port=port):
        desk.wait_for(r"│ETH .*● live", timeout=30)
        desk.wait_for(r"● ACTIVE", timeout=30)
        desk.wait_for(r"market data ● live.*account ● live.*rest ● live", timeout=30)
        desk.press("ctrl+q")
        assert desk.wait_exit() == 0


def test_a_frozen_venue_is_shown_as_down_too(desk: Terminal, paper_venue: PaperVenue) -> None:
    desk.wait_for(r"│ETH .*● live")
    os.kill(paper_venue.pid, signal.SIGSTOP)
    try:
        desk.wait_for(r"│ETH .*stale", timeout=WITHIN)
        desk.wait_for(r"market data ■ DOWN", timeout=WITHIN)
    finally:
        os.kill(paper_venue.pid, signal.SIGCONT)
    desk.wait_for(r"│ETH .*● live", timeout=30)
    desk.wait_for(r"● ACTIVE", timeout=30)


def test_a_venue_that_is_not_there_is_one_sentence_and_is_tried_again(
    configured: dict[str, str], paper_venue: PaperVenue
) -> None:
    from tests.e2e.conftest import COMMAND

    port = int(paper_venue.ready.url.rpartition(":")[2])
    paper_venue.stop()
    with Terminal(COMMAND, env=configured) as desk:
        desk.wait_for(r"CONNECTING: .*cannot connect to 127.0.0.1")
        assert "● ACTIVE" not in desk.text
        with PaperVenue(port=port):
            desk.wait_for(r"● ACTIVE", timeout=30)
            desk.wait_for(r"│ETH .*● live", timeout=30)
            desk.press("ctrl+q")
            assert desk.wait_exit() == 0
