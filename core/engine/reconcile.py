"""Belief against what the venue shows: what is missing from its lists, and what does not fit for longer than it may.

One comparison serves the start, every reconnect and the periodic check. Pure; what follows is decided in
`core.engine.evidence` for each order, and in `core.engine.reconciling` for trading as a whole.
"""

from typing import Final

from core.clock import SECOND_NS, Instant
from core.engine.ledger import Ledger
from core.engine.order_map import OrderMap, Tracked
from core.events import OpenOrdersListed

_PATIENCE_NS: Final = 2 * SECOND_NS
"""How long an order may be missing from a list before that counts: the frame of its end may be on its way."""


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


def unexplained(orders: OrderMap, ledger: Ledger, now: Instant) -> tuple[str, ...]:
    """Every mismatch with the venue that has lasted, one sentence each; empty when belief and venue agree.

    Orders that nobody has shown yet are no mismatch: they are in flight or UNKNOWN, and count as exposure.
    """
    lost = [
        f"order {tracked.order.client_id} is open by all we know, and the venue does not list it"
        for tracked in orders.live()
        if tracked.is_ours
        and tracked.status.is_open
        and not tracked.is_listed
        and tracked.doubt is not None
        and now.mono_ns - tracked.doubt.since_ns > _PATIENCE_NS
    ]
    apart = [
        f"our fills in market {found.market_id} add up to {found.believed}, the venue says {found.venue}"
        for found in ledger.lasting(now)
    ]
    return (*lost, *apart)
