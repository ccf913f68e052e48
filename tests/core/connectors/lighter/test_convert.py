"""From the venue's objects to the domain's values: statuses, sides, fees, signs and units."""

from decimal import Decimal

import msgspec
import pytest

from core.connectors.lighter.bodies import AccountRow, MarketRow
from core.connectors.lighter.convert import account_of_row, fills, market, order_report, order_status, position
from core.connectors.lighter.objects import WireOrder, WirePosition, WireTrade
from core.errors import ProtocolViolation
from core.model import Liquidity, MarketStatus, OrderStatus, OrderType, Side, TimeInForce
from tests.support.scripted_lighter import ACCOUNT, market_row, order_row, trade_row


def _read(row, kind):
    return msgspec.json.decode(msgspec.json.encode(row), type=kind, strict=False)


@pytest.mark.parametrize(
    ("word", "has_fill", "status", "reason"),
    [
        ("open", False, OrderStatus.ACCEPTED, ""),
        ("open", True, OrderStatus.PARTIALLY_FILLED, ""),
        ("in-progress", False, OrderStatus.ACCEPTED, ""),
        ("pending", False, OrderStatus.ACCEPTED, ""),
        ("filled", True, OrderStatus.FILLED, ""),
        ("canceled", False, OrderStatus.CANCELED, "canceled"),
        ("canceled", True, OrderStatus.CANCELED, "canceled"),
        ("canceled-post-only", False, OrderStatus.REJECTED, "canceled-post-only"),
        ("canceled-too-much-slippage", False, OrderStatus.REJECTED, "canceled-too-much-slippage"),
        ("canceled-too-much-slippage", True, OrderStatus.CANCELED, "canceled-too-much-slippage"),
        ("canceled-expired", False, OrderStatus.EXPIRED, "canceled-expired"),
        ("canceled-liquidation", True, OrderStatus.CANCELED, "canceled-liquidation"),
        ("canceled-by-the-moon", False, OrderStatus.CANCELED, "canceled-by-the-moon"),
        ("paused", True, OrderStatus.PARTIALLY_FILLED, "paused"),
    ],
)
def test_words_become_statuses(word, has_fill, status, reason):
    assert order_status(word, has_fill=has_fill) == (status, reason)


def test_fills_are_read_from_the_filled_amounts_never_from_what_remains():
    row = order_row(2**48, 7, status="canceled", remaining_base_amount="0.0000", filled_base_amount="0.0040",
                    filled_quote_amount="8.000000")  # fmt: skip
    report = order_report(_read(row, WireOrder))
    assert (report.filled, report.filled_quote, report.size) == (Decimal("0.0040"), Decimal(8), Decimal("0.0100"))
    untouched = order_report(_read(order_row(2**48, 7, status="canceled", remaining_base_amount="0.0000"), WireOrder))
    assert untouched.filled == 0


def test_an_order_keeps_its_terms():
    row = order_row(2**48 + 3, 0, is_ask=True, type="stop-loss-limit", time_in_force="post-only", reduce_only=True)
    report = order_report(_read(row, WireOrder))
    assert (report.client_id, report.side, report.type) == (None, Side.SELL, OrderType.LIMIT)
    assert (report.tif, report.reduce_only) == (TimeInForce.POST_ONLY, True)


def test_an_amount_that_is_no_number_is_a_violation():
    with pytest.raises(ProtocolViolation, match="order"):
        order_report(_read(order_row(2**48, 7, filled_base_amount="NaN"), WireOrder))
    with pytest.raises(ProtocolViolation, match="trade 5"):
        fills(_read(trade_row(5, size="Infinity"), WireTrade), ACCOUNT)


def test_our_side_of_a_trade_with_its_fee_in_millionths_of_notional():
    (fill,) = fills(_read(trade_row(5), WireTrade), ACCOUNT)
    assert (fill.side, fill.liquidity, fill.client_order_id) == (Side.BUY, Liquidity.TAKER, 77)
    assert (fill.venue_order_id, fill.fee) == (2**49 - 1, Decimal("0.00056"))
    (other,) = fills(_read(trade_row(5), WireTrade), 9)
    assert (other.side, other.liquidity, other.client_order_id, other.fee) == (Side.SELL, Liquidity.MAKER, None, 0)


def test_a_trade_of_strangers_is_nobodys_fill_and_one_with_ourselves_is_two():
    assert fills(_read(trade_row(5), WireTrade), 1) == ()
    assert len(fills(_read(trade_row(5, ask_account_id=ACCOUNT), WireTrade), ACCOUNT)) == 2


def test_a_trade_without_microseconds_falls_back_to_its_milliseconds():
    (fill,) = fills(_read(trade_row(5, transaction_time=None), WireTrade), ACCOUNT)
    assert fill.time_us == 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("sign", "size", "expected"),
    [(1, "1.5", "1.5"), (-1, "1.5", "-1.5"), (1, "0.00000", "0"), (0, "", "0"), (1, "-0.000000", "0")],
)
def test_positions_are_signed(sign, size, expected):
    row = {"market_id": 3, "sign": sign, "position": size, "avg_entry_price": "10.0", "liquidation_price": "0"}
    if sign == 0:
        row["avg_entry_price"] = ""
    held = position(_read(row, WirePosition), 7)
    assert held.size == Decimal(expected)
    assert (held.liquidation_price, held.time_us) == (None, 7)


def test_a_position_without_a_size_is_not_taken_for_flat():
    with pytest.raises(ProtocolViolation, match="market 3 has no size"):
        position(_read({"market_id": 3, "sign": 1, "position": ""}, WirePosition), 0)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, MarketStatus.ACTIVE),
        ({"status": "inactive"}, MarketStatus.INACTIVE),
        ({"market_config": {"force_reduce_only": True}}, MarketStatus.REDUCE_ONLY),
        ({"status": "inactive", "market_config": {"force_reduce_only": True}}, MarketStatus.INACTIVE),
    ],
)
def test_markets_say_what_may_be_traded(changes, status):
    found = market(_read(market_row(0, "ETH", taker_fee="0.0280", **changes), MarketRow))
    assert found.status is status
    assert (found.tick, found.step) == (Decimal("0.01"), Decimal("0.0001"))
    assert (found.initial_margin, found.taker_fee) == (Decimal("0.02"), Decimal("0.00028"))


def test_an_account_without_a_stated_value_is_worth_its_collateral_and_unrealised_pnl():
    row = {"collateral": "100.0", "available_balance": "90.0", "index": 7, "cancel_all_time": 1_700_000_000_000,
           "positions": [{"market_id": 1, "sign": 1, "position": "2", "position_value": "50",
                          "unrealized_pnl": "-10.0"}]}  # fmt: skip
    decoded = _read(row, AccountRow)
    held = tuple(position(one, 0) for one in decoded.positions)
    account = account_of_row(decoded, held)
    assert (account.equity, account.cancel_all_us) == (Decimal(90), 1_700_000_000_000_000)
    assert account.leverage == Decimal("0.56")
    stated = account_of_row(_read({**row, "total_asset_value": "123.4", "cancel_all_time": 0}, AccountRow), held)
    assert (stated.equity, stated.cancel_all_us) == (Decimal("123.4"), None)


@pytest.mark.parametrize(("stated", "expected"), [({"total_funding_paid_out": "-1.25"}, "-1.25"), ({}, "0")])
def test_funding_of_a_position_is_read_and_left_out_when_zero(stated, expected):
    row = {"market_id": 3, "sign": 1, "position": "2.0", "avg_entry_price": "10.0", **stated}
    assert position(_read(row, WirePosition), 7).funding_paid == Decimal(expected)
