"""The account's collateral by the venue's figures against what our fills, fees and funding make of it. Pure.

Collateral does not move with the mark: both sides can be compared to the cent. What neither fills nor funding explain
is money that moved without anybody here having been told: a transfer, a liquidation's fee, or fills that are missing.
"""

import json
from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS, Instant
from core.engine.facts import Facts
from core.events import NoticeLevel
from core.model import Position
from core.units import ZERO, MarketId

CALM_NS: Final = 2 * SECOND_NS
"""After a fill the account's own news may come this much later."""
LASTING_NS: Final = 30 * SECOND_NS
LEAST: Final = Decimal(1)
"""USDC; less is not worth an alert."""
SHARE: Final = Decimal("0.0005")
"""Of the collateral; what is more than both is an alert."""
_KEY: Final = "settlement"


class Settlement:
    """One comparison, from the first sight of the account on, kept over restarts, per world."""

    def __init__(self, facts: Facts, world: str) -> None:
        self._facts = facts
        self._world = world
        self._base: Decimal | None = None
        """Collateral less what was settled, plus funding paid, at the first sight: it should never move."""
        self._funding = ZERO
        """Paid since then, as far as positions told."""
        self._stated: dict[MarketId, Decimal] = {}
        """Funding of each position, as stated last."""
        self._next_ns = 0
        self._settled = ZERO
        self._settled_ns = 0
        """When a fill changed what is settled last."""
        self._told = ZERO
        """The difference that the operator knows of."""
        self._since_ns: int | None = None

    def restore(self) -> None:
        """What an earlier run knew."""
        saved = json.loads(self._facts.meta.get(_KEY) or "{}")
        if saved.get("world") == self._world:
            self._base, self._told, self._funding = (Decimal(saved[name]) for name in ("base", "told", "funding"))
            self._stated = {MarketId(int(key)): Decimal(paid) for key, paid in saved["stated"].items()}
        self._settled = self._facts.profit.settled()

    def on_positions(self, positions: tuple[Position, ...]) -> None:
        """Take in the funding that the venue states. A zero gives nothing back: that position begins anew."""
        is_news = False
        for position in positions:
            paid, before = position.funding_paid, self._stated.get(position.market_id, ZERO)
            self._stated[position.market_id] = paid
            self._funding += paid - before if paid else ZERO
            is_news |= paid != before
        if is_news and self._base is not None:
            self._save()

    def tick(self, now: Instant) -> None:
        """Compare, once nothing is under way; say aloud what lasts."""
        if now.mono_ns < self._next_ns:
            return
        self._next_ns = now.mono_ns + SECOND_NS
        account, facts = self._facts.account, self._facts
        settled = facts.profit.settled()
        if settled != self._settled:
            self._settled, self._settled_ns = settled, now.mono_ns
        if account is None or not facts.standing.is_ready:
            self._since_ns = None
            return
        should_stand = account.collateral - settled + self._funding
        if self._base is None:
            if now.mono_ns - self._settled_ns >= CALM_NS:
                self._base = should_stand
                self._save()
            return
        difference = should_stand - self._base
        facts.outlook.unexplained = difference
        if abs(difference - self._told) <= max(LEAST, SHARE * account.collateral):
            self._since_ns = None
        elif self._since_ns is None:
            self._since_ns = now.mono_ns
        elif now.mono_ns - self._since_ns >= LASTING_NS:
            self._tell(difference, now)

    def _tell(self, difference: Decimal, now: Instant) -> None:
        moved = difference - self._told
        text = (
            f"the venue's collateral moved by {moved:+.2f} USDC that no fill, fee or funding known here explains "
            f"({difference:+.2f} in all): a transfer, a liquidation, or fills that nobody told of"
        )
        self._facts.tell(NoticeLevel.ALERT, text, now)
        self._facts.audit("account", text, now)
        self._told, self._since_ns = difference, None
        self._save()

    def _save(self) -> None:
        saved = {
            "world": self._world,
            "base": str(self._base),
            "told": str(self._told),
            "funding": str(self._funding),
            "stated": {market_id: str(paid) for market_id, paid in self._stated.items()},
        }
        self._facts.store(_KEY, json.dumps(saved))
