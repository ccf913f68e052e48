"""What the journal's log can be asked, and how its rows are shown: the same for the desk and the command line."""

from dataclasses import dataclass

from core.units import ClientOrderId, MarketId, VenueOrderId

MAX_ROWS = 10_000
"""Most rows of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """Which rows of the log are wanted; what is left out does not restrict."""

    kinds: tuple[str, ...] = ()
    """Such as `order`, `fill`, `command`, `denied`, `signed`, `outcome`, `kill`, `breaker`."""
    order_id: int | None = None
    """Of one order, by our id or the venue's."""
    market_id: MarketId | None = None
    origin: str = ""
    """Part of who wanted it, such as `operator` or the name of a strategy."""
    text: str = ""
    """Part of what the row holds, as it is stored."""
    since_us: int | None = None
    until_us: int | None = None
    before_seq: int | None = None
    """Rows older than this one: for turning pages."""
    limit: int = 200
    """Newest rows first, at most so many; 1 to `MAX_ROWS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One row of the log."""

    seq: int
    at_us: int
    kind: str
    text: str
    """One sentence."""
    world: str
    """Which venue and account, or which run of the paper venue."""
    client_id: ClientOrderId | None = None
    venue_id: VenueOrderId | None = None
    market_id: MarketId | None = None
    origin: str = ""
    body: str = ""
    """Everything the row holds, as JSON; money as text."""
