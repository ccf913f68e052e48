"""Order tasks from the wish to the wire: queue, risk, send, cancel, and what became of the sending. Pure.

What the venue shows afterwards is the business of `core.engine.evidence`.
"""

import heapq
from dataclasses import replace
from typing import Final, assert_never

from core.clock import Instant
from core.commands import CancelOrder, SubmitOrder
from core.connectors.base import NewOrder, OrderRef
from core.decisions import Approved, Denied, DenyReason, Refused, RiskDecision, Sent, TradingState, Unresolved
from core.engine.effects import SendCancel, SendOrder
from core.engine.facts import Facts
from core.engine.order_map import Doubt, Tracked
from core.engine.orders import Trigger
from core.events import CancelSendResolved, NoticeLevel, OrderSendResolved
from core.model import Order, OrderStatus, OriginKind
from core.state import EnginePhase
from core.units import ClientOrderId, MarketId

QUEUE_LIMIT: Final = 1_000
"""Tasks that may wait; one more is denied."""
MAX_SENDING: Final = 2
"""Orders handed to the connector and not answered. The venue takes one transaction of a key at a time (nonces are
strict: apidocs, nonce management), so more of them would only queue where priority no longer counts."""


class Tasks:
    """The queue and the sending end of every order."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._queue: list[tuple[int, int, Tracked]] = []
        self._pushed = 0
        self._sending: dict[ClientOrderId, Tracked] = {}
        """By id and not by what the map finds: the map may forget an order before the reply to its sending comes."""
        self.resolved_ns = 0
        """When the last outcome of sending an order came."""

    @property
    def is_sending(self) -> bool:
        """Whether an order is on its way and its outcome has not come."""
        return bool(self._sending)

    def submit(self, command: SubmitOrder, now: Instant) -> None:
        """Queue a wish; risk decides when its turn comes, on what is known then."""
        facts = self._facts
        order = Order(
            intent=command.intent,
            status=OrderStatus.QUEUED,
            client_id=facts.new_client_id(),
            created_us=now.utc_us,
            updated_us=now.utc_us,
        )
        tracked = Tracked(
            order=order,
            origin=command.origin,
            priority=command.priority,
            task_id=facts.new_task_id(),
            deadline_ns=command.deadline_ns,
            created_ns=now.mono_ns,
            since_ns=now.mono_ns,
        )
        facts.orders.add(tracked)
        facts.changed()
        if len(self._queue) >= QUEUE_LIMIT and not self._compact():
            self._deny(tracked, Denied(DenyReason.QUEUE_FULL, f"{QUEUE_LIMIT} tasks are waiting already"), now)
            return
        self._pushed += 1
        heapq.heappush(self._queue, (command.priority.value, self._pushed, tracked))

    def next_market(self) -> MarketId | None:
        """The market of the task whose turn it is; None when nothing may be sent now."""
        self._prune()
        if not self._queue or len(self._sending) >= MAX_SENDING:
            return None
        return self._queue[0][2].market_id

    def dispatch(self, now: Instant) -> None:
        """Decide the task whose turn it is, and send it if it may go."""
        self._prune()
        if not self._queue or len(self._sending) >= MAX_SENDING:
            return
        tracked = heapq.heappop(self._queue)[2]
        if tracked.deadline_ns is not None and now.mono_ns > tracked.deadline_ns:
            self._facts.move(tracked, Trigger.DROP, now, "its deadline passed before its turn came")
            return
        match self._decide(tracked):
            case Denied() as denied:
                self._deny(tracked, denied, now)
            case Approved():
                self._send(tracked, now)
            case other:
                assert_never(other)

    def cancel(self, command: CancelOrder, now: Instant) -> None:
        """Cancel one order, wherever it stands."""
        facts = self._facts
        tracked = facts.orders.find(venue_id=command.venue_id, client_id=command.client_id)
        name = f"client {command.client_id}, venue {command.venue_id}"
        facts.audit("cancel", f"{command.origin} cancels {name}", now)
        if tracked is None:
            if command.venue_id is not None:  # nobody here knows it: the venue may
                facts.emit(SendCancel(ref=OrderRef(market_id=command.market_id, venue_id=command.venue_id)))
            else:
                facts.tell(NoticeLevel.WARN, f"no order to cancel: {name} is not known", now)
        elif tracked.status.is_closed:
            facts.tell(NoticeLevel.INFO, f"nothing to cancel: {name} is {tracked.status.value}", now)
        elif tracked.status is OrderStatus.QUEUED:
            facts.move(tracked, Trigger.DROP, now, f"cancelled by {command.origin} before it was sent")
        else:
            self.send_cancel(tracked, now)

    def send_cancel(self, tracked: Tracked, now: Instant) -> None:
        """Send a cancel of an order that may be live; one whose sending is not answered yet is cancelled after that."""
        tracked.wants_cancel = True
        if self._is_sent_by(tracked):
            return
        tracked.cancel_ns = now.mono_ns
        self._facts.move(tracked, Trigger.ASK_CANCEL, now)
        order = tracked.order
        # An id of somebody else's may look like one of ours: theirs are named by the venue's id alone.
        client_id = order.client_id if tracked.is_ours else None
        ref = OrderRef(market_id=tracked.market_id, client_id=client_id, venue_id=order.venue_id)
        self._facts.emit(SendCancel(ref=ref))

    def drop_all(self, denied: Denied, now: Instant) -> int:
        """Empty the queue; how many tasks that were."""
        self._compact()
        dropped = [tracked for _, _, tracked in sorted(self._queue, key=lambda item: item[:2])]
        self._queue.clear()
        for tracked in dropped:
            self._facts.move(tracked, Trigger.DENY, now, _reason(denied))
        return len(dropped)

    def on_sent(self, event: OrderSendResolved, now: Instant) -> None:
        """What became of sending an order. `Sent` is not accepted: only the venue's own reports make it so."""
        tracked = self._sending.pop(event.client_id, None)
        if tracked is None:
            return
        self.resolved_ns = now.mono_ns
        self._facts.changed()
        if self._facts.orders.find(client_id=event.client_id) is not tracked:
            return  # the venue showed its end, and it was forgotten, before the reply came
        match event.outcome:
            case Sent():
                tracked.is_acked = True
            case Refused(code=0, detail=detail):
                self._facts.move(tracked, Trigger.DENY, now, detail)
                self._facts.tell(_loudness(tracked), f"order {event.client_id} did not leave: {detail}", now)
            case Refused(code=code, detail=detail):
                if self._facts.move(tracked, Trigger.REFUSE, now, f"{detail} ({code})"):
                    self._facts.tell(NoticeLevel.WARN, f"order {event.client_id} was refused: {detail} ({code})", now)
            case Unresolved(cause=cause):
                if self._facts.move(tracked, Trigger.UNRESOLVE, now, cause):
                    text = f"order {event.client_id} is in doubt, it may be live: {cause}"
                    self._facts.tell(NoticeLevel.ALERT, text, now)
                    tracked.doubt = Doubt(since_ns=now.mono_ns, next_ns=now.mono_ns)
            case other:
                assert_never(other)
        if tracked.wants_cancel and tracked.status.may_be_live:
            self.send_cancel(tracked, now)

    def on_cancel_sent(self, event: CancelSendResolved, now: Instant) -> None:
        """What became of sending a cancel. Only the venue's reports say that the order is gone."""
        tracked = self._facts.orders.find(venue_id=event.venue_id, client_id=event.client_id)
        if tracked is not None and tracked.status.is_closed:
            return
        name = f"order {event.client_id or event.venue_id}"
        match event.outcome:
            case Sent():
                return
            case Refused(code=code, detail=detail):
                word = f"was refused: {detail} ({code})" if code else f"did not leave: {detail}"
                if tracked is None or tracked.told_cancel != word:  # asked for again and again while a link is down
                    self._facts.tell(NoticeLevel.WARN, f"the cancel of {name} {word}", now)
                if tracked is not None:
                    tracked.told_cancel = word
                if tracked is not None and tracked.status is OrderStatus.PENDING_CANCEL:
                    tracked.wants_cancel = False
                    self._facts.move(tracked, Trigger.KEEP, now)
            case Unresolved(cause=cause):
                self._facts.tell(NoticeLevel.WARN, f"the cancel of {name} is in doubt: {cause}", now)
            case other:
                assert_never(other)
        if tracked is not None and tracked.is_ours and tracked.doubt is None:
            tracked.doubt = Doubt(since_ns=now.mono_ns, next_ns=now.mono_ns)

    def may_leave(self, client_id: ClientOrderId, now: Instant) -> str | None:
        """Asked at the last instruction before the bytes of an order leave: why they must not; None when they may.

        An order may have waited for seconds since it was approved: for the journal, for its turn, for a nonce.
        """
        tracked = self._sending.get(client_id)
        if tracked is None:
            return "nobody waits for it any more"
        if tracked.wants_cancel:
            return "cancelled before it was sent"
        if tracked.deadline_ns is not None and now.mono_ns > tracked.deadline_ns:
            return "its deadline passed before it was sent"
        trading, detail = self._facts.trading()
        if trading is TradingState.HALTED:
            return detail
        denied = self._facts.risk.stands(tracked.order.intent, self._facts.risk_view_without(tracked))
        return None if denied is None else _reason(denied)

    def _is_sent_by(self, tracked: Tracked) -> bool:
        client_id = tracked.order.client_id
        return client_id is not None and self._sending.get(client_id) is tracked

    def _decide(self, tracked: Tracked) -> RiskDecision:
        """Our own switches first, then risk; both must agree before anything leaves."""
        facts = self._facts
        trading, detail = facts.trading()
        if trading is TradingState.HALTED:
            if facts.standing.kill.is_latched:
                return Denied(DenyReason.KILLED, detail)
            is_early = facts.standing.phase in {EnginePhase.STARTING, EnginePhase.CONNECTING, EnginePhase.RECONCILING}
            return Denied(DenyReason.NOT_READY if is_early else DenyReason.HALTED, detail)
        return facts.risk.check(tracked.order.intent, facts.risk_view(is_frozen=False))

    def _send(self, tracked: Tracked, now: Instant) -> None:
        client_id = tracked.order.client_id
        if client_id is None:
            return
        tracked.sent_ns = now.mono_ns
        self._sending[client_id] = tracked
        self._facts.move(tracked, Trigger.SEND, now)
        self._facts.emit(SendOrder(order=NewOrder(client_id=client_id, intent=tracked.order.intent)))

    def _deny(self, tracked: Tracked, denied: Denied, now: Instant) -> None:
        self._facts.move(tracked, Trigger.DENY, now, _reason(denied))
        level = _loudness(tracked)
        self._facts.tell(level, f"denied {tracked.origin}: {_reason(denied)}", now, "risk")
        self._facts.audit("denied", f"task {tracked.task_id}: {_reason(denied)}", now)

    def _compact(self) -> bool:
        """Let go of tasks cancelled anywhere in the queue; whether there is room now."""
        self._queue = [item for item in self._queue if item[2].status is OrderStatus.QUEUED]
        heapq.heapify(self._queue)
        return len(self._queue) < QUEUE_LIMIT

    def _prune(self) -> None:
        """Tasks cancelled while they waited leave the head of the queue here."""
        while self._queue and self._queue[0][2].status is not OrderStatus.QUEUED:
            heapq.heappop(self._queue)


def _reason(denied: Denied) -> str:
    return f"{denied.reason.value}: {denied.detail}" if denied.detail else denied.reason.value


def recovered(tracked: Tracked, now: Instant) -> None:
    """Prepare an order read from the journal: whether it landed, and what became of it, must be looked up."""
    tracked.doubt = Doubt(since_ns=now.mono_ns, next_ns=now.mono_ns)
    if tracked.status is OrderStatus.SUBMITTING:
        reason = "found in the journal after a restart, its outcome was never seen"
        tracked.become(replace(tracked.order, status=OrderStatus.UNKNOWN, reason=reason))


def _loudness(tracked: Tracked) -> NoticeLevel:
    """What a strategy asks for in vain is no news to its operator; what the operator asked for is."""
    return NoticeLevel.WARN if tracked.origin.kind is OriginKind.OPERATOR else NoticeLevel.INFO
