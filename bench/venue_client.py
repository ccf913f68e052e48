"""One stream client that only counts: connects, subscribes, reads until the end, and says what it saw.

Its own process, so that reading costs the venue nothing. Arguments: port, the markets' ids, and how many frames to let
pass before it counts: the greeting and the snapshots. One line on stdout: `{"frames": ..., "seconds": ...}`, from the
first byte after those to the last.
"""

import base64
import json
import os
import socket
import sys
import time

from bench.tap import FrameCounter

_CHUNK = 1 << 20


def main() -> None:
    port, markets, passed = int(sys.argv[1]), [int(text) for text in sys.argv[2].split(",")], int(sys.argv[3])
    with socket.create_connection(("127.0.0.1", port)) as wire:
        key = base64.b64encode(os.urandom(16)).decode()
        wire.sendall(
            f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        for market in markets:
            wire.sendall(masked(json.dumps({"type": "subscribe", "channel": f"order_book/{market}"}).encode()))
        counter, frames, begun, ended = FrameCounter(), 0, 0, 0
        while data := wire.recv(_CHUNK):
            ended = time.monotonic_ns()
            if frames >= passed:
                begun = begun or ended
            frames += counter.count(data)
    print(json.dumps({"frames": frames - passed, "seconds": (ended - begun) / 1e9}))


def masked(body: bytes) -> bytes:
    """A client's text frame; the mask is zero, which masks nothing and is allowed. At most 125 bytes."""
    return bytes([0x81, 0x80 | len(body), 0, 0, 0, 0]) + body


if __name__ == "__main__":
    main()
