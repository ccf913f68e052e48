"""Rules of the desk that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

import tui
from core.errors import ConfigError
from tui.style import style_sheet
from tui.theme import NIGHT, TOKENS

HOME = Path(tui.__file__).parent
MODULES = sorted(HOME.rglob("*.py"))
SHEET = style_sheet()
HEX = re.compile(r"#[0-9a-fA-F]{3,8}\b")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(HOME).as_posix())
def test_only_the_pump_repeats_and_only_the_theme_knows_colours(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & {"set_interval", "set_timer"}
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if path.name != "theme.py":
        assert not any(HEX.fullmatch(text) for text in strings)


def test_the_style_sheet_has_no_colour_of_its_own_and_stays_short():
    text = SHEET.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    assert not re.search(r":[^;{}]*#[0-9a-fA-F]{3,8}\s*;", text)
    sections = re.findall(r"^/\* (\d) ", text, re.MULTILINE)
    assert sections == ["1", "2", "3", "4", "5", "6", "7"]


def test_every_token_of_the_sheet_is_defined():
    own = {"foreground", "background", "surface", "panel", "primary", "secondary", "accent", "border"}
    used = set(re.findall(r"\$([a-z-]+)", re.sub(r"/\*.*?\*/", "", SHEET.read_text(encoding="utf-8"), flags=re.DOTALL)))
    assert used <= set(TOKENS) | own
    assert {"bid", "ask", "gain", "loss", "stale", "armed", "halted"} <= set(NIGHT.variables)


def test_the_app_stays_small():
    assert len((HOME / "app.py").read_text(encoding="utf-8").splitlines()) <= 200


def test_the_sheet_is_found_in_a_checkout_and_inside_a_package(tmp_path: Path):
    package = tmp_path / "site" / "tui"
    package.mkdir(parents=True)
    with pytest.raises(ConfigError, match="style sheet"):
        style_sheet(package)
    (tmp_path / "site" / "tui.tcss").touch()
    assert style_sheet(package) == tmp_path / "site" / "tui.tcss"
    (package / "tui.tcss").touch()
    assert style_sheet(package) == package / "tui.tcss"
