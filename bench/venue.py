"""The paper venue: frames to one client at 50 markets against ready-made bytes, orders matched, and memory."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import WSMsgType, web

from bench import venue_orders
from bench.results import Figure, compared
from core.connectors.venue.catalogue import listed
from core.connectors.venue.channels import Stream, key_of
from core.connectors.venue.control_clock import VirtualClock, WallClock
from core.connectors.venue.generator import moving
from core.connectors.venue.hub import Listener
from core.connectors.venue.options import Extras
from core.connectors.venue.server import BATCH_US, HOST, SHORTEST_BATCH_US, VenueServer
from core.connectors.venue.simulation import Simulation

MARKETS: Final = 50
ROUNDS: Final = 3
FRAMES: Final = {SHORTEST_BATCH_US: 100_000, BATCH_US: 15_000}
"""How many are asked for, by how much market time a beat moves: as with the highest `--rate`, and without any."""
_COUNTED_PERCENT: Final = 95
"""A market that did not change sends nothing; so many of the frames asked for there are in any case."""
ORDERS: Final = 1_000_000
_ROOM: Final = 512 * 1024


class Stage(VenueServer):
    """A venue whose beats are called by the benchmark, as fast as they go."""

    @property
    def reader(self) -> Listener | None:
        """The client, once it hears every market."""
        return next((each for each in self._listeners if len(each.keys) >= MARKETS), None)

    def beat(self, number: int, step_us: int) -> None:
        """Move all markets once, and queue what comes of it for the client."""
        self.simulation.tick(step_us, self._clock.now_us() + number * step_us)
        self._hub.publish(self.simulation.take_frames())


Work = Callable[[Stage, Listener], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One run: frames a second as the client counts them, and what each cost this process."""

    rate: float
    cpu_us: float


def measure() -> list[Figure]:
    """Bounded in time: about two minutes."""
    return [*_frames(SHORTEST_BATCH_US), *_frames(BATCH_US), *venue_orders.measure(), _memory()]


def _frames(step_us: int) -> list[Figure]:
    """Frames as the venue makes them, and the same ones ready-made, by itself and by aiohttp alone."""
    again, peer = "venue, ready-made bytes", "aiohttp, ready-made bytes"
    generated, flood = "venue, invented, encoded and sent", "aiohttp, all bytes at once"
    found: dict[str, list[Seen]] = {generated: [], again: [], peer: [], flood: []}
    count = FRAMES[step_us]
    made = _made(step_us)
    for _ in range(ROUNDS):
        found[generated].append(asyncio.run(_rate(lambda s, i: _generate(s, i, step_us), count)))
        found[again].append(asyncio.run(_rate(lambda _, i: _push(i, made), count)))
        found[peer].append(asyncio.run(_plain_rate(made, MARKETS, count)))
        found[flood].append(asyncio.run(_plain_rate(made, len(made), count)))
    group = f"frames to one client, {MARKETS} markets, a beat of {step_us // 1_000} ms"
    rates = {name: [seen.rate for seen in each] for name, each in found.items()}
    costs = {name: [seen.cpu_us for seen in each] for name, each in found.items()}
    return [*compared(group, "frames/s", rates, again), *compared(f"{group}: the server's CPU", "us", costs, again)]


def _made(step_us: int) -> list[bytes]:
    """The frames of a venue that nobody waits for."""
    specs = listed(MARKETS)
    books = {key_of(Stream.ORDER_BOOK, spec.market_id) for spec in specs}
    venue, made = Simulation(specs, 1, (), books, source=moving(1)), []
    begun_us = WallClock().now_us()
    for number in range(1, FRAMES[step_us] // MARKETS + 1):
        venue.tick(step_us, begun_us + number * step_us)
        made += [frame.body for frame in venue.take_frames()]
    return made


def _counted_of(count: int) -> int:
    return count * _COUNTED_PERCENT // 100


async def _rate(work: Work, count: int) -> Seen:
    """Virtual time, so that nothing but the work takes any."""
    server = Stage(markets=MARKETS, seed=1, keys=(), extras=Extras(clock=VirtualClock()))
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        client = await _client(runner, 1 + MARKETS, _counted_of(count))
        while (listener := server.reader) is None:  # noqa: ASYNC110 - the venue has no event for a benchmark
            await asyncio.sleep(0.01)
        await _drained(listener, 0)
        begun = time.process_time()
        await work(server, listener)
        await _drained(listener, 0)
        spent = time.process_time() - begun
    finally:
        await runner.cleanup()
    return Seen(await _counted(client), spent / count * 1e6)


async def _plain_rate(made: list[bytes], portion: int, count: int) -> Seen:
    """The peer: the same frames from a server that does nothing else, each sent by aiohttp, `portion` at a beat.

    In one go most frames find the socket busy and join its buffer; a beat at a time they go out as they come.
    """
    spent = 0.0

    async def stream(request: web.Request) -> web.WebSocketResponse:
        nonlocal spent
        wire = web.WebSocketResponse(compress=False)
        await wire.prepare(request)
        for _ in range(MARKETS):
            await wire.receive()
        begun = time.process_time()
        for start in range(0, len(made), portion):
            for body in made[start : start + portion]:
                await wire.send_frame(body, WSMsgType.TEXT)
            await asyncio.sleep(0)
        spent = time.process_time() - begun
        await wire.close()
        return wire

    app = web.Application()
    app.router.add_get("/stream", stream)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        client = await _client(runner, 0, _counted_of(count))
        rate = await _counted(client)
    finally:
        await runner.cleanup()
    return Seen(rate, spent / count * 1e6)


async def _client(runner: web.AppRunner, passed: int, wanted: int) -> asyncio.subprocess.Process:
    """Open the server, and start a reader of every market's book that counts `wanted` frames after `passed` ones."""
    await web.TCPSite(runner, HOST, 0).start()
    markets = ",".join(str(spec.market_id) for spec in listed(MARKETS))
    port = str(runner.addresses[0][1])
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.venue_client", port, markets, str(passed), str(wanted)), stdout=subprocess.PIPE
    )


async def _counted(client: asyncio.subprocess.Process) -> float:
    out, _ = await client.communicate()
    seen = json.loads(out)
    return seen["frames"] / seen["seconds"]


async def _generate(server: Stage, listener: Listener, step_us: int) -> None:
    """Beats of all markets, one after another, each carried to the socket before the next."""
    for number in range(1, FRAMES[step_us] // MARKETS + 1):
        server.beat(number, step_us)
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
