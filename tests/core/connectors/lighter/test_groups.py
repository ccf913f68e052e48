"""Which orders may hang together, and what each becomes in the venue's integers."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.connectors.base import Exit, ExitKind, Leg
from core.connectors.lighter.encode import GroupTx
from core.connectors.lighter.groups import encode_group
from core.decisions import Refused
from core.model import Market, OrderIntent, OrderType, Side
from core.units import MarketId
from tests.support.orders import limit_order

D = Decimal
EXPIRES_US = 1_800_000_000_123_456
MARKET = Market(id=MarketId(0), symbol="ETH", price_decimals=2, size_decimals=4, min_size=D("0.01"), min_notional=D(10))


def lead(**changes: object) -> Leg:
    order = replace(limit_order(1), expires_us=EXPIRES_US)
    return Leg(order=replace(order, intent=replace(order.intent, **changes)))


def exit_leg(client_id: int, kind: ExitKind, trigger: str, **changes: object) -> Leg:
    order = replace(limit_order(client_id, price="1500.00"), expires_us=EXPIRES_US)
    wanted: dict[str, object] = {"side": Side.SELL, "type": OrderType.MARKET, "reduce_only": True}
    intent: OrderIntent = replace(order.intent, **{**wanted, **changes})
    return Leg(order=replace(order, intent=intent), exit=Exit(kind=kind, trigger=D(trigger)))


PROFIT = exit_leg(2, ExitKind.TAKE_PROFIT, "2200.00")
LOSS = exit_leg(3, ExitKind.STOP_LOSS, "1800.00")


@pytest.mark.parametrize(
    ("legs", "grouping"), [([lead(), LOSS], 1), ([PROFIT, LOSS], 2), ([LOSS, lead(), PROFIT], 3), ([lead(), PROFIT], 1)]
)
def test_the_grouping_follows_from_the_legs_and_the_lead_comes_first(legs: list[Leg], grouping: int) -> None:
    tx = encode_group(legs, MARKET)
    assert isinstance(tx, GroupTx)
    assert (tx.grouping, len(tx.orders), tx.market_index) == (grouping, len(legs), 0)
    is_led = grouping != 2
    assert tx.orders[0].trigger_price == (0 if is_led else 220_000)
    for leg in tx.orders[is_led:]:
        assert leg.order.base_amount == (0 if is_led else 100)
        assert leg.order.order_expiry == EXPIRES_US // 1_000
        assert (leg.order.time_in_force, leg.order.reduce_only, leg.order.is_ask) == (0, True, True)
        assert (leg.order.order_type, leg.trigger_price) in {(4, 220_000), (2, 180_000)}


@pytest.mark.parametrize(
    ("legs", "words"),
    [
        ([], "got 0 leads and 0 exits"),
        ([lead()], "got 1 leads and 0 exits"),
        ([LOSS], "got 0 leads and 1 exits"),
        ([lead(), lead(), LOSS], "got 2 leads and 1 exits"),
        ([lead(market_id=MarketId(1)), LOSS], "one market"),
        ([lead(), replace(LOSS, order=replace(LOSS.order, client_id=lead().order.client_id))], "of its own for each"),
        ([lead(), LOSS, exit_leg(4, ExitKind.STOP_LOSS, "1700.00")], "one take-profit and one stop-loss"),
        ([lead(), LOSS, exit_leg(4, ExitKind.TAKE_PROFIT, "2200.00", size=D("0.02"))], "one size and side"),
        ([lead(), exit_leg(4, ExitKind.STOP_LOSS, "1800.00", reduce_only=False)], "only reduce"),
        ([lead(), exit_leg(4, ExitKind.STOP_LOSS, "1800.00", type=OrderType.LIMIT)], "market orders"),
        ([lead(side=Side.SELL), LOSS], "other side of the lead"),
        ([lead(), replace(LOSS, order=replace(LOSS.order, expires_us=EXPIRES_US + 1))], "one expiry"),
        ([PROFIT, replace(LOSS, order=replace(LOSS.order, expires_us=None))], "expiry"),
        ([lead(), exit_leg(4, ExitKind.STOP_LOSS, "1800.005")], "trigger: price 1800.005 is not a multiple of 0.01"),
        ([lead(), exit_leg(4, ExitKind.STOP_LOSS, "99999999.00")], "trigger: price: expected 0.01 to"),
        ([lead(price=D("2000.001")), LOSS], "price 2000.001 is not a multiple"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_signed(legs: list[Leg], words: str) -> None:
    refused = encode_group(legs, MARKET)
    assert isinstance(refused, Refused)
    assert refused.code == 0
    assert words in refused.detail


def test_a_market_that_is_not_there_is_refused() -> None:
    assert encode_group([lead(), LOSS], None) == Refused(0, "market 0 is not one of this venue's")
