"""The first paint waits for nothing it does not need."""

import subprocess
import sys

HEAVY = (
    "aiohttp",
    "lighter",
    "pydantic",
    "msgspec",
    "sqlite3",
    "core.engine",
    "core.risk",
    "core.connectors",
    "core.bot",
)


def test_the_desk_imports_nothing_heavy_and_nothing_behind_the_handle():
    code = f"import sys, tui.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_no_window_is_imported_before_one_is_asked_for():
    code = "import sys, tui.app; print([name for name in sys.modules if name.endswith(('ticket', 'quit', 'rearm'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
