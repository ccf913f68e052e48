"""Questions to the journal as they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.history import HistoryQuery
from tests.support.fake_engine import START_US, some_markets
from tui.journal_words import ROWS, read_query

MARKETS = some_markets()


def read(text: str) -> HistoryQuery | str:
    return read_query(text, MARKETS, START_US)


def test_words_are_looked_for_as_they_stand():
    assert read("  max order   notional ") == HistoryQuery(text="max order notional", limit=ROWS)
    assert read("") == HistoryQuery(limit=ROWS)


def test_prefixes_narrow_it():
    asked = read("kind:Fill kind:order market:eth order:1763800000001 by:operator since:2h late 12:30:05")
    assert asked == HistoryQuery(
        kinds=("fill", "order"),
        market_id=MARKETS[0].id,
        order_id=1_763_800_000_001,
        origin="operator",
        since_us=START_US - 7_200_000_000,
        text="late 12:30:05",
        limit=ROWS,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("order:abc", "order: expected an id in digits, got 'abc'"),
        ("order:" + "9" * 40, "order: expected an id in digits"),
        ("market:nope", "market: expected the symbol of a market, got 'nope'"),
        ("since:yesterday", "since: expected a whole number and one of s, m, h, d"),
        ("colour:red", "expected words, kind:fill"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_was_expected(text: str, said: str):
    answer = read(text)
    assert isinstance(answer, str)
    assert answer.startswith(said)


@given(st.text(max_size=120))
def test_any_text_is_a_question_or_is_answered_in_one_printable_line(text: str):
    answer = read(text)
    assert isinstance(answer, HistoryQuery) or answer.isprintable()
