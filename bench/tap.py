"""A loopback proxy before the venue that reports each cancel-all it sees pass, and counts WebSocket frames.

Its own process, so that nothing the benchmark does can delay its stamps. Lines on stdout: `{"port": ...}` once, then
`{"cancel_all_ns": ..., "frames": ...}`.
"""

import asyncio
import json
import re
import sys
import time
from typing import Final

_CANCEL_ALL: Final = b"tx_type=16&"
_CANCEL_ALL_ON_SOCKET: Final = re.compile(rb'"tx_type":\s*16\b')
_UPGRADE: Final = b"upgrade: websocket"
_CHUNK: Final = 262_144


class Tap:
    """Forwards bytes both ways and looks at them in passing."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._frames = 0

    async def serve(self) -> None:
        """Until standard input closes: the benchmark holds its other end."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        _say({"port": server.sockets[0].getsockname()[1]})
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        server.close()

    async def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        venue, to_venue = await asyncio.open_connection("127.0.0.1", self._target)
        counter = FrameCounter()
        try:
            await asyncio.gather(self._up(client, to_venue, counter), self._down(venue, to_client, counter))
        except OSError:
            return
        finally:
            to_client.close()
            to_venue.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: "FrameCounter") -> None:
        tail = b""
        said = ClientFrames()
        while data := await reader.read(_CHUNK):
            at_ns = time.monotonic_ns()
            if counter.is_watching:
                if any(_CANCEL_ALL_ON_SOCKET.search(text) for text in said.texts(data)):
                    _say({"cancel_all_ns": at_ns, "frames": self._frames})
                writer.write(data)
                await writer.drain()
                continue
            seen = tail + data
            if _CANCEL_ALL in seen:
                _say({"cancel_all_ns": at_ns, "frames": self._frames})
                seen = b""
            if _UPGRADE in seen.lower():
                counter.is_watching = True
            tail = seen[-len(_UPGRADE) + 1 :]
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: "FrameCounter") -> None:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
            if counter.is_watching:
                self._frames += counter.count(data)
        writer.close()


class ClientFrames:
    """Reads what a client says on a WebSocket, which is masked (RFC 6455, section 5.3)."""

    def __init__(self) -> None:
        self._rest = b""

    def texts(self, data: bytes) -> list[bytes]:
        """The payloads of the frames that are whole now."""
        data = self._rest + data
        found: list[bytes] = []
        at = 0
        while at + 2 <= len(data):
            length = data[at + 1] & 0x7F
            header = {126: 4, 127: 10}.get(length, 2)
            size = int.from_bytes(data[at + 2 : at + header], "big") if header > 2 else length
            begin = at + header + 4
            if begin + size > len(data):
                break
            mask = data[begin - 4 : begin]
            found.append(bytes(byte ^ mask[index % 4] for index, byte in enumerate(data[begin : begin + size])))
            at = begin + size
        self._rest = data[at:]
        return found


class FrameCounter:
    """Counts unmasked WebSocket frames after an upgrade, by their headers (RFC 6455, section 5.2)."""

    def __init__(self) -> None:
        self.is_watching = False
        self._is_past_handshake = False
        self._rest = b""
        self._skip = 0

    def count(self, data: bytes) -> int:
        """How many frames begin in `data`."""
        data = self._rest + data
        self._rest = b""
        if not self._is_past_handshake:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return 0
            self._is_past_handshake = True
        frames, at = 0, self._skip
        while at + 2 <= len(data):
            length = data[at + 1] & 0x7F
            header = {126: 4, 127: 10}.get(length, 2)
            if at + header > len(data):
                break
            size = int.from_bytes(data[at + 2 : at + header], "big") if header > 2 else length
            at += header + size
            frames += 1
        if at < len(data):
            self._rest, self._skip = data[at:], 0
        else:
            self._skip = at - len(data)
        return frames


def _say(message: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(Tap(int(sys.argv[1])).serve())
