"""How much of each limit is used: what the desk shows as bars. Pure, and by the same numbers as the gate."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from core.limits import MarketLimits, RiskLimits
from core.risk.exposure import RiskView, Totals
from core.state import LimitUse
from core.units import ZERO, MarketId

_ALL: Final = "all"
_USDC: Final = "USDC"


def uses(limits: RiskLimits, view: RiskView) -> tuple[LimitUse, ...]:
    """What holds for all first, then per market with exposure or its own limits, then the pace; unknown is left out."""
    totals = view.whole()
    return (*_of_all(limits, view, totals), *_of_markets(limits, view), *_of_pace(limits, view, totals))


def _of_all(limits: RiskLimits, view: RiskView, totals: Totals) -> Iterator[LimitUse]:
    if not totals.unpriced:
        yield _usdc("max_gross_notional", totals.gross, limits.max_gross_notional)
    yield _count("max_open_orders", view.open_orders, limits.max_open_orders, "orders")


def _of_pace(limits: RiskLimits, view: RiskView, totals: Totals) -> Iterator[LimitUse]:
    yield _usdc("max_open_notional", totals.open_notional, limits.max_open_notional)
    yield from _of_money(limits, view, totals)
    messages = view.conduct.messages
    yield _count("max_messages", messages, limits.max_messages, "messages")
    if limits.max_strategy_fills is not None:
        for name, fills in sorted(view.conduct.fills.items()):
            yield _count("max_strategy_fills", fills, limits.max_strategy_fills, "fills", name)


def _of_money(limits: RiskLimits, view: RiskView, totals: Totals) -> Iterator[LimitUse]:
    money = view.money
    if not totals.unpriced:
        if money.equity is not None and money.equity > 0:
            limit = money.equity * limits.max_margin_usage_percent / 100
            yield _usdc("max_margin_usage_percent", totals.margin, limit)
        if limits.max_capital is not None:
            yield _usdc("max_capital", totals.margin, limits.max_capital)
    if limits.max_daily_loss is not None and money.equity is not None:
        yield _usdc("max_daily_loss", max(ZERO, money.day_loss), limits.max_daily_loss)
    if limits.max_drawdown is not None and money.equity is not None:
        yield _usdc("max_drawdown", money.drawdown, limits.max_drawdown)


def _of_markets(limits: RiskLimits, view: RiskView) -> Iterator[LimitUse]:
    for market_id, market in view.markets.items():
        own = limits.markets.get(market.symbol)
        exposure = view.exposure(market_id)
        if own is None and exposure.is_flat:
            continue
        own = own or MarketLimits()
        worth = _worst_notional(view, market_id)
        if worth is not None:
            limit = own.max_position_notional or limits.max_position_notional
            yield _usdc("max_position_notional", worth, limit, market.symbol)
        if own.max_position_size is not None:
            yield LimitUse(
                name="max_position_size",
                scope=market.symbol,
                used=exposure.worst,
                limit=own.max_position_size,
                unit=market.symbol,
            )
        if own.max_open_orders is not None:
            yield _count("max_open_orders", exposure.open_orders, own.max_open_orders, "orders", market.symbol)
        if own.max_open_notional is not None:
            yield _usdc("max_open_notional", exposure.open_notional, own.max_open_notional, market.symbol)


def _usdc(name: str, used: Decimal, limit: Decimal, scope: str = _ALL) -> LimitUse:
    return LimitUse(name=name, scope=scope, used=used, limit=limit, unit=_USDC)


def _count(name: str, used: int, limit: int, unit: str, scope: str = _ALL) -> LimitUse:
    return LimitUse(name=name, scope=scope, used=Decimal(used), limit=Decimal(limit), unit=unit)


def _worst_notional(view: RiskView, market_id: MarketId) -> Decimal | None:
    worst = view.exposure(market_id).worst
    if not worst:
        return ZERO
    mark = view.mark(market_id)
    return None if mark is None else worst * mark
