"""Book pipeline: one stream of frames through our decode, session and book, the SDK's handlers, and bare decode."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from statistics import median
from time import perf_counter
from typing import Final

import msgspec

from bench.results import Figure, compared, interleave
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.session import Session, SessionPolicy
from core.connectors.lighter.wire import decode_frame
from core.model import Market
from core.units import MarketId

LEVELS: Final = 1_000
UPDATES: Final = 10_000
SDK_UPDATES: Final = 1_500
"""The SDK's handlers are so slow that a longer run would only cost time; rates are per message."""
ROUNDS: Final = 5
DEPTH: Final = 20
READ_EVERY: Final = 50
_CHANGED: Final = 7
_MIDDLE: Final = 191_425
_MARKET: Final = Market(
    id=MarketId(0), symbol="ETH", price_decimals=2, size_decimals=4, min_size=Decimal("0.005"), min_notional=Decimal(10)
)


class _Level(msgspec.Struct, gc=False):
    price: str
    size: str


class _Body(msgspec.Struct, gc=False):
    nonce: int
    begin_nonce: int
    asks: list[_Level]
    bids: list[_Level]


class _Frame(msgspec.Struct, gc=False):
    channel: str
    type: str
    order_book: _Body


def frames() -> list[str]:
    """A snapshot and its updates, as the venue writes them; the same ones every time."""
    chance = random.Random(7)
    sizes: dict[tuple[int, int], int] = {
        (sign, distance): chance.randrange(1, 90_000) for sign in (-1, 1) for distance in range(1, LEVELS + 1)
    }
    texts = [_frame("subscribed", 0, 1, list(sizes.items()))]
    for nonce in range(1, UPDATES + 1):
        changed: dict[tuple[int, int], int] = {}
        while len(changed) < _CHANGED:
            key = (chance.choice((-1, 1)), min(LEVELS + 100, 1 + int(chance.expovariate(1 / 60))))
            is_removal = key in sizes and len(sizes) > 2 * LEVELS - 100 and chance.random() < 0.3
            changed[key] = 0 if is_removal else chance.randrange(1, 90_000)
        for key, size in changed.items():
            if size:
                sizes[key] = size
            else:
                del sizes[key]
        texts.append(_frame("update", nonce, nonce + 1, list(changed.items())))
    return texts


def _frame(verb: str, begin: int, nonce: int, levels: list[tuple[tuple[int, int], int]]) -> str:
    def side(wanted: int) -> list[dict[str, str]]:
        return [
            {"price": f"{(_MIDDLE + sign * distance) / 100:.2f}", "size": f"{size / 10_000:.4f}"}
            for (sign, distance), size in levels
            if sign == wanted
        ]

    stamp = 1_753_800_000_000_000 + nonce * 50_000
    body = {"code": 0, "asks": side(1), "bids": side(-1), "offset": nonce, "nonce": nonce, "last_updated_at": stamp}
    envelope = {
        "channel": "order_book:0",
        "last_updated_at": stamp,
        "offset": nonce,
        "order_book": body | {"begin_nonce": begin},
        "timestamp": stamp // 1_000,
        "type": f"{verb}/order_book",
    }
    return json.dumps(envelope, separators=(",", ":"))


Top = tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]


def _ours(texts: list[str]) -> tuple[float, Top]:
    """Decode, session, gap check and book; the top is read as a screen reads it."""
    data = MarketData({_MARKET.id: _MARKET}, stale_after_ms=60_000)
    session = Session(data.channels, SessionPolicy(data_is_life=True))
    session.opened(0)
    encoded = [text.encode() for text in texts]
    start = perf_counter()
    for count, raw in enumerate(encoded):
        frame = decode_frame(raw)
        session.heard(frame, count)
        data.on_frame(frame, count)
        if count % READ_EVERY == 0:
            data.book(_MARKET.id, DEPTH, count)
    seconds = perf_counter() - start
    view = data.book(_MARKET.id, DEPTH, len(texts))
    top = tuple([(level.price, level.size) for level in side] for side in (view.bids, view.asks))
    return seconds, (top[0], top[1])


def _sdk(texts: list[str]) -> tuple[float, Top]:
    from lighter.ws_client import WsClient

    def read() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        book = client.order_book_states["0"]
        bids = sorted(book["bids"], key=lambda level: -float(level["price"]))[:DEPTH]
        return bids, sorted(book["asks"], key=lambda level: float(level["price"]))[:DEPTH]

    client = WsClient(host="127.0.0.1", order_book_ids=[0], on_order_book_update=None)
    start = perf_counter()
    for count, text in enumerate(texts):
        client.on_message(None, text)
        if count % READ_EVERY == 0:
            read()
    seconds = perf_counter() - start
    bids, asks = ([(Decimal(level["price"]), Decimal(level["size"])) for level in side] for side in read())
    return seconds, (bids, asks)


def _bare(texts: list[str]) -> float:
    decoder = msgspec.json.Decoder(_Frame)
    encoded = [text.encode() for text in texts]
    start = perf_counter()
    for raw in encoded:
        decoder.decode(raw)
    return perf_counter() - start


def measure() -> list[Figure]:
    """Messages a second of the three, and a check that both books ended alike."""
    texts = frames()
    few = texts[: SDK_UPDATES + 1]
    if _ours(few)[1] != _sdk(few)[1]:
        raise AssertionError("our book and the SDK's differ after the same frames")
    subjects: dict[str, Callable[[], float]] = {
        "lighter-tui": lambda: len(texts) / _ours(texts)[0],
        "SDK WsClient handlers": lambda: len(few) / _sdk(few)[0],
        "bare typed decode": lambda: len(texts) / _bare(texts),
    }
    found = interleave(subjects, ROUNDS)
    figures = compared(f"book, {LEVELS:,} levels a side", "msg/s", found, "SDK WsClient handlers")
    ours, bare = found["lighter-tui"], found["bare typed decode"]
    cost = median([floor / mine for floor, mine in zip(bare, ours, strict=True)])
    return [replace(figures[0], note=f"x SDK; costs {cost:.1f} x bare decode"), *figures[1:]]
