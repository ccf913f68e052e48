"""How a market feels: volatility that comes in clusters, gaps, and pumps that are followed by dumps.

Pure, in integers. Parts count millionths unless said otherwise.
"""

from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final

_PPM: Final = 1_000_000
_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
_CALM: Final = _PPM
_MIN_HEAT: Final = 400_000
_MAX_HEAT: Final = 5_000_000
_HEAT_LIFE_US: Final = 4 * _MINUTE_US
"""How long a cluster takes to fade to a third."""
_KINDLING: Final = 2_300
"""Deviates beyond this, in thousandths of a standard deviation, heat the market up."""
_GAP_EVERY_US: Final = 40 * _MINUTE_US
_GAP_PPM: Final = (1_500, 6_000)
_EPISODE_EVERY_US: Final = 90 * _MINUTE_US
_PUMP_US: Final = (20 * _SECOND_US, 60 * _SECOND_US)
_DUMP_US: Final = (40 * _SECOND_US, 150 * _SECOND_US)
_PUMP_PPM: Final = (12_000, 50_000)
_KEPT_PERCENT: Final = (10, 45)
"""Of a pump, after the dump."""


class Phase(Enum):
    """Where in an episode a market is."""

    QUIET = "quiet"
    PUMP = "pump"
    DUMP = "dump"


@dataclass(slots=True)
class Mood:
    """One market's."""

    calmness: int
    """How much rarer gaps and episodes are than in a small market."""
    heat: int = _CALM
    phase: Phase = Phase.QUIET
    left_us: int = 0
    pull: int = 0
    """What is still to be moved in this phase, in millionths of the price, signed."""
    moved: int = 0

    @property
    def is_ask(self) -> bool | None:
        """Which way takers hurry; None when they do not."""
        return None if self.phase is Phase.QUIET else self.pull < 0

    def step(self, random: Random, deviate: int, elapsed_us: int) -> int:
        """Feel for `elapsed_us` after this deviate; what the price moves besides, in millionths."""
        self._warm(random, deviate, elapsed_us)
        if self.phase is not Phase.QUIET:
            return self._go_on(random, elapsed_us)
        draw = random.getrandbits(48) % (_EPISODE_EVERY_US * self.calmness)
        if draw < elapsed_us:
            self._begin(random)
        elif draw % (_GAP_EVERY_US * self.calmness) < elapsed_us:
            self.heat = min(_MAX_HEAT, self.heat + _CALM)
            return _sign(random) * random.randint(*_GAP_PPM)
        return 0

    def _warm(self, random: Random, deviate: int, elapsed_us: int) -> None:
        self.heat += (_CALM - self.heat) * min(elapsed_us, _HEAT_LIFE_US) // _HEAT_LIFE_US
        if abs(deviate) > _KINDLING:
            self.heat += random.randrange(_CALM // 3)
        self.heat = max(_MIN_HEAT, min(_MAX_HEAT, self.heat))

    def _begin(self, random: Random) -> None:
        self.phase, self.left_us = Phase.PUMP, random.randint(*_PUMP_US)
        self.pull = _sign(random) * random.randint(*_PUMP_PPM)
        self.moved = 0
        self.heat = min(_MAX_HEAT, self.heat + 2 * _CALM)

    def _go_on(self, random: Random, elapsed_us: int) -> int:
        move = self.pull * min(elapsed_us, self.left_us) // max(1, self.left_us)
        self.pull -= move
        self.moved += move
        self.left_us -= elapsed_us
        if self.left_us > 0:
            return move
        if self.phase is Phase.PUMP:
            self.phase, self.left_us = Phase.DUMP, random.randint(*_DUMP_US)
            self.pull = -self.moved * (100 - random.randint(*_KEPT_PERCENT)) // 100
        else:
            self.phase = Phase.QUIET
        return move


def _sign(random: Random) -> int:
    return 1 if random.getrandbits(1) else -1
