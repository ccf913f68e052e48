"""Watches what the breakers trip on, trips them, and lets those go that may close by themselves. Pure."""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from core.clock import MILLISECOND_NS, SECOND_NS, SECOND_US, Instant
from core.commands import CloseBreaker
from core.engine.breakers import Breakers
from core.engine.day import DayEquity
from core.engine.facts import Facts
from core.events import LinkName, LinkStatus
from core.model import BookStatus, Quote
from core.risk import BreakerKey, Trip, Vitals, trips
from core.units import ZERO, MarketId

_BY: Final = "engine"
_EVERY_NS: Final = 250 * MILLISECOND_NS
_HUNDRED: Final = Decimal(100)


class Watchman:
    """Looks a few times a second."""

    def __init__(self, facts: Facts, breakers: Breakers, day: DayEquity) -> None:
        self._facts = facts
        self._breakers = breakers
        self._day = day
        self._next_ns = 0
        self._bad_since: dict[MarketId, int] = {}
        self._down_since: dict[LinkName, int] = {}
        self._mismatch_since: int | None = None
        self._marks: dict[MarketId, deque[tuple[int, Decimal]]] = {}

    def tick(self, now: Instant) -> None:
        """Trip what should be tripped, close what may be closed."""
        if now.mono_ns < self._next_ns:
            return
        self._next_ns = now.mono_ns + _EVERY_NS
        self._day.roll(now)
        limits = self._facts.risk.limits
        found = trips(self._look(now), limits)
        cooldown = limits.breaker.rearm_after_s
        for trip in found:
            may_cool = cooldown is not None and not trip.is_for_humans
            until_us = now.utc_us + cooldown * SECOND_US if cooldown is not None and may_cool else None
            self._breakers.hold(trip.scope, _BY, trip.reason, now, until_us)
        self._cool({trip.scope: trip for trip in found}, now)

    def on_closed(self, command: CloseBreaker, now: Instant) -> None:
        """A human closed a breaker: what tripped it before does not trip it at once again."""
        if command.strategy:
            self._facts.profit.pardon(command.strategy)
            return
        if command.market_id is None:
            self._day.forgive(now)
            self._facts.outlook.habits.forget_rejects()
            self._mismatch_since = None
            self._down_since.clear()
        else:
            self._marks.pop(command.market_id, None)
            self._bad_since.pop(command.market_id, None)

    def _cool(self, holding: Mapping[BreakerKey, Trip], now: Instant) -> None:
        """Close, with a notice, those whose time is over; a cause that is still there holds for another while."""
        cooldown = self._facts.risk.limits.breaker.rearm_after_s
        for scope, status in self._facts.breakers.tripped():
            if status.until_us is None or now.utc_us < status.until_us:
                continue
            if scope in holding and cooldown is not None:
                self._breakers.prolong(scope, now.utc_us + cooldown * SECOND_US)
            else:
                self._breakers.release(scope, _BY, "its cause is gone and rearm_after_s is over", now)

    def _look(self, now: Instant) -> Vitals:
        facts, outlook = self._facts, self._facts.outlook
        limits = facts.risk.limits
        conduct = outlook.habits.conduct(limits, now.mono_ns, is_frozen=False)
        sent, rejected = outlook.habits.rejects(limits, now.mono_ns)
        at_stake = {market_id for market_id, one in outlook.exposures().items() if not one.is_flat}
        return Vitals(
            money=outlook.money,
            fills=conduct.fills,
            denials=outlook.habits.denials,
            losses=facts.profit.losses(),
            sent=sent,
            rejected=rejected,
            bad_data_ns=self._bad_data(at_stake, now),
            lost_links_ns=self._lost_links(now),
            mismatch_ns=self._mismatch(now),
            gaps=self._gaps(at_stake, now),
            skew_ms=outlook.skew_ms,
        )

    def _bad_data(self, at_stake: set[MarketId], now: Instant) -> dict[MarketId, int]:
        bad = {market_id for market_id in at_stake if not _is_fit(self._facts.quotes.get(market_id))}
        self._bad_since = {market_id: self._bad_since.get(market_id, now.mono_ns) for market_id in bad}
        return {market_id: now.mono_ns - since for market_id, since in self._bad_since.items()}

    def _lost_links(self, now: Instant) -> dict[str, int]:
        down = {name for name, link in self._facts.links.items() if link.status is LinkStatus.DOWN}
        self._down_since = {name: self._down_since.get(name, now.mono_ns) for name in down}
        return {name.value: now.mono_ns - since for name, since in self._down_since.items()}

    def _mismatch(self, now: Instant) -> int:
        if not self._facts.standing.mismatch:
            self._mismatch_since = None
            return 0
        if self._mismatch_since is None:
            self._mismatch_since = now.mono_ns
        return now.mono_ns - self._mismatch_since

    def _gaps(self, at_stake: set[MarketId], now: Instant) -> dict[MarketId, Decimal]:
        begin_ns = now.mono_ns - self._facts.risk.limits.breaker.price_gap_window_s * SECOND_NS
        for market_id in [one for one in self._marks if one not in at_stake]:
            del self._marks[market_id]
        for market_id in at_stake:
            quote = self._facts.quotes.get(market_id)
            if quote is not None and quote.mark is not None and quote.mark > 0:
                self._marks.setdefault(market_id, deque()).append((now.mono_ns, quote.mark))
        return {market_id: _moved(marks, begin_ns) for market_id, marks in self._marks.items()}


def _is_fit(quote: Quote | None) -> bool:
    if quote is None or quote.status is not BookStatus.LIVE:
        return False
    return quote.bid is None or quote.ask is None or quote.bid < quote.ask


def _moved(marks: deque[tuple[int, Decimal]], begin_ns: int) -> Decimal:
    """How far the newest mark is from the furthest within the window, in percent."""
    while marks[0][0] < begin_ns and len(marks) > 1:
        marks.popleft()
    newest = marks[-1][1]
    return max((abs(newest - mark) / mark * _HUNDRED for _, mark in marks), default=ZERO)
