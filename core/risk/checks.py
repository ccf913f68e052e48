"""The checks every order passes, one small function each, in the order of the two tables at the end.

A check answers None to let an order pass, or `Denied` with the numbers that decided. What cannot be known is denied.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.config import MarketLimits, RiskLimits
from core.decisions import Denied, DenyReason, TradingState
from core.model import BookStatus, Market, MarketStatus, OrderIntent, OrderType, Quote, Side, TimeInForce
from core.risk.exposure import MarketExposure, RiskView
from core.units import MAX_PRICE_TICKS, MAX_SIZE_STEPS, ZERO, MarketId, from_units, is_on_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One order before its judge: the intent and everything that was looked up for it."""

    intent: OrderIntent
    market: Market
    mark: Decimal
    exposure: MarketExposure
    limits: RiskLimits
    view: RiskView

    @property
    def own_limits(self) -> MarketLimits | None:
        """The limits set for this market alone."""
        return self.limits.markets.get(self.market.symbol)

    @property
    def reach(self) -> Decimal:
        """How far this order may take the position on its own side, in base units; zero when it can only shrink it."""
        return max(ZERO, self.exposure.reach(self.intent.side, self.intent.size))


_WIDEST: Final = 40
"""Digits before or after the point beyond which a number is shown with its exponent."""

StandingCheck = Callable[[OrderIntent, RiskView], Denied | None]
"""Needs no market: may anything be sent at all?"""
ShapeCheck = Callable[[OrderIntent, Market], Denied | None]
"""Is it an order that the market knows how to hold?"""
CaseCheck = Callable[[Case], Denied | None]
"""Does it fit the limits?"""


def plain(value: Decimal) -> str:
    """A number as a sentence shows it: no exponent, no padding zeros, thousands apart."""
    if abs(value.adjusted()) > _WIDEST:
        return str(value)
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_shrinking(intent: OrderIntent, exposure: MarketExposure) -> bool:
    """Whether this order, with all that already works on its side, can only bring the position nearer to flat."""
    return intent.size.is_finite() and intent.size > 0 and exposure.reach(intent.side, intent.size) <= 0


def not_killed(intent: OrderIntent, view: RiskView) -> Denied | None:
    """The kill switch stands above everything."""
    del intent
    return Denied(DenyReason.KILLED, "the kill switch is on: re-arm it first") if view.is_killed else None


def is_ready(intent: OrderIntent, view: RiskView) -> Denied | None:
    """Nothing trades before our belief was compared with the venue's."""
    del intent
    if view.is_ready:
        return None
    return Denied(DenyReason.NOT_READY, f"orders and positions are not reconciled yet{_because(view.trading_detail)}")


def breaker_allows(intent: OrderIntent, view: RiskView) -> Denied | None:
    """A tripped breaker lets only shrinking orders pass, or none."""
    cause = view.breakers.cause(intent.market_id)
    if cause is None:
        return None
    scope = "every market" if cause.market_id is None else _symbol(view, intent.market_id)
    who = f"the breaker of {scope} was tripped by {cause.by}{_because(cause.reason)}"
    return _held(intent, view, cause.trips_to, DenyReason.BREAKER_OPEN, who)


def state_allows(intent: OrderIntent, view: RiskView) -> Denied | None:
    """HALTED lets nothing pass, REDUCING only what shrinks."""
    reason = DenyReason.HALTED if view.trading is TradingState.HALTED else DenyReason.REDUCING
    who = f"trading is {view.trading.value}{_because(view.trading_detail)}"
    return _held(intent, view, view.trading, reason, who)


def market_trades(intent: OrderIntent, view: RiskView) -> Denied | None:
    """The venue must know the market and trade it."""
    market = view.markets.get(intent.market_id)
    if market is None:
        return Denied(
            DenyReason.UNKNOWN_MARKET, f"market {intent.market_id} is not one of the {len(view.markets)} known"
        )
    if market.status is MarketStatus.INACTIVE:
        return Denied(DenyReason.MARKET_CLOSED, f"{market.symbol} is inactive at the venue")
    if market.status is MarketStatus.REDUCE_ONLY:
        who = f"{market.symbol} is reduce-only at the venue"
        return _held(intent, view, TradingState.REDUCING, DenyReason.MARKET_CLOSED, who)
    return None


def has_something_to_reduce(intent: OrderIntent, view: RiskView) -> Denied | None:
    """The venue drops a reduce-only order that cannot reduce, without any word (measured): say it beforehand."""
    if not intent.reduce_only:
        return None
    position = view.exposure(intent.market_id).position
    if position * intent.side.sign < 0:
        return None
    symbol = _symbol(view, intent.market_id)
    held = (
        f"{symbol} is {'long' if position > 0 else 'short'} {plain(abs(position))}" if position else f"{symbol} is flat"
    )
    return Denied(DenyReason.NOTHING_TO_REDUCE, f"{held}: a reduce-only {intent.side.value} has nothing to reduce")


def price_in_range(intent: OrderIntent, market: Market) -> Denied | None:
    """One tick to 2**32 - 1 ticks: what the venue's price field holds."""
    return _in_range(intent.price, "price", market.price_decimals, MAX_PRICE_TICKS, market)


def size_in_range(intent: OrderIntent, market: Market) -> Denied | None:
    """One step to 2**48 - 1 steps: what the venue's size field holds."""
    return _in_range(intent.size, "size", market.size_decimals, MAX_SIZE_STEPS, market)


def price_on_tick(intent: OrderIntent, market: Market) -> Denied | None:
    """A price is a whole number of ticks; rounding it is never ours to do."""
    if is_on_grid(intent.price, market.price_decimals):
        return None
    text = f"price {plain(intent.price)} is not a multiple of {market.symbol}'s tick {market.tick}"
    return Denied(DenyReason.OFF_TICK, text)


def size_on_step(intent: OrderIntent, market: Market) -> Denied | None:
    """A size is a whole number of steps."""
    if is_on_grid(intent.size, market.size_decimals):
        return None
    text = f"size {plain(intent.size)} is not a multiple of {market.symbol}'s step {market.step}"
    return Denied(DenyReason.OFF_STEP, text)


def above_minimum(intent: OrderIntent, market: Market) -> Denied | None:
    """The larger of both minimums holds, for resting orders alone (apidocs, orderBookDetails); closing is exempt."""
    if intent.reduce_only or not rests(intent):
        return None
    if intent.size < market.min_size:
        text = f"size {plain(intent.size)} is below {market.symbol}'s minimum of {plain(market.min_size)}"
        return Denied(DenyReason.BELOW_MINIMUM, text)
    if intent.notional < market.min_notional:
        minimum = plain(market.min_notional)
        text = f"{plain(intent.notional)} USDC is below {market.symbol}'s minimum of {minimum} USDC"
        return Denied(DenyReason.BELOW_MINIMUM, text)
    return None


def rests(intent: OrderIntent) -> bool:
    """Whether the order may stay in the book."""
    return intent.type is OrderType.LIMIT and intent.tif is not TimeInForce.IOC


def book_is_live(symbol: str, quote: Quote | None) -> Denied | None:
    """No order on a book that is silent, broken or empty."""
    if quote is None:
        return Denied(DenyReason.STALE_DATA, f"{symbol} has no book yet")
    if quote.status is not BookStatus.LIVE:
        return Denied(DenyReason.STALE_DATA, f"{symbol}'s book is {quote.status.value}{_because(quote.reason)}")
    if quote.bid is None and quote.ask is None:
        return Denied(DenyReason.STALE_DATA, f"{symbol}'s book is empty on both sides")
    if quote.bid is not None and quote.ask is not None and quote.bid >= quote.ask:
        text = f"{symbol}'s book is crossed: bid {plain(quote.bid)}, ask {plain(quote.ask)}"
        return Denied(DenyReason.STALE_DATA, text)
    return None


def order_size(case: Case) -> Denied | None:
    """The largest single order of this market, in base units."""
    limit = None if case.own_limits is None else case.own_limits.max_order_size
    if limit is None or case.intent.size <= limit:
        return None
    text = f"size {plain(case.intent.size)} {case.market.symbol} is above max_order_size {plain(limit)}"
    return Denied(DenyReason.MAX_ORDER_SIZE, text)


def order_notional(case: Case) -> Denied | None:
    """The largest single order in USDC, at mark or limit price, whichever is worse."""
    price = max(case.mark, case.intent.price)
    notional = case.intent.size * price
    limit = case.limits.max_order_notional
    if notional <= limit:
        return None
    text = f"{plain(case.intent.size)} at {plain(price)} is {_usdc(notional)}, above max_order_notional {_usdc(limit)}"
    return Denied(DenyReason.MAX_ORDER_NOTIONAL, text)


def position_size(case: Case) -> Denied | None:
    """The largest position of this market, in base units, if everything on this side fills."""
    limit = None if case.own_limits is None else case.own_limits.max_position_size
    if limit is None or case.reach <= limit:
        return None
    reach = f"{plain(case.reach)} {case.market.symbol}"
    text = f"the {_side(case)} could reach {reach}, above max_position_size {plain(limit)}"
    return Denied(DenyReason.MAX_POSITION, text)


def position_notional(case: Case) -> Denied | None:
    """The largest position of one market in USDC on the mark, if everything on this side fills."""
    notional = case.reach * case.mark
    limit = case.limits.max_position_notional
    if notional <= limit:
        return None
    who = f"the {case.market.symbol} {_side(case)}"
    text = f"{who} could reach {_usdc(notional)}, above max_position_notional {_usdc(limit)}"
    return Denied(DenyReason.MAX_POSITION, text)


def gross_notional(case: Case) -> Denied | None:
    """All markets together in USDC on their marks, each at its worst; an order that adds nothing to it passes."""
    after = case.exposure.adding(case.intent.side, case.intent.size).worst
    if after <= case.exposure.worst:
        return None
    total = after * case.mark
    for market_id, exposure in case.view.exposures.items():
        if market_id == case.market.id or exposure.is_flat:
            continue
        mark = case.view.mark(market_id)
        if mark is None:
            symbol = _symbol(case.view, market_id)
            return Denied(DenyReason.NO_MARK, f"gross exposure cannot be known: {symbol} has no mark price")
        total += exposure.worst * mark
    limit = case.limits.max_gross_notional
    if total <= limit:
        return None
    text = f"all markets together could reach {_usdc(total)}, above max_gross_notional {_usdc(limit)}"
    return Denied(DenyReason.MAX_GROSS, text)


def open_orders(case: Case) -> Denied | None:
    """How many orders may be live at once; one that cannot rest takes no place."""
    limit = case.limits.max_open_orders
    if not rests(case.intent) or case.view.open_orders < limit:
        return None
    return Denied(DenyReason.MAX_OPEN_ORDERS, f"{case.view.open_orders} orders may be live, max_open_orders is {limit}")


def _held(intent: OrderIntent, view: RiskView, state: TradingState, reason: DenyReason, who: str) -> Denied | None:
    exposure = view.exposure(intent.market_id)
    if state is TradingState.ACTIVE or (state is TradingState.REDUCING and is_shrinking(intent, exposure)):
        return None
    if state is TradingState.HALTED:
        return Denied(reason, f"{who}: no new orders")
    working = exposure.open_buys if intent.side is Side.BUY else exposure.open_sells
    text = (
        f"{who}: only orders that shrink the position; it is {plain(exposure.position)} with {plain(working)} "
        f"already working on that side, and this would {intent.side.value} {plain(intent.size)}"
    )
    return Denied(reason, text)


def _in_range(value: Decimal, what: str, decimals: int, most: int, market: Market) -> Denied | None:
    low, high = from_units(1, decimals), from_units(most, decimals)
    if value.is_finite() and low <= value <= high:
        return None
    text = f"{what} {value} is outside of what {market.symbol} takes: {plain(low)} to {plain(high)}"
    return Denied(DenyReason.OUT_OF_RANGE, text)


def _because(detail: str) -> str:
    return f" ({detail})" if detail else ""


def _symbol(view: RiskView, market_id: MarketId) -> str:
    market = view.markets.get(market_id)
    return f"market {market_id}" if market is None else market.symbol


def _side(case: Case) -> str:
    return "long side" if case.intent.side is Side.BUY else "short side"


def _usdc(value: Decimal) -> str:
    return f"{value:,.2f} USDC"


STANDING: Final[tuple[StandingCheck, ...]] = (
    not_killed,
    is_ready,
    breaker_allows,
    state_allows,
    market_trades,
    has_something_to_reduce,
)
SHAPE: Final[tuple[ShapeCheck, ...]] = (price_in_range, size_in_range, price_on_tick, size_on_step, above_minimum)
LIMITS: Final[tuple[CaseCheck, ...]] = (
    order_size,
    order_notional,
    position_size,
    position_notional,
    gross_notional,
    open_orders,
)
