"""Whether transactions and tokens were signed by the key they name: hash and Schnorr signature, about 11 ms each.

Pure. A claim is made where the venue's state is, and may be judged in another thread: it carries all it needs. The
mathematics is typed-lighter's, an implementation that shares nothing with the vendor's signer.
"""

import base64
from dataclasses import dataclass
from typing import Final

from typed_lighter.core.signer import schnorr
from typed_lighter.core.signer.token import verify_auth_token

from core.connectors.venue import tokens, tx
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange

FORGED_TX: Final = Refusal(Code.INVALID_SIGNATURE, "invalid signature")
FORGED_TOKEN: Final = Refusal(Code.INVALID_AUTH, "invalid auth: invalid signature")


@dataclass(frozen=True, slots=True)
class TxClaim:
    """A transaction, and the key that must have signed it."""

    tx: tx.Tx
    public_key: bytes

    def holds(self, chain_id: int) -> bool:
        """Whether it did."""
        digest = bytes.fromhex(tx.tx_hash(self.tx, chain_id))
        return schnorr.verify(pk=self.public_key, msg_hash=digest, sig=base64.b64decode(self.tx.sig))


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """A token, and the key that must have signed it."""

    text: str
    public_key: bytes

    def holds(self) -> bool:
        """Whether it did."""
        return verify_auth_token(self.text, self.public_key)


def claim_of_tx(tx_type: int, tx_info: str, exchange: Exchange) -> TxClaim | None:
    """What a transaction claims; None when it is refused for something else anyway."""
    decoded = tx.decode(tx_type, tx_info)
    if isinstance(decoded, Refusal):
        return None
    key = _public_key(exchange, decoded.account_index, decoded.api_key_index)
    return TxClaim(decoded, key) if key is not None else None


def claim_of_token(text: str, exchange: Exchange) -> TokenClaim | None:
    """What a token claims; None for read-only tokens, which are looked up, and for what is refused anyway."""
    signer = tokens.key_of(text)
    key = _public_key(exchange, *signer) if signer is not None else None
    return TokenClaim(text, key) if key is not None else None


def _public_key(exchange: Exchange, account_index: int, key_index: int) -> bytes | None:
    account = exchange.accounts.get(account_index)
    key = account.keys.get(key_index) if account is not None else None
    return bytes.fromhex(key.public_key) if key is not None else None
