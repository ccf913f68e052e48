"""The operator's own keys: what is taken, what is refused in words, and what the screen then says."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from core.commands import TripBreaker
from core.errors import ConfigError
from core.state import ExitReport
from tests.support.desk import on_screen, rows, shows
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.__main__ import main
from tui.app import Desk
from tui.keymap import PLAIN, key_map
from tui.keys import KEYS, KILL, LOCAL, is_kill_key
from tui.screens.text import help_lines
from tui.widgets.footer import footer

NAMES = sorted({key.name for key in (*KEYS, *LOCAL) if key.name} - {KILL.name})


async def given_keys(pilot: Pilot[ExitReport | None], **keys: list[str]) -> None:
    """The configuration was read, and says this."""
    app = pilot.app
    assert isinstance(app, Desk)
    wanted = key_map(keys)
    app.configure(replace(app.pump.options, keys=wanted))
    await eventually(lambda: app._keys is wanted, "the keys")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"tickt": ["b"]}, "desk.keys.tickt: no such action; expected one of acknowledge, alerts, arm, breaker"),
        ({"kill": ["f1"]}, "desk.keys.kill: the kill keeps ctrl+k and F12"),
        ({"ticket": ["f12"]}, "desk.keys.ticket: f12 kills, and nothing takes that away"),
        ({"ticket": ["ctrl+k"]}, "desk.keys.ticket: ctrl+k kills, and nothing takes that away"),
        ({"ticket": ["shift+f12"]}, "shift+f12 kills"),
        ({"ticket": ["c"]}, "desk.keys: c would mean ticket and cancel; expected another key for one of them"),
        ({"ticket": ["j"]}, "desk.keys: j would mean ticket and join"),
        ({"ticket": ["b"], "rearm": ["b"]}, "desk.keys: b would mean ticket and rearm"),
        ({"ticket": ["ctrl+p"]}, 'ctrl+p would mean ticket and "Open the command palette'),
        ({"ticket": ["1"]}, '1 would mean ticket and "Go to pane 1'),
        ({"ticket": ["enter"]}, "desk.keys.ticket: expected a key such as b, ctrl+b, alt+b, f1, shift+f1 or insert"),
        ({"ticket": ["bb"]}, "got 'bb'"),
        ({"ticket": [" "]}, "got ' '"),
        ({"ticket": ["f25"]}, "got 'f25'"),
        ({"ticket": []}, "got none"),
        ({"ticket": ["ctrl+i"]}, "a terminal cannot tell ctrl+i from tab"),
        ({"breaker": ["b"]}, "desk.keys.breaker: expected ctrl and a letter, or a function key, got b"),
        ({"quit": ["alt+q"]}, "desk.keys.quit: expected ctrl and a letter, or a function key, got alt+q"),
        ({"breaker": ["ctrl+m"]}, "a terminal cannot tell ctrl+m from enter"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_in_words(wanted: dict[str, list[str]], said: str):
    with pytest.raises(ConfigError, match="the keys of the desk cannot be used:") as refused:
        key_map(wanted)
    assert said in str(refused.value)


def test_every_problem_is_said_at_once():
    with pytest.raises(ConfigError) as refused:
        key_map({"tickt": ["b"], "kill": ["b"], "cancel": ["n"]})
    assert str(refused.value).count("\n  desk.keys") == 3


def test_keys_may_be_swapped():
    made = key_map({"ticket": ["c"], "cancel": ["n"]})
    assert (made.written("ticket"), made.written("cancel")) == ("c", "n")


@given(st.dictionaries(st.sampled_from([*NAMES, "kill", "nothing"]), st.lists(st.text(max_size=12), max_size=3)))
def test_no_text_ever_makes_a_map_that_is_not_whole(wanted: dict[str, list[str]]):
    try:
        made = key_map(wanted)
    except ConfigError:
        return
    keys = [key for entry in made.every for key in entry.keys]
    assert len(keys) == len(set(keys))
    assert made.keys[0] is KILL
    assert not any(is_kill_key(key) for entry in made.every if entry is not KILL for key in entry.keys)
    assert all(len(key) > 1 for entry in made.keys if entry.is_dangerous for key in entry.keys)


def test_the_key_map_itself_has_no_clash_with_what_widgets_bind():
    keys = [key for entry in PLAIN.every for key in entry.keys]
    assert len(keys) == len(set(keys))


async def test_another_key_does_it_and_the_old_one_nothing():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await given_keys(pilot, ticket=["b"], breaker=["shift+f2"])
        await pilot.press("n", "f8", "ctrl+t")
        assert not pilot.app.screen.is_modal
        assert engine.commands == []
        await pilot.press("shift+f2")
        await eventually(lambda: engine.commands, "the breaker")
        assert isinstance(engine.commands[0], TripBreaker)
        await pilot.press("b")
        await shows(pilot, "new order")
        await pilot.press("f12", "ctrl+k")
        assert len(engine.kills) == 2


async def test_keys_of_widgets_can_be_changed_too():
    engine = FakeEngine()
    async with on_screen(engine, is_live=True) as pilot:
        await given_keys(pilot, arm=["shift+f1"], sort=["w"])
        await pilot.press("m")
        await shows(pilot, "disarmed (shift+f1)")
        await pilot.press("f5")
        await shows(pilot, "disarmed (shift+f1)")
        await pilot.press("shift+f1")
        await shows(pilot, "ARMED")
        await pilot.press("d", "w")
        await shows(pilot, "▲MARKET")


async def test_footer_help_and_palette_say_the_keys_in_force():
    async with on_screen(FakeEngine()) as pilot:
        app = pilot.app
        assert isinstance(app, Desk)
        await given_keys(pilot, ticket=["alt+o"], help=["f1"], quit=["ctrl+x"])
        await eventually(lambda: "alt+o order" in rows(app)[-1], "the footer")
        assert "F1 help" in rows(app)[-1]
        assert "ctrl+k KILL" in rows(app)[-1]
        await pilot.press("f1")
        await shows(pilot, "alt+o", "Open the order ticket")
        await pilot.press("f1")
        await eventually(lambda: not app.screen.is_modal, "the same key to close the help")
        await pilot.resize_terminal(60, 20)
        await shows(pilot, "ctrl+k still kills, ctrl+x quits")


def test_the_help_is_made_of_the_keys_in_force():
    said = "\n".join("".join(span.text for span in line) for line in help_lines(key_map({"join": ["shift+f2", "b"]})))
    assert "shift+f2 b" in said


@given(st.integers(0, 220))
def test_the_footer_never_shows_a_key_in_part(width: int):
    keys = key_map({"ticket": ["shift+ctrl+f1"], "cancel": ["shift+ctrl+f2"], "rearm": ["shift+ctrl+f3"]})
    shown = "".join(span.text for span in footer(lambda _key: True, width, keys))
    whole = "".join(span.text for span in footer(lambda _key: True, 1_000, keys)).split()
    assert len(shown) <= width
    assert {word.replace("^", "ctrl+") for word in shown.split()} <= set(whole)


def test_a_configuration_with_such_keys_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "config.toml"
    file.write_text('[desk.keys]\nticket = "b"\nsort = ["w", "shift+f3"]\n')
    assert main(["config", "--config", str(file)]) == 0
    assert '"ticket": [\n        "b"' in capsys.readouterr().out
    file.write_text('[desk.keys]\nkill = "b"\n')
    assert main(["config", "--config", str(file)]) == 2
    assert "desk.keys.kill: the kill keeps ctrl+k and F12" in capsys.readouterr().err
