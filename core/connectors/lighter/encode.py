"""Turns intents into the integers the signer takes, refusing whatever the wire cannot carry exactly.

The vendor's signer wraps out-of-range prices without a word (2**32 + 5 signs 5), so every range is checked before it.
Ranges: lighter-go `types/txtypes` constants; markets are checked against the venue's own list by the caller.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, assert_never

from core.clock import SECOND_US
from core.connectors.base import NewOrder, OrderRef
from core.decisions import Refused
from core.model import Market, OrderType, Side, TimeInForce
from core.units import MAX_CLIENT_ORDER_ID, MAX_PRICE_TICKS, MAX_SIZE_STEPS, MarketId, to_units

TX_CREATE_ORDER: Final = 14
TX_CANCEL_ORDER: Final = 15
TX_CANCEL_ALL: Final = 16
TX_MODIFY_ORDER: Final = 17
TX_UPDATE_LEVERAGE: Final = 20

ALL_MARKETS: Final = 255
"""`NIL_MARKET_INDEX`: a cancel-all of the whole account."""
MAX_PERP_MARKET: Final = 254
MAX_MARKET: Final = 2**15 - 1
EXPIRY_NONE: Final = 0
EXPIRY_28_DAYS: Final = -1
"""The signer replaces it by now + 28 days; the venue takes 5 minutes to 30 days."""
_MIN_VENUE_ORDER_ID: Final = 2**48
_MAX_VENUE_ORDER_ID: Final = 2**60 - 1
CANCEL_NOW: Final = 0
CANCEL_AT: Final = 1
CANCEL_NEVER: Final = 2
_SOONEST_US: Final = 300 * SECOND_US
_LATEST_US: Final = 15 * 86_400 * SECOND_US
"""The venue arms a scheduled cancel-all 5 minutes to 15 days ahead (apidocs.lighter.xyz/docs/trading)."""
_FRACTION_UNIT: Final = 10_000
_TYPE_LIMIT: Final = 0
_TYPE_MARKET: Final = 1
_TIF_IOC: Final = 0
_TIF_GTT: Final = 1
_TIF_POST_ONLY: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTx:
    """One order in the venue's units: price in ticks, size in steps."""

    market_index: int
    client_order_index: int
    base_amount: int
    price: int
    is_ask: bool
    order_type: int
    time_in_force: int
    reduce_only: bool
    order_expiry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTx:
    """A cancel of one order, by the venue's index or ours."""

    market_index: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAllTx:
    """A cancel of every order: at once of one market or (255) of the account, or later of the account, or no more."""

    market_index: int = ALL_MARKETS
    time_in_force: int = CANCEL_NOW
    time_ms: int = 0
    """When it fires, of a scheduled one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyTx:
    """A new price and size for one order, by the venue's index or ours."""

    market_index: int
    index: int
    base_amount: int
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageTx:
    """The margin of one market: its initial fraction in 1e-4, and whether it is kept apart from the others'."""

    market_index: int
    fraction: int
    is_isolated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LegTx:
    """One order of a group, and the mark price in ticks that it waits for; 0 for one that does not wait."""

    order: CreateTx
    trigger_price: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTx:
    """Orders that hang together (transaction 28); the lead, if there is one, comes first."""

    grouping: int
    orders: tuple[LegTx, ...]

    @property
    def market_index(self) -> int:
        """All are in one market."""
        return self.orders[0].order.market_index


Tx = CreateTx | CancelTx | CancelAllTx | ModifyTx | LeverageTx | GroupTx


def encode_order(order: NewOrder, market: Market | None) -> CreateTx | Refused:
    """An order in the venue's integers, or why it cannot be one."""
    intent = order.intent
    if market is None:
        return _refused(f"market {intent.market_id} is not one of this venue's")
    if not 1 <= order.client_id <= MAX_CLIENT_ORDER_ID:
        return _refused(f"client order id: expected 1 to {MAX_CLIENT_ORDER_ID}, got {order.client_id}")
    price = _scaled(intent.price, market, is_price=True)
    if isinstance(price, Refused):
        return price
    size = _scaled(intent.size, market, is_price=False)
    if isinstance(size, Refused):
        return size
    if intent.type is OrderType.MARKET and intent.tif is TimeInForce.POST_ONLY:
        return _refused("a market order cannot be post-only")
    tif = TimeInForce.IOC if intent.type is OrderType.MARKET else intent.tif
    return CreateTx(
        market_index=intent.market_id,
        client_order_index=order.client_id,
        base_amount=size,
        price=price,
        is_ask=intent.side is Side.SELL,
        order_type=_TYPE_MARKET if intent.type is OrderType.MARKET else _TYPE_LIMIT,
        time_in_force=_tif_code(tif),
        reduce_only=intent.reduce_only,
        order_expiry=_expiry(order, tif),
    )


def encode_cancel(ref: OrderRef) -> CancelTx | Refused:
    """A cancel by the venue's id when it is known, else by ours."""
    if not 0 <= ref.market_id <= MAX_MARKET or ref.market_id == ALL_MARKETS:
        return _refused(f"market {ref.market_id} is not one of this venue's")
    if ref.venue_id is not None:
        if not _MIN_VENUE_ORDER_ID <= ref.venue_id <= _MAX_VENUE_ORDER_ID:
            return _refused(f"venue order id: expected 2**48 to 2**60 - 1, got {ref.venue_id}")
        return CancelTx(market_index=ref.market_id, index=ref.venue_id)
    if ref.client_id is None:
        return _refused("a cancel needs the venue's order id or ours, got neither")
    if not 1 <= ref.client_id <= MAX_CLIENT_ORDER_ID:
        return _refused(f"client order id: expected 1 to {MAX_CLIENT_ORDER_ID}, got {ref.client_id}")
    return CancelTx(market_index=ref.market_id, index=ref.client_id)


def encode_cancel_all(market_id: MarketId | None) -> CancelAllTx | Refused:
    """The native cancel-all; the venue filters by market for perps only (its code 21619 otherwise)."""
    if market_id is None:
        return CancelAllTx()
    if not 0 <= market_id <= MAX_PERP_MARKET:
        return _refused(f"cancel-all of one market: expected a perp (0 to {MAX_PERP_MARKET}), got market {market_id}")
    return CancelAllTx(market_index=market_id)


def encode_modify(ref: OrderRef, market: Market | None, *, size: Decimal, price: Decimal) -> ModifyTx | Refused:
    """A change of one order in the venue's integers, or why it cannot be one."""
    if market is None or market.id != ref.market_id:
        return _refused(f"market {ref.market_id} is not one of this venue's")
    target = encode_cancel(ref)
    if isinstance(target, Refused):
        return target
    ticks = _scaled(price, market, is_price=True)
    if isinstance(ticks, Refused):
        return ticks
    steps = _scaled(size, market, is_price=False)
    if isinstance(steps, Refused):
        return steps
    return ModifyTx(market_index=target.market_index, index=target.index, base_amount=steps, price=ticks)


def encode_schedule(at_us: int, now_us: int) -> CancelAllTx | Refused:
    """The venue's own dead-man's switch: every order of the account is cancelled then, unless armed anew or aborted."""
    ahead_us = at_us - now_us
    if not _SOONEST_US <= ahead_us <= _LATEST_US:
        seconds = ahead_us // SECOND_US
        return _refused(f"scheduled cancel-all: expected 5 minutes to 15 days ahead, got {seconds} s")
    return CancelAllTx(time_in_force=CANCEL_AT, time_ms=at_us // 1_000)


def encode_leverage(market: Market | None, leverage: int, *, is_isolated: bool) -> LeverageTx | Refused:
    """A market's leverage; the signer takes the margin fraction, rounded down as the vendor's own client does."""
    if market is None:
        return _refused("leverage: the market is not one of this venue's")
    least = int(market.initial_margin * _FRACTION_UNIT) or 1
    most = _FRACTION_UNIT // least
    if not 1 <= leverage <= most:
        return _refused(f"leverage of {market.symbol}: expected 1 to {most}, got {leverage}")
    return LeverageTx(market_index=market.id, fraction=_FRACTION_UNIT // leverage, is_isolated=is_isolated)


def encode_price(price: Decimal, market: Market) -> int | Refused:
    """A price in ticks, or why it cannot be one."""
    return _scaled(price, market, is_price=True)


def _scaled(value: Decimal, market: Market, *, is_price: bool) -> int | Refused:
    what, decimals, ceiling, step = (
        ("price", market.price_decimals, MAX_PRICE_TICKS, market.tick)
        if is_price
        else ("size", market.size_decimals, MAX_SIZE_STEPS, market.step)
    )
    if not value.is_finite():
        return _refused(f"{what}: expected a number, got {value}")
    try:
        units = to_units(value, decimals)
    except ValueError:
        return _refused(f"{what} {value} is not a multiple of {step} in {market.symbol}")
    if not 1 <= units <= ceiling:
        return _refused(f"{what}: expected {step} to {ceiling * step} in {market.symbol}, got {value}")
    return units


def _expiry(order: NewOrder, tif: TimeInForce) -> int:
    """Milliseconds since the epoch; one that does not rest has none (lighter-go, `L2CreateOrderTxInfo.Validate`)."""
    if tif is TimeInForce.IOC:
        return EXPIRY_NONE
    return EXPIRY_28_DAYS if order.expires_us is None else order.expires_us // 1_000


def _tif_code(tif: TimeInForce) -> int:
    match tif:
        case TimeInForce.IOC:
            return _TIF_IOC
        case TimeInForce.GTT:
            return _TIF_GTT
        case TimeInForce.POST_ONLY:
            return _TIF_POST_ONLY
        case _:
            assert_never(tif)


def _refused(sentence: str) -> Refused:
    return Refused(0, sentence)
