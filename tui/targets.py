"""What a wish can be about: everything, one market or one strategy, by the name an operator types. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from core.scope import EVERYTHING, Scope, strategy_of
from core.state import EngineState
from tui.format import clean

ALL: Final = "all"
"""What everything is called."""
_NAMED: Final = 6
_SHOWN: Final = 24


@dataclass(frozen=True, slots=True)
class Target:
    """A part of the account with the name it goes by."""

    name: str
    scope: Scope


def targets(state: EngineState) -> tuple[Target, ...]:
    """Everything first, then the markets, then every strategy that is loaded or has something of its own."""
    markets = tuple(Target(market.symbol, Scope(market_id=market.id)) for market in state.markets)
    taken = {ALL, *(target.name.casefold() for target in markets)}
    strategies = tuple(
        Target(f"strategy {name}" if name.casefold() in taken else name, Scope(strategy=name))
        for name in _strategies(state)
    )
    return (Target(ALL, EVERYTHING), *markets, *strategies)


def find_target(text: str, known: Iterable[Target]) -> Target | None:
    """The target of this name, written in full; letter case does not matter."""
    wanted = text.strip().casefold()
    return next((target for target in known if target.name.casefold() == wanted), None)


def not_found(text: str, known: Iterable[Target]) -> str:
    """What was expected instead, in one sentence."""
    names = [clean(target.name, _SHOWN) for target in known]
    shown = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    typed = clean(text.strip(), _SHOWN)
    return f"expected one of {shown}" + (f"; got {typed!r}" if typed else "")


def scope_name(scope: Scope, state: EngineState) -> str:
    """In words: `everything`, `ETH`, `strategy maker`, `strategy maker in ETH`."""
    if scope.is_everything:
        return "everything"
    symbols = (market.symbol for market in state.markets if market.id == scope.market_id)
    symbol = next(symbols, f"market {scope.market_id}")
    if not scope.strategy:
        return symbol
    strategy = f"strategy {clean(scope.strategy)}"
    return strategy if scope.market_id is None else f"{strategy} in {symbol}"


def live_in(scope: Scope, state: EngineState) -> int:
    """How many orders of this part may be resting at the venue, by everything we know."""
    return sum(
        entry.order.status.may_be_live and scope.covers(entry.order.intent.market_id, entry.origin)
        for entry in state.order_map
    )


def _strategies(state: EngineState) -> list[str]:
    names = {one.name for one in state.strategies}
    names |= {strategy_of(task.origin) for task in state.tasks}
    names |= {strategy_of(entry.origin) for entry in state.order_map}
    names |= {breaker.strategy for breaker in state.breakers} | {kill.scope.strategy for kill in state.kills}
    return sorted(names - {""})
