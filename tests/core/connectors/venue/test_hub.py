"""Listeners write whole frames of every length, many at once, and nothing to a socket that ended."""

import asyncio

import pytest
from aiohttp import ClientSession, web

from core.connectors.venue.feed import Frame
from core.connectors.venue.hub import Hub, Listener

LENGTHS = (1, 125, 126, 127, 65_535, 65_536, 200_000)


async def served(listen) -> list[bytes]:
    """What a client reads from a listener that `listen` fills."""
    read: list[bytes] = []

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        sending = await socket.prepare(request)
        listener = Listener(socket, request.transport, sending.drain)
        writer = asyncio.create_task(listener.pump())
        listen(listener)
        async for _ in socket:
            pass
        assert listener.queued_bytes == 0
        writer.cancel()
        await asyncio.wait([writer])
        return socket

    app = web.Application()
    app.router.add_get("/stream", stream)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/stream"
        async with ClientSession() as session, session.ws_connect(url, max_msg_size=0) as client:
            async with asyncio.timeout(10):
                while not read or read[-1] != b"end":
                    read.append((await client.receive_str()).encode())
    finally:
        await runner.cleanup()
    return read[:-1]


@pytest.mark.parametrize("repeats", [1, 40])
async def test_frames_of_every_length_arrive_whole_and_in_order(repeats):
    bodies = [b"x" * length for length in LENGTHS] * repeats

    def listen(listener: Listener) -> None:
        for body in bodies[: len(LENGTHS) * 10]:  # as much as may be queued
            listener.push(body)
        listener.push(b"end")

    assert await served(listen) == bodies[: len(LENGTHS) * 10]


async def test_a_hub_gives_a_frame_to_those_who_hear_its_channel():
    def listen(listener: Listener) -> None:
        hub = Hub()
        hub.sync(listener, {"a", "b"})
        hub.publish([Frame("a", b"1"), Frame("c", b"2"), Frame("b", b"3")])
        hub.sync(listener, {"c"})
        hub.publish([Frame("a", b"4"), Frame("c", b"5"), Frame("c", b"end")])

    assert await served(listen) == [b"1", b"3", b"5"]
