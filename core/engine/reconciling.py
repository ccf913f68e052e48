"""When belief is compared with the venue: before trading begins, on reconnects, on a schedule. Pure.

What follows from a comparison is decided in `core.engine.evidence` (orders) and `core.engine.fills` (money).
"""

from typing import Final

from core.clock import SECOND_NS, Instant
from core.commands import Reconcile
from core.engine.catch_up import CatchUp
from core.engine.effects import ViewAccount
from core.engine.evidence import Evidence
from core.engine.facts import Facts, Urgency
from core.engine.fills import Fills
from core.engine.reconcile import unexplained
from core.events import LinkHealth, LinkName, LinkStatus, NoticeLevel, OpenOrdersListed
from core.state import EnginePhase

_RETRY_NS: Final = SECOND_NS
_PAUSE_NS: Final = SECOND_NS
_ORDERS: Final = "orders"
_POSITIONS: Final = "positions"


class Reconciling:
    """Asks for what must be compared, and lets trading begin once it was."""

    def __init__(self, facts: Facts, evidence: Evidence, fills: Fills, catch_up: CatchUp) -> None:
        self._facts = facts
        self._evidence = evidence
        self._fills = fills
        self._catch_up = catch_up
        self._retry_ns = 0
        self._is_list_due = False
        self._asked_ns: int | None = None
        """When everything was last asked for; None before the venue answered at all."""
        self._asked_by = ""
        self._awaited: set[str] = set()

    def ask(self, command: Reconcile, now: Instant) -> None:
        """Compare now, and say what came of it."""
        self._facts.audit("reconcile", f"asked for by {command.by}", now)
        if not self._facts.standing.is_connected:
            self._facts.tell(NoticeLevel.WARN, "nothing can be compared: the venue is not connected", now)
            return
        self._asked_by, self._awaited = command.by, {_ORDERS, _POSITIONS}
        self._ask_all(now)

    def hurry(self, now: Instant) -> None:
        """Something is in doubt, or the account stream is back: compare at once, but not again and again."""
        if self._asked_ns is not None and now.mono_ns - self._asked_ns >= _PAUSE_NS:
            self._ask_all(now)

    def on_link(self, link: LinkHealth, now: Instant) -> None:
        """A stream changed: while the account's was away, anything may have been missed."""
        facts = self._facts
        before = facts.links.get(link.name)
        facts.links[link.name] = link
        facts.changed()
        if before is None or before.status is link.status:
            return
        level = NoticeLevel.ALERT if link.status is LinkStatus.DOWN else NoticeLevel.INFO
        facts.tell(level, f"{link.name.value} link is {link.status.value} {link.detail}".rstrip(), now, "link")
        if link.name is LinkName.ACCOUNT and link.status is LinkStatus.LIVE:
            self._catch_up.want(now)
            self.hurry(now)

    def on_positions(self, now: Instant) -> None:
        """The venue's complete list of positions was taken in."""
        self._answer(_POSITIONS, now)

    def on_list(self, listed: OpenOrdersListed, now: Instant) -> None:
        """The venue's complete list of open orders."""
        self._is_list_due = False
        self._catch_up.on_read(is_fine=True)
        self._evidence.on_list(listed, now)
        self._answer(_ORDERS, now)

    def on_list_failed(self, why: str, now: Instant) -> None:
        """The list could not be had."""
        self._catch_up.on_read(is_fine=False)
        self._evidence.on_list_failed()
        self._retry(why, now)

    def on_view_failed(self, why: str, now: Instant) -> None:
        """The account could not be had."""
        self._catch_up.on_read(is_fine=False)
        self._retry(why, now)

    def tick(self, now: Instant) -> None:
        """Ask for whatever is due."""
        standing = self._facts.standing
        if not standing.is_connected:
            return
        self._evidence.tick(now)
        if standing.phase is EnginePhase.RECONCILING and self._retry_ns and now.mono_ns >= self._retry_ns:
            self._retry_ns = 0
            self._ask()
        if self._facts.unbooked.is_due(now):
            self._facts.emit(ViewAccount())
            self._catch_up.want(now)
        self._catch_up.tick(now)
        every_ns = self._facts.tuning.reconcile_every_s * SECOND_NS
        if self._asked_ns is not None and now.mono_ns - self._asked_ns >= every_ns:
            self._ask_all(now)
        self._check(now)

    def on_connected(self, now: Instant) -> None:
        """The venue answers: ask for everything."""
        standing = self._facts.standing
        standing.is_connected = True
        self._is_list_due = True
        self._asked_ns = now.mono_ns
        if standing.phase in {EnginePhase.STARTING, EnginePhase.CONNECTING}:
            standing.phase, standing.phase_detail = EnginePhase.RECONCILING, "comparing orders and positions"
        self._ask()
        self._catch_up.tick(now)
        self._evidence.tick(now)
        self._facts.changed(Urgency.NOW)

    def on_connect_failed(self, why: str, now: Instant) -> None:
        """It does not; the shell tries again."""
        standing = self._facts.standing
        detail = f"{why}; trying again"
        if standing.phase_detail != detail:
            self._facts.tell(NoticeLevel.WARN, f"not connected: {detail}", now)
        if standing.phase in {EnginePhase.STARTING, EnginePhase.CONNECTING}:
            standing.phase, standing.phase_detail = EnginePhase.CONNECTING, detail
        self._facts.changed()

    def _ask_all(self, now: Instant) -> None:
        self._asked_ns = now.mono_ns
        self._evidence.ask_list()
        self._facts.emit(ViewAccount())

    def _answer(self, what: str, now: Instant) -> None:
        """One of the answers that somebody waits for."""
        if what not in self._awaited:
            return
        self._awaited.remove(what)
        if not self._awaited:
            self._check(now)
            result = self._facts.standing.mismatch or "orders and positions agree with the venue's"
            self._facts.tell(NoticeLevel.INFO, f"compared for {self._asked_by}: {result}", now)

    def _check(self, now: Instant) -> None:
        """Hold trading back while belief and venue differ."""
        standing = self._facts.standing
        found = "; ".join(unexplained(self._facts.orders, self._facts.ledger, now))
        if found == standing.mismatch:
            return
        standing.mismatch = found
        if found:
            self._facts.tell(NoticeLevel.ALERT, f"only reducing until it is explained: {found}", now)
        else:
            self._facts.tell(NoticeLevel.INFO, "orders and positions agree with the venue's again", now)
        self._facts.audit("mismatch", found or "explained", now)
        self._facts.changed(Urgency.NOW)

    def _ask(self) -> None:
        if self._is_list_due:
            self._evidence.ask_list()
        if not self._facts.ledger.has_baseline:
            self._facts.emit(ViewAccount())

    def on_catch_up_failed(self, why: str, now: Instant) -> None:
        """Missed fills could not be had."""
        self._catch_up.on_failed(why, now)
        if self._catch_up.is_due:
            self._evidence.ask_list()  # whether anything at all can be had
            self._retry(why, now)

    def _retry(self, why: str, now: Instant) -> None:
        if self._facts.standing.phase is EnginePhase.RECONCILING:
            self._facts.standing.phase_detail = f"comparing orders and positions: {why}"
            self._retry_ns = now.mono_ns + _RETRY_NS
            self._facts.changed()

    def progress(self) -> None:
        """Trading may begin once orders, positions and everything in doubt were seen or asked for."""
        standing = self._facts.standing
        if standing.phase is not EnginePhase.RECONCILING or self._is_list_due or self._catch_up.is_due:
            return
        if self._facts.ledger.has_baseline and not self._fills.pending and self._evidence.is_first_round_over:
            standing.phase, standing.phase_detail = EnginePhase.RUNNING, ""
            self._facts.changed(Urgency.NOW)
