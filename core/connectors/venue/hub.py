"""Who listens to what, and a bounded queue to each: a slow reader is disconnected, never buffered without end."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Container, Iterable
from functools import lru_cache
from struct import Struct
from typing import Final, TypeAlias

from aiohttp import ClientConnectionResetError, WSMsgType, web

from core.connectors.venue.feed import Frame

MAX_QUEUED_BYTES: Final = 4 * 1024 * 1024
_CLOSE_S: Final = 1.0
_CLOSE_IN_MS: Final = 100
_SHUTDOWN: Final = b'{"type":"shutdown","close_in_ms":%d}' % _CLOSE_IN_MS
_GOING_AWAY: Final = 1001
_PORTION_BYTES: Final = 64 * 1024
"""What is given to the socket at once: one write for many small frames costs a fifth of one for each."""
_SHORT: Final = 126
_MEDIUM: Final = 1 << 16
_SHORT_HEAD: Final = Struct("!BB").pack
_MEDIUM_HEAD: Final = Struct("!BBH").pack
_LONG_HEAD: Final = Struct("!BBQ").pack
_WHOLE_TEXT: Final = 0x81
_log: Final = logging.getLogger(__name__)

Drain: TypeAlias = Callable[[], Awaitable[None]]
"""Waits until the socket takes more."""


class Listener:
    """One socket's outgoing queue."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, drain: Drain) -> None:
        """Nothing queued; the transport is what ends a reader that does not read."""
        self._drain: Final = drain
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
        if not self._queue:
            self._wake.set()
        self._queue.append(body)

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
        wire = self._transport
        try:
            while wire is not None and not self._socket.closed and not wire.is_closing():
                if self._queue:
                    wire.write(self._portion())
                    await self._drain()
                else:
                    self._wake.clear()
                    await self._wake.wait()
        except ClientConnectionResetError:
            self._abort()

    def _portion(self) -> bytes:
        """The next frames of the queue as the wire wants them."""
        queue, size = self._queue, 0
        parts: list[bytes] = []
        while queue and size < _PORTION_BYTES:
            body = queue.popleft()
            length = len(body)
            parts += (_head(length), body)
            size += length
        self._queued -= size
        return b"".join(parts)

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


@lru_cache(maxsize=1_024)
def _head(length: int) -> bytes:
    """What comes before a whole text frame of the server (RFC 6455, 5.2)."""
    if length < _SHORT:
        return _SHORT_HEAD(_WHOLE_TEXT, length)
    if length < _MEDIUM:
        return _MEDIUM_HEAD(_WHOLE_TEXT, _SHORT, length)
    return _LONG_HEAD(_WHOLE_TEXT, _SHORT + 1, length)


class Hub:
    """All listeners by channel; knows which channels are heard at all."""

    def __init__(self) -> None:
        """Nobody listens."""
        self._by_key: Final[dict[str, set[Listener]]] = {}

    @property
    def heard(self) -> Container[str]:
        """The channels that anybody hears, now and whenever it is asked."""
        return self._by_key

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
        by_key = self._by_key
        for frame in frames:
            for listener in by_key.get(frame.key, ()):
                listener.push(frame.body)
