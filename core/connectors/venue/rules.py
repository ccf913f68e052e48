"""What the API refuses before a transaction reaches the sequencer: such a refusal does not spend the nonce.

The rules of single orders and groups are in `core.connectors.venue.order_rules`.
"""

from typing import Final, assert_never

from core.connectors.venue import margin, order_rules, price_band, sub_accounts
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
    CreateSubTx,
    CreateTx,
    GroupTx,
    LeverageTx,
    MarginTx,
    ModifyTx,
    OrderFields,
    TransferTx,
    Tx,
)

IMMEDIATE: Final = 0
SCHEDULED: Final = 1
ABORT: Final = 2
MAX_ORDER_INDEX: Final = 2**60 - 1
SHORTEST_SWITCH_MS: Final = 5 * 60_000
LONGEST_SWITCH_MS: Final = 15 * 86_400_000
_INVALID_MARKET: Final = Refusal(Code.INVALID_MARKET, "invalid market index")
_QUEUED: Final = Refusal(Code.CANCEL_ALL_IS_QUEUED, "cancel all is already queued")
_DUE: Final = Refusal(Code.SWITCH_IS_DUE, "dead man's switch should be triggered")
CROSS: Final = 0
ISOLATED: Final = 1
REMOVE: Final = 0
ADD: Final = 1
MAX_MARGIN: Final = 2**60 - 1
"""Of one transfer to an isolated position, in 1e-6 USDC (lighter-go)."""
_WHOLE: Final = 10_000
"""A margin fraction of one."""


def check(tx: Tx, account: VenueAccount, exchange: Exchange, now_ms: int) -> Refusal | None:
    """The first rule a transaction breaks, if any."""
    if 0 < account.cancel_all_ms <= now_ms:
        return _QUEUED if isinstance(tx, CancelAllTx) else _DUE
    match tx:
        case CreateTx() | GroupTx():
            return _check_new(tx, account, exchange, now_ms)
        case CancelTx():
            return _check_target(tx, exchange)
        case CancelAllTx():
            return _check_cancel_all(tx, exchange, now_ms)
        case ModifyTx():
            return _check_target(tx, exchange) or _check_modify(tx, account, exchange)
        case LeverageTx() | MarginTx() | CreateSubTx() | TransferTx():
            return _check_account(tx, account, exchange)
        case never:
            assert_never(never)


def _check_new(tx: CreateTx | GroupTx, account: VenueAccount, exchange: Exchange, now_ms: int) -> Refusal | None:
    """Orders that are to be placed; of a led group the first alone adds anything, and a pair only reduces."""
    if isinstance(tx, CreateTx):
        first, refusal = tx.order, order_rules.check_create(tx, account, exchange, now_ms)
    else:
        refusal = order_rules.check_group(tx, account, exchange, now_ms)
        if refusal is not None:
            return refusal
        first = tx.orders[0]
    return refusal or _check_band(first, exchange) or _check_margin_of(first, account, exchange)


def _check_account(
    tx: LeverageTx | MarginTx | CreateSubTx | TransferTx, account: VenueAccount, exchange: Exchange
) -> Refusal | None:
    """Changes of the account itself."""
    match tx:
        case LeverageTx():
            return _check_leverage(tx, account, exchange)
        case MarginTx():
            return _check_margin(tx, account, exchange)
        case CreateSubTx():
            return sub_accounts.check_create(account, exchange)
        case TransferTx():
            return sub_accounts.check_transfer(tx, account, exchange)
        case never:
            assert_never(never)


def _check_band(order: OrderFields, exchange: Exchange) -> Refusal | None:
    """A price that waits for its trigger is held against that instead."""
    if order.trigger_price:
        return None
    market, percent = exchange.markets[order.market_index], exchange.price_band_percent
    return price_band.check(market, order.price, is_ask=order.is_ask == 1, percent=percent)


def _check_margin_of(order: OrderFields, account: VenueAccount, exchange: Exchange) -> Refusal | None:
    """What may rest needs margin, what takes is checked when it trades; below its margin an account may only reduce."""
    request = request_of(order)
    health = margin.health_in(account, exchange.markets, request.market_id)
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
    if refusal is None and order is not None and not order.is_pending:
        if tx.trigger_price:
            return Refusal(Code.INVALID_TRIGGER, "invalid order trigger price")
        market, percent = exchange.markets[order.market_id], exchange.price_band_percent
        refusal = price_band.check(market, tx.price, is_ask=order.is_ask, percent=percent)
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
    market = exchange.markets.get(tx.market_index)
    if market is None:
        return _INVALID_MARKET
    if tx.margin_mode not in {CROSS, ISOLATED}:
        return Refusal(Code.INVALID_MARGIN_MODE, "invalid margin mode")
    if not market.spec.min_imf <= tx.initial_margin_fraction <= _WHOLE:
        return Refusal(Code.INVALID_MARGIN_FRACTION, "invalid initial margin fraction")
    if not exchange.may_change_mode(account, tx.market_index, is_isolated=tx.margin_mode == ISOLATED):
        return Refusal(Code.MARGIN_MODE_IN_USE, "margin mode cannot change with an open position or orders")
    if margin.health(account, exchange.markets) in {Health.LIQUIDATION, Health.CLOSE_OUT}:
        return Refusal(Code.IN_LIQUIDATION, "account is in liquidation")
    return None


def _check_margin(tx: MarginTx, account: VenueAccount, exchange: Exchange) -> Refusal | None:
    """Only isolated positions have margin of their own."""
    if tx.market_index not in exchange.markets:
        return _INVALID_MARKET
    if tx.direction not in {REMOVE, ADD}:
        return Refusal(Code.INVALID_MARGIN_DIRECTION, "invalid margin direction")
    if not 1 <= tx.usdc_amount <= MAX_MARGIN:
        return Refusal(Code.INVALID_TX_INFO, "invalid tx info: USDC amount")
    position = account.positions.get(tx.market_index)
    if position is None or not position.is_isolated or position.size == 0:
        return Refusal(Code.INVALID_MARGIN_MODE, "invalid margin mode: there is no isolated position")
    if tx.direction == ADD and tx.usdc_amount > margin.available(account, exchange.markets):
        return Refusal(Code.NOT_ENOUGH_COLLATERAL, "not enough collateral")
    return None
