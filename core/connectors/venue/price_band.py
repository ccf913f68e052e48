"""Prices that can only be slips of the finger, and the codes they are refused with.

The venue refuses them and does not publish where it begins to: the band is a setting, and without one nothing is
refused. Pure.
"""

from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.market import MarketState

_WHOLE = 100


def check(market: MarketState, price: int, *, is_ask: bool, percent: int | None) -> Refusal | None:
    """Refuse a price (ticks) more than `percent` worse than the best one it could trade at, or than the mark."""
    if percent is None:
        return None
    best = (market.book.bids if is_ask else market.book.asks).best()
    if best is not None and _is_beyond(price, best, percent, is_ask=is_ask):
        return Refusal(Code.ACCIDENTAL_PRICE, "order price is accidental: too far beyond the best price")
    if _is_beyond(price, market.mark, percent, is_ask=is_ask):
        return Refusal(Code.FAR_FROM_MARK, "order price is too far from the mark price")
    return None


def _is_beyond(price: int, fair: int, percent: int, *, is_ask: bool) -> bool:
    worst = fair * (_WHOLE - percent if is_ask else _WHOLE + percent)
    return price * _WHOLE < worst if is_ask else price * _WHOLE > worst
