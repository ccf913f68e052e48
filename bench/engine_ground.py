"""What an engine stands on in the benchmarks: one market that never moves, and a venue that answers at once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from time import monotonic_ns
from typing import Final

from core.connectors.base import AccountView, EventSink, NewOrder, OrderRef, SendGate
from core.connectors.lighter.encode import CreateTx, encode_order
from core.connectors.lighter.signer import Signer
from core.decisions import Refused, Sent, TxOutcome
from core.events import (
    FillsBegin,
    LinkChanged,
    LinkHealth,
    LinkName,
    LinkStatus,
    MarketsListed,
    OrderReport,
    OrdersReported,
)
from core.limits import RiskLimits
from core.model import (
    Account,
    BookStatus,
    BookView,
    Fill,
    Market,
    OrderIntent,
    OrderStatus,
    OrderType,
    Quote,
    Side,
    TimeInForce,
)
from core.state import BudgetUse
from core.tape import Candle, Resolution, Tape
from core.units import AccountIndex, ClientOrderId, MarketId, TradeId, VenueOrderId

ETH: Final = Market(
    id=MarketId(0),
    symbol="ETH",
    price_decimals=2,
    size_decimals=4,
    min_size=Decimal("0.005"),
    min_notional=Decimal(10),
)
QUOTE: Final = Quote(
    market_id=ETH.id,
    status=BookStatus.LIVE,
    bid=Decimal(2_000),
    ask=Decimal(2_001),
    mark=Decimal(2_000),
    received_ns=1,
)
INTENT: Final = OrderIntent(
    market_id=ETH.id,
    side=Side.BUY,
    type=OrderType.LIMIT,
    size=Decimal("0.1"),
    price=Decimal("1990.00"),
    tif=TimeInForce.GTT,
)
ACCOUNT: Final = Account(
    index=AccountIndex(1), equity=Decimal(10_000), collateral=Decimal(10_000), available=Decimal(10_000)
)
LIMITS: Final = RiskLimits(duplicate_window_ms=0, max_messages=100_000)
"""Every limit is checked; only that orders come fast and all alike is no reason to deny one."""
LIVE: Final = tuple(LinkHealth(name=name, status=LinkStatus.LIVE, skew_ms=0) for name in LinkName)


def over(order: NewOrder, number: int, time_us: int) -> OrdersReported:
    """The venue's word that this order has ended."""
    intent = order.intent
    report = OrderReport(
        venue_id=VenueOrderId(2**48 + number),
        client_id=order.client_id,
        market_id=intent.market_id,
        side=intent.side,
        type=intent.type,
        tif=intent.tif,
        price=intent.price,
        size=intent.size,
        filled=Decimal(0),
        filled_quote=Decimal(0),
        status=OrderStatus.CANCELED,
        time_us=time_us,
    )
    return OrdersReported(orders=(report,))


def encoded(order: NewOrder) -> CreateTx:
    """The order in the venue's integers."""
    tx = encode_order(order, ETH)
    if isinstance(tx, Refused):
        raise TypeError(tx.detail)
    return tx


class NullSending:
    """The sending half: signs for real and sends nowhere; `left` gets the moment at which bytes would have left."""

    def __init__(self, signer: Signer, left: Callable[[int], None]) -> None:
        self._signer = signer
        self._left = left
        self._sink: EventSink = lambda _: None
        self._number = 0

    async def submit(self, order: NewOrder, gate: SendGate) -> TxOutcome:
        signed = await self._signer.sign(encoded(order), self._number)
        stopped = gate()
        if isinstance(signed, Refused) or stopped is not None:
            raise AssertionError(f"an order did not leave: {signed} {stopped}")
        now_ns = monotonic_ns()
        self._left(now_ns)
        self._number += 1
        self._sink(over(order, self._number, self._number))
        return Sent(tx_hash=signed.tx_hash, sent_ns=now_ns, acked_ns=now_ns)

    async def cancel(self, ref: OrderRef) -> TxOutcome:
        return self._taken()

    async def cancel_all(self, market_id: MarketId | None, on_sent: Callable[[int], None]) -> TxOutcome:
        on_sent(monotonic_ns())
        return self._taken()

    async def submit_batch(self, orders: Sequence[NewOrder], gate: SendGate) -> tuple[TxOutcome, ...]:
        return tuple([await self.submit(order, gate) for order in orders])

    async def modify(self, ref: OrderRef, size: Decimal, price: Decimal, gate: SendGate) -> TxOutcome:
        return self._taken()

    async def schedule_cancel_all(self, at_us: int) -> TxOutcome:
        return self._taken()

    async def abort_scheduled(self) -> TxOutcome:
        return self._taken()

    async def set_leverage(
        self, market_id: MarketId, leverage: int, gate: SendGate, *, is_isolated: bool = False
    ) -> TxOutcome:
        return self._taken()

    @staticmethod
    def _taken() -> Sent:
        now_ns = monotonic_ns()
        return Sent(tx_hash="", sent_ns=now_ns, acked_ns=now_ns)


class NullVenue(NullSending):
    """A connector that sends nowhere, at a venue where nothing happens but that every order ends at once."""

    name = "nowhere"
    identity = "a benchmark"
    markets: Mapping[MarketId, Market] = {ETH.id: ETH}

    async def start(self, sink: EventSink) -> None:
        self._sink = sink
        sink(MarketsListed(markets=(ETH,)))
        sink(FillsBegin(after=TradeId(0)))
        for link in LIVE:
            sink(LinkChanged(link=link))

    async def close(self) -> None:
        await asyncio.sleep(0)

    def drain_quotes(self) -> tuple[Quote, ...]:
        return ()

    def quote(self, market_id: MarketId) -> Quote:
        return QUOTE

    def book(self, market_id: MarketId, depth: int) -> BookView:
        return BookView(market_id=market_id, status=BookStatus.LIVE)

    def links(self) -> tuple[LinkHealth, ...]:
        return LIVE

    def budgets(self) -> tuple[BudgetUse, ...]:
        return ()

    async def open_orders(self) -> tuple[OrderReport, ...]:
        return ()

    async def find_order(self, client_id: ClientOrderId, market_id: MarketId) -> OrderReport | None:
        return None

    async def fills_after(self, trade_id: int) -> tuple[Fill, ...]:
        return ()

    async def account_view(self) -> AccountView:
        return AccountView(account=ACCOUNT, positions=())

    def trades(self, market_id: MarketId) -> Tape:
        return Tape(market_id=market_id, status=BookStatus.EMPTY)

    async def candles(self, market_id: MarketId, resolution: Resolution, count: int) -> tuple[Candle, ...]:
        return ()
