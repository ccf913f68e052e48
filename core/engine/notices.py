"""The operator's log in memory: bounded, numbered, newest last. Pure."""

from collections import deque
from typing import Final

from core.clock import SECOND_NS, Instant
from core.events import NoticeLevel
from core.state import Notice

_KEPT: Final = 200
_AGAIN_NS: Final = 60 * SECOND_NS
"""The same information again within this long is counted on one line: a flood hides nothing else."""


class NoticeLog:
    """The newest notices."""

    def __init__(self) -> None:
        self._notices: deque[Notice] = deque(maxlen=_KEPT)
        self._seq = 0
        self._frozen: tuple[Notice, ...] | None = ()
        self._newest = ("", "")
        self._times = 0
        self._until_ns = 0

    def add(self, level: NoticeLevel, source: str, text: str, now: Instant) -> Notice:
        """Append one line; mere information that only repeats the newest line is counted there instead.

        Warnings and alerts always have lines of their own.
        """
        self._seq += 1
        is_again = self._newest == (source, text) and level is NoticeLevel.INFO and now.mono_ns <= self._until_ns
        if is_again:
            self._notices.pop()
        self._times = self._times + 1 if is_again else 1
        self._newest = (source, text) if level is NoticeLevel.INFO else ("", "")
        self._until_ns = now.mono_ns + _AGAIN_NS
        shown = f"{text} ({self._times} times)" if is_again else text
        notice = Notice(seq=self._seq, at_us=now.utc_us, level=level, source=source, text=shown)
        self._notices.append(notice)
        self._frozen = None
        return notice

    def all(self) -> tuple[Notice, ...]:
        """Oldest first; the same object until a line is added."""
        if self._frozen is None:
            self._frozen = tuple(self._notices)
        return self._frozen
