"""Belief against the venue's complete list of open orders. Pure.

One comparison serves the start, every reconnect and the periodic check; what follows from it is decided in
`core.engine.evidence`.
"""

from core.engine.order_map import OrderMap, Tracked
from core.events import OpenOrdersListed


def missing(orders: OrderMap, listed: OpenOrdersListed) -> tuple[Tracked, ...]:
    """Orders believed open that the venue does not list: they ended, or their end is still on its way to us.

    An order that was not shown to us before the list was asked for cannot be missed in it: the venue queues a
    transaction for some hundred milliseconds after taking it.
    """
    seen = {
        orders.match(venue_id=report.venue_id, client_id=report.client_id, market_id=report.market_id, side=report.side)
        for report in listed.orders
    }
    return tuple(
        tracked
        for tracked in orders.live()
        if tracked not in seen and tracked.status.is_open and tracked.shown_ns < listed.asked_ns
    )
