"""The demo strategy of the paper profile: quotes both sides of a few markets so that a newcomer sees a bot at work.

It is made to be watched, not to earn: it joins the touch now and then to be filled, and leans against its inventory.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Final

from core.clock import SECOND_US
from core.model import BookStatus, Market, Quote, Side
from core.risk import Edge
from core.strategy import NoQuote, Signal, StrategyView, WantQuote
from core.units import ZERO, floor_to

NAME: Final = "demo"
MAX_INVENTORY: Final = Decimal(3_000)
"""USDC, long or short, in one market; beyond it only the side that shrinks is quoted."""
_DISTANCE: Final = Decimal("0.0003")
"""Fraction of the price between a patient quote and the touch."""
_TOLERANCE: Final = Decimal("0.0003")
"""Fraction of the price that the wish may move before an order is replaced."""
_SKEW: Final = Decimal("0.0006")
"""Fraction of the price that a full inventory pushes the growing side away."""
_TURN_US: Final = 6 * SECOND_US
_TURNS: Final = 3
"""Every third turn a side goes to the touch; both sides and neighbouring markets take different turns."""
_EDGE: Final = Decimal("0.51")
"""What it pretends to know: a little more than even odds."""


class DemoMaker:
    """Quotes both sides of its markets, post-only."""

    def __init__(self, markets: Sequence[str]) -> None:
        self._markets = tuple(markets)

    @property
    def name(self) -> str:
        """The origin its orders carry."""
        return NAME

    @property
    def markets(self) -> tuple[str, ...]:
        """Symbols it quotes."""
        return self._markets

    @property
    def parameters(self) -> Mapping[str, object]:
        """What it trades by, for the desk."""
        return {
            "max_inventory_usdc": MAX_INVENTORY,
            "distance": _DISTANCE,
            "tolerance": _TOLERANCE,
            "skew": _SKEW,
            "turn_s": _TURN_US // SECOND_US,
        }

    def on_state(self, view: StrategyView) -> Sequence[Signal]:
        """One wish for each side of each market that the venue trades."""
        return [
            self._wish(market, side, view)
            for symbol in self._markets
            if (market := view.markets.get(symbol)) is not None
            for side in Side
        ]

    def _wish(self, market: Market, side: Side, view: StrategyView) -> Signal:
        quote = view.quotes.get(market.id)
        if quote is None or quote.status is not BookStatus.LIVE or quote.bid is None or quote.ask is None:
            return NoQuote(market_id=market.id, side=side, reason="no live book")
        held = view.positions.get(market.id, ZERO) * side.sign * (quote.mark or quote.bid)
        if held >= MAX_INVENTORY:
            return NoQuote(market_id=market.id, side=side, reason="inventory is full")
        turn = view.now.utc_us // _TURN_US + market.id + (side is Side.BUY)
        is_eager = turn % _TURNS == 0 or held <= -MAX_INVENTORY / 2
        own = {
            task.intent.price
            for task in view.orders
            if task.intent.market_id == market.id and task.intent.side is side and task.order.status.is_open
        }
        price = _eager(market, side, quote, own) if is_eager else _patient(market, side, quote, held)
        return WantQuote(
            market_id=market.id,
            side=side,
            price=price,
            tolerance=ZERO if is_eager else max(market.tick, price * _TOLERANCE),
            edge=Edge(win_probability=_EDGE, payoff=Decimal(1), trades=view.trades),
        )


def _eager(market: Market, side: Side, quote: Quote, own: AbstractSet[Decimal]) -> Decimal:
    """One tick better than the touch where the spread has room, else at the touch; never outbids itself."""
    touch, other = _sides(quote, side)
    if touch in own:
        return touch
    better = touch + market.tick * side.sign
    return better if better * side.sign < other * side.sign else touch


def _patient(market: Market, side: Side, quote: Quote, held: Decimal) -> Decimal:
    """Away from the touch, further when the inventory already leans this way."""
    touch, _ = _sides(quote, side)
    lean = max(ZERO, held) / MAX_INVENTORY * _SKEW
    away = max(market.tick, floor_to(touch * (_DISTANCE + lean), market.price_decimals))
    return max(market.tick, touch - away * side.sign)


def _sides(quote: Quote, side: Side) -> tuple[Decimal, Decimal]:
    """The touch on our side and on the other; both are known where this is asked."""
    bid, ask = quote.bid or ZERO, quote.ask or ZERO
    return (bid, ask) if side is Side.BUY else (ask, bid)
