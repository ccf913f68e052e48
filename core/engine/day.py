"""The day's first equity, the highest equity and the curve between, kept over restarts, per world. Pure.

What was lost today and since the highest point is what the loss limits go by.
"""

import json
from collections import deque
from decimal import Decimal
from typing import Final

from core.clock import DAY_US, SECOND_US, Instant
from core.engine.facts import Facts
from core.money import EquityPoint
from core.risk import Money
from core.units import ZERO

_MINUTE_US: Final = 60 * SECOND_US
_CURVE: Final = 1_440
"""Points kept: a day of minutes."""


class DayEquity:
    """Equity through the day; `Outlook.money` follows it."""

    _KEY: Final = "day equity"

    def __init__(self, facts: Facts, world: str) -> None:
        self._facts = facts
        self._world = world
        self._day: int | None = None
        self._start: Decimal | None = None
        self._base: Decimal | None = None
        """From where the day's loss is counted: its start, or where a human let trading go on after a loss."""
        self._high: Decimal | None = None
        self._saved_us = 0
        self._curve: deque[EquityPoint] = deque(maxlen=_CURVE)

    def restore(self) -> None:
        """What an earlier run saw."""
        saved = json.loads(self._facts.meta.get(self._KEY) or "{}")
        if saved.get("world") == self._world:
            self._day = saved["day"]
            self._start, self._base, self._high = (Decimal(saved[name]) for name in ("start", "base", "high"))

    def see(self, equity: Decimal, now: Instant) -> None:
        """Take in the account's equity, in USDC."""
        day = self._day_of(now)
        is_news = self._day != day
        if is_news:
            self._day, self._start, self._base = day, equity, equity
        if self._high is None or equity > self._high:
            is_news |= self._high is None or now.utc_us - self._saved_us >= _MINUTE_US
            self._high = equity
        if is_news:
            self._save(now)
        if not self._curve or now.utc_us - self._curve[-1].at_us >= _MINUTE_US:
            self._curve.append(EquityPoint(at_us=now.utc_us, equity=equity))
            self._facts.outlook.equity_curve = tuple(self._curve)
        self._show(equity)

    def roll(self, now: Instant) -> None:
        """Let every market and strategy begin its day where the account does."""
        marks = {market_id: quote.mark for market_id, quote in self._facts.quotes.items()}
        for saved in self._facts.profit.roll(self._day_of(now), marks):
            self._facts.record(saved)

    def forgive(self, now: Instant) -> None:
        """A human lets trading go on after a loss: what is lost from here on counts, not what was lost before."""
        account = self._facts.account
        if account is not None:
            self._base = self._high = account.equity
            self._save(now)
            self._show(account.equity)

    def pnl(self) -> Decimal | None:
        """Equity now minus equity at the day's first sight, in USDC."""
        account = self._facts.account
        return None if account is None or self._start is None else account.equity - self._start

    def _day_of(self, now: Instant) -> int:
        """Days since the epoch, by the boundary that is set."""
        return (now.utc_us - self._facts.risk.limits.day_starts_at_minute * _MINUTE_US) // DAY_US

    def _show(self, equity: Decimal) -> None:
        base, high = self._base, self._high
        self._facts.outlook.equity_high = high
        self._facts.outlook.money = Money(
            equity=equity,
            day_loss=ZERO if base is None else base - equity,
            drawdown=ZERO if high is None else high - equity,
        )

    def _save(self, now: Instant) -> None:
        self._saved_us = now.utc_us
        saved = {
            "day": self._day,
            "start": str(self._start),
            "base": str(self._base),
            "high": str(self._high),
            "world": self._world,
        }
        self._facts.store(self._KEY, json.dumps(saved))
