"""Loads an operator's own strategies by name: from an installed package, or from a folder of theirs.

What a module does while it is imported is its author's business; whatever it raises there is told in one sentence.
"""

import importlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from core.errors import ConfigError
from core.guard import guarded
from core.strategy import AnyStrategy, Fault


def loaded(entries: Sequence[str], folder: Path | None, taken: Sequence[AnyStrategy] = ()) -> list[AnyStrategy]:
    """The strategies in `taken`, and one for each `module:name`, in order.

    Raises:
        ConfigError: the folder is not there, one cannot be imported or made, is no strategy, or wears a name twice.
    """
    if folder is not None and entries:
        place = folder.expanduser().resolve()
        if not place.is_dir():
            raise ConfigError(f"strategies.folder: expected a folder, found none at {folder}; check the path")
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    strategies = [*taken]
    for entry in entries:
        strategy = _made(entry)
        if strategy.name in {each.name for each in strategies}:
            raise ConfigError(f"strategies.load: {entry} is called {strategy.name!r}, and so is another: rename one")
        strategies.append(strategy)
    return strategies


def _made(entry: str) -> AnyStrategy:
    module_name, _, name = entry.partition(":")
    module = guarded(partial(importlib.import_module, module_name))
    if isinstance(module, Fault):
        raise ConfigError(f"strategies.load: {entry} cannot be imported: {module.text}; check strategies.folder and it")
    make = getattr(module, name, None)
    if not callable(make):
        raise ConfigError(f"strategies.load: {entry}: expected a class or function {name} in {module_name}, found none")
    made = guarded(make)
    if isinstance(made, Fault):
        raise ConfigError(f"strategies.load: {entry} could not be made without arguments: {made.text}")
    if problem := _problem(made):
        raise ConfigError(f"strategies.load: {entry}: {problem}")
    return made  # type: ignore[no-any-return]  # checked by `_problem`


def _problem(made: object) -> str:
    """Why this is no strategy; empty when it is one."""
    name, markets = getattr(made, "name", None), getattr(made, "markets", None)
    if not isinstance(name, str) or not name:
        return f"expected a name that is text, got {name!r}"
    if not isinstance(markets, tuple) or not all(isinstance(symbol, str) for symbol in markets) or not markets:
        return f"expected markets as a tuple of symbols such as ('ETH',), got {markets!r}"
    methods = [method for method in ("on_state", "run") if callable(getattr(made, method, None))]
    if len(methods) != 1:
        return f"expected either on_state(view) or async run(desk), got {' and '.join(methods) or 'neither'}"
    return ""
