"""Book frames of one market as text: the only frames that come by the thousand.

What never changes is written once; a general encoder fed with dictionaries costs four times as much. Nothing in them
needs escaping: channels, digits and points.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from core.connectors.venue.book import MatchBook
from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.channels import Stream, key_of
from core.connectors.venue.views import fixed

Levels: TypeAlias = Sequence[tuple[int, int]]
"""Price in ticks and size in steps; 0 is gone."""

FIRST_NONCE: Final = 17_000_000_000
_OFFSET_STEP: Final = 8
_BEFORE_FIRST: Final = FIRST_NONCE - _OFFSET_STEP
_KNOWN: Final = 1_000
"""Texts of one market: a walking price leaves behind what it never comes back to."""


class _Texts(dict[int, str]):
    """What was written is remembered: the same prices and sizes come again and again."""

    __slots__ = ("_write",)

    def __init__(self, decimals: int) -> None:
        """Units with that many decimals."""
        super().__init__()
        self._write: Final = fixed(decimals)

    def __missing__(self, units: int) -> str:
        """Write it, and begin anew when there is too much to remember."""
        if len(self) >= _KNOWN:
            self.clear()
        text = self[units] = self._write(units)
        return text


class Moment:
    """A moment of publication as text, for all the frames that bear it."""

    __slots__ = ("at_us", "ending", "text")

    def __init__(self, now_us: int) -> None:
        """Microseconds since 1970."""
        self.at_us: Final = now_us
        self.text: Final = str(now_us)
        self.ending: Final = f'}},"timestamp":{now_us // 1_000},"type":"update/order_book"}}'


class BookFrames:
    """Writes the frames of one market's book."""

    __slots__ = ("_bare_head", "_head", "_price", "_size", "key", "ticker_key")

    def __init__(self, spec: MarketSpec) -> None:
        """Nothing is written yet."""
        self.key: Final = key_of(Stream.ORDER_BOOK, spec.market_id)
        """Of the book's channel."""
        self.ticker_key: Final = key_of(Stream.TICKER, spec.market_id)
        self._price: Final = _Texts(spec.price_decimals)
        self._size: Final = _Texts(spec.size_decimals)
        self._bare_head: Final = f'{{"channel":"{self.key}",'
        self._head: Final = f'{self._bare_head}"last_updated_at":'

    def update(self, asks: Levels, bids: Levels, begin: int, nonce: int, moment: Moment) -> bytes:
        """What changed after the batch `begin`, in the batch `nonce` that is published at this moment."""
        at, offset = moment.text, (nonce - _BEFORE_FIRST) // _OFFSET_STEP
        return (
            f'{self._head}{at},"offset":{offset},"order_book":{{"code":0,"asks":[{self._levels(asks) if asks else ""}],'
            f'"bids":[{self._levels(bids) if bids else ""}],"offset":{offset},"nonce":{nonce},"last_updated_at":{at},'
            f'"begin_nonce":{begin}{moment.ending}'
        ).encode()

    def snapshot(self, book: MatchBook, now_us: int) -> bytes:
        """What subscribers have been told, whole."""
        nonce, at = book.nonce, book.published_us
        offset = (nonce - _BEFORE_FIRST) // _OFFSET_STEP if nonce else 1
        head = f"{self._head}{at}," if nonce else self._bare_head
        asks, bids = self._levels(book.asks.published()), self._levels(book.bids.published())
        return (
            f'{head}"offset":{offset},"order_book":{{"code":0,"asks":[{asks}],"bids":[{bids}],"offset":{offset},'
            f'"nonce":{nonce},"last_updated_at":{at},"begin_nonce":0}},"timestamp":{now_us // 1_000},'
            f'"type":"subscribed/order_book"}}'
        ).encode()

    def _levels(self, levels: Levels) -> str:
        price, size = self._price, self._size
        if len(levels) == 1:
            ((at, much),) = levels
            return f'{{"price":"{price[at]}","size":"{size[much]}"}}'
        return ",".join([f'{{"price":"{price[at]}","size":"{size[much]}"}}' for at, much in levels])
