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
KEPT_CLOSED: Final = 10_000
KEPT_TRADES: Final = 20_000


@dataclass(slots=True)
class VenuePosition:
    """A net position in one market."""

    imf: int
    """Initial margin fraction chosen for the market."""
    size: int = 0
    cost: int = 0
    """What the open size was bought for; negative for a short."""
    realised: int = 0

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
    maker_fee: int = 0
    taker_fee: int = 0
    keys: dict[int, ApiKey] = field(default_factory=dict)
    positions: dict[int, VenuePosition] = field(default_factory=dict)
    live: dict[int, VenueOrder] = field(default_factory=dict)
    """Open orders by `order_index`; not kept for internal accounts."""
    by_client: dict[int, VenueOrder] = field(default_factory=dict)
    """Open orders by client index: unique among live orders of all markets."""
    closed: deque[VenueOrder] = field(default_factory=lambda: deque(maxlen=KEPT_CLOSED))
    """Newest last."""
    trades: deque[VenueTrade] = field(default_factory=lambda: deque(maxlen=KEPT_TRADES))
    order_count: int = 0
    volume: int = 0
    """Of all trades, in 1e-6 USDC."""
    trade_count: int = 0

    @property
    def l1_address(self) -> str:
        """An address that belongs to nobody, derived from the index."""
        return f"0x{self.index:040x}"

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
            if order.market_id == market_id:
                count += 1
                if not order.reduce_only:
                    buys += 0 if order.is_ask else order.remaining
                    sells += order.remaining if order.is_ask else 0
        return count, buys, sells


def fee_of(quote: int, rate: int) -> int:
    """The fee on a notional, rounded up to a millionth of a USDC in the venue's favour."""
    return -(-quote * rate // RATE)
