"""What the ticket's text means: pure, so that every keystroke can be judged and every sentence tested."""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from core.model import Market, Order, OrderIntent, OrderType, Quote, Side, TimeInForce
from core.units import is_on_grid, parse_decimal
from tui.format import clean, decimal, trimmed

SLIPPAGE: Final = Decimal("0.005")
"""How far past the touch a market order may go unless the operator says otherwise: half a percent."""
_SHOWN: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketText:
    """The ticket as it stands, unparsed."""

    market: str
    side: Side
    type: OrderType
    size: str
    price: str
    tif: TimeInForce
    is_reduce_only: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the text is not an order yet: one sentence."""

    text: str


def find_market(text: str, markets: tuple[Market, ...]) -> Market | None:
    """The market of this symbol, written in full; letter case does not matter.

    No guess from a beginning: a digit meant for the size must not become a market.
    """
    wanted = text.strip().upper()
    return next((market for market in markets if market.symbol.upper() == wanted), None)


def fills_at_once(intent: OrderIntent, quote: Quote | None) -> bool:
    """Whether an order that may rest reaches the other side's touch: it trades the moment it arrives."""
    if quote is None or intent.type is not OrderType.LIMIT:
        return False
    touch = quote.ask if intent.side is Side.BUY else quote.bid
    return touch is not None and (intent.price - touch) * intent.side.sign >= 0


def read_ticket(text: TicketText, markets: tuple[Market, ...]) -> OrderIntent | Problem:
    """The order the text describes, or the first thing that keeps it from being one."""
    market = find_market(text.market, markets)
    if market is None:
        return Problem(_no_market(text.market, markets))
    try:
        size = on_grid(parse_decimal(text.size, "size"), market.size_decimals, "size", market)
        price = on_grid(parse_decimal(text.price, "price"), market.price_decimals, "price", market)
    except ValueError as error:
        return Problem(str(error))
    return OrderIntent(
        market_id=market.id,
        side=text.side,
        type=text.type,
        size=size,
        price=price,
        tif=TimeInForce.IOC if text.type is OrderType.MARKET else text.tif,
        reduce_only=text.is_reduce_only,
    )


def read_change(order: Order, size: str, price: str, market: Market) -> OrderIntent | Problem:
    """What the order would be with this size and price, or why it cannot be that."""
    try:
        wanted = on_grid(parse_decimal(size, "size"), market.size_decimals, "size", market)
        limit = on_grid(parse_decimal(price, "price"), market.price_decimals, "price", market)
    except ValueError as error:
        return Problem(str(error))
    if (wanted, limit) == (order.intent.size, order.intent.price):
        return Problem("that is what it is already")
    if wanted <= order.filled:
        return Problem(
            f"size: {trimmed(order.filled)} is filled already and counts towards it: expected more, or cancel it"
        )
    return replace(order.intent, size=wanted, price=limit)


def prefill(market: Market, quote: Quote | None, side: Side, type_: OrderType) -> str:
    """The price to begin with: our own side's touch, or the worst price of a market order; empty when unknown."""
    if quote is None:
        return ""
    if type_ is OrderType.LIMIT:
        touch = quote.bid if side is Side.BUY else quote.ask
        return "" if touch is None else decimal(touch, market.price_decimals)
    far = quote.ask if side is Side.BUY else quote.bid
    if far is None:
        return ""
    rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING  # never worse than half a percent
    worst = (far * (1 + side.sign * SLIPPAGE)).quantize(market.tick, rounding=rounding)
    return f"{worst:f}" if worst > 0 else ""


def on_grid(value: Decimal, decimals: int, what: str, market: Market) -> Decimal:
    """The value, which is a whole number of the market's steps.

    Raises:
        ValueError: it is not; one sentence.
    """
    if not is_on_grid(value, decimals):
        step = trimmed(market.tick if what == "price" else market.step)
        raise ValueError(f"{what}: {market.symbol} moves in steps of {step}, got {trimmed(value)}")
    return value


def _no_market(text: str, markets: tuple[Market, ...]) -> str:
    known = ", ".join(market.symbol for market in markets[:6])
    more = ", …" if len(markets) > 6 else ""
    typed = clean(text.strip(), _SHOWN)
    return (
        f"market: expected one of {known}{more}; got {typed!r}" if typed else f"market: expected one of {known}{more}"
    )
