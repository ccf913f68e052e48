import pytest

from bench import book


@pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets")  # the SDK imports what websockets has moved
@pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning")
def test_both_books_end_alike_and_the_stream_is_the_same_every_time():
    texts = book.frames()[:60]
    assert texts == book.frames()[:60]
    assert book._ours(texts)[1] == book._sdk(texts)[1]
    assert len(book._ours(texts)[1][0]) == book.DEPTH
