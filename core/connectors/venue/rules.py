"""What the API refuses before a transaction reaches the sequencer: such a refusal does not spend the nonce.

The rules of single orders and groups are in `core.connectors.venue.order_rules`.
"""

from typing import Final, assert_never

from core.connectors.venue import margin, order_rules
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.margin import Health
from core.connectors.venue.order_rules import request_of
from core.connectors.venue.orders import PRIORITY_BITS, OrderRequest, Tif
from core.connectors.venue.tx import (
    CANCEL_ALL_MARKET,
    NO_MARKET,
    CancelAllTx,
    CancelTx,
    CreateTx,
    GroupTx,
    LeverageTx,
    MarginTx,
    ModifyTx,
    OrderFields,
    Tx,
)

IMMEDIATE: Final = 0
SCHEDULED: Final = 1
ABORT: Final = 2
MAX_ORDER_INDEX: Final = 2**60 - 1
SHORTEST_SWITCH_MS: Final = 5 * 60_000
LONGEST_SWITCH_MS: Final = 15 * 86_400_000
_INVALID_MARKET: Final = Refusal(Code.INVALID_MARKET, "invalid market index")
_CROSS: Final = 0
_ISOLATED: Final = 1
_WHOLE: Final = 10_000
"""A margin fraction of one."""


def check(tx: Tx, account: VenueAccount, exchange: Exchange, now_ms: int) -> Refusal | None:
    """The first rule a transaction breaks, if any."""
    if 0 < account.cancel_all_ms <= now_ms:
        if isinstance(tx, CancelAllTx):
            return Refusal(Code.CANCEL_ALL_IS_QUEUED, "cancel all is already queued")
        return Refusal(Code.SWITCH_IS_DUE, "dead man's switch should be triggered")
    refusal: Refusal | None
    match tx:
        case CreateTx():
            refusal = order_rules.check_create(tx, account, exchange, now_ms)
            refusal = refusal or _check_margin_of(tx.order, account, exchange)
        case GroupTx():
            refusal = order_rules.check_group(tx, account, exchange, now_ms)
            # A pair only reduces; of a led group the first order alone adds anything.
            refusal = refusal or _check_margin_of(tx.orders[0], account, exchange)
        case CancelTx():
            refusal = _check_target(tx, exchange)
        case CancelAllTx():
            refusal = _check_cancel_all(tx, exchange, now_ms)
        case ModifyTx():
            refusal = _check_target(tx, exchange) or _check_modify(tx, account, exchange)
        case LeverageTx():
            refusal = _check_leverage(tx, account, exchange)
        case MarginTx():
            refusal = _check_margin(tx, exchange)
        case never:
            assert_never(never)
    return refusal


def _check_margin_of(order: OrderFields, account: VenueAccount, exchange: Exchange) -> Refusal | None:
    """What may rest needs margin, what takes is checked when it trades; below its margin an account may only reduce."""
    request = request_of(order)
    health = margin.health(account, exchange.markets)
    if health is not Health.SOUND and margin.raises(account, exchange.markets, request):
        if health is Health.PRE_LIQUIDATION:
            return Refusal(Code.PRE_LIQUIDATION, "account is in pre-liquidation: orders may only reduce")
        return Refusal(Code.IN_LIQUIDATION, "account is in liquidation")
    if request.tif is Tif.IOC or request.kind.is_conditional or margin.can_afford(account, exchange.markets, request):
        return None
    return Refusal(Code.NOT_ENOUGH_MARGIN, "not enough margin to create the order")


def _check_modify(tx: ModifyTx, account: VenueAccount, exchange: Exchange) -> Refusal | None:
    """What it adds needs minimums and margin like a new order; an order that is gone is the sequencer's to report."""
    order = exchange.find(account, tx.market_index, tx.index)
    if order is not None and order.reduce_only and tx.base_amount == 0 and order.is_pending:
        return order_rules.check_price(tx.price)
    refusal = order_rules.check_amounts(exchange.markets[tx.market_index].spec, tx.base_amount, tx.price)
    if refusal is None and order is not None and tx.trigger_price and not order.is_pending:
        refusal = Refusal(Code.INVALID_TRIGGER, "invalid order trigger price")
    if refusal is not None or order is None or order.reduce_only or tx.base_amount <= order.size or order.is_pending:
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
        return _INVALID_MARKET
    if not 1 <= tx.index <= MAX_ORDER_INDEX or tx.index >> PRIORITY_BITS not in {0, tx.market_index + 1}:
        return Refusal(Code.INVALID_ORDER_INDEX, "invalid order index")
    return None


def _check_cancel_all(tx: CancelAllTx, exchange: Exchange, now_ms: int) -> Refusal | None:
    if tx.time_in_force not in {IMMEDIATE, SCHEDULED, ABORT}:
        return Refusal(Code.INVALID_CANCEL_ALL_TIF, "invalid cancel all time in force")
    if tx.time_in_force == SCHEDULED:
        slack = order_rules.CLOCK_SLACK_MS
        fits = SHORTEST_SWITCH_MS - slack <= tx.time - now_ms <= LONGEST_SWITCH_MS + slack
    else:
        fits = tx.time == 0
    if not fits:
        return Refusal(Code.INVALID_CANCEL_ALL_TIME, "invalid cancel all time")
    market_id = tx.attribute(CANCEL_ALL_MARKET, NO_MARKET)
    if market_id != NO_MARKET and (market_id not in exchange.markets or tx.time_in_force != IMMEDIATE):
        return _INVALID_MARKET
    return None


def _check_leverage(tx: LeverageTx, account: VenueAccount, exchange: Exchange) -> Refusal | None:
    """Margin is shared by all positions here: there is no isolated one."""
    market = exchange.markets.get(tx.market_index)
    if market is None:
        return _INVALID_MARKET
    if tx.margin_mode != _CROSS:
        return Refusal(Code.INVALID_MARGIN_MODE, "invalid margin mode")
    if not market.spec.min_imf <= tx.initial_margin_fraction <= _WHOLE:
        return Refusal(Code.INVALID_MARGIN_FRACTION, "invalid initial margin fraction")
    if margin.health(account, exchange.markets) in {Health.LIQUIDATION, Health.CLOSE_OUT}:
        return Refusal(Code.IN_LIQUIDATION, "account is in liquidation")
    return None


def _check_margin(tx: MarginTx, exchange: Exchange) -> Refusal:
    """Only isolated positions have margin of their own, and here there are none."""
    if tx.market_index not in exchange.markets:
        return _INVALID_MARKET
    if tx.direction not in {0, _ISOLATED}:
        return Refusal(Code.INVALID_MARGIN_DIRECTION, "invalid margin direction")
    return Refusal(Code.INVALID_MARGIN_MODE, "invalid margin mode: the position is not isolated")
