"""Signed transactions as they arrive: decoded, and hashed as the venue's circuit hashes them.

Shapes and numbers are those of lighter-go's `txtypes`; the hash is computed here from the fields, never taken from the
sender.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Final, TypeAlias, TypedDict

import msgspec
from typed_lighter.core.signer.txs.account import CreateSubAccount, UpdateLeverage, UpdateMargin
from typed_lighter.core.signer.txs.assets import Transfer
from typed_lighter.core.signer.txs.base import Attributes, L2Tx
from typed_lighter.core.signer.txs.orders import (
    CancelAllOrders,
    CancelOrder,
    CreateGroupedOrders,
    CreateOrder,
    ModifyOrder,
    OrderInfo,
)

from core.connectors.venue.codes import Code, Refusal

SKIP_NONCE: Final = "4"
CANCEL_ALL_MARKET: Final = "5"
SELF_TRADE: Final = "6"
SELF_TRADE_EQUALITY: Final = "7"
ORDER_VERSION: Final = "8"
"""Change the order only while it is still of this version."""
NO_MARKET: Final = 255
_SIGNATURE_BYTES: Final = 80
_ATTRIBUTES: Final = {
    "1": "integrator_account_index",
    "2": "integrator_taker_fee",
    "3": "integrator_maker_fee",
    "4": "skip_nonce",
    "5": "cancel_all_market_index",
    "6": "self_trade_behavior_mode",
    "7": "self_trade_equality_mode",
    "8": "order_version",
}


class _Signed(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    """What every transaction carries."""

    account_index: int
    api_key_index: int
    expired_at: int
    nonce: int
    sig: str
    attributes: Mapping[str, int] | None = msgspec.field(default=None, name="L2TxAttributes")

    def attribute(self, name: str, default: int) -> int:
        """An optional attribute by its number."""
        return (self.attributes or {}).get(name, default)


class OrderFields(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    """What describes one order, alone or in a group."""

    market_index: int
    client_order_index: int
    base_amount: int
    price: int
    is_ask: int
    type: int
    time_in_force: int
    reduce_only: int
    trigger_price: int
    order_expiry: int


class CreateTx(_Signed, frozen=True, kw_only=True):
    """Type 14."""

    market_index: int
    client_order_index: int
    base_amount: int
    price: int
    is_ask: int
    type: int
    time_in_force: int
    reduce_only: int
    trigger_price: int
    order_expiry: int

    @property
    def order(self) -> OrderFields:
        """The order alone."""
        return OrderFields(
            market_index=self.market_index,
            client_order_index=self.client_order_index,
            base_amount=self.base_amount,
            price=self.price,
            is_ask=self.is_ask,
            type=self.type,
            time_in_force=self.time_in_force,
            reduce_only=self.reduce_only,
            trigger_price=self.trigger_price,
            order_expiry=self.order_expiry,
        )


class CancelTx(_Signed, frozen=True, kw_only=True):
    """Type 15."""

    market_index: int
    index: int


class CancelAllTx(_Signed, frozen=True, kw_only=True):
    """Type 16."""

    time_in_force: int
    time: int


class ModifyTx(_Signed, frozen=True, kw_only=True):
    """Type 17."""

    market_index: int
    index: int
    base_amount: int
    price: int
    trigger_price: int


class LeverageTx(_Signed, frozen=True, kw_only=True):
    """Type 20; the fraction is in 1e-4 of the notional."""

    market_index: int
    initial_margin_fraction: int
    margin_mode: int


class GroupTx(_Signed, frozen=True, kw_only=True):
    """Type 28."""

    grouping_type: int
    orders: tuple[OrderFields, ...]


class MarginTx(_Signed, frozen=True, kw_only=True):
    """Type 29."""

    market_index: int
    usdc_amount: int = msgspec.field(name="USDCAmount")
    direction: int


class CreateSubTx(_Signed, frozen=True, kw_only=True):
    """Type 9, of a master account."""


class TransferTx(_Signed, frozen=True, kw_only=True):
    """Type 12; the amount in 1e-6 of a USDC. Its memo is not covered by the hash, and means nothing here."""

    account_index: int = msgspec.field(name="FromAccountIndex")
    to_account_index: int
    asset_index: int
    from_route_type: int
    to_route_type: int
    amount: int
    usdc_fee: int = msgspec.field(name="USDCFee")


Tx: TypeAlias = (
    CreateTx | CancelTx | CancelAllTx | ModifyTx | LeverageTx | GroupTx | MarginTx | CreateSubTx | TransferTx
)
TYPES: Final[dict[int, type[Tx]]] = {
    9: CreateSubTx,
    12: TransferTx,
    14: CreateTx,
    15: CancelTx,
    16: CancelAllTx,
    17: ModifyTx,
    20: LeverageTx,
    28: GroupTx,
    29: MarginTx,
}


def decode(tx_type: int, tx_info: str | bytes) -> Tx | Refusal:
    """Read `tx_info` as the type says."""
    shape = TYPES.get(tx_type)
    if shape is None:
        return Refusal(Code.UNSUPPORTED_TX, "unsupported tx type")
    try:
        tx = msgspec.json.decode(tx_info, type=shape)
    except msgspec.DecodeError:
        return Refusal(Code.INVALID_TX_INFO, "invalid tx info")
    try:
        signature = base64.b64decode(tx.sig, validate=True)
    except binascii.Error:
        signature = b""
    if len(signature) != _SIGNATURE_BYTES:
        return Refusal(Code.INVALID_SIGNATURE, "invalid signature")
    if not _ATTRIBUTES.keys() >= (tx.attributes or {}).keys():
        return Refusal(Code.INVALID_TX_INFO, "invalid tx info")
    return tx


def tx_hash(tx: Tx, chain_id: int) -> str:
    """80 hexadecimal digits, equal to what the signer computed if the fields are those it signed; costs 0.25 ms."""
    return _hashed(tx, _common(tx)).hash(chain_id).hex()


class _Common(TypedDict):
    """What every transaction's hash covers."""

    account_index: int
    api_key_index: int
    expired_at: int
    nonce: int
    attributes: Attributes


def _common(tx: Tx) -> _Common:
    return {
        "account_index": tx.account_index,
        "api_key_index": tx.api_key_index,
        "expired_at": tx.expired_at,
        "nonce": tx.nonce,
        "attributes": Attributes(**{_ATTRIBUTES[name]: value for name, value in (tx.attributes or {}).items()}),
    }


def _hashed(tx: Tx, common: _Common) -> L2Tx:
    hashed: L2Tx
    match tx:
        case CreateTx():
            hashed = CreateOrder(order=_order(tx.order), **common)
        case CancelTx():
            hashed = CancelOrder(market_index=tx.market_index, index=tx.index, **common)
        case CancelAllTx():
            hashed = CancelAllOrders(time_in_force=tx.time_in_force, time=tx.time, **common)
        case ModifyTx():
            hashed = ModifyOrder(
                market_index=tx.market_index,
                index=tx.index,
                base_amount=tx.base_amount,
                price=tx.price,
                trigger_price=tx.trigger_price,
                **common,
            )
        case LeverageTx():
            hashed = UpdateLeverage(
                market_index=tx.market_index,
                initial_margin_fraction=tx.initial_margin_fraction,
                margin_mode=tx.margin_mode,
                **common,
            )
        case GroupTx():
            orders = tuple(_order(order) for order in tx.orders)
            hashed = CreateGroupedOrders(grouping_type=tx.grouping_type, orders=orders, **common)
        case MarginTx():
            hashed = UpdateMargin(
                market_index=tx.market_index, usdc_amount=tx.usdc_amount, direction=tx.direction, **common
            )
        case CreateSubTx():
            hashed = CreateSubAccount(**common)
        case TransferTx():
            hashed = Transfer(
                to_account_index=tx.to_account_index,
                asset_index=tx.asset_index,
                from_route_type=tx.from_route_type,
                to_route_type=tx.to_route_type,
                amount=tx.amount,
                usdc_fee=tx.usdc_fee,
                **common,
            )
    return hashed


def _order(fields: OrderFields) -> OrderInfo:
    return OrderInfo(
        market_index=fields.market_index,
        client_order_index=fields.client_order_index,
        base_amount=fields.base_amount,
        price=fields.price,
        is_ask=fields.is_ask,
        type=fields.type,
        time_in_force=fields.time_in_force,
        reduce_only=fields.reduce_only,
        trigger_price=fields.trigger_price,
        order_expiry=fields.order_expiry,
    )
