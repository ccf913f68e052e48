"""A part of the account: what a kill or a flatten can be about when it is not about everything."""

from dataclasses import dataclass
from typing import Final

from core.model import Origin, OriginKind
from core.units import MarketId

_FOR: Final = " for "
_NOBODYS: Final = frozenset({OriginKind.OPERATOR, OriginKind.EXTERNAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One market, one strategy, or one strategy in one market; neither is everything."""

    market_id: MarketId | None = None
    strategy: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self.market_id is None and not self.strategy

    def covers(self, market_id: MarketId, origin: Origin) -> bool:
        """Whether an order of `origin` in this market belongs to it."""
        if self.market_id is not None and self.market_id != market_id:
            return False
        return not self.strategy or strategy_of(origin) == self.strategy

    def key(self) -> str:
        """As it is remembered over a restart; `of_key` reads it again."""
        return f"{'' if self.market_id is None else self.market_id}/{self.strategy}"

    @classmethod
    def of_key(cls, key: str) -> "Scope":
        """The scope that wrote this key."""
        market, _, strategy = key.partition("/")
        return cls(market_id=MarketId(int(market)) if market else None, strategy=strategy)


EVERYTHING: Final = Scope()


def strategy_of(origin: Origin) -> str:
    """The strategy on whose behalf an order was placed, by itself or by a plan that it started; empty for none."""
    if origin.kind in _NOBODYS:
        return ""
    return origin.name.partition(_FOR)[2] if origin.kind is OriginKind.ALGORITHM else origin.name


def plan_origin(name: str, by: Origin) -> Origin:
    """What the orders of a plan carry: the plan's name, and the strategy that started it, if one did."""
    strategy = strategy_of(by)
    return Origin(OriginKind.ALGORITHM, f"{name}{_FOR}{strategy}" if strategy else name)
