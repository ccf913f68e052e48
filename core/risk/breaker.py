"""The circuit breakers, one for everything and one per market, as one immutable value; time is an argument."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from core.decisions import TradingState
from core.state import BreakerStatus
from core.units import MarketId

_SEVERITY: Final = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}


def worst(*states: TradingState) -> TradingState:
    """The most restrictive of these states; ACTIVE when there are none."""
    return max(states, key=_SEVERITY.__getitem__, default=TradingState.ACTIVE)


@dataclass(frozen=True, slots=True)
class BreakerPanel:
    """Which breakers are tripped, by whom, why and when."""

    trips_to: TradingState
    _tripped: Mapping[MarketId | None, BreakerStatus] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def closed(cls, trips_to: TradingState) -> "BreakerPanel":
        """No breaker tripped; a trip will mean `trips_to`."""
        return cls(trips_to)

    def trip(self, market_id: MarketId | None, *, by: str, reason: str, at_us: int) -> "BreakerPanel":
        """Trip one market's breaker, or the global one when `market_id` is None.

        A breaker that is tripped already keeps its first cause and moment.
        """
        if market_id in self._tripped:
            return self
        status = BreakerStatus(
            market_id=market_id, is_tripped=True, by=by, reason=reason, at_us=at_us, trips_to=self.trips_to
        )
        return replace(self, _tripped=MappingProxyType({**self._tripped, market_id: status}))

    def close(self, market_id: MarketId | None) -> "BreakerPanel":
        """Close one breaker; the others stay as they are."""
        kept = {key: status for key, status in self._tripped.items() if key != market_id}
        return replace(self, _tripped=MappingProxyType(kept))

    def effective(self, market_id: MarketId) -> TradingState:
        """What one market may do: the worse of its own breaker and the global one."""
        return worst(*(status.trips_to for status in self._holding(market_id)))

    def cause(self, market_id: MarketId) -> BreakerStatus | None:
        """The breaker that decides `effective`, the global one first; None when neither is tripped."""
        return max(self._holding(market_id), key=lambda status: _SEVERITY[status.trips_to], default=None)

    def statuses(self, market_ids: Iterable[MarketId]) -> tuple[BreakerStatus, ...]:
        """The global breaker, then one for each of `market_ids`."""
        keys: tuple[MarketId | None, ...] = (None, *market_ids)
        return tuple(self._tripped.get(key) or BreakerStatus(market_id=key, trips_to=self.trips_to) for key in keys)

    def _holding(self, market_id: MarketId) -> tuple[BreakerStatus, ...]:
        keys: tuple[MarketId | None, ...] = (None, market_id)
        return tuple(self._tripped[key] for key in keys if key in self._tripped)
