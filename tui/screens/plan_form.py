"""What the text of a plan means: pure, so that every keystroke can be judged and every sentence tested."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from core.model import Market, Side
from core.plans import Bracket, Chase, Ladder, Plan, Twap, problem
from core.units import parse_decimal
from tui.format import clean, money, trimmed
from tui.screens.ticket_form import Problem, find_market, on_grid

_LONGEST: Final = 9
_SHOWN: Final = 24


class PlanKind(Enum):
    """Which plan."""

    TWAP = "twap"
    LADDER = "ladder"
    CHASE = "chase"
    BRACKET = "bracket"


LABELS: Final[dict[PlanKind, tuple[str, str, str]]] = {
    PlanKind.TWAP: ("worst price", "slices", "seconds apart"),
    PlanKind.LADDER: ("first price", "last price", "orders"),
    PlanKind.CHASE: ("price limit", "within seconds", ""),
    PlanKind.BRACKET: ("entry price", "take profit", "stop loss"),
}
"""What the three figures of each plan are; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanText:
    """The window as it stands, unparsed."""

    kind: PlanKind
    market: str
    side: Side
    size: str
    figures: tuple[str, str, str]
    """By `LABELS`."""
    is_reduce_only: bool


def read_plan(text: PlanText, markets: tuple[Market, ...]) -> Plan | Problem:
    """The plan that the text describes, or the first thing that keeps it from being one."""
    market = find_market(text.market, markets)
    if market is None:
        return Problem(f"market: expected the symbol of a market, got {clean(text.market.strip(), _SHOWN)!r}")
    try:
        plan = _plan(text, market)
    except ValueError as error:
        return Problem(str(error))
    wrong = problem(plan)
    return Problem(wrong) if wrong else plan


def plan_sentence(plan: Plan, market: Market) -> str:
    """What it would do, in words."""
    size = f"{plan.side.value} {trimmed(plan.size)} {market.symbol}"
    match plan:
        case Twap():
            span = f"{plan.slices} slices over {(plan.slices - 1) * plan.every_s} s"
            return f"{size} in {span}, none worse than {trimmed(plan.price)}, {money(plan.size * plan.price)} USDC"
        case Ladder():
            return f"{size} in {plan.rungs} post-only orders from {trimmed(plan.first)} to {trimmed(plan.last)}"
        case Chase():
            return f"{size} post-only at the touch, never beyond {trimmed(plan.price)}, for {plan.within_s} s"
        case Bracket():
            exits = [f"profit at {trimmed(plan.take_profit)}"] if plan.take_profit is not None else []
            exits += [f"loss at {trimmed(plan.stop_loss)}"] if plan.stop_loss is not None else []
            return f"{size} at {trimmed(plan.price)}, {' and '.join(exits)}"


def _plan(text: PlanText, market: Market) -> Plan:
    size = on_grid(parse_decimal(text.size, "size"), market.size_decimals, "size", market)
    figures, labels = text.figures, LABELS[text.kind]
    match text.kind:
        case PlanKind.TWAP:
            return Twap(
                market_id=market.id,
                side=text.side,
                size=size,
                price=_price(figures[0], labels[0], market),
                slices=_count(figures[1], labels[1]),
                every_s=_count(figures[2], labels[2]),
                reduce_only=text.is_reduce_only,
            )
        case PlanKind.LADDER:
            return Ladder(
                market_id=market.id,
                side=text.side,
                size=size,
                first=_price(figures[0], labels[0], market),
                last=_price(figures[1], labels[1], market),
                rungs=_count(figures[2], labels[2]),
                reduce_only=text.is_reduce_only,
            )
        case PlanKind.CHASE:
            return Chase(
                market_id=market.id,
                side=text.side,
                size=size,
                price=_price(figures[0], labels[0], market),
                within_s=_count(figures[1], labels[1]),
                reduce_only=text.is_reduce_only,
            )
        case PlanKind.BRACKET:
            return _bracket(text, market, size)


def _bracket(text: PlanText, market: Market, size: Decimal) -> Bracket:
    if text.is_reduce_only:
        raise ValueError("bracket: it opens a position, so it cannot be reduce-only")
    prices = [
        _price(figure, label, market) if figure.strip() else None
        for figure, label in zip(text.figures, LABELS[PlanKind.BRACKET], strict=True)
    ]
    entry, profit, loss = prices
    if entry is None:
        raise ValueError("entry price: expected a price, got nothing")
    return Bracket(market_id=market.id, side=text.side, size=size, price=entry, take_profit=profit, stop_loss=loss)


def _price(text: str, label: str, market: Market) -> Decimal:
    value = parse_decimal(text, label)
    on_grid(value, market.price_decimals, "price", market)
    return value


def _count(text: str, label: str) -> int:
    word = text.strip()
    if not (word.isascii() and word.isdigit() and len(word) <= _LONGEST):
        raise ValueError(f"{label}: expected a whole number, got {clean(word, _SHOWN)!r}")
    return int(word)
