"""Everything the machine knows, in one place, with the few verbs that all its rooms share. Pure.

The rooms (`tasks`, `evidence`, `fills`, `catch_up`, `sweep`, `switches`) change it; `snapshot` shows it;
nobody else holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

from core.clock import Instant
from core.decisions import TradingState
from core.engine.effects import Effect, Notify, Persist
from core.engine.ledger import Ledger
from core.engine.notices import NoticeLog
from core.engine.order_map import OrderMap, Tracked
from core.engine.orders import Trigger, advance, open_status
from core.engine.records import JournalImage, Record, SavedLog, SavedMeta, SavedOrder
from core.engine.unbooked import Unbooked
from core.events import LinkHealth, LinkName, LinkStatus, NoticeLevel
from core.model import Account, Market, OrderStatus, Quote, Side
from core.risk import BreakerPanel, MarketExposure, RiskManager, RiskView
from core.state import EnginePhase, ExitReport, KillPhase, KillStatus
from core.units import ZERO, ClientOrderId, MarketId, TaskId

SOURCE: Final = "engine"
_SEEING: Final = frozenset({LinkStatus.LIVE, LinkStatus.DEGRADED})
"""An account stream that shows every fill: whole and speaking, or whole and quiet for a moment."""


class Urgency(IntEnum):
    """How soon what changed should be shown."""

    NONE = 0
    QUIET = 1
    """With the next beat."""
    SOON = 2
    """Within milliseconds, together with whatever follows."""
    NOW = 3


@dataclass(slots=True)
class Standing:
    """Where the engine stands, apart from orders and money."""

    phase: EnginePhase = EnginePhase.STARTING
    phase_detail: str = ""
    kill: KillStatus = field(default_factory=KillStatus)
    is_connected: bool = False
    """The connector is up: the venue can be asked and told."""
    is_listed: bool = False
    """The venue's complete list of open orders was seen at least once."""
    journal_fault: str = ""
    exit_report: ExitReport | None = None

    @property
    def is_ready(self) -> bool:
        """Whether belief and venue were compared, and nothing ended since."""
        return self.phase is EnginePhase.RUNNING


class Facts:
    """What is known: the venue's facts, our orders, our standing."""

    def __init__(self, image: JournalImage, risk: RiskManager, breakers: BreakerPanel, recent_limit: int) -> None:
        self.risk = risk
        self.breakers = breakers
        self.meta: dict[str, str] = dict(image.meta)
        self.standing = Standing()
        self.orders = OrderMap(recent_limit)
        self.ledger = Ledger(image.recent_trades)
        self.unbooked = Unbooked()
        self.notices = NoticeLog()
        self.markets: Mapping[MarketId, Market] = {}
        self.quotes: dict[MarketId, Quote] = {}
        self.links: dict[LinkName, LinkHealth] = {}
        self.account: Account | None = None
        self.urgency = Urgency.NONE
        self._next_client_id = image.next_client_id
        self._next_task_id = image.next_task_id
        self._effects: list[Effect] = []
        self._records: list[Record] = []
        self._exposures: dict[MarketId, MarketExposure] = {}

    # --- work and words ---

    def emit(self, effect: Effect) -> None:
        """Have work done, after everything noted so far is on its way to the journal."""
        self._flush()
        self._effects.append(effect)

    def take(self) -> list[Effect]:
        """All work asked for since the last time."""
        self._flush()
        taken, self._effects = self._effects, []
        return taken

    def changed(self, urgency: Urgency = Urgency.SOON) -> None:
        """Note that the next snapshot differs."""
        self.urgency = max(self.urgency, urgency)

    def tell(self, level: NoticeLevel, text: str, now: Instant, source: str = SOURCE) -> None:
        """A line for the operator and the log file."""
        self.emit(Notify(notice=self.notices.add(level, source, text, now)))
        self.changed()

    def audit(self, kind: str, text: str, now: Instant) -> None:
        """A line of the journal's append-only log."""
        self._records.append(SavedLog(at_us=now.utc_us, kind=kind, text=text))

    def record(self, record: Record) -> None:
        """Something else for the journal."""
        self._records.append(record)

    def store(self, key: str, value: str) -> None:
        """A named value that survives a restart."""
        self.meta[key] = value
        self._records.append(SavedMeta(key=key, value=value))

    # --- orders ---

    def new_client_id(self) -> ClientOrderId:
        """The next id of ours: rising, never used before, not worn by an order of somebody else."""
        while not self.orders.is_free(self._next_client_id):
            self._next_client_id = ClientOrderId(self._next_client_id + 1)
        taken = self._next_client_id
        self._next_client_id = ClientOrderId(taken + 1)
        return taken

    def new_task_id(self) -> TaskId:
        """The next task id."""
        taken = self._next_task_id
        self._next_task_id = TaskId(taken + 1)
        return taken

    def is_issued(self, client_id: ClientOrderId) -> bool:
        """Whether we may have given out this id, in this run or an earlier one."""
        return client_id < self._next_client_id

    def move(self, tracked: Tracked, trigger: Trigger, now: Instant, reason: str | None = None) -> bool:
        """Let something happen to an order, by the table; remember and settle it. Whether its status changed.

        Raises:
            InvariantBroken: the table forbids it.
        """
        before = tracked.order
        tracked.count()
        status = open_status(advance(before.status, trigger), tracked.order.filled)
        text = before.reason if reason is None else reason
        if status is not before.status or text != before.reason:
            tracked.become(replace(tracked.order, status=status, reason=text))
        if tracked.order is tracked.saved:
            return False
        tracked.become(replace(tracked.order, updated_us=now.utc_us))
        if status is not before.status:
            tracked.since_ns = now.mono_ns
        if not status.may_be_live:
            tracked.doubt = None
        self.save(tracked)
        return status is not before.status

    def save(self, tracked: Tracked) -> None:
        """Journal an order as it is now, put it where its status says, and count exposure anew."""
        self.orders.settle(tracked)
        tracked.saved = tracked.order
        if tracked.status is not OrderStatus.QUEUED and not tracked.awaits_owner:
            self._records.append(
                SavedOrder(
                    order=tracked.order, origin=tracked.origin, priority=tracked.priority, task_id=tracked.task_id
                )
            )
        self.touch(tracked.market_id)

    def touch(self, market_id: MarketId) -> None:
        """Forget what was computed for one market."""
        self._exposures.pop(market_id, None)
        self.changed()

    # --- what risk sees ---

    @property
    def blindness(self) -> str:
        """Why fills and the ends of orders are not seen now; empty when they are."""
        return _blindness(self.links.get(LinkName.ACCOUNT))

    def trading(self) -> tuple[TradingState, str]:
        """The worst of all switches, and which one decides."""
        standing = self.standing
        if standing.kill.is_latched:
            return TradingState.HALTED, f"killed by {standing.kill.by}"
        if standing.journal_fault:
            return TradingState.HALTED, standing.journal_fault
        if not standing.is_ready:
            return TradingState.HALTED, standing.phase_detail or f"the engine is {standing.phase.value}"
        if blind := self.blindness:
            return TradingState.HALTED, blind
        breaker = self.breakers.statuses(())[0]
        if breaker.is_tripped:
            return breaker.trips_to, f"breaker tripped by {breaker.by}: {breaker.reason}"
        return TradingState.ACTIVE, ""

    def exposures(self) -> Mapping[MarketId, MarketExposure]:
        """Worst-case exposure of every market with any; recomputed only where something changed."""
        for market_id in {*self.ledger.markets(), *self.orders.live_markets(), *self.unbooked.markets()}:
            if market_id not in self._exposures:
                self._exposures[market_id] = self._exposure(market_id)
        return self._exposures

    def risk_view(self, *, is_frozen: bool) -> RiskView:
        """What risk may know now; `is_frozen` copies what would change under a reader in another thread."""
        trading, detail = self.trading()
        exposures = self.exposures()
        return RiskView(
            trading=trading,
            trading_detail=detail,
            is_killed=self.standing.kill.phase is not KillPhase.IDLE,
            is_ready=self.standing.is_ready,
            breakers=self.breakers,
            markets=self.markets,
            quotes=dict(self.quotes) if is_frozen else self.quotes,
            exposures=dict(exposures) if is_frozen else exposures,
            open_orders=self.orders.may_be_live(),
        )

    def risk_view_without(self, tracked: Tracked) -> RiskView:
        """What risk may know now, as if one order were not there: for judging that order again."""
        view = self.risk_view(is_frozen=False)
        exposure = self._exposure(tracked.market_id, without=tracked)
        return replace(view, exposures={**view.exposures, tracked.market_id: exposure})

    def _exposure(self, market_id: MarketId, without: Tracked | None = None) -> MarketExposure:
        """Position as shown; what we believe beyond it counts as if it were still to come, on its side."""
        shown, believed = self.ledger.readings(market_id)
        buys, sells = max(ZERO, believed - shown), max(ZERO, shown - believed)
        for tracked in self.orders.live_in(market_id):
            if not tracked.status.may_be_live or tracked is without:
                continue
            if tracked.order.intent.side is Side.BUY:
                buys += tracked.order.remaining
            else:
                sells += tracked.order.remaining
        for size in self.unbooked.sizes(market_id):
            buys, sells = buys + max(ZERO, size), sells + max(ZERO, -size)
        return MarketExposure(position=shown, open_buys=buys, open_sells=sells)

    def _flush(self) -> None:
        if self._records:
            self._effects.append(Persist(records=tuple(self._records)))
            self._records = []


def _blindness(account: LinkHealth | None) -> str:
    """Why fills would not be seen; empty when they would be."""
    if account is None:
        return "the account stream did not report yet, fills would not be seen"
    if account.status in _SEEING:
        return ""
    blind = f"the account stream is {account.status.value}, fills would not be seen"
    return f"{blind}: {account.detail}" if account.detail else blind
