"""The circuit breakers, one for everything, one per market and one per strategy, as one immutable value. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from core.decisions import TradingState
from core.state import BreakerStatus
from core.units import MarketId

_SEVERITY: Final = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}

BreakerKey = MarketId | str | None
"""What a breaker holds back: a market, a strategy by name, or everything."""


def worst(*states: TradingState) -> TradingState:
    """The most restrictive of these states; ACTIVE when there are none."""
    return max(states, key=_SEVERITY.__getitem__, default=TradingState.ACTIVE)


@dataclass(frozen=True, slots=True)
class BreakerPanel:
    """Which breakers are tripped, by whom, why and when. Moments are UTC microseconds."""

    trips_to: TradingState
    _tripped: Mapping[BreakerKey, BreakerStatus] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def closed(cls, trips_to: TradingState) -> "BreakerPanel":
        """No breaker tripped; a trip will mean `trips_to`."""
        return cls(trips_to)

    def trip(
        self, scope: BreakerKey, *, by: str, reason: str, at_us: int, until_us: int | None = None
    ) -> "BreakerPanel":
        """Trip the breaker of one market or strategy, or the global one when `scope` is None.

        A breaker that is tripped already keeps its first cause and moment, unless that one may close by itself and this
        one may not: what waits for a human is never let go by somebody else's cooldown. A strategy is always halted:
        what it would do next is what is in question. With `until_us` it may close by itself once that moment came.
        """
        known = self._tripped.get(scope)
        if known is not None and (known.until_us is None or until_us is not None):
            return self
        is_strategy = isinstance(scope, str)
        status = BreakerStatus(
            market_id=None if isinstance(scope, str) else scope,
            strategy=scope if isinstance(scope, str) else "",
            is_tripped=True,
            by=by,
            reason=reason,
            at_us=at_us,
            trips_to=TradingState.HALTED if is_strategy else self.trips_to,
            until_us=until_us,
        )
        return replace(self, _tripped=MappingProxyType({**self._tripped, scope: status}))

    def aimed(self, trips_to: TradingState) -> "BreakerPanel":
        """A trip means `trips_to` from now on, of the breakers tripped already as well; a strategy's stays halted."""
        tripped = {
            scope: status if isinstance(scope, str) else replace(status, trips_to=trips_to)
            for scope, status in self._tripped.items()
        }
        return replace(self, trips_to=trips_to, _tripped=MappingProxyType(tripped))

    def extend(self, scope: BreakerKey, until_us: int) -> "BreakerPanel":
        """Let a tripped breaker stay so until a later moment."""
        status = replace(self._tripped[scope], until_us=until_us)
        return replace(self, _tripped=MappingProxyType({**self._tripped, scope: status}))

    def close(self, scope: BreakerKey) -> "BreakerPanel":
        """Close one breaker; the others stay as they are."""
        kept = {key: status for key, status in self._tripped.items() if key != scope}
        return replace(self, _tripped=MappingProxyType(kept))

    @property
    def is_any_tripped(self) -> bool:
        """Whether any breaker at all is tripped."""
        return bool(self._tripped)

    def tripped(self) -> tuple[tuple[BreakerKey, BreakerStatus], ...]:
        """Every tripped breaker, in the order of tripping."""
        return tuple(self._tripped.items())

    def of(self, scope: BreakerKey) -> BreakerStatus | None:
        """The breaker of exactly this scope if it is tripped."""
        return self._tripped.get(scope)

    def effective(self, market_id: MarketId) -> TradingState:
        """What one market may do: the worse of its own breaker and the global one."""
        return worst(*(status.trips_to for status in self._holding(market_id)))

    def cause(self, market_id: MarketId) -> BreakerStatus | None:
        """The breaker that decides `effective`, the global one first; None when neither is tripped."""
        return max(self._holding(market_id), key=lambda status: _SEVERITY[status.trips_to], default=None)

    @property
    def everywhere(self) -> BreakerStatus | None:
        """The global breaker while it is tripped."""
        return self._tripped.get(None)

    def statuses(self, market_ids: Iterable[MarketId]) -> tuple[BreakerStatus, ...]:
        """The global breaker, then one for each of `market_ids`, then those of strategies that are tripped."""
        keys: tuple[MarketId | None, ...] = (None, *market_ids)
        known = (self._tripped.get(key) or BreakerStatus(market_id=key, trips_to=self.trips_to) for key in keys)
        return (*known, *(status for scope, status in self._tripped.items() if isinstance(scope, str)))

    def _holding(self, market_id: MarketId) -> tuple[BreakerStatus, ...]:
        keys: tuple[MarketId | None, ...] = (None, market_id)
        return tuple(self._tripped[key] for key in keys if key in self._tripped)
