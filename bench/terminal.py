"""A real pseudo-terminal with a process in it: its output stamped as it arrives, its screen as an operator sees it.

The desk writes only the cells that change, so a word is looked for on the screen, never in the bytes.
"""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Self

import pyte
from ptyprocess import PtyProcess

SIZE: Final = (200, 50)
"""Columns and rows, unless told otherwise."""
_TAIL: Final = 400


class Terminal:
    """One process, in so many columns and rows. Ends with its context at the latest."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = SIZE) -> None:
        self._arrived = threading.Condition()
        self._chunks: list[tuple[int, bytes]] = []
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._shown = 0
        """Chunks that the screen shows."""
        self._is_over = False
        self._is_read = threading.Event()
        self._is_read.set()
        full = {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self.started_ns = time.monotonic_ns()
        self._process = PtyProcess.spawn(list(command), env=full, dimensions=size[::-1])
        self._reader = threading.Thread(target=self._read, daemon=True, name="terminal")
        self._reader.start()

    def mark(self) -> int:
        """A place in the output, for `wait_for` to begin at."""
        with self._arrived:
            return len(self._chunks)

    def press(self, keys: str) -> int:
        """Write keys; the monotonic nanosecond just before."""
        at_ns = time.monotonic_ns()
        os.write(self._process.fd, keys.encode())
        return at_ns

    def wait_for(self, pattern: str, since: int = 0, seconds: float = 20.0) -> int:
        """The nanosecond of the first output since a mark after which a line of the screen holds `pattern`.

        Raises:
            TimeoutError: none ever did.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + seconds
        while True:
            chunks, is_over = self._after(self._shown, deadline)
            for at_ns, chunk in chunks:
                touched = self._show(chunk)
                lines = touched if self._shown > since + 1 else range(self._screen.lines)
                if self._shown > since and any(wanted.search(self._line(y)) for y in lines):
                    return at_ns
            if time.monotonic() >= deadline or (is_over and not chunks):
                tail = " ".join(" ".join(self._screen.display).split())[:_TAIL]
                raise TimeoutError(f"the terminal never showed {pattern!r}; it shows: {tail!r}")

    def wait_gone(self, pattern: str, since: int = 0, seconds: float = 20.0) -> None:
        """Wait until no line of the screen holds `pattern`, after the output since a mark.

        Raises:
            TimeoutError: one still does.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + seconds
        while self._shown <= since or any(wanted.search(self._line(y)) for y in range(self._screen.lines)):
            chunks, is_over = self._after(self._shown, deadline)
            for _, chunk in chunks:
                self._show(chunk)
            if time.monotonic() >= deadline or (is_over and not chunks):
                raise TimeoutError(f"the terminal still shows {pattern!r}")

    def _show(self, chunk: bytes) -> list[int]:
        """Bring the screen up to date with one more chunk; which lines it touched."""
        self._screen.dirty.clear()
        self._stream.feed(chunk)
        self._shown += 1
        return sorted(self._screen.dirty)

    def _line(self, y: int) -> str:
        cells = self._screen.buffer[y]
        return "".join(cells[x].data for x in range(self._screen.columns))

    def wait_over(self, seconds: float) -> None:
        """Wait until the process closed its side.

        Raises:
            TimeoutError: it did not.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._is_over, seconds):
                raise TimeoutError(f"the process in the terminal did not end within {seconds:g} s")

    def bytes_between(self, from_ns: int, to_ns: int) -> int:
        """Bytes that arrived between two monotonic nanoseconds."""
        with self._arrived:
            return sum(len(chunk) for at_ns, chunk in self._chunks if from_ns <= at_ns <= to_ns)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Leave the terminal unread, as a laptop that sleeps does; the last read may still take what comes first."""
        self._is_read.clear()
        try:
            yield
        finally:
            self._is_read.set()

    def close(self, seconds: float = 12.0) -> None:
        """SIGTERM, then SIGKILL."""
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGTERM)
        self._reader.join(seconds)
        if self._reader.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._reader.join(seconds)
        self._process.wait()
        self._process.close(force=True)

    def _after(self, seen: int, deadline: float) -> tuple[list[tuple[int, bytes]], bool]:
        """Chunks behind `seen`, once there are any, and whether no more will come."""
        with self._arrived:
            rest = max(0.0, deadline - time.monotonic())
            self._arrived.wait_for(lambda: self._is_over or len(self._chunks) > seen, rest)
            return self._chunks[seen:], self._is_over

    def _read(self) -> None:
        while True:
            self._is_read.wait()
            try:
                chunk = os.read(self._process.fd, 65_536)
            except OSError:
                chunk = b""
            at_ns = time.monotonic_ns()
            with self._arrived:
                self._is_over = not chunk
                if chunk:
                    self._chunks.append((at_ns, chunk))
                self._arrived.notify_all()
            if not chunk:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def private_env(home: str) -> dict[str, str]:
    """An environment whose configuration and state live in a folder of their own, and that uses no proxy.

    Byte code is kept, as it is for whoever installed the program: otherwise its modules are compiled at every start.
    """
    dropped = ("LIGHTER_TUI_", "XDG_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {
        **kept,
        "HOME": home,
        "XDG_CONFIG_HOME": f"{home}/config",
        "XDG_STATE_HOME": f"{home}/state",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
