"""Quotes are believed only while their link speaks; time is an input."""

from decimal import Decimal

import msgspec
import pytest

from core.clock import MILLISECOND_NS, SECOND_NS
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


def _figures(market_id, said):
    figures = {str(market_id): {"market_id": market_id, **said}}
    return _frame({"channel": "market_stats:all", "market_stats": figures, "type": "update/market_stats"})


def test_one_book_that_falls_silent_turns_stale_by_itself_and_its_next_frame_brings_it_back(data):
    changed = {}
    for second in range(1, 62):
        data.on_frame(_book("update", 0, 10 + second, 9 + second), second * SECOND_NS)
        changed |= {(second, one.market_id): one.status for one in data.drain(second * SECOND_NS)}
        assert data.quote(BTC, second * SECOND_NS).status is (BookStatus.LIVE if second <= 60 else BookStatus.STALE)
    assert {at: status for at, status in changed.items() if at[1] == BTC} == {(61, BTC): BookStatus.STALE}
    assert data.quote(ETH, 61 * SECOND_NS).status is BookStatus.LIVE
    now = 61 * SECOND_NS
    assert data.quote(BTC, now).reason == "no frame for more than 60 s"
    view = data.book(BTC, 5, now)
    assert (view.status, view.reason) == (BookStatus.STALE, "no frame for more than 60 s")
    assert view.bids, "there to look at"
    assert data.drain(now) == (), "told once"
    data.on_frame(_book("update", 1, 11, 10), now)
    assert _statuses(data.drain(now)) == {BTC: BookStatus.LIVE}
    assert data.book(BTC, 5, now).status is BookStatus.LIVE


def test_the_limit_of_a_book_is_the_operators_to_choose():
    row = msgspec.convert(market_row(0, "ETH"), MarketRow, strict=False)
    patient = MarketData({ETH: market(row)}, 3_000, book_silent_after_ms=90_000)
    patient.on_frame(_book("subscribed", 0, 10, 0), 0)
    patient.on_frame(_figures(7, {"mark_price": "1.0"}), 91 * SECOND_NS)
    assert patient.quote(ETH, 90 * SECOND_NS).status is BookStatus.LIVE
    assert patient.quote(ETH, 91 * SECOND_NS).reason == "no frame for more than 90 s"


def test_a_mark_price_that_grew_old_is_told_no_more_though_the_book_lives(data):
    data.on_frame(_figures(0, {"mark_price": "2000.50", "last_trade_price": "2000.00"}), 0)
    assert data.quote(ETH, 0).mark == Decimal("2000.50")
    data.drain(0)
    for second in range(1, 62):
        data.on_frame(_book("update", 0, 10 + second, 9 + second), second * SECOND_NS)
        data.on_frame(_figures(0, {"last_trade_price": "1999.00"}), second * SECOND_NS)
    assert data.quote(ETH, 60 * SECOND_NS).mark == Decimal("2000.50")
    aged = data.quote(ETH, 61 * SECOND_NS)
    assert (aged.status, aged.mark, aged.last) == (BookStatus.LIVE, None, Decimal("1999.00"))
    data.on_frame(_figures(0, {"mark_price": "1999.50"}), 61 * SECOND_NS)
    assert data.quote(ETH, 61 * SECOND_NS).mark == Decimal("1999.50")


def test_a_mark_price_that_grew_old_is_news_without_a_frame(data):
    data.on_frame(_figures(1, {"mark_price": "50000.0"}), 0)
    data.drain(0)
    later = 60 * SECOND_NS
    data.on_frame(_book("update", 1, 11, 10), later)
    data.drain(later)
    (aged,) = (one for one in data.drain(later + 1) if one.market_id == BTC)
    assert (aged.status, aged.mark) == (BookStatus.LIVE, None)
    assert data.drain(later + 2) == ()


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
