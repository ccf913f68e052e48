"""Drives the pure machine by hand: time moves when told, effects are kept, the venue is whatever the test says."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from msgspec import structs

from core.clock import Instant, ManualClock
from core.commands import Command, Kill, SubmitOrder
from core.connectors.base import NewOrder
from core.decisions import Sent, TradingState
from core.engine import effects as fx
from core.engine.effects import Effect, EngineInput
from core.engine.facts import Facts
from core.engine.machine import Machine
from core.engine.order_map import Tracked
from core.engine.records import JournalImage, SavedFill, SavedMeta, SavedOrder
from core.events import (
    AccountReported,
    CancelAllResolved,
    FillReported,
    FillsBegin,
    LinkChanged,
    LinkHealth,
    LinkName,
    LinkStatus,
    MarketsListed,
    OpenOrdersListed,
    OrderReport,
    OrderSendResolved,
    OrdersReported,
    PositionsReported,
    QuotesChanged,
    Ticked,
)
from core.limits import RiskLimits
from core.model import Account, Fill, Liquidity, OrderIntent, OrderStatus, OrderTask, Position, Side, TradeKey
from core.risk import BreakerPanel, RiskManager
from core.state import EnginePhase, KillStatus
from core.units import ZERO, AccountIndex, ClientOrderId, MarketId, TaskId, TradeId, VenueOrderId
from tests.support.fake_connector import ETH, MARKETS, FakeConnector, intent, report_of

WORLD = "fake account 1"
SENT = Sent(tx_hash="00", sent_ns=0, acked_ns=0)
_E = TypeVar("_E")

EMPTY_IMAGE = JournalImage(live=(), meta={}, next_client_id=ClientOrderId(1), next_task_id=TaskId(1), recent_trades=())


@dataclass
class Bench:
    """One machine, its clock, and a journal that is a few lists."""

    image: JournalImage = EMPTY_IMAGE
    world: str = WORLD
    recent_limit: int = 8
    deadman_s: int | None = None
    limits: RiskLimits = field(default_factory=lambda: RiskLimits(duplicate_window_ms=0, max_messages=100_000))
    effects: list[Effect] = field(default_factory=list)
    orders: dict[ClientOrderId, SavedOrder] = field(default_factory=dict)
    fills: dict[TradeKey, SavedFill] = field(default_factory=dict)
    """Every fill ever persisted; a second of one trade fails the test."""
    meta: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = ManualClock(mono_ns=1_000_000_000)
        facts = Facts(
            self.image, RiskManager(self.limits), BreakerPanel.closed(TradingState.REDUCING), self.recent_limit
        )
        self.machine = Machine(facts, self.image, self.world, self.now, self.deadman_s)
        self.facts = facts
        self._venue_ids = 2**48
        self._trades = 0
        self.keep(self.machine.start())

    @property
    def now(self) -> Instant:
        return self.clock.now()

    @property
    def kill(self) -> KillStatus:
        return self.facts.standing.kill

    @property
    def phase(self) -> EnginePhase:
        return self.facts.standing.phase

    # --- in ---

    def tell(self, *events: EngineInput) -> None:
        for event in events:
            self.keep(self.machine.on_event(event, self.now))

    def wish(self, *commands: Command) -> None:
        for command in commands:
            self.keep(self.machine.on_command(command, self.now))
        while self.machine.next_market() is not None:
            self.keep(self.machine.dispatch(self.now))

    def wait(self, *, ms: int = 0, seconds: int = 0) -> None:
        """Let time pass in beats of 50 ms."""
        for _ in range((ms + 1_000 * seconds) // 50):
            self.clock.advance(us=50_000)
            self.tell(Ticked())

    def connect(self, *listed: OrderReport, positions: tuple[Position, ...] = ()) -> None:
        """Start up to the point where trading may begin."""
        account = Account(index=AccountIndex(1), equity=Decimal(1_000), collateral=Decimal(1_000), available=Decimal(1))
        self.tell(
            MarketsListed(markets=MARKETS),
            QuotesChanged(quotes=tuple(FakeConnector().quotes.values())),
            LinkChanged(link=LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.LIVE)),
            FillsBegin(after=TradeId(0)),
            fx.ConnectorStarted(),
            AccountReported(account=account),
            PositionsReported(positions=positions, is_complete=True),
        )
        self.lists(*listed)

    def lists(self, *listed: OrderReport, asked_ns: int | None = None) -> None:
        self.tell(OpenOrdersListed(orders=listed, asked_ns=self.now.mono_ns if asked_ns is None else asked_ns))

    def quote(self, *, bid: Decimal, market_id: MarketId = ETH) -> None:
        """The market moves, one USDC wide."""
        quote = replace(self.facts.quotes[market_id], bid=bid, ask=bid + 1, mark=bid)
        self.tell(QuotesChanged(quotes=(quote,)))

    def submit(self, wanted: OrderIntent | None = None) -> NewOrder:
        """Submit an order and see it leave."""
        self.effects.clear()
        self.wish(SubmitOrder(intent=wanted or intent()))
        (sent,) = self.of(fx.SendOrder)
        return sent.order

    def rest(self, wanted: OrderIntent | None = None) -> OrderReport:
        """An order that was sent, taken, and shown."""
        order = self.submit(wanted)
        self.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
        report = self.report(order)
        self.tell(OrdersReported(orders=(report,)))
        return report

    def submit_denied(self) -> None:
        """An order that is decided at once and never leaves."""
        self.effects.clear()
        self.wish(SubmitOrder(intent=intent()))
        assert not self.of(fx.SendOrder)

    def submit_and_end(self, fill_by_ns: int | None = None) -> ClientOrderId:
        """An order that was sent, shown, and cancelled at once by the venue."""
        self.effects.clear()
        self.wish(SubmitOrder(intent=intent(), fill_by_ns=fill_by_ns))
        (sent,) = self.of(fx.SendOrder)
        self.tell(OrderSendResolved(client_id=sent.order.client_id, outcome=SENT))
        self.tell_ended(self.report(sent.order))
        return sent.order.client_id

    def tell_ended(self, report: OrderReport, status: OrderStatus = OrderStatus.CANCELED) -> None:
        self.tell(OrdersReported(orders=(self.ended(report, status),)))

    def press(self) -> None:
        self.effects.clear()
        self.wish(Kill(by="test", pressed_ns=self.now.mono_ns))

    def cancel_all_taken(self) -> None:
        self.tell(fx.CancelAllSent(sent_ns=self.now.mono_ns), CancelAllResolved(market_id=None, outcome=SENT))

    # --- what a venue would say ---

    def report(self, order: NewOrder, status: OrderStatus = OrderStatus.ACCEPTED, filled: str = "0") -> OrderReport:
        self._venue_ids += 1
        self.clock.advance(us=10)
        return report_of(order, self._venue_ids, status, self.now.utc_us, filled)

    def ended(self, report: OrderReport, status: OrderStatus = OrderStatus.CANCELED, filled: str = "0") -> OrderReport:
        self.clock.advance(us=10)
        return replace(report, status=status, time_us=self.now.utc_us, filled=Decimal(filled))

    def fill_of(self, report: OrderReport, size: str) -> Fill:
        self._trades += 1
        self.clock.advance(us=10)
        return Fill(
            trade_id=TradeId(self._trades),
            market_id=report.market_id,
            side=report.side,
            size=Decimal(size),
            price=report.price,
            fee=ZERO,
            liquidity=Liquidity.MAKER,
            venue_order_id=report.venue_id,
            client_order_id=report.client_id,
            time_us=self.now.utc_us,
        )

    def fill(self, report: OrderReport, size: str) -> Fill:
        fill = self.fill_of(report, size)
        self.tell(FillReported(fill=fill))
        return fill

    # --- out ---

    def keep(self, effects: list[Effect]) -> None:
        """Keep effects; the journal writes, and answers questions at once."""
        self.effects += effects
        for effect in effects:
            match effect:
                case fx.Persist(records=records):
                    for record in records:
                        self._write(record)
                case fx.ResolveFill(fill=fill):
                    self.tell(fx.FillResolved(fill=fill, saved=self._find(fill), is_booked=fill.key in self.fills))
                case fx.FindOwner(venue_id=venue_id, client_id=client_id):
                    saved = self.orders.get(client_id)
                    self.tell(fx.OwnerFound(venue_id=venue_id, saved=None if saved is None else self._summed(saved)))
                case _:
                    pass

    def of(self, kind: type[_E]) -> list[_E]:
        """Effects of one kind since the last clearing."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def tracked(self, client_id: ClientOrderId) -> Tracked:
        found = self.facts.orders.find(client_id=client_id)
        assert found is not None
        return found

    def status(self, client_id: ClientOrderId | None) -> OrderStatus:
        assert client_id is not None
        return self.tracked(client_id).status

    def task(self, client_id: ClientOrderId | None) -> OrderTask:
        assert client_id is not None
        return self.tracked(client_id).task()

    def position(self, market_id: MarketId = ETH) -> Decimal:
        return self.facts.ledger.readings(market_id)[0]

    def texts(self) -> str:
        return "\n".join(notice.text for notice in self.facts.notices.all())

    def _write(self, record: object) -> None:
        match record:
            case SavedOrder(order=order) if order.client_id is not None and record.task_id is not None:
                self.orders[order.client_id] = record
            case SavedFill(fill=fill):
                assert fill.key not in self.fills, "a fill was booked twice"
                self.fills[fill.key] = record
            case SavedMeta(key=key, value=value):
                self.meta[key] = value
            case _:
                pass

    def _find(self, fill: Fill) -> SavedOrder | None:
        if fill.client_order_id is not None and fill.client_order_id in self.orders:
            return self._summed(self.orders[fill.client_order_id])
        by_venue = (saved for saved in self.orders.values() if saved.order.venue_id == fill.venue_order_id)
        found = next(by_venue, None)
        return None if found is None else self._summed(found)

    def _summed(self, saved: SavedOrder) -> SavedOrder:
        """The order with what its fills in the journal add up to."""
        fills = [one.fill for one in self.fills.values() if one.fill.venue_order_id == saved.order.venue_id]
        return structs.replace(
            saved,
            booked=sum((fill.size for fill in fills), ZERO),
            booked_quote=sum((fill.size * fill.price for fill in fills), ZERO),
        )

    def restarted(self, trades_kept: int = 1_000) -> "Bench":
        """A new engine on the same journal, which hands over only so many trade ids."""
        image = JournalImage(
            live=tuple(self._summed(one) for one in self.orders.values() if not one.order.status.is_closed),
            meta=dict(self.meta),
            next_client_id=ClientOrderId(max(self.orders, default=0) + 1),
            next_task_id=TaskId(max((saved.task_id or 0 for saved in self.orders.values()), default=0) + 1),
            recent_trades=tuple(sorted(self.fills, key=lambda trade: -trade[0]))[:trades_kept],
        )
        fresh = Bench(
            image=image, world=self.world, recent_limit=self.recent_limit, limits=self.limits, deadman_s=self.deadman_s
        )
        fresh.orders.update({**self.orders, **fresh.orders})
        fresh.fills.update(self.fills)
        fresh.meta = {**self.meta, **fresh.meta}
        fresh._trades, fresh._venue_ids = self._trades, self._venue_ids
        fresh.clock.advance(us=self.now.utc_us - fresh.now.utc_us)
        return fresh


def sized(report: OrderReport, venue_id: int) -> OrderReport:
    """The same report under another venue id."""
    return replace(report, venue_id=VenueOrderId(venue_id))


def buy(size: str = "0.1", price: str = "1900.00") -> OrderIntent:
    return intent(Side.BUY, size, price)


def sell(size: str = "0.1", price: str = "2100.00") -> OrderIntent:
    return intent(Side.SELL, size, price)
