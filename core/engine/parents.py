"""Plans under way: each one's orders, its progress, and its end. Pure.

Every order of a plan is an ordinary task through the same risk gate, with an origin that names algorithm and plan. The
first order that is denied or refused stops the plan. Cancelling a plan cancels its orders. A plan does not outlive the
process: one that was under way at a restart is said to have stopped, and its orders are cancelled.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS, Instant
from core.commands import CancelAlgorithm, ModifyOrder, StartAlgorithm, SubmitOrder
from core.decisions import TradingState
from core.engine.algorithms import Child, Progress, Step, View, step
from core.engine.brackets import Brackets
from core.engine.changes import Changes
from core.engine.facts import Facts, Urgency
from core.engine.order_map import Tracked
from core.engine.orders import Trigger
from core.engine.tasks import Tasks
from core.events import NoticeLevel
from core.model import BookStatus, OrderStatus, Origin, Quote
from core.plans import Bracket, Plan, problem
from core.scope import plan_origin
from core.state import AlgorithmStatus, EnginePhase
from core.units import ZERO, TaskId

MOST: Final = 32
"""Plans at once."""
_MOST_CHILDREN: Final = 600
"""Orders of one plan: more than any plan has slices, so only one that the venue keeps ending comes to it."""
_KEY: Final = "algorithm:"
_PATIENCE_NS: Final = 2 * SECOND_NS
"""An order that waited longer than this in the queue is for a market that has moved on."""
_CANCEL_EVERY_NS: Final = 2 * SECOND_NS
_FAILED: Final = frozenset({OrderStatus.DENIED, OrderStatus.REJECTED})
_STEADY: Final = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


@dataclass(slots=True, kw_only=True, eq=False)
class _Parent:
    """One plan and all its orders: held here, because the order map forgets what ended."""

    id: TaskId
    plan: Plan
    by: Origin
    origin: Origin
    progress: Progress
    children: list[Tracked] = field(default_factory=list)
    ending: str = ""
    """Why its orders are being cancelled; empty while it is worked."""
    cancelled_ns: int | None = None
    """When its orders were last cancelled."""


class Parents:
    """Starts, steps and ends plans."""

    def __init__(
        self, facts: Facts, tasks: Tasks, changes: Changes, submit: Callable[[SubmitOrder, Instant], TaskId]
    ) -> None:
        self._facts = facts
        self._tasks = tasks
        self._changes = changes
        self._submit = submit
        self._brackets = Brackets(facts, tasks)
        self._parents: dict[TaskId, _Parent] = {}

    def restore(self, now: Instant) -> None:
        """Say which plans the last run left unfinished; their orders are cancelled once the venue answers."""
        for key, left in tuple(self._facts.meta.items()):
            if not key.startswith(_KEY) or not left:
                continue
            name = key.removeprefix(_KEY)
            children = [one for one in self._facts.orders.live() if one.origin.name == name]
            if name.startswith(Bracket.name):
                self._leave(name, left, len(children), now)
                continue
            text = f"{name} ({left}) was under way when the engine ended: it is not resumed"
            tail = f"; {len(children)} orders of it are cancelled" if children else ""
            self._facts.tell(NoticeLevel.ALERT, f"{text}{tail}", now, "algorithm")
            for child in children:
                child.fill_by_ns = now.mono_ns
            self._facts.store(key, "")

    def _leave(self, name: str, left: str, orders: int, now: Instant) -> None:
        """A bracket stays at the venue, which works it: to cancel its exits would leave a position unprotected."""
        rest = f"{orders} orders of it are left where they are, and the venue goes on with them"
        text = f"{name} ({left}) was under way when the engine ended: {rest}"
        self._facts.tell(NoticeLevel.ALERT, text, now, "algorithm")
        self._facts.store(_KEY + name, "")

    def start(self, command: StartAlgorithm, now: Instant) -> TaskId | str:
        """Take up a plan, unless it is none or there are too many; its id, or why not."""
        plan, facts = command.plan, self._facts
        word = problem(plan)
        if not word and plan.market_id not in facts.markets:
            word = f"market {plan.market_id} is not one of this venue's"
        if not word and len(self._parents) >= MOST:
            word = f"{MOST} algorithms are under way already"
        trading, detail = facts.trading()
        if not word:
            word = facts.standing.killed_part(plan.market_id, command.origin)
        if not word and trading is not TradingState.ACTIVE and not plan.reduce_only:
            word = detail
        if word:
            facts.tell(NoticeLevel.WARN, f"not started, {plan.name}: {word}", now, "algorithm")
            return word
        task_id = facts.new_task_id()
        origin = plan_origin(f"{plan.name} {task_id}", command.origin)
        name = origin.name
        parent = _Parent(
            id=task_id,
            plan=plan,
            by=command.origin,
            origin=origin,
            progress=Progress(started_ns=now.mono_ns),
        )
        self._parents[task_id] = parent
        what = f"{plan.side.value} {plan.size} {facts.markets[plan.market_id].symbol}, for {command.origin}"
        facts.store(_KEY + name, what)
        facts.audit("algorithm", f"{name} started: {what}: {plan}", now)
        facts.tell(NoticeLevel.INFO, f"{name} started: {what}", now, "algorithm")
        self._step(parent, now)
        return task_id

    def cancel(self, command: CancelAlgorithm, now: Instant) -> None:
        """End a plan and cancel its orders."""
        parent = self._parents.get(command.task_id)
        if parent is None:
            text = f"no algorithm {command.task_id} is under way"
            self._facts.tell(NoticeLevel.INFO, text, now, "algorithm")
        else:
            self._end(parent, f"cancelled by {command.origin}", now)
            self._wind_up(parent, now)

    def tick(self, now: Instant) -> None:
        """Take every plan one step further."""
        for parent in tuple(self._parents.values()):
            self._step(parent, now)

    def statuses(self) -> tuple[AlgorithmStatus, ...]:
        """Every plan under way, oldest first."""
        return tuple(
            AlgorithmStatus(
                id=parent.id,
                name=parent.origin.name,
                by=parent.by,
                market_id=parent.plan.market_id,
                side=parent.plan.side,
                size=parent.plan.size,
                filled=_filled(parent),
                working=sum(not child.status.is_closed for child in parent.children),
                detail=parent.ending,
                started_ns=parent.progress.started_ns,
            )
            for parent in self._parents.values()
        )

    def _step(self, parent: _Parent, now: Instant) -> None:
        standing = self._facts.standing
        if not parent.ending and standing.kill.is_latched:
            self._end(parent, f"killed by {standing.kill.by}", now)
        if not parent.ending and (killed := standing.killed_part(parent.plan.market_id, parent.origin)):
            self._end(parent, killed, now)
        if standing.phase is not EnginePhase.RUNNING:
            return  # at the end the exit policy decides about its orders, and the next start says that it stopped
        failed = next((child for child in parent.children if child.status in _FAILED), None)
        if not parent.ending and failed is not None:
            self._end(parent, f"order {failed.order.client_id} was {failed.status.value}: {failed.order.reason}", now)
        if not parent.ending and len(parent.children) > _MOST_CHILDREN:
            self._end(parent, f"{len(parent.children)} orders did not fill it", now)
        allowed = {TradingState.ACTIVE, TradingState.REDUCING} if parent.plan.reduce_only else {TradingState.ACTIVE}
        if parent.ending:
            self._wind_up(parent, now)
        elif self._facts.trading()[0] in allowed:
            self._work(parent, now)

    def _work(self, parent: _Parent, now: Instant) -> None:
        plan, facts = parent.plan, self._facts
        market = facts.markets.get(plan.market_id)
        if market is None:
            return
        quote = facts.quotes.get(plan.market_id) or Quote(market_id=plan.market_id, status=BookStatus.EMPTY)
        children = [child for child in map(_child, parent.children) if child is not None]
        view = View(now_ns=now.mono_ns, market=market, quote=quote, children=children)
        wanted = step(plan, parent.progress, view)
        if not wanted.group or self._has_turn():
            self._carry_out(parent, wanted, now)
        elif now.mono_ns - parent.progress.started_ns > _PATIENCE_NS:
            self._end(parent, "its orders did not get their turn to be sent", now)

    def _has_turn(self) -> bool:
        """Whether a group, which stands in no queue, may be sent: there is room, and nothing waits before it."""
        return self._tasks.has_room and self._tasks.next_market() is None

    def _carry_out(self, parent: _Parent, wanted: Step, now: Instant) -> None:
        parent.progress = wanted.progress
        market_id = parent.plan.market_id
        for intent in wanted.orders:
            deadline_ns = now.mono_ns + _PATIENCE_NS
            command = SubmitOrder(intent=intent, origin=parent.origin, deadline_ns=deadline_ns)
            child = self._facts.orders.of_task(self._submit(command, now))
            if child is not None:
                parent.children.append(child)
        if wanted.group:
            parent.children += self._brackets.place(wanted.group, parent.origin, now)
        for move in wanted.moves:
            change = ModifyOrder(
                market_id=market_id,
                client_id=move.client_id,
                size=move.size,
                price=move.price,
                origin=parent.origin,
            )
            if obstacle := self._changes.ask(change, now):
                self._end(parent, obstacle, now)
                return
        for tracked in parent.children:
            is_due = not tracked.cancel_ns or now.mono_ns - tracked.cancel_ns >= _CANCEL_EVERY_NS
            if is_due and tracked.order.client_id in wanted.cancels:
                self._tasks.send_cancel(tracked, now)
        if wanted.is_over:
            self._close(parent, "done", now)

    def _end(self, parent: _Parent, why: str, now: Instant) -> None:
        if parent.ending:
            return
        parent.ending = why
        self._facts.audit("algorithm", f"{parent.origin.name} stopped: {why}", now)
        self._facts.changed(Urgency.NOW)

    def _wind_up(self, parent: _Parent, now: Instant) -> None:
        """Cancel what is left, again and again until all of it ended."""
        left = [child for child in parent.children if not child.status.is_closed]
        if not left:
            self._close(parent, f"stopped: {parent.ending}", now)
            return
        is_due = parent.cancelled_ns is None or now.mono_ns - parent.cancelled_ns >= _CANCEL_EVERY_NS
        if is_due and self._facts.standing.is_connected:
            parent.cancelled_ns = now.mono_ns
            for child in left:
                if child.status is OrderStatus.QUEUED:
                    self._facts.move(child, Trigger.DROP, now, parent.ending)
                else:
                    self._tasks.send_cancel(child, now)

    def _close(self, parent: _Parent, how: str, now: Instant) -> None:
        del self._parents[parent.id]
        filled = _filled(parent)
        name = parent.origin.name
        if isinstance(parent.plan, Bracket):
            self._brackets.on_closed(name, parent.children, now)
        self._facts.store(_KEY + name, "")
        text = f"{name} {how}; {filled} of {parent.plan.size} filled"
        self._facts.audit("algorithm", text, now)
        self._facts.tell(NoticeLevel.WARN if parent.ending else NoticeLevel.INFO, text, now, "algorithm")


def _filled(parent: _Parent) -> Decimal:
    """How much of the plan was done: the exits of a bracket undo it, and do not count."""
    counted = parent.children[:1] if isinstance(parent.plan, Bracket) else parent.children
    return sum((child.order.filled for child in counted), ZERO)


def _child(tracked: Tracked) -> Child | None:
    order = tracked.order
    if order.client_id is None:
        return None
    was_never_sent = not tracked.sent_ns
    is_told = tracked.venue_us > 0 or order.status in {OrderStatus.FILLED, *_FAILED}
    return Child(
        client_id=order.client_id,
        price=order.intent.price,
        largest=tracked.largest,
        filled=order.filled,
        is_closed=order.status.is_closed,
        is_certain=was_never_sent or is_told,
        is_revocable=order.status.may_be_live and not tracked.wants_cancel,
        is_steady=order.status in _STEADY and tracked.change is None and not tracked.wants_cancel,
    )
