"""Journals for tests: a few orders, fills and lines, written by the real thing."""

import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from core.engine.journal import Journal
from core.engine.records import MARKETS, Record, SavedFill, SavedLog, SavedMeta, SavedOrder
from core.model import (
    EXTERNAL,
    OPERATOR,
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

TIMEOUT = 10
ACCOUNT = "chain 300 account 7"
_FIRST_VENUE_ID = 2**50


def an_order(number: int, *, is_ours: bool = True, **changes: object) -> SavedOrder:
    """Order `number`, submitting unless told otherwise; its market is 1 or 2 by turns."""
    intent = OrderIntent(
        market_id=MarketId(1 + number % 2),
        side=Side.BUY,
        type=OrderType.LIMIT,
        size=Decimal("0.005"),
        price=Decimal("68000.1"),
        tif=TimeInForce.GTT,
    )
    order = Order(
        intent=intent,
        status=OrderStatus.SUBMITTING,
        client_id=ClientOrderId(number),
        created_us=number,
        updated_us=number,
    )
    return SavedOrder(
        order=replace(order, **changes),
        origin=Origin(OriginKind.STRATEGY, "maker") if is_ours else EXTERNAL,
        priority=Priority.STRATEGY,
        task_id=TaskId(number) if is_ours else None,
    )


def venue_id(number: int) -> VenueOrderId:
    """What the venue calls order `number`."""
    return VenueOrderId(_FIRST_VENUE_ID + number)


def its_fill(number: int, time_us: int = 0) -> SavedFill:
    """The one fill of order `number`."""
    fill = Fill(
        trade_id=TradeId(number),
        market_id=MarketId(1 + number % 2),
        side=Side.BUY,
        size=Decimal("0.005"),
        price=Decimal(68_000),
        fee=Decimal("0.019"),
        liquidity=Liquidity.TAKER,
        venue_order_id=venue_id(number),
        client_order_id=ClientOrderId(number),
        time_us=time_us or number,
    )
    return SavedFill(fill=fill, origin=OPERATOR)


def life_of(number: int, updated_us: int | None = None) -> list[list[Record]]:
    """What is written for an order from sending to filled, write by write."""
    moment = number if updated_us is None else updated_us
    filled = an_order(
        number, status=OrderStatus.FILLED, venue_id=venue_id(number), filled=Decimal("0.005"), updated_us=moment
    )
    return [
        [an_order(number, updated_us=moment)],
        [an_order(number, status=OrderStatus.ACCEPTED, venue_id=venue_id(number), updated_us=moment)],
        [filled, its_fill(number, moment)],
    ]


def fill_journal(journal: Journal, orders: int = 3) -> None:
    """Symbols, the lives of a few orders, one live order, a kill."""
    journal.append([SavedMeta(key=MARKETS, value="1 ETH,2 BTC")])
    for number in range(1, orders + 1):
        for records in life_of(number):
            journal.append(records)
    journal.append([an_order(orders + 1)])
    journal.append([SavedLog(at_us=1_000_000, kind="kill", text="pressed by operator")]).result(TIMEOUT)


def write_journal(path: Path, orders: int = 3) -> None:
    """The same in a file that was closed in good order."""
    journal = Journal.open(path, ACCOUNT, owner=ACCOUNT)
    fill_journal(journal, orders)
    journal.close()


def edit(path: Path, *statements: str) -> None:
    """Change a journal behind its back."""
    raw = sqlite3.connect(path)
    with raw:
        for statement in statements:
            raw.execute(statement)
    raw.close()
