"""A browser without one: it keeps cookies, opens the desk's websocket and reads what is painted."""

import asyncio
import json
from typing import Self

import aiohttp
import pyte

from tests.support.waiting import eventually

WITHIN_S = 30.0


class Browser:
    """What textual-serve's page does: cookies, one websocket, a terminal."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)
        self._reading: asyncio.Task[None] | None = None
        self.socket: aiohttp.ClientWebSocketResponse | None = None

    async def enter(self, token: str) -> int:
        async with self.session.get(f"{self.origin}/?token={token}") as answer:
            return answer.status

    async def connect(self, **headers: str) -> Self:
        wanted = {"Origin": self.origin, **headers}
        self.socket = await self.session.ws_connect(f"{self.origin}/ws?width=80&height=24", headers=wanted)
        self._reading = asyncio.create_task(self._read(self.socket))
        return self

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self._stream.feed(message.data)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    async def press(self, data: str) -> None:
        await self.say(["stdin", data])

    async def say(self, what: object) -> None:
        assert self.socket is not None
        await self.socket.send_str(what if isinstance(what, str) else json.dumps(what))

    async def shows(self, *words: str) -> None:
        try:
            await eventually(lambda: all(word in self.text for word in words), f"{words}", WITHIN_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows:\n{self.text}") from None

    async def leave(self) -> None:
        if self.socket is not None:
            await self.socket.close()
        if self._reading is not None:
            await self._reading
        await self.session.close()
