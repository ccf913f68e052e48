"""The paper venue as a child of this process: started, found ready, and ended with it.

Synchronous on purpose: it is used before an event loop runs and after it has ended.
"""

import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec
from pydantic import SecretStr

from core.errors import LinkDown

READY_S: Final = 15.0
STOP_S: Final = 5.0
_TAIL: Final = 4_096


class VenueKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of one account; the private half does not print."""

    account_index: int
    api_key_index: int
    private_key: SecretStr
    public_key: str


class VenueReady(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue says when it is ready."""

    url: str
    ws_url: str
    chain_id: int
    accounts: tuple[VenueKey, ...]
    control_token: SecretStr | None = None
    """Opens `/control/`, when the venue was started with it."""

    @property
    def trading(self) -> VenueKey:
        """The operator's trading key."""
        return self.accounts[0]

    @property
    def kill(self) -> VenueKey:
        """The operator's kill key."""
        return self.accounts[1]

    @property
    def counterparty(self) -> VenueKey:
        """A key of the other account."""
        return self.accounts[2]


class PaperVenue:
    """A venue process of our own; stops with this object at the latest."""

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 1,
        markets: int = 12,
        log_file: Path | None = None,
        rate: int | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Start it and wait until it is ready; it sits in a session of its own, so Ctrl-C and hang-up reach only us.

        `rate` asks for so many book frames a second over all markets, for load; `options` are further words of the
        command line, such as `--tier plus`.

        Raises:
            LinkDown: it did not start; the text carries the last line it wrote to stderr.
        """
        command = [sys.executable, "-P", "-m", "tui", "venue", "--port", str(port), "--seed", str(seed)]
        command += ["--markets", str(markets), "--parent-pid", str(os.getpid())]
        command += [] if rate is None else ["--rate", str(rate)]
        command += options
        self._errors: IO[bytes] = log_file.open("ab+") if log_file is not None else tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        ready = None
        try:
            ready = self._await_ready()
        finally:
            if ready is None:
                self.stop()
        self.ready: Final = ready

    @property
    def pid(self) -> int:
        """Of the venue's process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def stop(self, timeout: float = STOP_S) -> None:
        """Ask it to end, wait, and end it by force if it does not; idempotent."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _await_ready(self) -> VenueReady:
        line = self._first_line(time.monotonic() + READY_S)
        try:
            return msgspec.json.decode(line, type=VenueReady, dec_hook=_secret)
        except msgspec.DecodeError:
            raise LinkDown(f"the paper venue did not start: {self._last_error()}") from None

    def _first_line(self, deadline: float) -> bytes:
        """What it writes to stdout up to the first line break, the end of the stream, or the deadline."""
        out = self._process.stdout
        if out is None:
            return b""
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    break
                part = os.read(out.fileno(), 65_536)
                if not part:
                    self._process.wait(STOP_S)
                    break
                line += part
        return line

    def _last_error(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _TAIL))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        code = self._process.poll()
        silence = f"it was silent for {READY_S:g} s" if code is None else f"it ended with exit code {code}"
        return lines[-1] if lines else silence


def written(ready: VenueReady) -> bytes:
    """The same as bytes, private keys included: for a file that only this user reads."""
    return msgspec.json.encode(ready, enc_hook=_open_secret)


def read(data: bytes) -> VenueReady | None:
    """What `written` wrote; None when it is something else."""
    try:
        return msgspec.json.decode(data, type=VenueReady, dec_hook=_secret)
    except msgspec.DecodeError:
        return None


def _open_secret(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    raise NotImplementedError(f"no JSON for {type(value).__name__}")


def _secret(kind: type, value: object) -> object:
    return SecretStr(str(value)) if kind is SecretStr else value
