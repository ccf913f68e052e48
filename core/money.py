"""What was earned and lost, in words that engine, bot and desk share; USDC and base units."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.units import ZERO, MarketId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """How closed trades ended, fees paid: a trade is a position from flat to flat, however many fills it took."""

    wins: int = 0
    losses: int = 0
    won: Decimal = ZERO
    """All wins together."""
    lost: Decimal = ZERO
    """All losses together, above zero."""

    @property
    def trades(self) -> int:
        """Closed trades that won or lost something."""
        return self.wins + self.losses

    def __add__(self, other: "TrackRecord") -> "TrackRecord":
        """Both together."""
        return TrackRecord(
            wins=self.wins + other.wins,
            losses=self.losses + other.losses,
            won=self.won + other.won,
            lost=self.lost + other.lost,
        )


EMPTY_RECORD: Final = TrackRecord()


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlRow:
    """Profit and loss of one market, or of one strategy in it, from the fills booked here; USDC, base units."""

    market_id: MarketId
    strategy: str = ""
    """Empty: of everything in the market."""
    size: Decimal = ZERO
    """Signed: what was held at the first sight of the account, and the fills since."""
    average_price: Decimal | None = None
    """Average cost of the open size; None when flat."""
    realised: Decimal = ZERO
    """Before fees."""
    unrealised: Decimal | None = None
    """On the mark; None while nobody knows it."""
    fees: Decimal = ZERO
    """Paid; negative when more was received."""
    fills: int = 0
    day: Decimal | None = None
    """What it made since the day began, fees paid and funding apart; None while a mark is missing."""
    record: TrackRecord = EMPTY_RECORD
    """How its closed trades ended."""
    venue_difference: Decimal | None = None
    """Our unrealised profit minus the venue's; None where there is nothing to compare."""
    funding: Decimal | None = None
    """Paid for the open position, as the venue states it; negative when received. None where nothing is held."""
    venue_realised: Decimal | None = None
    """Realised profit of the open position as the venue states it: beside ours, since it begins elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """The account's equity at one moment, UTC microseconds and USDC."""

    at_us: int
    equity: Decimal


def record_of(rows: Iterable[PnlRow], strategy: str) -> TrackRecord:
    """How the closed trades of one strategy ended, in all its markets."""
    return sum((row.record for row in rows if row.strategy == strategy), EMPTY_RECORD)
