"""A book is right while its chain holds, and not LIVE when it does not."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.connectors.lighter.book import Applied, OrderBook
from core.connectors.lighter.objects import WireBook, WireLevel
from core.model import BookStatus, Level, Market
from core.units import MarketId

MARKET = Market(
    id=MarketId(3), symbol="ETH", price_decimals=2, size_decimals=4, min_size=Decimal("0.005"), min_notional=Decimal(10)
)
MIDDLE = 200_000


def _wire(nonce, begin, bids=(), asks=()):
    def levels(side):
        return [WireLevel(price=price, size=size) for price, size in side]

    return WireBook(nonce=nonce, begin_nonce=begin, bids=levels(bids), asks=levels(asks))


def _live() -> OrderBook:
    book = OrderBook(MARKET)
    book.snapshot(_wire(10, 0, [("2000.00", "1.0000"), ("1999.00", "2.0000")], [("2001.00", "3.0000")]), 5)
    return book


def test_a_snapshot_makes_it_live_with_the_best_first():
    view = _live().view(5)
    assert (view.status, view.received_ns) == (BookStatus.LIVE, 5)
    assert view.bids == (
        Level(price=Decimal("2000.00"), size=Decimal("1.0000")),
        Level(price=Decimal("1999.00"), size=Decimal("2.0000")),
    )
    assert view.asks[0].price == Decimal("2001.00")


def test_an_absolute_size_replaces_and_any_spelling_of_zero_deletes():
    book = _live()
    assert book.update(_wire(11, 10, [("2000.00", "0.5"), ("1999.00", "0")]), 6) is Applied.CHANGED
    assert [(str(one.price), one.size) for one in book.view(5).bids] == [("2000.00", Decimal("0.5"))]
    book.update(_wire(12, 11, [("2000.00", "0.0")], [("2001.00", "0.0000")]), 7)
    assert book.touch() == (None, None)
    assert book.status is BookStatus.LIVE


def test_a_gap_empties_the_book_and_asks_for_a_new_snapshot():
    book = _live()
    assert book.update(_wire(13, 12, [("2000.50", "1.0000")]), 6) is Applied.RESUBSCRIBE
    view = book.view(5)
    assert (view.status, view.bids, view.asks) == (BookStatus.SYNCING, (), ())
    assert "expected an update from nonce 10, got one from 12" in view.reason
    assert book.update(_wire(14, 13), 7) is Applied.IGNORED
    assert book.snapshot(_wire(20, 0, [("2000.00", "1.0000")]), 8) is Applied.CHANGED
    assert book.status is BookStatus.LIVE


def test_an_update_before_any_snapshot_is_ignored():
    book = OrderBook(MARKET)
    assert book.update(_wire(1, 0, [("2000.00", "1.0000")]), 1) is Applied.IGNORED
    assert book.view(5).status is BookStatus.EMPTY


def test_a_crossed_book_is_stale_until_it_uncrosses():
    book = _live()
    book.update(_wire(11, 10, [("2001.00", "1.0000")]), 6)
    assert (book.view(1).status, book.view(1).reason) == (BookStatus.STALE, "crossed")
    book.update(_wire(12, 11, [("2001.00", "0.0000")]), 7)
    assert book.view(1).status is BookStatus.LIVE


@pytest.mark.parametrize(
    ("price", "size"),
    [("2000.005", "1.0000"), ("x", "1.0000"), ("-1.00", "1.0000"), ("0.00", "1.0000"), ("2000.00", "-1.0000"),
     ("2000.00", "NaN"), ("2000.00", ""), ("", "1.0000"), ("2000.00", "0.00001")],
)  # fmt: skip
def test_an_unreadable_level_is_never_half_applied(price, size):
    book = _live()
    assert book.update(_wire(11, 10, [("1998.00", "9.0000"), (price, size)]), 6) is Applied.RESUBSCRIBE
    assert (book.view(9).status, book.view(9).bids) == (BookStatus.SYNCING, ())


def test_a_lost_link_keeps_the_levels_to_look_at_but_believes_nothing_before_a_snapshot():
    book = _live()
    book.orphan("link down: closed")
    view = book.view(5)
    assert (view.status, view.reason, len(view.bids)) == (BookStatus.STALE, "link down: closed", 2)
    assert book.update(_wire(11, 10, [("2000.50", "1.0000")]), 6) is Applied.IGNORED
    assert book.view(5).status is BookStatus.STALE
    book.snapshot(_wire(30, 0, [("1900.00", "1.0000")]), 7)
    assert (book.view(5).status, book.view(5).bids[0].price) == (BookStatus.LIVE, Decimal("1900.00"))


def test_views_are_cached_until_the_book_changes_and_a_doubt_makes_them_stale():
    book = _live()
    first = book.view(5)
    assert book.view(5) is first
    assert (book.view(5, "link silent").status, book.view(5, "link silent").reason) == (BookStatus.STALE, "link silent")
    book.update(_wire(11, 10, [("2000.50", "1.0000")]), 6)
    assert book.view(5) is not first
    assert book.view(5).seq > first.seq


def _text(units: int, decimals: int) -> str:
    return str(Decimal(units).scaleb(-decimals))


SIDES = st.dictionaries(st.integers(1, 60), st.integers(0, 5), max_size=12)
FRAMES = st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=12)


def _chain(frames):
    """Frames of a venue: the first a snapshot, each later one continuing the one before. Bids below, asks above."""
    for at, (bids, asks) in enumerate(frames):
        yield _wire(
            at + 1,
            at or 0,
            [(_text(MIDDLE - depth, 2), _text(size, 4)) for depth, size in bids.items()],
            [(_text(MIDDLE + depth, 2), _text(size, 4)) for depth, size in asks.items()],
        )


def _truths(frames):
    """What the book is after each frame, by the simplest means."""
    bids, asks = {}, {}
    for new_bids, new_asks in frames:
        bids |= {MIDDLE - depth: size for depth, size in new_bids.items()}
        asks |= {MIDDLE + depth: size for depth, size in new_asks.items()}
        yield (
            sorted(((price, size) for price, size in bids.items() if size), reverse=True),
            sorted((price, size) for price, size in asks.items() if size),
        )


def _shown(book: OrderBook):
    view = book.view(1_000)
    return (
        [(int(one.price * 100), int(one.size * 10_000)) for one in view.bids],
        [(int(one.price * 100), int(one.size * 10_000)) for one in view.asks],
    )


@given(FRAMES)
def test_a_snapshot_and_its_chained_changes_are_the_rebuilt_book(frames):
    book = OrderBook(MARKET)
    for at, (wire, truth) in enumerate(zip(_chain(frames), _truths(frames), strict=True)):
        (book.update if at else book.snapshot)(wire, at)
        assert book.status is BookStatus.LIVE
        assert _shown(book) == truth


@given(frames=FRAMES, data=st.data())
def test_dropping_doubling_or_swapping_any_frame_never_leaves_a_wrong_book_live(frames, data):
    chain = list(_chain(frames))
    truths = dict(zip((wire.nonce for wire in chain), _truths(frames), strict=True))
    order = list(range(len(chain)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(order) - 1))
        match data.draw(st.sampled_from(["drop", "double", "swap"])):
            case "drop" if len(order) > 1:
                del order[at]
            case "double":
                order.insert(at, order[at])
            case _:
                other = data.draw(st.integers(0, len(order) - 1))
                order[at], order[other] = order[other], order[at]
    book = OrderBook(MARKET)
    for position in order:
        wire = chain[position]
        applied = (book.update if position else book.snapshot)(wire, position)
        if book.status is BookStatus.LIVE:
            assert applied is Applied.CHANGED
            assert _shown(book) == truths[wire.nonce]
        else:
            assert applied is not Applied.CHANGED


def test_a_price_written_in_another_way_is_the_same_price():
    book = _live()
    book.update(_wire(11, 10, [("2000.0", "7.0000"), ("1999", "0")], [("2001.000", "0")]), 6)
    assert [(one.price, one.size) for one in book.view(5).bids] == [(Decimal(2000), Decimal(7))]
    assert book.view(5).asks == ()
    assert book.best == (200_000, None)
    book.update(_wire(12, 11, [("1999.0", "2"), ("1999.00", "3")]), 7)
    assert book.view(5).bids[1] == Level(price=Decimal(1999), size=Decimal(3))


def test_whole_sizes_of_a_market_without_size_decimals_are_read():
    book = OrderBook(replace(MARKET, size_decimals=0))
    book.snapshot(_wire(1, 0, [("2000.00", "12"), ("1999.00", "0")]), 1)
    assert [str(one.size) for one in book.view(5).bids] == ["12"]
    assert book.update(_wire(2, 1, [("2000.00", "1.5")]), 2) is Applied.RESUBSCRIBE


@given(st.lists(st.tuples(st.integers(1, 2_000), st.integers(1, 300)), min_size=3, max_size=12))
def test_prices_that_emptied_are_forgotten_however_far_the_market_walks(steps):
    book, nonce, middle = OrderBook(MARKET), 1, 1_000_000
    truth: dict[int, int] = {}
    book.snapshot(_wire(1, 0), 0)
    for walk, width in steps:
        wanted = {middle + walk + at: at for at in range(1, width + 1)}
        changes = dict.fromkeys(truth, 0) | wanted
        bids = [(_text(price, 2), _text(size, 4)) for price, size in changes.items()]
        assert book.update(_wire(nonce + 1, nonce, bids), nonce) is Applied.CHANGED
        truth, nonce, middle = wanted, nonce + 1, middle + walk
        assert _shown(book)[0] == sorted(truth.items(), reverse=True)
        assert book.best == (max(truth), None)
        assert len(book._bids.keys) <= max(256, 2 * max(map(len, (truth, wanted)))) + 300
        assert len(book._bids.keys) == len(book._bids.names) == len(book._bids.sizes)


@example([[(1, 0, "{:.2f}"), (1, 1, "{:.3f}"), (1, 0, "{:.2f}")]])
@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3), st.sampled_from(["{:.2f}", "{:.3f}", "{:.4f}"]))),
        min_size=1,
        max_size=12,
    )
)
def test_of_prices_named_twice_in_one_frame_in_whatever_spelling_the_last_size_counts(frames):
    book, truth = OrderBook(MARKET), {}
    book.snapshot(_wire(1, 0), 0)
    for at, levels in enumerate(frames, 1):
        bids = [(spelling.format(Decimal(price)), _text(size, 4)) for price, size, spelling in levels]
        assert book.update(_wire(at + 1, at, bids), at) is Applied.CHANGED
        truth |= {price * 100: size for price, size, _ in levels}
        kept = sorted(((price, size) for price, size in truth.items() if size), reverse=True)
        assert _shown(book)[0] == kept
        assert len(book._bids.keys) == len(book._bids.names) == len(book._bids.sizes)
