"""How far a market's mark price moves in a day, by what it did over the last hours. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS
from core.model import BookStatus, Quote
from core.units import ZERO, MarketId

INTERVAL_NS: Final = 60 * SECOND_NS
"""Between two observations: long enough that a tick up and down again is no move."""
KEPT: Final = 240
"""Moves of one market that count: four hours of them."""
_DAY_NS: Final = 86_400 * SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility:
    """An estimate, and how much it rests on."""

    daily_move: Decimal = ZERO
    """Standard deviation of a day's move as a fraction of the price; zero where nothing was seen to move."""
    moves: int = 0


UNSEEN: Final = Volatility()


class MarkMoves:
    """The newest moves of every market, each with the time it took: a pause makes one long move, never none."""

    def __init__(self) -> None:
        """Nothing seen."""
        self._due_ns: int | None = None
        self._last: dict[MarketId, tuple[int, Decimal]] = {}
        self._moves: dict[MarketId, deque[tuple[int, Decimal]]] = {}

    def observe(self, quotes: Iterable[Quote], now_ns: int) -> None:
        """Take in the marks of this moment (monotonic), once an interval; one that may be old is passed over."""
        if self._due_ns is not None and now_ns < self._due_ns:
            return
        self._due_ns = now_ns + INTERVAL_NS
        for quote in quotes:
            if quote.status is not BookStatus.LIVE or quote.mark is None or quote.mark <= 0:
                continue
            last = self._last.get(quote.market_id)
            if last is not None and now_ns > last[0]:
                moves = self._moves.setdefault(quote.market_id, deque(maxlen=KEPT))
                moves.append((now_ns - last[0], (quote.mark / last[1] - 1) ** 2))
            self._last[quote.market_id] = (now_ns, quote.mark)

    def of(self, market_id: MarketId) -> Volatility:
        """The square root of the squared moves' sum over their time, stretched to a day; no drift is assumed."""
        moves = self._moves.get(market_id)
        if not moves:
            return UNSEEN
        took_ns, squares = sum(took for took, _ in moves), sum((square for _, square in moves), ZERO)
        return Volatility(daily_move=(squares * _DAY_NS / took_ns).sqrt(), moves=len(moves))
