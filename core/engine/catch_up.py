"""Up to which trade the record of fills is whole, and the asking for whatever may be missing above it. Pure.

Only an answer over REST proves anything: a newer fill from a stream says nothing about older ones that were missed. So
the mark moves with such answers alone and survives a restart; asking from too early is safe, a fill is booked once.
"""

from typing import Final

from core.clock import SECOND_NS, Instant
from core.engine.effects import CatchUpFills
from core.engine.facts import Facts
from core.engine.fills import Fills
from core.engine.records import JournalImage
from core.events import NoticeLevel
from core.units import TradeId

_SOON_NS: Final = SECOND_NS
_LATER_NS: Final = 15 * SECOND_NS
_ROUTINE_NS: Final = 300 * SECOND_NS
"""New fills are proven whole this often: the mark must stay near, for the venue shows only so many trades back."""
_TRIES: Final = 10
"""Failures in a row, while other reads succeed, before trading begins without the missing fills."""


class CatchUp:
    """Asks for missed fills: before trading begins, after every doubt, and as a routine."""

    def __init__(self, facts: Facts, fills: Fills, image: JournalImage, world: str) -> None:
        """Trade ids of one world mean nothing in another: each has its own mark."""
        self._facts = facts
        self._fills = fills
        self._key = f"fills are whole until, {world}"
        stored = facts.meta.get(self._key)
        oldest = min((trade_id for trade_id, _ in image.recent_trades), default=None)
        self._until = TradeId(int(stored)) if stored else oldest
        self._proven = self._until
        self.is_due = self._until is not None
        """Fills may have been missed while nobody here listened: trading waits for the answer."""
        self._is_asking = False
        self._next_ns: int | None = 0 if self.is_due else None
        self._failed = 0
        self._are_reads_fine = True

    def begin(self, after: TradeId) -> None:
        """The connector reports fills above this trade; where nothing was ever recorded, nothing older is missed."""
        if self._until is None:
            self._proven = after
            self._keep()

    def want(self, now: Instant) -> None:
        """Fills may be missing: ask at once."""
        self._next_ns = now.mono_ns

    def on_read(self, *, is_fine: bool) -> None:
        """Whether the venue answered something else over REST."""
        self._are_reads_fine = is_fine

    def on_done(self, up_to: TradeId | None, now: Instant) -> None:
        """Every fill up to this trade was reported."""
        self._is_asking = False
        self.is_due = False
        self._next_ns = None
        if self._failed >= _TRIES:
            self._facts.tell(NoticeLevel.INFO, f"fills since trade {self._until} were had after all", now)
        self._failed = 0
        if up_to is not None:
            self._proven = max(up_to, self._proven or up_to)
            self._keep()

    def on_failed(self, why: str, now: Instant) -> None:
        """They could not be had; while nothing else can be had either, it is the venue that is away."""
        self._is_asking = False
        self._failed += self._are_reads_fine
        if self._are_reads_fine and self._failed == _TRIES:
            # Positions come from the venue and are whole; what may be missing is who traded, and the record of it.
            self.is_due = False
            text = f"fills since trade {self._until} cannot be had, the record may lack some; still trying: {why}"
            self._facts.tell(NoticeLevel.ALERT, text, now)
            self._facts.audit("fills", text, now)
        self._next_ns = now.mono_ns + (_SOON_NS if self.is_due else _LATER_NS)

    def tick(self, now: Instant) -> None:
        """Ask when it is time to; only while connected."""
        self._keep()
        if self._until is None:
            return
        if self._next_ns is None and self._facts.ledger.newest_trade > self._until:
            self._next_ns = now.mono_ns + _ROUTINE_NS
        if not self._is_asking and self._next_ns is not None and now.mono_ns >= self._next_ns:
            self._is_asking = True
            self._facts.emit(CatchUpFills(after=self._until))

    def _keep(self) -> None:
        """Move the mark once nothing below it waits for the journal's answer: what is not booked is not whole."""
        if self._proven is not None and self._proven != self._until and not self._fills.pending:
            self._until = self._proven
            self._facts.store(self._key, str(self._until))
