"""What risk is shown when it judges an order of a flatten: shrinking is allowed, and nothing else. Pure.

The operator asked for it by name, so the kill, the breakers and the end of the engine do not stand against it; prices,
sizes, books and marks are checked as ever. What was sent lately does not count: a slice that is sent again and again
until nothing is left is what was asked for, not a runaway.
"""

from msgspec.structs import replace

from core.decisions import TradingState
from core.risk import QUIET, BreakerPanel, RiskView


def reducing(view: RiskView, *, is_listed: bool) -> RiskView:
    """The same world for an order that may only shrink; `is_listed` says that the venue's orders were seen."""
    return replace(
        view,
        trading=TradingState.REDUCING,
        trading_detail="flattening",
        is_killed=False,
        is_ready=is_listed,
        breakers=BreakerPanel.closed(TradingState.REDUCING),
        conduct=QUIET,
    )
