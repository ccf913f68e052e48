"""The gate's quick yes: an ordinary order, nowhere near any limit, judged in one go. Pure.

It says yes only where every check of the table would (a test holds that over random worlds); in any doubt it says
nothing, and the table decides and finds the words. What is rarely set is a doubt, so that it stays short.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.limits import RiskLimits
from core.model import BookStatus, MarketStatus, OrderIntent, Origin, Quote, Side
from core.risk.case import Bounds
from core.risk.conduct import Conduct
from core.risk.exposure import NO_EXPOSURE, RiskView
from core.risk.standing import CLOCKLESS_GRACE_NS, Rules
from core.scope import strategy_of

_BUY: Final = Side.BUY
_LIVE: Final = BookStatus.LIVE
_ACTIVE: Final = MarketStatus.ACTIVE
_HUNDRED: Final = Decimal(100)


@dataclass(slots=True)
class _Prices:
    """Where a price is unobjectionable on one quote: worked out once a quote."""

    quote: Quote
    mark: Decimal
    lowest_sell: Decimal
    highest_buy: Decimal


class QuickYes:
    """Of one market, for as long as its limits stand."""

    def __init__(self, bounds: Bounds, limits: RiskLimits, rules: Rules) -> None:
        """Work out what no order changes."""
        own = bounds.own
        self._bounds = bounds
        self._limits = limits
        self._walk_up = 1 + limits.max_walk_percent / _HUNDRED
        self._walk_down = 1 - limits.max_walk_percent / _HUNDRED
        self._rules = rules
        self._is_ordinary = (
            not bounds.is_restricted
            and limits.max_book_age_ms is None
            and bounds.max_capital is None
            and bounds.max_resting_factor is None
            and bounds.max_position_size is None
            and own.max_open_orders is None
            and own.max_open_notional is None
            and bounds.market.status is _ACTIVE
        )
        self._lowest_size = max(bounds.lowest_size, bounds.market.min_size)
        highest = bounds.highest_size
        self._highest_size = highest if bounds.max_order_size is None else min(highest, bounds.max_order_size)
        self._prices: _Prices | None = None

    def is_yes(self, intent: OrderIntent, origin: Origin, view: RiskView) -> bool:
        """Whether nothing can be said against the order. No is no verdict."""
        market_id = intent.market_id
        conduct, rules, skew_ms = view.conduct, self._rules, view.skew_ms
        if (
            not self._is_ordinary
            or not view.is_calm
            or intent.reduce_only
            or (view.clockless_ns >= CLOCKLESS_GRACE_NS if skew_ms is None else abs(skew_ms) > rules.max_clock_skew_ms)
            or conduct.messages >= self._bounds.max_growing_messages
            or view.open_orders >= self._bounds.max_open_orders
            or market_id in conduct.recent
            or ((name := strategy_of(origin)) and not self._is_at_ease(name, conduct))
        ):
            return False
        quote, prices = view.quotes.get(market_id), self._prices
        if quote is None:
            return False
        if prices is None or prices.quote is not quote:
            prices = self._prices = _of(quote, self._bounds)
            if prices is None:
                return False
        marks = conduct.marks.get(market_id)
        if marks is not None and not (
            intent.price <= marks[0] * self._walk_up
            if intent.side is _BUY
            else intent.price >= marks[1] * self._walk_down
        ):
            return False
        return self._fits(intent, view, prices)

    def _is_at_ease(self, strategy: str, conduct: Conduct) -> bool:
        limits = self._limits
        most = limits.max_strategy_fills
        return conduct.by_strategy.get(strategy, 0) < limits.max_strategy_messages and (
            most is None or conduct.fills.get(strategy, 0) < most
        )

    def _fits(self, intent: OrderIntent, view: RiskView, prices: _Prices) -> bool:
        """Prices, sizes and money; every sum is taken at its worst."""
        bounds, price, size, money = self._bounds, intent.price, intent.size, view.money
        totals, equity = view.totals, money.equity
        if totals is None or totals.unpriced or equity is None or not (price.is_finite() and size.is_finite()):
            return False
        exposure = view.exposures.get(intent.market_id, NO_EXPOSURE)
        if intent.side is _BUY:
            other, reach = exposure.own_ask, exposure.position + exposure.open_buys + size
            if not bounds.lowest_price <= price <= prices.highest_buy or (other is not None and price >= other):
                return False
        else:
            other, reach = exposure.own_bid, exposure.open_sells - exposure.position + size
            if not prices.lowest_sell <= price <= bounds.highest_price or (other is not None and price <= other):
                return False
        mark, notional = prices.mark, size * price
        worth = notional if price > mark else size * mark
        return (
            self._lowest_size <= size <= self._highest_size
            and not price % bounds.tick
            and not size % bounds.step
            and notional >= bounds.market.min_notional
            and worth <= bounds.max_order_notional
            and reach * mark <= bounds.max_position_notional
            and totals.gross + worth <= bounds.max_gross_notional
            and totals.margin + worth <= equity * bounds.margin_factor
            and totals.open_notional + worth <= bounds.max_open_notional
            and money.day_loss < self._rules.max_daily_loss
            and money.drawdown < self._rules.max_drawdown
        )


def _of(quote: Quote, bounds: Bounds) -> _Prices | None:
    """None where the quote itself is in doubt."""
    mark, bid, ask = quote.mark, quote.bid, quote.ask
    if quote.status is not _LIVE or mark is None or bid is None or ask is None or mark <= 0 or not bid < ask:
        return None
    if bid < mark * bounds.min_gap_factor or ask > mark * bounds.max_gap_factor:
        return None
    return _Prices(
        quote=quote,
        mark=mark,
        lowest_sell=max(bounds.lowest_price, mark * bounds.min_mark_factor, bid * bounds.min_touch_factor),
        highest_buy=min(bounds.highest_price, mark * bounds.max_mark_factor, ask * bounds.max_touch_factor),
    )
