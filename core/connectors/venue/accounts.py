"""Accounts of the paper venue: collateral, net positions and keys, in exact integers.

Money is counted in 1e-6 USDC, sizes in steps (signed: a short is negative). A trade moves money between two accounts
and the fee pot and creates none: the sum of collateral, of position value less its cost, and of fees never changes.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from core.connectors.venue.orders import VenueOrder, VenueTrade

RATE: Final = 1_000_000
"""Fee rates count millionths of the notional."""
FRACTION: Final = 10_000
"""Margin fractions count ten-thousandths of the notional."""
LIQUIDATION_FEE: Final = 10_000
"""At most, on what a liquidation brings above the zero price: one percent, in 1e-6 of the notional."""
INSURANCE_FUND: Final = 281_474_976_710_655
"""Its account, as `orderBookDetails` of the venue names it."""
KEPT_CLOSED: Final = 10_000
KEPT_TRADES: Final = 20_000


KEPT_FUNDINGS: Final = 10_000
KEPT_NOTICES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPayment:
    """One account's part of one funding round in one market."""

    funding_id: int
    market_id: int
    time_s: int
    rate_ppm: int
    size: int
    """Signed steps held at the time."""
    change: int
    """What the account received, in 1e-6 USDC; negative when it paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidated:
    """One fill of a liquidation, or one takeover, as the account is told of it."""

    number: int
    is_takeover: bool
    trade: VenueTrade


@dataclass(slots=True)
class ReadToken:
    """A read-only API token of an account."""

    token_id: int
    name: str
    text: str
    expiry_s: int
    covers_all: bool
    is_revoked: bool = False


@dataclass(slots=True)
class VenuePosition:
    """A net position in one market."""

    imf: int
    """Initial margin fraction chosen for the market."""
    size: int = 0
    cost: int = 0
    """What the open size was bought for; negative for a short."""
    realised: int = 0
    funding_paid: int = 0
    """Paid less received since the market was first touched, in 1e-6 USDC."""
    is_isolated: bool = False
    """Bears its losses with its own margin alone; chosen for the market, whether or not anything is held."""
    allocated: int = 0
    """That margin, in 1e-6 USDC; it is no part of the account's collateral while it is here."""

    def apply(self, delta: int, price: int) -> int:
        """Trade `delta` steps at `price` ticks; returns what it realised."""
        size = self.size + delta
        if self.size * delta >= 0:
            cost = self.cost + delta * price
        elif abs(delta) <= abs(self.size):
            cost = self.cost * size // self.size
        else:
            cost = size * price
        realised = cost - self.cost - delta * price
        self.size, self.cost = size, cost
        self.realised += realised
        return realised

    def allocate(self, before: int, price: int, gain: int) -> int:
        """Keep the own margin of an isolated position that was `before` and traded at `price`.

        What is opened brings its initial margin, what is closed gives back its part of the margin, and of `gain`: what
        the trade realised less its fee. Returns what the account's collateral gains, in 1e-6 USDC.
        """
        held = abs(before)
        kept = min(held, abs(self.size)) if before * self.size > 0 else 0
        opened, change = abs(self.size) - kept, gain
        if held > kept:
            self.allocated += gain
            change = self.allocated * (held - kept) // held
            self.allocated -= change
        if opened:
            brought = -(-opened * price * self.imf // FRACTION)
            self.allocated += brought
            change -= brought
        return change

    def unrealised(self, mark: int) -> int:
        """Value at `mark` less what it cost."""
        return self.size * mark - self.cost


@dataclass(slots=True)
class ApiKey:
    """A registered key and the nonce its next transaction must carry."""

    public_key: str
    """80 hexadecimal digits, lower case, no prefix."""
    nonce: int = 0
    registered_us: int = 0


@dataclass(slots=True, eq=False)
class VenueAccount:
    """One account."""

    index: int
    collateral: int
    is_internal: bool = False
    """The generator's: trades without margin, is not reported to."""
    master: int | None = None
    """The account this one is a sub-account of."""
    tier: str = "premium"
    """As `accountLimits` names it; what it costs and allows is said elsewhere."""
    maker_fee: int = 0
    taker_fee: int = 0
    keys: dict[int, ApiKey] = field(default_factory=dict)
    positions: dict[int, VenuePosition] = field(default_factory=dict)
    live: dict[int, VenueOrder] = field(default_factory=dict)
    """Open and pending orders by `order_index`; not kept for internal accounts."""
    by_client: dict[int, VenueOrder] = field(default_factory=dict)
    """The same by client index: unique among live orders of all markets."""
    reducers: dict[int, VenueOrder] = field(default_factory=dict)
    """Those of them that are reduce-only."""
    closed: deque[VenueOrder] = field(default_factory=lambda: deque(maxlen=KEPT_CLOSED))
    """Newest last."""
    trades: deque[VenueTrade] = field(default_factory=lambda: deque(maxlen=KEPT_TRADES))
    fundings: deque[FundingPayment] = field(default_factory=lambda: deque(maxlen=KEPT_FUNDINGS))
    """Newest last."""
    notices: deque[Liquidated] = field(default_factory=lambda: deque(maxlen=KEPT_NOTICES))
    """Newest last."""
    read_tokens: dict[str, ReadToken] = field(default_factory=dict)
    """By their text."""
    cancel_all_ms: int = 0
    """When everything of this account is to be cancelled, in Unix milliseconds; 0 when nothing is scheduled."""
    order_count: int = 0
    volume: int = 0
    """Of all trades, in 1e-6 USDC."""
    trade_count: int = 0

    @property
    def l1_address(self) -> str:
        """An address that belongs to nobody, derived from the owner's index."""
        return f"0x{self.owner:040x}"

    @property
    def owner(self) -> int:
        """The master account's index, which may be this one's own."""
        return self.index if self.master is None else self.master

    def position(self, market_id: int, default_imf: int) -> VenuePosition:
        """The position in a market, created flat."""
        found = self.positions.get(market_id)
        if found is None:
            found = self.positions[market_id] = VenuePosition(imf=default_imf)
        return found

    def size_in(self, market_id: int) -> int:
        """Signed steps held."""
        found = self.positions.get(market_id)
        return found.size if found is not None else 0

    def open_in(self, market_id: int) -> tuple[int, int, int]:
        """Open orders in a market: how many, steps to buy, steps to sell (reduce-only ones add no exposure)."""
        count = buys = sells = 0
        for order in self.live.values():
            if order.market_id == market_id and not order.is_pending:
                count += 1
                if not order.reduce_only:
                    buys += 0 if order.is_ask else order.remaining
                    sells += order.remaining if order.is_ask else 0
        return count, buys, sells

    def pending(self, market_id: int | None = None) -> list[VenueOrder]:
        """Conditional orders that wait, of one market or all."""
        return [order for order in self.live.values() if order.is_pending and market_id in {None, order.market_id}]


def fee_of(quote: int, rate: int) -> int:
    """The fee on a notional, rounded up to a millionth of a USDC in the venue's favour."""
    return -(-quote * rate // RATE)
