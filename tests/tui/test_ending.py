"""The end when the engine hangs: in a real terminal, said aloud, and without waiting for ever."""

import signal
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from tui.ending import HUNG

ROOT = Path(__file__).parents[2]

SCRIPT = """
import asyncio, sys, threading
from core.clock import SystemClock
from core.commands import ExitPolicy
from tests.support.fake_engine import FakeEngine
from tui import ending
from tui.commands.desk import _show
from tui.app import Desk, DeskOptions

ending._ENGINE_S = 1.0
never = threading.Event()

class Hung(FakeEngine):
    def run(self, should_stop):
        never.wait()

clock = SystemClock()
engine = Hung()
engine.clock = clock
engine.publish(order_map=(), tasks=())
desk = Desk(engine, DeskOptions(fps=10, clock=clock, stale_after_ms=60_000, is_live=False))
ends = ending.Ending(desk, engine, ExitPolicy.CANCEL)
with ends.on_signals():
    asyncio.run(_show(desk, engine, ends))
sys.exit(0)
"""


@pytest.fixture
def hung(tmp_path: Path) -> Terminal:
    """The desk with an engine that never returns."""
    script = tmp_path / "hung.py"
    script.write_text(textwrap.dedent(SCRIPT))
    return Terminal((sys.executable, str(script)), env={"PYTHONPATH": str(ROOT)})


def test_a_signal_does_not_wait_for_a_hung_engine_in_silence(hung: Terminal):
    with hung as terminal:
        terminal.wait_for("1 prices")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_exit() == 1
        assert HUNG in " ".join(terminal.text.split())


def test_an_operator_who_insists_is_told_too(hung: Terminal):
    with hung as terminal:
        terminal.wait_for("1 prices")
        terminal.press("ctrl+q")
        terminal.wait_for("quit|stopping|ending")
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 1
        said = " ".join(terminal.text.split())
        assert "please wait until it says how" in said
        assert HUNG in said
