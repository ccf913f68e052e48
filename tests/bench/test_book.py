from decimal import Decimal

import pytest

from bench import book, book_nautilus


@pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets")  # the SDK imports what websockets has moved
@pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning")
def test_both_books_end_alike_and_the_stream_is_the_same_every_time():
    texts = book.frames(200, 60)
    assert texts == book.frames(200, 60)
    assert book._ours(texts)[1] == book._sdk(texts)[1]
    assert len(book._ours(texts)[1][0]) == book.DEPTH


@pytest.mark.skipif(not book_nautilus.is_there(), reason=book_nautilus.MISSING)
def test_the_peer_of_the_bench_ends_with_the_same_book():
    texts = book.frames(200, 300, is_even=True)
    assert book_nautilus.run(texts)[1] == book._ours(texts)[1]


def test_changes_spread_evenly_reach_the_last_levels():
    last = {"1914.25", "1912.25"} | {f"{Decimal(191_425 - away) / 100:.2f}" for away in range(190, 201)}
    assert any(price in text for text in book.frames(200, 300, is_even=True)[1:] for price in last)
