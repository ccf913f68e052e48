"""Orders, trades and transactions as JSON: the same objects in REST bodies and in WebSocket frames.

Decimal strings are padded to the market's decimals, statistics are JSON numbers, times keep the venue's mixture of
seconds, milliseconds and microseconds (orders: seconds, but `transaction_time` in microseconds).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from core.connectors.venue.catalogue import QUOTE_DECIMALS, MarketSpec
from core.connectors.venue.orders import VenueOrder, VenueTrade
from core.connectors.venue.sequencer import TxRecord

Json: TypeAlias = dict[str, object]


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One message for everybody who listens to a channel."""

    key: str
    body: bytes


encode: Final = msgspec.json.Encoder(decimal_format="number").encode
"""Decimals become JSON numbers; decimal strings are made by `fixed`."""
PENDING: Final = 1
EXECUTED: Final = 2
_BLOCK_US: Final = 1_500_000


@lru_cache(maxsize=32)
def fixed(decimals: int) -> Callable[[int], str]:
    """A writer of integers as decimal strings: `fixed(2)(191425) == "1914.25"`."""
    if decimals == 0:
        return str
    scale, width = 10**decimals, decimals

    def write(units: int) -> str:
        if units >= scale:
            digits = str(units)
            return f"{digits[:-width]}.{digits[-width:]}"
        whole, part = divmod(abs(units), scale)
        return f"{'-' if units < 0 else ''}{whole}.{part:0{width}d}"

    return write


usdc: Final = fixed(QUOTE_DECIMALS)


def block_height(now_us: int) -> int:
    """A height that rises with time."""
    return now_us // _BLOCK_US


def order_view(order: VenueOrder, spec: MarketSpec, *, is_update: bool) -> Json:
    """An order. Closed ones report nothing remaining, whatever was filled; integrators are "0" in updates only."""
    price, size = fixed(spec.price_decimals), fixed(spec.size_decimals)
    left = order.remaining if order.is_live else 0
    integrator = "0" if is_update else ""
    parent = order.parent.index if order.parent is not None else 0
    children = [str(child.index) for child in order.children] + ["0", "0"]
    return {
        "order_index": order.index,
        "client_order_index": order.client_index,
        "order_id": str(order.index),
        "client_order_id": str(order.client_index),
        "market_index": order.market_id,
        "owner_account_index": order.account.index,
        "initial_base_amount": size(order.size),
        "price": price(order.price),
        "nonce": order.priority,
        "remaining_base_amount": size(left),
        "is_ask": order.is_ask,
        "base_size": left,
        "base_price": order.price,
        "filled_base_amount": size(order.filled),
        "filled_quote_amount": usdc(order.filled_quote),
        "side": "",
        "type": order.kind.wire,
        "time_in_force": order.tif.wire,
        "reduce_only": order.reduce_only,
        "trigger_price": price(order.trigger_price),
        "order_expiry": order.expiry_ms,
        "status": order.status.value,
        "trigger_status": order.trigger_status.value,
        "trigger_time": order.triggered_us // 1_000,
        "parent_order_index": parent,
        "parent_order_id": str(parent),
        "to_trigger_order_id_0": children[0],
        "to_trigger_order_id_1": children[1],
        "to_cancel_order_id_0": str(order.sibling.index) if order.sibling is not None else "0",
        "integrator_fee_collector_index": integrator,
        "integrator_taker_fee": integrator,
        "integrator_maker_fee": integrator,
        "order_flags": 0,
        "order_version": order.version,
        "block_height": block_height(order.updated_us),
        "timestamp": order.created_us // 1_000_000,
        "created_at": order.created_us // 1_000_000,
        "updated_at": order.updated_us // 1_000_000,
        "transaction_time": order.updated_us,
    }


def trade_view(trade: VenueTrade, spec: MarketSpec, account_index: int | None = None) -> Json:
    """A trade; the profit of a side is shown to its own account only, and zero fees are left out."""
    size = fixed(spec.size_decimals)
    taker, maker = (trade.bid, trade.ask) if trade.is_maker_ask else (trade.ask, trade.bid)
    time_ms = trade.time_us // 1_000
    view: Json = {
        "trade_id": trade.trade_id,
        "trade_id_str": str(trade.trade_id),
        "tx_hash": f"{trade.trade_id:016x}{time_ms:016x}{'0' * 48}",
        "type": trade.kind.value,
        "market_id": trade.market_id,
        "size": size(trade.size),
        "price": fixed(spec.price_decimals)(trade.price),
        "usd_amount": usdc(trade.quote),
        "ask_id": trade.ask.order_index,
        "ask_id_str": str(trade.ask.order_index),
        "bid_id": trade.bid.order_index,
        "bid_id_str": str(trade.bid.order_index),
        "ask_client_id": trade.ask.client_index,
        "ask_client_id_str": str(trade.ask.client_index),
        "bid_client_id": trade.bid.client_index,
        "bid_client_id_str": str(trade.bid.client_index),
        "ask_account_id": trade.ask.account_index,
        "bid_account_id": trade.bid.account_index,
        "is_maker_ask": trade.is_maker_ask,
        "block_height": block_height(trade.time_us),
        "timestamp": time_ms,
        "transaction_time": trade.time_us,
        "ask_order_version": trade.ask.order_version,
        "bid_order_version": trade.bid.order_version,
    }
    for name, side in (("taker", taker), ("maker", maker)):
        if side.fee_rate:
            view[f"{name}_fee"] = side.fee_rate
        view[f"{name}_position_size_before"] = size(side.size_before)
        view[f"{name}_entry_quote_before"] = usdc(side.entry_quote_before)
        view[f"{name}_initial_margin_fraction_before"] = side.imf
        if side.sign_changed:
            view[f"{name}_position_sign_changed"] = True
        if side.allocated_before:
            view[f"{name}_allocated_margin_usdc_before"] = side.allocated_before
        if side.allocated_after:
            view[f"{name}_allocated_margin_usdc_after"] = side.allocated_after
    for name, side in (("ask", trade.ask), ("bid", trade.bid)):
        if side.account_index == account_index:
            view[f"{name}_account_pnl"] = usdc(side.realised)
    return view


def book_order_view(order: VenueOrder, spec: MarketSpec) -> Json:
    """A row of `GET /api/v1/orderBookOrders`, which gives no transaction time."""
    size = fixed(spec.size_decimals)
    return {
        "order_index": order.index,
        "order_id": str(order.index),
        "owner_account_index": order.account.index,
        "initial_base_amount": size(order.size),
        "remaining_base_amount": size(order.remaining),
        "price": fixed(spec.price_decimals)(order.price),
        "order_expiry": order.expiry_ms,
        "transaction_time": 0,
    }


def tx_view(record: TxRecord) -> Json:
    """`EnrichedTx`: executed, with whatever went wrong inside `event_info`."""
    return {"code": 200, **plain_tx_view(record), "committed_at": 0, "verified_at": 0}


def plain_tx_view(record: TxRecord) -> Json:
    """A transaction as lists and streams give it."""
    return {
        "hash": record.tx_hash,
        "type": record.tx_type,
        "info": record.info,
        "event_info": record.event_info,
        "status": EXECUTED if record.executed_us else PENDING,
        "transaction_index": 0,
        "l1_address": f"0x{record.tx.account_index:040x}",
        "account_index": record.tx.account_index,
        "nonce": record.tx.nonce,
        "expire_at": record.tx.expired_at,
        "block_height": block_height(record.queued_us),
        "queued_at": record.queued_us // 1_000,
        "executed_at": record.executed_us // 1_000,
        "sequence_index": record.sequence,
        "parent_hash": "",
        "api_key_index": record.tx.api_key_index,
        "transaction_time": record.executed_us,
    }
