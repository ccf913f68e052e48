"""What a strategy is, what it sees, what it may ask for, and what is no sensible wish. Pure.

`core.bot` turns wishes into commands; `core.guard` keeps a strategy that fails or hangs from harming anybody else.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol, runtime_checkable

from core.clock import Instant
from core.model import Market, OrderIntent, OrderStatus, OrderTask, Quote, Side, TimeInForce
from core.plans import Plan
from core.risk import Edge
from core.units import ZERO, MarketId, TaskId

_WIDEST: Final = 60
_LONGEST: Final = 80
"""Characters of a parameter's name, and of its value."""
_MOST: Final = 50
"""Parameters that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantQuote:
    """A strategy wants one resting order here."""

    market_id: MarketId
    side: Side
    price: Decimal
    tolerance: Decimal
    """An order of ours that rests no further than this from `price` is left alone, in USDC."""
    edge: Edge | None = None
    """What it believes of such a trade; None has its own closed trades tell."""
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
class Fault:
    """Why a strategy cannot go on, in one line."""

    text: str


class OrderDesk(Protocol):
    """What a strategy that acts by itself trades with. All it asks for carries its name through the same risk gate.

    Once the strategy is stopped, or the engine ends, every wait is cancelled.
    """

    async def view(self) -> StrategyView:
        """What it sees, newer than what this showed last; about four times a second."""
        ...

    async def place(self, intent: OrderIntent, *, send_within_s: int = 2, fill_within_s: int | None = None) -> TaskId:
        """Queue one order; the task it became, of which `wait_for` tells what risk and the venue made of it.

        It is dropped if its turn does not come within `send_within_s`, and what is left of it is cancelled after
        `fill_within_s`, if given.

        Raises:
            ValueError: the market is none of the strategy's own.
        """
        ...

    async def modify(self, task_id: TaskId, *, size: Decimal, price: Decimal) -> None:
        """Ask for a new size (as if placed anew, base units) and price of an order of its own.

        Raises:
            LookupError: memory does not hold the task, or it is not the strategy's own.
        """
        ...

    async def cancel(self, task_id: TaskId) -> None:
        """Ask for the cancel of an order of its own; only the venue's report ends it.

        Raises:
            LookupError: memory does not hold the task, or it is not the strategy's own.
        """
        ...

    async def start(self, plan: Plan) -> TaskId:
        """Have a plan worked on its behalf; by this id `stop` ends it.

        Raises:
            ValueError: it was not started; the text says why.
        """
        ...

    async def stop(self, plan_id: TaskId) -> None:
        """End a plan that it started; its orders are cancelled.

        Raises:
            LookupError: it started no such plan.
        """
        ...

    async def wait_for(self, task_id: TaskId, statuses: Collection[OrderStatus]) -> OrderTask:
        """The task once it is of one of these statuses, or closed: nothing follows that.

        Raises:
            LookupError: memory does not hold it.
        """
        ...


@runtime_checkable
class ActingStrategy(Protocol):
    """Places, changes and cancels its orders itself, in a loop and a thread of its own."""

    @property
    def name(self) -> str:
        """Unique; its orders carry it as their origin."""
        ...

    @property
    def markets(self) -> tuple[str, ...]:
        """Symbols it trades."""
        ...

    async def run(self, desk: OrderDesk) -> None:
        """Trade until cancelled. It must never block: whatever takes time is awaited.

        Returning stops it as an operator would: orders of its own that are left are cancelled. Started again by a
        human, it runs from the beginning.
        """
        ...


AnyStrategy = Strategy | ActingStrategy


def parameters_of(strategy: AnyStrategy) -> tuple[tuple[str, str], ...]:
    """What the strategy was made with, by what its `parameters` map names to; nothing where it has none."""
    stated = getattr(strategy, "parameters", None)
    if not isinstance(stated, Mapping):
        return ()
    return tuple((str(name)[:_LONGEST], str(value)[:_LONGEST]) for name, value in list(stated.items())[:_MOST])


@dataclass(frozen=True, slots=True)
class Finished:
    """It returned by itself."""


class Running(Protocol):
    """How strategies that act by themselves are kept running. Every call returns at once."""

    def poll(
        self, strategy: ActingStrategy, view: StrategyView, own_markets: AbstractSet[MarketId]
    ) -> Fault | Finished | None:
        """Start it if it does not run, and show it what is new; how it ended, None while it goes on."""
        ...

    def stop(self, name: str) -> None:
        """Cancel it, if it runs; nothing of it is taken any more from this moment."""
        ...


class Asking(Protocol):
    """How a strategy is asked. The engine's loop waits for the answer, so it must come at once, or be None."""

    def ask(self, strategy: Strategy, view: StrategyView) -> Sequence[Signal] | Fault | None:
        """Its wishes; a fault when it raised or has been thinking for too long; None while it is still thinking."""
        ...


class AskDirectly:
    """Calls the strategy where it stands; whatever it raises goes to the caller."""

    def ask(self, strategy: Strategy, view: StrategyView) -> Sequence[Signal] | Fault | None:
        """Its wishes."""
        return strategy.on_state(view)


def objection(signals: object, foreign: AbstractSet[MarketId]) -> Fault | None:
    """Why these cannot be wishes: of the wrong type, no number, two for one place, or for a `foreign` market."""
    if not isinstance(signals, Sequence):
        return Fault(f"answered with {type(signals).__name__}, expected a sequence of signals")
    seen: set[tuple[MarketId, Side]] = set()
    for signal in signals:
        if not isinstance(signal, WantQuote | NoQuote):
            return Fault(f"asked for {_short(signal)}, expected WantQuote or NoQuote")
        place = (signal.market_id, signal.side)
        if isinstance(signal, WantQuote):
            if signal.market_id in foreign:
                return Fault(f"asked for a quote in market {signal.market_id}, which is none of its own")
            if place in seen:
                return Fault(f"asked for two quotes on the {signal.side.value} side of market {signal.market_id}")
            if text := _unusable(signal):
                return Fault(text)
        seen.add(place)
    return None


def _unusable(wish: WantQuote) -> str:
    for what, number in {"price": wish.price, "tolerance": wish.tolerance}.items():  # an `Edge` checks itself
        if not isinstance(number, Decimal) or not number.is_finite():
            return f"asked for a {what} of {_short(number)}, expected a finite Decimal"
    if wish.price <= ZERO or wish.tolerance < ZERO:
        return f"asked for a price of {wish.price} with a tolerance of {wish.tolerance}, expected them above zero"
    return ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
