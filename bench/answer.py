"""Key press in a real pseudo-terminal to the painted answer, how late the screen's loop is, and what a line must carry.

Idle, and at 5,000 book frames/s. Keys that show another screen and figures typed into the ticket, one after the other's
answer; the first round of keys does not count, since it loads what the screens need. The loop is watched while nobody
presses anything. What a line must carry is measured as over SSH, at the default settings, with 50 markets that move.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.paper import process, write_config
from bench.results import Figure, latencies
from bench.terminal import Terminal, private_env

ROUNDS: Final = 2
LOADS: Final = {"idle": 24, "5,000 book frames/s": 5_200}
_MARKETS: Final = 50
_SETTLE_S: Final = 3.0
_STILL_S: Final = 10.0
"""How long the loop is watched, with no key pressed."""
_BURSTS: Final = 10
_QUIT_KEY: Final = "\x11"
_FIGURES: Final = "12345678"
_LINE_S: Final = 15.0
_LIMIT_KB: Final = 25.0
"""What the desk keeps to over SSH unless told otherwise."""


def measure() -> list[Figure]:
    """Milliseconds of every press and of every turn of the loop, by load; then kB/s."""
    answers: dict[str, list[float]] = {name: [] for name in LOADS}
    lags: dict[str, list[float]] = {name: [] for name in LOADS}
    for number in range(ROUNDS):
        for name, rate in LOADS.items():
            with TemporaryDirectory() as home:
                pressed, late = _round(Path(home), rate, number)
            answers[name] += pressed
            lags[name] += late
    return [
        *_beside_idle("key press to painted answer", answers),
        *_beside_idle("lateness of the screen's loop", lags),
        _carried(),
    ]


def _beside_idle(group: str, found: dict[str, list[float]]) -> list[Figure]:
    idle, loaded = LOADS
    figures = [latencies(group, name, samples, "to p99; ratio of p99") for name, samples in found.items()]
    base = figures[0].high
    above = f"{figures[1].note}; {figures[1].high - base:.1f} ms above {idle}"
    figures[1] = replace(figures[1], note=above)
    assert figures[1].name == loaded  # noqa: S101 - both are of one table
    return [replace(figure, ratio=figure.high / base, peer=idle) for figure in figures]


def _round(home: Path, rate: int, number: int) -> tuple[list[float], list[float]]:
    file = home / "lag.json"
    with _desk(home, rate, number, {"BENCH_LAG": str(file)}, "bench.answering_desk") as desk:
        _burst(desk)
        time.sleep(_SETTLE_S)
        from_ns = time.monotonic_ns()
        time.sleep(_STILL_S)
        to_ns = time.monotonic_ns()
        pressed = [found for _ in range(_BURSTS) for found in _burst(desk)]
        desk.press(_QUIT_KEY)
        desk.wait_over(20.0)
    late = json.loads(file.read_text(encoding="utf-8"))
    return pressed, [ms for at_ns, ms in late if from_ns <= at_ns <= to_ns]


def _burst(desk: Terminal) -> list[float]:
    """Another screen and back, then figures in the ticket."""
    found = [
        _answered(desk, key, rf"{name} \d\d:\d\d:\d\d")
        for key, name in (("o", "orders"), ("h", "health"), ("d", "desk"))
    ]
    mark = desk.mark()
    desk.press("n")
    desk.wait_for("new order", mark)
    for count, figure in enumerate(_FIGURES, 1):
        found.append(_answered(desk, figure, rf"market +{_FIGURES[:count]}"))
    mark = desk.mark()
    desk.press("\x1b")
    desk.wait_gone("new order", mark)
    return found


def _answered(desk: Terminal, key: str, pattern: str) -> float:
    mark = desk.mark()
    pressed_ns = desk.press(key)
    return (desk.wait_for(pattern, mark) - pressed_ns) / 1e6


def _carried() -> Figure:
    """What the terminal got, a second, over some seconds."""
    samples: list[float] = []
    with (
        TemporaryDirectory() as home,
        _desk(Path(home), None, 1, {"SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 22"}, "tui") as desk,
    ):
        time.sleep(_SETTLE_S)
        for _ in range(ROUNDS):
            begun_ns = time.monotonic_ns()
            time.sleep(_LINE_S)
            count = desk.bytes_between(begun_ns, begun_ns + int(_LINE_S * 1e9))
            samples.append(count / 1_000 / _LINE_S)
    figure = latencies("over SSH, 50 markets that move, default settings", "lighter-tui", samples)
    return replace(figure, unit="kB/s", ratio=figure.high / _LIMIT_KB, peer=f"{_LIMIT_KB:g} kB/s", note="x 25 kB/s")


@contextmanager
def _desk(home: Path, rate: int | None, number: int, more: dict[str, str], program: str) -> Iterator[Terminal]:
    """A desk at work on a venue of its own."""
    env = {name: value for name, value in private_env(str(home)).items() if name != "SSH_CONNECTION"} | more
    command = [sys.executable, "-m", "tui", "venue", "--seed", str(number + 1), "--markets", str(_MARKETS)]
    with process(command if rate is None else [*command, "--rate", str(rate)], env) as venue:
        ready = json.loads(venue.next_line())
        config = write_config(home, ready, int(ready["url"].rpartition(":")[2]))
        command = [sys.executable, "-m", program, "--config", str(config), "--profile", "bench"]
        with Terminal(command, env) as desk:
            desk.wait_for("● ACTIVE", seconds=30.0)
            yield desk
