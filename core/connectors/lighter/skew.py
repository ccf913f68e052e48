"""How far this machine's clock is from the venue's, from the stamps of its frames. Pure.

A frame's age on receipt is its way plus the difference of the clocks; the youngest of many had the shortest way, so the
smallest age bounds the difference. Orders carry an expiry and tokens a deadline, hence it matters.
"""

from typing import Final

from core.clock import SECOND_NS

HALF_NS: Final = 30 * SECOND_NS
TOLERATED_MS: Final = 1_000
"""More than any way takes; the venue's own checks are minutes wide."""


class Skew:
    """The estimate over the last minute or less."""

    def __init__(self) -> None:
        """Nothing seen."""
        self._since_ns: int | None = None
        self._newer: int | None = None
        self._older: int | None = None
        self._noted_ns = 0

    def note(self, stamp_ms: int, local_us: int, now_ns: int) -> None:
        """A frame stamped `stamp_ms` by the venue came when our clock said `local_us`."""
        if self._since_ns is None or now_ns - self._since_ns >= HALF_NS:
            self._since_ns, self._older, self._newer = now_ns, self._newer, None
        self._noted_ns = now_ns
        age_ms = local_us // 1_000 - stamp_ms
        self._newer = age_ms if self._newer is None else min(self._newer, age_ms)

    @property
    def ahead_ms(self) -> int | None:
        """Milliseconds our clock is ahead of the venue's, the shortest way included; negative when it is behind."""
        known = [one for one in (self._newer, self._older) if one is not None]
        return min(known) if known else None

    def fresh_ms(self, now_ns: int) -> int | None:
        """The same while it is news: a stream that stamped nothing for a minute says nothing of the clocks now."""
        return self.ahead_ms if now_ns - self._noted_ns <= 2 * HALF_NS else None

    @property
    def is_wrong(self) -> bool:
        """Whether one of the two clocks is wrong."""
        return self.ahead_ms is not None and abs(self.ahead_ms) > TOLERATED_MS

    @property
    def sentence(self) -> str:
        """For the operator."""
        ahead = self.ahead_ms or 0
        return f"this machine's clock is {abs(ahead)} ms {'ahead of' if ahead > 0 else 'behind'} the venue's"
