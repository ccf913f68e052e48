"""A hundred things an operator does, in a market at full rate: ten times the screen is held against the venue."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest

from core.connectors.venue.child import PaperVenue, VenueReady
from tests.e2e.conftest import COMMAND
from tests.support.counterparty import open_orders, token
from tests.support.terminal import Terminal
from tests.support.tmux import TMUX, Tmux
from tests.support.venue import rest_get
from tests.support.waiting import wait_until
from tui.format import NOTHING

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WIDE, NARROW = (200, 50), (80, 24)
EQUITY_WITHIN = Decimal(5)
"""USDC: positions are marked anew between the venue's answer and the desk's."""
SWITCHES = ("m", "o", "r", "t", "e", "l", "h", "d")
SEEN = {
    "m": "1 ladder",
    "o": "1 tasks",
    "r": "1 risk limits",
    "t": "1 strategies",
    "e": "1 alerts",
    "l": "1 log",
    "h": "1 links",
    "d": "1 prices",
}


class Session:
    """Counts what the operator did."""

    def __init__(self, desk: Terminal, ready: VenueReady) -> None:
        self.desk = desk
        self._ready = ready
        self._auth = token(ready, ready.trading)
        self.actions = 0
        self.compared = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.desk.press(key)
            self.actions += 1

    def walk(self) -> None:
        """Every screen once, moving about in each; the desk last."""
        for key in SWITCHES:
            self.press(key)
            self.desk.wait_for(SEEN[key])
            self.press("1", "down")

    def place(self, away: Decimal) -> None:
        """A bid for the selected market, so far below the mark that nobody sells to it."""
        self.press("n")
        self.desk.wait_for(r"new order")
        price = (self._mark() * (1 - away)).quantize(Decimal("0.01"))
        self.desk.press("tab", "tab", "tab", "0.1", "tab", *["backspace"] * 12, str(price))
        self.desk.wait_for(r"risk approves")
        self.press("enter")
        self.desk.wait_gone(r"new order")

    def compare(self, orders: int) -> None:
        """Tasks, both-sided map entries, position and equity: what the screen says, and what the venue says."""
        self.press("1", "home")  # the first market's row is in sight, however little room there is
        self.desk.wait_for(rf"4 tasks · {orders}\b")
        self.desk.wait_for(rf"5 order map · {orders}\b")
        self._agree(lambda: len(open_orders(self._ready, self._ready.trading, self._auth)) == orders, "orders")
        self._agree(self._same_account, "equity and position")
        self.compared += 1

    def _same_account(self) -> bool:
        account = self._account()
        shown = re.search(r"(?:equity|eq) +([\d,]+\.\d\d)", self.desk.text)
        row = re.search(r"[│ ]?ETH +\d.*", self.desk.text)
        if shown is None or row is None:
            return False
        equity = Decimal(shown[1].replace(",", ""))
        held = account["positions"]
        assert isinstance(held, list)
        positions = [one for one in held if one["market_id"] == 0]
        size = sum((Decimal(one["position"]) * int(one["sign"]) for one in positions), Decimal(0))
        is_position = (f"{size:+.4f}" in row[0]) if size else (NOTHING in row[0])
        return abs(equity - Decimal(str(account["total_asset_value"]))) <= EQUITY_WITHIN and is_position

    def _account(self) -> dict[str, object]:
        status, body = rest_get(
            self._ready.url, "/api/v1/account", by="index", value=self._ready.trading.account_index, auth=self._auth
        )
        assert status == 200, body
        accounts = body["accounts"]
        assert isinstance(accounts, list)
        return dict(accounts[0])

    def _mark(self) -> Decimal:
        status, body = rest_get(self._ready.url, "/api/v1/orderBookOrders", market_id=0, limit=1)
        assert status == 200, body
        bids = body["bids"]
        assert isinstance(bids, list)
        return Decimal(bids[0]["price"])

    def _agree(self, holds: Callable[[], bool], what: str) -> None:
        try:
            wait_until(holds, f"screen and venue to agree on {what}", timeout=15.0)
        except AssertionError as error:
            raise AssertionError(f"{error}; the venue says {self._account()}; the screen:\n{self.desk.text}") from None


@pytest.mark.parametrize(
    "kind",
    [
        Terminal,
        pytest.param(Tmux, marks=pytest.mark.skipif(TMUX is None, reason="tmux is not installed on this machine")),
    ],
    ids=["bare", "tmux"],
)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["200x50", "80x24"])
def test_a_hundred_actions_in_a_fast_market_and_the_screen_never_lies(
    size: tuple[int, int], kind: type[Terminal], paper_venue: PaperVenue, configured: Mapping[str, str]
) -> None:
    with kind(COMMAND, env=configured, columns=size[0], rows=size[1]) as desk:
        desk.wait_for(r"engine running", timeout=30.0)
        desk.wait_for(r"ACTIVE")
        session = Session(desk, paper_venue.ready)
        session.compare(0)

        for number in range(1, 4):
            session.press("1", "home")
            session.place(Decimal(number) / 100)
            session.compare(number)
            session.walk()
            session.compare(number)

        desk.scribble(size[1] // 2, "SOMEBODY ELSE WROTE THIS")
        session.press("4")
        session.press("c")
        session.compare(2)
        session.press("f8")
        desk.wait_for(r"all .*● (tripped|TRIPPED)|TRIPPED|tripped")
        session.compare(2)
        session.press("ctrl+k")
        desk.wait_for(r"KILL CONFIRMED")
        session.compare(0)
        session.walk()

        desk.wait_gone("SOMEBODY ELSE", timeout=1.5 * size[1])
        assert session.actions >= 100, session.actions
        assert session.compared >= 10, session.compared
        desk.press("ctrl+q")
        assert desk.wait_exit() == 0
