"""Book frames written as text are what a general encoder would write, and say what was published, not what is."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.book import BookSide, MatchBook
from core.connectors.venue.book_frames import FIRST_NONCE, BookFrames, Moment
from core.connectors.venue.catalogue import CATALOGUE, listed
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.orders import PRIORITY_BITS, OrderRequest, VenueOrder
from core.connectors.venue.views import fixed

LEVELS = st.lists(st.tuples(st.integers(1, 2**32 - 1), st.integers(0, 10**14)), max_size=5)
OWNER = VenueAccount(index=9, collateral=0)


def order(number: int, price: int, size: int, *, is_ask: bool = True) -> VenueOrder:
    return VenueOrder(number, OWNER, 0, is_ask, price, size, 0)


@given(
    st.sampled_from(CATALOGUE), LEVELS, LEVELS, st.integers(0, 10**9), st.integers(1, 50), st.integers(0, 2 * 10**15)
)
def test_an_update_reads_as_the_encoder_would_write_it(spec, asks, bids, passed, count, now_us):
    price, size = fixed(spec.price_decimals), fixed(spec.size_decimals)
    begin, nonce = FIRST_NONCE + passed, FIRST_NONCE + passed + count
    offset = (passed + count) // 8 + 1
    expected = {
        "channel": f"order_book:{spec.market_id}",
        "last_updated_at": now_us,
        "offset": offset,
        "order_book": {
            "code": 0,
            "asks": [{"price": price(at), "size": size(much)} for at, much in asks],
            "bids": [{"price": price(at), "size": size(much)} for at, much in bids],
            "offset": offset,
            "nonce": nonce,
            "last_updated_at": now_us,
            "begin_nonce": begin,
        },
        "timestamp": now_us // 1_000,
        "type": "update/order_book",
    }
    frames = BookFrames(spec)
    for _ in range(2):  # what is remembered is what was written
        assert frames.update(asks, bids, begin, nonce, Moment(now_us)) == msgspec.json.encode(expected)


@given(
    st.dictionaries(st.integers(2_000, 3_000), st.integers(1, 10**9), max_size=5),
    st.dictionaries(st.integers(1, 1_999), st.integers(1, 10**9), max_size=5),
    st.integers(0, 10**9),
)
def test_a_snapshot_reads_as_the_encoder_would_write_it(asks, bids, passed):
    (spec,) = listed(1)
    book = MatchBook(0, PRIORITY_BITS)
    for number, (price, size) in enumerate(asks.items()):
        book.asks.add(order(number, price, size))
    for number, (price, size) in enumerate(bids.items()):
        book.bids.add(order(number, price, size, is_ask=False))
    for side in (book.asks, book.bids):
        side.publish()
    is_new = passed == 0
    book.nonce, book.published_us = (0, 0) if is_new else (FIRST_NONCE + passed, 123_456_789)
    price, size = fixed(spec.price_decimals), fixed(spec.size_decimals)
    offset = 1 if is_new else passed // 8 + 1
    head = {"channel": "order_book:0", **({} if is_new else {"last_updated_at": 123_456_789})}
    inner = {
        "code": 0,
        "asks": [{"price": price(at), "size": size(asks[at])} for at in sorted(asks)],
        "bids": [{"price": price(at), "size": size(bids[at])} for at in sorted(bids, reverse=True)],
        "offset": offset,
        "nonce": book.nonce,
        "last_updated_at": book.published_us,
        "begin_nonce": 0,
    }
    tail = {"offset": offset, "order_book": inner, "timestamp": 987_654, "type": "subscribed/order_book"}
    assert BookFrames(spec).snapshot(book, 987_654_321) == msgspec.json.encode({**head, **tail})


def test_more_sizes_than_are_remembered_are_written_as_well():
    (spec,) = listed(1)
    frames, size = BookFrames(spec), fixed(spec.size_decimals)
    many = [(1, number) for number in range(1, 12_000)]
    text = frames.update(many, (), 1, FIRST_NONCE + 8, Moment(1))
    read = msgspec.json.decode(text)["order_book"]["asks"]
    assert [each["size"] for each in read] == [size(number) for _, number in many]


@given(
    st.booleans(),
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 9), st.sampled_from(["add", "remove", "publish"])), max_size=40
    ),
)
def test_the_best_that_was_published_is_the_best_of_what_was_published(is_ask, acts):
    side, live = BookSide(is_ask=is_ask), []
    for number, (price, size, act) in enumerate(acts):
        if act == "publish":
            side.publish()
        elif act == "add":
            live.append(order(number, price, size, is_ask=is_ask))
            side.add(live[-1])
        elif live:
            side.remove(live.pop(price % len(live)))
        assert side.published_best() == next(iter(side.published()), None)


def test_an_order_whose_size_changes_queues_anew_behind_its_neighbours():
    exchange = Exchange(listed(1))
    owner = exchange.add_account(VenueAccount(index=9, collateral=10**15))
    terms = {"market_id": 0, "client_index": 0, "is_ask": True, "size": 100, "price": 190_000}
    first, second = (exchange.create(owner, OrderRequest(**terms), 1) for _ in range(2))
    asks = exchange.markets[0].book.asks
    assert asks.first() is first
    asks.requeue(first, 70)
    assert asks.first() is second
    assert asks.levels[190_000].size == 170
    asks.remove(second)
    asks.requeue(first, 40)
    assert (asks.first(), asks.levels[190_000].size, first.remaining) == (first, 40, 40)
