"""One reader of market data in a process of its own, which says what its work cost.

Arguments: who reads (`ours`, `sdk`, `bare`), port, markets, frames to read. After every frame the best bid and ask are
known, every fiftieth time the best twenty of both sides are read; `bare` only receives. One line on stdout:
`{"cpu_s": ..., "frames": ...}`, from the first update to the last.
"""

import asyncio
import json
import sys
import time
import warnings
from decimal import Decimal
from typing import Any, Final

import aiohttp

from core.clock import SystemClock
from core.connectors.lighter.board import Shard
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.session import Session, SessionPolicy
from core.connectors.lighter.stream import Stream, StreamSetup
from core.connectors.lighter.wire import BookUpdate, Frame
from core.events import LinkName
from core.model import Market
from core.units import MarketId

DEPTH: Final = 20
READ_EVERY: Final = 50


class Meter:
    """CPU time of this process from the first update to the last."""

    def __init__(self, wanted: int) -> None:
        self.count = 0
        self.done = asyncio.Event()
        self._wanted = wanted
        self._began = 0.0
        self.cpu_s = 0.0

    def tick(self) -> None:
        """One update was used."""
        if not self.count:
            self._began = time.process_time()
        self.count += 1
        if self.count == self._wanted:
            self.cpu_s = time.process_time() - self._began
            self.done.set()


class Reading(Shard):
    """Our books, read as the peer's are."""

    def __init__(self, data: MarketData, meter: Meter) -> None:
        super().__init__(data, has_trades=False)
        self._meter = meter

    def on_frame(self, frame: Frame, now_ns: int) -> str | None:
        mending = super().on_frame(frame, now_ns)
        if isinstance(frame, BookUpdate):
            market_id = MarketId(int(frame.channel[11:]))
            self.data.best(market_id)
            if self._meter.count % READ_EVERY == 0:
                self.data.book(market_id, DEPTH, now_ns)
            self._meter.tick()
        return mending


async def ours(url: str, markets: int, meter: Meter) -> None:
    """The production stream, session, books and all."""
    known = {MarketId(number): _market(number) for number in range(markets)}
    reading = Reading(MarketData(known, stale_after_ms=3_000), meter)
    session = Session(reading.channels, SessionPolicy(data_is_life=True))
    stream = Stream(
        StreamSetup(
            name=LinkName.MARKET_DATA,
            url=url,
            session=session,
            feed=reading,
            clock=SystemClock(),
            sink=lambda _: None,
            connect_timeout_s=5,
        )
    )
    await _until_done(stream.run(), meter)


async def sdk(url: str, markets: int, meter: Meter) -> None:
    """The vendor's client."""
    warnings.simplefilter("ignore")
    from lighter.ws_client import WsClient

    def price(level: dict[str, str]) -> float:
        return float(level["price"])

    def on_book(_: str, book: dict[str, Any]) -> None:
        nonlocal snapshots
        if snapshots < markets:
            snapshots += 1
            return
        max(book["bids"], key=price)
        min(book["asks"], key=price)
        if meter.count % READ_EVERY == 0:
            sorted(book["bids"], key=price, reverse=True)[:DEPTH]
            sorted(book["asks"], key=price)[:DEPTH]
        meter.tick()

    snapshots = 0
    client = WsClient(ws_url=url, order_book_ids=list(range(markets)), on_order_book_update=on_book)
    await _until_done(client.run_async(), meter)


async def bare(url: str, markets: int, meter: Meter) -> None:
    """A receive loop and nothing else."""
    async with aiohttp.ClientSession() as http, http.ws_connect(url, decode_text=False, max_msg_size=1 << 24) as socket:
        for number in range(markets):
            await socket.send_str(json.dumps({"type": "subscribe", "channel": f"order_book/{number}"}))
        greetings = 1 + markets
        async for _ in socket:
            if greetings:
                greetings -= 1
                continue
            meter.tick()
            if meter.done.is_set():
                return


async def _until_done(work: Any, meter: Meter) -> None:
    task = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(meter.done.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    for one in (task, waiting):
        one.cancel()
    await asyncio.gather(task, waiting, return_exceptions=True)


def _market(number: int) -> Market:
    return Market(
        id=MarketId(number),
        symbol=f"M{number}",
        price_decimals=2,
        size_decimals=4,
        min_size=Decimal("0.005"),
        min_notional=Decimal(10),
    )


async def main() -> None:
    who, port, markets, wanted = sys.argv[1], *map(int, sys.argv[2:5])
    meter = Meter(wanted)
    async with asyncio.timeout(90):
        await {"ours": ours, "sdk": sdk, "bare": bare}[who](f"ws://127.0.0.1:{port}/stream", markets, meter)
    print(json.dumps({"cpu_s": meter.cpu_s, "frames": meter.count}))


if __name__ == "__main__":
    asyncio.run(main())
