"""Whose keys the paper venue knows: made from the seed, so that a desk finds its account again when the venue returns.

They guard paper money only; whoever knows the seed knows them.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from core.connectors.lighter.signer import public_key_of
from core.connectors.venue.simulation import COUNTERPARTY, KILL_KEY, OPERATOR, TRADING_KEY

_KEY_BYTES: Final = 40
_OWNERS: Final = ((OPERATOR, TRADING_KEY), (OPERATOR, KILL_KEY), (COUNTERPARTY, TRADING_KEY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One key of one account, private half included; 80 hexadecimal digits each."""

    account_index: int
    api_key_index: int
    private_key: str
    public_key: str


def identities(seed: int) -> tuple[Identity, ...]:
    """The operator's trading key, its kill key, and a key of another account to trade with."""
    return tuple(_identity(seed, account, key) for account, key in _OWNERS)


def _identity(seed: int, account_index: int, api_key_index: int) -> Identity:
    material = f"paper venue {seed} {account_index} {api_key_index}".encode()
    private = bytearray(hashlib.blake2b(material, digest_size=_KEY_BYTES).digest())
    private[-1] &= 0x3F  # keeps the little-endian number below the group's order, a number of 319 bits
    return Identity(
        account_index=account_index,
        api_key_index=api_key_index,
        private_key=private.hex(),
        public_key=public_key_of(private.hex()),
    )
