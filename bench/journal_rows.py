"""Orders and fills for the journal's benchmarks: ordinary lives, made of the engine's own records."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from msgspec import structs

from core.engine.records import Record, SavedFill, SavedLog, SavedOrder
from core.model import (
    Fill,
    Liquidity,
    Order,
    OrderIntent,
    OrderStatus,
    OrderType,
    Origin,
    OriginKind,
    Priority,
    Side,
    TimeInForce,
)
from core.units import ClientOrderId, MarketId, TaskId, TradeId, VenueOrderId

_MAKER = Origin(OriginKind.STRATEGY, "maker")


def saved_order(number: int) -> SavedOrder:
    """Order `number` as it is sent."""
    intent = OrderIntent(
        market_id=MarketId(number % 50),
        side=Side.BUY,
        type=OrderType.LIMIT,
        size=Decimal("0.0050"),
        price=Decimal("68000.1"),
        tif=TimeInForce.POST_ONLY,
    )
    order = Order(
        intent=intent, status=OrderStatus.SUBMITTING, client_id=ClientOrderId(number), created_us=1, updated_us=2
    )
    return SavedOrder(order=order, origin=_MAKER, priority=Priority.STRATEGY, task_id=TaskId(number))


def lives(orders: int) -> Iterator[list[Record]]:
    """Every change of every order: sent, answered, accepted, filled; a hundred orders side by side.

    As in the engine, an order keeps its intent from change to change.
    """
    for first in range(1, orders + 1, 100):
        sent = [saved_order(number) for number in range(first, min(first + 100, orders + 1))]
        yield from ([one] for one in sent)
        yield from ([_answer(one)] for one in sent)
        yield from ([_accepted(one)] for one in sent)
        yield from (the_last_of(one) for one in sent)


def the_last_of(sent: SavedOrder) -> list[Record]:
    """What is written when an order is filled."""
    number = _number(sent)
    filled = _later(
        sent,
        status=OrderStatus.FILLED,
        venue_id=VenueOrderId(2**50 + number),
        filled=Decimal("0.0050"),
        filled_quote=Decimal("340.0005"),
    )
    fill = Fill(
        trade_id=TradeId(number),
        market_id=MarketId(number % 50),
        side=Side.BUY,
        size=Decimal("0.0050"),
        price=Decimal("68000.1"),
        fee=Decimal("0.0190"),
        liquidity=Liquidity.MAKER,
        venue_order_id=VenueOrderId(2**50 + number),
        client_order_id=ClientOrderId(number),
        time_us=3,
    )
    return [filled, SavedFill(fill=fill, origin=_MAKER)]


def _number(saved: SavedOrder) -> int:
    return saved.order.client_id or 0


def _later(sent: SavedOrder, **changes: object) -> SavedOrder:
    return structs.replace(sent, order=replace(sent.order, **changes))


def _accepted(sent: SavedOrder) -> SavedOrder:
    return _later(sent, status=OrderStatus.ACCEPTED, venue_id=VenueOrderId(2**50 + _number(sent)))


def _answer(sent: SavedOrder) -> SavedLog:
    details = {"hash": "ab" * 40, "took_us": 900}
    return SavedLog(
        at_us=2,
        kind="outcome",
        text="order: taken by the venue's API",
        client_id=sent.order.client_id,
        details=details,
    )
