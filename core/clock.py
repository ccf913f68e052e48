"""Time as an input: two readings in one value, and the two clocks that give it.

Decisions receive an `Instant`; only shells hold a `Clock`.
"""

import time
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

SECOND_NS: Final = 1_000_000_000
MILLISECOND_NS: Final = 1_000_000
SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US


class Instant(NamedTuple):
    """One moment, twice: for durations and for records."""

    mono_ns: int
    """Monotonic nanoseconds: for ages, deadlines and latencies; means nothing outside this process."""
    utc_us: int
    """Microseconds since the Unix epoch, UTC: for records and the screen."""

    @property
    def utc_day(self) -> int:
        """Days since the epoch, UTC: the boundary of day PnL."""
        return self.utc_us // DAY_US

    def text(self) -> str:
        """`HH:MM:SS` in UTC."""
        return datetime.fromtimestamp(self.utc_us // SECOND_US, UTC).strftime("%H:%M:%S")


class Clock(Protocol):
    """Where an `Instant` comes from."""

    def now(self) -> Instant:
        """The present moment."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Instant:
        """The present moment by the machine's monotonic and real-time clocks."""
        return Instant(mono_ns=time.monotonic_ns(), utc_us=time.time_ns() // 1_000)


class ManualClock:
    """A clock that moves only when told, for simulation and tests."""

    def __init__(self, utc_us: int = 1_700_000_000 * SECOND_US, mono_ns: int = 0) -> None:
        """Start at the given moment."""
        self._now = Instant(mono_ns=mono_ns, utc_us=utc_us)

    def now(self) -> Instant:
        """The moment it was last moved to."""
        return self._now

    def advance(self, *, ns: int = 0, us: int = 0, seconds: int = 0) -> Instant:
        """Move forward and return the new moment."""
        step_ns = ns + us * 1_000 + seconds * SECOND_NS
        self._now = Instant(mono_ns=self._now.mono_ns + step_ns, utc_us=self._now.utc_us + step_ns // 1_000)
        return self._now
