"""Risk, pure: what may be sent (`RiskManager`) and how much is wise (`PositionSizer`); the world is an argument."""

from core.risk.breaker import BreakerPanel, worst
from core.risk.exposure import NO_EXPOSURE, MarketExposure, RiskView
from core.risk.manager import RiskManager
from core.risk.sizer import Edge, PositionSizer, SizeAdvice, SizingContext, smallest_valid_size

__all__ = [
    "NO_EXPOSURE",
    "BreakerPanel",
    "Edge",
    "MarketExposure",
    "PositionSizer",
    "RiskManager",
    "RiskView",
    "SizeAdvice",
    "SizingContext",
    "smallest_valid_size",
    "worst",
]
