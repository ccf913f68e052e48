"""The bot: strategies say what they want, the sizer says how much, and out come the engine's commands.

It decides no permission (risk does) and reads no clock: the state's own moment is the time.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, assert_never

from core.clock import SECOND_NS
from core.commands import CancelAlgorithm, CancelOrder, Command, StrategyFailed, SubmitOrder
from core.decisions import TradingState
from core.limits import RiskLimits
from core.model import (
    OrderIntent,
    OrderStatus,
    OrderTask,
    OrderType,
    Origin,
    OriginKind,
    Priority,
    Side,
    TradeKey,
)
from core.money import record_of
from core.risk import MarkMoves, PositionSizer, SizingContext
from core.state import EnginePhase, EngineState, StrategyStatus
from core.strategy import (
    ActingStrategy,
    AnyStrategy,
    AskDirectly,
    Asking,
    Fault,
    Finished,
    NoQuote,
    Running,
    Signal,
    Strategy,
    StrategyView,
    WantQuote,
    objection,
    parameters_of,
)
from core.units import ZERO, MarketId, TaskId

ORDERS_PER_SECOND: Final = 4
SLOT_PAUSE_NS: Final = SECOND_NS
"""Least time between two orders of one strategy on one side of one market."""
LONGEST_PAUSE_NS: Final = 32 * SECOND_NS
CANCEL_PAUSE_NS: Final = 2 * SECOND_NS
"""How long a cancel is given to take effect before it is asked for again."""
PATIENCE_NS: Final = 2 * SECOND_NS
"""A quote that waited longer than this in the queue is for a market that has moved on."""
_OURS: Final = frozenset({OriginKind.STRATEGY, OriginKind.RECOVERED})
_FAILED: Final = frozenset({OrderStatus.DENIED, OrderStatus.REJECTED})
_CANCELABLE: Final = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


@dataclass(frozen=True, slots=True)
class _Slot:
    """One side of one market, for one strategy: holds at most one order."""

    name: str
    market_id: MarketId
    side: Side


class TradingBot:
    """Wires strategies, sizer and engine. Implements the engine's autopilot."""

    def __init__(
        self,
        strategies: Sequence[AnyStrategy],
        sizer: PositionSizer,
        limits: RiskLimits,
        asking: Asking | None = None,
        running: Running | None = None,
        *,
        cancel_on_fault: bool = True,
    ) -> None:
        """Every strategy starts running; one that fails stops alone, and its orders go with it unless told otherwise.

        Raises:
            ValueError: two strategies share a name, or one acts by itself and nothing is there to run it.
        """
        self._strategies = {strategy.name: strategy for strategy in strategies}
        if len(self._strategies) != len(strategies):
            raise ValueError(f"strategy names must differ, got {[strategy.name for strategy in strategies]}")
        acting = [strategy.name for strategy in strategies if isinstance(strategy, ActingStrategy)]
        if acting and running is None:
            raise ValueError(f"strategies that act by themselves need something that runs them: {acting}")
        self._runner = running
        self._sizer = sizer
        self._moves = MarkMoves()
        self._limits = limits
        self._asking = asking or AskDirectly()
        self._cancel_on_fault = cancel_on_fault
        self._faults: dict[str, str] = {}
        self._running = set(self._strategies)
        self._ended: dict[TaskId, int] = {}
        """When each plan of a stopped strategy was last told to end."""
        self._details = dict.fromkeys(self._strategies, "waiting for the engine")
        self._parameters = {name: parameters_of(strategy) for name, strategy in self._strategies.items()}
        self._trades = dict.fromkeys(self._strategies, 0)
        self._seen_trades: frozenset[TradeKey] = frozenset()
        self._submitted: dict[_Slot, int] = {}
        self._canceled: dict[TaskId, int] = {}
        self._sent: deque[int] = deque(maxlen=ORDERS_PER_SECOND)

    def step(self, state: EngineState) -> Sequence[Command]:
        """What to ask of the engine now; nothing unless it is running and not killed."""
        self._count_trades(state)
        self._moves.observe(state.quotes, state.published.mono_ns)
        if state.phase is not EnginePhase.RUNNING or state.kill.is_latched:
            self._details = {name: self._idle_detail(name, state) for name in self._details}
            return ()
        commands: list[Command] = []
        for strategy in self._strategies.values():
            if isinstance(strategy, ActingStrategy):
                commands += self._step_acting(strategy, state)
            else:
                commands += self._step_one(strategy, state)
        live = {task.id for task in state.tasks}
        self._canceled = {task_id: at for task_id, at in self._canceled.items() if task_id in live}
        return commands

    def statuses(self) -> tuple[StrategyStatus, ...]:
        """Every strategy, in the order given."""
        return tuple(
            StrategyStatus(
                name=name,
                is_running=name in self._running,
                markets=strategy.markets,
                detail=self._details[name],
                fault=self._faults.get(name, ""),
                parameters=self._parameters[name],
            )
            for name, strategy in self._strategies.items()
        )

    def set_running(self, name: str, running: bool) -> bool:  # noqa: FBT001 - the engine's protocol
        """Start or stop one strategy; False when there is none of that name. A stopped one cancels its orders."""
        if name not in self._strategies:
            return False
        if running:
            self._running.add(name)
            self._faults.pop(name, None)
        else:
            self._running.discard(name)
            if self._runner is not None:
                self._runner.stop(name)
        return True

    def _step_one(self, strategy: Strategy, state: EngineState) -> list[Command]:
        name = strategy.name
        own = tuple(task for task in state.tasks if _is_of(task, name))
        if name not in self._running or state.trading is not TradingState.ACTIVE:
            # Resting quotes could still fill and grow the position: whoever may not place them does not keep them.
            self._details[name] = self._idle_detail(name, state)
            is_kept = name in self._faults and not self._cancel_on_fault
            return [] if is_kept else self._cancels(own, state.published.mono_ns)
        view = self._view(strategy, own, state)
        answer = self._asking.ask(strategy, view)
        if answer is None:
            self._details[name] = "thinking"
            return []
        if isinstance(answer, Fault):
            return self._fail(name, answer.text, own, state)
        foreign = {market.id for market in state.markets if market.symbol not in strategy.markets}
        if fault := objection(answer, foreign):
            return self._fail(name, fault.text, own, state)
        return self._carry_out(strategy, own, answer, state)

    def _step_acting(self, strategy: ActingStrategy, state: EngineState) -> list[Command]:
        """Show it what is new; what it wants, it asks of the engine itself."""
        name, now_ns = strategy.name, state.published.mono_ns
        own = tuple(task for task in state.tasks if _is_of(task, name))
        if name not in self._running:
            self._details[name] = self._idle_detail(name, state)
            is_kept = name in self._faults and not self._cancel_on_fault
            return [] if is_kept else [*self._cancels(own, now_ns), *self._plan_ends(name, state)]
        own_markets = {market.id for market in state.markets if market.symbol in strategy.markets}
        ending = (
            None if self._runner is None else self._runner.poll(strategy, self._view(strategy, own, state), own_markets)
        )
        if isinstance(ending, Fault):
            return [
                *self._fail(name, ending.text, own, state),
                *(self._plan_ends(name, state) if self._cancel_on_fault else ()),
            ]
        if isinstance(ending, Finished):
            self._running.discard(name)
            return []
        self._details[name] = f"{len(own)} orders working, {self._trades[name]} fills"
        if state.trading is TradingState.ACTIVE:
            return []
        self._details[name] += f"; trading is {state.trading.value}"
        return self._cancels([task for task in own if not task.intent.reduce_only], now_ns)

    def _plan_ends(self, name: str, state: EngineState) -> list[Command]:
        """End every plan that a stopped strategy left."""
        origin, now_ns = Origin(OriginKind.STRATEGY, name), state.published.mono_ns
        left = {plan.id for plan in state.algorithms if not plan.detail}
        self._ended = {plan_id: at for plan_id, at in self._ended.items() if plan_id in left}
        due = [
            plan.id
            for plan in state.algorithms
            if plan.by == origin
            and plan.id in left
            and now_ns - self._ended.get(plan.id, now_ns - CANCEL_PAUSE_NS) >= CANCEL_PAUSE_NS
        ]
        self._ended.update((plan_id, now_ns) for plan_id in due)
        return [CancelAlgorithm(task_id=plan_id, origin=origin) for plan_id in due]

    def _fail(self, name: str, text: str, own: Sequence[OrderTask], state: EngineState) -> list[Command]:
        """Stop one strategy for good, until a human starts it again."""
        self._running.discard(name)
        self._faults[name] = text
        self._details[name] = self._idle_detail(name, state)
        cancels = self._cancels(own, state.published.mono_ns) if self._cancel_on_fault else []
        return [StrategyFailed(name=name, text=text, orders=len(own), is_cancelling=self._cancel_on_fault), *cancels]

    def _view(self, strategy: AnyStrategy, own: tuple[OrderTask, ...], state: EngineState) -> StrategyView:
        tripped = {breaker.market_id for breaker in state.breakers if breaker.is_tripped}
        listed = {market.symbol: market for market in state.markets if market.id not in tripped}
        return StrategyView(
            now=state.published,
            markets={symbol: listed[symbol] for symbol in strategy.markets if symbol in listed},
            quotes={quote.market_id: quote for quote in state.quotes},
            positions={position.market_id: position.size for position in state.positions},
            orders=own,
            trades=self._trades[strategy.name],
        )

    def _carry_out(
        self, strategy: Strategy, own: tuple[OrderTask, ...], signals: Sequence[Signal], state: EngineState
    ) -> list[Command]:
        now_ns = state.published.mono_ns
        kept: list[OrderTask] = []
        orders: list[Command] = []
        remarks: list[str] = []
        for signal in signals:
            match signal:
                case WantQuote():
                    slot = _Slot(strategy.name, signal.market_id, signal.side)
                    held = [task for task in own if _slot(strategy.name, task) == slot]
                    keeper = next((task for task in held if _is_good(task, signal)), None)
                    if keeper is not None:
                        kept.append(keeper)
                    elif not held and self._may_submit(slot, state):
                        orders += self._submit(slot, signal, state, remarks)
                case NoQuote():
                    remarks.append(f"no {signal.side.value} in {_symbol(state, signal.market_id)}: {signal.reason}")
                case _:
                    assert_never(signal)
        wanted = sum(isinstance(signal, WantQuote) for signal in signals)
        failures = [task.order.reason for task in state.recent[:1] if _is_of(task, strategy.name) and _failed(task)]
        progress = f"{len(kept)} of {wanted} quotes working, {self._trades[strategy.name]} fills"
        self._details[strategy.name] = "; ".join([progress, *remarks, *failures])
        return [*self._cancels([task for task in own if task not in kept], now_ns), *orders]

    def _submit(self, slot: _Slot, wish: WantQuote, state: EngineState, remarks: list[str]) -> list[Command]:
        market = next((market for market in state.markets if market.id == wish.market_id), None)
        if market is None or state.account is None:
            remarks.append("the account is not known yet" if market else f"no market {wish.market_id}")
            return []
        context = SizingContext(
            equity=state.account.equity,
            price=wish.price,
            headroom=headroom(self._limits_in(state), state, wish),
            volatility=self._moves.of(wish.market_id),
        )
        advice = self._sizer.size(wish.edge or record_of(state.pnl, slot.name), market, context)
        if not advice.size:
            remarks.append(f"no {wish.side.value} in {market.symbol}: {advice.reason}")
            return []
        now_ns = state.published.mono_ns
        self._submitted[slot] = now_ns
        self._sent.append(now_ns)
        intent = OrderIntent(
            market_id=wish.market_id,
            side=wish.side,
            type=OrderType.LIMIT,
            size=advice.size,
            price=wish.price,
            tif=wish.tif,
        )
        origin = Origin(OriginKind.STRATEGY, slot.name)
        return [SubmitOrder(intent=intent, origin=origin, priority=Priority.STRATEGY, deadline_ns=now_ns + PATIENCE_NS)]

    def _limits_in(self, state: EngineState) -> RiskLimits:
        """Those in force: an operator may have changed them since the start."""
        return self._limits if state.rules is None else state.rules.limits

    def _may_submit(self, slot: _Slot, state: EngineState) -> bool:
        now_ns = state.published.mono_ns
        is_full = len(self._sent) == ORDERS_PER_SECOND and now_ns - self._sent[0] < SECOND_NS
        since = self._submitted.get(slot)
        return not is_full and (since is None or now_ns - since >= _pause_ns(slot, state))

    def _cancels(self, tasks: Sequence[OrderTask], now_ns: int) -> list[Command]:
        due = [
            task
            for task in tasks
            if task.order.status in _CANCELABLE
            and now_ns - self._canceled.get(task.id, now_ns - CANCEL_PAUSE_NS) >= CANCEL_PAUSE_NS
        ]
        self._canceled.update((task.id, now_ns) for task in due)
        return [
            CancelOrder(
                market_id=task.intent.market_id,
                client_id=task.order.client_id,
                venue_id=task.order.venue_id,
                origin=task.origin,
            )
            for task in due
        ]

    def _count_trades(self, state: EngineState) -> None:
        owners = {
            task.order.client_id: task.origin.name
            for task in (*state.recent, *state.tasks)
            if task.order.client_id is not None and task.origin.kind in _OURS
        }
        for fill in state.fills:
            owner = None if fill.client_order_id is None else owners.get(fill.client_order_id)
            if owner in self._trades and fill.key not in self._seen_trades:
                self._trades[owner] += 1
        self._seen_trades = frozenset(fill.key for fill in state.fills)

    def _idle_detail(self, name: str, state: EngineState) -> str:
        if name in self._faults:
            return f"failed: {self._faults[name]}"
        if name not in self._running:
            return "stopped"
        if state.kill.is_latched:
            return "waiting: killed"
        if state.phase is not EnginePhase.RUNNING:
            return f"waiting: the engine is {state.phase.value}"
        return f"waiting: trading is {state.trading.value}"


def headroom(limits: RiskLimits, state: EngineState, wish: WantQuote) -> Decimal:
    """USDC the limits still leave on one side of a market, with every order that may be live counted as filled."""
    position = sum((each.size for each in state.positions if each.market_id == wish.market_id), ZERO)
    elsewhere = (entry.order for entry in state.order_map if entry.task_id is None)
    working = sum(
        (
            order.remaining
            for order in (*(task.order for task in state.tasks), *elsewhere)
            if order.intent.market_id == wish.market_id and order.intent.side is wish.side
        ),
        ZERO,
    )
    reach = position * wish.side.sign + working
    room = limits.max_position_notional - reach * wish.price
    gross = [use.limit - use.used for use in state.limits if use.name == "max_gross_notional"]
    return min([room, limits.max_order_notional, *gross])


def _is_of(task: OrderTask, name: str) -> bool:
    return task.origin.name == name and task.origin.kind in _OURS


def _slot(name: str, task: OrderTask) -> _Slot:
    return _Slot(name, task.intent.market_id, task.intent.side)


def _failed(task: OrderTask) -> bool:
    return task.order.status in _FAILED


def _is_good(task: OrderTask, wish: WantQuote) -> bool:
    is_leaving = task.order.status is OrderStatus.PENDING_CANCEL
    return not is_leaving and abs(task.intent.price - wish.price) <= wish.tolerance


def _pause_ns(slot: _Slot, state: EngineState) -> int:
    """Longer with every refusal in a row, so that a wish nobody grants does not flood the log."""
    pause = SLOT_PAUSE_NS
    for task in state.recent:  # newest first
        if not _is_of(task, slot.name) or _slot(slot.name, task) != slot:
            continue
        if not _failed(task) or pause >= LONGEST_PAUSE_NS:
            break
        pause *= 2
    return pause


def _symbol(state: EngineState, market_id: MarketId) -> str:
    return next((market.symbol for market in state.markets if market.id == market_id), f"market {market_id}")
