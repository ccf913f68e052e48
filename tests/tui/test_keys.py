"""One key map: whole, without clashes, and the same in bindings, help and README."""

from pathlib import Path

import pytest

from tui.app import Desk
from tui.keymap import PLAIN
from tui.keys import FIXED, KEYS, KILL, LOCAL, bindings, markdown_table
from tui.screens.text import help_lines

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- keys:begin -->", "<!-- keys:end -->"


def test_no_key_means_two_things():
    keys = [key for entry in KEYS for key in entry.keys]
    assert len(keys) == len(set(keys))


def test_nothing_dangerous_hangs_on_a_bare_letter():
    for entry in KEYS:
        if entry.is_dangerous:
            assert all(len(key) > 1 for key in entry.keys), entry


def test_the_kill_has_priority_and_comes_first():
    assert KEYS[0] is KILL
    assert KILL.is_priority
    assert set(KILL.keys) == {"ctrl+k", "f12"}


def test_every_entry_is_a_binding_with_an_action_of_the_desk():
    for entry, binding in zip(KEYS, bindings(), strict=True):
        assert binding.key == ",".join(entry.keys)
        assert binding.priority is entry.is_priority
        assert hasattr(Desk, f"action_{entry.action.partition('(')[0]}")


def test_the_help_names_every_key():
    text = "\n".join("".join(span.text for span in line) for line in help_lines(PLAIN))
    for entry in (*KEYS, *LOCAL, *FIXED):
        for word in entry.help.split():
            assert word in text
        for name in entry.written:
            assert all(part in text for part in name.split())


def test_the_table_has_a_row_for_every_key():
    table = markdown_table().splitlines()
    assert len(table) == 2 + len(KEYS) + len(LOCAL) + len(FIXED)
    assert all(line.count("|") == 3 for line in table)


def test_the_readme_is_in_step():
    text = README.read_text(encoding="utf-8")
    if BEGIN not in text:
        pytest.skip("the README has no key table")
    table = text.partition(BEGIN)[2].partition(END)[0].strip()
    assert table == markdown_table(), "run `make docs`"
