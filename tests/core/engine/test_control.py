"""The control socket: who may speak, what is answered, and what is left of it."""

import asyncio
import gc
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.engine.control import ControlServer, Request, ask, is_answering
from core.errors import LinkDown


async def echo(request: Request) -> AsyncIterator[Request]:
    yield {"heard": request["word"]}
    yield {"ok": True}


async def hold(request: Request) -> AsyncIterator[Request]:
    yield {"first": True}
    await asyncio.Event().wait()


def asked(path: Path, request: Request, timeout_seconds: float = 5.0) -> list[Request]:
    return list(ask(path, request, timeout_seconds))


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    served = tmp_path / "control.sock"
    server = ControlServer(served, {"echo": echo, "hold": hold})
    await server.start()
    yield served
    await server.close()
    assert not served.exists(), "a socket that nobody serves was left"


async def test_each_answer_comes_as_its_own_line(path: Path) -> None:
    assert await asyncio.to_thread(asked, path, {"do": "echo", "word": "x"}) == [{"heard": "x"}, {"ok": True}]


async def test_it_is_open_to_this_user_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("line", [b"\n", b"hello\n", b"[1]\n", b'{"do": "dance"}\n', b"x" * 100_000 + b"\n"])
async def test_what_is_no_request_is_answered_with_what_was_expected(path: Path, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(line)
    answer = json.loads(await reader.readline())
    assert "expected one line of JSON with 'do' one of echo, hold" in answer["error"]
    writer.close()
    await writer.wait_closed()


async def test_one_that_waits_holds_up_no_other_and_ends_with_the_server(tmp_path: Path) -> None:
    served = tmp_path / "control.sock"
    server = ControlServer(served, {"echo": echo, "hold": hold})
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(served))
    writer.write(b'{"do": "hold"}\n')
    assert json.loads(await reader.readline()) == {"first": True}
    assert len(await asyncio.to_thread(asked, served, {"do": "echo", "word": "x"})) == 2
    await server.close()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_caller_waits_no_longer_than_it_said(path: Path) -> None:
    with pytest.raises(LinkDown, match=r"not done within 0\.2 s"):
        await asyncio.to_thread(asked, path, {"do": "hold"}, 0.2)


@pytest.mark.parametrize("steps", range(8))
@pytest.mark.filterwarnings("error")
async def test_a_call_that_comes_while_it_closes_leaves_no_socket(tmp_path: Path, steps: int) -> None:
    server = ControlServer(tmp_path / "busy.sock", {"echo": echo})
    await server.start()
    with socket.socket(socket.AF_UNIX) as caller:
        caller.setblocking(False)
        caller.connect(str(tmp_path / "busy.sock"))
        for _ in range(steps):
            await asyncio.sleep(0)
        await server.close()
        with suppress(ConnectionResetError):  # never taken
            assert caller.recv(1) == b"", "it was left open"
    gc.collect()  # an unclosed socket is told when it is collected


async def test_a_socket_of_a_dead_engine_is_cleared_and_one_of_a_living_is_not(path: Path, tmp_path: Path) -> None:
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(dead))
    assert not is_answering(dead)
    server = ControlServer(dead, {"echo": echo})
    await server.start()
    assert await asyncio.to_thread(is_answering, dead)
    await server.close()
    with pytest.raises(LinkDown, match="another engine answers"):
        await ControlServer(path, {}).start()
    assert await asyncio.to_thread(is_answering, path), "the living one was disturbed"


async def test_a_folder_longer_than_a_sockets_address_works(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20) / ("er" * 40)
    folder.mkdir(parents=True)
    server = ControlServer(folder / "control.sock", {"echo": echo})
    await server.start()
    assert len(os.fsencode(folder)) > 107
    assert len(await asyncio.to_thread(asked, folder / "control.sock", {"do": "echo", "word": "x"})) == 2
    await server.close()
    assert list(folder.iterdir()) == []


def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LinkDown, match=r"no engine answers at .*control\.sock"):
        asked(tmp_path / "control.sock", {"do": "kill"})


async def test_a_folder_that_takes_no_socket_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LinkDown, match="expected a folder that takes a socket"):
        await ControlServer(tmp_path / "missing" / "control.sock", {}).start()
