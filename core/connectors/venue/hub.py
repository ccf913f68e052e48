"""Who listens to what, and a bounded queue to each: a slow reader is disconnected, never buffered without end."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Final

from aiohttp import ClientConnectionResetError, WSMsgType, web

from core.connectors.venue.feed import Frame

MAX_QUEUED_BYTES: Final = 4 * 1024 * 1024
_CLOSE_S: Final = 1.0
_CLOSE_IN_MS: Final = 100
_SHUTDOWN: Final = b'{"type":"shutdown","close_in_ms":%d}' % _CLOSE_IN_MS
_GOING_AWAY: Final = 1001
_log: Final = logging.getLogger(__name__)


class Listener:
    """One socket's outgoing queue."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        """Nothing queued; the transport is what ends a reader that does not read."""
        self.keys: Final[set[str]] = set()
        self._socket: Final = socket
        self._transport: Final = transport
        self._queue: Final[deque[bytes]] = deque()
        self._queued = 0
        self._wake: Final = asyncio.Event()

    def push(self, body: bytes) -> None:
        """Queue one message; never blocks. A reader that is too far behind loses its connection instead."""
        self._queued += len(body)
        if self._queued > MAX_QUEUED_BYTES:
            self._abort()
            return
        self._queue.append(body)
        self._wake.set()

    @property
    def queued_bytes(self) -> int:
        """How far the reader is behind."""
        return self._queued

    def forget(self) -> None:
        """Drop what is queued."""
        self._queue.clear()
        self._queued = 0

    async def pump(self) -> None:
        """Write until the socket ends."""
        try:
            while not self._socket.closed:
                while self._queue:
                    body = self._queue.popleft()
                    await self._socket.send_frame(body, WSMsgType.TEXT)
                    self._queued -= len(body)
                self._wake.clear()
                await self._wake.wait()
        except ClientConnectionResetError:
            self._abort()

    async def close(self) -> None:
        """Announce the end, say goodbye, and hang up on a reader that does not listen to it."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._socket.send_frame(_SHUTDOWN, WSMsgType.TEXT)
                await asyncio.sleep(_CLOSE_IN_MS / 1_000)
                await self._socket.close(code=_GOING_AWAY, message=b"venue is closing")
        except (TimeoutError, ClientConnectionResetError):
            self._abort()

    def _abort(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            _log.warning("a stream reader is too slow or gone; disconnected")
            self._transport.abort()


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
