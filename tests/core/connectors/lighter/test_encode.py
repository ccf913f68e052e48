"""Whatever reaches the signer is exactly what was meant, or it does not reach it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.base import NewOrder, OrderRef
from core.connectors.lighter.encode import (
    CancelAllTx,
    CancelTx,
    CreateTx,
    encode_cancel,
    encode_cancel_all,
    encode_order,
)
from core.decisions import Refused
from core.model import Market, OrderIntent, OrderType, Side, TimeInForce
from core.units import ClientOrderId, MarketId, VenueOrderId

ETH = Market(
    id=MarketId(0), symbol="ETH", price_decimals=2, size_decimals=4, min_size=Decimal("0.005"), min_notional=Decimal(10)
)


def _order(price="1914.25", size="0.5", client_id=7, **changes: object) -> NewOrder:
    wanted = {
        "market_id": ETH.id,
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "size": Decimal(size),
        "price": Decimal(price),
        "tif": TimeInForce.GTT,
        **changes,
    }
    return NewOrder(client_id=ClientOrderId(client_id), intent=OrderIntent(**wanted))


@pytest.mark.parametrize(
    ("kind", "tif", "codes"),
    [
        (OrderType.LIMIT, TimeInForce.GTT, (0, 1, -1)),
        (OrderType.LIMIT, TimeInForce.POST_ONLY, (0, 2, -1)),
        (OrderType.LIMIT, TimeInForce.IOC, (0, 0, 0)),
        (OrderType.MARKET, TimeInForce.IOC, (1, 0, 0)),
        (OrderType.MARKET, TimeInForce.GTT, (1, 0, 0)),
    ],
)
def test_types_and_times_in_force_carry_their_codes_and_expiry(kind, tif, codes):
    tx = encode_order(_order(type=kind, tif=tif), ETH)
    assert isinstance(tx, CreateTx)
    assert (tx.order_type, tx.time_in_force, tx.order_expiry) == codes


def test_an_order_is_scaled_to_ticks_and_steps():
    assert encode_order(_order(side=Side.SELL, reduce_only=True), ETH) == CreateTx(
        market_index=0,
        client_order_index=7,
        base_amount=5_000,
        price=191_425,
        is_ask=True,
        order_type=0,
        time_in_force=1,
        reduce_only=True,
        order_expiry=-1,
    )


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (_order(price="1914.255"), "price 1914.255 is not a multiple of 0.01 in ETH"),
        (_order(size="0.00001"), "size 0.00001 is not a multiple of 0.0001"),
        (_order(price="0"), "price: expected 0.01 to 42949672.95"),
        (_order(price="-1"), "price: expected"),
        (_order(price="42949672.96"), "price: expected"),
        (_order(price="NaN"), "price: expected a number"),
        (_order(size="Infinity"), "size: expected a number"),
        (_order(size="0"), "size: expected"),
        (_order(size="28147497671.0656"), "size: expected"),
        (_order(client_id=0), "client order id: expected 1 to 281474976710655, got 0"),
        (_order(client_id=2**48), "client order id"),
        (_order(type=OrderType.MARKET, tif=TimeInForce.POST_ONLY), "cannot be post-only"),
    ],
)
def test_what_the_wire_cannot_carry_is_refused_in_a_sentence(order, words):
    refused = encode_order(order, ETH)
    assert isinstance(refused, Refused)
    assert refused.code == 0
    assert words in refused.detail


def test_an_unknown_market_is_refused():
    assert isinstance(encode_order(_order(), None), Refused)


@given(ticks=st.integers(-(2**33), 2**33), steps=st.integers(-(2**49), 2**49))
def test_no_value_is_ever_wrapped_or_rounded(ticks, steps):
    tx = encode_order(_order(price=str(Decimal(ticks) / 100), size=str(Decimal(steps).scaleb(-4))), ETH)
    if isinstance(tx, CreateTx):
        assert (tx.price, tx.base_amount) == (ticks, steps)
    assert isinstance(tx, CreateTx) == (1 <= ticks <= 2**32 - 1 and 1 <= steps <= 2**48 - 1)


def test_a_cancel_names_the_order_by_the_venues_id_before_ours():
    both = OrderRef(market_id=ETH.id, client_id=ClientOrderId(7), venue_id=VenueOrderId(2**48 + 1))
    assert encode_cancel(both) == CancelTx(market_index=0, index=2**48 + 1)
    assert encode_cancel(OrderRef(market_id=ETH.id, client_id=ClientOrderId(7))) == CancelTx(market_index=0, index=7)


@pytest.mark.parametrize(
    "ref",
    [
        OrderRef(market_id=ETH.id),
        OrderRef(market_id=MarketId(255), client_id=ClientOrderId(7)),
        OrderRef(market_id=MarketId(-1), client_id=ClientOrderId(7)),
        OrderRef(market_id=ETH.id, client_id=ClientOrderId(2**48)),
        OrderRef(market_id=ETH.id, venue_id=VenueOrderId(7)),
        OrderRef(market_id=ETH.id, venue_id=VenueOrderId(2**60)),
    ],
)
def test_a_cancel_of_nothing_nameable_is_refused(ref):
    assert isinstance(encode_cancel(ref), Refused)


def test_cancel_all_covers_the_account_or_one_perp():
    assert encode_cancel_all(None) == CancelAllTx(market_index=255)
    assert encode_cancel_all(MarketId(3)) == CancelAllTx(market_index=3)
    for no_perp in (255, 2048, -1):
        assert isinstance(encode_cancel_all(MarketId(no_perp)), Refused)


def test_an_order_expires_when_it_is_told_to_and_one_that_cannot_rest_never_does():
    wanted = _order()
    assert encode_order(replace(wanted, expires_us=1_700_000_600_123_456), ETH).order_expiry == 1_700_000_600_123
    taking = replace(wanted, expires_us=1, intent=replace(wanted.intent, tif=TimeInForce.IOC))
    assert encode_order(taking, ETH).order_expiry == 0
