"""Belief against the venue's complete list: what agrees, what the venue no longer shows, what nobody here placed. Pure.

One comparison serves the start, every reconnect and the periodic check; what follows from it is decided in
`core.engine.evidence`.
"""

from dataclasses import dataclass

from core.engine.order_map import OrderMap, Tracked
from core.events import OpenOrdersListed, OrderReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The three outcomes; every listed order and every order believed open is in exactly one."""

    matched: tuple[tuple[Tracked, OrderReport], ...]
    missing: tuple[Tracked, ...]
    """Believed open, and not open at the venue: they ended, or their end is still on its way to us."""
    unknown: tuple[OrderReport, ...]
    """Open at the venue, and not in memory."""


def compare(orders: OrderMap, listed: OpenOrdersListed) -> Comparison:
    """Hold the venue's list against the map.

    An order that was not shown to us before the list was asked for cannot be missed in it: the venue queues a
    transaction for some hundred milliseconds after taking it.
    """
    matched: list[tuple[Tracked, OrderReport]] = []
    unknown: list[OrderReport] = []
    seen: set[Tracked] = set()
    for report in listed.orders:
        tracked = orders.match(
            venue_id=report.venue_id, client_id=report.client_id, market_id=report.market_id, side=report.side
        )
        if tracked is None:
            unknown.append(report)
        else:
            seen.add(tracked)
            matched.append((tracked, report))
    missing = tuple(
        tracked
        for tracked in orders.live()
        if tracked not in seen and _is_expected(tracked) and tracked.shown_ns < listed.asked_ns
    )
    return Comparison(matched=tuple(matched), missing=missing, unknown=tuple(unknown))


def _is_expected(tracked: Tracked) -> bool:
    return tracked.status.is_open
