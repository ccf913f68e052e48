"""What other threads may read: the newest snapshot, what risk saw with it, and books that somebody looks at."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from core.clock import SECOND_NS, Clock, Instant
from core.connectors.base import Connector
from core.decisions import TradingState
from core.engine import snapshot
from core.engine.autopilot import Autopilot
from core.engine.facts import Urgency
from core.engine.looking import Looking
from core.engine.machine import Machine
from core.engine.snapshot import Surroundings
from core.model import BookStatus, BookView
from core.risk import RiskManager, RiskView
from core.state import EnginePhase, EngineState
from core.units import MarketId

_WANTED_NS: Final = 3 * SECOND_NS
_HEARTBEAT_NS: Final = SECOND_NS


@dataclass(frozen=True, slots=True)
class Published:
    """A snapshot, the risk view of the same moment and the limits then in force, swapped in one assignment."""

    state: EngineState
    view: RiskView | None
    risk: RiskManager | None = None


class Publisher:
    """Written on the engine's loop, read from any thread."""

    def __init__(self, connector: Connector, clock: Clock, profile: str, autopilot: Autopilot | None) -> None:
        self._connector = connector
        self._clock = clock
        self._profile = profile
        self._autopilot = autopilot
        self._seq = 0
        self.looking = Looking(connector, clock)
        self.journal_depth: Callable[[], int | None] = lambda: None
        """How many groups of records are not durable yet."""
        self._books: dict[MarketId, BookView] = {}
        self._wanted: dict[MarketId, tuple[int, int]] = {}
        state = EngineState(
            seq=0, published=clock.now(), phase=EnginePhase.STARTING, profile=profile, venue=connector.name
        )
        self.published = Published(state, None)

    @property
    def state(self) -> EngineState:
        """The newest snapshot."""
        return self.published.state

    def book(self, market_id: MarketId, depth: int) -> BookView:
        """The newest view of one book; asking keeps it coming for a few seconds."""
        self._wanted[market_id] = (depth, time.monotonic_ns())
        return self._books.get(market_id) or BookView(market_id=market_id, status=BookStatus.EMPTY)

    def publish(self, machine: Machine, now: Instant) -> None:
        """Freeze everything as it is."""
        self._seq += 1
        machine.facts.urgency = Urgency.NONE
        around = Surroundings(
            seq=self._seq,
            profile=self._profile,
            venue=self._connector.name,
            links=self._connector.links(),
            budgets=self._connector.budgets(),
            strategies=() if self._autopilot is None else self._autopilot.statuses(),
            day_pnl=machine.day_pnl,
            algorithms=machine.algorithms(),
            journal_depth=self.journal_depth(),
        )
        state = snapshot.build(machine.facts, around, now)
        self.published = Published(state, machine.facts.outlook.view(now, is_frozen=True), machine.facts.risk)

    def beat(self, machine: Machine, now: Instant) -> None:
        """Show that the engine lives although nothing changed."""
        if now.mono_ns - self.state.published.mono_ns >= _HEARTBEAT_NS:
            self._seq += 1
            state = snapshot.beat(self.state, self._seq, self._connector.links(), self._connector.budgets(), now)
            state = replace(state, journal_depth=self.journal_depth(), timings=machine.facts.timings.rows())
            self.published = replace(self.published, state=state)

    def end(self, phase: EnginePhase, detail: str) -> None:
        """The last snapshot, from the one before it: also when nothing else can be trusted."""
        self._seq += 1
        state = replace(
            self.state,
            seq=self._seq,
            published=self._clock.now(),
            phase=phase,
            phase_detail=detail,
            trading=TradingState.HALTED,
            trading_detail=detail,
            links=(),
        )
        self.published = Published(state, None)

    def refresh_books(self) -> None:
        """Freeze the books that were asked for lately."""
        self.looking.refresh()
        now_ns = time.monotonic_ns()
        for market_id, (depth, asked_ns) in tuple(self._wanted.items()):
            if now_ns - asked_ns > _WANTED_NS:
                self._wanted.pop(market_id, None)
                self._books.pop(market_id, None)
            elif market_id in self._connector.markets:
                self._books[market_id] = self._connector.book(market_id, depth)
