"""What the engine shows: one frozen snapshot, newest wins. State goes down to the screen; nothing comes back by it.

Moments named `*_ns` are monotonic and comparable with this process's clock, so that a reader can show an age that keeps
growing when the engine no longer publishes.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Final

from core.assets import Asset
from core.clock import Instant
from core.decisions import TradingState
from core.events import LinkHealth, NoticeLevel
from core.model import Account, Fill, Market, OrderMapEntry, OrderTask, Origin, Position, Quote, Side
from core.money import EquityPoint, PnlRow
from core.scope import EVERYTHING, Scope
from core.units import ZERO, MarketId, TaskId

if TYPE_CHECKING:
    from core.limits import RiskLimits


class EnginePhase(Enum):
    """Where the engine stands in its life."""

    STARTING = "starting"
    CONNECTING = "connecting"
    RECONCILING = "reconciling"
    """Comparing what we remember with what the venue says; nothing trades."""
    RUNNING = "running"
    STOPPING = "stopping"
    """Carrying out the exit policy."""
    STOPPED = "stopped"
    FAILED = "failed"


class KillPhase(Enum):
    """How far a kill has come. CONFIRMED only by the venue's own empty list."""

    IDLE = "idle"
    REQUESTED = "requested"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILING = "failing"


class FlattenPhase(Enum):
    """How far a flatten has come. CONFIRMED only by positions that the venue showed when asked afterwards."""

    CANCELLING = "cancelling"
    """Waiting until the venue confirmed that no order is open."""
    REDUCING = "reducing"
    CONFIRMED = "confirmed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlattenStatus:
    """The last flatten, under way or ended."""

    phase: FlattenPhase
    market_id: MarketId | None = None
    """None for every market."""
    by: str = ""
    at_us: int = 0
    started_ns: int = 0
    ended_ns: int | None = None
    left: tuple[tuple[MarketId, Decimal], ...] = ()
    """The positions the venue last showed, signed, in base units."""
    detail: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is tried."""
        return self.phase in {FlattenPhase.CONFIRMED, FlattenPhase.FAILED}


UNMEASURED: Final = -1
"""`pressed_ns` of a kill that was pressed in an earlier process: nothing can be measured from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillStatus:
    """The kill switch. Latched from the press until it is re-armed, across restarts."""

    scope: Scope = EVERYTHING
    phase: KillPhase = KillPhase.IDLE
    by: str = ""
    at_us: int = 0
    pressed_ns: int = 0
    sent_ns: int | None = None
    """When the first cancel-all bytes were handed to the wire."""
    confirmed_ns: int | None = None
    may_be_live: int | None = None
    """Orders that may still be live; None while nobody knows."""
    attempts: int = 0
    detail: str = ""

    @property
    def is_latched(self) -> bool:
        """Whether trading is stopped by it."""
        return self.phase is not KillPhase.IDLE

    @property
    def sent_ms(self) -> Decimal | None:
        """Milliseconds from the press to the first cancel-all bytes."""
        return _milliseconds(self.pressed_ns, self.sent_ns)

    @property
    def confirmed_ms(self) -> Decimal | None:
        """Milliseconds from the press to the venue's empty list."""
        return _milliseconds(self.pressed_ns, self.confirmed_ns)


def _milliseconds(start_ns: int, end_ns: int | None) -> Decimal | None:
    return None if end_ns is None or start_ns == UNMEASURED else Decimal(end_ns - start_ns).scaleb(-6)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStatus:
    """One circuit breaker: of a strategy, of a market, or of everything when it names neither."""

    market_id: MarketId | None
    is_tripped: bool = False
    by: str = ""
    reason: str = ""
    at_us: int = 0
    trips_to: TradingState = TradingState.REDUCING
    strategy: str = ""
    """The strategy it is of, by name; empty for a market's or the global one."""
    until_us: int | None = None
    """When it may close by itself if its cause is gone, UTC; None: a human closes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadmanStatus:
    """The venue's own dead-man's switch. Moments are the venue's, in microseconds since the epoch, UTC."""

    span_s: int | None
    """How far ahead it is kept armed; None when an earlier run or somebody else armed it, and nobody here renews it."""
    armed_us: int | None = None
    """When it fires, as the account showed it last; None for not armed."""
    asked_us: int | None = None
    """The moment that was asked for last."""
    read_us: int | None = None
    """When the account was read last, by our clock."""
    missed: int = 0
    """Renewals in a row that failed."""
    fired_us: int | None = None
    """When it fired in this run."""
    detail: str = ""
    """Why the last renewal failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """One risk limit and how much of it is used, worst case (position + open + in flight)."""

    name: str
    """As in the configuration: `max_position_notional`."""
    scope: str
    """A market's symbol, or `all`."""
    used: Decimal
    limit: Decimal
    unit: str
    """`USDC`, `orders`, or the base asset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOverride:
    """One limit that was set at run time and holds in place of the file's."""

    name: str
    """Dotted, as in the configuration: `max_order_notional`, `markets.ETH.max_order_size`."""
    value: str
    file_value: str
    """What the file said of it then: once the file says something else, the file holds again."""
    by: str
    at_us: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsInForce:
    """The limits that decide now, and where they differ from the file."""

    limits: "RiskLimits"
    overrides: tuple[LimitOverride, ...] = ()
    fault: str = ""
    """Why nothing trades until a limit is corrected; empty when they can be obeyed."""
    answered: int = 0
    """How many changes were decided in this run."""
    answer: str = ""
    """What became of the last of them, in words."""
    is_refused: bool = False
    """Whether the last of them was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUse:
    """What is left of one budget the venue gives the account."""

    name: str
    """`requests`, `transactions`, `messages` or `volume quota`."""
    left: int
    limit: int | None
    """What a rolling minute allows; None for the volume quota, which trading earns."""
    reserve: int
    """The last part, which only cancels and the kill switch may spend."""
    unit: str
    """`weight`, `requests`, `transactions` or `messages`."""
    paused_s: int = 0
    """Seconds for which the venue refuses everything; 0 when it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingUse:
    """How long one step took, over the newest samples; in microseconds."""

    name: str
    count: int
    median_us: int
    p99_us: int
    most_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One line of the operator's log."""

    seq: int
    at_us: int
    level: NoticeLevel
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyStatus:
    """One strategy of the bot."""

    name: str
    is_running: bool
    markets: tuple[str, ...]
    detail: str = ""
    fault: str = ""
    """Why the bot stopped it; empty unless it failed and nobody started it again."""
    parameters: tuple[tuple[str, str], ...] = ()
    """What it was made with, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmStatus:
    """One execution plan under way, and how far it has come; sizes in base units."""

    id: TaskId
    name: str
    """Its orders carry it as their origin, such as `twap 12`."""
    by: Origin
    market_id: MarketId
    side: Side
    size: Decimal
    filled: Decimal
    working: int
    """Orders of it that have not ended."""
    detail: str = ""
    """Why it is being stopped; empty while it is worked."""
    started_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """Everything the desk may show, at one moment. Tuples are in display order."""

    seq: int
    published: Instant
    phase: EnginePhase
    phase_detail: str = ""
    profile: str = ""
    venue: str = ""
    """Name and address for the header, such as `paper 127.0.0.1:43117`."""
    trading: TradingState = TradingState.HALTED
    trading_detail: str = ""
    """Why it is not ACTIVE."""
    kill: KillStatus = KillStatus()
    """Of everything."""
    kills: tuple[KillStatus, ...] = ()
    """Of parts, each latched until it is re-armed; beside and below the kill of everything."""
    flatten: FlattenStatus | None = None
    """The last flatten of this run; None before the first."""
    deadman: DeadmanStatus | None = None
    """The venue's dead-man's switch; None when it is neither kept nor known to be armed."""
    breakers: tuple[BreakerStatus, ...] = ()
    """The global one first, then one per market."""
    links: tuple[LinkHealth, ...] = ()
    markets: tuple[Market, ...] = ()
    quotes: tuple[Quote, ...] = ()
    """One per market, in the order of `markets`."""
    positions: tuple[Position, ...] = ()
    """Only those that are not flat."""
    account: Account | None = None
    assets: tuple[Asset, ...] = ()
    """What the account holds, margin included."""
    day_pnl: Decimal | None = None
    """Equity now minus equity at the UTC day's first sight, in USDC; None until the account is known."""
    pnl: tuple[PnlRow, ...] = ()
    """Markets first, then strategies by name."""
    equity_high: Decimal | None = None
    """The highest equity seen, in USDC, kept over restarts; from where a human let trading go on after a loss."""
    unexplained: Decimal | None = None
    """How far the venue's collateral moved beyond our fills, fees and funding, in USDC; None until it was compared."""
    drawdown: Decimal = ZERO
    """How far equity is below it, in USDC."""
    equity_curve: tuple[EquityPoint, ...] = ()
    """One point a minute, oldest first; bounded to a day."""
    tasks: tuple[OrderTask, ...] = ()
    """Every task that is queued or may be live, oldest first."""
    recent: tuple[OrderTask, ...] = ()
    """Closed tasks still in memory, newest first; bounded."""
    is_listed: bool = False
    """Whether the venue's list of open orders was ever seen: before that, an empty order map means nothing."""
    order_map: tuple[OrderMapEntry, ...] = ()
    """Everything that may be live on either side: BOTH, then orphans of both sides."""
    fills: tuple[Fill, ...] = ()
    """The newest, newest first; bounded."""
    limits: tuple[LimitUse, ...] = ()
    rules: LimitsInForce | None = None
    """The limits themselves; None before the engine runs."""
    budgets: tuple[BudgetUse, ...] = ()
    """What the venue still lets us ask and send."""
    timings: tuple[TimingUse, ...] = ()
    """Latencies of the engine, over its newest samples."""
    journal_depth: int | None = None
    """Groups of records handed to the journal that are not durable yet; None before there is one."""
    strategies: tuple[StrategyStatus, ...] = ()
    algorithms: tuple[AlgorithmStatus, ...] = ()
    """Execution plans under way, oldest first."""
    notices: tuple[Notice, ...] = ()
    """The newest, oldest first; bounded."""

    @property
    def may_be_live(self) -> int:
        """How many orders may be resting at the venue, by everything we know."""
        return sum(entry.order.status.may_be_live for entry in self.order_map)

    @property
    def is_over(self) -> bool:
        """Whether the engine will not publish again."""
        return self.phase in {EnginePhase.STOPPED, EnginePhase.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitReport:
    """How the engine ended; the process's exit code follows from it."""

    is_clean: bool
    """The exit policy ran to confirmed completion."""
    text: str
    """One sentence for the terminal after the screen is gone."""
    exit_code: int = 0
    """0 clean, 1 something may be left at the venue, 2 configuration."""
