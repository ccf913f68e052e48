"""From the venue's objects to the domain's values: units, signs and words change here and nowhere else.

Times: `transaction_time` is microseconds, `timestamp` of a trade and `cancel_all_time` milliseconds; the domain has
microseconds only. Pure.
"""

from decimal import Decimal, InvalidOperation
from typing import Final

from core.assets import Asset
from core.connectors.lighter.bodies import AccountRow, MarketRow
from core.connectors.lighter.objects import (
    Raw,
    WireAsset,
    WireCandle,
    WireOrder,
    WirePosition,
    WireTrade,
    WireUserStats,
)
from core.errors import ProtocolViolation
from core.events import OrderReport
from core.model import (
    Account,
    Fill,
    Liquidity,
    Market,
    MarketStatus,
    OrderStatus,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from core.tape import Candle
from core.units import ZERO, AccountIndex, ClientOrderId, MarketId, TradeId, VenueOrderId

PERP: Final = "perp"
_MARGIN_UNIT: Final = Decimal("0.0001")
_FEE_UNIT: Final = Decimal("0.000001")
_CENTS: Final = Decimal("0.01")
_PERCENT: Final = Decimal("0.01")
_MS_US: Final = 1_000
_OPEN_WORDS: Final = frozenset({"open", "in-progress", "pending"})
_REFUSED_AT_ENTRY: Final = frozenset({"canceled-post-only", "canceled-too-much-slippage"})
_TYPES: Final = {"limit": OrderType.LIMIT, "twap": OrderType.LIMIT, "twap-sub": OrderType.LIMIT}
_TIFS: Final = {tif.value: tif for tif in TimeInForce}


def number(raw: Raw) -> Decimal | None:
    """A number that came as text or as a number; None when it is missing, null, empty or not finite."""
    text = bytes(raw).strip(b'"').decode("ascii", "replace")
    if not text or text == "null":
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def market(row: MarketRow) -> Market:
    """An instrument."""
    is_reduce_only = row.market_config is not None and row.market_config.force_reduce_only
    if row.status != "active":
        status = MarketStatus.INACTIVE
    else:
        status = MarketStatus.REDUCE_ONLY if is_reduce_only else MarketStatus.ACTIVE
    return Market(
        id=MarketId(row.market_id),
        symbol=row.symbol,
        price_decimals=row.supported_price_decimals,
        size_decimals=row.supported_size_decimals,
        min_size=row.min_base_amount,
        min_notional=row.min_quote_amount,
        initial_margin=row.min_initial_margin_fraction * _MARGIN_UNIT,
        maintenance_margin=row.maintenance_margin_fraction * _MARGIN_UNIT,
        taker_fee=row.taker_fee * _PERCENT,
        maker_fee=row.maker_fee * _PERCENT,
        status=status,
    )


def order_report(order: WireOrder) -> OrderReport:
    """An order as the venue shows it.

    Raises:
        ProtocolViolation: an amount is not a finite number.
    """
    for amount in (order.price, order.initial_base_amount, order.filled_base_amount, order.filled_quote_amount):
        _finite(amount, f"order {order.order_index}")
    status, reason = order_status(order.status, has_fill=order.filled_base_amount > 0)
    return OrderReport(
        venue_id=VenueOrderId(order.order_index),
        client_id=_client_id(order.client_order_index),
        market_id=MarketId(order.market_index),
        side=Side.SELL if order.is_ask else Side.BUY,
        type=_order_type(order.type),
        tif=_TIFS.get(order.time_in_force, TimeInForce.GTT),
        price=order.price,
        size=order.initial_base_amount,
        filled=order.filled_base_amount,
        filled_quote=order.filled_quote_amount,
        status=status,
        reason=reason,
        reduce_only=order.reduce_only,
        time_us=order.transaction_time or 0,
    )


def order_status(word: str, *, has_fill: bool) -> tuple[OrderStatus, str]:
    """The venue's word as a status and, unless it simply rests or filled, the word itself as the reason.

    An unknown `canceled…` is an end; any other unknown word is taken for open, since the order may be live.
    """
    if word == "filled":
        return OrderStatus.FILLED, ""
    if word == "canceled-expired":
        return OrderStatus.EXPIRED, word
    if word.startswith("canceled"):
        is_rejection = word in _REFUSED_AT_ENTRY and not has_fill
        return (OrderStatus.REJECTED if is_rejection else OrderStatus.CANCELED), word
    status = OrderStatus.PARTIALLY_FILLED if has_fill else OrderStatus.ACCEPTED
    return status, "" if word in _OPEN_WORDS else word


def fills(trade: WireTrade, account: int) -> tuple[Fill, ...]:
    """Our side of an execution; none when we had no part in it, two when we traded with ourselves.

    Raises:
        ProtocolViolation: an amount is not a finite number.
    """
    _finite(trade.size, f"trade {trade.trade_id}")
    _finite(trade.price, f"trade {trade.trade_id}")
    sides = ((True, trade.ask_account_id), (False, trade.bid_account_id))
    return tuple(_fill(trade, is_ask=is_ask) for is_ask, owner in sides if owner == account)


def position(wire: WirePosition, time_us: int) -> Position:
    """Net exposure in one market.

    Raises:
        ProtocolViolation: the size is missing though the position is not flat.
    """
    size = number(wire.position)
    if size is None and wire.sign:
        raise ProtocolViolation(f"position of market {wire.market_id} has no size", bytes(wire.position))
    liquidation = number(wire.liquidation_price)
    return Position(
        market_id=MarketId(wire.market_id),
        size=abs(size or ZERO) * wire.sign if size else ZERO,
        entry_price=number(wire.avg_entry_price) or ZERO,
        unrealized_pnl=number(wire.unrealized_pnl) or ZERO,
        realized_pnl=number(wire.realized_pnl) or ZERO,
        liquidation_price=liquidation or None,
        funding_paid=number(wire.total_funding_paid_out) or ZERO,
        time_us=time_us,
    )


def account_of_stats(stats: WireUserStats, index: AccountIndex, cancel_all_us: int | None) -> Account:
    """The account's money from its stream, which does not say when a scheduled cancel-all fires."""
    return Account(
        index=index,
        equity=_finite(stats.portfolio_value, "portfolio value"),
        collateral=_finite(stats.collateral, "collateral"),
        available=_finite(stats.available_balance, "available balance"),
        leverage=number(stats.leverage) or ZERO,
        margin_usage=number(stats.margin_usage) or ZERO,
        cancel_all_us=cancel_all_us,
    )


def account_of_row(row: AccountRow, positions: tuple[Position, ...]) -> Account:
    """The account's money from its REST body."""
    unrealized = sum((one.unrealized_pnl for one in positions), ZERO)
    gross = sum((abs(number(one.position_value) or ZERO) for one in row.positions or ()), ZERO)
    margin = number(row.cross_initial_margin_requirement) or ZERO
    stated = number(row.total_asset_value)
    equity = _finite(row.collateral, "collateral") + unrealized if stated is None else stated
    return Account(
        index=AccountIndex(row.account_index or row.index),
        equity=equity,
        collateral=row.collateral,
        available=_finite(row.available_balance, "available balance"),
        leverage=(gross / equity).quantize(_CENTS) if equity > 0 else ZERO,
        margin_usage=(margin / equity * 100).quantize(_CENTS) if equity > 0 else ZERO,
        cancel_all_us=row.cancel_all_time * _MS_US if row.cancel_all_time else None,
    )


def asset(wire: WireAsset) -> Asset:
    """One asset of the account.

    Raises:
        ProtocolViolation: an amount is not a finite number.
    """
    what = f"asset {wire.asset_id}"
    return Asset(
        asset_id=wire.asset_id,
        symbol=wire.symbol,
        balance=_finite(wire.balance, what),
        locked=_finite(wire.locked_balance, what),
        margin=_finite(wire.margin_balance, what),
    )


def candle(wire: WireCandle) -> Candle:
    """The trades of one span; `t` of the wire is in milliseconds.

    Raises:
        ProtocolViolation: an amount is not a finite number, or open or close lie outside low and high.
    """
    what = f"candle at {wire.t}"
    made = Candle(
        start_us=wire.t * _MS_US,
        open=_finite(wire.o, what),
        high=_finite(wire.h, what),
        low=_finite(wire.l, what),
        close=_finite(wire.c, what),
        volume=_finite(wire.v, what),
        quote_volume=_finite(wire.V, what),
    )
    if not made.low <= min(made.open, made.close) <= max(made.open, made.close) <= made.high:
        raise ProtocolViolation(
            f"{what}: expected low <= open, close <= high, got {made.low}, {made.open}, {made.close}, {made.high}"
        )
    return made


def _fill(trade: WireTrade, *, is_ask: bool) -> Fill:
    is_maker = trade.is_maker_ask == is_ask
    rate = (trade.maker_fee if is_maker else trade.taker_fee) or 0
    return Fill(
        trade_id=TradeId(trade.trade_id),
        market_id=MarketId(trade.market_id),
        side=Side.SELL if is_ask else Side.BUY,
        size=trade.size,
        price=trade.price,
        fee=trade.size * trade.price * rate * _FEE_UNIT,
        liquidity=Liquidity.MAKER if is_maker else Liquidity.TAKER,
        venue_order_id=VenueOrderId(trade.ask_id if is_ask else trade.bid_id),
        client_order_id=_client_id(trade.ask_client_id if is_ask else trade.bid_client_id),
        time_us=trade.transaction_time or (trade.timestamp or 0) * _MS_US,
    )


def _order_type(word: str) -> OrderType:
    return OrderType.LIMIT if word.endswith("-limit") else _TYPES.get(word, OrderType.MARKET)


def _client_id(index: int | None) -> ClientOrderId | None:
    return ClientOrderId(index) if index else None


def _finite(value: Decimal, what: str) -> Decimal:
    if not value.is_finite():
        raise ProtocolViolation(f"{what}: expected a number, got {value}")
    return value
