"""The key map in force: the one table of `tui.keys` with the operator's own keys from `[desk.keys]` in it. Pure.

Nothing takes the kill keys away, no key means two things, and what is dangerous stays a chord or a function key.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from textual.keys import _character_to_key

from core.errors import ConfigError
from tui.keys import FIXED, KEYS, KILL, LOCAL, Key, harmless, in_footer, is_kill_key, is_surface, written

_CHORD: Final = re.compile(r"ctrl\+[a-z]")
_FUNCTION: Final = re.compile(r"((ctrl|alt|shift)\+)*f([1-9]|1[0-9]|2[0-4])")
_OTHER: Final = re.compile(r"alt\+[a-z0-9]|((ctrl|shift)\+)?(insert|delete)|space|ctrl\+(up|down|left|right|home|end)")
_SAME: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+j": "a line feed", "ctrl+h": "backspace"}
"""A terminal sends the same byte for both."""
_EXPECTED: Final = "expected a key such as b, ctrl+b, alt+b, f1, shift+f1 or insert"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMap:
    """Every key and what it does."""

    keys: tuple[Key, ...] = KEYS
    """Of the App, the kill first."""
    local: tuple[Key, ...] = LOCAL
    """Of widgets."""
    changed: tuple[tuple[str, str], ...] = ()
    """For Textual: the name of an action, and the keys it has now, with commas between."""

    @property
    def every(self) -> tuple[Key, ...]:
        """All of them, also those that cannot be changed: for the help."""
        return (*self.keys, *self.local, *FIXED)

    @property
    def footer(self) -> tuple[Key, ...]:
        """Those that the footer always shows."""
        return in_footer(self.keys, is_secondary=False)

    @property
    def secondary(self) -> tuple[Key, ...]:
        """Those that the footer shows where there is room."""
        return in_footer(self.keys, is_secondary=True)

    @property
    def surfaces(self) -> tuple[Key, ...]:
        """Those that show a screen."""
        return tuple(filter(is_surface, self.keys))

    @property
    def harmless(self) -> tuple[Key, ...]:
        """Those that the command palette offers."""
        return harmless(self.keys)

    def written(self, name: str) -> str:
        """The first key of an action, as people write it: for a sentence that tells of it."""
        return next(key.display for key in (*self.keys, *self.local) if key.name == name)


PLAIN: Final = KeyMap()
"""Nothing changed."""


def key_map(wanted: Mapping[str, Sequence[str]]) -> KeyMap:
    """The table with these keys instead: the name of an action, and its keys as people write them.

    Raises:
        ConfigError: it cannot be; the text has every problem on a line of its own.
    """
    problems: list[str] = []
    taken = {name: _taken(name, keys, problems) for name, keys in wanted.items()}
    keys, local = (tuple(_changed(key, taken) for key in table) for table in (KEYS, LOCAL))
    made = KeyMap(keys=keys, local=local, changed=tuple((name, ",".join(keys)) for name, keys in taken.items()))
    problems.extend(_clashes(made))
    if problems:
        raise ConfigError("\n".join(["the keys of the desk cannot be used:", *(f"  {line}" for line in problems)]))
    return made


def _changed(key: Key, taken: Mapping[str, tuple[str, ...]]) -> Key:
    return replace(key, keys=taken[key.name]) if taken.get(key.name) else key


def _taken(name: str, wanted: Sequence[str], problems: list[str]) -> tuple[str, ...]:
    """The keys in Textual's names; empty when there is something wrong with them, which is said."""
    field = f"desk.keys.{name}"
    known = {key.name: key for key in (*KEYS, *LOCAL) if key.name}
    if name not in known:
        problems.append(f"{field}: no such action; expected one of {', '.join(sorted(known.keys() - {KILL.name}))}")
        return ()
    if known[name] is KILL:
        problems.append(f"{field}: the kill keeps {' and '.join(KILL.written)}, whatever the configuration says")
        return ()
    if not wanted:
        problems.append(f"{field}: {_EXPECTED}, got none")
        return ()
    found = len(problems)
    keys = tuple(_normal(key) for key in wanted)
    for text, key in zip(wanted, keys, strict=True):
        problem = _problem(text, key, known[name])
        if problem:
            problems.append(f"{field}: {problem}")
    return keys if len(problems) == found else ()


def _normal(text: str) -> str:
    return _character_to_key(text) if len(text) == 1 and not text.isspace() else text.lower()


def _problem(text: str, key: str, entry: Key) -> str:
    """What is wrong with giving this key to that action, or nothing."""
    is_letter = len(text) == 1 and text.isprintable() and not text.isspace()
    if key in _SAME:
        return f"a terminal cannot tell {text} from {_SAME[key]}; {_EXPECTED}"
    if is_kill_key(key):
        return f"{text} kills, and nothing takes that away"
    is_safe = bool(_CHORD.fullmatch(key) or _FUNCTION.fullmatch(key))
    if not (is_safe or is_letter or _OTHER.fullmatch(key)):
        return f"{_EXPECTED}, got {text!r}"
    if (entry.is_dangerous or entry.is_priority) and not is_safe:
        return f"expected ctrl and a letter, or a function key, got {text}: what is pasted must not do this"
    return ""


def _clashes(made: KeyMap) -> list[str]:
    """Keys that would mean two things. Those of a widget count as well: it would take them from the rest."""
    owners: dict[str, list[str]] = {}
    for entry in made.every:
        for key in dict.fromkeys(entry.keys):
            owners.setdefault(key, []).append(entry.name or f'"{entry.help}"')
    names = {name for name, _keys in made.changed}
    return [
        f"desk.keys: {written(key)} would mean {' and '.join(owned)}; expected another key for one of them"
        for key, owned in owners.items()
        if len(owned) > 1 and names.intersection(owned)
    ]
