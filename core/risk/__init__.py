"""Risk, pure: what may be sent (`RiskManager`) and how much is wise (`PositionSizer`); the world is an argument."""

from core.risk.breaker import BreakerKey, BreakerPanel, worst
from core.risk.conduct import QUIET, Conduct, Habits
from core.risk.exposure import NO_EXPOSURE, MarketExposure, Money, RiskView, Totals
from core.risk.manager import RiskManager
from core.risk.sizer import Edge, PositionSizer, SizeAdvice, SizingContext, edge_of, smallest_valid_size
from core.risk.totals import RunningTotals
from core.risk.triggers import Trip, Vitals, trips
from core.risk.volatility import MarkMoves, Volatility

__all__ = [
    "NO_EXPOSURE",
    "QUIET",
    "BreakerKey",
    "BreakerPanel",
    "Conduct",
    "Edge",
    "Habits",
    "MarkMoves",
    "MarketExposure",
    "Money",
    "PositionSizer",
    "RiskManager",
    "RiskView",
    "RunningTotals",
    "SizeAdvice",
    "SizingContext",
    "Totals",
    "Trip",
    "Vitals",
    "Volatility",
    "edge_of",
    "smallest_valid_size",
    "trips",
    "worst",
]
