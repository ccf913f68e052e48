"""A close look at one market: its book, its public tape and its candles, as of one moment. For the eye only."""

from dataclasses import dataclass

from core.model import BookStatus, BookView
from core.tape import Candle, Tape
from core.units import MarketId


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketLook:
    """What the engine last saw of a market that somebody looks at."""

    market_id: MarketId
    book: BookView
    tape: Tape
    candles: tuple[Candle, ...] = ()
    """Oldest first, one a minute; the last may still be running."""
    candles_ns: int = 0
    """When they were had, monotonic; 0 before the first answer."""
    candles_fault: str = ""
    """Why the newest attempt to have them failed; empty when it did not."""


def nothing_yet(market_id: MarketId) -> MarketLook:
    """Before anything was seen."""
    return MarketLook(
        market_id=market_id,
        book=BookView(market_id=market_id, status=BookStatus.EMPTY),
        tape=Tape(market_id=market_id, status=BookStatus.EMPTY),
    )
