"""What trades on the paper venue: orders with a life, and the trades between them."""

from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from core.connectors.venue.accounts import VenueAccount

PRIORITY_BITS: Final = 48
"""`order_index` is `(market + 1) << 48 | k`: asks count k up from 0, bids down from 2**48 - 1."""


class OrderKind(IntEnum):
    """The signed `Type`; `LIQUIDATION` is the venue's own."""

    LIMIT = 0
    MARKET = 1
    STOP_LOSS = 2
    STOP_LOSS_LIMIT = 3
    TAKE_PROFIT = 4
    TAKE_PROFIT_LIMIT = 5
    LIQUIDATION = 8

    @property
    def wire(self) -> str:
        """As order objects spell it."""
        return _KIND_WORDS[self]

    @property
    def is_conditional(self) -> bool:
        """Waits for the mark price to reach its trigger."""
        return self in CONDITIONAL

    @property
    def is_stop(self) -> bool:
        """Waits for the mark price to get worse."""
        return self in _STOPS

    @property
    def is_market(self) -> bool:
        """Its price bounds the average, not each fill."""
        return self in AVERAGED


_STOPS: Final = frozenset({OrderKind.STOP_LOSS, OrderKind.STOP_LOSS_LIMIT})
CONDITIONAL: Final = _STOPS | {OrderKind.TAKE_PROFIT, OrderKind.TAKE_PROFIT_LIMIT}
"""Kinds that wait for the mark price."""
AVERAGED: Final = frozenset({OrderKind.MARKET, OrderKind.STOP_LOSS, OrderKind.TAKE_PROFIT})
"""Kinds whose price bounds the average."""
_KIND_WORDS: Final = {kind: kind.name.lower().replace("_", "-") for kind in OrderKind}


class Tif(IntEnum):
    """The signed `TimeInForce`."""

    IOC = 0
    GTT = 1
    POST_ONLY = 2

    @property
    def wire(self) -> str:
        """As order objects spell it."""
        return ("immediate-or-cancel", "good-till-time", "post-only")[self]


class SelfTrade(IntEnum):
    """Attribute 6: who gives way when an account would trade with itself."""

    EXPIRE_MAKER = 0
    EXPIRE_TAKER = 1
    EXPIRE_BOTH = 2
    REDUCE = 3
    """Both lose what they would have traded."""


class Grouping(IntEnum):
    """The signed `GroupingType`."""

    OTO = 1
    """The first order's fill sends the second."""
    OCO = 2
    """The fill of one cancels the other."""
    OTOCO = 3
    """The first order's fill sends a pair of which one cancels the other."""


class OrderStatus(Enum):
    """The wire's words; everything but `OPEN` and `PENDING` is final."""

    PENDING = "pending"
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    POST_ONLY = "canceled-post-only"
    REDUCE_ONLY = "canceled-reduce-only"
    POSITION = "canceled-position-not-allowed"
    MARGIN = "canceled-margin-not-allowed"
    SLIPPAGE = "canceled-too-much-slippage"
    LIQUIDITY = "canceled-not-enough-liquidity"
    SELF_TRADE = "canceled-self-trade"
    EXPIRED = "canceled-expired"
    OCO = "canceled-oco"
    CHILD = "canceled-child"
    LIQUIDATION = "canceled-liquidation"
    BALANCE = "canceled-invalid-balance"


OPEN: Final = OrderStatus.OPEN
PENDING: Final = OrderStatus.PENDING
FILLED: Final = OrderStatus.FILLED
"""What is asked for at every trade; a member looked up in its class costs four times as much."""


class TriggerStatus(Enum):
    """What a conditional order waits for."""

    NONE = "na"
    READY = "ready"
    """It waited, and waits no more."""
    MARK_PRICE = "mark-price"
    PARENT = "parent-order"


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a signed create asks for, range-checked, in ticks and steps."""

    market_id: int
    client_index: int
    is_ask: bool
    size: int
    price: int
    kind: OrderKind = OrderKind.LIMIT
    tif: Tif = Tif.GTT
    reduce_only: bool = False
    expiry_ms: int = 0
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    trigger_price: int = 0


class VenueOrder(msgspec.Struct, eq=False):
    """One order through its life. Prices in ticks, sizes in steps, quote in 1e-6 USDC, times in microseconds."""

    index: int
    account: "VenueAccount"
    market_id: int
    is_ask: bool
    price: int
    size: int
    created_us: int
    client_index: int = 0
    kind: OrderKind = OrderKind.LIMIT
    tif: Tif = Tif.GTT
    reduce_only: bool = False
    expiry_ms: int = 0
    filled: int = 0
    filled_quote: int = 0
    status: OrderStatus = OrderStatus.OPEN
    updated_us: int = 0
    version: int = 0
    trigger_price: int = 0
    trigger_status: TriggerStatus = TriggerStatus.NONE
    triggered_us: int = 0
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    parent: "VenueOrder | None" = None
    children: tuple["VenueOrder", ...] = ()
    """Sent by this order's fills."""
    sibling: "VenueOrder | None" = None
    """Cancelled by this order's fills."""

    @property
    def remaining(self) -> int:
        """Steps not filled, whether or not they still can be."""
        return self.size - self.filled

    @property
    def is_pending(self) -> bool:
        """Waits for its trigger, outside the book."""
        return self.status is PENDING

    @property
    def is_live(self) -> bool:
        """Not over."""
        return self.status is OPEN or self.status is PENDING

    @property
    def priority(self) -> int:
        """The k of `order_index`, which order objects report as `nonce`."""
        return self.index & ((1 << PRIORITY_BITS) - 1)

    def is_reached_by(self, mark: int) -> bool:
        """Whether the mark price has come to the trigger: a stop against the order's owner, a profit for him."""
        if self.kind.is_stop == self.is_ask:
            return mark <= self.trigger_price
        return mark >= self.trigger_price


class TradeKind(Enum):
    """The wire's words for how a trade came to be."""

    TRADE = "trade"
    LIQUIDATION = "liquidation"
    DELEVERAGE = "deleverage"


class TradeSide(msgspec.Struct, frozen=True, gc=False):
    """One party of a trade, with its position as it was before."""

    order_index: int
    client_index: int
    account_index: int
    fee_rate: int
    """In 1e-6 of the notional; 0 is omitted on the wire."""
    size_before: int
    entry_quote_before: int
    imf: int
    sign_changed: bool
    realised: int
    """What this trade realised for the party, before fees, in 1e-6 USDC."""
    order_version: int = 0
    allocated_before: int = 0
    """Margin of an isolated position, in 1e-6 USDC; 0 is omitted on the wire."""
    allocated_after: int = 0


class VenueTrade(msgspec.Struct, frozen=True, gc=False):
    """One execution."""

    trade_id: int
    market_id: int
    price: int
    size: int
    is_maker_ask: bool
    ask: TradeSide
    bid: TradeSide
    time_us: int
    kind: TradeKind = TradeKind.TRADE

    @property
    def quote(self) -> int:
        """Notional in 1e-6 USDC, exactly."""
        return self.price * self.size

    def side_of(self, account_index: int) -> TradeSide:
        """The party that is this account."""
        return self.ask if self.ask.account_index == account_index else self.bid
