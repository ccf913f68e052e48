"""A fake venue at the `Connector` seam: one account, scriptable outcomes, everything it was asked kept for the test.

It matches nothing by itself: a test decides what rests, fills, gets lost or is refused.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import Enum, auto

from core.connectors.base import AccountView, EventSink, Leg, NewOrder, OrderRef, SendGate
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.errors import LighterTuiError, LinkDown
from core.events import (
    FillReported,
    FillsBegin,
    LinkChanged,
    LinkHealth,
    LinkName,
    LinkStatus,
    MarketsListed,
    OpenOrdersListed,
    OrderReport,
    OrdersReported,
)
from core.model import (
    Account,
    BookStatus,
    BookView,
    Fill,
    Level,
    Liquidity,
    Market,
    OrderIntent,
    OrderStatus,
    OrderType,
    Position,
    Quote,
    Side,
    TimeInForce,
)
from core.state import BudgetUse
from core.tape import Candle, Resolution, Tape
from core.units import ZERO, AccountIndex, ClientOrderId, MarketId, TradeId, VenueOrderId

ETH = MarketId(0)
BTC = MarketId(1)
MARKETS = (
    Market(
        id=ETH, symbol="ETH", price_decimals=2, size_decimals=4, min_size=Decimal("0.005"), min_notional=Decimal(10)
    ),
    Market(
        id=BTC, symbol="BTC", price_decimals=1, size_decimals=5, min_size=Decimal("0.0002"), min_notional=Decimal(10)
    ),
)


def intent(side: Side = Side.BUY, size: str = "0.1", price: str = "1900.00", market_id: MarketId = ETH) -> OrderIntent:
    """A limit order that risk lets pass."""
    return OrderIntent(
        market_id=market_id,
        side=side,
        type=OrderType.LIMIT,
        size=Decimal(size),
        price=Decimal(price),
        tif=TimeInForce.GTT,
    )


def report_of(order: NewOrder, venue_id: int, status: OrderStatus, time_us: int, filled: str = "0") -> OrderReport:
    """A venue's report of one of our orders."""
    wanted = order.intent
    return OrderReport(
        venue_id=VenueOrderId(venue_id),
        client_id=order.client_id,
        market_id=wanted.market_id,
        side=wanted.side,
        type=wanted.type,
        tif=wanted.tif,
        price=wanted.price,
        size=wanted.size,
        filled=Decimal(filled),
        filled_quote=Decimal(filled) * wanted.price,
        status=status,
        time_us=time_us,
    )


class Fate(Enum):
    """What becomes of the next order sent."""

    REST = auto()
    REFUSE = auto()
    """Refused by the API."""
    LAND_UNSEEN = auto()
    """It rests, the reply is lost, and no stream tells."""
    VANISH_UNSEEN = auto()
    """It never arrives, and the reply is lost."""
    DROP = auto()
    """Taken, and silently dropped by the sequencer."""


class FakeConnector:
    """A venue under a test's command."""

    def __init__(self, identity: str = "fake account 1") -> None:
        self._identity = identity
        self.sink: EventSink | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread_id = 0
        self.start_errors: deque[LighterTuiError] = deque()
        self.starts = 0
        self.is_closed = False
        self.is_rest_down = False
        self.fates: deque[Fate] = deque()
        self.cancel_all_outcomes: deque[TxOutcome] = deque()
        self.is_cancelling = True
        """Whether a cancel that is taken has any effect."""
        self.before_gate: Callable[[], None] | None = None
        """Called on the engine's loop between everything else and the gate."""
        self.hold_submits: asyncio.Event | None = None
        """When set, submits wait for it before they ask the gate."""
        self.hold_cancel_alls: asyncio.Event | None = None
        """When set, cancel-alls wait for it on their way to the venue."""
        self.open: dict[VenueOrderId, OrderReport] = {}
        self.ended: dict[VenueOrderId, OrderReport] = {}
        self.positions: dict[MarketId, Position] = {}
        self.equity = Decimal(10_000)
        self.submitted: list[NewOrder] = []
        """Orders whose bytes left."""
        self.groups: list[tuple[Leg, ...]] = []
        """Groups whose bytes left."""
        self.gated: list[tuple[ClientOrderId, str]] = []
        """Orders that the gate stopped, and its sentence."""
        self.cancelled: list[OrderRef] = []
        self.cancel_alls: list[int] = []
        self.scheduled: list[int | None] = []
        """Moments the dead-man's switch was armed for; None where it was disarmed."""
        self.leverages: dict[MarketId, int] = {}
        self.looked_up: list[ClientOrderId] = []
        self.lists = 0
        self.fills: list[Fill] = []
        self.tapes: dict[MarketId, Tape] = {}
        self.candle_rows: dict[tuple[MarketId, Resolution], tuple[Candle, ...]] = {}
        self.catch_ups: list[int] = []
        self.quotes: dict[MarketId, Quote] = {
            market.id: Quote(
                market_id=market.id,
                status=BookStatus.LIVE,
                bid=Decimal(2000),
                ask=Decimal(2001),
                mark=Decimal(2000),
                received_ns=1,
            )
            for market in MARKETS
        }
        self._venue_ids = 2**48
        self._trades = 0
        self._time_us = time.time_ns() // 1_000

    # --- the seam ---

    @property
    def name(self) -> str:
        return "fake 127.0.0.1:0"

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        return {market.id: market for market in MARKETS}

    async def start(self, sink: EventSink) -> None:
        self.starts += 1
        if self.start_errors:
            raise self.start_errors.popleft()
        self.sink = sink
        self.loop = asyncio.get_running_loop()
        self.thread_id = threading.get_ident()
        sink(MarketsListed(markets=MARKETS))
        sink(FillsBegin(after=max((fill.trade_id for fill in self.fills), default=TradeId(0))))
        for name in LinkName:
            sink(LinkChanged(link=LinkHealth(name=name, status=LinkStatus.LIVE)))

    async def close(self) -> None:
        self.is_closed = True

    def drain_quotes(self) -> tuple[Quote, ...]:
        return tuple(self.quotes.values())

    def quote(self, market_id: MarketId) -> Quote:
        return self.quotes[market_id]

    def book(self, market_id: MarketId, depth: int) -> BookView:
        levels = (Level(price=Decimal(2000), size=Decimal(1)),)
        return BookView(market_id=market_id, status=BookStatus.LIVE, bids=levels[:depth], seq=1)

    def trades(self, market_id: MarketId) -> Tape:
        return self.tapes.get(market_id, Tape(market_id=market_id, status=BookStatus.LIVE))

    async def candles(self, market_id: MarketId, resolution: Resolution, count: int) -> tuple[Candle, ...]:
        await asyncio.sleep(0)
        if self.is_rest_down:
            raise LinkDown("the venue does not answer")
        return self.candle_rows.get((market_id, resolution), ())[-count:]

    def links(self) -> tuple[LinkHealth, ...]:
        return tuple(LinkHealth(name=name, status=LinkStatus.LIVE, skew_ms=0) for name in LinkName)

    def budgets(self) -> tuple[BudgetUse, ...]:
        return (BudgetUse(name="transactions", left=48, limit=60, reserve=12, unit="transactions"),)

    async def submit(self, order: NewOrder, gate: SendGate) -> TxOutcome:
        if self.hold_submits is not None:
            await self.hold_submits.wait()
        await asyncio.sleep(0)
        if self.before_gate is not None:
            self.before_gate()
        sentence = gate()
        if sentence is not None:
            self.gated.append((order.client_id, sentence))
            return Refused(0, sentence)
        self.submitted.append(order)
        fate = self.fates.popleft() if self.fates else Fate.REST
        match fate:
            case Fate.REST:
                self.rest(order)
            case Fate.REFUSE:
                return Refused(21_733, "accidental price")
            case Fate.LAND_UNSEEN:
                self.rest(order, is_told=False)
                return Unresolved("no reply within 5 s")
            case Fate.VANISH_UNSEEN:
                return Unresolved("no reply within 5 s")
            case Fate.DROP:
                pass
        now = time.monotonic_ns()
        return Sent(tx_hash="00", sent_ns=now, acked_ns=now)

    async def submit_group(self, legs: Sequence[Leg], gate: SendGate) -> TxOutcome:
        """One fate for all; the venue shows exits without a size until their lead fills."""
        await asyncio.sleep(0)
        if self.before_gate is not None:
            self.before_gate()
        sentence = gate()
        if sentence is not None:
            self.gated += [(leg.order.client_id, sentence) for leg in legs]
            return Refused(0, sentence)
        if len(legs) < 2:
            return Refused(0, "group: expected a lead with one or two exits, or two exits")
        self.groups.append(tuple(legs))
        fate = self.fates.popleft() if self.fates else Fate.REST
        if fate is Fate.REFUSE:
            return Refused(21_733, "accidental price")
        if fate in {Fate.REST, Fate.LAND_UNSEEN}:
            for leg in legs:
                self.rest(leg.order, is_told=fate is Fate.REST)
        if fate in {Fate.LAND_UNSEEN, Fate.VANISH_UNSEEN}:
            return Unresolved("no reply within 5 s")
        return self._sent("07")

    async def cancel(self, ref: OrderRef) -> TxOutcome:
        self.cancelled.append(ref)
        await asyncio.sleep(0)
        for report in tuple(self.open.values()) if self.is_cancelling else ():
            if ref.venue_id == report.venue_id or (ref.venue_id is None and ref.client_id == report.client_id):
                self.end(report.venue_id, OrderStatus.CANCELED)
        now = time.monotonic_ns()
        return Sent(tx_hash="01", sent_ns=now, acked_ns=now)

    async def cancel_all(self, market_id: MarketId | None, on_sent: Callable[[int], None]) -> TxOutcome:
        now = time.monotonic_ns()
        self.cancel_alls.append(now)
        await asyncio.sleep(0)
        if self.hold_cancel_alls is not None:
            await self.hold_cancel_alls.wait()
        if self.cancel_all_outcomes:
            return self.cancel_all_outcomes.popleft()
        on_sent(now)
        if self.is_cancelling:
            for venue_id, report in tuple(self.open.items()):
                if market_id in {None, report.market_id}:
                    self.end(venue_id, OrderStatus.CANCELED)
        return Sent(tx_hash="02", sent_ns=now, acked_ns=now)

    async def submit_batch(self, orders: Sequence[NewOrder], gate: SendGate) -> tuple[TxOutcome, ...]:
        return tuple([await self.submit(order, gate) for order in orders])

    async def modify(self, ref: OrderRef, size: Decimal, price: Decimal, gate: SendGate) -> TxOutcome:
        await asyncio.sleep(0)
        if (sentence := gate()) is not None:
            return Refused(0, sentence)
        for report in tuple(self.open.values()):
            if ref.venue_id == report.venue_id or (ref.venue_id is None and ref.client_id == report.client_id):
                newer = replace(report, size=size, price=price, time_us=self.time_us())
                self.open[report.venue_id] = newer
                self.emit(OrdersReported(orders=(newer,)))
                return self._sent("03")
        return Refused(21_600, "order is not active")

    async def schedule_cancel_all(self, at_us: int) -> TxOutcome:
        self.scheduled.append(at_us)
        return self._sent("04")

    async def abort_scheduled(self) -> TxOutcome:
        self.scheduled.append(None)
        return self._sent("05")

    async def set_leverage(
        self, market_id: MarketId, leverage: int, gate: SendGate, *, is_isolated: bool = False
    ) -> TxOutcome:
        self.leverages[market_id] = leverage
        return self._sent("06")

    @staticmethod
    def _sent(tx_hash: str) -> Sent:
        now = time.monotonic_ns()
        return Sent(tx_hash=tx_hash, sent_ns=now, acked_ns=now)

    async def open_orders(self) -> tuple[OrderReport, ...]:
        self.lists += 1
        await asyncio.sleep(0)
        if self.is_rest_down:
            raise LinkDown("the venue does not answer")
        return tuple(self.open.values())

    async def find_order(self, client_id: ClientOrderId, market_id: MarketId) -> OrderReport | None:
        self.looked_up.append(client_id)
        await asyncio.sleep(0)
        if self.is_rest_down:
            raise LinkDown("the venue does not answer")
        for report in (*self.open.values(), *self.ended.values()):
            if report.client_id == client_id and report.market_id == market_id:
                return report
        return None

    async def fills_after(self, trade_id: int) -> tuple[Fill, ...]:
        self.catch_ups.append(trade_id)
        await asyncio.sleep(0)
        if self.is_rest_down:
            raise LinkDown("the venue does not answer")
        return tuple(fill for fill in self.fills if fill.trade_id > trade_id)

    async def account_view(self) -> AccountView:
        await asyncio.sleep(0)
        if self.is_rest_down:
            raise LinkDown("the venue does not answer")
        account = Account(
            index=AccountIndex(1),
            equity=self.equity,
            collateral=self.equity,
            available=self.equity,
            cancel_all_us=self.scheduled[-1] if self.scheduled else None,
        )
        return AccountView(account=account, positions=tuple(self.positions.values()))

    # --- what a test does to it ---

    def emit(self, event: object) -> None:
        """Say something on the streams, from the test's thread or the loop's own."""
        assert self.sink is not None
        assert self.loop is not None
        if self.thread_id == threading.get_ident():
            self.sink(event)
        else:
            self.loop.call_soon_threadsafe(self.sink, event)

    def time_us(self) -> int:
        """The venue's next moment."""
        self._time_us = max(self._time_us + 1, time.time_ns() // 1_000)
        return self._time_us

    def rest(self, order: NewOrder, *, is_told: bool = True) -> OrderReport:
        """Let an order rest."""
        self._venue_ids += 1
        report = report_of(order, self._venue_ids, OrderStatus.ACCEPTED, self.time_us())
        self.open[report.venue_id] = report
        if is_told:
            self.emit(OrdersReported(orders=(report,)))
        return report

    def place_elsewhere(
        self, wanted: OrderIntent, client_id: int | None = None, *, is_told: bool = True
    ) -> OrderReport:
        """Somebody else on the account places an order."""
        self._venue_ids += 1
        number = ClientOrderId(client_id or 0)
        report = report_of(
            NewOrder(client_id=number, intent=wanted), self._venue_ids, OrderStatus.ACCEPTED, self.time_us()
        )
        if client_id is None:
            report = replace(report, client_id=None)
        self.open[report.venue_id] = report
        if is_told:
            self.emit(OrdersReported(orders=(report,)))
        return report

    def end(self, venue_id: VenueOrderId, status: OrderStatus, *, is_told: bool = True) -> OrderReport:
        """End an order."""
        report = replace(self.open.pop(venue_id), status=status, time_us=self.time_us())
        self.ended[venue_id] = report
        if is_told and self.sink is not None:
            self.emit(OrdersReported(orders=(report,)))
        return report

    def fill(self, report: OrderReport, size: str, *, trade_id: int | None = None, is_told: bool = True) -> Fill:
        """Fill some of an order: the trade comes first, then the order, as on the real streams either may."""
        self._trades += 1
        fill = Fill(
            trade_id=TradeId(trade_id or self._trades),
            market_id=report.market_id,
            side=report.side,
            size=Decimal(size),
            price=report.price,
            fee=ZERO,
            liquidity=Liquidity.MAKER,
            venue_order_id=report.venue_id,
            client_order_id=report.client_id,
            time_us=self.time_us(),
        )
        self.fills.append(fill)
        if is_told:
            self.emit(FillReported(fill=fill))
        resting = self.open.get(report.venue_id)
        if resting is not None:
            filled = resting.filled + fill.size
            is_whole = filled >= resting.size
            status = OrderStatus.FILLED if is_whole else OrderStatus.PARTIALLY_FILLED
            newer = replace(
                resting, filled=filled, filled_quote=filled * resting.price, status=status, time_us=fill.time_us
            )
            if is_whole:
                del self.open[report.venue_id]
                self.ended[report.venue_id] = newer
            else:
                self.open[report.venue_id] = newer
            if is_told:
                self.emit(OrdersReported(orders=(newer,)))
        return fill

    def list_now(self) -> None:
        """Tell the complete list, as the stream does on reconnect."""
        self.emit(OpenOrdersListed(orders=tuple(self.open.values()), asked_ns=time.monotonic_ns()))
