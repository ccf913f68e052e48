"""Audit finding: two classes were both called `RiskManager`, and the engine was built with the wrong one.

Here the gate and the sizer have two names in two files, neither can stand in for the other, and the type checker says
so before anything runs.
"""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final, get_type_hints

import pytest

import core.risk
from core.config import Sizing
from core.engine.runtime import EngineParts
from core.limits import RiskLimits
from core.risk import PositionSizer, RiskManager

ROOT: Final = Path(__file__).parents[2]

SNIPPET: Final = """
from dataclasses import replace

from core.bot import TradingBot
from core.config import Sizing
from core.engine.handle import EngineThread
from core.engine.runtime import EngineParts
from core.limits import RiskLimits
from core.risk import PositionSizer, RiskManager


def build(parts: EngineParts) -> None:
    limits, sizing = RiskLimits(), Sizing()
    EngineThread(replace(parts, risk={risk}))
    TradingBot([], {sizer}, limits)
"""
RIGHT: Final = SNIPPET.format(risk="RiskManager(limits)", sizer="PositionSizer(sizing)")
WRONG: Final = SNIPPET.format(risk="PositionSizer(sizing)", sizer="RiskManager(limits)")


def classes_named(*names: str) -> dict[str, list[str]]:
    found = defaultdict(list)
    for folder in ("core", "tui", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and node.name in names:
                    found[node.name].append(path.relative_to(ROOT).as_posix())
    return dict(found)


@pytest.fixture
def check_types(tmp_path, request):
    """Runs mypy as the project does; its cache is this test's own and outlives the run."""
    cache = request.config.cache.mkdir("mypy-snippets")

    def run(name, source):
        snippet = tmp_path / f"{name}.py"  # a name of its own: mypy's cache goes by name, size and second
        snippet.write_text(source)
        command = [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", str(cache), str(snippet)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170)

    return run


def test_each_name_is_one_class_in_one_file():
    assert classes_named("RiskManager", "PositionSizer") == {
        "RiskManager": ["core/risk/manager.py"],
        "PositionSizer": ["core/risk/sizer.py"],
    }


def test_both_are_exported_under_their_own_names():
    assert {"RiskManager", "PositionSizer"} <= set(core.risk.__all__)
    assert (RiskManager.__name__, RiskManager.__module__) == ("RiskManager", "core.risk.manager")
    assert (PositionSizer.__name__, PositionSizer.__module__) == ("PositionSizer", "core.risk.sizer")


def test_neither_can_do_what_the_other_does():
    manager, sizer = RiskManager(RiskLimits()), PositionSizer(Sizing())
    assert not isinstance(manager, PositionSizer)
    assert not isinstance(sizer, RiskManager)
    assert not {"check", "uses"} & set(dir(sizer))
    assert "size" not in dir(manager)


def test_the_engine_asks_for_the_manager_by_its_class():
    assert get_type_hints(EngineParts)["risk"] is RiskManager


def test_the_type_checker_accepts_the_right_one_and_refuses_the_wrong_one(check_types):
    right, wrong = check_types("right_one", RIGHT), check_types("wrong_one", WRONG)
    assert (right.returncode, right.stdout) == (0, ""), right.stdout + right.stderr
    errors = wrong.stdout.splitlines()
    assert [error.rpartition("[")[2] for error in errors] == ["arg-type]", "arg-type]"], wrong.stdout + wrong.stderr
    assert all("PositionSizer" in error and "RiskManager" in error for error in errors)
