"""The house rules that ruff, mypy and the import contracts cannot see, over every file of the tree."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.support import house_rules as rules

ROOT: Final = Path(__file__).parents[1]
FILE_LINES: Final = 400
TEST_LINES: Final = 600
CODE: Final = ("core", "tui", "bench")

BROAD_EXCEPTS: Final = {
    "core/engine/handle.py": "the engine's supervisor: whatever breaks, orders are cancelled and the desk is told",
    "core/guard.py": "foreign code: whatever a strategy raises, in its own thread, ends that strategy alone",
    "tui/__main__.py": "the outermost frame: whatever breaks, the terminal is restored and the exit code is honest",
}
SLEEPS: Final = {"tests/support/waiting.py": "the one place that waits for a condition"}
TIMERS: Final = {"tui/pump.py": "the one pump and its heartbeat"}
STDOUT: Final = {
    "tui/commands/config.py": "the answer of a command that opens no screen",
    "tui/commands/journal.py": "the answer of a command that opens no screen",
    "tui/commands/doctor.py": "the answer of a command that opens no screen",
    "tui/commands/drill.py": "the answer of a command that opens no screen",
    "tui/commands/kill.py": "the answer of a command that opens no screen",
    "tui/commands/limits.py": "the answer of a command that opens no screen",
    "tui/commands/venue.py": "the answer of a command that opens no screen",
    "core/connectors/venue/process.py": "the paper venue's one ready line",
}
UNMIRRORED: Final = {
    "audit": "named after audit findings, each over several rooms",
    "crash": "kills whole engines, at every point",
    "conformance": "the vendor's own client against our venue",
    "e2e": "drives the whole process",
    "support": "helpers; tested where they are used",
}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py") if is_source(path))


def is_source(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return path.is_file() and not any(part in {"__pycache__", "out"} or part.endswith("cache") for part in parts)


def text_files() -> list[Path]:
    found = [path for folder in (*CODE, "tests", "requirements", ".ci") for path in (ROOT / folder).rglob("*")]
    found += ROOT.glob("*.*")
    found += [ROOT / "Makefile", ROOT / "LICENSE"]
    kinds = {".py", ".md", ".toml", ".tcss", ".lock", ".json", ".txt", ".yml", ".cfg", ""}
    return sorted(path for path in found if path.suffix in kinds and is_source(path))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def complaints(paths, rule, allowed=()) -> list[str]:
    return [
        f"{named(path)}:{complaint.line} {complaint.text}"
        for path in paths
        if named(path) not in allowed
        for complaint in rule(path.read_text())
    ]


def pure_modules() -> list[Path]:
    """The modules that the import contracts call pure, and the language."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    modules = [
        module
        for contract in contracts
        if contract["name"][:2] in {"2.", "3b"}
        for module in contract["source_modules"]
    ]
    assert len(modules) > 10
    paths = [ROOT / module.replace(".", "/") for module in modules]
    found = [file for path in paths for file in ([path.with_suffix(".py")] if not path.is_dir() else path.glob("*.py"))]
    return [path for path in found if path.exists()]


def test_the_tree_is_where_this_test_looks():
    assert len(python_files("core")) > 10
    assert len(python_files("tests")) > 10
    assert ROOT / "README.md" in text_files()
    assert ROOT / ".ci" / "run" in text_files()


def test_money_is_never_a_float():
    assert complaints(python_files("core"), rules.float_uses) == []


def test_pure_modules_hold_no_float_literal():
    assert complaints(pure_modules(), rules.float_literals) == []


@pytest.mark.parametrize(("folders", "most"), [(CODE, FILE_LINES), (("tests",), TEST_LINES)], ids=["code", "tests"])
def test_files_stay_short(folders, most):
    lengths = {named(path): len(path.read_text().splitlines()) for path in python_files(*folders)}
    assert {name: length for name, length in lengths.items() if length > most} == {}


def test_functions_and_classes_stay_short():
    assert complaints(python_files(*CODE), rules.oversized) == []


def test_only_three_places_catch_everything():
    assert complaints(python_files(*CODE), rules.broad_excepts, BROAD_EXCEPTS) == []
    for name in BROAD_EXCEPTS:
        if (ROOT / name).exists():
            assert len(list(rules.broad_excepts((ROOT / name).read_text()))) <= 1, name


def test_no_test_sleeps():
    assert complaints(python_files("tests"), rules.sleeps, SLEEPS) == []


def test_the_desk_has_one_pump():
    assert complaints(python_files("tui"), lambda text: rules.calls_of(text, "set_interval", "set_timer"), TIMERS) == []


def test_standard_output_stays_empty():
    assert complaints(python_files("core", "tui"), rules.stdout_uses, STDOUT) == []


def test_every_module_says_what_it_is_for():
    paths = [path for path in python_files(*CODE, "tests/support") if path.read_text().strip()]
    assert complaints(paths, rules.undocumented) == []


def test_nothing_is_left_unfinished_or_tied_to_one_machine():
    assert complaints(text_files(), rules.forbidden_words) == []


def test_tests_mirror_the_tree():
    """`tests/core/x/test_y_z.py` tests `core/x/y_z.py`, or one aspect of `core/x/y.py`.

    One that is about several modules of a room opens with a sentence that says what it is about.
    """
    lost = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder, *rest = path.relative_to(ROOT / "tests").parts
        if not rest or folder in UNMIRRORED or mirrors_something(path):
            continue
        is_about_a_room = (ROOT / path.parent.relative_to(ROOT / "tests")).is_dir()
        if not is_about_a_room or list(rules.undocumented(path.read_text())):
            lost.append(named(path))
    assert lost == []


def mirrors_something(path: Path) -> bool:
    room = ROOT / path.parent.relative_to(ROOT / "tests")
    words = path.stem.removeprefix("test_").split("_")
    candidates = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    candidates += [f"__{words[0]}__"]
    return any((room / f"{name}.py").exists() or (room / name).is_dir() for name in candidates)


@pytest.mark.parametrize("folder", ["core", "tui"])
def test_every_room_with_code_has_tests_beside_it(folder):
    rooms = {path.parent for path in python_files(folder) if path.name != "__init__.py"}
    bare = [named(room) for room in rooms if not list((ROOT / "tests" / room.relative_to(ROOT)).rglob("test_*.py"))]
    assert bare == []


def test_opening_the_command_loads_neither_the_sdk_nor_its_crypto_and_does_nothing():
    script = (
        "import sys, threading, tui.__main__\n"
        "slow = {'lighter', 'eth_account', 'py_ecc', 'requests'} & set(sys.modules)\n"
        "assert not slow, slow\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_only_one_module_touches_the_vendors_signer():
    """The SDK's own folder name counts too: its library may be loaded without importing the package."""
    importers = [
        named(path)
        for path in python_files("core", "tui")
        if any(
            name.split(".")[0] == "lighter"
            for node in ast.walk(ast.parse(path.read_text()))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
        )
        or any(complaint for complaint in rules.calls_of(path.read_text(), "CDLL", "LoadLibrary"))
    ]
    assert set(importers) <= {"core/connectors/lighter/signer.py"}


GUILTY: Final = [
    (rules.float_uses, "price = float('1')"),
    (rules.float_uses, "def f(price: float) -> None: ..."),
    (rules.float_uses, "def f(*, price: 'float | None' = None) -> None: ..."),
    (rules.float_uses, "def f() -> dict[str, float]: ..."),
    (rules.float_uses, "async def f() -> float: ..."),
    (rules.float_uses, "class A:\n    price: float"),
    (rules.float_uses, "def f(self):\n    self.price: list[float] = []"),
    (rules.float_uses, "Price = float"),
    (rules.float_literals, "x = Decimal(0.1)"),
    (rules.float_literals, "x = 1e3"),
    (rules.oversized, "def f():\n" + "    pass\n" * 50),
    (rules.oversized, "class A:\n" + "".join(f"    def f{n}(self): ...\n" for n in range(21))),
    (rules.broad_excepts, "try:\n    pass\nexcept:\n    pass"),
    (rules.broad_excepts, "try:\n    pass\nexcept Exception:\n    pass"),
    (rules.broad_excepts, "try:\n    pass\nexcept (OSError, builtins.BaseException) as e:\n    pass"),
    (rules.broad_excepts, "with contextlib.suppress(OSError, Exception): pass"),
    (rules.sleeps, "await asyncio.sleep(0.01)"),
    (rules.sleeps, "sleep(1)"),
    (rules.sleeps, "time.sleep(pause)"),
    (rules.stdout_uses, "print('x')"),
    (rules.stdout_uses, "sys.stdout.write('x')"),
    (rules.stdout_uses, "from sys import stdout"),
    (rules.undocumented, "x = 1"),
    (rules.forbidden_words, "# TO" + "DO later"),
    (rules.forbidden_words, "path = '/wo" + "rk/main'"),
    (rules.forbidden_words, "see /ho" + "me/me/x"),
    (rules.forbidden_words, "https://py" + "pi.org/simple"),
]
INNOCENT: Final = [
    (rules.float_uses, "def f(timeout_seconds: float, *, seconds: float | None = None) -> None: ..."),
    (rules.float_uses, "class A:\n    _pause_seconds: Final[float] = 1"),
    (rules.float_uses, "def delay_seconds() -> float: ...\nx = isinstance(y, float)"),
    (rules.float_literals, "x = Decimal('0.1') + 10**6"),
    (rules.oversized, "def f():\n" + "    pass\n" * 49),
    (rules.broad_excepts, "try:\n    pass\nexcept (OSError, ValueError):\n    pass"),
    (rules.sleeps, "await asyncio.sleep(0)"),
    (rules.stdout_uses, "process.stdout.readline()\nsys.stderr.write('x')"),
    (rules.forbidden_words, "https://host/framework/main, ~/.config, tests/home/x, the frame" + "work/"),
]


@pytest.mark.parametrize(("rule", "source"), GUILTY)
def test_a_broken_rule_is_seen(rule, source):
    assert list(rule(source))


@pytest.mark.parametrize(("rule", "source"), INNOCENT)
def test_what_is_allowed_is_not_reported(rule, source):
    assert list(rule(source)) == []


def test_a_test_of_nothing_is_seen():
    assert mirrors_something(ROOT / "tests/core/test_units.py")
    assert mirrors_something(ROOT / "tests/core/risk/test_manager_limits.py")
    assert not mirrors_something(ROOT / "tests/core/risk/test_nothing.py")
