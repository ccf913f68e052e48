"""What can be subscribed to: channel names in, a typed channel out, or the venue's error.

Requests spell a channel with `/`, everything the venue sends spells it with `:`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from core.connectors.venue.candles import RESOLUTIONS
from core.connectors.venue.codes import Code, Refusal


class Stream(Enum):
    """Kinds of channel, by the wire's name."""

    ORDER_BOOK = "order_book"
    TICKER = "ticker"
    MARKET_STATS = "market_stats"
    TRADE = "trade"
    CANDLE = "candle"
    HEIGHT = "height"
    ACCOUNT_ALL = "account_all"
    ACCOUNT_MARKET = "account_market"
    ACCOUNT_ORDERS = "account_orders"
    ORDERS = "account_all_orders"
    TRADES = "account_all_trades"
    POSITIONS = "account_all_positions"
    ASSETS = "account_all_assets"
    USER_STATS = "user_stats"
    TXS = "account_tx"
    NOTIFICATION = "notification"


_BY_NAME: Final = {stream.value: stream for stream in Stream}
_OF_MARKET: Final = {Stream.ORDER_BOOK, Stream.TICKER, Stream.MARKET_STATS, Stream.TRADE, Stream.CANDLE}
OF_ACCOUNT: Final = set(Stream) - _OF_MARKET - {Stream.HEIGHT}
_OF_BOTH: Final = {Stream.ACCOUNT_MARKET, Stream.ACCOUNT_ORDERS}
NEEDS_TOKEN: Final = {Stream.ORDERS, Stream.ASSETS, Stream.TXS, Stream.NOTIFICATION} | _OF_BOTH
"""Measured on the venue or named by its reference; the other account channels answer without a token."""
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel; `key` tells it from every other."""

    stream: Stream
    key: str
    number: int | None = None
    """Account, or else market; None for `height` and `market_stats:all`."""
    market: int | None = None
    """Of a channel that has both."""
    resolution: str = ""

    @property
    def label(self) -> str:
        """How the venue names it: `account_orders` comes back without its account."""
        return self.key if self.stream is not Stream.ACCOUNT_ORDERS else key_of(self.stream, self.market or 0)


@lru_cache(maxsize=8_192)
def key_of(stream: Stream, *parts: int | str) -> str:
    """The key of a channel."""
    return ":".join((stream.value, *map(str, parts)))


def parse(text: str, markets: Collection[int], accounts: Collection[int]) -> Channel | Refusal:
    """Read a channel as a client spells it."""
    name, _, rest = text.partition("/")
    stream = _BY_NAME.get(name)
    if stream is None or (stream is Stream.HEIGHT and rest):
        return Refusal(Code.INVALID_CHANNEL, "Invalid Channel")
    if stream is Stream.HEIGHT:
        return Channel(stream, stream.value)
    if stream is Stream.MARKET_STATS and rest == ALL:
        return Channel(stream, key_of(stream, ALL))
    first, _, second = rest.partition("/")
    if stream in _OF_BOTH:
        return _of_both(stream, _known(first, markets), _known(second, accounts))
    if stream is Stream.CANDLE:
        return _candle(_known(first, markets), second)
    of_market = stream in _OF_MARKET
    number = _known(rest, markets if of_market else accounts)
    return _invalid("marketId" if of_market else "accountId") if number is None else _plain(stream, number)


def _plain(stream: Stream, number: int) -> Channel:
    return Channel(stream, key_of(stream, number), number)


def _of_both(stream: Stream, market: int | None, account: int | None) -> Channel | Refusal:
    if market is None or account is None:
        return _invalid("marketId" if market is None else "accountId")
    return Channel(stream, key_of(stream, market, account), account, market)


def _candle(market: int | None, resolution: str) -> Channel | Refusal:
    if market is None or resolution not in RESOLUTIONS:
        return _invalid("marketId" if market is None else "resolution")
    return Channel(Stream.CANDLE, key_of(Stream.CANDLE, market, resolution), market, resolution=resolution)


def _known(text: str, numbers: Collection[int]) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= 15
    return int(text) if is_number and int(text) in numbers else None


def _invalid(what: str) -> Refusal:
    return Refusal(Code.INVALID_CHANNEL, f"Invalid Channel:  ({what})")
