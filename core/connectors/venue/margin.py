"""What an account is worth and what its positions and orders require, at mark prices, in 1e-6 USDC."""

from collections.abc import Mapping

from core.connectors.venue.accounts import FRACTION, VenueAccount
from core.connectors.venue.market import MarketState
from core.connectors.venue.orders import OrderRequest


def equity(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """Collateral and unrealised profit."""
    return account.collateral + sum(
        position.unrealised(markets[market_id].mark) for market_id, position in account.positions.items()
    )


def position_requirement(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """Initial margin of the positions alone."""
    return sum(
        abs(position.size) * markets[market_id].mark * position.imf // FRACTION
        for market_id, position in account.positions.items()
    )


def maintenance_requirement(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """Maintenance margin of the positions."""
    return sum(
        abs(position.size) * markets[market_id].mark * markets[market_id].spec.maintenance_mf // FRACTION
        for market_id, position in account.positions.items()
    )


def order_requirement(
    account: VenueAccount, markets: Mapping[int, MarketState], extra: OrderRequest | None = None
) -> int:
    """Initial margin if the worse side of all open orders, and of `extra`, were filled."""
    buys: dict[int, int] = {}
    sells: dict[int, int] = {}
    for order in account.live.values():
        if not order.reduce_only:
            side = sells if order.is_ask else buys
            side[order.market_id] = side.get(order.market_id, 0) + order.remaining
    if extra is not None:
        side = sells if extra.is_ask else buys
        side[extra.market_id] = side.get(extra.market_id, 0) + extra.size
    total = 0
    for market_id in account.positions.keys() | buys.keys() | sells.keys():
        position = account.positions.get(market_id)
        held = position.size if position is not None else 0
        worst = max(abs(held + buys.get(market_id, 0)), abs(held - sells.get(market_id, 0)))
        imf = position.imf if position is not None else markets[market_id].spec.default_imf
        total += worst * markets[market_id].mark * imf // FRACTION
    return total


def available(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """What is free for new orders; never below zero."""
    return max(0, equity(account, markets) - order_requirement(account, markets))


def can_afford(account: VenueAccount, markets: Mapping[int, MarketState], request: OrderRequest) -> bool:
    """Whether the account may open what is asked; what does not raise the requirement is always allowed."""
    if account.is_internal or request.reduce_only:
        return True
    after = order_requirement(account, markets, request)
    return after <= equity(account, markets) or after <= order_requirement(account, markets)
