"""Every private channel, with frames dropped, doubled, swapped or late: what was told ends as what the venue knows.

Each run is seeded, trades while frames are spoiled, and then only waits: only the connector's own looks mend it.
"""

import random
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from core.connectors.base import OrderRef
from core.connectors.lighter.budget import Tier
from core.connectors.venue.account_views import collateral_of
from core.decisions import Sent
from core.events import (
    AccountReported,
    AssetsReported,
    Event,
    FillReported,
    OpenOrdersListed,
    OrderReport,
    OrdersReported,
    PositionsReported,
)
from core.model import Side
from core.units import ClientOrderId, from_units, round_to
from tests.core.connectors.lighter.test_faulty_venue import ETH, World, world
from tests.support.orders import limit_order, no_gate
from tests.support.waiting import eventually

CHANNELS = ("account_all_orders", "account_all_trades", "account_all_positions", "account_all_assets", "user_stats")
EVERY = "every channel"


class Belief:
    """What a listener believes who takes the newest of everything."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.orders: dict[int, OrderReport] = {}
        self.trades: dict[int, Decimal] = {}
        self.positions: dict[int, tuple[int, Decimal]] = {}
        self.money: Decimal | None = None
        self.assets: Decimal | None = None
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case OrdersReported(orders=orders):
                for one in orders:
                    if one.venue_id not in self.orders or one.time_us >= self.orders[one.venue_id].time_us:
                        self.orders[one.venue_id] = one
            case OpenOrdersListed(orders=orders):
                self.orders = {one.venue_id: one for one in orders}
            case FillReported(fill=fill):
                self.trades[fill.trade_id] = fill.size
            case PositionsReported():
                self._hold(event)
            case AccountReported(account=account):
                self.money = account.collateral
            case AssetsReported(assets=assets):
                self.assets = sum((one.balance + one.margin for one in assets), Decimal(0))
            case _:
                pass

    def _hold(self, event: PositionsReported) -> None:
        if event.is_complete:
            self.positions = {}
        for held in event.positions:
            if held.time_us >= self.positions.get(held.market_id, (0, Decimal(0)))[0]:
                self.positions[held.market_id] = held.time_us, held.size

    def told(self) -> dict[str, object]:
        return {
            "orders": {at: one.filled for at, one in self.orders.items() if one.status.is_open},
            "trades": self.trades,
            "position": self.positions.get(ETH, (0, Decimal(0)))[1],
            "collateral": self.money,
            "assets": self.assets,
        }


def _truth(made: World) -> dict[str, object]:
    exchange = made.venue.simulation.exchange
    account = exchange.accounts[made.venue.ready.trading.account_index]
    held = account.positions.get(ETH)
    money = from_units(collateral_of(account), 6)
    return {
        "orders": {order.index: from_units(order.filled, 4) for order in account.live.values()},
        "trades": {trade.trade_id: from_units(trade.size, 4) for trade in account.trades},
        "position": from_units(held.size, 4) if held else Decimal(0),
        "collateral": money,
        "assets": money,
    }


def _differing(made: World) -> list[str]:
    told, truth = Belief(made.events).told(), _truth(made)
    return [what for what in truth if told[what] != truth[what]]


async def _trade(made: World, dice: random.Random) -> None:
    """Bids that rest, bids and asks that fill, cancels; at least one fill and one cancel in each run."""
    acts = [*dice.choices(("rest", "buy", "sell", "cancel"), k=6), "rest", "buy", "cancel", "rest"]
    resting: list[int] = []
    for number, act in enumerate(acts, 1):
        if act == "cancel":
            if resting:
                ref = OrderRef(market_id=ETH, client_id=ClientOrderId(resting.pop(dice.randrange(len(resting)))))
                assert isinstance(await made.connector.cancel(ref), Sent)
            continue
        away = {"rest": "0.97", "buy": "1.01", "sell": "0.99"}[act]
        quote = made.connector.quote(ETH)
        assert quote.bid is not None
        price = round_to(quote.bid * Decimal(away), 2)
        order = limit_order(number, str(price), "0.0500")
        if act == "sell":
            order = replace(order, intent=replace(order.intent, side=Side.SELL))
        assert isinstance(await made.connector.submit(order, no_gate), Sent)
        if act == "rest":
            resting.append(number)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that are due at once, and a patience of half a second instead of five."""
    monkeypatch.setattr("core.connectors.lighter.silence.AGAIN_NS", 500_000_000)
    for name in ("silence.LASTING_NS", "agreement.LASTING_NS", "tally.PATIENCE_NS"):
        monkeypatch.setattr(f"core.connectors.lighter.{name}", 500_000_000)
    for name in ("_IDLE_NS", "_IDLE_POOR_NS"):
        monkeypatch.setattr(f"core.connectors.lighter.housekeeping.{name}", 0)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("fault", "channel"),
    [
        *(("drop", channel) for channel in CHANNELS),
        *((fault, EVERY) for fault in ("drop", "duplicate", "reorder", "delay")),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
async def test_what_was_told_ends_as_what_the_venue_knows(fault, channel, seed):
    async with world(timeout_s=10) as made:
        made.connector._rest.limiter.adopt(Tier.BUILDER)  # looks are many here, and not what is tried
        feed = made.connector._running.feed
        await eventually(lambda: _differing(made) == [], "the same at the start")
        await eventually(lambda: feed.closed_gap == feed.gap, "REST to have told of trades before the start")
        names, rate = (CHANNELS, 0.5) if channel == EVERY else ((channel,), 1)
        rules = [{"fault": fault, "match": f"{name}:*", "rate": rate, "ms": 300} for name in names]
        await made.faults(*rules, seed=seed)
        await _trade(made, random.Random(seed))  # noqa: S311 - the same dice every time
        await made.faults()
        assert _truth(made)["trades"], "something was traded"
        try:
            await eventually(lambda: _differing(made) == [], "what was told to be right", 45)
        except AssertionError:
            told, truth = Belief(made.events).told(), _truth(made)
            raise AssertionError({what: (told[what], truth[what]) for what in _differing(made)}) from None
        await made.live()
