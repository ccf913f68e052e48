"""The Rust book of nautilus_trader, driven from Python: typed decode, raw deltas in one batch, the same reading."""

import importlib.util
from collections.abc import Sequence
from decimal import Decimal
from time import process_time
from typing import Any, Final

import msgspec

DEPTH: Final = 20
READ_EVERY: Final = 50
MISSING: Final = "nautilus_trader is not installed (extra `bench`), so it is not compared"
_PRICE_DECIMALS, _SIZE_DECIMALS = 2, 4


class _Level(msgspec.Struct, gc=False):
    price: str
    size: str


class _Body(msgspec.Struct, gc=False):
    nonce: int
    asks: list[_Level]
    bids: list[_Level]


class _Frame(msgspec.Struct, gc=False):
    order_book: _Body


def is_there() -> bool:
    """Whether the package is installed."""
    return importlib.util.find_spec("nautilus_trader") is not None


class _Peer:
    """Its book, fed with the venue's texts."""

    def __init__(self) -> None:
        from nautilus_trader.model.book import OrderBook
        from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas
        from nautilus_trader.model.enums import BookAction, BookType, OrderSide
        from nautilus_trader.model.identifiers import InstrumentId
        from nautilus_trader.model.objects import FIXED_PRECISION

        self._id = InstrumentId.from_str("ETH.LIGHTER")
        self.book = OrderBook(self._id, BookType.L2_MBP)
        self._delta, self._batch = OrderBookDelta.from_raw, OrderBookDeltas
        self._update, self._delete = BookAction.UPDATE, BookAction.DELETE
        self._buy, self._sell = OrderSide.BUY, OrderSide.SELL
        self._price_scale = 10 ** (FIXED_PRECISION - _PRICE_DECIMALS)
        self._size_scale = 10 ** (FIXED_PRECISION - _SIZE_DECIMALS)

    def apply(self, body: _Body) -> None:
        """One frame as one batch."""
        deltas = self._side(body.bids, self._buy, body.nonce)
        deltas += self._side(body.asks, self._sell, body.nonce)
        self.book.apply_deltas(self._batch(self._id, deltas))

    def _side(self, levels: list[_Level], side: Any, nonce: int) -> list[Any]:
        deltas = []
        for level in levels:
            tick, size = int(level.price.replace(".", "")), int(level.size.replace(".", ""))
            deltas.append(
                self._delta(
                    self._id,
                    self._update if size else self._delete,
                    side,
                    tick * self._price_scale,
                    _PRICE_DECIMALS,
                    size * self._size_scale,
                    _SIZE_DECIMALS,
                    tick,  # the order's id: one order a price
                    0,
                    nonce,
                    nonce,
                    nonce,
                )
            )
        return deltas

    def read(self) -> tuple[list[Any], list[Any]]:
        """Its own lists of levels."""
        return self.book.bids()[:DEPTH], self.book.asks()[:DEPTH]


def run(texts: Sequence[str]) -> tuple[float, tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]]:
    """Seconds for all updates, and the top at the end."""
    decoder = msgspec.json.Decoder(_Frame)
    peer = _Peer()
    snapshot, *encoded = [text.encode() for text in texts]
    peer.apply(decoder.decode(snapshot).order_book)
    start = process_time()
    for count, raw in enumerate(encoded):
        peer.apply(decoder.decode(raw).order_book)
        peer.book.best_bid_price()
        peer.book.best_ask_price()
        if count % READ_EVERY == 0:
            peer.read()
    seconds = process_time() - start
    bids, asks = (
        [(level.price.as_decimal(), level.orders()[0].size.as_decimal()) for level in side] for side in peer.read()
    )
    return seconds, (bids, asks)
