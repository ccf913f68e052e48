"""The hard gate: an order passes `RiskManager.check` or never reaches the wire. Sizes come from `core.risk.sizer`."""

from typing import Final

from core.decisions import Approved, Denied, RiskDecision
from core.limits import RiskLimits
from core.model import OPERATOR, Market, OrderIntent, Origin
from core.risk.case import Bounds, Case
from core.risk.checks import Check, gate_of
from core.risk.exposure import RiskView
from core.risk.gauges import uses
from core.risk.quick import QuickYes
from core.risk.standing import STANDING, SWITCHES, Rules
from core.state import LimitUse
from core.units import MarketId

_APPROVED: Final = Approved()
_Gate = tuple[Bounds, tuple[Check, ...], QuickYes]


class RiskManager:
    """Hard limits. Holds no state beside them and what follows from them, so that any thread may ask."""

    def __init__(self, limits: RiskLimits) -> None:
        self._limits = limits
        self._gates: dict[MarketId, _Gate] = {}
        self._rules = Rules.of(limits)

    @property
    def limits(self) -> RiskLimits:
        """The limits in force."""
        return self._limits

    def check(self, intent: OrderIntent, view: RiskView, origin: Origin = OPERATOR) -> RiskDecision:
        """Whether `intent` may be sent in the world of `view`; the first check that objects decides."""
        market = view.markets.get(intent.market_id)
        if market is not None and self._gate_of(market)[2].is_yes(intent, origin, view):
            return _APPROVED
        return self.by_the_table(intent, view, origin)

    def by_the_table(self, intent: OrderIntent, view: RiskView, origin: Origin = OPERATOR) -> RiskDecision:
        """The same decision, check by check; what `check` says yes to at once passes here as well."""
        if denied := self.stands(intent, view, origin):
            return denied
        bounds, checks, _ = self._gate_of(view.markets[intent.market_id])
        case = Case(intent, origin, view, self._limits, bounds)
        for check in checks:
            denied = check(case)
            if denied is not None:
                return denied
        return _APPROVED

    def stands(self, intent: OrderIntent, view: RiskView, origin: Origin = OPERATOR) -> Denied | None:
        """Why nothing like `intent` may be sent now, whatever its size and price: switches, breakers, market status."""
        rules = self._rules
        if not view.is_calm:
            for switch in SWITCHES:
                if denied := switch(intent, origin, view, rules):
                    return denied
        for standing in STANDING:
            if denied := standing(intent, origin, view, rules):
                return denied
        return None

    def uses(self, view: RiskView) -> tuple[LimitUse, ...]:
        """How much of each limit is used: what holds for all first, then per market with exposure or its own limits.

        A gauge in USDC whose price nobody knows is left out rather than shown wrong.
        """
        return uses(self._limits, view)

    def _gate_of(self, market: Market) -> _Gate:
        gate = self._gates.get(market.id)
        if gate is None or gate[0].market is not market:
            bounds = Bounds.of(self._limits, market)
            quick = QuickYes(bounds, self._limits, self._rules)
            gate = self._gates[market.id] = (bounds, gate_of(bounds, self._limits), quick)
        return gate
