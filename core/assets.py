"""What an account holds beside its positions."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One asset of the account, in units of its own."""

    asset_id: int
    symbol: str
    balance: Decimal
    """On the spot side, what is locked in orders included."""
    locked: Decimal
    margin: Decimal
    """Put up as margin for positions."""
