"""Whether the fills told explain the positions told: one that moved without them means that fills were missed. Pure.

Trades and positions come by channels of their own, and either may fall silent while the other speaks. Whatever order
their frames come in, a position told is one that some of the fills told, the oldest first, lead to. Of a fill told
shortly before or after a list of all positions, or by REST, nobody says whether the list includes it: both may be,
until it was quiet for a while and all that was told has to fit. While fills keep coming a little later than the
positions they move, there is always one position that is not explained, but never for long: that is no silence.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from typing import Final, NamedTuple

from core.clock import SECOND_NS
from core.model import Fill, Position, Side, TradeKey
from core.units import ZERO, MarketId

PATIENCE_NS: Final = 5 * SECOND_NS
"""A fill may be told so much later than the position it moved, by the stream; and once more so much later by REST."""
_REMEMBERED: Final = 20_000
"""Fills, so that one told twice counts once."""
_NEAR: Final = 64
"""Fills of a market that a list which comes shortly after them may lack; and positions that wait to be explained."""
_MOST: Final = 256
"""So many ways to read a list are kept; with more of them anything would be explained."""


class _Told(NamedTuple):
    """A fill; they sort by time, then trade."""

    time_us: int
    trade_id: int
    size: Decimal
    """Signed."""
    at_ns: int
    """When the stream told it; 0 for REST."""


class _Move(NamedTuple):
    """A position told."""

    size: Decimal
    at_ns: int


@dataclass(slots=True)
class _Tally:
    """One market: a position that was believed, and what was told since."""

    base: Decimal = ZERO
    """The position before `fills`, if the list includes none of them."""
    others: set[Decimal] = field(default_factory=set)
    """What it was before them, if the list includes some."""
    told: Decimal = ZERO
    """The newest position told."""
    known: Decimal = ZERO
    """The newest that was explained."""
    moves: list[_Move] = field(default_factory=list)
    """Those not explained yet, oldest first."""
    newest_us: int = 0
    fills: list[_Told] = field(default_factory=list)
    near: list[_Told] = field(default_factory=list)
    """The newest fills of all."""
    listed_ns: int = 0
    last_ns: int = 0
    """When anything was last told."""
    said_ns: int | None = None

    def relist(self, size: Decimal, time_us: int, now_ns: int) -> None:
        """A complete list says so."""
        self._believe(size)
        self.newest_us, self.listed_ns, self.last_ns = time_us, now_ns, now_ns
        self.fills = sorted(one for one in self.near if now_ns - one.at_ns <= PATIENCE_NS)
        for one in self.fills:
            self._doubt(one)

    def move(self, size: Decimal, time_us: int, now_ns: int) -> None:
        """A position was told; frames may come in the wrong order."""
        if time_us >= self.newest_us:
            self.newest_us, self.last_ns, self.told = time_us, now_ns, size
            self.moves = [*self.moves[1 - _NEAR :], _Move(size, now_ns)]

    def fill(self, told: _Told) -> None:
        """A fill was told."""
        self.fills.append(told)
        self.near = [*self.near[1 - _NEAR :], told]
        self.last_ns = max(self.last_ns, told.at_ns)
        if told.at_ns <= self.listed_ns + PATIENCE_NS:
            self._doubt(told)

    def is_explained(self, now_ns: int) -> bool:
        """Whether the fills told lead to each position told a while ago, and once it is quiet exactly to the newest."""
        self.fills.sort()
        bases = {self.base, *self.others}
        sums = [*accumulate((one.size for one in self.fills), initial=ZERO)]
        if self.moves:
            reached = {base + made for base in bases for made in sums}
            self.known = next((one.size for one in reversed(self.moves) if one.size in reached), self.known)
            self.moves = [one for one in self.moves if one.size not in reached]
        if any(now_ns - one.at_ns >= PATIENCE_NS for one in self.moves):
            return False
        if now_ns - self.last_ns < PATIENCE_NS:
            self._fold(now_ns - 3 * PATIENCE_NS)
        elif self.told - sums[-1] in bases:
            self._believe(self.told)
        else:
            return False
        self.said_ns = None
        return True

    def suspect(self, market_id: MarketId, now_ns: int) -> str:
        """It is not explained: say so, and believe the position when even REST brings no fill for it."""
        if self.said_ns is None and len(self.others) < _MOST:
            self.said_ns = now_ns
            made = self.base + sum((one.size for one in self.fills), ZERO)
            return f"the position in market {market_id} went from {self.known} to {self.told}, the fills make it {made}"
        if self.said_ns is None or now_ns - self.said_ns >= PATIENCE_NS:
            self._believe(self.told)
        return ""

    def _doubt(self, told: _Told) -> None:
        """The list may include this fill."""
        if len(self.others) < _MOST:
            self.others |= {one - told.size for one in (self.base, *self.others)}

    def _fold(self, until_ns: int) -> None:
        """Fills that old are included in every position told, however the list is read."""
        while self.fills and self.fills[0].at_ns <= until_ns:
            size = self.fills.pop(0).size
            self.base, self.others = self.base + size, {one + size for one in self.others}

    def _believe(self, size: Decimal) -> None:
        self.base = self.told = self.known = size
        self.others, self.fills, self.moves = set(), [], []
        self.said_ns = None


class Tallies:
    """Every market of one account."""

    def __init__(self) -> None:
        """Nothing told."""
        self._of: dict[MarketId, _Tally] = {}
        self._seen: OrderedDict[TradeKey, None] = OrderedDict()
        self._has_list = False
        self._listed_ns = 0

    def positions(self, positions: Iterable[Position], now_ns: int, *, is_complete: bool) -> None:
        """The stream told of these positions, of all that there are when it `is_complete`."""
        if not is_complete:
            for one in positions:
                self._in(one.market_id).move(one.size, one.time_us, now_ns)
            return
        self._has_list, self._listed_ns = True, now_ns
        listed = {one.market_id: one for one in positions}
        for market_id in {*self._of, *listed}:
            known = listed.get(market_id)
            size, time_us = (known.size, known.time_us) if known else (ZERO, 0)
            self._in(market_id).relist(size, time_us, now_ns)

    def filled(self, fill: Fill, now_ns: int) -> None:
        """This fill was told, by the stream at `now_ns`; by REST, long after it happened, at 0."""
        if fill.key in self._seen:
            return
        self._seen[fill.key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        size = fill.size if fill.side is Side.BUY else -fill.size
        self._in(fill.market_id).fill(_Told(fill.time_us, fill.trade_id, size, now_ns))

    def missed(self, now_ns: int) -> str:
        """A position that the fills have not explained for a while, as a sentence, once; nothing when all is well."""
        if not self._has_list:
            return ""
        said = [one.suspect(market_id, now_ns) for market_id, one in self._of.items() if not one.is_explained(now_ns)]
        return "; ".join(sentence for sentence in said if sentence)

    def forget(self) -> None:
        """The stream is gone: there is nothing to compare before its next complete list."""
        self._of.clear()
        self._has_list = False

    def _in(self, market_id: MarketId) -> _Tally:
        """What is known of a market; one that the list left out is flat."""
        return self._of.setdefault(market_id, _Tally(listed_ns=self._listed_ns))
