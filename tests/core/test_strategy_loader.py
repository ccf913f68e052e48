import sys

import pytest

from core.demo import DemoMaker
from core.errors import ConfigError
from core.strategy import ActingStrategy
from core.strategy_loader import loaded

ASKED = "class Quiet:\n    name = 'quiet'\n    markets = ('ETH',)\n    def on_state(self, view):\n        return []\n"
ACTING = (
    "class Busy:\n    name, markets = 'busy', ('ETH',)\n    async def run(self, desk):\n        await desk.view()\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of an operator's modules; what it put on the path and imported is taken back."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]


def test_strategies_of_both_kinds_come_from_a_folder_after_the_ones_there(folder):
    (folder / "own_both.py").write_text(ASKED + ACTING)
    demo = DemoMaker(["ETH"])
    first, quiet, busy = loaded(["own_both:Quiet", "own_both:Busy"], folder, [demo])
    assert first is demo
    assert (quiet.name, isinstance(quiet, ActingStrategy)) == ("quiet", False)
    assert (busy.name, isinstance(busy, ActingStrategy)) == ("busy", True)


def test_a_function_may_make_one(folder):
    (folder / "own_made.py").write_text(ASKED + "def make():\n    return Quiet()\n")
    (quiet,) = loaded(["own_made:make"], folder)
    assert quiet.markets == ("ETH",)


@pytest.mark.parametrize(
    ("source", "entry", "words"),
    [
        ("", "own_absent:Quiet", "own_absent:Quiet cannot be imported: ModuleNotFoundError: No module named"),
        ("def (", "own_module:Quiet", "cannot be imported: "),
        ("1 / 0", "own_module:Quiet", "cannot be imported: ZeroDivisionError"),
        ("raise SystemExit(3)", "own_module:Quiet", "cannot be imported: SystemExit: 3"),
        (ASKED, "own_module:Loud", "expected a class or function Loud in own_module, found none"),
        ("Quiet = 3", "own_module:Quiet", "expected a class or function Quiet in own_module"),
        ("def Quiet(size):\n    pass", "own_module:Quiet", "could not be made without arguments: TypeError"),
        (ASKED.replace("'quiet'", "''"), "own_module:Quiet", "expected a name that is text, got ''"),
        (ASKED.replace("('ETH',)", "'ETH'"), "own_module:Quiet", "expected markets as a tuple of symbols"),
        (ASKED.replace("on_state", "on_stat"), "own_module:Quiet", "expected either on_state(view) or async run(desk)"),
        (ASKED + "    async def run(self, desk): ...\n", "own_module:Quiet", "got on_state and run"),
        (ASKED.replace("quiet", "demo"), "own_module:Quiet", "is called 'demo', and so is another: rename one"),
    ],
)
def test_what_is_no_strategy_is_one_sentence(folder, source, entry, words):
    (folder / "own_module.py").write_text(source)
    with pytest.raises(ConfigError) as problem:
        loaded([entry], folder, [DemoMaker(["ETH"])])
    assert words in str(problem.value)
    assert str(problem.value).startswith(f"strategies.load: {entry}")
    assert "\n" not in str(problem.value)


def test_a_folder_that_is_not_there(folder):
    with pytest.raises(ConfigError, match="expected a folder, found none at"):
        loaded(["own_module:Quiet"], folder / "gone")
