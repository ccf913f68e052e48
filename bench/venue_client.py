"""One stream client that only counts: connects, subscribes, reads until the end, and says what it saw.

Its own process, so that reading costs the venue nothing. Arguments: port, the markets' ids, how many frames to let
pass before it counts (the greeting and the snapshots), and how many to count: a venue that ends takes its leave, and
that takes time of its own. One line on stdout: `{"frames": ..., "seconds": ...}`, from the first byte that is counted
to the last.
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
    port, markets = int(sys.argv[1]), [int(text) for text in sys.argv[2].split(",")]
    passed, wanted = int(sys.argv[3]), int(sys.argv[4])
    with socket.create_connection(("127.0.0.1", port)) as wire:
        key = base64.b64encode(os.urandom(16)).decode()
        wire.sendall(
            f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        for market in markets:
            wire.sendall(masked(json.dumps({"type": "subscribe", "channel": f"order_book/{market}"}).encode()))
        counter, frames, counted, begun, ended = FrameCounter(), 0, 0, 0, 0
        while data := wire.recv(_CHUNK):
            now = time.monotonic_ns()
            if frames >= passed:
                begun = begun or now
            frames += counter.count(data)
            if not ended and frames >= passed + wanted:
                ended, counted = time.monotonic_ns(), frames - passed
    print(json.dumps({"frames": counted, "seconds": (ended - begun) / 1e9}))


def masked(body: bytes) -> bytes:
    """A client's text frame; the mask is zero, which masks nothing and is allowed. At most 125 bytes."""
    return bytes([0x81, 0x80 | len(body), 0, 0, 0, 0]) + body


if __name__ == "__main__":
    main()
