"""What an execution algorithm is asked to do: a size in one market, and how it is to be worked.

Part of the language everyone speaks. How each plan is carried out is in `core.engine.algorithms`.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

from core.model import Side
from core.units import MarketId

MOST_SLICES: Final = 500
MOST_RUNGS: Final = 20
LONGEST_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Twap:
    """Equal slices in equal steps of time, each taken from the book no worse than `price`.

    What a slice leaves undone is added to the next one; after the last, the plan ends with whatever it did.
    """

    market_id: MarketId
    side: Side
    size: Decimal
    """Base units, over all slices."""
    price: Decimal
    """USDC: the worst that any slice may trade at."""
    slices: int
    every_s: int
    """Seconds from one slice to the next."""
    reduce_only: bool = False

    name = "twap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Equal resting orders at prices in equal steps, first and last included; post-only."""

    market_id: MarketId
    side: Side
    size: Decimal
    """Base units, over all rungs."""
    first: Decimal
    """USDC."""
    last: Decimal
    rungs: int
    reduce_only: bool = False

    name = "ladder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chase:
    """One post-only order that follows the touch, never beyond `price`, until it is filled or time is up."""

    market_id: MarketId
    side: Side
    size: Decimal
    """Base units."""
    price: Decimal
    """USDC: the highest bid or lowest offer it may make."""
    within_s: int
    """Seconds after which what is left is cancelled."""
    reduce_only: bool = False

    name = "chase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """An entry with a take-profit, a stop-loss, or both, as one group of the venue's own.

    The exits live at the venue from the entry's first fill, sized by it, and outlive this program. The end of one
    cancels the other; the end of an unfilled entry cancels both.
    """

    market_id: MarketId
    side: Side
    """Of the entry."""
    size: Decimal
    """Base units."""
    price: Decimal
    """USDC: where the entry rests, or the worst that it takes."""
    take_profit: Decimal | None = None
    """USDC: the mark price at which the position is closed with a profit."""
    stop_loss: Decimal | None = None
    """USDC: the mark price at which it is closed with a loss."""
    is_taking: bool = False
    """Whether the entry takes from the book at once, and what it cannot take is cancelled."""
    slippage: Decimal = Decimal("0.05")
    """How much worse than its trigger, as a fraction of it, an exit may trade."""

    reduce_only: ClassVar[bool] = False
    name = "bracket"


Plan = Twap | Ladder | Chase | Bracket


def problem(plan: Plan) -> str:
    """Why this is no plan, in one sentence with what was expected and what came; empty when it is one."""
    numbers = {"size": plan.size}
    match plan:
        case Twap():
            numbers["price"] = plan.price
            counts = {"slices": (plan.slices, 2, MOST_SLICES), "every_s": (plan.every_s, 1, LONGEST_S)}
        case Ladder():
            numbers |= {"first": plan.first, "last": plan.last}
            counts = {"rungs": (plan.rungs, 2, MOST_RUNGS)}
        case Chase():
            numbers["price"] = plan.price
            counts = {"within_s": (plan.within_s, 1, LONGEST_S)}
        case Bracket():
            exits = {"take_profit": plan.take_profit, "stop_loss": plan.stop_loss}
            numbers["price"] = plan.price
            numbers |= {what: number for what, number in exits.items() if number is not None}
            counts = {}
    for what, number in numbers.items():
        if not number.is_finite() or number <= 0:
            return f"{plan.name}: expected a {what} above zero, got {number}"
    for what, (count, least, most) in counts.items():
        if not least <= count <= most:
            return f"{plan.name}: expected {what} of {least} to {most}, got {count}"
    return _misplaced(plan) if isinstance(plan, Bracket) else ""


def _misplaced(plan: Bracket) -> str:
    """Why its exits stand where they would close at once, or not at all; empty when they stand well."""
    if plan.take_profit is None and plan.stop_loss is None:
        return "bracket: expected a take_profit, a stop_loss or both, got neither"
    if not plan.slippage.is_finite() or not 0 < plan.slippage < Decimal("0.5"):
        return f"bracket: expected a slippage above 0 and below 0.5, got {plan.slippage}"
    better, worse = ("above", "below") if plan.side is Side.BUY else ("below", "above")
    if plan.take_profit is not None and (plan.take_profit - plan.price) * plan.side.sign <= 0:
        return f"bracket: expected a take_profit {better} the entry at {plan.price}, got {plan.take_profit}"
    if plan.stop_loss is not None and (plan.price - plan.stop_loss) * plan.side.sign <= 0:
        return f"bracket: expected a stop_loss {worse} the entry at {plan.price}, got {plan.stop_loss}"
    return ""
