"""Market data spread over several connections, read as one; with the public trades of markets looked at. Pure.

A link that falls silent takes only its own books with it. The venue allows 500 subscriptions on one connection
(apidocs.lighter.xyz/docs/websocket-reference).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from core.clock import SECOND_NS
from core.connectors.base import EventSink
from core.connectors.lighter.budget import Grade
from core.connectors.lighter.market_data import MarketData
from core.connectors.lighter.prints import Prints
from core.connectors.lighter.session import Session
from core.connectors.lighter.wire import Frame, PrintsSnapshot, PrintsUpdate
from core.events import Event, LinkChanged, LinkHealth, LinkStatus
from core.model import BookStatus, BookView, Market, Quote
from core.tape import Tape
from core.units import MarketId

MAX_SUBSCRIPTIONS: Final = 500
MAX_LOOKED_AT: Final = 8
"""Tapes of one connection that are kept for looking; the one looked at longest ago makes room."""
_LOOKED_AT_NS: Final = 5 * SECOND_NS
"""A book that was read so lately is being looked at, or about to be traded on."""
_WORST_FIRST: Final = (LinkStatus.DOWN, LinkStatus.CONNECTING, LinkStatus.DEGRADED, LinkStatus.LIVE)


class Shard:
    """The books of one connection, and the tapes of those markets whose trades are looked at, or of all."""

    def __init__(self, data: MarketData, *, has_trades: bool) -> None:
        """`has_trades`: whether the public trades of every market are wanted, looked at or not."""
        self.data: Final = data
        self._has_trades: Final = has_trades
        self._prints: Final[OrderedDict[MarketId, Prints]] = OrderedDict()
        self._looked_ns: Final[dict[MarketId, int]] = {}
        self._session: Session | None = None
        if has_trades:
            self._prints.update((market_id, Prints(market_id)) for market_id in data.markets)

    @property
    def channels(self) -> tuple[str, ...]:
        """What to subscribe to."""
        return (*self.data.channels, *(_trades_of(market_id) for market_id in self._prints))

    def subscribe_with(self, session: Session) -> None:
        """The session that carries this shard: tapes that are looked at later are asked for there."""
        self._session = session

    def tape(self, market_id: MarketId, now_ns: int) -> Tape:
        """The newest public trades of a market of this shard; the first look subscribes to them."""
        prints = self._prints.get(market_id)
        if prints is None:
            prints = self._prints[market_id] = Prints(market_id)
            if self._session is not None:
                self._session.want(_trades_of(market_id))
                while len(self._prints) > MAX_LOOKED_AT:
                    forgotten, _ = self._prints.popitem(last=False)
                    self._session.drop(_trades_of(forgotten))
        if not self._has_trades:
            self._prints.move_to_end(market_id)
        return prints.tape(self.data.doubt(now_ns))

    def drain(self, now_ns: int) -> tuple[Quote, ...]:
        """Quotes that changed since the last call; books that fell quiet are asked for anew.

        There may be more of them than the minute's messages can prove: those looked at go first and may spend what
        the others leave, which follow by age.
        """
        if self._session is not None and not self.data.doubt(now_ns):
            for market_id in sorted(self.data.quiet(now_ns), key=lambda one: not self._is_looked_at(one, now_ns)):
                grade = Grade.ORDINARY if self._is_looked_at(market_id, now_ns) else Grade.CHORE
                if self._session.refresh(f"order_book:{market_id}", now_ns, grade):
                    self.data.asked(market_id, now_ns)
        return self.data.drain(now_ns)

    def book(self, market_id: MarketId, depth: int, now_ns: int) -> BookView:
        """The frozen top of one book of this shard, for somebody who looks at it."""
        self._looked_ns[market_id] = now_ns
        return self.data.book(market_id, depth, now_ns)

    def _is_looked_at(self, market_id: MarketId, now_ns: int) -> bool:
        looked_ns = self._looked_ns.get(market_id)
        return looked_ns is not None and now_ns - looked_ns <= _LOOKED_AT_NS

    def on_frame(self, frame: Frame, now_ns: int) -> str | None:
        """Use a frame; the label of a book that only a new snapshot can mend."""
        if isinstance(frame, PrintsUpdate | PrintsSnapshot):
            prints = self._prints_of(frame.channel)
            if prints is not None:
                prints.take(frame)
            return None
        return self.data.on_frame(frame, now_ns)

    def on_lost(self, reason: str) -> None:
        """The link is down."""
        self.data.on_lost(reason)
        for prints in self._prints.values():
            prints.lose(f"link down: {reason}")

    def _prints_of(self, label: str) -> Prints | None:
        number = label.removeprefix("trade:")
        return self._prints.get(MarketId(int(number))) if number.isdecimal() else None


class Board:
    """All shards as one."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        """Every market is in exactly one of them."""
        self._shards: Final = tuple(shards)
        self._of: Final = {market_id: shard for shard in shards for market_id in shard.data.markets}

    def drain(self, now_ns: int) -> tuple[Quote, ...]:
        """Quotes that changed since the last call."""
        return tuple(quote for shard in self._shards for quote in shard.drain(now_ns))

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
        return shard.book(market_id, depth, now_ns)

    def tape(self, market_id: MarketId, now_ns: int) -> Tape:
        """The newest public trades; EMPTY for a market that is not here."""
        shard = self._of.get(market_id)
        if shard is None:
            return Tape(market_id=market_id, status=BookStatus.EMPTY)
        return shard.tape(market_id, now_ns)


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
    room = MAX_SUBSCRIPTIONS - 1 - MAX_LOOKED_AT  # one is for the figures
    needed = -(-len(markets) * per_market // room)
    hands = max(1, min(max(connections, needed), len(markets)))
    dealt = list(markets.items())
    return [dict(dealt[start::hands]) for start in range(hands)]


def _trades_of(market_id: MarketId) -> str:
    return f"trade/{market_id}"
