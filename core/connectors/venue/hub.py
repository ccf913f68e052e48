"""Who listens to what, and a bounded queue to each: a slow reader is disconnected, never buffered without end."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final

from aiohttp import ClientConnectionResetError, WSMsgType, web

from core.connectors.venue.feed import Frame

MAX_QUEUED_BYTES: Final = 4 * 1024 * 1024


class Listener:
    """One socket's outgoing queue."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        """Nothing queued."""
        self.socket: Final = socket
        self.keys: Final[set[str]] = set()
        self._queue: Final[deque[bytes]] = deque()
        self._queued = 0
        self._wake: Final = asyncio.Event()
        self._overflowed = False

    def push(self, body: bytes) -> None:
        """Queue one message; never blocks."""
        self._queued += len(body)
        if self._queued > MAX_QUEUED_BYTES:
            self._overflowed = True
        else:
            self._queue.append(body)
        self._wake.set()

    async def pump(self) -> bool:
        """Write until the socket ends; False when the reader was too slow."""
        try:
            while not self.socket.closed:
                while self._queue and not self._overflowed:
                    body = self._queue.popleft()
                    await self.socket.send_frame(body, WSMsgType.TEXT)
                    self._queued -= len(body)
                if self._overflowed:
                    return False
                self._wake.clear()
                await self._wake.wait()
        except ClientConnectionResetError:
            pass
        return True


class Hub:
    """All listeners by channel; knows which channels are heard at all."""

    def __init__(self) -> None:
        """Nobody listens."""
        self._by_key: Final[dict[str, set[Listener]]] = {}

    def __contains__(self, key: object) -> bool:
        """Whether anybody hears this channel."""
        return key in self._by_key

    def sync(self, listener: Listener, wanted: set[str]) -> None:
        """Make a listener hear exactly the channels of `wanted`."""
        for key in wanted - listener.keys:
            self._by_key.setdefault(key, set()).add(listener)
        for key in listener.keys - wanted:
            heard = self._by_key[key]
            heard.discard(listener)
            if not heard:
                del self._by_key[key]
        listener.keys.clear()
        listener.keys.update(wanted)

    def publish(self, frames: Iterable[Frame]) -> None:
        """Queue each frame for everybody who hears its channel."""
        for key, body in frames:
            for listener in self._by_key.get(key, ()):
                listener.push(body)
