"""Auth tokens: `{deadline_s}:{account}:{key}:{160 hex}`, accepted for at most eight hours.

The signature's form is checked, its mathematics is not.
"""

import re
from typing import Final

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange

MAX_LIFE_S: Final = 8 * 3_600
_TOKEN: Final = re.compile(r"(\d{1,12}):(\d{1,15}):(\d{1,3}):[0-9a-fA-F]{160}")
_MISSING: Final = Refusal(Code.INVALID_PARAM, "invalid param : auth query param and Authorization header are empty")


def account_of(token: str | None, exchange: Exchange, now_s: int) -> VenueAccount | Refusal:
    """The account a token speaks for."""
    if not token:
        return _MISSING
    found = _TOKEN.fullmatch(token)
    if found is None:
        return Refusal(Code.INVALID_AUTH, "invalid auth: invalid auth string")
    deadline, account_index, key_index = (int(part) for part in found.groups())
    if not now_s < deadline <= now_s + MAX_LIFE_S:
        return Refusal(Code.INVALID_AUTH, "invalid auth: invalid deadline")
    account = exchange.accounts.get(account_index)
    if account is None or key_index not in account.keys:
        return Refusal(Code.INVALID_AUTH, "invalid auth: couldnt find account")
    return account


def check(token: str | None, account_index: int, exchange: Exchange, now_s: int) -> Refusal | None:
    """Whether a token may read this account."""
    account = account_of(token, exchange, now_s)
    if isinstance(account, Refusal):
        return account
    if account.index != account_index:
        return Refusal(Code.INVALID_AUTH, "invalid auth: account mismatch")
    return None
