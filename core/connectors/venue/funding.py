"""Funding: what longs and shorts pay each other on the hour.

Pure. Rates are millionths of the notional for one hour, positive when longs pay; money is 1e-6 USDC. Every payer pays
rounded up and every receiver gets rounded down, so what rounding leaves belongs to the venue's fee pot.
"""

from typing import Final

from core.connectors.venue.accounts import RATE, FundingPayment, VenueAccount
from core.connectors.venue.market import FundingRound, MarketState

HOUR_US: Final = 3_600_000_000
_VALUE_SCALE: Final = 100
"""Values have two decimals more than money."""


def open_round(market: MarketState, hour_us: int) -> None:
    """Fix the rate of the hour that ends at `hour_us`: the estimate that was published last."""
    rate = market.funding_ppm
    market.last_funding_ppm, market.funding_time_ms = rate, hour_us // 1_000
    value = market.mark * 10**market.spec.size_decimals * abs(rate) * _VALUE_SCALE // RATE
    market.fundings.append(FundingRound(time_s=hour_us // 1_000_000, rate_ppm=rate, value=value))


def pay(account: VenueAccount, market: MarketState, funding_id: int) -> FundingPayment | None:
    """Move one account's part of the market's newest round; None for an account without a position."""
    position = account.positions.get(market.market_id)
    if position is None or position.size == 0:
        return None
    change = -position.size * market.mark * market.last_funding_ppm // RATE
    if position.is_isolated:
        position.allocated += change
    else:
        account.collateral += change
    position.funding_paid -= change
    return FundingPayment(
        funding_id=funding_id,
        market_id=market.market_id,
        time_s=market.funding_time_ms // 1_000,
        rate_ppm=market.last_funding_ppm,
        size=position.size,
        change=change,
    )
