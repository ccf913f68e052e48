"""What benchmarks of the whole desk run beside it: a paper venue, a tap, and a configuration."""

import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

_SECONDS: Final = 20.0
_ROOT: Final = Path(__file__).parents[1]


def write_config(home: Path, ready: dict[str, object], port: int) -> Path:
    """Of the profile `bench`: the venue that said it is `ready`, reached by `port`."""
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


class Lines:
    """What a process says, line by line, without waiting for ever."""

    def __init__(self, stream: IO[str], name: str) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._name = name
        self.reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.reader.start()

    def next_line(self) -> str:
        """The next line.

        Raises:
            TimeoutError: none came.
        """
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
def process(command: list[str], env: dict[str, str]) -> Iterator[Lines]:
    """A command and its lines; it ends with the context."""
    running = subprocess.Popen(
        command, env=env, cwd=_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert running.stdin is not None  # noqa: S101 - asked for above
    assert running.stdout is not None  # noqa: S101 - asked for above
    lines = Lines(running.stdout, command[3])
    try:
        yield lines
    finally:
        running.stdin.close()
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        lines.reader.join(5)
        running.stdout.close()
