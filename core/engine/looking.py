"""Markets that somebody looks at: their book, tape and candles are read only while they are asked for.

Asking keeps a market coming for a few seconds; nobody asking, nothing is frozen, subscribed to or fetched.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from core.clock import SECOND_NS, Clock
from core.connectors.base import Connector
from core.errors import LighterTuiError
from core.look import MarketLook, nothing_yet
from core.tape import Resolution
from core.units import MarketId

CANDLES: Final = 120
_WANTED_NS: Final = 3 * SECOND_NS
_CANDLES_NS: Final = 10 * SECOND_NS
"""A candle of a minute need not be asked for more often."""
_STEP_S: Final = 0.25


@dataclass(slots=True)
class _Wish:
    depth: int
    asked_ns: int
    tried_ns: int | None = None
    """When candles were last asked for."""


class Looking:
    """Written on the engine's loop; `look` may be called from any thread."""

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self._connector = connector
        self._clock = clock
        self._wishes: dict[MarketId, _Wish] = {}
        self._looks: dict[MarketId, MarketLook] = {}

    def look(self, market_id: MarketId, depth: int) -> MarketLook:
        """The newest look, with `depth` levels a side of the book; asking keeps it coming."""
        now_ns = self._clock.now().mono_ns
        wish = self._wishes.get(market_id)
        if wish is None:
            self._wishes[market_id] = _Wish(depth, now_ns)
        else:
            wish.depth, wish.asked_ns = depth, now_ns
        return self._looks.get(market_id) or nothing_yet(market_id)

    def refresh(self) -> None:
        """Freeze books and tapes that were asked for lately; forget the others."""
        now_ns = self._clock.now().mono_ns
        for market_id, wish in tuple(self._wishes.items()):
            if now_ns - wish.asked_ns > _WANTED_NS:
                self._wishes.pop(market_id, None)
                self._looks.pop(market_id, None)
            elif market_id in self._connector.markets:
                before = self._looks.get(market_id) or nothing_yet(market_id)
                book = self._connector.book(market_id, wish.depth)
                self._looks[market_id] = replace(before, book=book, tape=self._connector.trades(market_id))

    async def serve(self) -> None:
        """Fetch candles of what is looked at, one market after the other, for ever."""
        while True:
            await self.fetch_due()
            await asyncio.sleep(_STEP_S)

    async def fetch_due(self) -> None:
        """Fetch the candles that are due now."""
        for market_id, wish in tuple(self._wishes.items()):
            now_ns = self._clock.now().mono_ns
            is_due = wish.tried_ns is None or now_ns - wish.tried_ns >= _CANDLES_NS
            if is_due and market_id in self._looks:
                wish.tried_ns = now_ns
                await self._fetch(market_id)

    async def _fetch(self, market_id: MarketId) -> None:
        try:
            candles = await self._connector.candles(market_id, Resolution.M1, CANDLES)
        except LighterTuiError as error:
            if market_id in self._looks:
                self._looks[market_id] = replace(self._looks[market_id], candles_fault=str(error))
            return
        if market_id in self._looks:
            now_ns = self._clock.now().mono_ns
            self._looks[market_id] = replace(
                self._looks[market_id], candles=candles, candles_ns=now_ns, candles_fault=""
            )
