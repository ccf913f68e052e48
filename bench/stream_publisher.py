"""A market-data venue of ready-made frames: its own process, so that sending costs its reader nothing.

Arguments: markets, levels a side, updates a market, frames a second. Prints its port; to each client that subscribed to
every book it sends all updates once, market after market, evenly paced, and then waits for the next client.
"""

import asyncio
import sys
from typing import Final

from aiohttp import WSMsgType, web

from bench.book import frames

_PACE_S: Final = 0.001


async def main() -> None:
    markets, levels, updates, rate = map(int, sys.argv[1:5])
    snapshot, *changes = frames(levels, updates)

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await socket.send_str('{"session_id":"1","type":"connected"}')
        subscribed = 0
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            asked = message.json()
            channel = asked.get("channel", "")
            if channel == "market_stats/all":
                await socket.send_str(
                    '{"channel":"market_stats:all","market_stats":{},"type":"subscribed/market_stats"}'
                )
            elif channel.startswith("order_book/"):
                await socket.send_str(_of(snapshot, int(channel.partition("/")[2])))
                subscribed += 1
            if subscribed == markets:
                break
        await _send(socket, [_of(change, market) for change in changes for market in range(markets)], rate)
        async for _ in socket:  # until the reader has enough
            pass
        return socket

    app = web.Application()
    app.router.add_get("/stream", stream)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the benchmark closes it
    await runner.cleanup()


async def _send(socket: web.WebSocketResponse, texts: list[str], rate: int) -> None:
    loop = asyncio.get_running_loop()
    start, sent = loop.time(), 0
    while sent < len(texts) and not socket.closed:
        due = min(len(texts), int((loop.time() - start) * rate))
        for text in texts[sent:due]:
            await socket.send_str(text)
        sent = due
        await asyncio.sleep(_PACE_S)


def _of(text: str, market: int) -> str:
    return text.replace('"order_book:0"', f'"order_book:{market}"', 1)


asyncio.run(main())
