"""The paper venue: frames to one client at 50 markets against ready-made bytes, orders matched, and memory."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import WSMsgType, web

from bench import venue_orders
from bench.results import Figure, compared
from core.connectors.venue.catalogue import listed
from core.connectors.venue.control_clock import VirtualClock
from core.connectors.venue.hub import Listener
from core.connectors.venue.options import Extras
from core.connectors.venue.server import BATCH_US, HOST, VenueServer

MARKETS: Final = 50
ROUNDS: Final = 3
BEATS: Final = 300
ORDERS: Final = 1_000_000
_ROOM: Final = 512 * 1024
_GROUP: Final = f"frames to one client, {MARKETS} markets"


class Stage(VenueServer):
    """A venue whose beats are called by the benchmark, as fast as they go."""

    @property
    def reader(self) -> Listener | None:
        """The client, once it hears every market."""
        return next((each for each in self._listeners if len(each.keys) >= MARKETS), None)

    def beat(self, number: int) -> list[bytes]:
        """Move all markets once; what was queued for the client."""
        self.simulation.tick(BATCH_US, self._clock.now_us() + number * BATCH_US)
        frames = self.simulation.take_frames()
        self._hub.publish(frames)
        return [frame.body for frame in frames]


Work = Callable[[Stage, Listener], Awaitable[None]]


def measure() -> list[Figure]:
    """Bounded in time: about a minute."""
    generated, again = "venue, generated and encoded", "venue, ready-made bytes"
    peer, flood = "aiohttp, ready-made bytes", "aiohttp, all bytes at once"
    found: dict[str, list[float]] = {generated: [], again: [], peer: [], flood: []}
    for _ in range(ROUNDS):
        made: list[bytes] = []
        found[generated].append(asyncio.run(_rate(lambda s, i, m=made: _generate(s, i, m))))
        found[again].append(asyncio.run(_rate(lambda _, i, m=made: _push(i, m))))
        found[peer].append(asyncio.run(_plain_rate(made, MARKETS)))
        found[flood].append(asyncio.run(_plain_rate(made, len(made))))
    return [
        *compared(_GROUP, "frames/s", found, peer),
        *venue_orders.measure(),
        _memory(),
    ]


async def _rate(work: Work) -> float:
    """Frames a second as the client counts them; virtual time, so that nothing but the work takes any."""
    server = Stage(markets=MARKETS, seed=1, keys=(), extras=Extras(clock=VirtualClock()))
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        client = await _client(runner, 1 + MARKETS)
        while (listener := server.reader) is None:  # noqa: ASYNC110 - the venue has no event for a benchmark
            await asyncio.sleep(0.01)
        await _drained(listener, 0)
        await work(server, listener)
        await _drained(listener, 0)
    finally:
        await runner.cleanup()
    return await _counted(client)


async def _plain_rate(made: list[bytes], portion: int) -> float:
    """The peer: the same frames from a server that does nothing else, each sent by aiohttp, `portion` at a beat.

    In one go most frames find the socket busy and join its buffer; a beat at a time they go out as they come.
    """

    async def stream(request: web.Request) -> web.WebSocketResponse:
        wire = web.WebSocketResponse(compress=False)
        await wire.prepare(request)
        for _ in range(MARKETS):
            await wire.receive()
        for start in range(0, len(made), portion):
            for body in made[start : start + portion]:
                await wire.send_frame(body, WSMsgType.TEXT)
            await asyncio.sleep(0)
        await wire.close()
        return wire

    app = web.Application()
    app.router.add_get("/stream", stream)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        client = await _client(runner, 0)
        return await _counted(client)
    finally:
        await runner.cleanup()


async def _client(runner: web.AppRunner, passed: int) -> asyncio.subprocess.Process:
    """Open the server, and start a reader of every market's book that counts after `passed` frames."""
    await web.TCPSite(runner, HOST, 0).start()
    markets = ",".join(str(spec.market_id) for spec in listed(MARKETS))
    port = str(runner.addresses[0][1])
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.venue_client", port, markets, str(passed), stdout=subprocess.PIPE
    )


async def _counted(client: asyncio.subprocess.Process) -> float:
    out, _ = await client.communicate()
    seen = json.loads(out)
    return seen["frames"] / seen["seconds"]


async def _generate(server: Stage, listener: Listener, made: list[bytes]) -> None:
    """Beats of all markets, one after another, each carried to the socket before the next."""
    for number in range(1, BEATS + 1):
        made += server.beat(number)
        await _drained(listener, _ROOM)


async def _push(listener: Listener, made: list[bytes]) -> None:
    """The same frames again, in the same portions."""
    for start in range(0, len(made), MARKETS):
        for body in made[start : start + MARKETS]:
            listener.push(body)
        await _drained(listener, _ROOM)


async def _drained(listener: Listener, room: int) -> None:
    await asyncio.sleep(0)
    while listener.queued_bytes > room:  # noqa: ASYNC110 - the writer has no event for a benchmark
        await asyncio.sleep(0)


def _memory() -> Figure:
    done = subprocess.run(
        [sys.executable, "-m", "bench.venue_memory", str(ORDERS)],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    seen = json.loads(done.stdout)
    half, end = seen["half"] / 1e6, seen["end"] / 1e6
    return Figure(
        group=f"memory after {ORDERS:,} orders",
        name="venue core",
        unit="MB",
        median=end,
        low=half,
        high=end,
        count=1,
        note=f"second half: {100 * (end / half - 1):+.2f} %",
    )
