"""The circuit breakers' switches: trip, close, remember. Pure; what a tripped one means is `core.risk.breaker`'s."""

import json
from typing import Final

from core.clock import Instant
from core.commands import CloseBreaker, SetStrategy, TripBreaker
from core.engine import strategies
from core.engine.facts import Facts, Urgency
from core.events import NoticeLevel
from core.risk import BreakerKey
from core.state import BreakerStatus
from core.units import MarketId

_KEY: Final = "breaker:"
_STRATEGY: Final = "strategy "


class Breakers:
    """Circuit breakers: trip, close, remember."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def restore(self, now: Instant) -> None:
        """A tripped breaker stays tripped over a restart, and the strategy of one stays stopped."""
        for key, value in self._facts.meta.items():
            if not key.startswith(_KEY) or not value:
                continue
            saved = json.loads(value)
            scope = _scope(key)
            self._facts.breakers = self._facts.breakers.trip(
                scope,
                by=saved["by"],
                reason=saved["reason"],
                at_us=saved["at_us"],
                until_us=saved["until_us"],
            )
            if isinstance(scope, str):
                text = f"{scope} stays stopped: its breaker was tripped by {saved['by']} before the restart"
                self._facts.tell(NoticeLevel.WARN, f"{text}: {saved['reason']}", now, "strategy")
                strategies.switch(self._facts, SetStrategy(name=scope, running=False, by=saved["by"]), now)

    def trip(self, command: TripBreaker, now: Instant) -> None:
        """Trip the breaker of a strategy, of a market, or the global one."""
        self.hold(command.strategy or command.market_id, command.by, command.reason, now)

    def hold(self, scope: BreakerKey, by: str, reason: str, now: Instant, until_us: int | None = None) -> bool:
        """Trip one; `until_us` is when it may close by itself. Whether that changed anything."""
        facts = self._facts
        before = facts.breakers
        facts.breakers = before.trip(scope, by=by, reason=reason, at_us=now.utc_us, until_us=until_us)
        if facts.breakers is before:
            return False
        status = facts.breakers.of(scope)
        if status is not None:
            self._save(scope, status)
        self._tell("tripped", scope, by, reason, now)
        if isinstance(scope, str):  # it stands until a human starts it again, and its orders with it
            strategies.switch(facts, SetStrategy(name=scope, running=False, by=by), now)
        return True

    def close(self, command: CloseBreaker, now: Instant) -> bool:
        """Close it again; whether it was tripped and a reason was given."""
        facts = self._facts
        scope: BreakerKey = command.strategy or command.market_id
        if facts.breakers.of(scope) is None:
            return False
        if not command.reason.strip():
            facts.tell(NoticeLevel.WARN, f"the breaker of {self.name(scope)} stays tripped: a reason is needed", now)
            return False
        self.release(scope, command.by, command.reason, now)
        return True

    def release(self, scope: BreakerKey, by: str, reason: str, now: Instant) -> None:
        """Close one that is tripped, and say so."""
        facts = self._facts
        facts.breakers = facts.breakers.close(scope)
        facts.store(_key(scope), "")
        if isinstance(scope, str):
            facts.outlook.habits.pardon(scope)
        self._tell("closed", scope, by, reason, now)

    def prolong(self, scope: BreakerKey, until_us: int) -> None:
        """Keep one tripped until a later moment, because its cause is still there."""
        self._facts.breakers = self._facts.breakers.extend(scope, until_us)
        status = self._facts.breakers.of(scope)
        if status is not None:
            self._save(scope, status)
        self._facts.changed()

    def name(self, scope: BreakerKey) -> str:
        """What it holds back, in words."""
        if scope is None:
            return "all markets"
        if isinstance(scope, str):
            return f"{_STRATEGY}{scope}"
        market = self._facts.markets.get(scope)
        return market.symbol if market else f"market {scope}"

    def _save(self, scope: BreakerKey, status: BreakerStatus) -> None:
        saved = {"at_us": status.at_us, "by": status.by, "reason": status.reason, "until_us": status.until_us}
        self._facts.store(_key(scope), json.dumps(saved))

    def _tell(self, what: str, scope: BreakerKey, by: str, reason: str, now: Instant) -> None:
        text = f"breaker of {self.name(scope)} {what} by {by}: {reason}"
        self._facts.audit("breaker", text, now)
        self._facts.tell(NoticeLevel.WARN, text, now)
        self._facts.changed(Urgency.NOW)


def _key(scope: BreakerKey) -> str:
    if scope is None:
        return _KEY
    return f"{_KEY}{_STRATEGY}{scope}" if isinstance(scope, str) else f"{_KEY}{scope}"


def _scope(key: str) -> BreakerKey:
    text = key.removeprefix(_KEY)
    if not text:
        return None
    return text.removeprefix(_STRATEGY) if text.startswith(_STRATEGY) else MarketId(int(text))
