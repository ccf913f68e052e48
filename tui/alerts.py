"""Warnings and alerts that came while the desk was open, and which of them the operator has seen. Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.events import NoticeLevel
from core.state import Notice

_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Alert:
    """One notice worth a look."""

    notice: Notice
    is_new: bool
    """Nobody acknowledged it."""


class Alerts:
    """Keeps them beyond the engine's own bounded log; the oldest go first, once there are a thousand."""

    def __init__(self) -> None:
        self._kept: deque[Notice] = deque(maxlen=_MOST)
        self._last = 0
        self._acknowledged = 0
        self._rows: tuple[Alert, ...] | None = ()

    def take(self, notices: Sequence[Notice]) -> bool:
        """Take in what is new, oldest first; whether a new alert, not only warnings, was among it."""
        fresh = [notice for notice in notices if notice.seq > self._last]
        if not fresh:
            return False
        self._last = fresh[-1].seq
        self._rows = None
        self._kept.extend(notice for notice in fresh if notice.level is not NoticeLevel.INFO)
        return any(notice.level is NoticeLevel.ALERT for notice in fresh)

    def acknowledge(self) -> None:
        """Everything so far has been seen."""
        self._acknowledged = self._last
        self._rows = None

    @property
    def new(self) -> int:
        """Alerts, warnings aside, that nobody acknowledged."""
        return sum(one.seq > self._acknowledged for one in self._kept if one.level is NoticeLevel.ALERT)

    def rows(self) -> tuple[Alert, ...]:
        """All that are kept, oldest first; the same tuple until something changes."""
        if self._rows is None:
            self._rows = tuple(Alert(notice, notice.seq > self._acknowledged) for notice in self._kept)
        return self._rows
