"""Kill: key press in a real pseudo-terminal to cancel-all bytes on the wire, idle and under a load of book frames."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from bench.results import Figure, latencies
from bench.terminal import Terminal, private_env

ROUNDS: Final = 2
PRESSES: Final = 13
"""A round; each starts a venue and a desk anew."""
LOADS: Final = {"idle": 24, "2,000 book frames/s": 2_000}
_KILL_KEY: Final = "\x0b"
_SECONDS: Final = 20.0
_FOCUS_SECONDS: Final = 0.2
"""What the desk gets to move on to the next field, which it does not show in words."""
_ROOT: Final = Path(__file__).parents[1]


def measure() -> list[Figure]:
    """Milliseconds of every press, by load."""
    samples: dict[str, list[float]] = {name: [] for name in LOADS}
    rates: dict[str, list[float]] = {name: [] for name in LOADS}
    for number in range(ROUNDS):
        for name, rate in LOADS.items():
            with TemporaryDirectory() as home:
                found, seen = _round(Path(home), rate, number)
            samples[name] += found
            rates[name].append(seen)
    return [
        latencies(
            "key press to cancel-all bytes", name, values, f"to p99; {sum(rates[name]) / ROUNDS:,.0f} frames/s passed"
        )
        for name, values in samples.items()
    ]


def _round(home: Path, rate: int, number: int) -> tuple[list[float], float]:
    env = private_env(str(home))
    venue_command = [sys.executable, "-m", "tui", "venue", "--seed", str(number + 1), "--rate", str(rate)]
    with _process(venue_command, env) as venue:
        ready = json.loads(venue.next_line())
        port = ready["url"].rpartition(":")[2]
        with _process([sys.executable, "-m", "bench.tap", port], env) as tap:
            config = _write_config(home, ready, json.loads(tap.next_line())["port"])
            command = [sys.executable, "-m", "tui", "--config", str(config), "--profile", "bench"]
            with Terminal(command, env) as desk:
                desk.wait_for("engine running", seconds=_SECONDS)
                return _presses(desk, tap)


def _presses(desk: Terminal, tap: "_Lines") -> tuple[list[float], float]:
    samples: list[float] = []
    first: tuple[int, int] | None = None
    last = (0, 0)
    for number in range(PRESSES + 1):
        mark = desk.mark()
        pressed_ns = desk.press(_KILL_KEY)
        seen = json.loads(tap.next_line())
        last = (seen["cancel_all_ns"], seen["frames"])
        first = first or last
        if number:  # the first opens connections and fills caches; it is a different thing
            samples.append((seen["cancel_all_ns"] - pressed_ns) / 1e6)
        desk.wait_for("KILL CONFIRMED", mark)
        _rearm(desk, f"bench-{number}")
        tap.drop()
    elapsed = (last[0] - (first or last)[0]) / 1e9
    return samples, (last[1] - (first or last)[1]) / elapsed


def _rearm(desk: Terminal, reason: str) -> None:
    mark = desk.mark()
    desk.press("a")
    desk.wait_for("re-arm after a kill", mark)
    mark = desk.mark()
    desk.press("REARM")
    desk.wait_for("give a reason", mark)
    desk.press("\r")
    time.sleep(_FOCUS_SECONDS)
    mark = desk.mark()
    desk.press(reason)
    desk.wait_for("enter re-arms trading", mark)
    mark = desk.mark()
    desk.press("\r")
    desk.wait_for(f"re-armed by operator: {reason}", mark)


def _write_config(home: Path, ready: dict[str, object], port: int) -> Path:
    accounts = ready["accounts"]
    assert isinstance(accounts, list)  # noqa: S101 - the venue's own promise
    trading, kill = accounts[0], accounts[1]
    path = home / "config.toml"
    path.write_text(
        f'state_dir = "{home}/state"\n'
        "[profiles.bench]\n"
        f'url = "http://127.0.0.1:{port}"\n'
        f'ws_url = "ws://127.0.0.1:{port}/stream"\n'
        f"chain_id = {ready['chain_id']}\n"
        f"account_index = {trading['account_index']}\n"
        f"api_key_index = {trading['api_key_index']}\n"
        f'private_key = "{trading["private_key"]}"\n'
        f"kill_api_key_index = {kill['api_key_index']}\n"
        f'kill_private_key = "{kill["private_key"]}"\n'
    )
    return path


class _Lines:
    """What a process says, line by line, without waiting for ever."""

    def __init__(self, stream: IO[str], name: str) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._name = name
        self.reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.reader.start()

    def next_line(self) -> str:
        try:
            return self._lines.get(timeout=_SECONDS)
        except queue.Empty:
            raise TimeoutError(f"{self._name} said nothing for {_SECONDS:g} s") from None

    def drop(self) -> None:
        """Forget what was said and not asked for."""
        while not self._lines.empty():
            self._lines.get()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line)


@contextmanager
def _process(command: list[str], env: dict[str, str]) -> Iterator[_Lines]:
    process = subprocess.Popen(
        command, env=env, cwd=_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None  # noqa: S101 - asked for above
    assert process.stdout is not None  # noqa: S101 - asked for above
    lines = _Lines(process.stdout, command[3])
    try:
        yield lines
    finally:
        process.stdin.close()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        lines.reader.join(5)
        process.stdout.close()
