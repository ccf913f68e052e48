"""How the desk itself fares: paints a second, how late its loop is, bytes written, memory. Pure: numbers go in."""

from collections import deque
from dataclasses import dataclass
from typing import Final

from core.clock import SECOND_NS

_WINDOW_NS: Final = 5 * SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPace:
    """Measured over the last seconds."""

    paints: int
    """Paints a second, in tenths."""
    wanted: int
    """Paints a second asked for."""
    late_us: int
    """The most a paint came late, in microseconds: how long the screen's loop was busy with something else."""
    bytes_a_second: int
    """Written to the terminal."""
    memory_kb: int
    """Resident, of the whole process; 0 where the system does not say."""
    slower: int = 1
    """How many times slower it paints than it should, because the line does not drain."""


class Meters:
    """Collects samples, one a paint, and sums up the window's."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int, int]] = deque()
        """Moment in monotonic nanoseconds, nanoseconds late, bytes written so far."""

    def add(self, now_ns: int, late_ns: int, written: int) -> None:
        """One paint, this late; `written` counts every byte since the start."""
        self._samples.append((now_ns, max(0, late_ns), written))
        while self._samples[0][0] < now_ns - _WINDOW_NS:
            self._samples.popleft()

    def pace(self, wanted: int, memory_kb: int, slower: int = 1) -> DeskPace | None:
        """The window's figures; None before there are two samples apart."""
        if len(self._samples) < 2:
            return None
        (start_ns, _, written_then), (end_ns, _, written) = self._samples[0], self._samples[-1]
        span_ns = end_ns - start_ns
        if span_ns <= 0:
            return None
        return DeskPace(
            paints=(len(self._samples) - 1) * 10 * SECOND_NS // span_ns,
            wanted=wanted,
            late_us=max(late for _, late, _ in self._samples) // 1_000,
            bytes_a_second=(written - written_then) * SECOND_NS // span_ns,
            memory_kb=memory_kb,
            slower=slower,
        )
