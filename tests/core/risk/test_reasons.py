"""The page of controls: every code explained, every function and test it names there, and nothing out of step."""

import ast
from pathlib import Path

import pytest

from core.decisions import DenyReason
from core.risk.reasons import REASONS
from tools.controls import CONTROLS, PAGE, PLACES, page

ROOT = Path(__file__).parents[3]


def test_every_code_of_a_denial_is_explained():
    assert set(REASONS) == set(DenyReason)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.test.partition("::")[2])
def test_what_the_page_names_exists(control):
    for named in filter(None, (control.code, control.test, control.fault)):
        path, _, name = named.partition("::")
        nodes = ast.walk(ast.parse((ROOT / path).read_text()))
        assert name in {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}, named
    for place in filter(None, control.desk.split(", ")):
        assert (ROOT / PLACES[place]).exists(), place


def test_every_control_has_a_row_and_all_but_two_a_place_on_the_desk():
    counts = {"R": 15, "K": 10, "D": 2, "B": 2, "A": 7, "T": 1}
    every = {f"{kind}{number}" for kind, count in counts.items() for number in range(1, count + 1)}
    assert {control.id for control in CONTROLS} == every
    assert {control.id for control in CONTROLS if not control.desk} == {"A7", "T1"}


def test_the_page_is_in_step():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
