"""The second door to a running engine: a socket in the profile's folder, one JSON line asked, JSON lines answered.

Served on the engine's own loop, so that it works while the screen hangs; open to this user alone (mode 0600). What can
be asked is a table of handlers; who asks is a command such as `lighter-tui kill`.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from core.errors import LinkDown, ProtocolViolation

SOCKET_NAME: Final = "control.sock"
_MODE: Final = 0o600
_LONGEST: Final = 65_536
"""Bytes of one request."""
_PATIENCE_S: Final = 5
"""Seconds a caller gets to say what it wants."""
_STEPS: Final = 5
_AT_LEAST_S: Final = 0.001
_SHORT: Final = 100
"""Bytes of a path that every kernel takes as a socket's address; Linux takes 107 (unix(7))."""

Request = Mapping[str, object]
Answer = Mapping[str, object]
Handler = Callable[[Request], AsyncIterator[Answer]]
"""Answers one request, line by line, on the engine's loop."""


class ControlServer:
    """Listens until it is closed."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        """`handlers` by the word of the request's field `do`."""
        self._path: Final = path
        self._handlers: Final = handlers
        self._server: asyncio.Server | None = None
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self) -> None:
        """Listen; a socket that a dead engine left behind is cleared away.

        Raises:
            LinkDown: another engine answers there, or the folder does not take a socket.
        """
        if is_answering(self._path):
            raise LinkDown(f"another engine answers at {self._path}")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with suppress(FileNotFoundError):
                self._path.unlink()
            with _address(self._path) as address:
                listening.bind(address)
            self._path.chmod(_MODE)
            self._server = await asyncio.start_unix_server(self._on_call, sock=listening, limit=_LONGEST)
        except OSError as error:
            listening.close()
            raise LinkDown(f"{self._path}: expected a folder that takes a socket, got: {error}") from None

    async def close(self) -> None:
        """Listen no more, end every talk, and leave no file; idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        for listening in server.sockets:  # a server that is closed between accepting and serving forgets the socket
            asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(_STEPS):  # a call that was just accepted reaches `_on_call` a few steps of the loop later
            await asyncio.sleep(0)
        server.close()
        for talk, writer in tuple(self._talks.items()):
            talk.cancel()
            writer.close()  # a talk that has not begun would not do it
        await asyncio.gather(*self._talks, return_exceptions=True)
        await server.wait_closed()
        with suppress(FileNotFoundError):
            self._path.unlink()

    def _on_call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks[talk] = writer
        talk.add_done_callback(self._talks.pop)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for answer in self._answers(await self._heard(reader)):
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (OSError, TimeoutError):
            pass  # whoever asked is gone, or never asked
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _heard(self, reader: asyncio.StreamReader) -> bytes:
        async with asyncio.timeout(_PATIENCE_S):
            try:
                return await reader.readline()
            except ValueError:  # longer than any request
                return b""

    async def _answers(self, line: bytes) -> AsyncIterator[Answer]:
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        handler = self._handlers.get(str(request.get("do"))) if isinstance(request, dict) else None
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            yield {"error": f"expected one line of JSON with 'do' one of {known}, got {line[:80]!r}"}
            return
        async for answer in handler(request):
            yield answer


def is_answering(path: Path) -> bool:
    """Whether an engine listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PATIENCE_S)
        try:
            with _address(path) as address:
                probe.connect(address)
        except OSError:
            return False
    return True


def ask(path: Path, request: Request, timeout_seconds: float) -> Iterator[Answer]:
    """Ask the engine that listens at `path`, from outside of it; its answers as they come, until it hangs up.

    Raises:
        LinkDown: nobody listens there, or it was not done within `timeout_seconds`.
        ProtocolViolation: it answered something that is no JSON object.
    """
    deadline = time.monotonic() + timeout_seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(timeout_seconds)
        try:
            with _address(path) as address:
                caller.connect(address)
            caller.sendall(json.dumps(request).encode() + b"\n")
            with caller.makefile("rb") as lines:
                while line := lines.readline():
                    yield _decoded(line)
                    caller.settimeout(max(_AT_LEAST_S, deadline - time.monotonic()))
        except TimeoutError:
            raise LinkDown(f"the engine was not done within {timeout_seconds:g} s") from None
        except OSError as error:
            raise LinkDown(f"no engine answers at {path}: {error.strerror or error}") from None


def _decoded(line: bytes) -> Answer:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ProtocolViolation("the engine answered what is no JSON object", line)
    return answer


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """A name of this socket that the kernel takes: a long path is reached through its folder's descriptor (Linux)."""
    if len(os.fsencode(path)) <= _SHORT:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
