"""Quotes are believed only while their link speaks; time is an input."""

from decimal import Decimal

import msgspec
import pytest

from core.clock import MILLISECOND_NS
from core.connectors.lighter.bodies import MarketRow
from core.connectors.lighter.convert import market
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.wire import decode_frame
from core.errors import ProtocolViolation
from core.model import BookStatus
from core.units import MarketId
from tests.support.scripted_lighter import book_body, market_row

ETH, BTC = MarketId(0), MarketId(1)
LIMIT = 3_000 * MILLISECOND_NS


def _frame(said):
    return decode_frame(msgspec.json.encode(said))


def _book(kind, market_id, nonce, begin, bid="2000.00"):
    body = book_body(nonce, begin, [(bid, "1.0000")], [("2001.00", "1.0000")])
    return _frame({"channel": f"order_book:{market_id}", "order_book": body, "type": f"{kind}/order_book"})


@pytest.fixture
def data() -> MarketData:
    rows = [msgspec.convert(market_row(at, symbol), MarketRow, strict=False) for at, symbol in ((0, "ETH"), (1, "BTC"))]
    made = MarketData({MarketId(row.market_id): market(row) for row in rows}, 3_000)
    for market_id in (0, 1):
        made.on_frame(_book("subscribed", market_id, 10, 0), 0)
    made.drain(0)
    return made


def _statuses(quotes):
    return {quote.market_id: quote.status for quote in quotes}


def test_every_market_has_a_channel_and_all_share_the_figures(data):
    assert data.channels == ("market_stats/all", "order_book/0", "order_book/1")


def test_only_what_changed_is_drained(data):
    data.on_frame(_book("update", 1, 11, 10), 1)
    assert _statuses(data.drain(1)) == {BTC: BookStatus.LIVE}
    assert data.drain(2) == ()


def test_silence_turns_every_quote_stale_at_the_limit_and_one_frame_brings_them_back(data):
    assert data.drain(LIMIT) == ()
    assert _statuses(data.drain(LIMIT + 1)) == {ETH: BookStatus.STALE, BTC: BookStatus.STALE}
    assert data.quote(ETH, LIMIT + 1).reason == "link silent"
    assert data.book(ETH, 5, LIMIT + 1).status is BookStatus.STALE
    assert data.drain(LIMIT + 2) == (), "told once"
    data.on_frame(_book("update", 1, 11, 10), LIMIT + 3)
    assert _statuses(data.drain(LIMIT + 3)) == {ETH: BookStatus.LIVE, BTC: BookStatus.LIVE}


def test_a_lost_link_is_not_believed_again_before_each_books_own_snapshot(data):
    data.on_lost("cut")
    assert {quote.reason for quote in data.drain(1)} == {"link down: cut"}
    data.on_frame(_book("subscribed", 0, 50, 0), 2)
    data.on_frame(_book("update", 1, 11, 10), 3)
    assert _statuses(data.drain(3)) == {ETH: BookStatus.LIVE, BTC: BookStatus.STALE}


def test_a_gap_in_one_book_harms_no_other(data):
    assert data.on_frame(_book("update", 0, 13, 12), 1) == "order_book:0"
    assert _statuses(data.drain(1)) == {ETH: BookStatus.SYNCING}
    assert data.quote(BTC, 1).status is BookStatus.LIVE


def test_a_broken_frame_empties_its_book(data):
    data.on_frame(_frame({"channel": "order_book:0", "order_book": {"nonce": "x"}, "type": "update/order_book"}), 1)
    assert data.quote(ETH, 1).status is BookStatus.SYNCING
    assert data.quote(ETH, 1).bid is None


def test_partial_figures_merge_and_never_erase(data):
    for stats in ({"mark_price": "5.5", "index_price": 5.25}, {"last_trade_price": "5.4", "mark_price": ""}):
        body = {"0": {"market_id": 0, **stats}, "99": {"market_id": 99, "mark_price": "1"}}
        data.on_frame(_frame({"channel": "market_stats:all", "market_stats": body, "type": "update/market_stats"}), 1)
    quote = data.quote(ETH, 1)
    assert (quote.mark, quote.index, quote.last) == (Decimal("5.5"), Decimal("5.25"), Decimal("5.4"))


def test_figures_that_cannot_be_read_are_a_violation(data):
    with pytest.raises(ProtocolViolation, match="figures on market_stats:all"):
        data.on_frame(_frame({"channel": "market_stats:all", "market_stats": [], "type": "update/market_stats"}), 1)


def test_markets_and_frames_of_strangers_are_empty_and_ignored(data):
    assert data.quote(MarketId(9), 1).status is BookStatus.EMPTY
    assert data.book(MarketId(9), 5, 1).status is BookStatus.EMPTY
    assert data.on_frame(_book("subscribed", 9, 1, 0), 1) is None
