"""Another instance on the same account: noticed by what it leaves at the venue. Pure.

The state directory is locked to one process; an instance elsewhere can only be seen by its traces: orders under ids
that only this program hands out, and nonces of our key that move without us. Both can hurt: two engines count each
other's orders as strangers', and spend each other's nonces. Trading drops back until a human closes the breaker.
"""

from typing import Final

from core.clock import SECOND_US, Instant
from core.commands import TripBreaker
from core.engine.breakers import Breakers
from core.engine.facts import Facts
from core.engine.order_map import Tracked
from core.engine.records import first_client_id
from core.events import NonceMoved, NoticeLevel

_LEAST_ID: Final = 10**10
"""Ids that begin with the moment a journal was born (`first_client_id`) have been larger than this since April 2024;
the web and other programs count from small numbers or use the whole range."""
_AHEAD_US: Final = 86_400 * SECOND_US
"""How far a clock elsewhere, or a thousand orders a second, may have carried such an id ahead of ours."""
_BY: Final = "another instance"


class Rivals:
    """Trips the breaker when another instance shows."""

    def __init__(self, facts: Facts, breakers: Breakers) -> None:
        self._facts = facts
        self._breakers = breakers

    def on_foreign(self, tracked: Tracked, now: Instant) -> None:
        """An order appeared that nobody here placed."""
        client_id = tracked.order.client_id
        if client_id is None or not _LEAST_ID <= client_id <= first_client_id(now.utc_us + _AHEAD_US):
            return
        self._trip(f"order {client_id} was placed under an id of this program's kind, and not by this engine", now)

    def on_nonce(self, event: NonceMoved, now: Instant) -> None:
        """A nonce of ours was spent by somebody else."""
        text = f"nonce of key {event.api_key_index} moved from {event.expected} to {event.found} without us"
        self._trip(text, now)

    def _trip(self, evidence: str, now: Instant) -> None:
        if any(status.by == _BY and status.is_tripped for status in self._facts.breakers.statuses(())):
            return  # known already
        text = f"another instance seems to trade on this account: {evidence}"
        self._facts.tell(NoticeLevel.ALERT, f"{text}; close the breaker once that is settled", now)
        self._breakers.trip(TripBreaker(by=_BY, reason=evidence), now)
