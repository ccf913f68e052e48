"""An engine handle without an engine: shows states it is given and remembers every wish."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from decimal import Decimal

from core.clock import SECOND_US, ManualClock
from core.commands import Command, ExitPolicy
from core.decisions import Approved, Denied, DenyReason, RiskDecision, TradingState
from core.events import LinkHealth, LinkName, LinkStatus, NoticeLevel
from core.history import HistoryQuery, HistoryRow
from core.limits import RiskLimits
from core.look import MarketLook, nothing_yet
from core.model import (
    OPERATOR,
    Account,
    BookStatus,
    BookView,
    Market,
    Order,
    OrderIntent,
    OrderMapEntry,
    OrderMapSide,
    OrderStatus,
    OrderTask,
    OrderType,
    Origin,
    OriginKind,
    Position,
    Priority,
    Quote,
    Side,
    TimeInForce,
)
from core.state import (
    BreakerStatus,
    EnginePhase,
    EngineState,
    ExitReport,
    KillPhase,
    KillStatus,
    LimitsInForce,
    LimitUse,
    Notice,
    StrategyStatus,
    TimingUse,
)
from core.units import AccountIndex, ClientOrderId, MarketId, TaskId, VenueOrderId, round_to

START_US = 1_790_000_000 * SECOND_US
START_NS = 5_000_000_000_000
MAKER = Origin(OriginKind.STRATEGY, "maker")

_MARKETS = (
    ("ETH", "3021.55", 2, 4),
    ("BTC", "112345.1", 1, 5),
    ("SOL", "184.213", 3, 3),
    ("DOGE", "0.213370", 6, 0),
    ("1000PEPE", "0.011852", 6, 0),
    ("WIF", "0.88123", 5, 1),
    ("WLD", "1.10342", 5, 1),
    ("XRP", "2.843310", 6, 0),
    ("LINK", "21.91800", 5, 1),
    ("AVAX", "28.40110", 4, 2),
    ("NEAR", "2.61442", 5, 1),
    ("HYPE", "47.1123", 4, 2),
)


def a_clock() -> ManualClock:
    return ManualClock(utc_us=START_US, mono_ns=START_NS)


def some_markets() -> tuple[Market, ...]:
    return tuple(
        Market(
            id=MarketId(index),
            symbol=symbol,
            price_decimals=price_decimals,
            size_decimals=size_decimals,
            min_size=Decimal(1).scaleb(-size_decimals) * 10,
            min_notional=Decimal(10),
        )
        for index, (symbol, _price, price_decimals, size_decimals) in enumerate(_MARKETS)
    )


def a_quote(market: Market, *, step: int = 0, status: BookStatus = BookStatus.LIVE, reason: str = "") -> Quote:
    mid = round_to(Decimal(_MARKETS[market.id][1]), market.price_decimals) + market.tick * step
    return Quote(
        market_id=market.id,
        status=status,
        reason=reason,
        bid=mid - market.tick,
        bid_size=market.step * (1234 + step),
        ask=mid + market.tick,
        ask_size=market.step * (987 - step % 100),
        last=mid,
        mark=mid,
        index=mid,
        change_24h=Decimal("2.31") - Decimal(int(market.id)) / 2,
        funding_rate=Decimal("0.0012") * (1 if market.id % 2 else -1),
        received_ns=START_NS,
    )


def an_intent(market: Market, side: Side = Side.BUY, size: str = "0.5", price: str | None = None) -> OrderIntent:
    return OrderIntent(
        market_id=market.id,
        side=side,
        type=OrderType.LIMIT,
        size=round_to(Decimal(size), market.size_decimals),
        price=round_to(Decimal(price or _MARKETS[market.id][1]), market.price_decimals),
        tif=TimeInForce.POST_ONLY,
    )


def an_entry(
    number: int,
    market: Market,
    status: OrderStatus = OrderStatus.ACCEPTED,
    side: OrderMapSide = OrderMapSide.BOTH,
    buy: Side = Side.BUY,
) -> OrderMapEntry:
    order = Order(
        intent=an_intent(market, buy),
        status=status,
        client_id=None if side is OrderMapSide.VENUE else ClientOrderId(1_763_800_000_000 + number),
        venue_id=None if side is OrderMapSide.OURS else VenueOrderId(2**48 + 700 + number),
        filled=Decimal("0.1") if status is OrderStatus.PARTIALLY_FILLED else Decimal(0),
        created_us=START_US,
    )
    return OrderMapEntry(
        side=side,
        order=order,
        task_id=None if side is OrderMapSide.VENUE else TaskId(number),
        origin=MAKER,
        since_ns=START_NS,
    )


def a_task(entry: OrderMapEntry, number: int) -> OrderTask:
    return OrderTask(
        id=TaskId(number),
        origin=OPERATOR if number % 3 == 0 else MAKER,
        priority=Priority.STRATEGY,
        order=entry.order,
        created_ns=START_NS,
    )


def some_entries(markets: tuple[Market, ...]) -> tuple[OrderMapEntry, ...]:
    return (
        an_entry(1, markets[0]),
        an_entry(2, markets[0], buy=Side.SELL),
        an_entry(3, markets[2], OrderStatus.PARTIALLY_FILLED),
        an_entry(4, markets[2], OrderStatus.PENDING_CANCEL, buy=Side.SELL),
        an_entry(5, markets[1], OrderStatus.UNKNOWN, OrderMapSide.OURS),
        an_entry(6, markets[3], OrderStatus.ACCEPTED, OrderMapSide.VENUE),
    )


def some_limits(markets: tuple[Market, ...]) -> tuple[LimitUse, ...]:
    use = LimitUse
    return (
        use(name="max_gross_notional", scope="all", used=Decimal(81_234), limit=Decimal(200_000), unit="USDC"),
        use(name="max_open_orders", scope="all", used=Decimal(6), limit=Decimal(60), unit="orders"),
        *(
            use(
                name="max_position_notional",
                scope=market.symbol,
                used=Decimal(48_000 - 4_000 * int(market.id)),
                limit=Decimal(50_000),
                unit="USDC",
            )
            for market in markets
        ),
        use(name="max_order_size", scope="BTC", used=Decimal("0.5"), limit=Decimal("0.5"), unit="BTC"),
    )


def a_state(clock: ManualClock, **changes: object) -> EngineState:
    """A running engine on 12 markets; `changes` are fields of `EngineState`."""
    markets = some_markets()
    entries = some_entries(markets)
    now = clock.now()
    state = EngineState(
        seq=1,
        published=now,
        phase=EnginePhase.RUNNING,
        profile="paper",
        venue="paper 127.0.0.1:43117",
        trading=TradingState.ACTIVE,
        breakers=(BreakerStatus(market_id=None), *(BreakerStatus(market_id=market.id) for market in markets)),
        links=tuple(LinkHealth(name=name, status=LinkStatus.LIVE, last_message_ns=now.mono_ns) for name in LinkName),
        markets=markets,
        quotes=tuple(a_quote(market) for market in markets),
        positions=(
            Position(market_id=markets[0].id, size=Decimal("1.2500"), entry_price=Decimal(3000)),
            Position(market_id=markets[2].id, size=Decimal("-40.000"), entry_price=Decimal(185)),
        ),
        account=Account(
            index=AccountIndex(7), equity=Decimal("100234.12"), collateral=Decimal(100_000), available=Decimal(91_000)
        ),
        day_pnl=Decimal("234.12"),
        tasks=tuple(a_task(entry, number) for number, entry in enumerate(entries[:5], 1)),
        is_listed=True,
        order_map=entries,
        limits=some_limits(markets),
        rules=LimitsInForce(limits=RiskLimits()),
        timings=(
            TimingUse(name="order: submit to sent", count=120, median_us=1_840, p99_us=6_120, most_us=9_900),
            TimingUse(name="order: sent to ack", count=120, median_us=41_300, p99_us=88_750, most_us=120_000),
            TimingUse(name="engine loop: lag", count=512, median_us=210, p99_us=1_900, most_us=3_050),
        ),
        journal_depth=2,
        strategies=(StrategyStatus(name="maker", is_running=True, markets=("ETH", "SOL")),),
        notices=(
            Notice(seq=1, at_us=now.utc_us, level=NoticeLevel.INFO, source="engine", text="reconciled: 6 orders"),
            Notice(seq=2, at_us=now.utc_us, level=NoticeLevel.WARN, source="order map", text="1 order is venue only"),
        ),
    )
    return replace(state, **changes)  # type: ignore[arg-type]


class FakeEngine:
    """Implements `tui.bridge.EngineHandle`."""

    def __init__(self, clock: ManualClock | None = None, state: EngineState | None = None) -> None:
        self.clock = clock or a_clock()
        self.current = state or a_state(self.clock)
        self.commands: list[Command] = []
        self.kills: list[tuple[str, int]] = []
        self.stops: list[tuple[ExitPolicy, str]] = []
        self.decision: RiskDecision = Approved()
        self.previewed: list[OrderIntent] = []
        self.log: list[HistoryRow] = []
        self.queries: list[HistoryQuery] = []
        self.log_fault: Exception | None = None
        self.looks: dict[MarketId, MarketLook] = {}
        self.looked_at: tuple[MarketId, int] | None = None
        self.report: ExitReport | None = None
        self.failure: Exception | None = None
        self.takes_up_kills = True
        self.ends_when_asked = True
        self.gone = threading.Event()
        """Set once the desk was seen to be gone."""
        self._end = threading.Event()

    def run(self, should_stop: Callable[[], bool]) -> None:
        while not self._end.wait(0.01):
            if should_stop():
                self.gone.set()
                break
        if self.failure is not None:
            raise self.failure
        if self.report is None:
            self.report = ExitReport(is_clean=True, text="every order is cancelled")

    def state(self) -> EngineState:
        return self.current

    def book(self, market_id: MarketId, depth: int) -> BookView:
        return BookView(market_id=market_id, status=BookStatus.EMPTY)

    def look(self, market_id: MarketId, depth: int) -> MarketLook:
        self.looked_at = (market_id, depth)
        return self.looks.get(market_id) or nothing_yet(market_id)

    def submit(self, command: Command) -> None:
        self.commands.append(command)

    def kill(self, by: str, pressed_ns: int) -> None:
        self.kills.append((by, pressed_ns))
        if self.takes_up_kills and not self.current.kill.is_latched:
            self.publish(
                trading=TradingState.HALTED,
                kill=KillStatus(
                    phase=KillPhase.REQUESTED,
                    by=by,
                    at_us=self.clock.now().utc_us,
                    pressed_ns=pressed_ns,
                    may_be_live=6,
                ),
            )

    def preview(self, intent: OrderIntent) -> RiskDecision:
        self.previewed.append(intent)
        return self.decision

    def history(self, query: HistoryQuery) -> "Future[tuple[HistoryRow, ...]]":
        """Answer with the rows put into `log`, by the limit alone."""
        answer: Future[tuple[HistoryRow, ...]] = Future()
        self.queries.append(query)
        if self.log_fault is not None:
            answer.set_exception(self.log_fault)
            return answer
        answer.set_result(tuple(self.log[: query.limit]))
        return answer

    def request_stop(self, policy: ExitPolicy, reason: str) -> None:
        self.stops.append((policy, reason))
        if self.ends_when_asked:
            self._end.set()

    def exit_report(self) -> ExitReport | None:
        return self.report

    def publish(self, **changes: object) -> EngineState:
        """The next state: the last one with these fields changed, published now."""
        self.current = replace(
            self.current,
            seq=self.current.seq + 1,
            published=self.clock.now(),
            **changes,  # type: ignore[arg-type]
        )
        return self.current

    def end(self) -> None:
        """End by itself, as an engine does that cannot go on."""
        self._end.set()


def denied() -> Denied:
    return Denied(DenyReason.MAX_ORDER_NOTIONAL, "75,000.00 USDC is more than 25,000 USDC")
