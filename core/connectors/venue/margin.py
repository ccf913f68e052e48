"""What an account is worth and what its positions and orders require, at mark prices, in 1e-6 USDC."""

from collections.abc import Mapping
from enum import Enum, auto

from core.connectors.venue.accounts import FRACTION, VenueAccount
from core.connectors.venue.market import MarketState
from core.connectors.venue.orders import OrderRequest, VenueOrder


class Health(Enum):
    """How an account stands (docs.lighter.xyz, liquidations); each is worse than the one before."""

    SOUND = auto()
    PRE_LIQUIDATION = auto()
    """Below its initial margin: may only reduce."""
    LIQUIDATION = auto()
    """Below its maintenance margin: its orders are cancelled and its positions sold."""
    CLOSE_OUT = auto()
    """Below its close-out margin: what is left is taken over."""


def health(account: VenueAccount, markets: Mapping[int, MarketState]) -> Health:
    """Where an account stands at the current marks; one without positions is sound."""
    required = position_requirement(account, markets)
    value = equity(account, markets)
    if required == 0 or value >= required:
        return Health.SOUND
    if value >= maintenance_requirement(account, markets):
        return Health.PRE_LIQUIDATION
    return Health.LIQUIDATION if value >= close_out_requirement(account, markets) else Health.CLOSE_OUT


def is_sound(account: VenueAccount, markets: Mapping[int, MarketState]) -> bool:
    """Whether an account has its initial margin: `health` in one pass, for where it is asked at every trade."""
    spare, required = account.collateral, 0
    for market_id, position in account.positions.items():
        if position.size:
            mark = markets[market_id].mark
            spare += position.size * mark - position.cost
            required += abs(position.size) * mark * position.imf // FRACTION
    return spare >= required or required == 0


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


def close_out_requirement(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """Below this the positions are taken over."""
    return sum(
        abs(position.size) * markets[market_id].mark * markets[market_id].spec.closeout_mf // FRACTION
        for market_id, position in account.positions.items()
    )


def zero_price(account: VenueAccount, market: MarketState, markets: Mapping[int, MarketState]) -> int:
    """The price at which this position can go without changing value over maintenance margin; at least one tick.

    Sold all at their zero prices, the positions leave the account with nothing (docs.lighter.xyz, liquidations).
    """
    required = max(1, maintenance_requirement(account, markets))
    share = market.mark * market.spec.maintenance_mf * equity(account, markets) // (FRACTION * required)
    return max(1, market.mark - share if account.size_in(market.market_id) > 0 else market.mark + share)


def order_requirement(
    account: VenueAccount,
    markets: Mapping[int, MarketState],
    extra: OrderRequest | VenueOrder | None = None,
    *,
    but: OrderRequest | VenueOrder | None = None,
) -> int:
    """Initial margin if the worse side of all open orders `but` one, and of `extra`, were filled.

    Reduce-only orders and those that wait for their price need none.
    """
    buys: dict[int, int] = {}
    sells: dict[int, int] = {}
    for order in account.live.values():
        if not (order.reduce_only or order.is_pending or order is extra or order is but):
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


def raises(account: VenueAccount, markets: Mapping[int, MarketState], request: OrderRequest | VenueOrder) -> bool:
    """Whether an order would add to what the account must hold."""
    if request.reduce_only:
        return False
    return order_requirement(account, markets, request) > order_requirement(account, markets, but=request)


def can_afford(account: VenueAccount, markets: Mapping[int, MarketState], request: OrderRequest | VenueOrder) -> bool:
    """Whether the account may open what is asked; what does not raise the requirement is always allowed."""
    if account.is_internal or request.reduce_only:
        return True
    return order_requirement(account, markets, request) <= equity(account, markets) or not raises(
        account, markets, request
    )
