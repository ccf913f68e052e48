"""Engine states and tasks for tests of the bot: running, active, two live markets, ten thousand USDC."""

from dataclasses import replace
from decimal import Decimal

from core.clock import SECOND_NS, Instant
from core.decisions import TradingState
from core.model import (
    Account,
    Fill,
    Liquidity,
    Order,
    OrderIntent,
    OrderStatus,
    OrderTask,
    OrderType,
    Origin,
    OriginKind,
    Priority,
    Side,
    TimeInForce,
)
from core.state import EnginePhase, EngineState
from core.units import AccountIndex, ClientOrderId, MarketId, TaskId, TradeId, VenueOrderId
from tests.support.risk_world import ETH, ETH_ID, ETH_QUOTE, SOL, SOL_QUOTE

ACCOUNT = Account(index=AccountIndex(1), equity=Decimal(10_000), collateral=Decimal(10_000), available=Decimal(10_000))
MAKER = Origin(OriginKind.STRATEGY, "maker")


def moment(milliseconds: int = 0) -> Instant:
    """So many milliseconds after the test's beginning."""
    return Instant(
        mono_ns=1_000 * SECOND_NS + milliseconds * 1_000_000, utc_us=1_700_000_000_000_000 + milliseconds * 1_000
    )


def state(milliseconds: int = 0, **changes: object) -> EngineState:
    """A calm, running engine at that moment; `changes` replace fields."""
    calm = EngineState(
        seq=milliseconds,
        published=moment(milliseconds),
        phase=EnginePhase.RUNNING,
        trading=TradingState.ACTIVE,
        markets=(ETH, SOL),
        quotes=(ETH_QUOTE, SOL_QUOTE),
        account=ACCOUNT,
    )
    return replace(calm, **changes)


def task(
    number: int = 1,
    side: Side = Side.BUY,
    price: str = "1999.00",
    status: OrderStatus = OrderStatus.ACCEPTED,
    *,
    market_id: MarketId = ETH_ID,
    origin: Origin = MAKER,
    size: str = "0.1000",
    filled: str = "0",
) -> OrderTask:
    """A strategy's resting quote; client id, venue id and task id follow from `number`."""
    intent = OrderIntent(
        market_id=market_id,
        side=side,
        type=OrderType.LIMIT,
        size=Decimal(size),
        price=Decimal(price),
        tif=TimeInForce.POST_ONLY,
    )
    order = Order(
        intent=intent,
        status=status,
        client_id=ClientOrderId(number),
        venue_id=VenueOrderId(2**48 + number),
        filled=Decimal(filled),
    )
    return OrderTask(id=TaskId(number), origin=origin, priority=Priority.STRATEGY, order=order)


def fill(trade: int, client: int | None, side: Side = Side.BUY) -> Fill:
    """One small fill in ETH of the order with that client id."""
    return Fill(
        trade_id=TradeId(trade),
        market_id=ETH_ID,
        side=side,
        size=Decimal("0.01"),
        price=Decimal(2_000),
        fee=Decimal(0),
        liquidity=Liquidity.MAKER,
        venue_order_id=VenueOrderId(2**48 + (client or 0)),
        client_order_id=None if client is None else ClientOrderId(client),
        time_us=trade,
    )
