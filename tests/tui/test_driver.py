"""The terminal driver: pastes cannot press keys, a dead terminal holds nobody, and the kill key waits for nothing."""

import os
import signal
import sys
import termios
import textwrap
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste

from tests.support.terminal import Terminal
from tests.support.waiting import wait_until
from tui.driver import PasteGuard, TerminalWriter

START, END = "\x1b[200~", "\x1b[201~"
ROOT = Path(__file__).parents[2]


def parsed(*chunks: str) -> list[object]:
    guard, parser = PasteGuard(), XTermParser()
    return [event for chunk in chunks for event in parser.feed(guard.filter(chunk))]


def test_without_the_guard_a_paste_presses_keys():
    """Why the guard exists: should Textual mend this, the guard may go."""
    events = list(XTermParser().feed(f"{START}a\x1b[31mb\x0b{END}"))
    assert any(isinstance(event, Key) for event in events)


@given(st.text(max_size=300), st.lists(st.integers(min_value=0, max_value=320), max_size=6))
def test_no_paste_presses_a_key_however_it_is_cut(pasted: str, cuts: list[int]):
    text = f"{START}{pasted.replace(END, '')}{END}x"
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    chunks = [text[begin:end] for begin, end in pairwise(edges)]
    keys = [event.key for event in parsed(*chunks) if isinstance(event, Key)]
    assert keys == ["x"]


@given(st.text(alphabet="abc \x0b\x1b[24~\r", max_size=40))
def test_what_is_typed_passes_unchanged(typed: str):
    guard = PasteGuard()
    assert guard.filter(typed.replace(START, "")) == typed.replace(START, "")


def test_a_paste_arrives_as_one_paste():
    [event] = [event for event in parsed(f"{START}1.5\x0b", f"{END}") if isinstance(event, Paste)]
    assert event.text == "1.5"


def test_a_paste_whose_end_never_comes_does_not_swallow_the_keys_that_follow():
    guard, parser = PasteGuard(), XTermParser()
    list(parser.feed(guard.filter(f"{START}abc")))
    closing = [guard.flush() for _ in range(20)]
    assert closing.count(END) == 1
    events = list(parser.feed("".join(closing))) + list(parser.feed(guard.filter("\x0b")))
    assert [event.key for event in events if isinstance(event, Key)] == ["ctrl+k"]


@pytest.fixture(name="pty")
def _pty() -> Iterator[tuple[int, int]]:
    master, slave = os.openpty()
    yield master, slave
    for fileno in (master, slave):
        try:
            os.close(fileno)
        except OSError:
            continue


def test_text_arrives_in_order(pty: tuple[int, int]):
    master, slave = pty
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    writer = TerminalWriter(slave)
    writer.start()
    for number in range(100):
        writer.write(f"{number},")
    writer.close()
    expected = "".join(f"{number}," for number in range(100))
    seen = ""
    while len(seen) < len(expected):
        seen += os.read(master, 4_096).decode()
    assert seen == expected


def test_a_terminal_that_is_not_read_holds_nobody_once_muted(pty: tuple[int, int]):
    master, slave = pty
    writer = TerminalWriter(slave)
    writer.start()
    done = threading.Event()

    def paint() -> None:
        for _ in range(200):
            writer.write("x" * 65_536)
        done.set()

    painter = threading.Thread(target=paint)
    painter.start()
    assert os.read(master, 1) == b"x"  # the writer is at work, and from here on nobody reads
    wait_until(lambda: writer._queue.qsize() >= 30, "the terminal to be behind")
    assert not done.is_set()
    writer.mute()
    assert done.wait(5)
    painter.join()
    writer.unmute()
    writer.write("restored")
    writer.close()
    assert writer.daemon
    os.close(master)
    wait_until(lambda: not writer.is_alive(), "the writer to notice that the terminal is gone")


def test_a_terminal_that_is_gone_ends_the_writer(pty: tuple[int, int]):
    master, slave = pty
    os.close(master)
    writer = TerminalWriter(slave)
    writer.start()
    writer.write("x")
    wait_until(lambda: not writer.is_alive(), "the writer to end")
    for _ in range(100):
        writer.write("y")
    writer.close()


def test_a_terminal_that_others_left_non_blocking_is_waited_for():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    writer = TerminalWriter(writing)
    writer.start()
    sent = [chr(ord("a") + number) * 8_192 for number in range(20)]
    for text in sent:
        writer.write(text)
    got = b""
    while len(got) < 20 * 8_192:
        got += os.read(reading, 65_536)
    assert got == "".join(sent).encode()
    writer.close()
    os.close(reading)
    os.close(writing)


SCRIPT = """
import signal, sys, threading, time
from core.clock import SystemClock
from tests.support.fake_engine import FakeEngine, a_quote, a_state
from tui.app import Desk, DeskOptions

log = open(sys.argv[1], "a", buffering=1)
clock = SystemClock()

class Engine(FakeEngine):
    def kill(self, by, pressed_ns):
        log.write(f"kill {clock.now().mono_ns - pressed_ns}\\n")
        super().kill(by, pressed_ns)

    def run(self, should_stop):
        super().run(should_stop)
        log.write(f"policy {self.gone.is_set()}\\n")

engine = Engine(clock, a_state(clock))
desk = Desk(engine, DeskOptions(fps=20, clock=clock, stale_after_ms=60_000, mouse=sys.argv[2] == "mouse"))
mode = sys.argv[2]
if mode == "busy":
    def hog():
        log.write("busy\\n")
        until = time.monotonic() + 3
        while time.monotonic() < until:
            pass
        log.write("idle\\n")
    def later():
        while not desk.is_running:
            pass
        desk.call_from_thread(desk.call_after_refresh, hog)
    threading.Thread(target=later, daemon=True).start()
if mode == "term":
    def feed():
        step = 0
        while True:
            step += 1
            engine.publish(quotes=tuple(a_quote(market, step=step) for market in engine.current.markets))
            time.sleep(0.01)
            driver = desk._driver
            if driver is not None and driver.unwritten > 4_096:
                log.write("stalled\\n")
                return
    threading.Thread(target=feed, daemon=True).start()
    def stop(number, frame):
        desk.stop_painting()
        engine.request_stop("keep", "signal")
        log.write("stopped\\n")
        desk.call_later(desk.exit)
    signal.signal(signal.SIGTERM, stop)
if mode == "hang":
    signal.signal(signal.SIGHUP, lambda *_: log.write("hup\\n"))
desk.run()
log.write("end\\n")
"""


@pytest.fixture(name="script")
def _script(tmp_path: Path) -> Path:
    path = tmp_path / "desk_script.py"
    path.write_text(textwrap.dedent(SCRIPT))
    return path


def started(script: Path, mode: str) -> tuple[Terminal, Path]:
    log = script.parent / "log.txt"
    log.touch()
    terminal = Terminal(
        [sys.executable, str(script), str(log), mode], env={"PYTHONPATH": str(ROOT)}, columns=120, rows=40
    )
    return terminal, log


def test_a_paste_kills_nothing_and_the_key_after_it_does(script: Path):
    terminal, log = started(script, "plain")
    with terminal:
        terminal.wait_for("1 prices")
        terminal.press(f"{START}text\x1b[31m\x0b\x1b[24~ncs{END}", "?")
        terminal.wait_for("Open the order ticket")
        assert "kill" not in log.read_text()
        terminal.press("f12")
        terminal.wait_for("KILL REQUESTED")
        terminal.press("ctrl+q")
        terminal.wait_for("cancel all and quit")
        terminal.press("enter")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize("key", ["ctrl+k", "f12"])
def test_the_kill_key_reaches_the_engine_while_the_screen_is_busy(script: Path, key: str):
    terminal, log = started(script, "busy")
    with terminal:
        wait_until(lambda: "busy" in log.read_text(), "the screen to be busy", timeout=20)
        terminal.press(key)
        wait_until(lambda: "kill" in log.read_text(), "the kill")
        assert "idle" not in log.read_text()
        terminal.wait_for("KILL REQUESTED")
        terminal.press("?")
        terminal.wait_for("Open the order ticket")
        assert log.read_text().count("kill") == 1, "the screen, late, must not report the press once more"
        terminal.press("escape")
        terminal.press(key)
        wait_until(lambda: log.read_text().count("kill") == 2, "a second press, which is a kill of its own")
        terminal.press("ctrl+q")
        terminal.wait_for("cancel all and quit")
        terminal.press("enter")
        assert terminal.wait_exit() == 0
    assert log.read_text().endswith("end\n")


@pytest.mark.parametrize("mode", ["plain", "mouse"])
def test_clicks_arrive_as_clicks_and_only_where_they_are_wanted(script: Path, mode: str):
    terminal, log = started(script, mode)
    with terminal:
        terminal.wait_for("1 prices")
        terminal.wait_for(r"\? help")
        row = next(number for number, line in enumerate(terminal.lines, 1) if "? help" in line)
        column = terminal.lines[row - 1].index("? help") + 1
        if mode == "mouse":
            wait_until(lambda shown=terminal: {1000, 1006} <= shown.modes, "clicks to be asked for")
        assert 1003 not in terminal.modes, "motion is never asked for"
        terminal.press(f"\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m")
        if mode == "mouse":
            terminal.wait_for("Open the order ticket")
        else:
            assert 1000 not in terminal.modes
        terminal.press("f12")
        terminal.wait_for("KILL REQUESTED")
        assert log.read_text().count("kill") == 1
        terminal.press("ctrl+q")
        terminal.wait_for("cancel all and quit")
        terminal.press("enter")
        assert terminal.wait_exit() == 0
        assert 1000 not in terminal.modes, "the terminal is given back as it was"


def test_a_terminal_that_hangs_up_ends_the_desk_and_lets_the_engine_finish(script: Path):
    terminal, log = started(script, "hang")
    with terminal:
        terminal.wait_for("1 prices")
        terminal._process.fileobj.close()
        wait_until(lambda: "end" in log.read_text(), "the process to end", timeout=20)
    assert "policy True" in log.read_text()


def test_a_stalled_terminal_cannot_hold_the_process(script: Path):
    log = script.parent / "log.txt"
    log.touch()
    pid, master = os.forkpty()
    if pid == 0:
        os.environ.update(PYTHONPATH=str(ROOT), TERM="xterm-256color", COLUMNS="200", LINES="50")
        os.execv(sys.executable, [sys.executable, str(script), str(log), "term"])  # noqa: S606
    try:
        seen = b""
        while b"1 prices" not in seen:
            seen += os.read(master, 65_536)
        # From here on nobody reads: the desk paints until the terminal takes no more.
        wait_until(lambda: "stalled" in log.read_text(), "the terminal to be behind", timeout=60)
        os.write(master, b"\x0b")
        wait_until(lambda: "kill" in log.read_text(), "the kill key to pass nevertheless")
        os.kill(pid, signal.SIGTERM)
        ended: list[int] = []
        wait_until(lambda: ended.extend(os.waitpid(pid, os.WNOHANG)) or any(ended[-2:-1]), "the exit", timeout=20)
        assert os.waitstatus_to_exitcode(ended[-1]) == 0
    finally:
        os.close(master)
    assert "stopped" in log.read_text()
    assert log.read_text().endswith("end\n")


def test_a_told_end_gives_the_terminal_back(script: Path):
    terminal, log = started(script, "term")
    with terminal:
        terminal.wait_for("1 prices")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_exit() == 0
        assert not terminal._screen.cursor.hidden
    assert log.read_text().endswith("end\n")


def test_a_stop_signal_does_not_stop_the_engine(script: Path):
    terminal, _log = started(script, "plain")
    with terminal:
        terminal.wait_for("1 prices")
        terminal.signal(signal.SIGTSTP)
        terminal.wait_change(r"\d\d:\d\d:\d\d UTC")
        terminal.press("ctrl+q")
        terminal.wait_for("cancel all and quit")
        terminal.press("enter")
        assert terminal.wait_exit() == 0
