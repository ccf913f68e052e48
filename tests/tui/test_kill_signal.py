"""SIGUSR1 in a process whose main thread runs no Python: the thread that waits for it still kills."""

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SCRIPT = """
import ctypes, sys, threading, time
from tui.kill_signal import hold_back, killing_on_signal

hold_back()
seen = threading.Event()

def kill(by, pressed_ns):
    sys.stdout.write(f"{by} {time.monotonic_ns() - pressed_ns < 10**9}\\n")
    sys.stdout.flush()

with killing_on_signal(kill):
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    if sys.argv[1] == "stuck":
        ctypes.CDLL(None).pause()  # in a library's code, without the interpreter's lock, for ever
    sys.stdin.readline()
sys.stdout.write("over\\n")
"""


def started(how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, how], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_it_kills_while_the_main_thread_is_stuck_in_foreign_code() -> None:
    with started("stuck") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(2):
            process.send_signal(signal.SIGUSR1)
            assert process.stdout.readline() == "signal SIGUSR1 True\n"
        process.kill()


def test_its_thread_ends_with_the_block() -> None:
    with started("reading") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "over\n"
        assert process.wait(10) == 0
