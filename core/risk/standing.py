"""May anything like this order be sent at all, whatever its size and price? Asked again right before it leaves. Pure.

A check answers None to let an order pass, or `Denied`. The first five rest on switches alone: a view that `is_calm` has
passed them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS
from core.decisions import Denied, DenyReason, TradingState
from core.limits import RiskLimits
from core.model import MarketStatus, OrderIntent, Origin
from core.risk.case import because, held, plain, symbol_of, usdc
from core.risk.exposure import RiskView
from core.scope import strategy_of

_ACTIVE: Final = MarketStatus.ACTIVE
_ENDLESS: Final = Decimal("Infinity")
CLOCKLESS_GRACE_NS: Final = 60 * SECOND_NS
"""The venue stamps every frame of its streams, so that a comparison takes seconds; after so long none will come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The limits that hold for everything, as these checks ask for them."""

    max_clock_skew_ms: int
    max_daily_loss: Decimal
    max_drawdown: Decimal

    @classmethod
    def of(cls, limits: RiskLimits) -> "Rules":
        """A limit that is not set is without end."""
        return cls(
            max_clock_skew_ms=limits.max_clock_skew_ms,
            max_daily_loss=limits.max_daily_loss or _ENDLESS,
            max_drawdown=limits.max_drawdown or _ENDLESS,
        )


StandingCheck = Callable[[OrderIntent, Origin, RiskView, Rules], Denied | None]


def not_killed(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """The kill switch stands above everything."""
    del intent, origin, rules
    return Denied(DenyReason.KILLED, "the kill switch is on: re-arm it first") if view.is_killed else None


def is_ready(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """Nothing trades before our belief was compared with the venue's."""
    del intent, origin, rules
    if view.is_ready:
        return None
    return Denied(DenyReason.NOT_READY, f"orders and positions are not reconciled yet{because(view.trading_detail)}")


def strategy_breaker_allows(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """A strategy whose breaker is tripped sends nothing, or only what shrinks."""
    del rules
    strategy = strategy_of(origin)
    cause = view.breakers.of(strategy) if strategy else None
    if cause is None:
        return None
    who = f"the breaker of strategy {strategy} was tripped by {cause.by}{because(cause.reason)}"
    return held(intent, view, cause.trips_to, DenyReason.BREAKER_OPEN, who)


def breaker_allows(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """A tripped breaker lets only shrinking orders pass, or none."""
    del origin, rules
    cause = view.breakers.cause(intent.market_id)
    if cause is None:
        return None
    scope = "every market" if cause.market_id is None else symbol_of(view, intent.market_id)
    who = f"the breaker of {scope} was tripped by {cause.by}{because(cause.reason)}"
    return held(intent, view, cause.trips_to, DenyReason.BREAKER_OPEN, who)


def state_allows(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """HALTED lets nothing pass, REDUCING only what shrinks."""
    del origin, rules
    reason = DenyReason.HALTED if view.trading is TradingState.HALTED else DenyReason.REDUCING
    who = f"trading is {view.trading.value}{because(view.trading_detail)}"
    return held(intent, view, view.trading, reason, who)


def clock_is_sane(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """With a clock that is far from the venue's, the expiry an order is signed with means nothing.

    One that could not be compared with it may be just that: only what shrinks passes.
    """
    del origin
    skew_ms = view.skew_ms
    if skew_ms is None:
        if view.clockless_ns < CLOCKLESS_GRACE_NS:
            return None
        waited_s, grace_s = view.clockless_ns // SECOND_NS, CLOCKLESS_GRACE_NS // SECOND_NS
        who = (
            f"this clock could not be compared with the venue's for {waited_s:,} s, {grace_s} s are accepted: no frame "
            f"carried the venue's time; look at `lighter-tui doctor`"
        )
        return held(intent, view, TradingState.REDUCING, DenyReason.CLOCK_SKEW, who)
    if abs(skew_ms) <= rules.max_clock_skew_ms:
        return None
    way = "ahead of" if skew_ms > 0 else "behind"
    text = f"this clock is {abs(skew_ms):,} ms {way} the venue's, max_clock_skew_ms is {rules.max_clock_skew_ms:,}"
    return Denied(DenyReason.CLOCK_SKEW, f"{text}: correct it before trading")


def within_daily_loss(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """After the day's loss only orders that shrink."""
    del origin
    loss, limit = view.money.day_loss, rules.max_daily_loss
    if loss < limit:
        return None
    who = f"the day's loss is {usdc(loss)}, max_daily_loss {usdc(limit)}"
    return held(intent, view, TradingState.REDUCING, DenyReason.DAILY_LOSS, who)


def within_drawdown(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """So far below the highest equity only orders that shrink."""
    del origin
    drawdown, limit = view.money.drawdown, rules.max_drawdown
    if drawdown < limit:
        return None
    who = f"equity is {usdc(drawdown)} below its highest, max_drawdown {usdc(limit)}"
    return held(intent, view, TradingState.REDUCING, DenyReason.DRAWDOWN, who)


def market_trades(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """The venue must know the market and trade it."""
    del origin, rules
    market = view.markets.get(intent.market_id)
    if market is None:
        return Denied(
            DenyReason.UNKNOWN_MARKET, f"market {intent.market_id} is not one of the {len(view.markets)} known"
        )
    if market.status is _ACTIVE:
        return None
    if market.status is MarketStatus.INACTIVE:
        return Denied(DenyReason.MARKET_CLOSED, f"{market.symbol} is inactive at the venue")
    who = f"{market.symbol} is reduce-only at the venue"
    return held(intent, view, TradingState.REDUCING, DenyReason.MARKET_CLOSED, who)


def has_something_to_reduce(intent: OrderIntent, origin: Origin, view: RiskView, rules: Rules) -> Denied | None:
    """The venue drops a reduce-only order that cannot reduce, without any word (measured): say it beforehand."""
    del origin, rules
    if not intent.reduce_only:
        return None
    position = view.exposure(intent.market_id).position
    if position * intent.side.sign < 0:
        return None
    symbol = symbol_of(view, intent.market_id)
    has = (
        f"{symbol} is {'long' if position > 0 else 'short'} {plain(abs(position))}" if position else f"{symbol} is flat"
    )
    return Denied(DenyReason.NOTHING_TO_REDUCE, f"{has}: a reduce-only {intent.side.value} has nothing to reduce")


SWITCHES: Final[tuple[StandingCheck, ...]] = (
    not_killed,
    is_ready,
    strategy_breaker_allows,
    breaker_allows,
    state_allows,
)
"""Passed by every order in a calm view."""
STANDING: Final[tuple[StandingCheck, ...]] = (
    clock_is_sane,
    within_daily_loss,
    within_drawdown,
    market_trades,
    has_something_to_reduce,
)
