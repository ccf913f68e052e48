"""Whether the fills told explain the positions told: one that moved without them means that fills were missed. Pure.

Trades and positions come by channels of their own, and either may fall silent while the other speaks. Whatever order
their frames come in, a position told is one that some of the fills told, the oldest first, lead to. A list of all
positions does not say which fills it includes: the first move after one is believed when any fill was told.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS
from core.model import Fill, Position, Side, TradeKey
from core.units import ZERO, MarketId

PATIENCE_NS: Final = 5 * SECOND_NS
"""A fill may be told so much later than the position it moved, by the stream; and once more so much later by REST."""
_REMEMBERED: Final = 20_000
"""Fills, so that one told twice counts once."""


@dataclass(slots=True)
class _Tally:
    """One market: from a position that was believed, to the newest one told."""

    base: Decimal = ZERO
    told: Decimal = ZERO
    told_us: int = 0
    """0 where the venue did not say."""
    is_listed: bool = True
    """`base` is of a complete list, and nothing has moved since."""
    fills: list[tuple[int, int, Decimal]] = field(default_factory=list)
    """Time, trade and signed size of those that `base` is not known to include."""
    since_ns: int | None = None
    """Since when they are seen not to explain it."""
    is_said: bool = False

    def explain(self) -> bool:
        """Whether the fills told lead to the position told, which may be behind them; what explains it is done with."""
        if self.told == self.base:
            self._believe(self.fills, is_listed=self.is_listed)
            return True
        self.fills.sort()
        size = self.base
        for place, fill in enumerate(self.fills, 1):
            size += fill[2]
            if size == self.told:
                self._believe(self.fills[place:])
                return True
        return False

    def suspect(self, market_id: MarketId, now_ns: int) -> str:
        """It is not explained: wait, then say so, and believe the position when even REST brings no fill for it."""
        if self.since_ns is None:
            self.since_ns = now_ns
        elif now_ns - self.since_ns >= PATIENCE_NS:
            if self.is_said or (self.is_listed and self.fills):  # of those, some may be older than the list
                self._believe([])
                return ""
            self.is_said, self.since_ns = True, now_ns
            made = self.base + sum((size for _, _, size in self.fills), ZERO)
            return f"the position in market {market_id} went from {self.base} to {self.told}, the fills make it {made}"
        return ""

    def _believe(self, fills: list[tuple[int, int, Decimal]], *, is_listed: bool = False) -> None:
        self.base, self.fills, self.is_listed, self.since_ns, self.is_said = self.told, fills, is_listed, None, False


class Tallies:
    """Every market of one account."""

    def __init__(self) -> None:
        """Nothing told."""
        self._of: dict[MarketId, _Tally] = {}
        self._seen: OrderedDict[TradeKey, None] = OrderedDict()
        self._has_list = False

    def positions(self, positions: Iterable[Position], *, is_complete: bool) -> None:
        """The stream told of these positions, of all that there are when it `is_complete`."""
        if is_complete:
            self._has_list = True
            self._of = {market_id: _Tally(fills=one.fills) for market_id, one in self._of.items()}
        if not self._has_list:
            return
        for one in positions:
            tally = self._of.setdefault(one.market_id, _Tally())
            if is_complete:
                tally.base = one.size
            if one.time_us >= tally.told_us:  # frames may come in the wrong order
                tally.told, tally.told_us = one.size, one.time_us

    def filled(self, fill: Fill) -> None:
        """This fill was told, by the stream or by REST."""
        if fill.key in self._seen:
            return
        self._seen[fill.key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        if self._has_list:
            size = fill.size if fill.side is Side.BUY else -fill.size
            self._of.setdefault(fill.market_id, _Tally()).fills.append((fill.time_us, fill.trade_id, size))

    def missed(self, now_ns: int) -> str:
        """A position that the fills have not explained for a while, as a sentence, once; nothing when all is well."""
        said = [one.suspect(market_id, now_ns) for market_id, one in self._of.items() if not one.explain()]
        return "; ".join(sentence for sentence in said if sentence)

    def forget(self) -> None:
        """The stream is gone: there is nothing to compare before its next complete list."""
        self._of.clear()
        self._has_list = False
