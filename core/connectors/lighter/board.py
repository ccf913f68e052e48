"""Market data spread over several connections, read as one; and the public trades of each market, on request. Pure.

A link that falls silent takes only its own books with it. The venue allows 500 subscriptions on one connection
(apidocs.lighter.xyz/docs/websocket-reference).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.connectors.base import EventSink
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.objects import WireTrade
from core.connectors.lighter.wire import Frame, PrintsSnapshot, PrintsUpdate
from core.events import Event, LinkChanged, LinkHealth, LinkStatus
from core.model import BookStatus, BookView, Market, Quote, Side
from core.units import MarketId

MAX_SUBSCRIPTIONS: Final = 500
_KEPT: Final = 200
_WORST_FIRST: Final = (LinkStatus.DOWN, LinkStatus.CONNECTING, LinkStatus.DEGRADED, LinkStatus.LIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTrade:
    """One execution between others, or ours among them."""

    trade_id: int
    market_id: MarketId
    price: Decimal
    size: Decimal
    taker: Side
    """Which side crossed."""
    is_liquidation: bool
    time_us: int


class Prints:
    """The newest public trades of one market, each once, in the order of their ids.

    Every subscription replays the last fifty; liquidations come in a list of their own.
    """

    def __init__(self, market_id: MarketId) -> None:
        """None yet."""
        self._market_id: Final = market_id
        self._kept: dict[int, PublicTrade] = {}
        self._floor = 0
        self._view: tuple[PublicTrade, ...] = ()

    def take(self, frame: PrintsSnapshot | PrintsUpdate) -> int:
        """Add what is new; how many there were."""
        listed = [*(frame.trades or ()), *(frame.liquidation_trades or ())]
        fresh = {one.trade_id: one for one in listed if one.trade_id > self._floor and one.trade_id not in self._kept}
        if fresh:
            self._kept |= {number: self._of(one) for number, one in fresh.items()}
            newest = sorted(self._kept)[-_KEPT:]
            if len(newest) < len(self._kept):  # what was forgotten once is not news when it is replayed
                self._floor = newest[0] - 1
            self._kept = {number: self._kept[number] for number in newest}
            self._view = tuple(self._kept.values())
        return len(fresh)

    @property
    def newest(self) -> tuple[PublicTrade, ...]:
        """At most two hundred, oldest first."""
        return self._view

    def _of(self, trade: WireTrade) -> PublicTrade:
        return PublicTrade(
            trade_id=trade.trade_id,
            market_id=self._market_id,
            price=trade.price,
            size=trade.size,
            taker=Side.BUY if trade.is_maker_ask else Side.SELL,
            is_liquidation=trade.type == "liquidation",
            time_us=trade.transaction_time or (trade.timestamp or 0) * 1_000,
        )


class Shard:
    """The books, and the trades when they are wanted, of one connection."""

    def __init__(self, data: MarketData, *, has_trades: bool) -> None:
        """`has_trades`: whether the public trades of the same markets are wanted."""
        self.data: Final = data
        self.prints: Final = {market_id: Prints(market_id) for market_id in data.markets} if has_trades else {}
        self._by_label: Final = {f"trade:{market_id}": prints for market_id, prints in self.prints.items()}

    @property
    def channels(self) -> tuple[str, ...]:
        """What to subscribe to."""
        return (*self.data.channels, *(f"trade/{market_id}" for market_id in self.prints))

    def on_frame(self, frame: Frame, now_ns: int) -> str | None:
        """Use a frame; the label of a book that only a new snapshot can mend."""
        if isinstance(frame, PrintsUpdate | PrintsSnapshot):
            prints = self._by_label.get(frame.channel)
            if prints is not None:
                prints.take(frame)
            return None
        return self.data.on_frame(frame, now_ns)

    def on_lost(self, reason: str) -> None:
        """The link is down."""
        self.data.on_lost(reason)


class Board:
    """All shards as one."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        """Every market is in exactly one of them."""
        self._shards: Final = tuple(shards)
        self._of: Final = {market_id: shard for shard in shards for market_id in shard.data.markets}

    def drain(self, now_ns: int) -> tuple[Quote, ...]:
        """Quotes that changed since the last call."""
        return tuple(quote for shard in self._shards for quote in shard.data.drain(now_ns))

    def quote(self, market_id: MarketId, now_ns: int) -> Quote:
        """The newest quote; EMPTY for a market that is not here."""
        shard = self._of.get(market_id)
        if shard is None:
            return Quote(market_id=market_id, status=BookStatus.EMPTY)
        return shard.data.quote(market_id, now_ns)

    def book(self, market_id: MarketId, depth: int, now_ns: int) -> BookView:
        """The frozen top of one book; EMPTY for a market that is not here."""
        shard = self._of.get(market_id)
        if shard is None:
            return BookView(market_id=market_id, status=BookStatus.EMPTY)
        return shard.data.book(market_id, depth, now_ns)

    def trades(self, market_id: MarketId) -> tuple[PublicTrade, ...]:
        """The newest public trades, oldest first; empty when they are not subscribed to."""
        shard = self._of.get(market_id)
        prints = shard.prints.get(market_id) if shard else None
        return prints.newest if prints else ()


class OneLink:
    """Several connections that the engine sees as one link: as good as the worst of them."""

    def __init__(self, sink: EventSink) -> None:
        """`sink` hears of the whole, and everything else as it comes."""
        self._sink: Final = sink
        self._healths: Callable[[], Iterable[LinkHealth]] = tuple
        self._told: tuple[LinkStatus, str] | None = None

    def watch(self, healths: Callable[[], Iterable[LinkHealth]]) -> None:
        """How the parts fare."""
        self._healths = healths

    def __call__(self, event: Event) -> None:
        """Pass an event on; a part's change of status only as far as it changes the whole."""
        if not isinstance(event, LinkChanged):
            self._sink(event)
            return
        whole = worst(self._healths()) or event.link
        news = whole.status, "" if whole.status is LinkStatus.CONNECTING else whole.detail
        if news != self._told:
            self._told = news
            self._sink(LinkChanged(link=whole))


def worst(healths: Iterable[LinkHealth]) -> LinkHealth | None:
    """The health of the part that fares worst, with the oldest last message among its equals; None of nothing."""
    return min(healths, key=lambda one: (_WORST_FIRST.index(one.status), one.last_message_ns), default=None)


def deal(markets: Mapping[MarketId, Market], connections: int, *, has_trades: bool) -> list[dict[MarketId, Market]]:
    """Markets dealt out evenly over as many connections as are asked for, or as the venue's limit needs."""
    per_market = 2 if has_trades else 1
    needed = -(-len(markets) * per_market // (MAX_SUBSCRIPTIONS - 1))  # one is for the figures
    hands = max(1, min(max(connections, needed), len(markets)))
    dealt = list(markets.items())
    return [dict(dealt[start::hands]) for start in range(hands)]
