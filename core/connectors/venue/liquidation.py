"""What the venue does to an account that cannot carry its positions (docs.lighter.xyz, liquidations).

Below the maintenance margin all orders are cancelled and each position is offered, immediate or cancel, at its zero
price; what that brings above the zero price pays the insurance fund, up to one percent. Below the close-out margin what
is left moves to the fund at the zero price. Pure.
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
    """Liquidate every account that needs it; yields after each step, for it to be reported alone."""
    for account in exchange.accounts.values():
        if account.positions and not account.is_internal and _has_failed(exchange, account):
            if exchange.cancel_all(account, None, now_us, OrderStatus.LIQUIDATION):
                yield
            yield from _offer(exchange, account, now_us)
            yield from _take_over(exchange, account, now_us)


def _offer(exchange: Exchange, account: VenueAccount, now_us: int) -> Iterator[None]:
    for market in _held(exchange, account):
        if not _has_failed(exchange, account):
            return
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


def _take_over(exchange: Exchange, account: VenueAccount, now_us: int) -> Iterator[None]:
    for market in _held(exchange, account):
        if margin.health(account, exchange.markets) is not Health.CLOSE_OUT:
            return
        exchange.take_over(account, market, margin.zero_price(account, market, exchange.markets), now_us)
        exchange.tell_liquidated(account)
        yield


def _held(exchange: Exchange, account: VenueAccount) -> list[MarketState]:
    """Markets of open positions, the largest first."""
    held = [market for market in exchange.markets.values() if account.size_in(market.market_id)]
    return sorted(held, key=lambda market: -abs(account.size_in(market.market_id)) * market.mark)


def _has_failed(exchange: Exchange, account: VenueAccount) -> bool:
    return margin.health(account, exchange.markets) in _FAILED
