"""Work that the machine wants done, and the facts that only the shell around it can report back. Pure values.

Effects go out of `core.engine.machine`; `core.engine.runtime` carries them out and answers with events and inputs.
"""

from dataclasses import dataclass
from decimal import Decimal

from msgspec import Struct

from core.connectors.base import Leg, NewOrder, OrderRef
from core.decisions import TxOutcome
from core.engine.records import Record, SavedOrder
from core.events import Event, OrderReport
from core.model import Fill, OrderTask
from core.state import Notice
from core.units import ClientOrderId, MarketId, TradeId, VenueOrderId


class SendOrder(Struct, frozen=True, kw_only=True):
    """Send one order, once everything in `Persist` effects before it is durable."""

    order: NewOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGroup:
    """Send orders that hang together, lead first, once everything in `Persist` effects before it is durable."""

    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCancel:
    """Cancel one order at the venue."""

    ref: OrderRef


@dataclass(frozen=True, slots=True, kw_only=True)
class SendModify:
    """Give an order of ours a new size and price, once everything in `Persist` effects before it is durable."""

    ref: OrderRef
    client_id: ClientOrderId
    size: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMoved:
    """A task that somebody waits for changed."""

    task: OrderTask


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCancelAll:
    """Cancel every order of the account, or of one market, before anything else."""

    market_id: MarketId | None = None


@dataclass(frozen=True, slots=True)
class ListOpenOrders:
    """Ask for the venue's complete list of open orders."""


@dataclass(frozen=True, slots=True)
class ViewAccount:
    """Ask for collateral and all positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUpFills:
    """Ask for every fill since this trade: what happened while nobody here listened."""

    after: TradeId


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpOrder:
    """Ask the venue what became of one of our orders."""

    client_id: ClientOrderId
    market_id: MarketId


@dataclass(frozen=True, slots=True, kw_only=True)
class FindOwner:
    """Ask the journal who placed an order that the venue shows and memory does not hold."""

    venue_id: VenueOrderId
    client_id: ClientOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveFill:
    """Ask the journal whether a fill is booked already and whose order it belongs to."""

    fill: Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSwitch:
    """Arm the venue's dead-man's switch, or move it."""

    at_us: int


@dataclass(frozen=True, slots=True)
class DisarmSwitch:
    """Disarm the venue's dead-man's switch."""


@dataclass(frozen=True, slots=True)
class ReadSwitch:
    """Ask the account when the venue's dead-man's switch fires."""


class Persist(Struct, frozen=True, kw_only=True):
    """Write to the journal, in order."""

    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """A line of the operator's log, for the log file too."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class LiftHalt:
    """Let sends pass again: the kill that was seen last was re-armed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchStrategy:
    """Start or stop one strategy of the bot."""

    name: str
    running: bool
    by: str


Effect = (
    SendOrder
    | SendCancel
    | SendModify
    | SendGroup
    | TaskMoved
    | SendCancelAll
    | ListOpenOrders
    | ViewAccount
    | CatchUpFills
    | LookUpOrder
    | FindOwner
    | ResolveFill
    | ArmSwitch
    | DisarmSwitch
    | ReadSwitch
    | Persist
    | Notify
    | LiftHalt
    | SwitchStrategy
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorStarted:
    """The connector is up; its events may be believed from here on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectFailed:
    """The venue could not be reached; another attempt follows."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClocksCompared:
    """How far our clock is from the venue's by the worst of all streams, in milliseconds; None while nobody knows."""

    skew_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAllSent:
    """The bytes of a cancel-all were handed to the transport."""

    sent_ns: int
    market_id: MarketId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFailed:
    """The list of open orders could not be had."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFailed:
    """The account could not be looked at."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FillsCaughtUp:
    """Every fill asked for was reported before this."""

    up_to: TradeId | None = None
    """The newest trade of the answer; None when it held none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUpFailed:
    """The fills could not be had."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLookedUp:
    """What the venue shows of one of our orders; None for no trace."""

    client_id: ClientOrderId
    report: OrderReport | None
    asked_ns: int | None = None
    """When the venue was asked, monotonic: what came later is not in it. None for just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpFailed:
    """One of our orders could not be looked up."""

    client_id: ClientOrderId
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerFound:
    """What the journal holds of an order that memory did not."""

    venue_id: VenueOrderId
    saved: SavedOrder | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillResolved:
    """What the journal knows of a fill that memory could not place."""

    fill: Fill
    saved: SavedOrder | None
    is_booked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchAnswered:
    """What became of arming the venue's dead-man's switch for `at_us`, or of disarming it when that is None."""

    at_us: int | None
    outcome: TxOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRead:
    """When the venue's dead-man's switch fires; None for not armed. Asked for over REST at `asked_ns`, monotonic."""

    at_us: int | None
    asked_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchReadFailed:
    """The account could not be asked for the dead-man's switch."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFailed:
    """Something could not be made durable; nothing can from here on."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySwitched:
    """Whether the bot knew the strategy it was told to start or stop."""

    name: str
    running: bool
    by: str
    is_known: bool


EngineInput = (
    Event
    | ConnectorStarted
    | ConnectFailed
    | ClocksCompared
    | CancelAllSent
    | ListFailed
    | ViewFailed
    | FillsCaughtUp
    | CatchUpFailed
    | OrderLookedUp
    | LookUpFailed
    | OwnerFound
    | FillResolved
    | SwitchAnswered
    | SwitchRead
    | SwitchReadFailed
    | JournalFailed
    | StrategySwitched
)
"""Every fact the machine understands: a connector's, and the shell's own."""
