"""Every state of the domain has a glyph and a word; figures of limits are short and whole."""

from dataclasses import replace
from decimal import Decimal
from enum import Enum

import pytest

from core.decisions import TradingState
from core.events import LinkStatus, NoticeLevel
from core.model import OrderMapSide, OrderStatus, OrderType, Side, TimeInForce
from core.state import LimitUse
from tests.support.fake_engine import an_intent, some_markets
from tui.widgets import words
from tui.widgets.limits import amount, limit_name


@pytest.mark.parametrize(
    ("table", "enum"),
    [
        (words.ORDER_STATUS, OrderStatus),
        (words.SIDE, Side),
        (words.KNOWN_TO, OrderMapSide),
        (words.LINK, LinkStatus),
        (words.TRADING, TradingState),
        (words.LEVEL, NoticeLevel),
    ],
)
def test_every_state_has_its_own_word(table: dict[Enum, words.Span], enum: type[Enum]):
    assert set(table) == set(enum)
    assert len({span.text for span in table.values()}) == len(enum)
    assert all(any(letter.isalpha() for letter in span.text) for span in table.values())


def test_the_type_says_how_long_it_rests_and_whether_it_only_reduces():
    intent = an_intent(some_markets()[0])
    assert words.order_type(intent) == "limit post"
    assert words.order_type(replace(intent, tif=TimeInForce.IOC, reduce_only=True)) == "limit IOC R"
    assert words.order_type(replace(intent, type=OrderType.MARKET, tif=TimeInForce.IOC)) == "market"


@pytest.mark.parametrize(
    ("name", "scope", "unit", "shown"),
    [
        ("max_position_notional", "ETH", "USDC", "ETH pos USDC"),
        ("max_gross_notional", "all", "USDC", "gross USDC"),
        ("max_open_orders", "all", "orders", "open orders"),
        ("max_order_size", "BTC", "BTC", "BTC order BTC"),
    ],
)
def test_a_limit_says_what_it_limits_and_in_what(name: str, scope: str, unit: str, shown: str):
    assert limit_name(LimitUse(name=name, scope=scope, used=Decimal(0), limit=Decimal(1), unit=unit)) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        ("48000.49", "USDC", "48,000"),
        ("1250000", "USDC", "1.25M"),
        ("0.123456", "BTC", "0.1235"),
        ("60", "orders", "60"),
        ("0", "USDC", "0"),
    ],
)
def test_amounts_are_short(value: str, unit: str, shown: str):
    assert amount(Decimal(value), unit) == shown
