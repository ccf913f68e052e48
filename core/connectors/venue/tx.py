"""Signed transactions as they arrive: decoded, and hashed as the venue's circuit hashes them.

Shapes and numbers are those of lighter-go's `txtypes`; the hash is computed here from the fields, never taken from the
sender.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec
from typed_lighter.core.signer.txs.base import Attributes, L2Tx
from typed_lighter.core.signer.txs.orders import CancelAllOrders, CancelOrder, CreateOrder, ModifyOrder, OrderInfo

from core.connectors.venue.codes import Code, Refusal

SKIP_NONCE: Final = "4"
CANCEL_ALL_MARKET: Final = "5"
SELF_TRADE: Final = "6"
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


Tx: TypeAlias = CreateTx | CancelTx | CancelAllTx | ModifyTx
_TYPES: Final[dict[int, type[Tx]]] = {14: CreateTx, 15: CancelTx, 16: CancelAllTx, 17: ModifyTx}


def decode(tx_type: int, tx_info: str | bytes) -> Tx | Refusal:
    """Read `tx_info` as the type says."""
    shape = _TYPES.get(tx_type)
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
    attributes = Attributes(**{_ATTRIBUTES[name]: value for name, value in (tx.attributes or {}).items()})
    hashed: L2Tx
    match tx:
        case CreateTx():
            order = OrderInfo(
                market_index=tx.market_index,
                client_order_index=tx.client_order_index,
                base_amount=tx.base_amount,
                price=tx.price,
                is_ask=tx.is_ask,
                type=tx.type,
                time_in_force=tx.time_in_force,
                reduce_only=tx.reduce_only,
                trigger_price=tx.trigger_price,
                order_expiry=tx.order_expiry,
            )
            hashed = CreateOrder(order=order, **_common(tx), attributes=attributes)
        case CancelTx():
            hashed = CancelOrder(market_index=tx.market_index, index=tx.index, **_common(tx), attributes=attributes)
        case CancelAllTx():
            hashed = CancelAllOrders(time_in_force=tx.time_in_force, time=tx.time, **_common(tx), attributes=attributes)
        case ModifyTx():
            hashed = ModifyOrder(
                market_index=tx.market_index,
                index=tx.index,
                base_amount=tx.base_amount,
                price=tx.price,
                trigger_price=tx.trigger_price,
                **_common(tx),
                attributes=attributes,
            )
    return hashed.hash(chain_id).hex()


def _common(tx: Tx) -> dict[str, int]:
    return {
        "account_index": tx.account_index,
        "api_key_index": tx.api_key_index,
        "expired_at": tx.expired_at,
        "nonce": tx.nonce,
    }
