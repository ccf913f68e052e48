"""What the API checks in one order or in a group of them: ranges, terms that fit each other, minimums and ceilings.

Published limits are lighter-go's and the venue's constants (apidocs.lighter.xyz, data structures, constants, errors).
"""

from typing import Final

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.orders import Grouping, OrderKind, OrderRequest, SelfTrade, Tif
from core.connectors.venue.tx import SELF_TRADE, SELF_TRADE_EQUALITY, CreateTx, GroupTx, OrderFields

MAX_CLIENT_INDEX: Final = 2**48 - 1
MAX_BASE: Final = 2**48 - 1
MAX_PRICE: Final = 2**32 - 1
MAX_LIVE: Final = 1_500
MAX_LIVE_PER_MARKET: Final = 1_000
MAX_PENDING: Final = 500
MAX_PENDING_PER_MARKET: Final = 16
MIN_EXPIRY_MS: Final = 5 * 60_000
MAX_EXPIRY_MS: Final = 30 * 86_400_000
CLOCK_SLACK_MS: Final = 2_000
"""Between the sender's clock and ours."""
MAX_TRIGGER_DISTANCE_PERCENT: Final = 50
"""Between an order's price and its trigger; the venue has such a limit and does not publish it."""
_KINDS: Final = frozenset(kind for kind in OrderKind if kind is not OrderKind.LIQUIDATION)
_TWAP: Final = 6
_INVALID_TX: Final = Refusal(Code.INVALID_TX_INFO, "invalid tx info")
_INVALID_EXPIRY: Final = Refusal(Code.INVALID_EXPIRY, "invalid order expiry")
_INVALID_TIF: Final = Refusal(Code.INVALID_TIF, "invalid order time in force")
_INVALID_TRIGGER: Final = Refusal(Code.INVALID_TRIGGER, "invalid order trigger price")


def request_of(fields: OrderFields, mode: SelfTrade = SelfTrade.EXPIRE_MAKER) -> OrderRequest:
    """Checked fields as the matching engine wants them."""
    return OrderRequest(
        market_id=fields.market_index,
        client_index=fields.client_order_index,
        is_ask=fields.is_ask == 1,
        size=fields.base_amount,
        price=fields.price,
        kind=OrderKind(fields.type),
        tif=Tif(fields.time_in_force),
        reduce_only=fields.reduce_only == 1,
        expiry_ms=fields.order_expiry,
        self_trade=mode,
        trigger_price=fields.trigger_price,
    )


def request_of_create(tx: CreateTx) -> OrderRequest:
    """The same for an order that comes alone."""
    return request_of(tx.order, SelfTrade(tx.attribute(SELF_TRADE, 0)))


def check_create(tx: CreateTx, account: VenueAccount, exchange: Exchange, now_ms: int) -> Refusal | None:
    """The first rule a single order breaks, if any."""
    if tx.market_index not in exchange.markets:
        return Refusal(Code.INVALID_MARKET, "invalid market index")
    mode, equality = tx.attribute(SELF_TRADE, 0), tx.attribute(SELF_TRADE_EQUALITY, 0)
    least = 0 if tx.reduce_only == 1 else 1
    refusal = _check_fields(tx.order, least)
    if refusal is not None:
        return refusal
    if not 0 <= mode < len(SelfTrade) or equality not in {0, 1} or (mode == SelfTrade.REDUCE and equality):
        return _INVALID_TX
    return _check_terms(tx.order, now_ms) or _check_placing(request_of(tx.order), account, exchange)


def check_group(tx: GroupTx, account: VenueAccount, exchange: Exchange, now_ms: int) -> Refusal | None:
    """The first rule a group breaks, if any."""
    shape = _check_shape(tx)
    if shape is not None:
        return shape
    if tx.orders[0].market_index not in exchange.markets:
        return Refusal(Code.INVALID_MARKET, "invalid market index")
    is_pair = tx.grouping_type == Grouping.OCO
    for place, order in enumerate(tx.orders):
        is_child = place > 0 and not is_pair
        refusal = _check_fields(order, 0 if is_child or order.reduce_only == 1 else 1) or _check_terms(order, now_ms)
        if refusal is not None:
            return refusal
    refusal = _check_pending(len(tx.orders) - (not is_pair), tx.orders[0].market_index, account)
    if refusal is None and not is_pair:
        refusal = _check_placing(request_of(tx.orders[0]), account, exchange)
    return refusal


def check_amounts(spec: MarketSpec, size: int, price: int) -> Refusal | None:
    """Ranges, minimums and the ceiling of an order that may rest."""
    if not 1 <= size <= MAX_BASE:
        return Refusal(Code.INVALID_BASE_AMOUNT, "invalid base amount")
    refusal = check_price(price)
    if refusal is None and (size < spec.min_base or not spec.min_quote <= size * price <= spec.quote_limit):
        refusal = Refusal(Code.BELOW_MINIMUM, "invalid order base or quote amount")
    return refusal


def check_price(price: int) -> Refusal | None:
    """Whether a price can be signed."""
    return None if 1 <= price <= MAX_PRICE else Refusal(Code.INVALID_PRICE, "invalid price")


def _check_fields(order: OrderFields, least: int) -> Refusal | None:
    if not 0 <= order.client_order_index <= MAX_CLIENT_INDEX:
        return Refusal(Code.INVALID_CLIENT_INDEX, "invalid client order index")
    if not least <= order.base_amount <= MAX_BASE:
        return Refusal(Code.INVALID_BASE_AMOUNT, "invalid base amount")
    if not 0 <= order.trigger_price <= MAX_PRICE:
        return _INVALID_TRIGGER
    if order.is_ask not in {0, 1}:
        return Refusal(Code.INVALID_IS_ASK, "invalid is ask")
    if order.reduce_only not in {0, 1}:
        return _INVALID_TX
    return check_price(order.price)


def _check_terms(order: OrderFields, now_ms: int) -> Refusal | None:
    """Type, time in force, trigger and expiry must fit each other."""
    if order.type not in _KINDS:
        is_known = order.type == _TWAP
        code = Code.UNSUPPORTED_ORDER_TYPE if is_known else Code.INVALID_ORDER_TYPE
        return Refusal(code, f"{'unsupported' if is_known else 'invalid'} order type")
    kind = OrderKind(order.type)
    if not 0 <= order.time_in_force < len(Tif) or (kind.is_market and order.time_in_force != Tif.IOC):
        return _INVALID_TIF
    if kind.is_conditional != (order.trigger_price != 0):
        return _INVALID_TRIGGER
    if not _may_end_then(order, now_ms, is_brief=order.time_in_force == Tif.IOC and not kind.is_conditional):
        return _INVALID_EXPIRY
    distance = abs(order.price - order.trigger_price) * 100
    if kind.is_conditional and distance > order.trigger_price * MAX_TRIGGER_DISTANCE_PERCENT:
        return Refusal(Code.FAR_FROM_TRIGGER, "order price is too far from the trigger price")
    return None


def _may_end_then(order: OrderFields, now_ms: int, *, is_brief: bool) -> bool:
    if is_brief:
        return order.order_expiry == 0
    return MIN_EXPIRY_MS - CLOCK_SLACK_MS <= order.order_expiry - now_ms <= MAX_EXPIRY_MS + CLOCK_SLACK_MS


def _check_shape(tx: GroupTx) -> Refusal | None:
    """How the orders of a group must relate (lighter-go, `L2CreateGroupedOrdersTxInfo.Validate`)."""
    if tx.grouping_type not in {each.value for each in Grouping}:
        return Refusal(Code.INVALID_GROUPING, "invalid grouping type")
    orders = tx.orders
    if len(orders) != (3 if tx.grouping_type == Grouping.OTOCO else 2):
        return Refusal(Code.INVALID_GROUP_SIZE, "invalid order group size")
    clients = [order.client_order_index for order in orders if order.client_order_index]
    children = orders if tx.grouping_type == Grouping.OCO else orders[1:]
    is_related = (
        len({order.market_index for order in orders}) == 1
        and len(set(clients)) == len(clients)
        and all(order.type in _KINDS and OrderKind(order.type).is_conditional for order in children)
        and (len(children) == 1 or len({OrderKind(order.type).is_stop for order in children}) == 2)
    )
    fits = _is_pair(orders) if tx.grouping_type == Grouping.OCO else _is_led(orders)
    return None if is_related and fits else Refusal(Code.INVALID_GROUP_ORDER, "invalid order in group")


def _is_pair(orders: tuple[OrderFields, ...]) -> bool:
    """Same size, side and end, and both only reduce."""
    return (
        len({(order.base_amount, order.is_ask, order.order_expiry) for order in orders}) == 1
        and min(order.reduce_only for order in orders) == 1
    )


def _is_led(orders: tuple[OrderFields, ...]) -> bool:
    """A plain order first, then opposite ones that it will size."""
    lead, *children = orders
    return lead.type in {OrderKind.LIMIT, OrderKind.MARKET} and all(
        child.base_amount == 0
        and child.is_ask != lead.is_ask
        and child.order_expiry == children[0].order_expiry
        and lead.order_expiry in {0, child.order_expiry}
        for child in children
    )


def _check_placing(request: OrderRequest, account: VenueAccount, exchange: Exchange) -> Refusal | None:
    """Minimums and ceilings hold for orders that may rest; takers pass and fail at the sequencer."""
    spec = exchange.markets[request.market_id].spec
    if request.kind.is_conditional:
        refusal = None if request.reduce_only else check_amounts(spec, request.size, request.price)
        return refusal or _check_pending(1, request.market_id, account)
    if request.tif is Tif.IOC:
        return None
    refusal = None if request.reduce_only else check_amounts(spec, request.size, request.price)
    if refusal is not None:
        return refusal
    if len(account.live) - len(account.pending()) >= MAX_LIVE:
        return Refusal(Code.TOO_MANY_ORDERS, "too many active orders for account")
    if account.open_in(request.market_id)[0] >= MAX_LIVE_PER_MARKET:
        return Refusal(Code.TOO_MANY_MARKET_ORDERS, "too many active orders for market")
    return None


def _check_pending(added: int, market_id: int, account: VenueAccount) -> Refusal | None:
    if len(account.pending()) + added > MAX_PENDING:
        return Refusal(Code.TOO_MANY_PENDING, "too many pending orders for account")
    if len(account.pending(market_id)) + added > MAX_PENDING_PER_MARKET:
        return Refusal(Code.TOO_MANY_MARKET_PENDING, "too many pending orders for market")
    return None
