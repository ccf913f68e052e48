"""Account tiers: latency before the sequencer, budgets of a rolling minute, fees, and the volume quota. Pure.

Figures: apidocs.lighter.xyz, rate limits, account types and volume quota program (September 2026). They change. The
venue publishes no threshold for its firewall and no time for a commit: `FIREWALL_AFTER` and `COMMIT_US` are ours.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

from core.connectors.venue import tx
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.orders import OrderKind, Tif
from core.connectors.venue.sequencer import TxRecord

MINUTE_US: Final = 60_000_000
COMMIT_US: Final = 10_000
"""Between the arrival of a transaction and its acknowledgement: a second one of its key is refused meanwhile."""
FIREWALL_AFTER: Final = 30
"""Throttled requests within a minute that bring the firewall's page."""
FIREWALL_US: Final = MINUTE_US
MESSAGES_PER_MINUTE: Final = 200
FIRST_QUOTA: Final = 1_000
MOST_QUOTA: Final = 5_000_000
QUOTA_PER: Final = 5_000_000
"""Traded 1e-6 USDC that earn one more transaction."""
FREE_EVERY_US: Final = 15_000_000
_MODIFIES: Final = frozenset({14, 16, 17, 28})
"""Transaction types that use the quota; cancels of single orders do not."""
_WEIGHTS: Final = {
    "sendTx": 6,
    "sendTxBatch": 6,
    "nextNonce": 6,
    "publicPools": 50,
    "txFromL1TxHash": 50,
    "accountInactiveOrders": 100,
    "apikeys": 150,
    "transferFeeInfo": 500,
    "trades": 600,
    "recentTrades": 600,
    "changeAccountTier": 3_000,
    "setAccountMetadata": 3_000,
}
_WEIGHT: Final = 300


class Tier(Enum):
    """What an account is signed up for."""

    STANDARD = "standard"
    PLUS = "plus"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a tier gets; fees in 1e-6 of the notional."""

    requests: int
    """A minute: a number of them, or their weight."""
    is_weighted: bool
    transactions: int | None
    """A minute; None when they count as requests alone."""
    maker_us: int
    taker_us: int
    cancel_us: int
    maker_fee: int
    taker_fee: int
    has_quota: bool


TERMS: Final = {
    Tier.STANDARD: Terms(
        requests=60,
        is_weighted=False,
        transactions=None,
        maker_us=0,
        taker_us=300_000,
        cancel_us=300_000,
        maker_fee=0,
        taker_fee=0,
        has_quota=False,
    ),
    Tier.PLUS: Terms(
        requests=24_000,
        is_weighted=True,
        transactions=4_000,
        maker_us=200_000,
        taker_us=300_000,
        cancel_us=200_000,
        maker_fee=50,
        taker_fee=50,
        has_quota=True,
    ),
    Tier.PREMIUM: Terms(
        requests=24_000,
        is_weighted=True,
        transactions=4_000,
        maker_us=0,
        taker_us=140_000,
        cancel_us=0,
        maker_fee=40,
        taker_fee=280,
        has_quota=True,
    ),
}


def weight_of(path: str, terms: Terms) -> int:
    """What a request takes from the budget."""
    return _WEIGHTS.get(path.rpartition("/")[2], _WEIGHT) if terms.is_weighted else 1


def latency_us(record: TxRecord, exchange: Exchange, terms: Terms) -> int:
    """How long the tier makes a transaction wait: makers, takers and everything that withdraws."""
    order = record.tx
    if not isinstance(order, tx.CreateTx):
        return terms.cancel_us
    if order.time_in_force == Tif.POST_ONLY:
        return terms.maker_us
    book = exchange.markets[order.market_index].book
    is_taking = book.side(is_ask=order.is_ask == 0).is_reached_by(order.price)
    return terms.taker_us if order.type != OrderKind.LIMIT or is_taking else terms.maker_us


class Budget:
    """So much in any sixty seconds; what is refused costs nothing, but prolongs the cool-down."""

    def __init__(self, most: int) -> None:
        """Nothing spent."""
        self._most: Final = most
        self._spent: Final[deque[tuple[int, int]]] = deque()
        self._used = 0
        self._cool_until_us = 0

    def spend(self, weight: int, now_us: int) -> bool:
        """Whether it goes through; a refusal starts, and a try during a cool-down extends, the cool-down."""
        while self._spent and now_us - self._spent[0][0] >= MINUTE_US:
            self._used -= self._spent.popleft()[1]
        if now_us < self._cool_until_us or self._used + weight > self._most:
            self._cool_until_us = max(self._cool_until_us, now_us) + weight * MINUTE_US // self._most
            return False
        self._spent.append((now_us, weight))
        self._used += weight
        return True


class Quota:
    """Transactions earned by volume, of each account."""

    def __init__(self) -> None:
        """Nothing used."""
        self._used: Final[dict[int, int]] = {}
        self._free_us: Final[dict[int, int]] = {}

    def remaining(self, account_index: int, volume: int) -> int:
        """What the account may still send; `volume` in 1e-6 USDC."""
        return min(MOST_QUOTA, FIRST_QUOTA + volume // QUOTA_PER - self._used.get(account_index, 0))

    def is_free(self, account_index: int, now_us: int) -> bool:
        """Whether the transaction of these fifteen seconds is still to come."""
        last = self._free_us.get(account_index)
        return last is None or now_us - last >= FREE_EVERY_US

    def spend(self, account_index: int, cost: int, now_us: int) -> bool:
        """Count what was sent; whether it used quota."""
        if cost == 0:
            return False
        if self.is_free(account_index, now_us):
            self._free_us[account_index] = now_us
            cost -= 1
        self._used[account_index] = self._used.get(account_index, 0) + cost
        return cost > 0


def cost_of(types: list[int], *, is_batch: bool) -> int:
    """Quota that transactions take: a batch costs all its transactions, cancels too."""
    return len(types) if is_batch else sum(each in _MODIFIES for each in types)
