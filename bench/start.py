"""Process start to first paint: the desk on the paper venue against a Textual application that only shows a line."""

import sys
from tempfile import TemporaryDirectory
from typing import Final

from bench.results import Figure, compared, interleave
from bench.terminal import Terminal, private_env

ROUNDS: Final = 7
_BARE: Final = """
from textual.app import App
from textual.widgets import Label

class Bare(App):
    def compose(self):
        yield Label("first paint")

Bare().run()
"""
_PAINTED: Final = "KILL"
"""In the desk's footer, the last row: the whole frame is there."""


def measure() -> list[Figure]:
    """Milliseconds of both, interleaved."""
    desk = [sys.executable, "-m", "tui", "--profile", "paper"]
    bare = [sys.executable, "-c", _BARE]
    subjects = {
        "lighter-tui desk": lambda: _first_paint(desk, _PAINTED),
        "bare Textual app": lambda: _first_paint(bare, "first paint"),
    }
    for subject in subjects.values():  # once for the file cache and the byte code
        subject()
    found = interleave(subjects, ROUNDS)
    return compared("process start to first paint", "ms", found, "bare Textual app")


def _first_paint(command: list[str], pattern: str) -> float:
    with TemporaryDirectory() as home, Terminal(command, private_env(home)) as terminal:
        return (terminal.wait_for(pattern) - terminal.started_ns) / 1e6
