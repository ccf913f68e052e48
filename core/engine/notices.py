"""The operator's log in memory: bounded, numbered, newest last. Pure."""

from collections import deque
from typing import Final

from core.clock import Instant
from core.events import NoticeLevel
from core.state import Notice

_KEPT: Final = 200


class NoticeLog:
    """The newest notices."""

    def __init__(self) -> None:
        self._notices: deque[Notice] = deque(maxlen=_KEPT)
        self._seq = 0
        self._frozen: tuple[Notice, ...] | None = ()

    def add(self, level: NoticeLevel, source: str, text: str, now: Instant) -> Notice:
        """Append one line."""
        self._seq += 1
        notice = Notice(seq=self._seq, at_us=now.utc_us, level=level, source=source, text=text)
        self._notices.append(notice)
        self._frozen = None
        return notice

    def all(self) -> tuple[Notice, ...]:
        """Oldest first; the same object until a line is added."""
        if self._frozen is None:
            self._frozen = tuple(self._notices)
        return self._frozen
