"""The Lighter connector: the `Connector` contract carried out by lanes, streams and REST, for paper and for live alike.

Market data and account have a connection each, so that a busy market cannot delay news of our orders; a kill key, when
there is one, has a lane of its own, so that no order can stand before a cancel-all.
"""

import asyncio
import difflib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import SecretStr

from core.clock import Clock
from core.connectors.base import AccountView, EventSink, NewOrder, OrderRef, SendGate
from core.connectors.lighter.account_feed import AccountFeed, account_channels
from core.connectors.lighter.encode import encode_cancel, encode_cancel_all, encode_order
from core.connectors.lighter.housekeeping import Housekeeper
from core.connectors.lighter.lane import Lane, Urgency
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.rest import RestClient
from core.connectors.lighter.session import Session, SessionPolicy
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.stream import Stream, StreamSetup
from core.connectors.lighter.venue_api import VenueApi
from core.decisions import Refused, TxOutcome
from core.errors import ConfigError, LinkDown
from core.events import (
    AccountReported,
    Event,
    LinkChanged,
    LinkHealth,
    LinkName,
    LinkStatus,
    MarketsListed,
    Noticed,
    NoticeLevel,
    OrderReport,
    PositionsReported,
)
from core.model import BookStatus, BookView, Fill, Market, Quote
from core.units import AccountIndex, ClientOrderId, MarketId

_log = logging.getLogger(__name__)

_NOT_STARTED: Final = Refused(0, "not sent: the connector is not started")


@dataclass(frozen=True, slots=True, kw_only=True)
class LighterSettings:
    """Where to trade, as whom, and how patient to be."""

    name: str
    """For the header, such as `paper`."""
    world: str
    """See `Connector.identity`."""
    url: str
    ws_url: str
    chain_id: int
    account_index: int
    api_key_index: int
    private_key: SecretStr
    kill_api_key_index: int | None = None
    kill_private_key: SecretStr | None = None
    markets: tuple[str, ...] = ()
    """Symbols; empty for every perpetual market that is active."""
    stale_after_ms: int = 3_000
    """Market data silent for longer is not believed."""
    request_timeout_s: int = 5
    """For each REST request as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """What exists between a successful start and close."""

    api: VenueApi
    trading: Lane
    kill: Lane
    data: MarketData
    streams: tuple[Stream, ...]
    feed: AccountFeed


class LighterConnector:
    """One account on one Lighter deployment."""

    def __init__(self, settings: LighterSettings, clock: Clock) -> None:
        """Opens nothing: `start` does."""
        self._settings: Final = settings
        self._clock: Final = clock
        self._rest: Final = RestClient(settings.url, settings.request_timeout_s, clock)
        self._signers: list[Signer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._markets: dict[MarketId, Market] = {}
        self._running: _Running | None = None

    @property
    def name(self) -> str:
        """Name and address."""
        return f"{self._settings.name} {self._settings.url}"

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
        try:
            self._running = await self._start(sink)
        finally:
            if self._running is None:
                await self.close()

    async def close(self) -> None:
        """End every task, socket and thread; idempotent, also after a failed `start`."""
        self._running = None
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._rest.close()
        signers, self._signers = self._signers, []
        for signer in signers:
            signer.close()

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

    def links(self) -> tuple[LinkHealth, ...]:
        """Every stream, and REST, with the moment of its last message."""
        if self._running is None:
            return tuple(LinkHealth(name=name, status=LinkStatus.DOWN, detail="not started") for name in LinkName)
        return (*(stream.health for stream in self._running.streams), self._rest.health)

    async def submit(self, order: NewOrder, gate: SendGate) -> TxOutcome:
        """Sign and send one order; out-of-range values are refused before the signer sees them."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_order(order, self._markets.get(order.intent.market_id))
        return tx if isinstance(tx, Refused) else await self._running.trading.send(tx, gate, Urgency.ORDER)

    async def cancel(self, ref: OrderRef) -> TxOutcome:
        """Cancel one order; goes before waiting orders."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_cancel(ref)
        return tx if isinstance(tx, Refused) else await self._running.trading.send(tx, _open_gate, Urgency.CANCEL)

    async def cancel_all(self, market_id: MarketId | None, on_sent: Callable[[int], None]) -> TxOutcome:
        """The venue's native cancel-all, on the kill lane, or first in line on the trading lane without a kill key."""
        if self._running is None:
            return _NOT_STARTED
        tx = encode_cancel_all(market_id)
        if isinstance(tx, Refused):
            return tx
        return await self._running.kill.send(tx, _open_gate, Urgency.CANCEL_ALL, on_sent)

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

    async def _start(self, sink: EventSink) -> _Running:
        settings, clock = self._settings, self._clock
        trading = self._signer(settings.api_key_index, settings.private_key)
        public_key = await trading.start()
        api = VenueApi(self._rest, trading, settings.account_index, clock)
        self._markets = {one.id: one for one in _chosen(await api.markets(), settings.markets)}
        sink(MarketsListed(markets=tuple(self._markets.values())))
        await api.check_key(settings.api_key_index, public_key)
        lane = await self._lane(trading)
        kill = await self._kill_lane(api) or lane

        session = Session(account_channels(settings.account_index), SessionPolicy(data_is_life=False))
        feed = AccountFeed(AccountIndex(settings.account_index), session, sink, await api.newest_trade())
        view = await api.account_view()
        feed.cancel_all_us = view.account.cancel_all_us
        sink(AccountReported(account=view.account))
        sink(PositionsReported(positions=view.positions, is_complete=True))

        data = MarketData(self._markets, settings.stale_after_ms)
        streams = (
            self._stream(LinkName.MARKET_DATA, Session(data.channels, SessionPolicy(data_is_life=True)), data, sink),
            self._stream(LinkName.ACCOUNT, session, feed, sink, api),
        )
        keeper = Housekeeper(api, self._rest, feed, self._markets, sink, clock)
        for name, work in [*((one.health.name.value, one.run()) for one in streams), ("rest", keeper.run())]:
            task = asyncio.create_task(work, name=f"lighter {name}")
            task.add_done_callback(lambda done: _report_death(done, sink))
            self._tasks.append(task)
        return _Running(
            api=api,
            trading=lane,
            kill=kill,
            data=data,
            streams=streams,
            feed=feed,
        )

    def _signer(self, index: int, key: SecretStr) -> Signer:
        made = Signer(
            chain_id=self._settings.chain_id,
            account_index=self._settings.account_index,
            api_key_index=index,
            private_key=key,
        )
        self._signers.append(made)
        return made

    async def _lane(self, signer: Signer) -> Lane:
        lane = Lane(signer, self._rest, self._settings.account_index, self._settings.request_timeout_s)
        await lane.prepare()
        return lane

    async def _kill_lane(self, api: VenueApi) -> Lane | None:
        index, key = self._settings.kill_api_key_index, self._settings.kill_private_key
        if index is None or key is None:
            return None
        signer = self._signer(index, key)
        await api.check_key(index, await signer.start())
        return await self._lane(signer)

    def _stream(
        self,
        name: LinkName,
        session: Session,
        feed: MarketData | AccountFeed,
        sink: EventSink,
        api: VenueApi | None = None,
    ) -> Stream:
        setup = StreamSetup(
            name=name,
            url=self._settings.ws_url,
            session=session,
            feed=feed,
            clock=self._clock,
            sink=sink,
            connect_timeout_s=self._settings.request_timeout_s,
            token=api.fresh_token if api else None,
        )
        return Stream(setup)

    def _started(self) -> _Running:
        if self._running is None:
            raise LinkDown("the connector is not started")
        return self._running


def _open_gate() -> str | None:
    """Cancels always pass."""
    return None


def _chosen(listed: tuple[Market, ...], wanted: tuple[str, ...]) -> list[Market]:
    """The markets asked for, in that order; every active one when none was asked for by name."""
    if not wanted:
        return [one for one in listed if one.status.value != "inactive"]
    by_symbol = {one.symbol: one for one in listed}
    unknown = [symbol for symbol in wanted if symbol not in by_symbol]
    if unknown:
        near = sorted({name for symbol in unknown for name in difflib.get_close_matches(symbol, by_symbol, 3, 0.5)})
        hint = f"; did you mean {', '.join(near)}" if near else f"; it has {', '.join(sorted(by_symbol)[:12])}"
        raise ConfigError(f"markets: this venue has no {', '.join(unknown)}{hint}")
    return [by_symbol[symbol] for symbol in dict.fromkeys(wanted)]


def _report_death(task: asyncio.Task[None], sink: Callable[[Event], None]) -> None:
    """A background task never ends by itself: when one does, a rule of ours was broken and nobody may miss it."""
    if task.cancelled():
        return
    text = f"{task.get_name()} ended unexpectedly: {task.exception()!r}"
    _log.error(text, exc_info=task.exception())
    sink(Noticed(level=NoticeLevel.ALERT, source="connector", text=text))
    for name in LinkName:
        if name.value in task.get_name():
            sink(LinkChanged(link=LinkHealth(name=name, status=LinkStatus.DOWN, detail=text)))
