"""Fills that only the order stream told of: not in the ledger, not open any more, yet money at risk. Pure.

The venue's frames of one transaction come apart. Between the order's and the trade's, or where a trade is never told,
what was filled counts on its side of the exposure until it is booked or a position report contains it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS, Instant
from core.engine.order_map import Tracked
from core.units import ZERO, MarketId

_PATIENCE_NS: Final = 2 * SECOND_NS
"""How long the trade may follow the order's frame before the venue is asked for it."""
_LONGEST_NS: Final = 60 * SECOND_NS
_ENOUGH_ASKED: Final = 6


@dataclass(slots=True, kw_only=True)
class _Gap:
    """One order whose fills are behind its reports."""

    time_us: int
    """The venue's time of the report that last raised the filled size."""
    seen_ns: int
    """When that report came."""
    next_ns: int
    asked: int = 0


class Unbooked:
    """Orders of which the venue reported more as filled than was booked; held also once the order map forgot them."""

    def __init__(self) -> None:
        self._gaps: dict[Tracked, _Gap] = {}
        self._rest_ns = 0

    def markets(self) -> Iterator[MarketId]:
        """Markets with anything that counts."""
        return (tracked.market_id for tracked in self._gaps if _open(tracked))

    def sizes(self, market_id: MarketId) -> Iterator[Decimal]:
        """What counts in one market, in base units, signed by its side."""
        for tracked in self._gaps:
            if tracked.market_id == market_id:
                yield _open(tracked) * tracked.order.intent.side.sign

    def on_report(self, tracked: Tracked, time_us: int, now: Instant) -> None:
        """The venue's report of `time_us` raised the order's filled size."""
        if tracked.reported <= tracked.booked:
            return
        gap = self._gaps.get(tracked)
        if gap is None:
            next_ns = now.mono_ns + _PATIENCE_NS
            self._gaps[tracked] = _Gap(time_us=time_us, seen_ns=now.mono_ns, next_ns=next_ns)
        else:
            gap.time_us, gap.seen_ns = time_us, now.mono_ns

    def on_booked(self, tracked: Tracked) -> None:
        """A fill of it was booked."""
        if tracked.reported <= tracked.booked:
            self._gaps.pop(tracked, None)

    def on_position(self, market_id: MarketId, as_of_us: int, asked_ns: int | None) -> None:
        """A position report that speaks up to the venue's `as_of_us`, or, where it has no time, was asked for then."""
        for tracked, gap in tuple(self._gaps.items()):
            is_asked_later = asked_ns is not None and asked_ns > gap.seen_ns
            if tracked.market_id == market_id and (as_of_us >= gap.time_us > 0 or is_asked_later):
                tracked.counted = tracked.reported
                if not tracked.is_ours:
                    del self._gaps[tracked]  # the record of what was filled before we looked is not ours to complete

    def is_due(self, now: Instant) -> bool:
        """Whether the venue should be asked now for positions and missing fills; counts as asked."""
        due = [gap for gap in self._gaps.values() if now.mono_ns >= gap.next_ns]
        if not due or now.mono_ns < self._rest_ns:
            return False
        self._rest_ns = now.mono_ns + _PATIENCE_NS
        for gap in due:
            gap.asked += 1
            gap.next_ns = now.mono_ns + min(_PATIENCE_NS << gap.asked, _LONGEST_NS)
        return True

    def give_up(self) -> tuple[Tracked, ...]:
        """Let go of orders whose fills cannot be had though a position report contains them."""
        lost = tuple(
            tracked for tracked, gap in self._gaps.items() if gap.asked >= _ENOUGH_ASKED and not _open(tracked)
        )
        for tracked in lost:
            del self._gaps[tracked]
        return lost


def _open(tracked: Tracked) -> Decimal:
    """What was reported as filled and is neither booked nor part of a position report."""
    return max(ZERO, tracked.reported - max(tracked.booked, tracked.counted))
