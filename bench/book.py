"""Book pipeline: the same frames through our decode, session and book, the peers, and a bare decode.

Everybody does the same work: after every message the best bid and ask are known, and every fiftieth time the best
twenty prices of both sides are read. The SDK keeps its levels unsorted, so there the best is a scan and the twenty are
a sort. Snapshots are taken before the clock starts, and the clock is that of this process alone: what else the machine
does is not counted.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from statistics import median
from time import process_time
from typing import Final

import msgspec

from bench import book_nautilus
from bench.results import Figure, compared, interleave
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.session import Session, SessionPolicy
from core.connectors.lighter.wire import decode_frame
from core.model import Market
from core.units import MarketId

LEVELS: Final = (500, 1_000)
SHALLOW, DEEP = 500, 3_000
UPDATES: Final = 10_000
SDK_UPDATES: Final = 600
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


def frames(levels: int, updates: int = UPDATES, *, is_even: bool = False) -> list[str]:
    """A snapshot and its updates, as the venue writes them; the same ones every time.

    Changes are dense at the touch and thin out away from it, or spread evenly over all levels.
    """
    chance = random.Random(7)
    sizes: dict[tuple[int, int], int] = {
        (sign, distance): chance.randrange(1, 90_000) for sign in (-1, 1) for distance in range(1, levels + 1)
    }
    texts = [_frame("subscribed", 0, 1, list(sizes.items()))]
    for nonce in range(1, updates + 1):
        changed: dict[tuple[int, int], int] = {}
        while len(changed) < _CHANGED:
            away = chance.randrange(levels) if is_even else int(chance.expovariate(1 / 60))
            key = (chance.choice((-1, 1)), min(levels + 100, 1 + away))
            is_removal = key in sizes and len(sizes) > 2 * levels - 100 and chance.random() < 0.3
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


def _ours(texts: Sequence[str]) -> tuple[float, Top]:
    """Decode, session, gap check and book; the top is read as a screen reads it."""
    data = MarketData({_MARKET.id: _MARKET}, stale_after_ms=60_000)
    session = Session(data.channels, SessionPolicy(data_is_life=True))
    session.opened(0)
    snapshot, *encoded = [text.encode() for text in texts]
    data.on_frame(decode_frame(snapshot), 0)
    hear, use, best = session.heard, data.on_frame, data.best
    start = process_time()
    for count, raw in enumerate(encoded):
        frame = decode_frame(raw)
        hear(frame, count)
        use(frame, count)
        best(_MARKET.id)
        if count % READ_EVERY == 0:
            data.book(_MARKET.id, DEPTH, count)
    seconds = process_time() - start
    view = data.book(_MARKET.id, DEPTH, len(texts))
    if data.best(_MARKET.id) != tuple(int(side[0].price * 100) for side in (view.bids, view.asks)):
        raise AssertionError("the best prices are not those of the book")
    return seconds, ([(one.price, one.size) for one in view.bids], [(one.price, one.size) for one in view.asks])


def _price(level: dict[str, str]) -> float:
    return float(level["price"])


def _sdk(texts: Sequence[str]) -> tuple[float, Top]:
    from lighter.ws_client import WsClient

    def read() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        book = client.order_book_states["0"]
        return sorted(book["bids"], key=_price, reverse=True)[:DEPTH], sorted(book["asks"], key=_price)[:DEPTH]

    client = WsClient(host="127.0.0.1", order_book_ids=[0], on_order_book_update=None)
    snapshot, *updates = texts
    client.on_message(None, snapshot)
    start = process_time()
    for count, text in enumerate(updates):
        client.on_message(None, text)
        book = client.order_book_states["0"]
        max(book["bids"], key=_price)
        min(book["asks"], key=_price)
        if count % READ_EVERY == 0:
            read()
    seconds = process_time() - start
    bids, asks = ([(Decimal(level["price"]), Decimal(level["size"])) for level in side] for side in read())
    return seconds, (bids, asks)


def _bare(texts: Sequence[str]) -> float:
    decoder = msgspec.json.Decoder(_Frame)
    encoded = [text.encode() for text in texts[1:]]
    start = process_time()
    for raw in encoded:
        decoder.decode(raw)
    return process_time() - start


def measure() -> list[Figure]:
    """Messages a second of each at 500 and 1,000 levels a side, and what depth costs; every book must end alike."""
    figures: list[Figure] = []
    for levels in LEVELS:
        figures += _against_peers(levels)
    return [*figures, *_by_depth()]


def _against_peers(levels: int) -> list[Figure]:
    texts = frames(levels)
    few = texts[: SDK_UPDATES + 1]
    if _ours(few)[1] != _sdk(few)[1]:
        raise AssertionError("our book and the SDK's differ after the same frames")
    subjects: dict[str, Callable[[], float]] = {
        "lighter-tui": lambda: UPDATES / _ours(texts)[0],
        "SDK WsClient handlers": lambda: SDK_UPDATES / _sdk(few)[0],
        "bare typed decode": lambda: UPDATES / _bare(texts),
    }
    if book_nautilus.is_there():
        if _ours(texts)[1] != book_nautilus.run(texts)[1]:
            raise AssertionError("our book and nautilus_trader's differ after the same frames")
        subjects["nautilus_trader OrderBook"] = lambda: UPDATES / book_nautilus.run(texts)[0]
    found = interleave(subjects, ROUNDS)
    figures = compared(f"book, {levels:,} levels a side", "msg/s", found, "SDK WsClient handlers")
    note = f"x SDK; costs {_ratio(found['bare typed decode'], found['lighter-tui']):.1f} x bare decode"
    if "nautilus_trader OrderBook" in found:
        note += f"; {_ratio(found['lighter-tui'], found['nautilus_trader OrderBook']):.1f} x nautilus"
    else:
        note += f"; {book_nautilus.MISSING}"
    return [replace(figures[0], note=note), *figures[1:]]


def _by_depth() -> list[Figure]:
    """Changes spread evenly over the book, so that its depth matters as much as it can."""
    shallow, deep = frames(SHALLOW, is_even=True), frames(DEEP, is_even=True)
    found = interleave(
        {
            f"{DEEP:,} levels a side": lambda: 1e6 * _ours(deep)[0] / UPDATES,
            f"{SHALLOW:,} levels a side": lambda: 1e6 * _ours(shallow)[0] / UPDATES,
        },
        ROUNDS,
    )
    return compared("book, time by depth", "us/msg", found, f"{SHALLOW:,} levels a side")


def _ratio(one: Sequence[float], other: Sequence[float]) -> float:
    return median([mine / theirs for mine, theirs in zip(one, other, strict=True)])
