"""Every frame comes back as a value: typed, refused, broken or unknown, but never lost and never an exception."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.lighter import wire
from core.connectors.lighter.bodies import (
    AccountLimits,
    Accounts,
    ApiKeys,
    NextNonce,
    OrderBookDetails,
    OrderBooks,
    Orders,
    Trades,
    decode_body,
    decode_verdict,
)
from core.connectors.lighter.book import Applied, OrderBook
from core.connectors.lighter.convert import fills, market, number, order_report, position
from core.connectors.lighter.objects import WireBook, WireCandle
from core.connectors.lighter.wire import decode_frame, decode_stats
from core.errors import ProtocolViolation
from core.model import Market, OrderStatus
from core.units import MarketId

PAYLOADS = Path(__file__).parents[5] / "shared" / "payloads"
HAS_PAYLOADS = PAYLOADS.is_dir()


class CandlesBody(msgspec.Struct):
    """The candles of REST; the stream's own struct reads each."""

    r: str
    c: list[WireCandle] | None = None


BODIES: dict[str, type[msgspec.Struct]] = {
    "http_account": Accounts,
    "http_candles": CandlesBody,
    "http_candles_null": CandlesBody,
    "http_next_nonce": NextNonce,
    "http_order_book_depth": WireBook,
    "http_order_book_depth_null": WireBook,
    "http_order_book_details": OrderBookDetails,
    "http_order_books": OrderBooks,
    "http_orders": Orders,
    "http_recent_trades": Trades,
    "http_recent_trades_missing": Trades,
    "http_recent_trades_null": Trades,
    "http_recent_trades_unordered": Trades,
    "accountActiveOrders": Orders,
    "accountInactiveOrders": Orders,
    "accountOrders": Orders,
    "account": Accounts,
    "accountLimits": AccountLimits,
    "apikeys": ApiKeys,
    "nextNonce": NextNonce,
    "trades": Trades,
}
VERDICT_ONLY = {
    "http_fundings": "not read here; tests/core/connectors/venue/test_payload_shapes.py holds the venue to it",
    "http_order_book_orders": "not read here; tests/core/connectors/venue/test_payload_shapes.py holds the venue to it",
    "sendTx": "an acknowledgement: code and message are all that is read",
    "ws": "a refused subscription: code and message are all that is read",
}
"""Bodies of which nothing but the verdict is decoded, and why."""
LADDER = Market(
    id=MarketId(0), symbol="ETH", price_decimals=2, size_decimals=4, min_size=Decimal("0.005"), min_notional=Decimal(10)
)


def _files() -> list[Path]:
    return sorted(path for path in PAYLOADS.rglob("*") if path.suffix in {".json", ".jsonl"}) if HAS_PAYLOADS else []


def _frames(path: Path) -> Iterator[bytes]:
    for line in path.read_text().splitlines():
        said = json.loads(line)
        yield json.dumps(said.get("f", said)).encode()


def _use_frame(data: bytes) -> wire.Frame:
    """Decode a frame and everything in it that has a domain value."""
    frame = decode_frame(data)
    match frame:
        case wire.StatsSnapshot() | wire.StatsUpdate():
            assert not isinstance(decode_stats(frame), wire.BrokenFrame)
        case wire.OrdersSnapshot() | wire.OrdersUpdate() | wire.MarketOrdersUpdate():
            rows = [order for listed in (frame.orders or {}).values() for order in listed]
            assert all(order_report(order).size > 0 for order in rows)
        case wire.PositionsSnapshot() | wire.PositionsUpdate():
            assert all(position(one, 0).market_id >= 0 for one in (frame.positions or {}).values())
        case wire.TradesUpdate():
            trades_of = [trade for trades in (frame.trades or {}).values() for trade in trades]
            assert all(fills(trade, trade.bid_account_id) for trade in trades_of)
        case _:
            pass
    return frame


@pytest.mark.skipif(not HAS_PAYLOADS, reason=f"no recorded payloads: {PAYLOADS} is not beside the project")
@pytest.mark.parametrize("path", _files(), ids=lambda path: path.name)
def test_every_recorded_payload_is_decoded(path):
    if path.suffix == ".jsonl" or path.name.startswith("ws_"):
        frames = [_use_frame(data) for data in (_frames(path) if path.suffix == ".jsonl" else [path.read_bytes()])]
        strange = [frame for frame in frames if isinstance(frame, wire.UnknownFrame | wire.BrokenFrame)]
        assert frames
        assert not strange
    elif path.name.startswith("http_"):
        _use_body(path.stem, path.read_bytes())
    else:
        for name, body in _recorded_bodies(path):
            _use_body(name, body)


def _recorded_bodies(path: Path) -> Iterator[tuple[str, bytes]]:
    said = json.loads(path.read_text())
    if "order_books" in said:
        yield "http_order_books", json.dumps(said).encode()
    entries = said if isinstance(said, list) else said.values()
    names = [entry.get("call", "") for entry in said] if isinstance(said, list) else list(said)
    for name, entry in zip(names, entries, strict=True):
        if isinstance(entry, dict) and "body" in entry:
            yield name.split("_")[0].split(" ")[0], json.dumps(entry["body"]).encode()


def _use_body(name: str, data: bytes) -> None:
    verdict = decode_verdict(data)
    assert verdict is not None, f"{name}: no code"
    assert name in {*BODIES, *VERDICT_ONLY}, f"{name}: nobody decided what reads it"
    if name in VERDICT_ONLY or verdict.code != 200:
        return
    match body := decode_body(data, BODIES[name]):
        case Orders():
            assert all(order_report(order).size > 0 for order in body.orders or [])
        case Trades():
            assert all(fills(trade, trade.ask_account_id) for trade in body.trades or [])
        case OrderBookDetails():
            assert all(market(row).tick > 0 for row in body.order_book_details or [])
        case CandlesBody():
            assert all(candle.l <= candle.o <= candle.h and candle.v > 0 for candle in body.c or [])
        case WireBook():
            book = OrderBook(LADDER)
            assert book.snapshot(body, 1) is Applied.CHANGED
            assert len(book.view(10).bids) == len(body.bids or ())
            assert len(book.view(10).asks) == len(body.asks or ())
        case _:
            pass


def test_a_frame_nobody_knows_is_reported_with_its_text():
    frame = decode_frame(b'{"type":"update/moon_phase","channel":"moon:1","phase":0.5}')
    assert isinstance(frame, wire.UnknownFrame)
    assert frame.type == "update/moon_phase"
    assert "moon:1" in frame.text


@pytest.mark.parametrize("data", [b"<html>503</html>", b"", b"[1]", b"null", b'{"hello":1}', b"\xff\xfe", b"{" * 500])
def test_what_is_no_frame_at_all_is_unknown_and_cut_short(data):
    frame = decode_frame(data)
    assert isinstance(frame, wire.UnknownFrame)
    assert len(frame.text) <= 200


def test_a_known_frame_with_an_impossible_body_is_broken_and_names_its_channel():
    for body in (b'"order_book":{"nonce":"x"}', b'"order_book":null', b'"other":1'):
        frame = decode_frame(b'{"channel":"order_book:7",' + body + b',"type":"update/order_book"}')
        assert isinstance(frame, wire.BrokenFrame)
        assert frame.channel == "order_book:7"


def test_the_venues_anonymous_errors_are_understood():
    frame = decode_frame(b'{"error":{"code":30003,"message":"Already Subscribed to : order_book:0"}}')
    assert frame == wire.ErrorFrame(code=30003, message="Already Subscribed to : order_book:0")


def test_the_type_may_stand_anywhere_and_new_fields_are_ignored():
    body = b'"order_book":{"nonce":3,"begin_nonce":2,"asks":null,"bids":[{"price":"1.00","size":"2.0","new":1}]}'
    last = decode_frame(b'{"channel":"order_book:1",' + body + b',"type":"update/order_book"}')
    first = decode_frame(b'{"type":"update/order_book","channel":"order_book:1",' + body + b',"fresh":{}}')
    assert last == first
    assert isinstance(last, wire.BookUpdate)
    assert last.order_book.asks is None


def test_ids_beyond_double_precision_stay_exact():
    order = {
        "order_index": 2**59 + 1, "client_order_index": 2**48 - 1, "market_index": 2048, "initial_base_amount": "1",
        "price": 2.5, "is_ask": True, "status": "open",
    }  # fmt: skip
    data = json.dumps({"channel": "c", "orders": {"2048": [order]}, "type": "update/account_all_orders"}).encode()
    frame = decode_frame(data)
    assert isinstance(frame, wire.OrdersUpdate)
    assert frame.orders is not None
    report = order_report(frame.orders["2048"][0])
    assert (report.venue_id, report.client_id, report.price) == (2**59 + 1, 2**48 - 1, Decimal("2.5"))


def test_figures_of_one_market_and_of_all_are_told_apart():
    one = decode_frame(b'{"channel":"market_stats:1","market_stats":{"market_id":1},"type":"update/market_stats"}')
    many = decode_frame(b'{"channel":"market_stats:all","market_stats":{"1":{"market_id":1},"2":{"market_id":2}},'
                        b'"type":"subscribed/market_stats"}')  # fmt: skip
    assert isinstance(one, wire.StatsUpdate)
    assert isinstance(many, wire.StatsSnapshot)
    assert [len(decode_stats(one)), len(decode_stats(many))] == [1, 2]
    wrong = decode_frame(b'{"channel":"market_stats:all","market_stats":[1],"type":"update/market_stats"}')
    assert isinstance(wrong, wire.StatsUpdate)
    assert isinstance(decode_stats(wrong), wire.BrokenFrame)


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_decoding_is_total(data):
    assert isinstance(decode_frame(data), wire.Frame)


def test_a_body_that_is_not_json_is_a_violation_with_an_excerpt():
    with pytest.raises(ProtocolViolation, match=r"NextNonce body cannot be read.*503"):
        decode_body(b"<html>503</html>", NextNonce)
    for data in (b"<html>", b"[]", b'{"status":1}'):
        assert decode_verdict(data) is None


@pytest.mark.parametrize(
    ("raw", "value"),
    [(b'"1.50"', "1.50"), (b"1.5e3", "1500"), (b'"-0.000000"', "0"), (b'""', None), (b"null", None), (b"", None),
     (b'"NaN"', None), (b'"Infinity"', None), (b'"soon"', None)],
)  # fmt: skip
def test_numbers_come_as_text_or_as_numbers_or_not_at_all(raw, value):
    found = number(wire.Raw(raw))
    assert found is None if value is None else found == Decimal(value)


def test_an_order_of_an_unknown_word_is_taken_for_live():
    data = {"order_index": 2**48, "market_index": 0, "initial_base_amount": "1", "price": "1", "is_ask": False}
    raw = json.dumps({"code": 200, "orders": [{**data, "status": "on-hold"}]}).encode()
    rows = decode_body(raw, Orders).orders
    assert rows is not None
    report = order_report(rows[0])
    assert (report.status, report.reason) == (OrderStatus.ACCEPTED, "on-hold")
