"""Orders that hang together: one decision, one transaction, one outcome, and a task for each before it leaves. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from core.clock import SECOND_US, Instant
from core.commands import SubmitOrder
from core.connectors.base import Exit, Leg, NewOrder
from core.decisions import Denied
from core.engine.effects import SendGroup
from core.engine.facts import Facts
from core.engine.order_map import Tracked
from core.engine.orders import Trigger
from core.engine.tasks import Tasks, reason_of, track
from core.events import NoticeLevel
from core.model import OrderIntent, Origin
from core.units import ZERO

_LONGEST_US: Final = 28 * 86_400 * SECOND_US
"""The venue takes an expiry of at most 30 days, and the same one for all that rest in a group."""


class Brackets:
    """Places groups, and says what they leave unprotected."""

    def __init__(self, facts: Facts, tasks: Tasks) -> None:
        self._facts = facts
        self._tasks = tasks

    def place(self, group: Sequence[tuple[OrderIntent, Exit | None]], origin: Origin, now: Instant) -> list[Tracked]:
        """Decide about the lead, which alone adds exposure, and send all or none; the orders, lead first."""
        facts, tasks = self._facts, self._tasks
        orders = [track(facts, SubmitOrder(intent=intent, origin=origin), now) for intent, _ in group]
        lead, *exits = orders
        decision = tasks.decide(lead, lead.order.intent, facts.outlook.view(now, is_frozen=False))
        if isinstance(decision, Denied):
            tasks.deny(lead, decision, now)
            for tracked in exits:
                facts.move(tracked, Trigger.DENY, now, reason_of(decision))
            return orders
        for tracked in orders:
            tasks.let_go(tracked, now)
        facts.outlook.on_sent(lead.order.intent, origin, now)
        legs = []
        for tracked, (intent, exit_) in zip(orders, group, strict=True):
            if tracked.order.client_id is not None:
                order = NewOrder(client_id=tracked.order.client_id, intent=intent, expires_us=now.utc_us + _LONGEST_US)
                legs.append(Leg(order=order, exit=exit_))
        facts.emit(SendGroup(legs=tuple(legs)))
        if facts.standing.deadman is not None:
            text = f"{origin.name}: should the dead-man's switch fire, it cancels its take-profit and stop-loss as well"
            facts.tell(NoticeLevel.WARN, text, now, "algorithm")
        return orders

    def on_closed(self, name: str, orders: Sequence[Tracked], now: Instant) -> None:
        """All of it ended: say so where a position stays without its exits."""
        open_size = unprotected(orders)
        if open_size > ZERO:
            intent = orders[0].order.intent
            market = self._facts.markets.get(intent.market_id)
            symbol = market.symbol if market else f"market {intent.market_id}"
            text = f"{name}: {intent.side.value} of {open_size} {symbol} stays without its take-profit and stop-loss"
            self._facts.tell(NoticeLevel.ALERT, text, now, "algorithm")


def unprotected(orders: Sequence[Tracked]) -> Decimal:
    """What the lead filled and no exit closed, in base units, once no exit waits any more."""
    if not orders or any(not tracked.status.is_closed for tracked in orders[1:]):
        return ZERO
    return orders[0].order.filled - sum((tracked.order.filled for tracked in orders[1:]), ZERO)
