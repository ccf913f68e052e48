"""What the API refuses before a transaction reaches the sequencer: such a refusal does not spend the nonce."""

from typing import Final

from core.connectors.venue import margin
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.orders import PRIORITY_BITS, OrderKind, OrderRequest, SelfTrade, Tif
from core.connectors.venue.tx import (
    CANCEL_ALL_MARKET,
    NO_MARKET,
    SELF_TRADE,
    CancelAllTx,
    CancelTx,
    CreateTx,
    ModifyTx,
    Tx,
)

MAX_CLIENT_INDEX: Final = 2**48 - 1
MAX_BASE: Final = 2**48 - 1
MAX_PRICE: Final = 2**32 - 1
MAX_ORDER_INDEX: Final = 2**60 - 1
MAX_LIVE: Final = 1_500
MAX_LIVE_PER_MARKET: Final = 1_000
MIN_EXPIRY_MS: Final = 5 * 60_000
MAX_EXPIRY_MS: Final = 30 * 86_400_000
CLOCK_SLACK_MS: Final = 2_000
"""Between the sender's clock and ours."""
_KINDS: Final = (OrderKind.LIMIT, OrderKind.MARKET)
_LAST_KIND: Final = 6


def check(tx: Tx, account: VenueAccount, exchange: Exchange, now_ms: int) -> Refusal | None:
    """The first rule a transaction breaks, if any."""
    match tx:
        case CreateTx():
            return _check_create(tx, account, exchange, now_ms)
        case CancelTx():
            return _check_target(tx, exchange)
        case CancelAllTx():
            return _check_cancel_all(tx, exchange)
        case ModifyTx():
            return _check_target(tx, exchange) or _check_modify(tx, account, exchange)


def request_of(tx: CreateTx) -> OrderRequest:
    """A checked create as the matching engine wants it."""
    return OrderRequest(
        market_id=tx.market_index,
        client_index=tx.client_order_index,
        is_ask=tx.is_ask == 1,
        size=tx.base_amount,
        price=tx.price,
        kind=OrderKind(tx.type),
        tif=Tif(tx.time_in_force),
        reduce_only=tx.reduce_only == 1,
        expiry_ms=tx.order_expiry,
        self_trade=SelfTrade(tx.attribute(SELF_TRADE, 0)),
    )


def _check_create(tx: CreateTx, account: VenueAccount, exchange: Exchange, now_ms: int) -> Refusal | None:
    market = exchange.markets.get(tx.market_index)
    if market is None:
        return Refusal(Code.INVALID_MARKET, "invalid market index")
    refusal = _check_fields(tx) or _check_terms(tx, now_ms)
    if refusal is not None:
        return refusal
    request = request_of(tx)
    if request.tif is Tif.IOC:
        return None
    return _check_resting(request, account, exchange, market.spec)


def _check_fields(tx: CreateTx) -> Refusal | None:
    if not 0 <= tx.client_order_index <= MAX_CLIENT_INDEX:
        return Refusal(Code.INVALID_CLIENT_INDEX, "invalid client order index")
    least = 0 if tx.reduce_only == 1 else 1
    if not least <= tx.base_amount <= MAX_BASE:
        return Refusal(Code.INVALID_BASE_AMOUNT, "invalid base amount")
    if not 1 <= tx.price <= MAX_PRICE:
        return Refusal(Code.INVALID_PRICE, "invalid price")
    if tx.is_ask not in {0, 1}:
        return Refusal(Code.INVALID_IS_ASK, "invalid is ask")
    if tx.reduce_only not in {0, 1} or not 0 <= tx.attribute(SELF_TRADE, 0) < len(SelfTrade):
        return Refusal(Code.INVALID_TX_INFO, "invalid tx info")
    return None


def _check_terms(tx: CreateTx, now_ms: int) -> Refusal | None:
    """Type, time in force, trigger and expiry must fit each other."""
    if tx.type not in _KINDS:
        if 0 <= tx.type <= _LAST_KIND:
            return Refusal(Code.UNSUPPORTED_ORDER_TYPE, "unsupported order type")
        return Refusal(Code.INVALID_ORDER_TYPE, "invalid order type")
    is_known = 0 <= tx.time_in_force < len(Tif)
    if not is_known or (tx.type == OrderKind.MARKET and tx.time_in_force != Tif.IOC):
        return Refusal(Code.INVALID_TIF, "invalid order time in force")
    if tx.trigger_price != 0:
        return Refusal(Code.INVALID_TRIGGER, "invalid order trigger price")
    if tx.time_in_force == Tif.IOC:
        fits = tx.order_expiry == 0
    else:
        fits = MIN_EXPIRY_MS - CLOCK_SLACK_MS <= tx.order_expiry - now_ms <= MAX_EXPIRY_MS + CLOCK_SLACK_MS
    return None if fits else Refusal(Code.INVALID_EXPIRY, "invalid order expiry")


def _check_resting(
    request: OrderRequest, account: VenueAccount, exchange: Exchange, spec: MarketSpec
) -> Refusal | None:
    """Minimums, ceilings and margin hold for orders that may rest; takers pass and fail at the sequencer."""
    refusal = None if request.reduce_only else _check_amounts(spec, request.size, request.price)
    if refusal is not None:
        return refusal
    if len(account.live) >= MAX_LIVE:
        return Refusal(Code.TOO_MANY_ORDERS, "too many active orders for account")
    if account.open_in(request.market_id)[0] >= MAX_LIVE_PER_MARKET:
        return Refusal(Code.TOO_MANY_MARKET_ORDERS, "too many active orders for market")
    if not margin.can_afford(account, exchange.markets, request):
        return Refusal(Code.NOT_ENOUGH_MARGIN, "not enough margin to create the order")
    return None


def _check_amounts(spec: MarketSpec, size: int, price: int) -> Refusal | None:
    if not 1 <= size <= MAX_BASE:
        return Refusal(Code.INVALID_BASE_AMOUNT, "invalid base amount")
    if not 1 <= price <= MAX_PRICE:
        return Refusal(Code.INVALID_PRICE, "invalid price")
    if size < spec.min_base or size * price < spec.min_quote or size * price > spec.quote_limit:
        return Refusal(Code.BELOW_MINIMUM, "invalid order base or quote amount")
    return None


def _check_modify(tx: ModifyTx, account: VenueAccount, exchange: Exchange) -> Refusal | None:
    """What it adds needs minimums and margin like a new order; an order that is gone is the sequencer's to report."""
    refusal = _check_amounts(exchange.markets[tx.market_index].spec, tx.base_amount, tx.price)
    order = exchange.find(account, tx.market_index, tx.index)
    if refusal is not None or order is None or order.reduce_only or tx.base_amount <= order.size:
        return refusal
    added = OrderRequest(
        market_id=order.market_id,
        client_index=0,
        is_ask=order.is_ask,
        size=tx.base_amount - order.size,
        price=tx.price,
    )
    if not margin.can_afford(account, exchange.markets, added):
        return Refusal(Code.NOT_ENOUGH_MARGIN, "not enough margin to create the order")
    return None


def _check_target(tx: CancelTx | ModifyTx, exchange: Exchange) -> Refusal | None:
    if tx.market_index not in exchange.markets:
        return Refusal(Code.INVALID_MARKET, "invalid market index")
    if not 1 <= tx.index <= MAX_ORDER_INDEX:
        return Refusal(Code.INVALID_ORDER_INDEX, "invalid order index")
    if tx.index >> PRIORITY_BITS not in {0, tx.market_index + 1}:
        return Refusal(Code.INVALID_ORDER_INDEX, "invalid order index")
    return None


def _check_cancel_all(tx: CancelAllTx, exchange: Exchange) -> Refusal | None:
    if tx.time_in_force != 0:
        return Refusal(Code.INVALID_CANCEL_ALL_TIF, "invalid cancel all time in force")
    if tx.time != 0:
        return Refusal(Code.INVALID_CANCEL_ALL_TIME, "invalid cancel all time")
    market_id = tx.attribute(CANCEL_ALL_MARKET, NO_MARKET)
    if market_id != NO_MARKET and market_id not in exchange.markets:
        return Refusal(Code.INVALID_MARKET, "invalid market index")
    return None
