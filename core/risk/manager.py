"""The hard gate: an order passes `RiskManager.check` or never reaches the wire. Sizes come from `core.risk.sizer`."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from core.config import RiskLimits
from core.decisions import Approved, Denied, DenyReason, RiskDecision
from core.model import Market, OrderIntent
from core.risk.checks import LIMITS, SHAPE, STANDING, Case, book_is_live
from core.risk.exposure import RiskView
from core.state import LimitUse
from core.units import ZERO, MarketId

_APPROVED: Final = Approved()
_EVERYTHING: Final = "all"


class RiskManager:
    """Hard limits. Holds no state beside them, so that any thread may ask."""

    def __init__(self, limits: RiskLimits) -> None:
        self._limits = limits

    @property
    def limits(self) -> RiskLimits:
        """The limits in force."""
        return self._limits

    def check(self, intent: OrderIntent, view: RiskView) -> RiskDecision:
        """Whether `intent` may be sent in the world of `view`; the first check that objects decides."""
        if denied := self.stands(intent, view):
            return denied
        market = view.markets[intent.market_id]
        for shape in SHAPE:
            if denied := shape(intent, market):
                return denied
        case = self._case(intent, market, view)
        if isinstance(case, Denied):
            return case
        for limit in LIMITS:
            if denied := limit(case):
                return denied
        return _APPROVED

    def stands(self, intent: OrderIntent, view: RiskView) -> Denied | None:
        """Why nothing like `intent` may be sent now, whatever its size and price: switches, breakers, market status."""
        for standing in STANDING:
            if denied := standing(intent, view):
                return denied
        return None

    def uses(self, view: RiskView) -> tuple[LimitUse, ...]:
        """How much of each limit is used: what holds for all first, then per market with exposure or its own limits.

        A gauge in USDC whose price nobody knows is left out rather than shown wrong.
        """
        return (*self._global_uses(view), *self._market_uses(view))

    def _case(self, intent: OrderIntent, market: Market, view: RiskView) -> Case | Denied:
        if (denied := book_is_live(market.symbol, view.quotes.get(market.id))) is not None:
            return denied
        mark = view.mark(market.id)
        if mark is None:
            return Denied(DenyReason.NO_MARK, f"{market.symbol} has no mark price: what the order is worth is unknown")
        return Case(
            intent=intent,
            market=market,
            mark=mark,
            exposure=view.exposure(market.id),
            limits=self._limits,
            view=view,
        )

    def _global_uses(self, view: RiskView) -> Iterator[LimitUse]:
        gross: Decimal | None = ZERO
        for market_id in view.exposures:
            worth = _worst_notional(view, market_id)
            gross = None if gross is None or worth is None else gross + worth
        if gross is not None:
            yield LimitUse(
                name="max_gross_notional",
                scope=_EVERYTHING,
                used=gross,
                limit=self._limits.max_gross_notional,
                unit="USDC",
            )
        yield LimitUse(
            name="max_open_orders",
            scope=_EVERYTHING,
            used=Decimal(view.open_orders),
            limit=Decimal(self._limits.max_open_orders),
            unit="orders",
        )

    def _market_uses(self, view: RiskView) -> Iterator[LimitUse]:
        for market_id, market in view.markets.items():
            own = self._limits.markets.get(market.symbol)
            exposure = view.exposure(market_id)
            if own is None and exposure.is_flat:
                continue
            worth = _worst_notional(view, market_id)
            if worth is not None:
                yield LimitUse(
                    name="max_position_notional",
                    scope=market.symbol,
                    used=worth,
                    limit=self._limits.max_position_notional,
                    unit="USDC",
                )
            if own is not None and own.max_position_size is not None:
                yield LimitUse(
                    name="max_position_size",
                    scope=market.symbol,
                    used=exposure.worst,
                    limit=own.max_position_size,
                    unit=market.symbol,
                )


def _worst_notional(view: RiskView, market_id: MarketId) -> Decimal | None:
    worst = view.exposure(market_id).worst
    if not worst:
        return ZERO
    mark = view.mark(market_id)
    return None if mark is None else worst * mark
