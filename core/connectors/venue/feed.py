"""WebSocket frames: snapshots on subscription, book batches that chain by nonce, one private frame a transaction.

Pure: frames come out as bytes, each encoded once however many listen, and not at all when nobody does.
"""

from collections.abc import Container, Iterator
from typing import Final

from core.connectors.venue import market_views, views
from core.connectors.venue.account_feed import AccountFeed
from core.connectors.venue.book import BookSide
from core.connectors.venue.book_frames import FIRST_NONCE, BookFrames, Moment
from core.connectors.venue.candles import RESOLUTIONS, Candle
from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.channels import ALL, Channel, Stream, key_of
from core.connectors.venue.exchange import Changes, Exchange
from core.connectors.venue.market import MarketState
from core.connectors.venue.orders import TradeKind, VenueTrade
from core.connectors.venue.views import Frame, Json, encode, fixed

__all__ = ["Feed", "Frame"]

REPLAYED: Final = 50
"""Prints that every subscription to `trade` begins with."""


class Feed:
    """Turns what happened into frames."""

    def __init__(self, exchange: Exchange, listened: Container[str]) -> None:
        """`listened` holds the keys of the channels that somebody has subscribed to."""
        self._exchange: Final = exchange
        self._listened: Final = listened
        self._nonce = FIRST_NONCE
        self._moment = Moment(0)
        self._books: Final = {number: BookFrames(market.spec) for number, market in exchange.markets.items()}
        self._candles_sent: Final[dict[str, tuple[int, int]]] = {}
        self.accounts: Final = AccountFeed(exchange, listened)

    def batch(self, market: MarketState, now_us: int, outbox: list[Frame]) -> None:
        """Publish what changed in a book since its last batch: nothing, or one frame whose nonce follows on."""
        book = market.book
        asks, bids = book.publish()
        if not asks and not bids:
            return
        begin = book.nonce
        self._nonce = book.nonce = nonce = self._nonce + len(asks) + len(bids)
        book.published_us = now_us
        moment = self._moment
        if moment.at_us != now_us:
            moment = self._moment = Moment(now_us)
        writer, listened = self._books[market.spec.market_id], self._listened
        key = writer.key
        if key in listened:
            outbox.append(Frame(key, writer.update(asks, bids, begin, nonce, moment)))
        key = writer.ticker_key
        if key in listened:
            outbox.append(Frame(key, self._ticker("update", key, market, now_us)))

    def changes(self, changes: Changes, now_us: int) -> Iterator[Frame]:
        """Everything one transaction did, for the public and for each account it touched."""
        for market_id in {trade.market_id for trade in changes.trades}:
            key = key_of(Stream.TRADE, market_id)
            if key in self._listened:
                spec = self._exchange.markets[market_id].spec
                prints = [each for each in changes.trades if each.market_id == market_id]
                yield Frame(key, encode(_prints("update", key, prints, spec, self._nonce)))
        for account in changes.positions:
            yield from self.accounts.changes(account, changes, now_us)

    def stats(self, now_us: int) -> Iterator[Frame]:
        """Market statistics of every market, one by one and together, and the balance sheets of who listens."""
        every: Json = {}
        for market_id, market in self._exchange.markets.items():
            view = market_views.market_stats_view(market)
            every[str(market_id)] = view
            key = key_of(Stream.MARKET_STATS, market_id)
            if key in self._listened:
                yield Frame(key, encode(_stats("update", key, view, now_us)))
        key = key_of(Stream.MARKET_STATS, ALL)
        if key in self._listened:
            yield Frame(key, encode(_stats("update", key, every, now_us)))
        for account in self._exchange.accounts.values():
            if account.positions and not account.is_internal:
                yield from self.accounts.user_stats(account, now_us)
        yield from self._candles(now_us)

    def height(self, now_us: int) -> Iterator[Frame]:
        """The block height, when somebody listens."""
        if "height" in self._listened:
            yield Frame("height", encode(_height("update", now_us)))

    def snapshot(self, channel: Channel, now_us: int) -> bytes:
        """The first frame of a subscription: the state that the updates after it continue."""
        number = channel.number if channel.number is not None else -1
        match channel.stream:
            case Stream.ORDER_BOOK | Stream.TICKER | Stream.TRADE | Stream.MARKET_STATS:
                return self._market_snapshot(channel, now_us)
            case Stream.CANDLE:
                return self._candle_snapshot(channel, self._exchange.markets[number], now_us)
            case Stream.HEIGHT:
                return encode(_height("subscribed", now_us))
            case _:
                return self.accounts.snapshot(channel, self._exchange.accounts[number], now_us)

    def _candles(self, now_us: int) -> Iterator[Frame]:
        """Live candles that traded since they were last sent; just after a rollover the closed one goes first."""
        for market_id, market in self._exchange.markets.items():
            for resolution in RESOLUTIONS:
                key = key_of(Stream.CANDLE, market_id, resolution)
                revision, start_ms = self._candles_sent.get(key, (0, 0))
                live = market.candles.live(resolution)
                if key not in self._listened or live is None or revision == market.candles.revision:
                    continue
                changed = market.candles.since(resolution, start_ms or live.start_ms)[-2:]
                self._candles_sent[key] = (market.candles.revision, live.start_ms)
                yield Frame(key, encode(_candle_frame("update", key, changed, market, now_us)))

    def _candle_snapshot(self, channel: Channel, market: MarketState, now_us: int) -> bytes:
        live = market.candles.live(channel.resolution)
        if live is not None and channel.key not in self._listened:
            self._candles_sent[channel.key] = (market.candles.revision, live.start_ms)
        return encode(_candle_frame("subscribed", channel.key, [live] if live else [], market, now_us))

    def _market_snapshot(self, channel: Channel, now_us: int) -> bytes:
        if channel.number is None:
            every: Json = {
                str(key): market_views.market_stats_view(each) for key, each in self._exchange.markets.items()
            }
            return encode(_stats("subscribed", channel.key, every, now_us))
        market = self._exchange.markets[channel.number]
        if channel.stream is Stream.MARKET_STATS:
            return encode(_stats("subscribed", channel.key, market_views.market_stats_view(market), now_us))
        if channel.stream is Stream.TICKER:
            return self._ticker("subscribed", channel.key, market, now_us)
        if channel.stream is Stream.TRADE:
            newest = list(market.prints)[: -REPLAYED - 1 : -1]
            return encode(_prints("subscribed", channel.key, newest, market.spec, self._nonce))
        return self._books[channel.number].snapshot(market.book, now_us)

    def _ticker(self, verb: str, key: str, market: MarketState, now_us: int) -> bytes:
        book = market.book
        head: Json = {"channel": key, "last_updated_at": book.published_us} if book.nonce else {"channel": key}
        ticker: Json = {
            "s": market.spec.symbol,
            "a": _touch(book.asks, market),
            "b": _touch(book.bids, market),
            "last_updated_at": book.published_us,
        }
        tail: Json = {"nonce": book.nonce, "ticker": ticker, "timestamp": now_us // 1_000, "type": f"{verb}/ticker"}
        return encode({**head, **tail})


def _prints(verb: str, key: str, prints: list[VenueTrade], spec: MarketSpec, nonce: int) -> Json:
    """Trades, and apart from them those that a liquidation forced."""
    forced = [views.trade_view(each, spec) for each in prints if each.kind is not TradeKind.TRADE]
    free = [views.trade_view(each, spec) for each in prints if each.kind is TradeKind.TRADE]
    return {"channel": key, "liquidation_trades": forced, "nonce": nonce, "trades": free, "type": f"{verb}/trade"}


def _candle_frame(verb: str, key: str, candles: list[Candle], market: MarketState, now_us: int) -> Json:
    rows = [market_views.candle_view(candle, market.spec) for candle in candles]
    return {"candles": rows, "channel": key, "timestamp": now_us // 1_000, "type": f"{verb}/candle"}


def _stats(verb: str, key: str, body: Json, now_us: int) -> Json:
    return {"channel": key, "market_stats": body, "timestamp": now_us // 1_000, "type": f"{verb}/market_stats"}


def _height(verb: str, now_us: int) -> Json:
    height = views.block_height(now_us)
    return {"channel": "height", "height": height, "timestamp": now_us // 1_000, "type": f"{verb}/height"}


def _touch(side: BookSide, market: MarketState) -> Json:
    best = side.published_best()
    if best is None:
        return {"price": "", "size": ""}
    return {"price": fixed(market.spec.price_decimals)(best[0]), "size": fixed(market.spec.size_decimals)(best[1])}
