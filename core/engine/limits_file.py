"""The configuration file's limits while the engine runs: looked at now and then, and read again once it changed."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.commands import ReloadLimits
from core.errors import ConfigError
from core.events import Noticed, NoticeLevel
from core.limits import RiskLimits

BY: Final = "the configuration file"
_EVERY_S: Final = 2.0

_Stamp = tuple[int, int, int]
_Sink = Callable[[ReloadLimits | Noticed], None]


class LimitsFile:
    """One file and the way to read it."""

    def __init__(self, path: Path, read: Callable[[], RiskLimits], every_seconds: float = _EVERY_S) -> None:
        """`read` blocks, and raises ConfigError for a file that cannot be used."""
        self._path: Final = path
        self._read: Final = read
        self._every_s: Final = every_seconds
        self._known = self._stamp()

    async def read(self) -> RiskLimits:
        """What the file says now.

        Raises:
            ConfigError: it cannot be used; the text says why.
        """
        return await asyncio.to_thread(self._read)

    async def watch(self, sink: _Sink) -> None:
        """Hand over the limits of every new form of the file, or why it cannot be used, until cancelled.

        A file that is being written, or is gone for a moment, is left alone until it was the same at two looks.
        """
        seen = self._known
        while True:
            await asyncio.sleep(self._every_s)
            before, seen = seen, self._stamp()
            if seen is None or seen != before or seen == self._known:
                continue
            self._known = seen
            try:
                sink(ReloadLimits(limits=(await self.read()).model_dump_json(), by=BY))
            except ConfigError as error:
                text = f"the changed file is not in force: {error}"
                sink(Noticed(level=NoticeLevel.ALERT, source="limits", text=text))

    def _stamp(self) -> _Stamp | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
