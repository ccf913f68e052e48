"""First-run hints: one sentence a screen, until the operator hides it; then it stays away, over restarts too."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tui.keymap import KeyMap

FILE: Final = "hidden-hints"
_log: Final = logging.getLogger(__name__)

_SENTENCES: Final = {
    "desk": "{ticket} order · {market} {orders} {risk} screens · {help} every key · {kill} stops everything",
    "market": "{join} joins, {improve} improves, {cancel_here} cancels; {arm} arms: disarmed sends nothing",
    "orders": "{filter} filters · {sort} sorts · {cancel} cancels the selected · {help} every key",
    "risk": "what is used of each limit, and who stopped what · {help} every key",
    "strategies": "{strategy} starts or stops the selected one · {sort} sorts · {help} every key",
    "alerts": "{acknowledge} acknowledges all · enter shows one in full · {help} every key",
    "log": "{level} chooses the level · {filter} filters · enter shows a line in full",
    "health": "look here when it feels slow: links, budgets, pace",
}


class Hints:
    """Which hints are hidden for good, kept in one small file, a name a line.

    Built in the engine's thread, which may wait for a disk; used in the screen's.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` need not exist; a file that cannot be read hides nothing."""
        self._file = folder / FILE
        self._hidden: set[str] = set()
        try:
            self._hidden.update(self._file.read_text(encoding="utf-8").split())
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            _log.warning("hints: %s cannot be read: %s", self._file, error)

    @property
    def wanted(self) -> frozenset[str]:
        """The screens whose hint is still shown."""
        return frozenset(_SENTENCES) - self._hidden

    def hide(self, screens: Iterable[str]) -> None:
        """Never show these again; without a disk for as long as this run lasts."""
        new = set(screens) - self._hidden
        if not new:
            return
        self._hidden |= new
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file.write_text("\n".join(sorted(self._hidden)) + "\n", encoding="utf-8")
        except OSError as error:
            _log.warning("hints: %s cannot be written: %s", self._file, error)


def sentence(screen: str, keys: KeyMap) -> str:
    """The hint of a screen, with the keys in force; empty for one that needs none."""
    written = {key.name: key.display for key in (*keys.keys, *keys.local) if key.name}
    return _SENTENCES.get(screen, "").format_map(written)
