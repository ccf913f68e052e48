"""One order before its judge: the order and everything that was looked up for it. Pure.

What is said of a denial is put together here too: every sentence names the numbers that decided.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.decisions import Denied, DenyReason, TradingState
from core.limits import MarketLimits, RiskLimits, SelfTrade
from core.model import Market, OrderIntent, OrderType, Origin, Quote, Side, TimeInForce
from core.risk.exposure import NO_EXPOSURE, MarketExposure, RiskView
from core.units import MAX_PRICE_TICKS, MAX_SIZE_STEPS, MarketId, from_units

_HUNDRED: Final = Decimal(100)
_BUY: Final = Side.BUY  # looking a member up in its enum costs as much as a check
_LIMIT: Final = OrderType.LIMIT
_IOC: Final = TimeInForce.IOC
_WIDEST: Final = 40
"""Digits before or after the point beyond which a number is shown with its exponent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of one market, its own where it has them; worked out once for as long as limits and market stand."""

    market: Market
    own: MarketLimits
    lowest_price: Decimal
    highest_price: Decimal
    lowest_size: Decimal
    highest_size: Decimal
    tick: Decimal
    step: Decimal
    max_order_size: Decimal | None
    max_position_size: Decimal | None
    max_order_notional: Decimal
    max_position_notional: Decimal
    max_mark_factor: Decimal
    """1.1 where a price may be ten percent beyond the mark."""
    min_mark_factor: Decimal
    max_touch_factor: Decimal
    min_touch_factor: Decimal
    max_resting_factor: Decimal | None
    """1.5 where a sell may rest fifty percent above the mark, a buy as far below it; None without a limit."""
    max_walk_factor: Decimal
    min_walk_factor: Decimal
    min_gap_factor: Decimal
    max_gap_factor: Decimal
    max_gross_notional: Decimal
    max_open_notional: Decimal
    max_open_orders: int
    max_capital: Decimal | None
    margin_factor: Decimal
    """The share of equity that may stand as initial margin."""
    max_messages: int
    max_growing_messages: int
    """For orders that may grow a position: less the reserve."""
    is_self_trade_denied: bool
    is_restricted: bool
    """Positions may only be closed here."""

    @classmethod
    def of(cls, limits: RiskLimits, market: Market) -> "Bounds":
        """What holds in `market`."""
        own = limits.markets.get(market.symbol, MarketLimits())
        from_mark = (own.max_mark_deviation_percent or limits.max_mark_deviation_percent) / _HUNDRED
        from_touch = (own.max_touch_deviation_percent or limits.max_touch_deviation_percent) / _HUNDRED
        from_resting = limits.max_resting_percent
        is_left_out = bool(limits.allowed_markets) and market.symbol not in limits.allowed_markets
        return cls(
            market=market,
            own=own,
            lowest_price=market.tick,
            highest_price=from_units(MAX_PRICE_TICKS, market.price_decimals),
            lowest_size=market.step,
            highest_size=from_units(MAX_SIZE_STEPS, market.size_decimals),
            tick=market.tick,
            step=market.step,
            max_order_size=own.max_order_size,
            max_position_size=own.max_position_size,
            max_order_notional=own.max_order_notional or limits.max_order_notional,
            max_position_notional=own.max_position_notional or limits.max_position_notional,
            max_mark_factor=1 + from_mark,
            min_mark_factor=1 - from_mark,
            max_touch_factor=1 + from_touch,
            min_touch_factor=1 - from_touch,
            max_resting_factor=None if from_resting is None else 1 + from_resting / _HUNDRED,
            max_walk_factor=1 + limits.max_walk_percent / _HUNDRED,
            min_walk_factor=1 - limits.max_walk_percent / _HUNDRED,
            min_gap_factor=1 - limits.max_mark_gap_percent / _HUNDRED,
            max_gap_factor=1 + limits.max_mark_gap_percent / _HUNDRED,
            max_gross_notional=limits.max_gross_notional,
            max_open_notional=limits.max_open_notional,
            max_open_orders=limits.max_open_orders,
            max_capital=limits.max_capital,
            margin_factor=limits.max_margin_usage_percent / _HUNDRED,
            max_messages=limits.max_messages,
            max_growing_messages=limits.max_messages - limits.message_reserve,
            is_self_trade_denied=limits.self_trade is SelfTrade.DENY,
            is_restricted=is_left_out or market.symbol in limits.restricted_markets,
        )


class Case:
    """One order and its world; made for one decision and thrown away. Plain, because it is made for every order."""

    __slots__ = (
        "bounds", "exposure", "intent", "is_buy", "limits", "mark", "notional", "origin", "price", "quote", "reach",
        "size", "view", "worth",
    )  # fmt: skip
    mark: Decimal
    notional: Decimal
    """Size times its own price, in USDC."""
    reach: Decimal
    """How far it may take the position on its own side, in base units; zero or less when it can only shrink it."""
    worth: Decimal
    """The order in USDC, on the mark or at its price, whichever is more."""

    def __init__(self, intent: OrderIntent, origin: Origin, view: RiskView, limits: RiskLimits, bounds: Bounds) -> None:
        """Look up what every check asks for; the other four numbers are set by the checks that make them possible."""
        self.intent = intent
        self.origin = origin
        self.view = view
        self.limits = limits
        self.bounds = bounds
        self.size = intent.size
        self.price = intent.price
        self.is_buy = intent.side is _BUY
        market_id = intent.market_id
        self.quote: Quote | None = view.quotes.get(market_id)
        self.exposure: MarketExposure = view.exposures.get(market_id, NO_EXPOSURE)

    @property
    def market(self) -> Market:
        """The market of the order."""
        return self.bounds.market


def is_shrinking(intent: OrderIntent, exposure: MarketExposure) -> bool:
    """Whether this order, with all that already works on its side, can only bring the position nearer to flat."""
    return intent.size.is_finite() and intent.size > 0 and exposure.reach(intent.side, intent.size) <= 0


def rests(intent: OrderIntent) -> bool:
    """Whether the order may stay in the book."""
    return intent.type is _LIMIT and intent.tif is not _IOC


def held(intent: OrderIntent, view: RiskView, state: TradingState, reason: DenyReason, who: str) -> Denied | None:
    """What a trading state lets pass: everything, what shrinks, or nothing."""
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


def plain(value: Decimal) -> str:
    """A number as a sentence shows it: no exponent, no padding zeros, thousands apart."""
    if abs(value.adjusted()) > _WIDEST:
        return str(value)
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def usdc(value: Decimal) -> str:
    """Money in a sentence."""
    return f"{value:,.2f} USDC"


def because(detail: str) -> str:
    """A reason in brackets, if there is one."""
    return f" ({detail})" if detail else ""


def symbol_of(view: RiskView, market_id: MarketId) -> str:
    """How a market is called."""
    market = view.markets.get(market_id)
    return f"market {market_id}" if market is None else market.symbol
