"""What the venue does to an account that cannot carry its positions (docs.lighter.xyz, liquidations).

Below the maintenance margin all orders are cancelled and each position is offered, immediate or cancel, at its zero
price; what that brings above the zero price pays the insurance fund, up to one percent. Below the close-out margin what
is left moves to the fund at the zero price, and when the fund is spent, to those who hold the most profitable positions
on the other side. An isolated position goes the same way alone: only its own market's orders are cancelled, and its own
margin is all there is. Pure.
"""

from collections.abc import Iterator

from core.connectors.venue import margin
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.margin import Health
from core.connectors.venue.market import MarketState
from core.connectors.venue.orders import OrderKind, OrderRequest, OrderStatus, Tif

_FAILED = frozenset({Health.LIQUIDATION, Health.CLOSE_OUT})


def check(exchange: Exchange, now_us: int) -> Iterator[None]:
    """Liquidate every account and isolated position that needs it; yields after each step, to be reported alone."""
    for account in list(exchange.accounts.values()):
        if account.is_internal or not account.positions:
            continue
        if margin.health(account, exchange.markets) in _FAILED:
            if exchange.cancel_all(account, None, now_us, OrderStatus.LIQUIDATION):
                yield
            yield from _close(exchange, account, _held(exchange, account, is_isolated=False), now_us)
        for market in _held(exchange, account, is_isolated=True):
            if margin.health_in(account, exchange.markets, market.market_id) in _FAILED:
                if exchange.cancel_all(account, market.market_id, now_us, OrderStatus.LIQUIDATION):
                    yield
                yield from _close(exchange, account, [market], now_us)


def _close(exchange: Exchange, account: VenueAccount, markets: list[MarketState], now_us: int) -> Iterator[None]:
    """Offer these positions to the market until the account can carry what is left, or hand over what it cannot."""
    for market in markets:
        if margin.health_in(account, exchange.markets, market.market_id) not in _FAILED:
            break
        held = account.size_in(market.market_id)
        request = OrderRequest(
            market_id=market.market_id,
            client_index=0,
            is_ask=held > 0,
            size=abs(held),
            price=margin.zero_price(account, market, exchange.markets),
            kind=OrderKind.LIQUIDATION,
            tif=Tif.IOC,
            reduce_only=True,
        )
        exchange.create(account, request, now_us)
        exchange.tell_liquidated(account)
        yield
    for market in markets:
        if margin.health_in(account, exchange.markets, market.market_id) is not Health.CLOSE_OUT:
            return
        price = margin.zero_price(account, market, exchange.markets)
        while account.size_in(market.market_id):
            heir, steps = _heir(exchange, account, market, price)
            exchange.take_over(account, market, (heir, steps, price), now_us)
            exchange.tell_liquidated(account)
            exchange.tell_liquidated(heir)
            yield


def _heir(exchange: Exchange, account: VenueAccount, market: MarketState, price: int) -> tuple[VenueAccount, int]:
    """Who takes the position over at `price`, and how much of it (signed steps).

    The fund, unless what it would lose at the mark is more than it has: then the account with the most profitable
    opposite position, against its will. When nobody holds the other side any more, the fund takes the rest.
    """
    fund, held = exchange.fund, account.size_in(market.market_id)
    loss = held * (price - market.mark)
    if loss <= max(0, margin.equity(fund, exchange.markets)):
        return fund, held
    rivals = [
        each
        for each in exchange.accounts.values()
        if each is not account and each is not fund and each.size_in(market.market_id) * held < 0
    ]
    if not rivals:
        return fund, held
    heir = max(rivals, key=lambda each: (_gain(each, market), -each.index))
    most = abs(heir.size_in(market.market_id))
    return heir, held if abs(held) <= most else most * (1 if held > 0 else -1)


def _gain(account: VenueAccount, market: MarketState) -> int:
    """Unrealised profit of a position against what it cost, in millionths."""
    position = account.positions[market.market_id]
    return position.unrealised(market.mark) * 1_000_000 // max(1, abs(position.cost))


def _held(exchange: Exchange, account: VenueAccount, *, is_isolated: bool) -> list[MarketState]:
    """Markets of open positions of one margin mode, the largest first."""
    held = [
        exchange.markets[market_id]
        for market_id, position in account.positions.items()
        if position.size and position.is_isolated == is_isolated
    ]
    return sorted(held, key=lambda market: (-abs(account.size_in(market.market_id)) * market.mark, market.market_id))
