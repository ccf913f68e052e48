"""The venue as a process: how it starts, what it refuses, and that it ends with its parent."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import aiohttp
import pytest

from core.connectors.venue.catalogue import CATALOGUE
from core.connectors.venue.child import PaperVenue
from core.connectors.venue.process import VenueOptions, _until, serve
from core.connectors.venue.simulation import Simulation
from core.errors import LinkDown
from tests.support.venue import rest_get
from tests.support.waiting import wait_until

VENUE = [sys.executable, "-m", "tui", "venue"]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_says_one_line_serves_and_ends_on_sigterm():
    with subprocess.Popen(VENUE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready.keys() == {"url", "ws_url", "chain_id", "accounts"}
        assert ready["ws_url"] == ready["url"].replace("http", "ws") + "/stream"
        assert ready["chain_id"] == 300
        for row in ready["accounts"]:
            assert row.keys() == {"account_index", "api_key_index", "private_key", "public_key"}
            assert (len(row["private_key"]), len(row["public_key"])) == (80, 80)
        assert [row["api_key_index"] for row in ready["accounts"]] == [5, 6, 5]
        assert rest_get(ready["url"], "/")[0] == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, b"", b"")


async def test_it_announces_its_end_to_whoever_listens(paper_venue):
    async with aiohttp.ClientSession() as session, session.ws_connect(paper_venue.ready.ws_url) as socket:
        assert (await socket.receive_json(timeout=5))["type"] == "connected"
        stopping = asyncio.create_task(asyncio.to_thread(paper_venue.stop))
        assert await socket.receive_json(timeout=5) == {"type": "shutdown", "close_in_ms": 100}
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
        await stopping


def test_a_port_in_use_is_one_sentence_and_exit_code_2():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*VENUE, "--port", str(port)], capture_output=True, timeout=20, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"port {port} of 127.0.0.1 is in use; choose another with --port, or 0 for a free one\n")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (VenueOptions(markets=0), f"--markets: expected 1 to {len(CATALOGUE)} for the paper venue, got 0\n"),
        (VenueOptions(markets=201), f"--markets: expected 1 to {len(CATALOGUE)} for the paper venue, got 201\n"),
        (VenueOptions(port=70_000), "--port: expected 0 to 65535, got 70000\n"),
        (
            VenueOptions(virtual_from_s=0),
            "--clock virtual: expected --control beside it, for nothing else moves that clock\n",
        ),
        (VenueOptions(rate=0), "--rate: expected 1 to 100000 book frames a second, got 0\n"),
    ],
)
def test_options_it_cannot_use(options, sentence, capsys):
    assert serve(options) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", sentence)


def test_a_child_that_cannot_start_tells_why():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(LinkDown, match="is in use; choose another"):
        PaperVenue(port=taken.getsockname()[1])


def test_a_child_writes_its_troubles_to_the_log_it_was_given(tmp_path):
    log = tmp_path / "venue.log"
    with pytest.raises(LinkDown, match="--markets"):
        PaperVenue(markets=201, log_file=log)
    assert "--markets" in log.read_text()


def test_keys_do_not_print(paper_venue):
    secret = paper_venue.ready.trading.private_key.get_secret_value()
    assert len(secret) == 80
    assert secret not in repr(paper_venue.ready)
    assert secret not in str(paper_venue.ready.accounts)


def test_stop_is_final_and_idempotent(paper_venue):
    pid = paper_venue.pid
    assert paper_venue.is_running
    assert rest_get(paper_venue.ready.url, "/info")[0] == 200
    paper_venue.stop()
    assert not paper_venue.is_running
    assert not is_alive(pid)
    paper_venue.stop()


def test_a_venue_that_ignores_us_is_ended_by_force(paper_venue):
    os.kill(paper_venue.pid, signal.SIGSTOP)
    paper_venue.stop(timeout=0.2)
    assert not paper_venue.is_running


def test_the_terminals_signals_do_not_reach_it(paper_venue):
    assert os.getsid(paper_venue.pid) == paper_venue.pid != os.getsid(0)


def test_it_ends_when_its_parent_dies():
    script = """
        import sys
        from core.connectors.venue.child import PaperVenue
        venue = PaperVenue(markets=1)
        print(venue.pid, flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
        parent.communicate(timeout=10)
    wait_until(lambda: not is_alive(pid), "the orphaned venue to end", timeout=5)


def test_it_may_start_in_a_thread_that_ends_before_it():
    started: list[PaperVenue] = []
    thread = threading.Thread(target=lambda: started.append(PaperVenue(markets=1)))
    thread.start()
    thread.join()
    [venue] = started
    with venue:
        assert rest_get(venue.ready.url, "/")[0] == 200


async def test_the_wait_ends_with_the_signal_or_the_parent():
    stop = asyncio.Event()
    await asyncio.wait_for(_until(stop, 5, lambda: 1), 5)
    stop.set()
    await asyncio.wait_for(_until(stop, None, lambda: 1), 5)


def test_a_venue_that_breaks_stops_instead_of_freezing(monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("the walk broke")

    ticks = Simulation.tick
    monkeypatch.setattr(
        Simulation, "tick", lambda *given: (ticks(*given), monkeypatch.setattr(Simulation, "tick", broken))
    )
    with pytest.raises(ZeroDivisionError, match="the walk broke"):
        serve(VenueOptions(markets=1))
    assert json.loads(capsys.readouterr().out)["chain_id"] == 300
