"""The public data of a live venue, taken as it comes: books, prints and statistics for a `LiveTape`.

It signs nothing, sends no transaction and needs no key.
"""

import asyncio
import logging
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Final

import aiohttp
import msgspec

from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.replay import DETAILS, Chains, LiveTape, specs_of
from core.errors import ConfigError

_log: Final = logging.getLogger(__name__)
_FETCH_S: Final = 10
_MOST_BYTES: Final = 16 * 1024 * 1024
_SILENT_S: Final = 5.0
_BACKOFF_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
_PONG: Final = '{"type":"pong"}'
_STREAMS: Final = ("order_book", "trade", "market_stats")


class _Kind(msgspec.Struct):
    type: str = ""


def fetch_specs(url: str, count: int) -> tuple[MarketSpec, ...]:
    """The first `count` active perpetuals a live venue lists; blocks.

    Raises:
        ConfigError: it does not answer, or lists none.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"--upstream: expected an http or https address, got {url[:100]!r}")
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}{DETAILS}", timeout=_FETCH_S) as answer:  # noqa: S310 - checked above
            body = answer.read(_MOST_BYTES)
    except (urllib.error.URLError, OSError) as error:
        raise ConfigError(f"--upstream: {url} does not answer: {error}") from None
    return specs_of(body, where="--upstream")[:count]


def stream_of(url: str) -> str:
    """Where a venue at this address streams."""
    parts = urllib.parse.urlsplit(url.rstrip("/"))
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urllib.parse.urlunsplit((scheme, parts.netloc, f"{parts.path}/stream", "", ""))


class Upstream:
    """One connection to a live venue, kept up until cancelled."""

    def __init__(self, url: str, specs: Sequence[MarketSpec], tape: LiveTape) -> None:
        """Opens nothing: `run` does."""
        self._url: Final = stream_of(url)
        self._channels: Final = [f"{stream}/{spec.market_id}" for spec in specs for stream in _STREAMS]
        self._tape: Final = tape

    async def run(self) -> None:
        """Connect, listen, reconnect."""
        failures = 0
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.ws_connect(self._url, max_msg_size=_MOST_BYTES) as socket:
                        failures = 0
                        await self._listen(socket)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    _log.warning("the live venue is out of reach: %s", type(error).__name__)
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1

    async def _listen(self, socket: "aiohttp.ClientWebSocketResponse[bool]") -> None:
        chains = Chains()
        for channel in self._channels:
            await _say(socket, "subscribe", channel)
        while True:
            message = await socket.receive(timeout=_SILENT_S)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            text = str(message.data)
            kind = _kind_of(text)
            if kind == "ping":
                await socket.send_str(_PONG)
            elif kind == "shutdown":
                return
            broken = chains.broken_by(text)
            if not self._tape.put(text) or broken is not None:
                _log.warning("the live venue's book %s lost its chain; asking for a new snapshot", broken)
            if broken is not None:
                await _say(socket, "unsubscribe", broken)
                await _say(socket, "subscribe", broken)


async def _say(socket: "aiohttp.ClientWebSocketResponse[bool]", kind: str, channel: str) -> None:
    await socket.send_str(msgspec.json.encode({"type": kind, "channel": channel}).decode())


def _kind_of(text: str) -> str:
    try:
        return msgspec.json.decode(text, type=_Kind).type
    except (msgspec.DecodeError, UnicodeEncodeError):
        return ""
