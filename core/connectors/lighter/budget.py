"""One account's budgets at the venue: requests, transactions, WebSocket messages, volume quota. Pure.

Everything counts over a rolling minute. A part of each budget is kept for cancels and the kill switch: orders and
reads can never spend it, and chores stop at half. Figures: apidocs.lighter.xyz, rate limits, account types and volume
quota program (September 2026); they change, so they stand here as data.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Final

from core.clock import SECOND_NS
from core.state import BudgetUse
from core.units import ZERO

MINUTE_NS: Final = 60 * SECOND_NS
FIREWALL_STATUS: Final = 405
THROTTLED_STATUS: Final = 429
THROTTLED_CODES: Final = frozenset({23000, 23001, 23002, 23003, 23004})
"""The venue's own words for "too many", whatever the HTTP status."""
SEND_PATH: Final = "/api/v1/sendTx"
_FIREWALL_NS: Final = MINUTE_NS
_RESERVE_SHARE: Final = 5
"""One fifth of each budget is the reserve."""
_QUOTA_RESERVE: Final = 20
"""A cancel-all takes one; orders leave this many."""
_FREE_EVERY_NS: Final = 15 * SECOND_NS
"""The venue lets one transaction in fifteen seconds pass without quota."""
_WEIGHT: Final = 300
WEIGHTS: Final[Mapping[str, int]] = MappingProxyType(
    {
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
)
"""By the last part of the path; everything else weighs 300."""


class Tier(Enum):
    """What an account is signed up for; the value as `accountLimits` spells it."""

    STANDARD = "standard"
    PLUS = "plus"
    PREMIUM = "premium"
    BUILDER = "builder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a tier may ask in a minute."""

    requests: int
    is_weighted: bool
    """Whether `requests` counts weights, or requests."""
    transactions: int | None
    """None: they count as requests alone."""
    messages: int = 200
    """Per address, transactions excluded."""


ALLOWANCES: Final[Mapping[Tier, Allowance]] = MappingProxyType(
    {
        Tier.STANDARD: Allowance(requests=60, is_weighted=False, transactions=None),
        Tier.PLUS: Allowance(requests=24_000, is_weighted=True, transactions=4_000),
        Tier.PREMIUM: Allowance(requests=24_000, is_weighted=True, transactions=4_000),
        Tier.BUILDER: Allowance(requests=240_000, is_weighted=True, transactions=60),
    }
)
STAKES: Final = (
    (500_000, 48_000),
    (300_000, 24_000),
    (100_000, 12_000),
    (30_000, 8_000),
    (10_000, 7_000),
    (3_000, 6_000),
    (1_000, 5_000),
)
"""Staked LIT, and the transactions a minute that a premium account gets for it; below the last one the tier's own."""


def transactions_for(tier: Tier, staked: Decimal) -> int | None:
    """Transactions a minute of an account that stakes so much LIT; None: they count as requests alone."""
    if tier is Tier.PREMIUM:
        for least, most in STAKES:
            if staked >= least:
                return most
    return ALLOWANCES[tier].transactions


def tier_named(word: str) -> Tier | None:
    """The tier of `user_tier`, however it is capitalised or numbered ("Premium 1"); None for an unknown word."""
    first = word.strip().lower().partition(" ")[0].partition("_")[0]
    return next((tier for tier in Tier if tier.value == first), None)


class Grade(IntEnum):
    """How far down a budget something may reach."""

    KILL = 0
    """Cancel-all, and what it needs: never refused for want of budget."""
    URGENT = 1
    """Cancels, and reads that tell whether they worked: to the last bit."""
    ORDINARY = 2
    """Orders and reads: down to the reserve."""
    CHORE = 3
    """What can wait: down to one half."""


class Window:
    """So much in any sixty seconds."""

    def __init__(self, most: int) -> None:
        """Nothing spent."""
        self.most = most
        self._spent: Final[deque[tuple[int, int]]] = deque()
        self._used = 0

    @property
    def reserve(self) -> int:
        """What only cancels and the kill switch may spend."""
        return self.most // _RESERVE_SHARE

    def left(self, now_ns: int) -> int:
        """What is not spent; below zero when the kill switch took more than there was."""
        while self._spent and now_ns - self._spent[0][0] >= MINUTE_NS:
            self._used -= self._spent.popleft()[1]
        return self.most - self._used

    def has(self, cost: int, grade: Grade, now_ns: int) -> bool:
        """Whether so much may be spent on something of this grade."""
        if grade is Grade.KILL:
            return True
        return self.left(now_ns) - cost >= self._floor(grade)

    def take(self, cost: int, now_ns: int) -> None:
        """Spend, whatever is left."""
        self._spent.append((now_ns, cost))
        self._used += cost

    def _floor(self, grade: Grade) -> int:
        return {Grade.ORDINARY: self.reserve, Grade.CHORE: self.most // 2}.get(grade, 0)


class Limiter:
    """Every budget of one account, shared by all its lanes, streams and reads."""

    def __init__(self, tier: Tier = Tier.STANDARD) -> None:
        """The standard tier until told otherwise: too little asked costs time, too much is shut out."""
        self._allowance = ALLOWANCES[tier]
        self.tier = tier
        self.messages: Final = Window(self._allowance.messages)
        """Of all connections together; streams spend it themselves."""
        self._requests: Final = Window(self._allowance.requests)
        self._transactions: Final = Window(self._allowance.transactions or self._allowance.requests)
        self._quota: int | None = None
        self._sent_ns: int | None = None
        self._cool_until_ns = 0
        self._has_killed = False

    def adopt(self, tier: Tier, staked: Decimal = ZERO) -> None:
        """Work with this tier, and this stake in LIT, from now on; what was spent stays spent."""
        self.tier, self._allowance = tier, ALLOWANCES[tier]
        self._requests.most = self._allowance.requests
        self._transactions.most = transactions_for(tier, staked) or self._allowance.requests

    def request(self, path: str, grade: Grade, now_ns: int) -> str | None:
        """Take one read's weight; a sentence when it must not go out now."""
        pause = self._pause(now_ns)
        if pause is not None and grade is not Grade.KILL:
            return pause
        weight = self._weight(path)
        if not self._requests.has(weight, grade, now_ns):
            return self._spent("requests", self._requests, now_ns)
        self._requests.take(weight, now_ns)
        return None

    def transaction(self, count: int, grade: Grade, now_ns: int) -> str | None:
        """Take the cost of sending so many transactions at once; a sentence when they must not go out now.

        Nothing goes out in a pause, since that prolongs it; but one kill does, once in each.
        """
        pause = self._pause(now_ns)
        if pause is not None:
            if grade is not Grade.KILL or self._has_killed:
                return pause
            self._has_killed = True
        weight = self._weight(SEND_PATH) if self._allowance.is_weighted else count
        if not self._requests.has(weight, grade, now_ns):
            return self._spent("requests", self._requests, now_ns)
        if not self._transactions.has(count, grade, now_ns):
            return self._spent("transactions", self._transactions, now_ns)
        if not self._has_quota(count, grade, now_ns):
            return f"{self._quota} of the volume quota left, and {_QUOTA_RESERVE} are kept for the kill switch"
        self._requests.take(weight, now_ns)
        self._transactions.take(count, now_ns)
        self._sent_ns = now_ns
        return None

    def throttled(self, *, is_firewall: bool, path: str, now_ns: int) -> None:
        """The venue refuses for a while: a fixed minute by its firewall, the request's share of the minute by its API.

        An answer that comes while a longer pause runs does not shorten it, and none is added up.
        """
        allowance = self._allowance
        share_ns = self._weight(path) * MINUTE_NS // allowance.requests
        if now_ns >= self._cool_until_ns:
            self._has_killed = False
        window_ns = _FIREWALL_NS if is_firewall else max(share_ns, SECOND_NS)
        self._cool_until_ns = max(self._cool_until_ns, now_ns + window_ns)

    def learned_quota(self, left: int | None) -> None:
        """What an acknowledgement says of the volume quota; None when it says nothing."""
        if left is not None:
            self._quota = left

    def cooling_s(self, now_ns: int) -> int:
        """Seconds until a throttling pause ends; 0 when there is none."""
        return max(0, -(-(self._cool_until_ns - now_ns) // SECOND_NS))

    def uses(self, now_ns: int) -> tuple[BudgetUse, ...]:
        """What is left of everything."""
        paused_s = self.cooling_s(now_ns)
        named = (
            ("requests", self._requests, "weight" if self._allowance.is_weighted else "requests"),
            ("transactions", self._transactions, "transactions"),
            ("messages", self.messages, "messages"),
        )
        rows = [
            BudgetUse(
                name=name,
                left=max(0, window.left(now_ns)),
                limit=window.most,
                reserve=window.reserve,
                unit=unit,
                paused_s=paused_s,
            )
            for name, window, unit in named
        ]
        if self._quota is not None:
            rows.append(
                BudgetUse(
                    name="volume quota",
                    left=self._quota,
                    limit=None,
                    reserve=_QUOTA_RESERVE,
                    unit="transactions",
                    paused_s=0,
                )
            )
        return tuple(rows)

    def _pause(self, now_ns: int) -> str | None:
        seconds = self.cooling_s(now_ns)
        return f"the venue throttles this address; silent for {seconds} s more" if seconds else None

    def _has_quota(self, count: int, grade: Grade, now_ns: int) -> bool:
        if grade <= Grade.URGENT or self._quota is None or self._quota - count >= _QUOTA_RESERVE:
            return True
        is_free = self._sent_ns is None or now_ns - self._sent_ns >= _FREE_EVERY_NS
        return is_free and count == 1

    def _spent(self, what: str, window: Window, now_ns: int) -> str:
        return (
            f"the budget of {what} is spent: {max(0, window.left(now_ns))} of {window.most} a minute left, "
            f"{window.reserve} of them for cancels"
        )

    def _weight(self, path: str) -> int:
        return WEIGHTS.get(path.rpartition("/")[2], _WEIGHT) if self._allowance.is_weighted else 1
