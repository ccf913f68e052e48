"""The thread behind a signer: in order, one at a time, and never waited for without limit."""

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.connectors.lighter.signer_thread import SignerThread
from core.errors import ConfigError, LinkDown

ROOT = Path(__file__).parents[4]


@pytest.fixture
def thread() -> Iterator[SignerThread]:
    made = SignerThread("signer-5")
    yield made
    assert made.close(5)


def test_work_is_done_in_its_order_on_one_thread_of_its_own(thread: SignerThread) -> None:
    answers = [thread.submit(lambda number=number: (number, threading.current_thread().name)) for number in range(50)]
    assert [answer.result(5) for answer in answers] == [(number, "signer-5") for number in range(50)]


def test_what_is_expected_is_raised_to_whoever_waits(thread: SignerThread) -> None:
    def refuse() -> None:
        raise ConfigError("no such key")

    with pytest.raises(ConfigError, match="no such key"):
        thread.submit(refuse).result(5)


def test_a_fault_of_ours_is_heard_by_whoever_waits_and_what_comes_after_it_is_still_signed(
    thread: SignerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    aloud: queue.SimpleQueue[type[BaseException]] = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda said: aloud.put(said.exc_type))
    go = threading.Event()
    thread.submit(lambda: go.wait(5))
    broken, after = thread.submit(lambda: 1 // 0), thread.submit(lambda: threading.current_thread().name)
    go.set()
    with pytest.raises(ZeroDivisionError):
        broken.result(5)
    assert after.result(5) == "signer-5"
    assert aloud.get(timeout=5) is ZeroDivisionError


def test_what_was_begun_is_done_before_it_closes_and_nothing_after(thread: SignerThread) -> None:
    begun = [thread.submit(lambda: "done") for _ in range(20)]
    assert thread.close(5)
    assert thread.close(5), "closing twice is closing once"
    assert [answer.result(0) for answer in begun] == ["done"] * 20
    with pytest.raises(LinkDown, match="closed"):
        thread.submit(lambda: "late").result(0)


def test_one_that_never_worked_closes_at_once() -> None:
    assert SignerThread("idle").close(0)


def test_work_that_nobody_waits_for_any_more_is_left_out(thread: SignerThread) -> None:
    go = threading.Event()
    done: list[str] = []
    first = thread.submit(lambda: go.wait(5))
    second = thread.submit(lambda: done.append("second"))
    assert second.cancel()
    go.set()
    assert first.result(5)
    assert thread.close(5)
    assert done == []


HANGS = """
import asyncio, ctypes, sys, time
from pydantic import SecretStr
from core.connectors.lighter import signer
from core.connectors.lighter.signer import Signer

async def main():
    hung = Signer(chain_id=300, account_index=1, api_key_index=5, private_key=SecretStr("0" * 79 + "1"))
    hung._thread.submit(ctypes.CDLL(None).pause)  # in a library's code for ever
    signer._CLOSE_S = 0.2
    began = time.monotonic()
    hung.close()
    print("closed", time.monotonic() - began < 5)

asyncio.run(main())
"""


def test_a_library_that_hangs_holds_up_neither_the_close_nor_the_end_of_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (0, "closed True\n"), ended.stderr
    assert "does not answer for API key 5" in ended.stderr
