"""What the engine is told of a transaction that was signed: enough to find it at the venue, nothing that signs."""

from typing import Final

from core.connectors.lighter.encode import (
    ALL_MARKETS,
    CancelAllTx,
    CancelTx,
    CreateTx,
    GroupTx,
    LeverageTx,
    ModifyTx,
    Tx,
)
from core.connectors.lighter.signer import SignedTx
from core.events import TransactionSigned
from core.units import MAX_CLIENT_ORDER_ID, ApiKeyIndex, ClientOrderId, MarketId, VenueOrderId

_NAMES: Final = {
    CreateTx: "create order",
    CancelTx: "cancel order",
    CancelAllTx: "cancel all",
    ModifyTx: "modify order",
    LeverageTx: "set leverage",
    GroupTx: "create grouped orders",
}


def signed_event(tx: Tx, signed: SignedTx, nonce: int, api_key_index: int) -> TransactionSigned:
    """The fact that these bytes exist under this nonce and may leave now."""
    index: int = tx.client_order_index if isinstance(tx, CreateTx) else getattr(tx, "index", 0)
    is_ours = 0 < index <= MAX_CLIENT_ORDER_ID
    market_index = getattr(tx, "market_index", ALL_MARKETS)
    return TransactionSigned(
        what=_NAMES.get(type(tx), type(tx).__name__),
        tx_hash=signed.tx_hash,
        nonce=nonce,
        api_key_index=ApiKeyIndex(api_key_index),
        market_id=None if market_index == ALL_MARKETS else MarketId(market_index),
        client_id=ClientOrderId(index) if is_ours else None,
        venue_id=None if is_ours or not index else VenueOrderId(index),
    )
