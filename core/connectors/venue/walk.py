"""Where prices go: a correlated random walk in integers, the same on every machine for the same seed."""

from dataclasses import dataclass, field
from functools import lru_cache
from math import isqrt
from random import Random
from typing import Final

from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.market import MarketState
from core.connectors.venue.walk_moods import Mood

FINE: Final = 1 << 20
"""Parts of a tick the walk counts in, so that small steps are not lost."""
_DAY_US: Final = 86_400_000_000
_SUM_SIGMA: Final = 37_837
"""Standard deviation of the sum of four uniform 16-bit numbers."""
_SUM_MEAN: Final = 131_070
_PPM: Final = 1_000_000
_PICO: Final = 10**12
_MAX_FUNDING_PPM: Final = 500
_MAJOR_PERCENT: Final = 80


_root_of: Final = lru_cache(maxsize=1_024)(isqrt)
"""Steps are as long as the last one, nearly always."""


def normal(random: Random) -> int:
    """A deviate close to normal, in thousandths of its standard deviation, from one draw."""
    bits = random.getrandbits(64)
    total = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (total - _SUM_MEAN) * 1_000 // _SUM_SIGMA


@dataclass(slots=True)
class Walk:
    """One market's price, and its distance from the index."""

    spec: MarketSpec
    fine: int
    basis_ppm: int = 0
    premium_ppm: int = 0
    volatility_percent: int = 100
    mood: Mood = field(default_factory=lambda: Mood(calmness=1))

    @property
    def fair(self) -> int:
        """Where the makers think the price is, in ticks."""
        return self.fine // FINE

    def step(self, random: Random, common: int, elapsed_us: int) -> None:
        """Move for `elapsed_us`; `common` is the deviate that every market shares in this step."""
        spec = self.spec
        shared, own = spec.common_percent, 100 - spec.common_percent
        deviate = (shared * common + own * normal(random)) // _root_of(shared * shared + own * own)
        root = _root_of(elapsed_us * _PICO // _DAY_US)
        sigma_pico = spec.daily_volatility_bp * self.volatility_percent * root * self.mood.heat // _PPM
        self.fine += self.fine * deviate * sigma_pico // (1_000 * _PICO)
        besides = self.mood.step(random, deviate, elapsed_us) * self.volatility_percent
        if besides:
            self.fine += self.fine * besides // (100 * _PPM)
        self.fine = max(self.fine, spec.reference_price * FINE // 5)
        self.basis_ppm += normal(random) // 250 - self.basis_ppm // 64

    def mark(self, market: MarketState) -> None:
        """Publish index, mark and the estimated funding rate: the mark is the index with a smoothed premium."""
        market.index = self.fair * (_PPM - self.basis_ppm) // _PPM
        premium = (self.fair - market.index) * _PPM // market.index
        self.premium_ppm += (premium - self.premium_ppm) // 8
        market.mark = market.index + market.index * self.premium_ppm // _PPM
        market.funding_ppm = max(-_MAX_FUNDING_PPM, min(_MAX_FUNDING_PPM, self.premium_ppm // 8 + 12))


def start(spec: MarketSpec, random: Random, volatility_percent: int = 100) -> Walk:
    """A walk that begins within one percent of the reference price."""
    fine = spec.reference_price * FINE * (10_000 + random.randint(-100, 100)) // 10_000
    return Walk(spec, fine, volatility_percent=volatility_percent, mood=Mood(calmness=calmness_of(spec)))


def calmness_of(spec: MarketSpec) -> int:
    """The large markets gap and are pumped four times less often."""
    return 4 if spec.common_percent >= _MAJOR_PERCENT else 1
