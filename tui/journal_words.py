"""What is typed to search the journal: words, and `kind:`, `order:`, `market:`, `by:`, `since:` before others. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from core.clock import SECOND_US
from core.durations import span_s
from core.history import HistoryQuery
from core.model import Market
from tui.format import clean

ROWS: Final = 500
"""Newest rows of one answer."""
HELP: Final = "words, kind:fill, order:ID, market:ETH, by:operator, since:2h"
_LONGEST_ID: Final = 19
_SHOWN: Final = 24


def read_query(text: str, markets: Iterable[Market], now_us: int) -> HistoryQuery | str:
    """The question that was typed, or one sentence that says what was expected."""
    query = HistoryQuery(limit=ROWS)
    words = []
    for word in text.split():
        name, colon, value = word.partition(":")
        if not colon or not name.isalpha():
            words.append(word)
            continue
        narrowed = _narrowed(query, name.casefold(), value, markets, now_us)
        if isinstance(narrowed, str):
            return narrowed
        query = narrowed
    return replace(query, text=" ".join(words))


def _narrowed(query: HistoryQuery, name: str, value: str, markets: Iterable[Market], now_us: int) -> HistoryQuery | str:
    answer: HistoryQuery | str
    match name:
        case "kind":
            answer = replace(query, kinds=(*query.kinds, value.casefold()))
        case "by":
            answer = replace(query, origin=value)
        case "order":
            answer = _order(query, value)
        case "market":
            found = next((one for one in markets if one.symbol.casefold() == value.casefold()), None)
            expected = f"market: expected the symbol of a market, got {clean(value, _SHOWN)!r}"
            answer = expected if found is None else replace(query, market_id=found.id)
        case "since":
            answer = _since(query, value, now_us)
        case _:
            answer = f"expected {HELP}; got {clean(name, _SHOWN)!r}"
    return answer


def _order(query: HistoryQuery, value: str) -> HistoryQuery | str:
    if value.isascii() and value.isdigit() and len(value) < _LONGEST_ID:
        return replace(query, order_id=int(value))
    return f"order: expected an id in digits, got {clean(value, _SHOWN)!r}"


def _since(query: HistoryQuery, value: str, now_us: int) -> HistoryQuery | str:
    try:
        ago_s = span_s(value)
    except ValueError as error:
        return f"since: {error}, got {clean(value, _SHOWN)!r}"
    return replace(query, since_us=max(0, now_us - ago_s * SECOND_US))
