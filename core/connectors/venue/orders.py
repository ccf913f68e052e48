"""What trades on the paper venue: orders with a life, and the trades between them."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.connectors.venue.accounts import VenueAccount

PRIORITY_BITS: Final = 48
"""`order_index` is `(market + 1) << 48 | k`: asks count k up from 0, bids down from 2**48 - 1."""


class OrderKind(IntEnum):
    """The signed `Type`."""

    LIMIT = 0
    MARKET = 1

    @property
    def wire(self) -> str:
        """As order objects spell it."""
        return "limit" if self is OrderKind.LIMIT else "market"


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


class OrderStatus(Enum):
    """The wire's words; everything but `OPEN` is final."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    POST_ONLY = "canceled-post-only"
    REDUCE_ONLY = "canceled-reduce-only"
    MARGIN = "canceled-margin-not-allowed"
    SLIPPAGE = "canceled-too-much-slippage"
    LIQUIDITY = "canceled-not-enough-liquidity"
    SELF_TRADE = "canceled-self-trade"
    EXPIRED = "canceled-expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
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


@dataclass(slots=True, eq=False)
class VenueOrder:
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

    @property
    def remaining(self) -> int:
        """Steps not filled, whether or not they still can be."""
        return self.size - self.filled

    @property
    def priority(self) -> int:
        """The k of `order_index`, which order objects report as `nonce`."""
        return self.index & ((1 << PRIORITY_BITS) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeSide:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueTrade:
    """One execution."""

    trade_id: int
    market_id: int
    price: int
    size: int
    is_maker_ask: bool
    ask: TradeSide
    bid: TradeSide
    time_us: int

    @property
    def quote(self) -> int:
        """Notional in 1e-6 USDC, exactly."""
        return self.price * self.size

    def side_of(self, account_index: int) -> TradeSide:
        """The party that is this account."""
        return self.ask if self.ask.account_index == account_index else self.bid
