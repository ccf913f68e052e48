"""The bot: strategies say what they want, the sizer says how much, and out come the engine's commands.

It decides no permission (risk does) and reads no clock: the state's own moment is the time.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol, assert_never

from core.clock import SECOND_NS, Instant
from core.commands import CancelOrder, Command, SubmitOrder
from core.config import RiskLimits
from core.decisions import TradingState
from core.model import (
    Market,
    OrderIntent,
    OrderStatus,
    OrderTask,
    OrderType,
    Origin,
    OriginKind,
    Priority,
    Quote,
    Side,
    TimeInForce,
    TradeKey,
)
from core.risk import Edge, PositionSizer, SizingContext
from core.state import EnginePhase, EngineState, StrategyStatus
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WantQuote:
    """A strategy wants one resting order here."""

    market_id: MarketId
    side: Side
    price: Decimal
    tolerance: Decimal
    """An order of ours that rests no further than this from `price` is left alone, in USDC."""
    edge: Edge
    tif: TimeInForce = TimeInForce.POST_ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQuote:
    """A strategy wants nothing on this side, and says why."""

    market_id: MarketId
    side: Side
    reason: str


Signal = WantQuote | NoQuote
"""What is not mentioned is not wanted either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyView:
    """What a strategy sees: its own markets, its own orders, and the time."""

    now: Instant
    markets: Mapping[str, Market]
    """By symbol: those of the strategy's markets that the venue trades."""
    quotes: Mapping[MarketId, Quote]
    positions: Mapping[MarketId, Decimal]
    """Signed base units of the account; a market that is missing is flat."""
    orders: tuple[OrderTask, ...]
    """The strategy's own tasks that are queued or may be live."""
    trades: int
    """Fills of its own orders seen by this process."""


class Strategy(Protocol):
    """Turns what it sees into wishes. Deterministic: equal views in equal order give equal signals."""

    @property
    def name(self) -> str:
        """Unique; its orders carry it as their origin."""
        ...

    @property
    def markets(self) -> tuple[str, ...]:
        """Symbols it trades."""
        ...

    def on_state(self, view: StrategyView) -> Sequence[Signal]:
        """Everything it wants now: at most one quote on each side of each market."""
        ...


@dataclass(frozen=True, slots=True)
class _Slot:
    """One side of one market, for one strategy: holds at most one order."""

    name: str
    market_id: MarketId
    side: Side


class TradingBot:
    """Wires strategies, sizer and engine. Implements the engine's autopilot."""

    def __init__(self, strategies: Sequence[Strategy], sizer: PositionSizer, limits: RiskLimits) -> None:
        """Every strategy starts running.

        Raises:
            ValueError: two strategies share a name.
        """
        self._strategies = {strategy.name: strategy for strategy in strategies}
        if len(self._strategies) != len(strategies):
            raise ValueError(f"strategy names must differ, got {[strategy.name for strategy in strategies]}")
        self._sizer = sizer
        self._limits = limits
        self._running = set(self._strategies)
        self._details = dict.fromkeys(self._strategies, "waiting for the engine")
        self._trades = dict.fromkeys(self._strategies, 0)
        self._seen_trades: frozenset[TradeKey] = frozenset()
        self._submitted: dict[_Slot, int] = {}
        self._canceled: dict[TaskId, int] = {}
        self._sent: deque[int] = deque(maxlen=ORDERS_PER_SECOND)

    def step(self, state: EngineState) -> Sequence[Command]:
        """What to ask of the engine now; nothing unless it is running and not killed."""
        self._count_trades(state)
        if state.phase is not EnginePhase.RUNNING or state.kill.is_latched:
            self._details = {name: self._idle_detail(name, state) for name in self._details}
            return ()
        commands: list[Command] = []
        for strategy in self._strategies.values():
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
            )
            for name, strategy in self._strategies.items()
        )

    def set_running(self, name: str, running: bool) -> bool:  # noqa: FBT001 - the engine's protocol
        """Start or stop one strategy; False when there is none of that name. A stopped one cancels its orders."""
        if name not in self._strategies:
            return False
        if running:
            self._running.add(name)
        else:
            self._running.discard(name)
        return True

    def _step_one(self, strategy: Strategy, state: EngineState) -> list[Command]:
        name = strategy.name
        own = tuple(task for task in state.tasks if _is_of(task, name))
        if name not in self._running or state.trading is not TradingState.ACTIVE:
            # Resting quotes could still fill and grow the position: whoever may not place them does not keep them.
            self._details[name] = self._idle_detail(name, state)
            return self._cancels(own, state.published.mono_ns)
        signals = strategy.on_state(self._view(strategy, own, state))
        return self._carry_out(strategy, own, signals, state)

    def _view(self, strategy: Strategy, own: tuple[OrderTask, ...], state: EngineState) -> StrategyView:
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
            equity=state.account.equity, price=wish.price, headroom=headroom(self._limits, state, wish)
        )
        advice = self._sizer.size(wish.edge, market, context)
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
