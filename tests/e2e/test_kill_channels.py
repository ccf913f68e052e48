"""The kill from outside of the screen: by command, by signal, and around an engine that hangs."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal

import pytest

from core.connectors.venue.child import PaperVenue, VenueReady
from tests.e2e.conftest import COMMAND
from tests.e2e.test_first_light import ETH_ROW, place
from tests.support.counterparty import open_orders, token
from tests.support.terminal import Terminal
from tests.support.venue import rest_get
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def command(env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", "kill", *arguments], env=dict(env), capture_output=True, text=True, timeout=60
    )


def resting(desk: Terminal, venue: PaperVenue) -> str:
    """One order of the desk at the venue; a token to ask for it."""
    auth = token(venue.ready, venue.ready.trading)
    price = Decimal(desk.wait_for(ETH_ROW)["bid"]) - 100
    place(desk, size="0.5", price=str(price))
    wait_until(lambda: len(open_orders(venue.ready, venue.ready.trading, auth)) == 1, "the order to rest at the venue")
    return auth


def test_the_command_kills_a_running_engine(
    desk: Terminal, paper_venue: PaperVenue, configured: Mapping[str, str]
) -> None:
    auth = resting(desk, paper_venue)
    done = command(configured)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"REQUESTED +[\d.]+ ms  .*\n(SENT +[\d.]+ ms  .*\n)?CONFIRMED +[\d.]+ ms  the venue lists no open order\n",
        done.stdout,
    ), done.stdout
    assert open_orders(paper_venue.ready, paper_venue.ready.trading, auth) == []
    desk.wait_for(r"KILL CONFIRMED")
    desk.wait_for(r"killed by the kill command")


def test_the_signal_kills_too(desk: Terminal, paper_venue: PaperVenue) -> None:
    auth = resting(desk, paper_venue)
    desk.signal(signal.SIGUSR1)
    desk.wait_for(r"KILL CONFIRMED")
    desk.wait_for(r"killed by signal SIGUSR1")
    assert open_orders(paper_venue.ready, paper_venue.ready.trading, auth) == []


def test_an_engine_that_hangs_is_walked_around(
    desk: Terminal, paper_venue: PaperVenue, configured: Mapping[str, str]
) -> None:
    auth = resting(desk, paper_venue)
    os.kill(desk.pid, signal.SIGSTOP)
    try:
        held = command(configured, "--within", "2")
        assert held.returncode == 1
        assert "not confirmed" in held.stderr
        assert "lighter-tui kill --direct --profile stage" in held.stderr
        done = command(configured, "--direct")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1].startswith("CONFIRMED")
        assert open_orders(paper_venue.ready, paper_venue.ready.trading, auth) == []
    finally:
        os.kill(desk.pid, signal.SIGCONT)


def test_without_an_engine_it_says_what_to_do(configured: Mapping[str, str], paper_venue: PaperVenue) -> None:
    done = command(configured)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no engine answers" in done.stderr
    assert "lighter-tui kill --direct --profile stage" in done.stderr
    assert command(configured, "--direct").returncode == 0


def test_the_paper_profiles_venue_is_found_by_its_address(home: dict[str, str]) -> None:
    lost = command(home, "--direct")
    assert lost.returncode == 2
    assert "no paper venue is running" in lost.stderr
    with Terminal((sys.executable, "-m", "tui", "--profile", "paper"), env=home) as desk:
        desk.wait_for(r"= both")
        done = command(home, "--direct")
        assert done.stdout.splitlines()[0].startswith("REQUESTED")
        assert done.returncode == 0 or "still open" in done.stderr, "the demo goes on quoting beside it"
        assert command(home).returncode == 0
        assert command(home, "--direct").returncode == 0


def test_one_strategy_is_killed_and_rearmed_from_another_terminal(home: dict[str, str]) -> None:
    with Terminal((sys.executable, "-m", "tui", "--profile", "paper"), env=home) as desk:
        desk.wait_for(r"= both")
        done = command(home, "--strategy", "demo")
        assert done.returncode == 0, done.stderr
        desk.wait_for(r"kill of strategy demo confirmed")
        assert "KILL CONFIRMED" not in desk.text
        assert command(home, "--market", "NOPE").returncode == 2
        rearm = [sys.executable, "-m", "tui", "rearm", "--strategy", "demo", "--reason", "rehearsed"]
        wrong = subprocess.run([*rearm, "please"], env=home, capture_output=True, text=True, timeout=60)
        assert (wrong.returncode, "expected the word REARM" in wrong.stderr) == (2, True)
        lifted = subprocess.run([*rearm, "REARM"], env=home, capture_output=True, text=True, timeout=60)
        assert lifted.returncode == 0, lifted.stderr
        desk.wait_for(r"strategy demo re-armed by the rearm command: rehearsed")
        desk.wait_for(r"= both")


def positions(ready: VenueReady) -> dict[int, Decimal]:
    """What the venue itself shows of the operator's account."""
    status, body = rest_get(ready.url, "/api/v1/account", by="index", value=ready.trading.account_index)
    assert status == 200, body
    accounts = body["accounts"]
    assert isinstance(accounts, list)
    rows = accounts[0]["positions"] or []
    return {row["market_id"]: Decimal(row["position"]) for row in rows if Decimal(row["position"])}


def bought(desk: Terminal, venue: PaperVenue) -> None:
    price = Decimal(desk.wait_for(ETH_ROW)["ask"]) + 20
    place(desk, size="1.5", price=str(price))
    wait_until(lambda: positions(venue.ready), "a position at the venue")


def test_flatten_closes_every_position_and_leaves_the_kill_on(
    desk: Terminal, paper_venue: PaperVenue, configured: Mapping[str, str]
) -> None:
    bought(desk, paper_venue)
    done = command(configured, "--flatten", "--within", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("FLAT ")
    assert positions(paper_venue.ready) == {}
    desk.wait_for(r"KILL CONFIRMED")
    desk.wait_for(r"■ HALTED")


def test_the_exit_policy_flatten_leaves_nothing(configured: dict[str, str], paper_venue: PaperVenue) -> None:
    with Terminal(COMMAND, env=configured | {"LIGHTER_TUI_EXIT_POLICY": "flatten"}) as desk:
        bought(desk, paper_venue)
        auth = resting(desk, paper_venue)
        desk.signal(signal.SIGTERM)
        assert desk.wait_exit(timeout=30) == 0
        assert "shows no position" in " ".join(desk.text.split())
        assert positions(paper_venue.ready) == {}
        assert open_orders(paper_venue.ready, paper_venue.ready.trading, auth) == []
