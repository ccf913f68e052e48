"""Kill: key press in a real pseudo-terminal to HALTED in the engine, to cancel-all bytes, to the venue's confirmation.

Idle, and at 5,000 book frames/s with a full task queue on a terminal that nobody reads.
"""

import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.full_desk import FULL
from bench.paper import Lines, process, write_config
from bench.results import Figure, latencies
from bench.terminal import Terminal, private_env
from core.engine.control import SOCKET_NAME, ask
from core.engine.journal_reader import search
from core.history import HistoryQuery

ROUNDS: Final = 2
PRESSES: Final = 25
"""A round, after one that does not count; each round starts a venue and a desk anew."""
_MARKETS: Final = 48
"""Five times the frames that a real market sends, which batches changes for 50 ms; with few markets the load's own beat
costs more than its frames."""
_FULL_RATE: Final = 5_200
"""A little is lost on a busy machine; what was reached stands beside the figures."""
LOADS: Final = {"idle": 24, "5,000 book frames/s, full queue, nobody reads": _FULL_RATE}
_FULL: Final = frozenset({_FULL_RATE})
"""Rates at which the task queue is full, and the terminal is left unread around each press."""
SPANS: Final = ("to HALTED in the engine", "to cancel-all bytes", "to the venue's confirmation")
_SLOW: Final = {"seed": 1, "faults": [{"fault": "slow-ack", "at": 0, "match": "*sendtx*", "ms": 200}]}
"""Replies that take so long keep the queue full; what was asked for is carried out at once."""
_STALL_SECONDS: Final = 0.6
"""What an unread terminal gets to fill up: it takes a few thousand bytes."""
_KILL_KEY: Final = "\x0b"
_SECONDS: Final = 20.0
_ROOT: Final = Path(__file__).parents[1]


def measure() -> list[Figure]:
    """Milliseconds of every press, by load and by how far it came."""
    spans: dict[str, list[_Press]] = {name: [] for name in LOADS}
    rates: dict[str, list[float]] = {name: [] for name in LOADS}
    for number in range(ROUNDS):
        for name, rate in LOADS.items():
            with TemporaryDirectory() as home:
                found, seen = _round(Path(home), rate, number)
            spans[name] += found
            rates[name].append(seen)
    return [figure for span in SPANS for figure in _beside_idle(span, spans, rates)]


def _beside_idle(
    span: str, spans: Mapping[str, Sequence["_Press"]], rates: Mapping[str, Sequence[float]]
) -> list[Figure]:
    """A figure a load; the ratio is that of its p99 to the p99 of the idle desk."""
    idle = next(iter(LOADS))
    found = [
        latencies(
            f"key press {span}",
            name,
            [press.ms[span] for press in presses],
            f"to p99; ratio of p99; worst {max(press.ms[span] for press in presses):,.1f} ms; "
            f"{min(rates[name]):,.0f} frames/s, {min(press.dropped for press in presses)} tasks dropped",
        )
        for name, presses in spans.items()
    ]
    base = next(figure for figure in found if figure.name == idle).high
    return [replace(figure, ratio=figure.high / base, peer=idle) for figure in found]


@dataclass(frozen=True, slots=True)
class _Press:
    """What one press of the key did."""

    ms: dict[str, float]
    dropped: int
    """Tasks that waited."""


@dataclass(frozen=True, slots=True)
class _Stamp:
    """When a key was written, by both clocks, and when its first bytes passed, monotonic."""

    pressed_ns: int
    pressed_us: int
    bytes_ns: int


def _round(home: Path, rate: int, number: int) -> tuple[list[_Press], float]:
    env = private_env(str(home))
    is_full = rate in _FULL
    faults = home / "faults.json"
    faults.write_text(json.dumps(_SLOW if is_full else {"faults": []}))
    venue_command = [sys.executable, "-m", "tui", "venue", "--seed", str(number + 1), "--rate", str(rate)]
    with process([*venue_command, "--markets", str(_MARKETS), "--faults", str(faults)], env) as venue:
        ready = json.loads(venue.next_line())
        port = ready["url"].rpartition(":")[2]
        with process([sys.executable, "-m", "bench.tap", port], env) as tap:
            config = write_config(home, ready, json.loads(tap.next_line())["port"])
            program = "bench.full_desk" if is_full else "tui"
            command = [sys.executable, "-m", program, "--config", str(config), "--profile", "bench"]
            with Terminal(command, env) as desk:
                desk.wait_for("engine running", seconds=_SECONDS)
                stamps, seen = _presses(desk, tap, home / "state" / "bench" / SOCKET_NAME, is_read=not is_full)
    presses = _told(stamps, home / "state" / "bench" / "journal.sqlite3")
    if is_full and min(press.dropped for press in presses) < FULL // 2:
        raise AssertionError(f"the task queue was not full: {[press.dropped for press in presses]}")
    return presses, seen


def _presses(desk: Terminal, tap: Lines, control: Path, *, is_read: bool) -> tuple[list[_Stamp], float]:
    stamps: list[_Stamp] = []
    first: tuple[int, int] | None = None
    last = (0, 0)
    for number in range(PRESSES + 1):
        mark = desk.mark()
        with nullcontext() if is_read else desk.stalled():
            if not is_read:
                time.sleep(_STALL_SECONDS)
            ahead_ns = time.time_ns() - time.monotonic_ns()
            pressed_ns = desk.press(_KILL_KEY)
            seen = json.loads(tap.next_line())
        last = (seen["cancel_all_ns"], seen["frames"])
        first = first or last
        stamps.append(_Stamp(pressed_ns, (pressed_ns + ahead_ns) // 1_000, seen["cancel_all_ns"]))
        desk.wait_for("KILL CONFIRMED", mark)
        _rearm(desk, control, f"bench-{number}")
        tap.drop()
    elapsed = (last[0] - (first or last)[0]) / 1e9
    return stamps, (last[1] - (first or last)[1]) / elapsed


def _told(stamps: Sequence[_Stamp], journal: Path) -> list[_Press]:
    """The engine's own words of each press, by the moments in its journal; without the first press.

    The first opens connections and fills caches; it is a different thing.
    """
    rows = search(journal, HistoryQuery(kinds=("kill",), limit=1_000))[::-1]
    heard = [row for row in rows if "pressed by" in row.text]
    confirmed = [row for row in rows if "confirmed: " in row.text]
    if not len(heard) == len(confirmed) == len(stamps):
        raise AssertionError(f"{len(stamps)} presses, {len(heard)} heard, {len(confirmed)} confirmed")
    found: list[_Press] = []
    for stamp, hear, confirm in list(zip(stamps, heard, confirmed, strict=True))[1:]:
        spans = (
            (hear.at_us - stamp.pressed_us) / 1e3,
            (stamp.bytes_ns - stamp.pressed_ns) / 1e6,
            (confirm.at_us - stamp.pressed_us) / 1e3,
        )
        dropped = re.search(r"(\d+) queued tasks dropped", hear.text)
        found.append(_Press(dict(zip(SPANS, spans, strict=True)), int(dropped[1]) if dropped else 0))
    return found


def _rearm(desk: Terminal, control: Path, reason: str) -> None:
    """By the socket of the engine, as `lighter-tui rearm` does: the screen has just been left unread."""
    mark = desk.mark()
    answers = list(ask(control, {"do": "rearm", "reason": reason}, _SECONDS))
    if not answers or answers[-1].get("ok") is not True:
        raise AssertionError(f"not re-armed: {answers}")
    desk.wait_for("● ACTIVE", mark)
