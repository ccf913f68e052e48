"""The nouns: markets, books, quotes, intents, orders, tasks, fills, positions, accounts.

Every value is frozen. Prices, sizes and money are `Decimal`; `*_us` is UTC microseconds, `*_ns` is this process's
monotonic nanoseconds. Verbs live elsewhere: wishes in `core.commands`, facts in `core.events`.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple

from core.units import (
    ZERO,
    AccountIndex,
    ClientOrderId,
    MarketId,
    TaskId,
    TradeId,
    VenueOrderId,
    unit,
)


class _Keys(Enum):
    """Members are their own keys: the inherited hash is that of the name, computed in Python at each look-up."""

    __hash__ = object.__hash__


class Side(_Keys):
    """Which way a trade moves the position."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(_Keys):
    """How the price is meant."""

    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(_Keys):
    """How long an order may rest."""

    GTT = "good-till-time"
    IOC = "immediate-or-cancel"
    POST_ONLY = "post-only"


class MarketStatus(Enum):
    """Whether the venue trades a market."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    REDUCE_ONLY = "reduce-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """An instrument as the venue describes it (`GET /api/v1/orderBookDetails`)."""

    id: MarketId
    symbol: str
    price_decimals: int
    size_decimals: int
    min_size: Decimal
    """Smallest resting order, in base units."""
    min_notional: Decimal
    """Smallest resting order, in USDC."""
    initial_margin: Decimal = ZERO
    """Fraction of notional, as 0.05 for 20x."""
    maintenance_margin: Decimal = ZERO
    taker_fee: Decimal = ZERO
    """Fraction of notional."""
    maker_fee: Decimal = ZERO
    status: MarketStatus = MarketStatus.ACTIVE

    @property
    def tick(self) -> Decimal:
        """The smallest price step."""
        return unit(self.price_decimals)

    @property
    def step(self) -> Decimal:
        """The smallest size step."""
        return unit(self.size_decimals)


class BookStatus(Enum):
    """How far a book may be believed."""

    EMPTY = "empty"
    """Nothing received yet."""
    SYNCING = "syncing"
    """A gap was seen; a new snapshot is on its way."""
    LIVE = "live"
    STALE = "stale"
    """Crossed, silent, or its link is down; `reason` says which."""


class Level(NamedTuple):
    """One price of a book."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """The frozen top of one book: bids from the highest, asks from the lowest."""

    market_id: MarketId
    status: BookStatus
    reason: str = ""
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    seq: int = 0
    """Rises with every change of this book in this process; not the venue's nonce."""
    received_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one line of the price grid, and every risk decision, needs to know of a market."""

    market_id: MarketId
    status: BookStatus
    reason: str = ""
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    mark: Decimal | None = None
    index: Decimal | None = None
    change_24h: Decimal | None = None
    """Percent."""
    funding_rate: Decimal | None = None
    """Percent per hour, the venue's estimate for the running hour."""
    received_ns: int = 0
    """When the newest frame of this market's book arrived; 0 when none did."""


class OrderStatus(_Keys):
    """The life of an order. DENIED is ours, before the wire; REJECTED is the venue's."""

    QUEUED = "queued"
    DENIED = "denied"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    """Sent, and the outcome is not known: it may be live until the venue's own reports settle it."""
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially filled"
    PENDING_CANCEL = "pending cancel"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_in_flight(self) -> bool:
        """Sent or about to be, and the venue has not shown it yet."""
        return self in IN_FLIGHT

    @property
    def is_open(self) -> bool:
        """The venue has shown it, and it may still trade."""
        return self in OPEN

    @property
    def is_closed(self) -> bool:
        """Nothing more should happen to it, though a late fill still may."""
        return self in CLOSED

    @property
    def may_be_live(self) -> bool:
        """Whether the venue may be holding it: in flight, unknown or open."""
        return self in IN_FLIGHT or self in OPEN


IN_FLIGHT: Final = frozenset({OrderStatus.SUBMITTING, OrderStatus.UNKNOWN})
OPEN: Final = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_CANCEL})
CLOSED: Final = frozenset(
    {OrderStatus.DENIED, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """What is wanted. No identity yet.

    For a MARKET order `price` is the worst acceptable average price: the venue requires one.
    """

    market_id: MarketId
    side: Side
    type: OrderType
    size: Decimal
    price: Decimal
    tif: TimeInForce
    reduce_only: bool = False

    @property
    def notional(self) -> Decimal:
        """Size times price, in USDC."""
        return self.size * self.price


class OriginKind(_Keys):
    """Who wanted an order."""

    OPERATOR = "operator"
    STRATEGY = "strategy"
    ALGORITHM = "algorithm"
    """A plan that the operator or a strategy started; the name says which."""
    RECOVERED = "recovered"
    """Found in the journal after a restart."""
    EXTERNAL = "external"
    """Placed by nobody here: the web, another bot on the same account."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wanted an order, by kind and name."""

    kind: OriginKind
    name: str = ""

    def __str__(self) -> str:
        """`operator`, or `strategy maker`."""
        return f"{self.kind.value} {self.name}".strip()


OPERATOR: Final = Origin(OriginKind.OPERATOR)
EXTERNAL: Final = Origin(OriginKind.EXTERNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An intent with identity and history; `client_id` is None only for one placed elsewhere without it."""

    intent: OrderIntent
    status: OrderStatus
    client_id: ClientOrderId | None = None
    venue_id: VenueOrderId | None = None
    filled: Decimal = ZERO
    filled_quote: Decimal = ZERO
    """Sum of size times price over its fills, in USDC."""
    reason: str = ""
    """Why it ended, or why it is in doubt, in the venue's words or ours."""
    created_us: int = 0
    updated_us: int = 0

    @property
    def remaining(self) -> Decimal:
        """Size that may still trade; zero once closed."""
        return ZERO if self.status.is_closed else max(ZERO, self.intent.size - self.filled)

    @property
    def average_price(self) -> Decimal | None:
        """Average fill price, None before the first fill."""
        return self.filled_quote / self.filled if self.filled else None


class Priority(_Keys):
    """Which task goes first; lower value first."""

    KILL = 0
    CANCEL = 1
    REDUCE = 2
    OPERATOR = 3
    STRATEGY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTask:
    """The engine's unit of work: one intent with everything needed to carry it out and to explain it."""

    id: TaskId
    origin: Origin
    priority: Priority
    order: Order
    """The order it became; its status is the task's status."""
    retries: int = 0
    deadline_ns: int | None = None
    """Monotonic moment after which it is not sent any more."""
    fill_by_ns: int | None = None
    """Monotonic moment at which whatever is left of it is cancelled."""
    created_ns: int = 0

    @property
    def intent(self) -> OrderIntent:
        """What was wanted."""
        return self.order.intent


class Liquidity(_Keys):
    """Which side of a match we were."""

    MAKER = "maker"
    TAKER = "taker"


TradeKey = tuple[TradeId, Side]
"""A trade and our side of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution, keyed by the venue's trade id and our side."""

    trade_id: TradeId
    market_id: MarketId
    side: Side
    size: Decimal
    price: Decimal
    fee: Decimal
    """USDC we paid; negative when we were paid."""
    liquidity: Liquidity
    venue_order_id: VenueOrderId
    client_order_id: ClientOrderId | None
    time_us: int
    """The venue's `transaction_time`."""

    @property
    def key(self) -> TradeKey:
        """What makes it one: a trade of the account with itself is two executions, one a side."""
        return self.trade_id, self.side


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Net exposure in one market."""

    market_id: MarketId
    size: Decimal = ZERO
    """Signed base units: positive is long."""
    entry_price: Decimal = ZERO
    unrealized_pnl: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    liquidation_price: Decimal | None = None
    funding_paid: Decimal = ZERO
    """As the venue states it for this position (`total_funding_paid_out`); negative when more was received."""
    time_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Money, in USDC, as the venue reports it."""

    index: AccountIndex
    equity: Decimal
    """Portfolio value: collateral plus unrealised PnL."""
    collateral: Decimal
    available: Decimal
    leverage: Decimal = ZERO
    margin_usage: Decimal = ZERO
    """Percent."""
    cancel_all_us: int | None = None
    """When the venue's own dead-man's switch fires, if armed."""


class OrderMapSide(Enum):
    """Who knows an order."""

    BOTH = "both"
    OURS = "ours only"
    """Live for us, not shown by the venue: in flight, in doubt, or an orphan."""
    VENUE = "venue only"
    """Live at the venue and placed by nobody here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMapEntry:
    """One row of the order map: our id against the venue's."""

    side: OrderMapSide
    order: Order
    task_id: TaskId | None = None
    origin: Origin = EXTERNAL
    since_ns: int = 0
    """Since when it stands on this side of the map."""
    note: str = ""
    """What is being done about it, where something is."""

    def age_ns(self, now_ns: int) -> int:
        """How long it has stood there at the monotonic moment `now_ns`, in nanoseconds."""
        return max(0, now_ns - self.since_ns)
