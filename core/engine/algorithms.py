"""Execution algorithms as pure steps: what a plan's orders have come to goes in, what to do next comes out.

A plan commits no more than its size, whatever is filled in whatever order: an order counts with all it may still
become until the venue itself has ended it, and with what was filled of it from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, assert_never

from core.clock import MILLISECOND_NS, SECOND_NS
from core.connectors.base import Exit, ExitKind
from core.model import BookStatus, Market, OrderIntent, OrderType, Quote, Side, TimeInForce
from core.plans import Bracket, Chase, Ladder, Plan, Twap
from core.units import ZERO, ClientOrderId, floor_to

_MOVE_EVERY_NS: Final = 500 * MILLISECOND_NS
"""Least time between two moves of an order that chases: each costs a transaction."""

_MOST_AT_ONCE: Final = 3
"""Slices that one order may be worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One order of a plan, as far as it is known."""

    client_id: ClientOrderId
    price: Decimal
    largest: Decimal
    """Its size, or the one it may be about to get if that is larger, in base units."""
    filled: Decimal
    is_closed: bool
    is_certain: bool
    """The venue itself, or we before it was sent, said how it ended."""
    is_steady: bool
    """It rests and may be changed: shown by the venue, and neither a change nor a cancel of it is under way."""
    is_revocable: bool = False
    """It was sent, may be live, and no cancel of it is under way; a change of it may be, or its state in doubt."""

    @property
    def committed(self) -> Decimal:
        """What of the plan's size it has taken up, in base units."""
        return self.filled if self.is_closed and self.is_certain else max(self.largest, self.filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a step may know."""

    now_ns: int
    market: Market
    quote: Quote
    children: Sequence[Child]
    """Every order of the plan so far."""

    @property
    def committed(self) -> Decimal:
        """The sum over all orders, in base units."""
        return sum((child.committed for child in self.children), ZERO)

    @property
    def filled(self) -> Decimal:
        """What was done so far, in base units."""
        return sum((child.filled for child in self.children), ZERO)

    @property
    def working(self) -> tuple[Child, ...]:
        """Orders that have not ended."""
        return tuple(child for child in self.children if not child.is_closed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a plan remembers from step to step."""

    started_ns: int
    done: int = 0
    """Slices or rungs sent."""
    moved_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A new price for one order of the plan; its size stays."""

    client_id: ClientOrderId
    size: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do now."""

    progress: Progress
    orders: tuple[OrderIntent, ...] = ()
    group: tuple[tuple[OrderIntent, Exit | None], ...] = ()
    """Orders that leave as one, the lead first."""
    moves: tuple[Move, ...] = ()
    cancels: tuple[ClientOrderId, ...] = ()
    is_over: bool = False


def step(plan: Plan, progress: Progress, view: View) -> Step:
    """The next step of a plan."""
    match plan:
        case Twap():
            return _twap(plan, progress, view)
        case Ladder():
            return _ladder(plan, progress, view)
        case Chase():
            return _chase(plan, progress, view)
        case Bracket():
            return _bracket(plan, progress, view)
        case _:
            assert_never(plan)


def _twap(plan: Twap, progress: Progress, view: View) -> Step:
    if view.working:
        return Step(progress=progress)
    due = min(plan.slices, (view.now_ns - progress.started_ns) // (plan.every_s * SECOND_NS) + 1)
    is_last_done = progress.done >= plan.slices
    if due <= progress.done or is_last_done:
        return Step(progress=progress, is_over=is_last_done or view.filled >= plan.size)
    target = plan.size if due == plan.slices else plan.size * due / plan.slices
    # After a pause the plan catches up over several slices: one order of all that was missed would be no TWAP.
    most = plan.size * _MOST_AT_ONCE / plan.slices
    size = floor_to(min(target - view.committed, most), view.market.size_decimals)
    after = Progress(started_ns=progress.started_ns, done=due)
    if size <= ZERO:
        return Step(progress=after)
    return Step(progress=after, orders=(_intent(plan, size, plan.price, TimeInForce.IOC),))


def _ladder(plan: Ladder, progress: Progress, view: View) -> Step:
    if progress.done:
        return Step(progress=progress, is_over=not view.working)
    decimals, places = view.market.size_decimals, view.market.price_decimals
    each = floor_to(plan.size / plan.rungs, decimals)
    pause = (plan.last - plan.first) / (plan.rungs - 1)
    rest = floor_to(plan.size, decimals) - each * plan.rungs
    orders = []
    for rung in range(plan.rungs):
        size = each + rest if rung == 0 else each
        price = floor_to(plan.first + pause * rung, places)
        if size > ZERO:
            orders.append(_intent(plan, size, price, TimeInForce.POST_ONLY))
    return Step(progress=Progress(started_ns=progress.started_ns, done=plan.rungs), orders=tuple(orders))


def _chase(plan: Chase, progress: Progress, view: View) -> Step:
    left = floor_to(plan.size - view.committed, view.market.size_decimals)
    is_late = view.now_ns - progress.started_ns >= plan.within_s * SECOND_NS
    if is_late:
        cancels = tuple(child.client_id for child in view.working if child.is_revocable)
        return Step(progress=progress, cancels=cancels, is_over=not view.working)
    if not view.working and view.filled >= plan.size:
        return Step(progress=progress, is_over=True)
    price = _touch(plan, view.quote)
    if price is None or view.now_ns - progress.moved_ns < _MOVE_EVERY_NS:
        return Step(progress=progress)
    after = Progress(started_ns=progress.started_ns, done=progress.done, moved_ns=view.now_ns)
    for child in view.working:
        if child.is_steady and child.price != price:
            return Step(progress=after, moves=(Move(client_id=child.client_id, size=child.largest, price=price),))
    if not view.working and left > ZERO:
        return Step(progress=after, orders=(_intent(plan, left, price, TimeInForce.POST_ONLY),))
    return Step(progress=progress)


def _bracket(plan: Bracket, progress: Progress, view: View) -> Step:
    if progress.done:
        return Step(progress=progress, is_over=not view.working)
    size, places = floor_to(plan.size, view.market.size_decimals), view.market.price_decimals
    lead = _intent(plan, size, plan.price, TimeInForce.IOC if plan.is_taking else TimeInForce.GTT)
    group: list[tuple[OrderIntent, Exit | None]] = [(lead, None)]
    for kind, trigger in ((ExitKind.TAKE_PROFIT, plan.take_profit), (ExitKind.STOP_LOSS, plan.stop_loss)):
        if trigger is not None:
            worst = floor_to(trigger * (1 - plan.slippage * plan.side.sign), places)
            intent = OrderIntent(
                market_id=plan.market_id,
                side=plan.side.opposite,
                type=OrderType.MARKET,
                size=size,
                price=worst,
                tif=TimeInForce.GTT,  # it waits at the venue until it is triggered: see `Tracked.is_waiting`
                reduce_only=True,
            )
            group.append((intent, Exit(kind=kind, trigger=trigger)))
    return Step(progress=Progress(started_ns=progress.started_ns, done=1), group=tuple(group))


def _touch(plan: Chase, quote: Quote) -> Decimal | None:
    """The best price of the plan's own side, no further than it may go; None while the book cannot be believed."""
    if quote.status is not BookStatus.LIVE:
        return None
    if plan.side is Side.BUY:
        return None if quote.bid is None else min(quote.bid, plan.price)
    return None if quote.ask is None else max(quote.ask, plan.price)


def _intent(plan: Plan, size: Decimal, price: Decimal, tif: TimeInForce) -> OrderIntent:
    return OrderIntent(
        market_id=plan.market_id,
        side=plan.side,
        type=OrderType.LIMIT,
        size=size,
        price=price,
        tif=tif,
        reduce_only=plan.reduce_only,
    )
