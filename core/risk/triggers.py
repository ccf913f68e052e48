"""When a breaker trips by itself: one small function per cause, over what the engine observed. Pure.

A trigger answers every scope it would hold back and why, by the settings; a threshold that is not set never trips.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS
from core.limits import RiskLimits
from core.risk.breaker import BreakerKey
from core.risk.case import plain, usdc
from core.risk.exposure import Money
from core.units import MarketId

_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What is observed at one moment; durations are monotonic nanoseconds."""

    money: Money
    fills: Mapping[str, int] = field(default_factory=dict)
    """Executions of each strategy within their window."""
    denials: Mapping[str, int] = field(default_factory=dict)
    """Denied orders of each strategy within the message window."""
    losses: Mapping[str, int] = field(default_factory=dict)
    """Losing closes in a row of each strategy."""
    sent: int = 0
    """Orders sent within the reject window."""
    rejected: int = 0
    """Of those, refused by the venue."""
    bad_data_ns: Mapping[MarketId, int] = field(default_factory=dict)
    """For how long the book of a market with money at stake has not been fit to trade on."""
    lost_links_ns: Mapping[str, int] = field(default_factory=dict)
    """For how long each stream has been down."""
    mismatch_ns: int = 0
    """For how long orders or positions have differed from the venue's."""
    gaps: Mapping[MarketId, Decimal] = field(default_factory=dict)
    """How far each mark moved within the gap window, in percent, in markets with money at stake."""
    skew_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Trip:
    """A breaker that should trip."""

    scope: BreakerKey
    reason: str
    is_for_humans: bool = False
    """It never closes by itself, whatever cooldown is set."""


Trigger = Callable[[Vitals, RiskLimits], Iterator[Trip]]


def daily_loss(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """The day's loss reached its limit."""
    loss, limit = vitals.money.day_loss, limits.max_daily_loss
    if limit is not None and loss >= limit:
        yield Trip(None, f"the day's loss is {usdc(loss)}, max_daily_loss {usdc(limit)}", is_for_humans=True)


def drawdown(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """Equity fell too far below its highest."""
    fall, limit = vitals.money.drawdown, limits.max_drawdown
    if limit is not None and fall >= limit:
        text = f"equity is {usdc(fall)} below its highest, max_drawdown {usdc(limit)}"
        yield Trip(None, text, is_for_humans=True)


def loss_streak(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """A strategy loses again and again."""
    limit = limits.breaker.loss_streak
    for name, losses in vitals.losses.items():
        if limit is not None and losses >= limit:
            yield Trip(name, f"{losses} losing closes in a row, loss_streak is {limit}", is_for_humans=True)


def executions(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """A strategy is executed again and again: a human decides whether that is meant."""
    limit = limits.max_strategy_fills
    for name, fills in vitals.fills.items():
        if limit is not None and fills >= limit:
            text = f"{fills} executions in {limits.strategy_fills_window_s} s, max_strategy_fills is {limit}"
            yield Trip(name, text, is_for_humans=True)


def floods(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """A strategy asks again and again for what is denied."""
    limit = limits.breaker.max_strategy_denials
    for name, denials in vitals.denials.items():
        if limit is not None and denials >= limit:
            text = f"{denials} orders denied in {limits.message_window_s} s, max_strategy_denials is {limit}"
            yield Trip(name, text)


def rejects(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """The venue refuses too many of our orders: we do not understand something."""
    limit = limits.breaker.reject_percent
    if limit is None or vitals.sent < limits.breaker.reject_min_orders:
        return
    if vitals.rejected * _HUNDRED >= limit * vitals.sent:
        text = f"{vitals.rejected} of {vitals.sent} orders refused by the venue, reject_percent is {plain(limit)}"
        yield Trip(None, text)


def bad_data(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """A market with money at stake cannot be seen."""
    limit = limits.breaker.bad_data_s
    for market_id, lasted_ns in vitals.bad_data_ns.items():
        if limit is not None and lasted_ns >= limit * SECOND_NS:
            text = f"its book has not been fit to trade on for {lasted_ns // SECOND_NS} s, bad_data_s is {limit}"
            yield Trip(market_id, text)


def lost_link(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """A stream stays away."""
    limit = limits.breaker.link_lost_s
    for name, lasted_ns in vitals.lost_links_ns.items():
        if limit is not None and lasted_ns >= limit * SECOND_NS:
            yield Trip(None, f"the {name} link has been down for {lasted_ns // SECOND_NS} s, link_lost_s is {limit}")


def mismatch(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """What we believe and what the venue says stay apart."""
    limit = limits.breaker.mismatch_s
    if limit is not None and vitals.mismatch_ns >= limit * SECOND_NS:
        lasted = vitals.mismatch_ns // SECOND_NS
        yield Trip(None, f"orders or positions have differed from the venue's for {lasted} s, mismatch_s is {limit}")


def price_gap(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """A price jumped."""
    limit = limits.breaker.price_gap_percent
    for market_id, moved in vitals.gaps.items():
        if limit is not None and moved >= limit:
            window = limits.breaker.price_gap_window_s
            yield Trip(market_id, f"its mark moved {moved:.1f} % in {window} s, price_gap_percent is {plain(limit)}")


def clock_skew(vitals: Vitals, limits: RiskLimits) -> Iterator[Trip]:
    """Our clock is wrong, or the venue's is."""
    skew_ms, limit = vitals.skew_ms, limits.max_clock_skew_ms
    if skew_ms is not None and abs(skew_ms) > limit:
        yield Trip(None, f"this clock is {abs(skew_ms):,} ms off the venue's, max_clock_skew_ms is {limit:,}")


TRIGGERS: Final[tuple[Trigger, ...]] = (
    daily_loss,
    drawdown,
    loss_streak,
    executions,
    floods,
    rejects,
    bad_data,
    lost_link,
    mismatch,
    price_gap,
    clock_skew,
)


def trips(vitals: Vitals, limits: RiskLimits) -> tuple[Trip, ...]:
    """Everything that should trip now."""
    return tuple(trip for trigger in TRIGGERS for trip in trigger(vitals, limits))
