"""The worst case of all markets together, kept up to date market by market. Pure."""

from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

from core.risk.exposure import MarketExposure, Totals
from core.units import ZERO, MarketId

_EXACT: Final = Context(prec=100)
"""What is added today is taken away next week: nothing may be left of it."""


@dataclass(frozen=True, slots=True)
class _Part:
    worth: Decimal
    margin: Decimal


class RunningTotals:
    """Sums over markets; each market is told of when its exposure or its mark changes."""

    def __init__(self) -> None:
        self._parts: dict[MarketId, _Part] = {}
        self._unpriced: frozenset[MarketId] = frozenset()
        self._gross = ZERO
        self._margin = ZERO

    def put(self, market_id: MarketId, exposure: MarketExposure, mark: Decimal | None, initial_margin: Decimal) -> None:
        """One market as it is now: exposure in base units, mark in USDC (None: unknown), margin as a fraction."""
        old = self._parts.pop(market_id, None)
        if old is not None:
            self._gross = _EXACT.subtract(self._gross, old.worth)
            self._margin = _EXACT.subtract(self._margin, old.margin)
        is_unpriced = mark is None and not exposure.is_flat
        if is_unpriced != (market_id in self._unpriced):
            self._unpriced ^= {market_id}
        if mark is None or exposure.is_flat:
            return
        worth = _EXACT.multiply(exposure.worst, mark)
        part = _Part(worth, _EXACT.multiply(worth, initial_margin))
        self._parts[market_id] = part
        self._gross = _EXACT.add(self._gross, part.worth)
        self._margin = _EXACT.add(self._margin, part.margin)

    def now(self, open_notional: Decimal) -> Totals:
        """The sums, with the unexecuted value of every order in USDC."""
        return Totals(gross=self._gross, margin=self._margin, open_notional=open_notional, unpriced=self._unpriced)
