"""What the journal keeps, as values. Pure: `core.engine.journal` is the room with the disk.

Each of them becomes one row of the journal's log, in the order of writing; orders, fills and named values also keep
their newest form in tables of their own. The meta keys are the engine's own; the journal does not look inside. Records
are made several times for every order: structs cost a third of frozen dataclasses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from msgspec import Struct, field

from core.commands import Command
from core.model import Fill, Order, Origin, Priority, TradeKey
from core.units import ZERO, ClientOrderId, MarketId, TaskId, VenueOrderId

MARKETS: Final = "markets"
"""The named value that holds the symbols of markets, as `1 ETH,2 BTC`: rows know markets by their numbers."""


class SavedOrder(Struct, frozen=True, kw_only=True):
    """The newest known form of one order; saved again whenever it changes.

    Its identity is the client id if it is ours (it has a task), else the venue id. A closed one is a tombstone: it
    stays for good, so that a late fill still finds whom it belongs to.
    """

    order: Order
    origin: Origin
    priority: Priority
    task_id: TaskId | None
    booked: Decimal = ZERO
    """Sum of its fills in the journal, in base units. Never written: whoever reads an order gets it from the fills."""
    booked_quote: Decimal = ZERO
    """The same in USDC."""


class SavedFill(Struct, frozen=True, kw_only=True):
    """One execution and who wanted it. Saved once by its trade id and side."""

    fill: Fill
    origin: Origin


class SavedMeta(Struct, frozen=True, kw_only=True):
    """One named value that must survive a restart, such as the kill latch; an empty one is removed."""

    key: str
    value: str


Details = Mapping[str, str | int | bool | None]


class SavedLog(Struct, frozen=True, kw_only=True):
    """One line of the log alone: what was asked, decided, sent, answered or switched."""

    at_us: int
    kind: str
    """One word to filter by, such as `denied`, `kill`, `breaker`."""
    text: str
    """A sentence for whoever reads it."""
    client_id: ClientOrderId | None = None
    """The order it is about, by whichever id is known."""
    venue_id: VenueOrderId | None = None
    market_id: MarketId | None = None
    origin: str = ""
    """Who wanted it, as `str(Origin)`; empty when that is nobody in particular."""
    details: Details = field(default_factory=dict)
    """More for machines to read; money as text."""


class SavedCommand(Struct, frozen=True, kw_only=True):
    """A wish as it came: a line of the log alone, worded by whoever writes it, and no order waits for that."""

    at_us: int
    command: Command


_IDS_BEGIN_US: Final = 1_704_067_200_000_000
"""2024-01-01 UTC: keeps the ids at 11 digits."""

Record = SavedOrder | SavedFill | SavedMeta | SavedLog | SavedCommand


def first_client_id(utc_us: int) -> ClientOrderId:
    """Where the ids of a journal without a past begin: a thousand for every second since 2024.

    The account may hold live orders of a journal that was lost. The venue drops an order under an id that lives without
    a word (code 21728), so a new journal must begin above every id that an older one can have reached.
    """
    return ClientOrderId(max(1, (utc_us - _IDS_BEGIN_US) // 1_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalImage:
    """What a restart begins with."""

    live: tuple[SavedOrder, ...]
    """Orders that were not closed when the journal was last written, oldest first; of every world."""
    meta: Mapping[str, str]
    next_client_id: ClientOrderId
    """Above every client id that was ever durable here; 1 when none was."""
    next_task_id: TaskId
    recent_trades: tuple[TradeKey, ...]
    """The newest trades of this world, newest first; bounded."""
