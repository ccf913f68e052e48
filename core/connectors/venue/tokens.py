"""Auth tokens: `{deadline_s}:{account}:{key}:{160 hex}` for at most eight hours, and read-only ones for years.

Here the form of a signature is checked; its mathematics is `core.connectors.venue.signatures`'.
"""

import hashlib
import re
from typing import Final

from core.connectors.venue.accounts import ReadToken, VenueAccount
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange

MAX_LIFE_S: Final = 8 * 3_600
READ_ONLY: Final = "ro:"
SHORTEST_READ_S: Final = 300
LONGEST_READ_S: Final = 3_653 * 86_400
"""Ten years."""
MAX_READ_TOKENS: Final = 10
_MAX_NAME: Final = 64
_TOKEN: Final = re.compile(r"(\d{1,12}):(\d{1,15}):(\d{1,3}):[0-9a-fA-F]{160}", re.ASCII)
_MISSING: Final = Refusal(Code.INVALID_PARAM, "invalid param : auth query param and Authorization header are empty")
_GARBAGE: Final = Refusal(Code.INVALID_AUTH, "invalid auth: invalid auth string")
_TOO_LATE: Final = Refusal(Code.INVALID_AUTH, "invalid auth: invalid deadline")
_NO_ACCOUNT: Final = Refusal(Code.INVALID_AUTH, "invalid auth: couldnt find account")


def account_of(token: str | None, exchange: Exchange, now_s: int) -> VenueAccount | Refusal:
    """The account a token speaks for."""
    if not token:
        return _MISSING
    if is_read_only(token):
        return _reader(token, exchange, now_s)
    found = _TOKEN.fullmatch(token)
    if found is None:
        return _GARBAGE
    deadline, account_index, key_index = (int(part) for part in found.groups())
    if not now_s < deadline <= now_s + MAX_LIFE_S:
        return _TOO_LATE
    account = exchange.accounts.get(account_index)
    return _NO_ACCOUNT if account is None or key_index not in account.keys else account


def check(token: str | None, account_index: int, exchange: Exchange, now_s: int) -> Refusal | None:
    """Whether a token may read this account."""
    account = account_of(token, exchange, now_s)
    if isinstance(account, Refusal):
        return account
    if account.index != account_index:
        return Refusal(Code.INVALID_AUTH, "invalid auth: account mismatch")
    return None


def is_read_only(token: str) -> bool:
    """Whether a token may not change anything."""
    return token.startswith(READ_ONLY)


def key_of(token: str) -> tuple[int, int] | None:
    """Account and key index that signed a standard token."""
    found = _TOKEN.fullmatch(token)
    return (int(found.group(2)), int(found.group(3))) if found is not None else None


def create(
    account: VenueAccount, name: str, times: tuple[int, int], *, covers_all: bool, scopes: str = ""
) -> ReadToken | Refusal:
    """Issue a read-only token; `times` are its expiry and now, in seconds. It guards paper money only."""
    expiry_s, now_s = times
    if scopes not in {"", "read.*"}:
        return Refusal(Code.INVALID_TOKEN_SCOPES, "invalid api token scopes")
    if not SHORTEST_READ_S <= expiry_s - now_s <= LONGEST_READ_S:
        return Refusal(Code.INVALID_TOKEN_EXPIRY, "invalid api token expiry")
    if sum(_is_valid(token, now_s) for token in account.read_tokens.values()) >= MAX_READ_TOKENS:
        return Refusal(Code.TOO_MANY_TOKENS, "too many api tokens")
    for text in [text for text, token in account.read_tokens.items() if not _is_valid(token, now_s)][:-MAX_READ_TOKENS]:
        del account.read_tokens[text]
    number = max((token.token_id for token in account.read_tokens.values()), default=0) + 1
    scope = "all" if covers_all else "single"
    secret = hashlib.blake2b(f"{account.index} {number} {expiry_s} {scope}".encode(), digest_size=32).hexdigest()
    token = ReadToken(
        token_id=number,
        name=name[:_MAX_NAME],
        text=f"{READ_ONLY}{account.index}:{scope}:{expiry_s}:{secret}",
        expiry_s=expiry_s,
        covers_all=covers_all,
    )
    account.read_tokens[token.text] = token
    return token


def _reader(text: str, exchange: Exchange, now_s: int) -> VenueAccount | Refusal:
    for account in exchange.accounts.values():
        token = account.read_tokens.get(text)
        if token is not None:
            return account if _is_valid(token, now_s) else _TOO_LATE
    return _GARBAGE


def _is_valid(token: ReadToken, now_s: int) -> bool:
    return not token.is_revoked and now_s < token.expiry_s
