"""What 2,000 book frames a second over 50 markets cost: our stream, the SDK's client doing the same, a bare loop."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import Final

from bench.results import Figure, compared, interleave

MARKETS: Final = 50
LEVELS: Final = 500
RATE: Final = 2_000
FRAMES: Final = 4_000
ROUNDS: Final = 3
_GROUP: Final = f"{RATE:,} book frames/s, {MARKETS} markets of {LEVELS} levels a side"
_NAMES: Final = {"lighter-tui": "ours", "SDK WsClient.run_async": "sdk", "bare aiohttp receive loop": "bare"}


def measure() -> list[Figure]:
    """CPU time a frame, in processes of their own; bounded in time."""
    with _publisher() as port:
        found = interleave({name: lambda who=who: _cpu_us(who, port) for name, who in _NAMES.items()}, ROUNDS)
    figures = compared(_GROUP, "us CPU/frame", found, "SDK WsClient.run_async")
    bare = [mine / floor for mine, floor in zip(found["lighter-tui"], found["bare aiohttp receive loop"], strict=True)]
    return [replace(figures[0], note=f"x SDK; {median(bare):.2f} x the bare loop"), *figures[1:]]


@contextmanager
def _publisher() -> Iterator[int]:
    words = [str(number) for number in (MARKETS, LEVELS, FRAMES // MARKETS, RATE)]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.stream_publisher", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("the publisher has no pipes")
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _cpu_us(who: str, port: int) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "bench.stream_reader", who, str(port), str(MARKETS), str(FRAMES)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"the reader {who!r} failed: {done.stderr.strip()[-300:]}")
    return 1e6 * json.loads(done.stdout)["cpu_s"] / FRAMES
