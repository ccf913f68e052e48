"""Facts: what a connector, the journal or the clock reports to the engine.

Facts are never refused: what they contradict is our belief, not theirs.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from core.assets import Asset
from core.decisions import TxOutcome
from core.model import Account, Fill, Market, OrderStatus, OrderType, Position, Quote, Side, TimeInForce
from core.units import ApiKeyIndex, ClientOrderId, MarketId, TradeId, VenueOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """One order as the venue shows it, in a stream or a list."""

    venue_id: VenueOrderId
    client_id: ClientOrderId | None
    """None when it was placed without one (the venue says 0)."""
    market_id: MarketId
    side: Side
    type: OrderType
    tif: TimeInForce
    price: Decimal
    size: Decimal
    """As placed."""
    filled: Decimal
    filled_quote: Decimal
    status: OrderStatus
    """ACCEPTED, PARTIALLY_FILLED, FILLED, CANCELED, REJECTED or EXPIRED: what a venue can know."""
    reason: str = ""
    """The venue's own status word when it ended otherwise than filled, such as `canceled-post-only`."""
    reduce_only: bool = False
    time_us: int = 0
    """The venue's `transaction_time`: orders events of one order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketsListed:
    """Every market the engine may trade."""

    markets: tuple[Market, ...]
    symbols: tuple[str, ...] = ()
    """Of every market of the venue, those that are not traded here as well; empty when nothing new is known of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotesChanged:
    """The newest quote of each market that changed since the last such event."""

    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersReported:
    """Orders touched by one venue transaction."""

    orders: tuple[OrderReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrdersListed:
    """The venue's complete list of open orders of the account: what is missing here is not open there."""

    orders: tuple[OrderReport, ...]
    asked_ns: int
    """When it was asked for: an order sent later may be missing from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillsBegin:
    """From here on every fill newer than this trade is reported; said by `Connector.start` before any fill."""

    after: TradeId


@dataclass(frozen=True, slots=True, kw_only=True)
class FillReported:
    """One execution of ours; may come twice, late, or before anything else about its order."""

    fill: Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsReported:
    """Positions the venue reports. Only a complete list may be read as *flat* where a market is missing."""

    positions: tuple[Position, ...]
    is_complete: bool
    asked_ns: int | None = None
    """When it was asked for over REST, monotonic; None for a stream's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReported:
    """The account's money."""

    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetsReported:
    """What the account holds beside its positions: always all of it."""

    assets: tuple[Asset, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSendResolved:
    """What became of sending one order."""

    client_id: ClientOrderId
    outcome: TxOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSendResolved:
    """What became of sending one cancel."""

    market_id: MarketId
    client_id: ClientOrderId | None
    venue_id: VenueOrderId | None
    outcome: TxOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifySendResolved:
    """What became of sending one change of an order of ours."""

    client_id: ClientOrderId
    outcome: TxOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAllResolved:
    """What became of one native cancel-all."""

    market_id: MarketId | None
    outcome: TxOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSigned:
    """A transaction was signed and may leave now; said before its bytes do. Nothing here signs anything."""

    what: str
    """Such as `create order`."""
    tx_hash: str
    """Of the signed bytes: by it the venue finds the transaction."""
    nonce: int
    api_key_index: ApiKeyIndex
    market_id: MarketId | None = None
    client_id: ClientOrderId | None = None
    venue_id: VenueOrderId | None = None


class LinkName(Enum):
    """The streams between us and the venue."""

    MARKET_DATA = "market data"
    ACCOUNT = "account"
    REST = "rest"


class LinkStatus(Enum):
    """How a stream fares."""

    CONNECTING = "connecting"
    """Something of it is not there yet, or not any more: what it should tell may be missed."""
    LIVE = "live"
    DEGRADED = "degraded"
    """All of it is there, but it fell silent a moment ago."""
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHealth:
    """One stream, with the moment of its last message."""

    name: LinkName
    status: LinkStatus
    detail: str = ""
    last_message_ns: int = 0
    """Monotonic; 0 when nothing came yet."""
    skew_ms: int | None = None
    """Milliseconds our clock is ahead of the venue's by the stamps of this stream; None while nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanged:
    """A stream changed its status."""

    link: LinkHealth


class NoticeLevel(Enum):
    """How loud a notice is."""

    INFO = "info"
    WARN = "warn"
    ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class NonceMoved:
    """Somebody else signed with a key of ours: its nonce moved without us."""

    api_key_index: int
    expected: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Something an operator may want to read: an unknown frame, a repaired gap, a refused token."""

    level: NoticeLevel
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """Time passed; nothing else happened."""


Event = (
    MarketsListed
    | QuotesChanged
    | OrdersReported
    | OpenOrdersListed
    | FillsBegin
    | FillReported
    | PositionsReported
    | AccountReported
    | AssetsReported
    | OrderSendResolved
    | CancelSendResolved
    | ModifySendResolved
    | CancelAllResolved
    | TransactionSigned
    | LinkChanged
    | NonceMoved
    | Noticed
    | Ticked
)
