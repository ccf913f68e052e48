"""The whole gate over 200 markets: one order judged, beside one function call that compares two decimals."""

from collections.abc import Callable
from decimal import Decimal
from time import perf_counter_ns
from typing import Final

from msgspec import structs

from bench.results import Figure, compared
from core.clock import Instant
from core.decisions import Approved, TradingState
from core.engine.facts import Facts
from core.engine.order_map import Tracked
from core.engine.records import JournalImage
from core.limits import RiskLimits
from core.model import (
    EXTERNAL,
    BookStatus,
    Market,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    Quote,
    Side,
    TimeInForce,
)
from core.risk import BreakerPanel, Money, RiskManager, RiskView
from core.state import EnginePhase
from core.units import ClientOrderId, MarketId, TaskId, VenueOrderId

MARKETS: Final = 200
FEW: Final = 10
MANY: Final = 1_000
CALLS: Final = 5_000
ROUNDS: Final = 7
_NOW: Final = Instant(mono_ns=10**12, utc_us=10**15)
_LIMITS: Final = RiskLimits(max_open_orders=1_500, max_open_notional=Decimal(10**9), max_gross_notional=Decimal(10**9))
PEER: Final = "a call that compares two decimals"


def world(orders: int) -> tuple[Facts, OrderIntent]:
    """What an engine knows with so many orders open, half of them in the market of the order that is judged."""
    image = JournalImage(live=(), meta={}, next_client_id=ClientOrderId(1), next_task_id=TaskId(1), recent_trades=())
    facts = Facts(image, RiskManager(_LIMITS), BreakerPanel.closed(TradingState.REDUCING), 256)
    markets = [_market(number) for number in range(MARKETS)]
    facts.outlook.see_markets({market.id: market for market in markets})
    for market in markets:
        facts.outlook.see_quote(_quote(market.id))
    facts.outlook.money = Money(equity=Decimal(10**7))
    for number in range(orders):
        market_id = MarketId(0 if number % 2 else number % MARKETS)
        intent = _intent(market_id, Side.BUY if number % 4 < 2 else Side.SELL, number)
        order = Order(intent=intent, status=OrderStatus.ACCEPTED, venue_id=VenueOrderId(2**48 + number))
        facts.orders.add(Tracked(order=order, origin=EXTERNAL))
        facts.touch(market_id)
    facts.standing.phase = EnginePhase.RUNNING
    return facts, _intent(MarketId(0), Side.BUY, 0)


def _market(number: int) -> Market:
    return Market(
        id=MarketId(number),
        symbol=f"M{number}",
        price_decimals=2,
        size_decimals=4,
        min_size=Decimal("0.005"),
        min_notional=Decimal(10),
        initial_margin=Decimal("0.05"),
    )


def _quote(market_id: MarketId) -> Quote:
    return Quote(
        market_id=market_id,
        status=BookStatus.LIVE,
        bid=Decimal("1999.90"),
        ask=Decimal("2000.10"),
        mark=Decimal("2000.00"),
    )


def _intent(market_id: MarketId, side: Side, number: int) -> OrderIntent:
    price = Decimal("1990.00") - number % 100 if side is Side.BUY else Decimal("2010.00") + number % 100
    return OrderIntent(
        market_id=market_id,
        side=side,
        type=OrderType.LIMIT,
        size=Decimal("0.0100"),
        price=price,
        tif=TimeInForce.POST_ONLY,
    )


def view_of(facts: Facts) -> RiskView:
    """What risk is shown, with every switch open."""
    view = facts.outlook.view(_NOW, is_frozen=False)
    return structs.replace(view, trading=TradingState.ACTIVE, trading_detail="")


def _peer(size: Decimal, most: Decimal, least: Decimal) -> bool:
    return least <= size and size <= most  # noqa: PLR1716 - two comparisons, as a check makes them


def p99(call: Callable[[], object]) -> float:
    """The 99th percentile of many single calls, in microseconds, each timed by itself."""
    samples = []
    for _ in range(CALLS):
        begun = perf_counter_ns()
        call()
        samples.append(perf_counter_ns() - begun)
    return sorted(samples)[int(0.99 * CALLS)] / 1_000


def measure() -> list[Figure]:
    """The gate with few and with many open orders; the peer is timed in the same way, turn by turn."""
    size, most, least = Decimal("0.01"), Decimal(4), Decimal("0.0001")
    subjects: dict[str, Callable[[], object]] = {PEER: lambda: _peer(size, most, least)}
    for orders in (FEW, MANY):
        facts, intent = world(orders)
        view, risk = view_of(facts), facts.risk
        if risk.check(intent, view) != Approved():
            raise AssertionError(f"the order to be judged must pass, got {risk.check(intent, view)}")
        subjects[f"gate, {orders:,} open orders"] = lambda risk=risk, intent=intent, view=view: risk.check(intent, view)
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(ROUNDS):
        for name, call in subjects.items():
            found[name].append(p99(call))
    return compared("risk: one order judged, p99", "us", found, PEER)
