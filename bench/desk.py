"""The desk's grid against a `DataTable` with the same rows: CPU and bytes, each in a terminal of 200x50."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.results import Figure, compared
from bench.terminal import Terminal, private_env

ROUNDS: Final = 3
SHARES: Final = {"all rows change": 1.0, "10 % of the rows change": 0.1}
_SECONDS: Final = 60.0
_NAMES: Final = {"grid": "lighter-tui", "table": "Textual DataTable"}


def measure() -> list[Figure]:
    """CPU and bytes of a tick, interleaved."""
    figures: list[Figure] = []
    for label, share in SHARES.items():
        cpu: dict[str, list[float]] = {name: [] for name in _NAMES.values()}
        kilobytes: dict[str, list[float]] = {name: [] for name in _NAMES.values()}
        for _ in range(ROUNDS):
            for kind, name in _NAMES.items():
                burnt, written = _run(kind, share)
                cpu[name].append(burnt)
                kilobytes[name].append(written)
        peer = _NAMES["table"]
        figures += compared(f"46 markets at 10 Hz, {label}: CPU", "ms a tick", cpu, peer)
        figures += compared(f"46 markets at 10 Hz, {label}: written", "kB a tick", kilobytes, peer)
    return figures


def _run(kind: str, share: float) -> tuple[float, float]:
    """Milliseconds of CPU and kB in the terminal, both a tick: a busy machine lets the slower one skip ticks."""
    with TemporaryDirectory() as home:
        file = Path(home) / "found.json"
        command = [sys.executable, "-m", "bench.desk_subject", kind, str(share), str(file)]
        with Terminal(command, private_env(home)) as terminal:
            terminal.wait_over(_SECONDS)
            found = json.loads(file.read_text(encoding="utf-8"))
            count = terminal.bytes_between(found["from_ns"], found["to_ns"])
    return found["cpu_ns"] / 1e6 / found["ticks"], count / 1_000 / found["ticks"]
