"""What an account is worth and what its positions and orders require, at mark prices, in 1e-6 USDC.

Positions in cross margin share the account's collateral. An isolated one has margin of its own, which is all it can
lose and all that counts for it; of the account it only asks the initial margin of orders that would open more of it.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto

from core.connectors.venue.accounts import FRACTION, VenueAccount, VenuePosition
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
    """Where an account in cross margin stands at the current marks; one without positions is sound."""
    required = position_requirement(account, markets)
    value = equity(account, markets)
    if required == 0 or value >= required:
        return Health.SOUND
    if value >= maintenance_requirement(account, markets):
        return Health.PRE_LIQUIDATION
    return Health.LIQUIDATION if value >= close_out_requirement(account, markets) else Health.CLOSE_OUT


def position_health(position: VenuePosition, market: MarketState) -> Health:
    """Where an isolated position stands with its own margin; one that is flat is sound."""
    value, notional, spec = position_value(position, market), abs(position.size) * market.mark, market.spec
    if position.size == 0 or value >= notional * position.imf // FRACTION:
        return Health.SOUND
    if value >= notional * spec.maintenance_mf // FRACTION:
        return Health.PRE_LIQUIDATION
    return Health.LIQUIDATION if value >= notional * spec.closeout_mf // FRACTION else Health.CLOSE_OUT


def health_in(account: VenueAccount, markets: Mapping[int, MarketState], market_id: int) -> Health:
    """What counts for an order in this market: the isolated position there, or else the account."""
    position = account.positions.get(market_id)
    if position is not None and position.is_isolated:
        return position_health(position, markets[market_id])
    return health(account, markets)


def is_sound(account: VenueAccount, markets: Mapping[int, MarketState], brought: int = 0) -> bool:
    """Whether an account has its initial margin after `brought` left it: one pass, asked at every trade."""
    spare, required = account.collateral - brought, 0
    for market_id, position in account.positions.items():
        if position.size and not position.is_isolated:
            mark = markets[market_id].mark
            spare += position.size * mark - position.cost
            required += abs(position.size) * mark * position.imf // FRACTION
    return spare >= required or (required == 0 and brought == 0)


def equity(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """Collateral and unrealised profit of what shares it."""
    return account.collateral + sum(position.unrealised(market.mark) for position, market in _shared(account, markets))


def total_value(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """The same, and what the isolated positions are worth."""
    return equity(account, markets) + sum(
        position_value(position, markets[market_id])
        for market_id, position in account.positions.items()
        if position.is_isolated
    )


def position_value(position: VenuePosition, market: MarketState) -> int:
    """Own margin and unrealised profit of an isolated position."""
    return position.allocated + position.unrealised(market.mark)


def position_requirement(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """Initial margin of the positions in cross margin alone."""
    return sum(
        abs(position.size) * market.mark * position.imf // FRACTION for position, market in _shared(account, markets)
    )


def maintenance_requirement(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """Maintenance margin of the positions in cross margin."""
    return sum(
        abs(position.size) * market.mark * market.spec.maintenance_mf // FRACTION
        for position, market in _shared(account, markets)
    )


def close_out_requirement(account: VenueAccount, markets: Mapping[int, MarketState]) -> int:
    """Below this the positions in cross margin are taken over."""
    return sum(
        abs(position.size) * market.mark * market.spec.closeout_mf // FRACTION
        for position, market in _shared(account, markets)
    )


def zero_price(account: VenueAccount, market: MarketState, markets: Mapping[int, MarketState]) -> int:
    """The price at which this position can go without changing value over maintenance margin; at least one tick.

    Sold all at their zero prices, the positions leave the account, or an isolated one its own margin, with nothing
    (docs.lighter.xyz, liquidations).
    """
    position = account.positions[market.market_id]
    if position.is_isolated:
        share = position_value(position, market) // max(1, abs(position.size))
    else:
        required = max(1, maintenance_requirement(account, markets))
        share = market.mark * market.spec.maintenance_mf * equity(account, markets) // (FRACTION * required)
    return max(1, market.mark - share if position.size > 0 else market.mark + share)


def order_requirement(
    account: VenueAccount,
    markets: Mapping[int, MarketState],
    extra: OrderRequest | VenueOrder | None = None,
    *,
    but: OrderRequest | VenueOrder | None = None,
) -> int:
    """Initial margin if the worse side of all open orders `but` one, and of `extra`, were filled.

    Reduce-only orders and those that wait for their price need none; what an isolated position holds has its margin.
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
        if position is not None and position.is_isolated:
            worst = max(0, worst - abs(held))
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


def _shared(account: VenueAccount, markets: Mapping[int, MarketState]) -> Iterator[tuple[VenuePosition, MarketState]]:
    """Positions in cross margin, each with its market."""
    for market_id, position in account.positions.items():
        if not position.is_isolated:
            yield position, markets[market_id]
