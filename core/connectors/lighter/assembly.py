"""Puts the parts of a connector together: markets, keys, lanes, feeds and streams, each checked before the next."""

import asyncio
import difflib
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from core.clock import Clock
from core.connectors.base import EventSink
from core.connectors.lighter.account_feed import AccountFeed, account_channels
from core.connectors.lighter.board import Board, OneLink, Shard, deal, worst
from core.connectors.lighter.budget import Grade, Tier, tier_named
from core.connectors.lighter.convert import number
from core.connectors.lighter.drop_copy_watch import DropCopyWatch
from core.connectors.lighter.housekeeping import Housekeeper
from core.connectors.lighter.lane import Lane, Roads
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.rest import NotServed, RestClient
from core.connectors.lighter.session import Session, SessionPolicy
from core.connectors.lighter.settings import LighterSettings
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.stream import Feed, Stream, StreamSetup
from core.connectors.lighter.tokens import Tokens
from core.connectors.lighter.tx_socket import TxSocket
from core.connectors.lighter.venue_api import VenueApi
from core.errors import ConfigError
from core.events import (
    AccountReported,
    Event,
    FillsBegin,
    LinkChanged,
    LinkHealth,
    LinkName,
    LinkStatus,
    MarketsListed,
    NonceMoved,
    Noticed,
    NoticeLevel,
    PositionsReported,
)
from core.model import Market, MarketStatus
from core.units import ZERO, AccountIndex, MarketId, TradeId

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What exists between a successful start and close."""

    markets: dict[MarketId, Market]
    """Kept up to date in place."""
    api: VenueApi
    trading: Lane
    kill: Lane
    """The trading lane itself when there is no kill key."""
    data: Board
    feed: AccountFeed
    shards: tuple[Stream, ...]
    """The connections of market data."""
    account: Stream
    keeper: Housekeeper
    second: Stream | None = None
    """The drop copy."""
    watch: DropCopyWatch | None = None

    def links(self) -> tuple[LinkHealth, ...]:
        """Market data as a whole, and the account."""
        market_data = worst(stream.health for stream in self.shards)
        return (*((market_data,) if market_data else ()), self.account.health)

    def _wake(self) -> None:
        for stream in (*self.shards, self.account, *((self.second,) if self.second else ())):
            stream.wake()

    def begin(self, sink: EventSink) -> list[asyncio.Task[None]]:
        """Start the background tasks; whoever calls this ends them."""
        works = [(stream.health.name.value, stream.run()) for stream in (*self.shards, self.account)]
        works.append(("rest", self.keeper.run()))
        self.keeper.on_back = self._wake
        self.keeper.lanes = (self.trading,) if self.kill is self.trading else (self.trading, self.kill)
        if self.second is not None and self.watch is not None:
            works += [("drop copy", self.second.run()), ("drop copy watch", self.watch.run())]
        tasks = [asyncio.create_task(work, name=f"lighter {name}") for name, work in works]
        for task in tasks:
            task.add_done_callback(lambda done: _report_death(done, sink))
        return tasks


class Assembly:
    """One attempt to start."""

    def __init__(self, settings: LighterSettings, rest: RestClient, clock: Clock, sink: EventSink) -> None:
        """`rest` is open."""
        self.signers: list[Signer] = []
        """Every signer made so far, to be closed whatever comes."""
        self._settings: Final = settings
        self._rest: Final = rest
        self._clock: Final = clock
        self._sink: Final = sink
        socket = TxSocket(clock, rest.limiter, settings.request_timeout_s) if settings.is_sending_by_socket else None
        self._roads: Final = Roads(rest=rest, socket=socket, clock=clock, sink=sink)

    async def run(self) -> Running:
        """Ask the venue for everything that must be known first, and tell it to the sink.

        Raises:
            LinkDown: it does not answer.
            AuthRejected: it does not know the account or a key.
            ConfigError: a market asked for does not exist, or a key is malformed.
        """
        settings, sink = self._settings, self._sink
        signer = self._signer(settings.api_key_index, settings.private_key)
        public_key = await signer.start()
        tokens = Tokens(signer, self._clock)
        api = VenueApi(self._rest, tokens, settings.account_index, self._clock)
        listed = await api.markets()
        markets = {one.id: one for one in chosen_markets(listed, settings.markets)}
        await api.check_key(settings.api_key_index, public_key)
        if settings.markets:
            markets |= await self._held(api, listed, markets)
        sink(MarketsListed(markets=tuple(markets.values()), symbols=tuple(one.symbol for one in listed)))
        await self._learn_tier(api)
        trading = await self._lane(signer)
        kill = await self._kill_lane(api, tokens) or trading

        watch = DropCopyWatch(api, sink, self._clock) if settings.has_drop_copy else None
        session = self._account_session()
        newest = await api.newest_trade()
        sink(FillsBegin(after=TradeId(newest)))
        feed = AccountFeed(AccountIndex(settings.account_index), session, watch.primary if watch else sink, newest)
        await self._tell_account(api, feed)

        board, shards = self._market_data(markets)
        account = self._stream(LinkName.ACCOUNT, session, feed, sink, tokens)
        second = self._second(watch, tokens, newest) if watch else None
        if watch and second:
            watch.compare((account, second), feed)
        return Running(
            markets=markets,
            api=api,
            trading=trading,
            kill=kill,
            data=board,
            feed=feed,
            shards=shards,
            account=account,
            keeper=Housekeeper(api, self._rest, feed, markets, sink, self._clock),
            second=second,
            watch=watch,
        )

    async def _tell_account(self, api: VenueApi, feed: AccountFeed) -> None:
        view = await api.account_view()
        feed.cancel_all_us = view.account.cancel_all_us
        self._sink(AccountReported(account=view.account))
        self._sink(PositionsReported(positions=view.positions, is_complete=True))

    def _market_data(self, markets: dict[MarketId, Market]) -> tuple[Board, tuple[Stream, ...]]:
        settings, messages = self._settings, self._rest.limiter.messages
        has_trades = settings.has_public_trades
        hands = deal(markets, settings.market_connections, has_trades=has_trades)
        shards = [
            Shard(MarketData(hand, settings.stale_after_ms, settings.book_silent_after_ms), has_trades=has_trades)
            for hand in hands
        ]
        whole = OneLink(self._sink)
        streams: list[Stream] = []
        for shard in shards:
            session = Session(shard.channels, SessionPolicy(data_is_life=True), messages)
            shard.subscribe_with(session)
            streams.append(self._stream(LinkName.MARKET_DATA, session, shard, whole))
        whole.watch(lambda: [stream.health for stream in streams])
        return Board(shards), tuple(streams)

    def _second(self, watch: DropCopyWatch, tokens: Tokens, newest: int) -> Stream:
        session = self._account_session()
        feed = AccountFeed(AccountIndex(self._settings.account_index), session, watch.second, newest)
        return Stream(
            StreamSetup(
                name=LinkName.ACCOUNT,
                url=self._settings.ws_url,
                session=session,
                feed=feed,
                clock=self._clock,
                sink=watch.second,
                connect_timeout_s=self._settings.request_timeout_s,
                token=tokens.fresh,
            )
        )

    def _account_session(self) -> Session:
        policy = SessionPolicy(data_is_life=False, grade=Grade.URGENT)
        return Session(account_channels(self._settings.account_index), policy, self._rest.limiter.messages)

    async def _held(
        self, api: VenueApi, listed: tuple[Market, ...], chosen: dict[MarketId, Market]
    ) -> dict[MarketId, Market]:
        """Markets that were not asked for and hold a position: what is at stake there must be seen and counted."""
        stakes = {one.market_id for one in (await api.account_view()).positions if one.size} - chosen.keys()
        held = {one.id: one for one in listed if one.id in stakes}
        if held:
            names = ", ".join(one.symbol for one in held.values())
            text = f"markets: {names} not asked for, but the account holds a position there: shown and counted too"
            self._sink(Noticed(level=NoticeLevel.WARN, source="connector", text=text))
        return held

    async def _learn_tier(self, api: VenueApi) -> None:
        """Keep to the budgets of the account's tier; to the smallest when the venue does not say which it is."""
        if self._settings.tier is not None:
            self._rest.limiter.adopt(self._settings.tier)
            return
        word, staked = "not told", ZERO
        with suppress(NotServed):
            limits = await api.limits()
            word, staked = limits.user_tier, number(limits.effective_lit_stakes) or ZERO
        tier = tier_named(word)
        if tier is None:
            text = f"account tier {word!r} is not known here: keeping to the budgets of {Tier.STANDARD.value}"
            self._sink(Noticed(level=NoticeLevel.WARN, source="rest", text=text))
        self._rest.limiter.adopt(tier or Tier.STANDARD, staked)

    def _signer(self, index: int, key: SecretStr) -> Signer:
        made = Signer(
            chain_id=self._settings.chain_id,
            account_index=self._settings.account_index,
            api_key_index=index,
            private_key=key,
        )
        self.signers.append(made)
        return made

    async def _lane(self, signer: Signer) -> Lane:
        lane = Lane(signer, self._roads, self._settings.account_index, self._settings.request_timeout_s)
        lane.on_moved = lambda expected, found: self._sink(
            NonceMoved(api_key_index=signer.api_key_index, expected=expected, found=found)
        )
        await lane.prepare()
        return lane

    async def _kill_lane(self, api: VenueApi, tokens: Tokens) -> Lane | None:
        index, key = self._settings.kill_api_key_index, self._settings.kill_private_key
        if index is None or key is None:
            text = "no kill key is configured: a kill waits for the answer to an order that is on its way"
            self._sink(Noticed(level=NoticeLevel.WARN, source="connector", text=text))
            return None
        signer = self._signer(index, key)
        await api.check_key(index, await signer.start())
        tokens.also(signer)
        return await self._lane(signer)

    def _stream(
        self, name: LinkName, session: Session, feed: Feed, sink: EventSink, tokens: Tokens | None = None
    ) -> Stream:
        setup = StreamSetup(
            name=name,
            url=self._settings.ws_url,
            session=session,
            feed=feed,
            clock=self._clock,
            sink=sink,
            connect_timeout_s=self._settings.request_timeout_s,
            token=tokens.fresh if tokens else None,
            transactions=self._roads.socket if tokens else None,
        )
        return Stream(setup)


def chosen_markets(listed: tuple[Market, ...], wanted: tuple[str, ...]) -> list[Market]:
    """The markets asked for, in that order; every active one when none was asked for by name."""
    if not wanted:
        return [one for one in listed if one.status is not MarketStatus.INACTIVE]
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
