"""How a venue is run, beyond its markets and its seed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.control_clock import VenueClock
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.faults import NO_FAULTS, Schedule
from core.connectors.venue.simulation import Source
from core.connectors.venue.tiers import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeding:
    """Markets from elsewhere: a recording, or a live venue."""

    specs: tuple[MarketSpec, ...]
    source: Callable[[Exchange], Source]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What the paper venue of the desk does without."""

    clock: VenueClock | None = None
    """None for the machine's."""
    faults: Schedule = NO_FAULTS
    tier: Tier | None = None
    """None for a venue without latency and without budgets."""
    control_token: str | None = None
    """Opens the control endpoint to whoever knows it; None leaves it closed."""
    volatility_percent: int = 100
    price_band_percent: int | None = None
    """How much worse than the market an order's price may be; None for any."""
    feeding: Feeding | None = None
    verifies_signatures: bool = False


PLAIN: Final = Extras()
