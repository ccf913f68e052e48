"""Everything the machine knows, in one place, with the few verbs that all its rooms share. Pure.

The rooms (`tasks`, `evidence`, `fills`, `catch_up`, `sweep`, `kill`, `breakers`, `ending`) change it; `snapshot`
shows it; nobody else holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from core.assets import Asset
from core.clock import Instant
from core.config import Engine as EngineTuning
from core.decisions import TradingState
from core.engine.effects import Effect, Notify, Persist, TaskMoved
from core.engine.ledger import Ledger
from core.engine.notices import NoticeLog
from core.engine.order_map import OrderMap, Tracked
from core.engine.orders import Trigger, advance, moved, open_status
from core.engine.outlook import Outlook
from core.engine.profit import Profit
from core.engine.records import JournalImage, Record, SavedLog, SavedMeta, SavedOrder
from core.engine.timings import Timings
from core.engine.unbooked import Unbooked
from core.events import LinkHealth, LinkName, LinkStatus, NoticeLevel
from core.model import Account, Market, OrderStatus, Origin, Quote
from core.risk import BreakerPanel, RiskManager
from core.state import DeadmanStatus, EnginePhase, ExitReport, FlattenStatus, KillStatus, LimitsInForce
from core.units import ClientOrderId, MarketId, TaskId

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
    mismatch: str = ""
    """How belief and venue differ, as long as that is not explained; empty when they agree."""
    deadman: DeadmanStatus | None = None
    deadman_fault: str = ""
    """Why the venue's dead-man's switch forbids trading."""
    kills: tuple[KillStatus, ...] = ()
    """Of parts."""
    flatten: FlattenStatus | None = None
    flattening: set[ClientOrderId] = field(default_factory=set)
    """Orders of the flatten under way: they alone may pass a kill that is not newer, and only to reduce."""
    exit_report: ExitReport | None = None

    def killed_part(self, market_id: MarketId, origin: Origin) -> str:
        """Who killed the market or the strategy of such an order; empty when nobody did."""
        if not self.kills:
            return ""
        return next((f"killed by {kill.by}" for kill in self.kills if kill.scope.covers(market_id, origin)), "")

    @property
    def is_ready(self) -> bool:
        """Whether belief and venue were compared, and nothing ended since."""
        return self.phase is EnginePhase.RUNNING


class Facts:
    """What is known: the venue's facts, our orders, our standing."""

    def __init__(
        self,
        image: JournalImage,
        risk: RiskManager,
        breakers: BreakerPanel,
        recent_limit: int,
        tuning: EngineTuning | None = None,
    ) -> None:
        self.risk = risk
        self.rules = LimitsInForce(limits=risk.limits)
        self.tuning = tuning or EngineTuning()
        self.watched: set[TaskId] = set()
        """Tasks that somebody waits for."""
        self.breakers = breakers
        self.meta: dict[str, str] = dict(image.meta)
        self.standing = Standing()
        self.orders = OrderMap(recent_limit)
        self.ledger = Ledger(image.recent_trades)
        self.profit = Profit("")
        self.unbooked = Unbooked()
        self.notices = NoticeLog()
        self.markets: Mapping[MarketId, Market] = {}
        self.quotes: dict[MarketId, Quote] = {}
        self.links: dict[LinkName, LinkHealth] = {}
        self.account: Account | None = None
        self.assets: tuple[Asset, ...] = ()
        self.urgency = Urgency.NONE
        self._next_client_id = image.next_client_id
        self._next_task_id = image.next_task_id
        self._effects: list[Effect] = []
        self._records: list[Record] = []
        self.outlook = Outlook(self)
        self.timings = Timings()

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
        """A named value that survives a restart; an empty one is gone."""
        if value:
            self.meta[key] = value
        else:
            self.meta.pop(key, None)
        self._records.append(SavedMeta(key=key, value=value))

    # --- orders ---

    def strays(self) -> int:
        """Orders that may be live, beside those of a flatten under way."""
        flattening = self.standing.flattening
        return sum(one.status.may_be_live and one.order.client_id not in flattening for one in self.orders.live())

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
        if status is before.status and text == before.reason and tracked.order is tracked.saved:
            return False
        tracked.become(moved(tracked.order, status, text, now.utc_us))
        if status is not before.status:
            tracked.since_ns = now.mono_ns
        if not status.may_be_live:
            tracked.doubt = None
        if status is OrderStatus.REJECTED and before.status is not status:
            self.outlook.habits.on_rejected(now.mono_ns)
        self.save(tracked)
        return status is not before.status

    def save(self, tracked: Tracked) -> None:
        """Journal an order as it is now, put it where its status says, and count exposure anew."""
        self.orders.settle(tracked)
        tracked.saved = tracked.order
        if tracked.status.is_closed:
            tracked.change = None
        if tracked.task_id in self.watched:
            self.emit(TaskMoved(task=tracked.task()))
        if tracked.status is not OrderStatus.QUEUED and not tracked.awaits_owner:
            self._records.append(
                SavedOrder(
                    order=tracked.order, origin=tracked.origin, priority=tracked.priority, task_id=tracked.task_id
                )
            )
        self.touch(tracked.market_id)

    def touch(self, market_id: MarketId) -> None:
        """Forget what was computed for one market."""
        self.outlook.touch(market_id)
        self.changed()

    def recount(self, tracked: Tracked) -> None:
        """What an order may still trade has changed, although the order itself did not."""
        self.orders.working.note(tracked)
        self.touch(tracked.market_id)

    # --- what risk sees ---

    @property
    def blindness(self) -> str:
        """Why fills and the ends of orders are not seen now; empty when they are."""
        return _blindness(self.links.get(LinkName.ACCOUNT))

    def trading(self) -> tuple[TradingState, str]:
        """The worst of all switches, and which one decides."""
        if halt := _halt(self.standing, self.blindness) or self.rules.fault:
            return TradingState.HALTED, halt
        breaker = self.breakers.everywhere
        if breaker is not None:
            return breaker.trips_to, f"breaker tripped by {breaker.by}: {breaker.reason}"
        if self.standing.mismatch:
            return TradingState.REDUCING, f"not reconciled: {self.standing.mismatch}"
        return TradingState.ACTIVE, ""

    def _flush(self) -> None:
        if self._records:
            self._effects.append(Persist(records=tuple(self._records)))
            self._records = []


def _halt(standing: Standing, blindness: str) -> str:
    """Why nothing new may leave; empty when nothing stands against it."""
    if standing.kill.is_latched:
        return f"killed by {standing.kill.by}"
    if standing.journal_fault:
        return standing.journal_fault
    if not standing.is_ready:
        return standing.phase_detail or f"the engine is {standing.phase.value}"
    return blindness or standing.deadman_fault


def _blindness(account: LinkHealth | None) -> str:
    """Why fills would not be seen; empty when they would be."""
    if account is None:
        return "the account stream did not report yet, fills would not be seen"
    if account.status in _SEEING:
        return ""
    blind = f"the account stream is {account.status.value}, fills would not be seen"
    return f"{blind}: {account.detail}" if account.detail else blind
