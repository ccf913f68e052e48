"""What can be subscribed to: channel names in, a typed channel out, or the venue's error.

Requests spell a channel with `/`, everything the venue sends spells it with `:`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final

from core.connectors.venue.codes import Code, Refusal


class Stream(Enum):
    """Kinds of channel, by the wire's name."""

    ORDER_BOOK = "order_book"
    TICKER = "ticker"
    MARKET_STATS = "market_stats"
    TRADE = "trade"
    HEIGHT = "height"
    ACCOUNT_ALL = "account_all"
    ORDERS = "account_all_orders"
    TRADES = "account_all_trades"
    POSITIONS = "account_all_positions"
    ASSETS = "account_all_assets"
    USER_STATS = "user_stats"


_BY_NAME: Final = {stream.value: stream for stream in Stream}
_OF_MARKET: Final = {Stream.ORDER_BOOK, Stream.TICKER, Stream.MARKET_STATS, Stream.TRADE}
OF_ACCOUNT: Final = set(Stream) - _OF_MARKET - {Stream.HEIGHT}
NEEDS_TOKEN: Final = {Stream.ORDERS, Stream.ASSETS}
"""Measured on the venue; the other account channels answer without a token."""
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel; `key` is how the venue labels it."""

    stream: Stream
    key: str
    number: int | None = None
    """Market or account; None for `height` and `market_stats:all`."""


def key_of(stream: Stream, number: int | str) -> str:
    """The label of a channel in what the venue sends."""
    return f"{stream.value}:{number}"


def parse(text: str, markets: Collection[int], accounts: Collection[int]) -> Channel | Refusal:
    """Read a channel as a client spells it."""
    name, _, rest = text.partition("/")
    stream = _BY_NAME.get(name)
    if stream is None:
        return Refusal(Code.INVALID_CHANNEL, "Invalid Channel")
    if stream is Stream.HEIGHT:
        return Channel(stream, "height") if not rest else Refusal(Code.INVALID_CHANNEL, "Invalid Channel")
    if stream is Stream.MARKET_STATS and rest == ALL:
        return Channel(stream, key_of(stream, ALL))
    of_market = stream in _OF_MARKET
    is_number = rest.isascii() and rest.isdigit() and len(rest) <= 15
    if not is_number or int(rest) not in (markets if of_market else accounts):
        return Refusal(Code.INVALID_CHANNEL, f"Invalid Channel:  ({'marketId' if of_market else 'accountId'})")
    return Channel(stream, key_of(stream, int(rest)), int(rest))
