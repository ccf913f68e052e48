"""Order tasks from the wish to the wire: queue, risk, send, cancel, and what became of the sending. Pure.

What the venue shows afterwards is the business of `core.engine.evidence`.
"""

import heapq
from dataclasses import replace
from typing import Final, assert_never

from core.clock import SECOND_US, Instant
from core.commands import CancelOrder, SubmitOrder
from core.connectors.base import NewOrder, OrderRef
from core.decisions import Approved, Denied, DenyReason, Refused, RiskDecision, Sent, TradingState, Unresolved
from core.engine.dropping import Dropping
from core.engine.effects import SendCancel, SendOrder
from core.engine.facts import Facts
from core.engine.order_map import Doubt, Tracked
from core.engine.orders import Trigger
from core.engine.reducing import reducing
from core.engine.timings import Step
from core.events import CancelSendResolved, NoticeLevel, OrderSendResolved
from core.model import Order, OrderIntent, OrderStatus, OrderType, OriginKind, TimeInForce
from core.risk import RiskView
from core.scope import EVERYTHING, Scope
from core.state import EnginePhase
from core.units import ClientOrderId, MarketId

QUEUE_LIMIT: Final = 1_000
"""Tasks that may wait; one more is denied."""


class Tasks:
    """The queue and the sending end of every order."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._queue: list[tuple[int, int, Tracked]] = []
        self.dropping: Final = Dropping(facts)
        """What was stopped while it waited."""
        self._pushed = 0
        self._sending: dict[ClientOrderId, Tracked] = {}
        """By id and not by what the map finds: the map may forget an order before the reply to its sending comes."""
        self.resolved_ns = 0
        """When the last outcome of sending an order came."""

    @property
    def is_sending(self) -> bool:
        """Whether an order is on its way and its outcome has not come."""
        return bool(self._sending)

    @property
    def has_room(self) -> bool:
        """Whether one more may be on its way."""
        return len(self._sending) < self._facts.tuning.max_in_flight

    def submit(self, command: SubmitOrder, now: Instant) -> Tracked:
        """Queue a wish; risk decides when its turn comes, on what is known then."""
        tracked = track(self._facts, command, now)
        if len(self._queue) + len(self.dropping) >= QUEUE_LIMIT and not self._compact():
            self.deny(tracked, Denied(DenyReason.QUEUE_FULL, f"{QUEUE_LIMIT} tasks are waiting already"), now)
            return tracked
        self._pushed += 1
        heapq.heappush(self._queue, (command.priority.value, self._pushed, tracked))
        return tracked

    def next_market(self) -> MarketId | None:
        """The market of the task whose turn it is; None when nothing may be sent now."""
        self._prune()
        if not self._queue or not self.has_room:
            return None
        return self._queue[0][2].market_id

    def dispatch(self, now: Instant) -> None:
        """Decide the task whose turn it is, and send it if it may go."""
        self._prune()
        if not self._queue or not self.has_room:
            return
        tracked = heapq.heappop(self._queue)[2]
        if tracked.deadline_ns is not None and now.mono_ns > tracked.deadline_ns:
            self._facts.move(tracked, Trigger.DROP, now, "its deadline passed before its turn came")
            return
        match self.decide(tracked, tracked.order.intent, self._facts.outlook.view(now, is_frozen=False)):
            case Denied() as denied:
                self.deny(tracked, denied, now)
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
                facts.outlook.on_message(now)
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
        self._facts.outlook.on_message(now, tracked.origin)
        self._facts.emit(SendCancel(ref=ref))

    def is_sending_in(self, scope: Scope) -> bool:
        """Whether an order of this part is on its way and its outcome has not come."""
        return any(scope.covers(tracked.market_id, tracked.origin) for tracked in self._sending.values())

    def drop_all(self, denied: Denied, now: Instant, scope: Scope = EVERYTHING) -> int:
        """Empty the queue of this part; how many tasks it held. They are dropped in slices, and none is ever sent."""
        self._compact()
        waiting = [tracked for _, _, tracked in sorted(self._queue, key=lambda item: item[:2])]
        stopped = [tracked for tracked in waiting if scope.covers(tracked.market_id, tracked.origin)]
        self._queue = [item for item in self._queue if not scope.covers(item[2].market_id, item[2].origin)]
        heapq.heapify(self._queue)
        self.dropping.take(stopped, reason_of(denied), now)
        return len(stopped)

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
            case Sent(sent_ns=sent_ns, acked_ns=acked_ns):
                tracked.is_acked = True
                self._facts.timings.add(Step.SUBMIT_TO_SENT, sent_ns - tracked.created_ns)
                self._facts.timings.add(Step.SENT_TO_ACK, acked_ns - sent_ns)
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
        return self.stands(tracked, tracked.order.intent)

    def stands(self, tracked: Tracked, intent: OrderIntent) -> str | None:
        """Why nothing like `intent` may leave for this order now; None when it may."""
        if tracked.order.client_id in self._facts.standing.flattening:
            seen = reducing(self._facts.outlook.standing_view(tracked), is_listed=self._facts.standing.is_listed)
            denied = self._facts.risk.stands(intent, seen, tracked.origin)
            return None if denied is None else reason_of(denied)
        trading, detail = self._facts.trading()
        if trading is TradingState.HALTED:
            return detail
        if killed := self._facts.standing.killed_part(tracked.market_id, tracked.origin):
            return killed
        denied = self._facts.risk.stands(intent, self._facts.outlook.standing_view(tracked), tracked.origin)
        return None if denied is None else reason_of(denied)

    def _is_sent_by(self, tracked: Tracked) -> bool:
        client_id = tracked.order.client_id
        return client_id is not None and self._sending.get(client_id) is tracked

    def decide(self, tracked: Tracked, intent: OrderIntent, view: RiskView) -> RiskDecision:
        """Our own switches first, then risk; both must agree before anything leaves. `view` is of this moment."""
        facts = self._facts
        if tracked.order.client_id in facts.standing.flattening:
            seen = reducing(view, is_listed=facts.standing.is_listed)
            return facts.risk.check(intent, seen, tracked.origin)
        if view.trading is TradingState.HALTED:
            detail = view.trading_detail
            if facts.standing.kill.is_latched:
                return Denied(DenyReason.KILLED, detail)
            is_early = facts.standing.phase in {EnginePhase.STARTING, EnginePhase.CONNECTING, EnginePhase.RECONCILING}
            return Denied(DenyReason.NOT_READY if is_early else DenyReason.HALTED, detail)
        if killed := facts.standing.killed_part(tracked.market_id, tracked.origin):
            return Denied(DenyReason.KILLED, killed)
        return facts.risk.check(intent, view, tracked.origin)

    def _send(self, tracked: Tracked, now: Instant) -> None:
        client_id = tracked.order.client_id
        if client_id is None:
            return
        self.let_go(tracked, now)
        intent = tracked.order.intent
        self._facts.outlook.on_sent(intent, tracked.origin, now)
        self._facts.emit(
            SendOrder(
                order=NewOrder(
                    client_id=client_id,
                    intent=intent,
                    expires_us=_expiry_us(self._facts.tuning.entry_expiry_s, intent, now),
                )
            )
        )

    def let_go(self, tracked: Tracked, now: Instant) -> None:
        """Note that it is being sent: from here on it may be live, until the outcome of the sending says otherwise."""
        if tracked.order.client_id is None:
            return
        tracked.sent_ns = now.mono_ns
        self._sending[tracked.order.client_id] = tracked
        self._facts.move(tracked, Trigger.SEND, now)

    def deny(self, tracked: Tracked, denied: Denied, now: Instant) -> None:
        """Risk, or a switch of ours, said no."""
        self._facts.outlook.habits.on_denied(tracked.origin, now.mono_ns)
        self._facts.move(tracked, Trigger.DENY, now, reason_of(denied))
        level = _loudness(tracked)
        self._facts.tell(level, f"denied {tracked.origin}: {reason_of(denied)}", now, "risk")
        self._facts.audit("denied", f"task {tracked.task_id}: {reason_of(denied)}", now)

    def _compact(self) -> bool:
        """Let go of tasks cancelled anywhere in the queue; whether there is room now."""
        self._queue = [item for item in self._queue if item[2].status is OrderStatus.QUEUED]
        heapq.heapify(self._queue)
        return len(self._queue) + len(self.dropping) < QUEUE_LIMIT

    def _prune(self) -> None:
        """Tasks cancelled while they waited leave the head of the queue here."""
        while self._queue and self._queue[0][2].status is not OrderStatus.QUEUED:
            heapq.heappop(self._queue)


def track(facts: Facts, command: SubmitOrder, now: Instant) -> Tracked:
    """Give a wish its identity: an order and a task, in the order map and in no queue."""
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
        fill_by_ns=command.fill_by_ns,
        created_ns=now.mono_ns,
        since_ns=now.mono_ns,
    )
    facts.orders.add(tracked)
    facts.changed()
    return tracked


def _expiry_us(seconds: int | None, intent: OrderIntent, now: Instant) -> int | None:
    """When the venue shall end it by itself: entries only, an order that shrinks the position should stay."""
    if seconds is None or intent.reduce_only or intent.type is OrderType.MARKET or intent.tif is TimeInForce.IOC:
        return None
    return now.utc_us + seconds * SECOND_US


def reason_of(denied: Denied) -> str:
    """A denial in one line: its code and the numbers."""
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
