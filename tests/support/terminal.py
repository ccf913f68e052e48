"""A real pseudo-terminal with a real process in it, and a screen that can be read: by ptyprocess and pyte."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import pyte
from ptyprocess import PtyProcess

from tests.support.waiting import wait_until

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "f8": "\x1b[19~",
    "f12": "\x1b[24~",
    "space": " ",
    **{f"ctrl+{letter}": chr(ord(letter) - ord("a") + 1) for letter in "abcdefghijklmnopqrstuvwxyz"},
}

LEAVES_SCREEN = b"\x1b[?1049l"


class Terminal:
    """One process in a terminal of `columns` x `rows`. Use as a context manager: it never outlives the test."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], columns: int = 200, rows: int = 50) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._is_read = threading.Event()
        self._is_read.set()
        self.received = 0
        self._held = b""
        full = {**os.environ, **env, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self._process = PtyProcess.spawn(list(command), env=full, dimensions=(rows, columns))
        self._reader = threading.Thread(target=self._read, name="terminal reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def _read(self) -> None:
        while True:
            self._is_read.wait()
            try:
                data = self._process.read(65_536)
            except (EOFError, OSError, ValueError):
                return
            with self._lock:
                self.received += len(data)
                self._feed(data)

    def _feed(self, data: bytes) -> None:
        """Pyte knows one screen only: what is left on the other when the program goes back is forgotten here."""
        held = self._held + data
        shown, mark, rest = held.rpartition(LEAVES_SCREEN)
        if mark:
            self._stream.feed(shown + mark)
            self._screen.reset()
        keep = next((size for size in range(len(LEAVES_SCREEN) - 1, 0, -1) if rest.endswith(LEAVES_SCREEN[:size])), 0)
        self._stream.feed(rest[: len(rest) - keep])
        self._held = rest[len(rest) - keep :]

    @property
    def modes(self) -> set[int]:
        """DEC's private modes that are set, such as 1000 for clicks that are reported."""
        with self._lock:
            return {mode >> 5 for mode in self._screen.mode}

    @property
    def lines(self) -> list[str]:
        with self._lock:
            return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def press(self, *keys: str) -> None:
        """Press named keys ("ctrl+k", "f12", "enter") or type plain text, in order."""
        for key in keys:
            self._process.write(KEYS.get(key, key).encode())

    def scribble(self, row: int, text: str) -> None:
        """Put a text on the screen that the program knows nothing of, as `wall` or the kernel does."""
        with self._lock:
            self._stream.feed(b"\x1b7" + f"\x1b[{row};3H\x1b[m{text}".encode() + b"\x1b8")

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        self._process.fileobj.close()
        self._process.closed = True

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Leave the terminal unread, as a laptop that sleeps does."""
        self._is_read.clear()
        try:
            yield
        finally:
            self._is_read.set()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait_for(self, pattern: str, *, timeout: float = 15.0) -> re.Match[str]:
        """Wait until the screen shows `pattern` (a regular expression) and return the match."""
        found: list[re.Match[str]] = []

        def shows() -> bool:
            match = re.search(pattern, self.text, re.MULTILINE)
            if match:
                found.append(match)
            return bool(found)

        self._wait(shows, f"the screen to show {pattern!r}", timeout)
        return found[0]

    def wait_gone(self, pattern: str, *, timeout: float = 15.0) -> None:
        """Wait until the screen no longer shows `pattern`."""
        self._wait(lambda: not re.search(pattern, self.text, re.MULTILINE), f"{pattern!r} to go", timeout)

    def wait_change(self, pattern: str, *, timeout: float = 15.0) -> None:
        """Wait until what `pattern` matches on the screen is another text than now."""
        before = self.wait_for(pattern, timeout=timeout).group()

        def changed() -> bool:
            match = re.search(pattern, self.text, re.MULTILINE)
            return match is not None and match.group() != before

        self._wait(changed, f"{before!r} to change", timeout)

    def wait_exit(self, *, timeout: float = 20.0) -> int:
        """Wait for the process to end; its exit code, negative for a signal."""
        self._wait(lambda: not self._process.isalive(), "the process to end", timeout)
        self._reader.join(timeout=5)
        status = self._process.exitstatus
        return int(status) if status is not None else -int(self._process.signalstatus)

    def _wait(self, condition: Callable[[], bool], what: str, timeout: float) -> None:
        started = time.monotonic()
        try:
            wait_until(condition, what, timeout=timeout)
        except AssertionError as error:
            spent = time.monotonic() - started
            raise AssertionError(f"{error} (waited {spent:.1f} s); the screen was:\n{self.text}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.isalive():
            self._process.kill(signal.SIGKILL)
            self._process.wait()
        self._process.close(force=True)
        self._reader.join(timeout=5)
