"""What an operator does in the first ten minutes, with real keys in a real terminal, checked against the venue."""

import re
import signal
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from core.connectors.venue.child import PaperVenue
from tests.support.counterparty import bid_size_down_to, open_orders, sell, token
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ETH = 0
ETH_ROW = r"│ETH +(?P<bid_size>[\d.]+) +(?P<bid>[\d.]+) +(?P<ask>[\d.]+) .*?(?P<position>\S+) ● live"
ONE_TASK = r"4 tasks · 1 "
NO_TASK = r"4 tasks · 0 "


def established(port: int) -> int:
    """TCP connections to a port of this machine that are still open, as the kernel lists them."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def place(desk: Terminal, *, size: str, price: str) -> None:
    """Type a limit order for the selected market into the ticket and place it."""
    desk.press("n")
    desk.wait_for(r"new order")
    desk.press("tab", "tab", "tab", size, "tab")
    desk.press(*["backspace"] * 12, price)
    desk.wait_for(r"✓ risk approves")
    desk.press("enter")
    desk.wait_gone(r"new order")


def rearm(desk: Terminal, reason: str) -> None:
    desk.press("a")
    desk.wait_for(r"re-arm after a kill")
    desk.press("REARM", "tab", reason)
    desk.wait_for(r"✓")
    desk.press("enter")
    desk.wait_gone(r"re-arm after a kill")


def test_an_operator_trades_trips_and_kills(
    desk: Terminal, paper_venue: PaperVenue, configured: Mapping[str, str]
) -> None:
    ready = paper_venue.ready
    auth = token(ready, ready.trading)

    # Prices live and moving.
    desk.wait_for(ETH_ROW)
    desk.wait_for(r"market data ● live.*account ● live.*rest ● live")
    desk.wait_change(r"│ETH .*")
    assert re.search(r"● ACTIVE", desk.text), desk.text

    # An order below the touch, out of reach for a while; seen in tasks, by the venue and on both sides of the map.
    price = Decimal(desk.wait_for(ETH_ROW)["bid"]) - 6
    place(desk, size="1", price=str(price))
    desk.wait_for(rf"│ETH +\d+ +buy +limit +1\.0000 +[\d.]+ +{price} ● (accepted|partially)")
    ours, theirs = desk.wait_for(rf"│(\d+) +(\d{{15,}}) +ETH +buy +[\d.]+ +{price} .*= both").groups()
    listed = open_orders(ready, ready.trading, auth)
    assert [(str(one["client_order_index"]), str(one["order_index"])) for one in listed] == [(ours, theirs)]
    used_before = desk.wait_for(r"ETH pos USDC +[▏▎▍▌▋▊▉█]* +([\d,]+)")[1]
    assert used_before != "0", "an open order counts before it fills"

    # A stranger sells down to it: filled, position and risk move.
    counterparty = ready.counterparty
    size = 2 * bid_size_down_to(ready, ETH, price) + 10  # more than is there: the limit is what ends it
    sell(ready, counterparty, ETH, int(size * 10_000), int(price * 100))
    desk.wait_for(NO_TASK)
    assert Decimal(desk.wait_for(ETH_ROW)["position"]) == 1
    desk.wait_for(r"bought [\d.]+ ETH at [\d.]+ \(operator\)")
    desk.wait_for(r"ETH pos USDC +[▏▎▍▌▋▊▉█]+ +(1,[89]\d\d|2,0\d\d) ")

    # The breaker: one press trips it, closing asks.
    desk.press("f8")
    desk.wait_for(r"all +◐ REDUCING +\d\d:\d\d:\d\d +operator: tripped by key")
    desk.press("ctrl+t")
    desk.wait_for(r"close the circuit breaker")
    desk.press("checked", "enter")
    desk.wait_for(r"all +○ closed")

    # The kill, with an order resting and a window open above the desk.
    place(desk, size="0.5", price=str(price - 100))
    desk.wait_for(ONE_TASK)
    desk.wait_for(r"= both")
    desk.press("n")
    desk.wait_for(r"new order")
    desk.press("ctrl+k")
    desk.wait_for(r"KILL CONFIRMED +may still be live: 0")
    assert open_orders(ready, ready.trading, auth) == [], "the venue itself must have no open order"
    sent, confirmed = desk.wait_for(r"sent ([\d.]+) ms.*confirmed ([\d.]+) ms").groups()
    assert Decimal(sent) <= Decimal(confirmed)
    desk.press("escape")
    desk.wait_gone(r"new order")
    assert re.search(r"■ HALTED", desk.text), desk.text
    rearm(desk, "rehearsed")
    desk.wait_for(r"● ACTIVE")

    # Leaving: nothing asks, nothing is left.
    desk.press("ctrl+q")
    assert desk.wait_exit() == 0
    said = [line for line in desk.lines if line]
    assert said == ["lighter-tui: stopped; the venue lists no open order"], said
    assert open_orders(ready, ready.trading, auth) == []
    wait_until(lambda: established(port_of(ready.url)) == 0, "every connection to the venue to be closed")
    log = Path(configured["XDG_STATE_HOME"], "lighter-tui", "stage", "lighter-tui.log").read_text()
    assert not re.search(r"Warning|Unclosed|never awaited|Traceback", log), log


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_in_the_exit_policy(desk: Terminal, paper_venue: PaperVenue, number: signal.Signals) -> None:
    ready = paper_venue.ready
    auth = token(ready, ready.trading)
    price = Decimal(desk.wait_for(ETH_ROW)["bid"]) - 100
    place(desk, size="0.5", price=str(price))
    wait_until(lambda: len(open_orders(ready, ready.trading, auth)) == 1, "the order to rest at the venue")
    desk.signal(number)
    assert desk.wait_exit() == 0
    assert open_orders(ready, ready.trading, auth) == []


def test_a_terminal_that_goes_away_ends_in_the_exit_policy(desk: Terminal, paper_venue: PaperVenue) -> None:
    ready = paper_venue.ready
    auth = token(ready, ready.trading)
    price = Decimal(desk.wait_for(ETH_ROW)["bid"]) - 100
    place(desk, size="0.5", price=str(price))
    wait_until(lambda: len(open_orders(ready, ready.trading, auth)) == 1, "the order to rest at the venue")
    desk.hang_up()
    assert desk.wait_exit() == 0
    assert open_orders(ready, ready.trading, auth) == []


def test_a_terminal_that_is_not_read_does_not_hold_up_the_end(desk: Terminal, paper_venue: PaperVenue) -> None:
    ready = paper_venue.ready
    auth = token(ready, ready.trading)
    price = Decimal(desk.wait_for(ETH_ROW)["bid"]) - 100
    place(desk, size="0.5", price=str(price))
    wait_until(lambda: len(open_orders(ready, ready.trading, auth)) == 1, "the order to rest at the venue")
    with desk.stalled():
        desk.signal(signal.SIGTERM)
        wait_until(lambda: not open_orders(ready, ready.trading, auth), "the exit policy to run", timeout=10)
        desk.wait_exit()


def test_quitting_with_open_orders_asks_and_can_keep_them(desk: Terminal, paper_venue: PaperVenue) -> None:
    ready = paper_venue.ready
    auth = token(ready, ready.trading)
    price = Decimal(desk.wait_for(ETH_ROW)["bid"]) - 100
    place(desk, size="0.5", price=str(price))
    desk.wait_for(r"= both")
    desk.press("ctrl+q")
    desk.wait_for(r"cancel all and quit")
    desk.press("k", "enter")
    assert desk.wait_exit() == 0
    assert len(open_orders(ready, ready.trading, auth)) == 1
