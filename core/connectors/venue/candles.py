"""Candles of one market in every resolution the venue publishes, counted from its trades.

Pure. Prices in ticks, sizes in steps, quote in 1e-6 USDC. A span in which nothing traded has no candle.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

MINUTE_MS: Final = 60_000
RESOLUTIONS: Final = {
    "1m": MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": 1_440 * MINUTE_MS,
}
"""Length of each in milliseconds; a week is served over REST alone."""
WEEK: Final = "1w"
PAGE: Final = 500


@dataclass(slots=True)
class Candle:
    """One span of one resolution."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    base: int = 0
    quote: int = 0
    last_trade: int = 0

    def count(self, price: int, size: int, trade_id: int) -> None:
        """Add one trade."""
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.base += size
        self.quote += price * size
        self.last_trade = trade_id

    def join(self, later: "Candle") -> None:
        """Add the trades of another, which came after these."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.base += later.base
        self.quote += later.quote
        self.last_trade = later.last_trade


class Candles:
    """All candles of one market, the newest `PAGE` of each resolution.

    A trade touches the minute alone; a minute joins the longer spans when it is asked for or over.
    """

    __slots__ = ("_ends_us", "_kept", "_minute", "revision")

    def __init__(self) -> None:
        """Nothing traded."""
        self.revision = 0
        """Rises with every trade."""
        self._minute: Candle | None = None
        """Trades that no span has yet."""
        self._ends_us = 0
        self._kept: dict[str, deque[Candle]] = {name: deque(maxlen=PAGE) for name in RESOLUTIONS}
        self._kept[WEEK] = deque(maxlen=PAGE)

    def count(self, price: int, size: int, trade_id: int, time_us: int) -> None:
        """Add one trade."""
        self.revision += 1
        minute = self._minute
        if minute is None or time_us >= self._ends_us:
            self._fold()
            minute = self._minute = Candle(_opening("1m", time_us // 1_000), price, price, price, price)
            self._ends_us = (minute.start_ms + MINUTE_MS) * 1_000
        minute.count(price, size, trade_id)

    def live(self, resolution: str) -> Candle | None:
        """The newest candle."""
        kept = self._folded(resolution)
        return kept[-1] if kept else None

    def since(self, resolution: str, start_ms: int) -> list[Candle]:
        """The candle that began at `start_ms` and all after it: two when the live one has just rolled over."""
        return [candle for candle in self._folded(resolution) if candle.start_ms >= start_ms]

    def between(self, resolution: str, start_ms: int, end_ms: int, count_back: int) -> list[Candle]:
        """Candles that open in `[start, end)`, reaching further back for at least `count_back`; the newest `PAGE`."""
        before_end = [candle for candle in self._folded(resolution) if candle.start_ms < end_ms]
        inside = sum(candle.start_ms >= start_ms for candle in before_end)
        wanted = min(PAGE, max(inside, count_back))
        return before_end[-wanted:] if wanted > 0 else []

    def _folded(self, resolution: str) -> deque[Candle]:
        self._fold()
        return self._kept[resolution]

    def _fold(self) -> None:
        """Give the trades of the minute to every span."""
        minute, self._minute = self._minute, None
        if minute is None:
            return
        for name, kept in self._kept.items():
            start = _opening(name, minute.start_ms)
            if kept and kept[-1].start_ms >= start:
                kept[-1].join(minute)
            else:
                kept.append(replace(minute, start_ms=start))


def _opening(resolution: str, now_ms: int) -> int:
    if resolution == WEEK:
        # Weeks begin on Monday; the epoch was a Thursday.
        length, shift = 7 * RESOLUTIONS["1d"], 3 * RESOLUTIONS["1d"]
        return (now_ms + shift) // length * length - shift
    length = RESOLUTIONS[resolution]
    return now_ms // length * length
