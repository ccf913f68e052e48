"""What the ticket's text means, for every text."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import BookStatus, OrderIntent, OrderType, Quote, Side, TimeInForce
from core.units import is_on_grid
from tests.support.fake_engine import a_quote, some_markets
from tui.screens.ticket_form import SLIPPAGE, Problem, TicketText, fills_at_once, find_market, prefill, read_ticket

MARKETS = some_markets()
ETH, BTC = MARKETS[0], MARKETS[1]


def a_text(**changes: object) -> TicketText:
    fields: dict[str, object] = {
        "market": "ETH",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "size": "0.5",
        "price": "3021.55",
        "tif": TimeInForce.POST_ONLY,
        "is_reduce_only": False,
    }
    return TicketText(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_whole_ticket_is_an_intent():
    assert read_ticket(a_text(is_reduce_only=True), MARKETS) == OrderIntent(
        market_id=ETH.id,
        side=Side.BUY,
        type=OrderType.LIMIT,
        size=Decimal("0.5"),
        price=Decimal("3021.55"),
        tif=TimeInForce.POST_ONLY,
        reduce_only=True,
    )


def test_a_market_order_is_immediate_or_cancel():
    intent = read_ticket(a_text(type=OrderType.MARKET), MARKETS)
    assert isinstance(intent, OrderIntent)
    assert intent.tif is TimeInForce.IOC


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"price": "3021.555"}, "price: ETH moves in steps of 0.01, got 3021.555"),
        ({"size": "0.00005"}, "size: ETH moves in steps of 0.0001, got 0.00005"),
        ({"size": ""}, "size: expected a number such as 12.5, nothing was typed"),
        ({"size": "0"}, "size: expected a number above zero, got '0'"),
        ({"price": "1e5"}, "price: expected a number such as 12.5, got '1e5'"),
        ({"price": "NaN"}, "price: expected a number such as 12.5, got 'NaN'"),
        ({"market": "W"}, "market: expected one of ETH, BTC, SOL, DOGE, 1000PEPE, WIF, …; got 'W'"),
        ({"market": ""}, "market: expected one of ETH, BTC, SOL, DOGE, 1000PEPE, WIF, …"),
    ],
)
def test_what_is_missing_is_one_sentence(changes: dict[str, object], sentence: str):
    assert read_ticket(a_text(**changes), MARKETS) == Problem(sentence)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_an_order_on_the_grid_or_a_harmless_sentence(market: str, size: str, price: str):
    match read_ticket(a_text(market=market, size=size, price=price), MARKETS):
        case OrderIntent() as intent:
            found = MARKETS[intent.market_id]
            assert is_on_grid(intent.price, found.price_decimals)
            assert is_on_grid(intent.size, found.size_decimals)
            assert intent.size > 0 < intent.price
        case Problem(text=text):
            assert text
            assert "\x1b" not in text
            assert "\n" not in text


def test_a_paste_flood_is_one_short_sentence():
    problem = read_ticket(a_text(size="9" * 10_000), MARKETS)
    assert isinstance(problem, Problem)
    assert len(problem.text) < 120


@pytest.mark.parametrize(("text", "symbol"), [("eth", "ETH"), (" btc ", "BTC"), ("1000PEPE", "1000PEPE")])
def test_a_market_is_found_by_its_symbol(text: str, symbol: str):
    market = find_market(text, MARKETS)
    assert market is not None
    assert market.symbol == symbol


@pytest.mark.parametrize("text", ["", "1", "1000", "wi", "x"])
def test_a_market_is_never_guessed_from_a_beginning(text: str):
    assert find_market(text, MARKETS) is None


@pytest.mark.parametrize(
    ("side", "price", "crosses"),
    [
        (Side.BUY, "3021.55", False),
        (Side.BUY, "3021.56", True),
        (Side.SELL, "3021.55", False),
        (Side.SELL, "3021.54", True),
    ],
)
def test_an_order_that_reaches_the_other_side_fills_at_once(side: Side, price: str, crosses: bool):
    intent = read_ticket(a_text(side=side, price=price), MARKETS)
    assert isinstance(intent, OrderIntent)
    assert fills_at_once(intent, a_quote(ETH)) is crosses
    assert not fills_at_once(intent, None)


def test_a_limit_begins_at_its_own_touch():
    quote = a_quote(ETH)
    assert prefill(ETH, quote, Side.BUY, OrderType.LIMIT) == "3021.54"
    assert prefill(ETH, quote, Side.SELL, OrderType.LIMIT) == "3021.56"


@given(st.integers(min_value=1, max_value=10**9))
def test_a_market_order_begins_no_worse_than_the_slippage_and_on_the_grid(ticks: int):
    bid, ask = BTC.tick * ticks, BTC.tick * (ticks + 1)
    quote = Quote(market_id=BTC.id, status=BookStatus.LIVE, bid=bid, ask=ask)
    for side in Side:
        text = prefill(BTC, quote, side, OrderType.MARKET)
        worst = Decimal(text)
        far = ask if side is Side.BUY else bid
        assert is_on_grid(worst, BTC.price_decimals)
        assert worst > 0
        assert abs(worst - far) <= far * SLIPPAGE


@pytest.mark.parametrize("type_", OrderType)
@pytest.mark.parametrize("side", Side)
def test_no_price_is_offered_where_none_is_known(side: Side, type_: OrderType):
    assert not prefill(ETH, None, side, type_)
    assert not prefill(ETH, Quote(market_id=ETH.id, status=BookStatus.EMPTY), side, type_)
