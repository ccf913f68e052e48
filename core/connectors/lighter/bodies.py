"""Every REST body the connector reads, as typed values; the objects inside are in `objects`.

A success carries `"code": 200` beside its payload; a failure another code and a message. Arrays may be null. Shapes:
apidocs.lighter.xyz/reference.
"""

from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from core.connectors.lighter.objects import ZERO, Raw, WireCandle, WireOrder, WirePosition, WireTrade
from core.decisions import Refused, Sent, TxOutcome
from core.errors import ProtocolViolation

CODE_OK: Final = 200
_PLAIN_SUCCESS: Final = b'{"code":200,'


class Verdict(msgspec.Struct, gc=False):
    """What every body may carry."""

    code: int = CODE_OK
    message: str | None = None
    volume_quota_remaining: int | None = None
    """On acknowledgements of accounts that have a quota, when the transaction used some of it."""


class MarketConfig(msgspec.Struct, gc=False):
    """What the venue lets a market do beyond its status."""

    force_reduce_only: bool = False


class MarketRow(msgspec.Struct, gc=False):
    """One market of `orderBookDetails`; margin fractions in 1e-4, fees in percent."""

    symbol: str
    market_id: int
    supported_size_decimals: int
    supported_price_decimals: int
    min_base_amount: Decimal
    min_quote_amount: Decimal
    status: str = "active"
    market_type: str = "perp"
    taker_fee: Decimal = ZERO
    maker_fee: Decimal = ZERO
    min_initial_margin_fraction: int = 0
    maintenance_margin_fraction: int = 0
    market_config: MarketConfig | None = None


class OrderBookDetails(msgspec.Struct, gc=False):
    """`GET /api/v1/orderBookDetails`: perpetual markets; spot ones are listed apart and not traded here."""

    order_book_details: list[MarketRow] | None = None


class OrderBooks(msgspec.Struct, gc=False):
    """`GET /api/v1/orderBooks`."""

    order_books: list[MarketRow] | None = None


class ApiKeyRow(msgspec.Struct, gc=False):
    """One registered key; `public_key` is 80 hex digits without 0x."""

    account_index: int
    api_key_index: int
    public_key: str


class ApiKeys(msgspec.Struct, gc=False):
    """`GET /api/v1/apikeys`."""

    api_keys: list[ApiKeyRow] | None = None


class NextNonce(msgspec.Struct, gc=False):
    """`GET /api/v1/nextNonce`: the nonce to sign next."""

    nonce: int


class AccountLimits(msgspec.Struct, gc=False):
    """`GET /api/v1/accountLimits`: what the account is signed up for."""

    user_tier: str = ""
    user_tier_name: str = ""
    effective_lit_stakes: Raw = Raw()
    """Staked LIT, leases included."""
    can_create_public_pool: bool = False


class EnrichedTx(msgspec.Struct, gc=False):
    """`GET /api/v1/tx`: what became of a transaction."""

    status: int = 0
    """0 failed, 1 pending, 2 executed, 3 final."""
    event_info: str | None = None
    """JSON; its `ae` is the error of an executed transaction that had no effect, as JSON in a text."""


class _EventInfo(msgspec.Struct, gc=False):
    ae: str | None = None


class Orders(msgspec.Struct, gc=False):
    """`accountActiveOrders`, `accountInactiveOrders`, `accountOrders`."""

    orders: list[WireOrder] | None = None
    next_cursor: str | None = None


class Trades(msgspec.Struct, gc=False):
    """`trades`, `recentTrades`."""

    trades: list[WireTrade] | None = None
    next_cursor: str | None = None


class Candles(msgspec.Struct, gc=False):
    """`GET /api/v1/candles`: oldest first."""

    c: list[WireCandle] | None = None


class AccountRow(msgspec.Struct, gc=False):
    """An account with its positions, those that are flat included."""

    collateral: Decimal
    available_balance: Decimal
    index: int = 0
    account_index: int = 0
    total_asset_value: Raw = Raw()
    cross_initial_margin_requirement: Raw = Raw()
    cancel_all_time: int | None = None
    """Milliseconds at which the scheduled cancel-all fires; 0 for none."""
    transaction_time: int | None = None
    positions: list[WirePosition] | None = None
    assets: Raw = Raw()
    """A list of assets; unread, so that a form of it unknown here spoils nothing else."""


class Accounts(msgspec.Struct, gc=False):
    """`GET /api/v1/account`."""

    accounts: list[AccountRow] | None = None


def tx_outcome(tx: EnrichedTx, sent: Sent) -> TxOutcome | None:
    """What became of a transaction the venue shows: taken, or executed without effect; None when it does not say."""
    if tx.status not in {1, 2, 3}:
        return None
    try:
        error = msgspec.json.decode(tx.event_info or "{}", type=_EventInfo).ae
        if not error:
            return sent
        verdict = msgspec.json.decode(error, type=Verdict, strict=False)
    except msgspec.DecodeError:
        return sent
    return Refused(verdict.code, verdict.message or "executed without effect")


class _Head(msgspec.Struct, gc=False):
    code: int | msgspec.UnsetType = msgspec.UNSET
    message: str | None = None
    volume_quota_remaining: int | None = None


_heads: Final = msgspec.json.Decoder(_Head, strict=False)
Body = TypeVar("Body", bound=msgspec.Struct)


def decode_body(data: bytes, kind: type[Body]) -> Body:
    """A body as a typed value.

    Raises:
        ProtocolViolation: it is not JSON, or not what the endpoint promises.
    """
    try:
        return msgspec.json.decode(data, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolViolation(f"the venue's {kind.__name__} body cannot be read ({error})", data) from None


def is_plain_success(data: bytes) -> bool:
    """Whether a body begins with the code of success, as nearly all do: then it need not be searched for one."""
    return data.startswith(_PLAIN_SUCCESS)


def decode_verdict(data: bytes) -> Verdict | None:
    """The code and message of a body that has a code; None for anything else, such as a proxy's HTML."""
    try:
        found = _heads.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if isinstance(found.code, msgspec.UnsetType):
        return None
    return Verdict(found.code, found.message, found.volume_quota_remaining)
