"""The real process in a real tmux: what the operator of a far machine sits at."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.terminal import KEYS, Terminal
from tests.support.waiting import wait_until

TMUX = shutil.which("tmux")
"""None where it is not installed."""
_CALL_S = 60.0


class Tmux(Terminal):
    """One process in the only pane of a tmux server of its own. Use as a context manager: both end with it."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], columns: int, rows: int) -> None:
        # A socket's path must be short, which pytest's folders are not.
        self._folder = Path(tempfile.mkdtemp(prefix="desk-"))
        configuration = self._folder / "tmux.conf"
        configuration.write_text(
            "set -g default-terminal screen-256color\n"
            "set -g status off\nset -g remain-on-exit on\nset -s escape-time 0\n",
            encoding="utf-8",
        )
        self._env = {**os.environ, **env, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self._env.pop("TMUX", None)
        size = ("-x", str(columns), "-y", str(rows))
        # The shell writes the exit code: a tmux that misses the signal of its child's end never tells it.
        self._code = self._folder / "code"
        told = f"{shlex.join(command)}; echo $? > {shlex.quote(str(self._code))}"
        self._tmux("-f", str(configuration), "new-session", "-d", *size, told)
        self._server = int(self._told("#{pid}"))

    def _tmux(self, *arguments: str) -> str:
        assert TMUX is not None
        done = subprocess.run(
            [TMUX, "-u", "-S", str(self._folder / "socket"), *arguments],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=_CALL_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _told(self, what: str) -> str:
        return self._tmux("display-message", "-p", what).strip()

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._tmux("capture-pane", "-p").split("\n")]

    def press(self, *keys: str) -> None:
        """The bytes of each key, as a terminal would send them."""
        for key in keys:
            data = KEYS.get(key, key).encode()
            self._tmux("send-keys", "-H", *(f"{byte:02x}" for byte in data))

    def scribble(self, row: int, text: str) -> None:
        """Write to the pane's terminal behind the program's back, as `wall` does."""
        with Path(self._told("#{pane_tty}")).open("wb", buffering=0) as pane:
            pane.write(b"\x1b7" + f"\x1b[{row};3H\x1b[m{text}".encode() + b"\x1b8")

    def wait_exit(self, *, timeout: float = 60.0) -> int:
        """Wait for the process to end; its exit code."""
        self._wait(lambda: self._code.exists() and self._code.read_text() != "", "the process to end", timeout)
        return int(self._code.read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._tmux("kill-server")
            wait_until(lambda: not Path(f"/proc/{self._server}").exists(), "tmux to end", timeout=30.0)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
