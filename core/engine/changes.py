"""Changes of orders that live: a new size and price, from the wish to what the venue shows. Pure.

Until the venue shows it, an order is what it was, and the larger of both sizes counts as exposure. A change that was
refused leaves the order as it was; one whose outcome nobody knows is looked up, and may take effect until it expires.
That holds over a restart too: what was on its way is written down before its bytes can leave.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Final, assert_never

from core.clock import SECOND_NS, SECOND_US, Instant
from core.commands import ModifyOrder
from core.connectors.base import OrderRef
from core.decisions import Denied, Refused, Sent, Unresolved
from core.engine.effects import OrderLookedUp, SendModify
from core.engine.facts import Facts
from core.engine.order_map import Change, Tracked
from core.engine.orders import Trigger
from core.engine.tasks import Tasks, reason_of
from core.events import ModifySendResolved, NoticeLevel
from core.model import OrderIntent, OrderStatus, OrderType
from core.units import ZERO, ClientOrderId

_SILENCE_NS: Final = 3 * SECOND_NS
"""The venue shows a change some 200 ms after taking it (measured)."""
_EXPIRY_S: Final = 600
"""A signed transaction that did not execute dies at its ExpiredAt, 599 s after signing (SDK default)."""
_KEY: Final = "changes"
_CHANGEABLE: Final = frozenset({OrderStatus.QUEUED, OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


class Changes:
    """Asks for new sizes and prices, and remembers which are on their way."""

    def __init__(self, facts: Facts, tasks: Tasks) -> None:
        self._facts = facts
        self._tasks = tasks
        self._expires_us: dict[Tracked, int] = {}
        """Changes on their way, as written down: this process's steady clock ends with it, the calendar does not."""

    def restore(self, now: Instant) -> None:
        """Take up the changes that an earlier run left on their way: each may have landed, or may still."""
        for entry in self._facts.meta.get(_KEY, "").split():
            client_id, size, price, expires_us = entry.split("@")
            tracked = self._facts.orders.find(client_id=ClientOrderId(int(client_id)))
            if tracked is None or not tracked.is_ours or tracked.status.is_closed:
                continue
            terms = (Decimal(size), Decimal(price))
            if terms == (tracked.order.intent.size, tracked.order.intent.price):
                continue  # the venue had shown it
            left_us = min(int(expires_us) - now.utc_us, _EXPIRY_S * SECOND_US)
            expires_ns = now.mono_ns + left_us * 1_000
            tracked.change = Change(size=terms[0], price=terms[1], next_ns=now.mono_ns, expires_ns=expires_ns)
            self._expires_us[tracked] = now.utc_us + left_us
            self._facts.recount(tracked)
            what = f"the change of order {client_id} to {size} at {price}"
            text = (
                f"{what} was on its way when the engine ended: it is looked up, and the larger size counts until then"
            )
            self._facts.tell(NoticeLevel.WARN, text, now)
        self._write()

    def tick(self) -> None:
        """Let go of what was settled since: shown by the venue, refused, or ended with its order."""
        if any(tracked.change is None for tracked in self._expires_us):
            self._write()

    def ask(self, command: ModifyOrder, now: Instant) -> str:
        """Have the venue change one order, if risk lets it pass as if it were placed anew; why not, or nothing."""
        facts = self._facts
        tracked = facts.orders.find(venue_id=command.venue_id, client_id=command.client_id)
        name = f"order {command.client_id or command.venue_id}"
        what = f"{command.size} at {command.price}"
        facts.audit("modify", f"{command.origin} asks for {what} of {name}", now)
        word = "it was not placed here" if tracked is None or not tracked.is_ours else _obstacle(tracked, command)
        if tracked is None or word:
            facts.tell(NoticeLevel.WARN, f"{name} was not changed: {word}", now)
            return word
        intent = replace(tracked.order.intent, size=command.size, price=command.price)
        if tracked.status is OrderStatus.QUEUED:
            tracked.become(replace(tracked.order, intent=intent))
            facts.move(tracked, Trigger.ASK_CHANGE, now)
            return ""
        rest = replace(intent, size=command.size - tracked.order.filled)
        decision = self._tasks.decide(tracked, rest, facts.outlook.view_without(tracked, now))
        if isinstance(decision, Denied):
            word = reason_of(decision)
            facts.tell(NoticeLevel.WARN, f"denied {command.origin} to change {name}: {word}", now, "risk")
            facts.audit("denied", f"change of task {tracked.task_id}: {word}", now)
            return word
        self._send(tracked, command.size, command.price, now)
        return ""

    def may_leave(self, client_id: ClientOrderId) -> str | None:
        """Asked at the last instruction before the bytes of a change leave: why they must not; None when they may."""
        tracked = self._facts.orders.find(client_id=client_id)
        if tracked is None or tracked.change is None or tracked.status.is_closed:
            return "the order ended before it could be changed"
        if tracked.wants_cancel:
            return "the order is being cancelled"
        return self._tasks.stands(tracked, _rest(tracked, tracked.change))

    def on_sent(self, event: ModifySendResolved, now: Instant) -> None:
        """What became of sending a change. Only the venue's reports say that the order is another."""
        tracked = self._facts.orders.find(client_id=event.client_id)
        if tracked is None or tracked.change is None:
            return
        match event.outcome:
            case Sent():
                tracked.change.next_ns = now.mono_ns + _SILENCE_NS
                tracked.change.expires_ns = None
            case Refused(code=code, detail=detail):
                word = f"refused: {detail} ({code})" if code else f"not sent: {detail}"
                self._drop(tracked, word, now)
            case Unresolved(cause=cause):
                tracked.change.next_ns = now.mono_ns
                text = f"the change of order {event.client_id} is in doubt, it may take effect: {cause}"
                self._facts.tell(NoticeLevel.WARN, text, now)
            case other:
                assert_never(other)

    def on_looked_up(self, found: OrderLookedUp, now: Instant) -> None:
        """The venue was asked for an order, and what it showed was taken in: a change that is not in it failed.

        An answer to a question from before the venue had to show the change says nothing about it.
        """
        tracked = self._facts.orders.find(client_id=found.client_id)
        change = None if tracked is None else tracked.change
        asked_ns = now.mono_ns if found.asked_ns is None else found.asked_ns
        if tracked is None or change is None or asked_ns < change.next_ns:
            return
        if change.expires_ns is None:
            self._drop(tracked, "taken, and the venue did not carry it out", now)
        elif now.mono_ns >= change.expires_ns:
            self._drop(tracked, "never shown by the venue, and can take effect no more", now)
        else:
            change.next_ns = now.mono_ns + 5 * _SILENCE_NS

    def _send(self, tracked: Tracked, size: Decimal, price: Decimal, now: Instant) -> None:
        client_id = tracked.order.client_id
        if client_id is None:
            return
        self._facts.move(tracked, Trigger.ASK_CHANGE, now)
        next_ns = now.mono_ns + 10 * _SILENCE_NS  # the answer to the sending comes first, or its doubt
        tracked.change = Change(size=size, price=price, next_ns=next_ns, expires_ns=now.mono_ns + _EXPIRY_S * SECOND_NS)
        self._expires_us[tracked] = now.utc_us + _EXPIRY_S * SECOND_US
        self._write()
        self._facts.recount(tracked)
        self._facts.outlook.on_sent(_rest(tracked, tracked.change), tracked.origin, now)
        ref = OrderRef(market_id=tracked.market_id, client_id=client_id, venue_id=tracked.order.venue_id)
        self._facts.emit(SendModify(ref=ref, client_id=client_id, size=size, price=price))

    def _drop(self, tracked: Tracked, word: str, now: Instant) -> None:
        tracked.change = None
        self._write()
        self._facts.recount(tracked)
        self._facts.tell(
            NoticeLevel.WARN, f"order {tracked.order.client_id} stays as it was: the change was {word}", now
        )

    def _write(self) -> None:
        """Note what is on its way; the order's own row in the journal says only what the venue has shown."""
        self._expires_us = {one: at_us for one, at_us in self._expires_us.items() if one.change is not None}
        entries = [
            f"{one.order.client_id}@{one.change.size}@{one.change.price}@{at_us}"
            for one, at_us in self._expires_us.items()
            if one.change is not None
        ]
        if self._facts.meta.get(_KEY, "") != (text := " ".join(entries)):
            self._facts.store(_KEY, text)


def _rest(tracked: Tracked, change: Change) -> OrderIntent:
    return replace(tracked.order.intent, size=change.size - tracked.order.filled, price=change.price)


def _obstacle(tracked: Tracked, command: ModifyOrder) -> str:
    """Why it cannot be changed now; empty when it can."""
    reasons = {
        f"it is {tracked.status.value}": tracked.status not in _CHANGEABLE,
        "a market order cannot be changed": tracked.order.intent.type is OrderType.MARKET,
        "it is being cancelled": tracked.wants_cancel,
        "another change of it is on its way": tracked.change is not None,
        f"expected a size above zero, got {command.size}": not command.size.is_finite() or command.size <= ZERO,
    }
    for reason, is_so in reasons.items():
        if is_so:
            return reason
    if command.size <= tracked.order.filled:
        return f"{tracked.order.filled} of it is filled already, expected a larger size, got {command.size}"
    return ""
