"""The Lighter connector: the `Connector` contract carried out by lanes, streams and REST, for paper and for live alike.

Market data and account have a connection each, so that a busy market cannot delay news of our orders; a kill key, when
there is one, has a lane of its own, so that no order can stand before a cancel-all.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from core.clock import Clock
from core.connectors.base import AccountView, EventSink
from core.connectors.lighter.assembly import Assembly, Running
from core.connectors.lighter.rest import RestClient
from core.connectors.lighter.settings import LighterSettings
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.transactions import Transactions
from core.errors import LinkDown
from core.events import LinkHealth, LinkName, LinkStatus, OrderReport
from core.model import BookStatus, BookView, Fill, Market, Quote
from core.state import BudgetUse
from core.tape import Candle, Resolution, Tape
from core.units import ClientOrderId, MarketId

__all__ = ["LighterConnector", "LighterSettings"]


class LighterConnector(Transactions):
    """One account on one Lighter deployment."""

    def __init__(self, settings: LighterSettings, clock: Clock) -> None:
        """Opens nothing: `start` does."""
        self._settings: Final = settings
        super().__init__(clock)
        self._rest: Final = RestClient(settings.url, settings.request_timeout_s, clock)
        self._signers: list[Signer] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def name(self) -> str:
        """Name and address."""
        return f"{self._settings.name} {urlsplit(self._settings.url).netloc}"

    @property
    def identity(self) -> str:
        """The world whose ids these are."""
        return self._settings.world

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets traded; empty before `start`."""
        return MappingProxyType(self._markets)

    async def start(self, sink: EventSink) -> None:
        """Load markets, check the keys, learn the nonces, open the streams. See `Connector.start`."""
        await self.close()
        self._rest.open()
        assembly = Assembly(self._settings, self._rest, self._clock, sink)
        self._signers = assembly.signers
        try:
            running = await assembly.run()
            self._markets = running.markets
            self._tasks = running.begin(sink)
            self._running = running
        finally:
            if self._running is None:
                await self.close()

    async def close(self) -> None:
        """End every task, socket and thread; idempotent, also after a failed `start`."""
        self._running = None
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        signers, self._signers = self._signers, []
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:  # also when the closing itself is cancelled
            for signer in signers:
                signer.close()
            await self._rest.close()

    def drain_quotes(self) -> tuple[Quote, ...]:
        """Quotes that changed since the last call; silence and a lost link turn them STALE."""
        return self._running.data.drain(self._clock.now().mono_ns) if self._running else ()

    def quote(self, market_id: MarketId) -> Quote:
        """The newest quote of one market; EMPTY when there is none."""
        if self._running is None:
            return Quote(market_id=market_id, status=BookStatus.EMPTY)
        return self._running.data.quote(market_id, self._clock.now().mono_ns)

    def book(self, market_id: MarketId, depth: int) -> BookView:
        """A frozen view of one book, `depth` levels a side."""
        if self._running is None:
            return BookView(market_id=market_id, status=BookStatus.EMPTY)
        return self._running.data.book(market_id, depth, self._clock.now().mono_ns)

    def trades(self, market_id: MarketId) -> Tape:
        """The newest public trades of one market; the first look at a market subscribes to them."""
        if self._running is None:
            return Tape(market_id=market_id, status=BookStatus.EMPTY)
        return self._running.data.tape(market_id, self._clock.now().mono_ns)

    async def candles(self, market_id: MarketId, resolution: Resolution, count: int) -> tuple[Candle, ...]:
        """The newest candles of one market, oldest first, over REST."""
        return await self._started().api.candles(market_id, resolution, count)

    def links(self) -> tuple[LinkHealth, ...]:
        """Every stream, and REST, with the moment of its last message."""
        if self._running is None:
            return tuple(LinkHealth(name=name, status=LinkStatus.DOWN, detail="not started") for name in LinkName)
        return (*self._running.links(), self._rest.health)

    def budgets(self) -> tuple[BudgetUse, ...]:
        """What is left of the venue's budgets; empty before `start`."""
        return self._rest.limiter.uses(self._clock.now().mono_ns) if self._running else ()

    async def open_orders(self) -> tuple[OrderReport, ...]:
        """The venue's complete list of open orders."""
        return await self._started().api.open_orders()

    async def find_order(self, client_id: ClientOrderId, market_id: MarketId) -> OrderReport | None:
        """Look one of our orders up among open and recently closed ones."""
        return await self._started().api.find_order(client_id, market_id)

    async def account_view(self) -> AccountView:
        """Collateral and all positions; a market that is missing is flat."""
        return await self._started().api.account_view()

    async def fills_after(self, trade_id: int) -> tuple[Fill, ...]:
        """Our fills newer than this trade, oldest first: what a restarted engine may have missed.

        Raises:
            LinkDown: they could not be had.
        """
        running = self._started()
        trades = await running.api.trades_after(trade_id)
        news = sorted((trade for trade in trades if trade.trade_id > trade_id), key=lambda trade: trade.trade_id)
        return running.feed.fills_of(news)

    def _started(self) -> Running:
        if self._running is None:
            raise LinkDown("the connector is not started")
        return self._running
