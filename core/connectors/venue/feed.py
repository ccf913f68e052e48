"""WebSocket frames: snapshots on subscription, book batches that chain by nonce, one private frame a transaction.

Pure: frames come out as bytes, each encoded once however many listen, and not at all when nobody does.
"""

from collections.abc import Container, Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple, assert_never

from core.connectors.venue import account_views, market_views, views
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.book import BookSide
from core.connectors.venue.catalogue import QUOTE_DECIMALS
from core.connectors.venue.channels import ALL, Channel, Stream, key_of
from core.connectors.venue.exchange import Changes, Exchange
from core.connectors.venue.market import MarketState
from core.connectors.venue.orders import VenueOrder, VenueTrade
from core.connectors.venue.views import Json, encode, fixed

REPLAYED: Final = 50
"""Prints that every subscription to `trade` begins with."""
FIRST_NONCE: Final = 17_000_000_000


class Frame(NamedTuple):
    """One message for everybody who listens to a channel."""

    key: str
    body: bytes


class Feed:
    """Turns what happened into frames."""

    def __init__(self, exchange: Exchange, listened: Container[str]) -> None:
        """`listened` holds the keys of the channels that somebody has subscribed to."""
        self._exchange: Final = exchange
        self._listened: Final = listened
        self._nonce = FIRST_NONCE

    def batch(self, market: MarketState, now_us: int) -> Iterator[Frame]:
        """Publish what changed in a book since its last batch: nothing, or one frame whose nonce follows on."""
        book = market.book
        asks, bids = book.asks.publish(), book.bids.publish()
        if not asks and not bids:
            return
        begin, self._nonce = book.nonce, self._nonce + len(asks) + len(bids)
        book.nonce, book.published_us = self._nonce, now_us
        key = key_of(Stream.ORDER_BOOK, market.market_id)
        if key in self._listened:
            yield Frame(key, self._book("update", key, market, (asks, bids, begin, now_us)))
        key = key_of(Stream.TICKER, market.market_id)
        if key in self._listened:
            yield Frame(key, self._ticker("update", key, market, now_us))

    def changes(self, changes: Changes, now_us: int) -> Iterator[Frame]:
        """Everything one transaction did, for the public and for each account it touched."""
        for market_id in {trade.market_id for trade in changes.trades}:
            key = key_of(Stream.TRADE, market_id)
            if key in self._listened:
                spec = self._exchange.markets[market_id].spec
                prints = [views.trade_view(each, spec) for each in changes.trades if each.market_id == market_id]
                yield Frame(key, encode(_prints("update", key, prints, self._nonce)))
        for account in changes.positions:
            yield from self._private(account, changes, now_us)

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
                yield from self._user_stats(account, now_us)

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
            case Stream.HEIGHT:
                return encode(_height("subscribed", now_us))
            case Stream.USER_STATS:
                return encode(self._user_stats_body("subscribed", self._exchange.accounts[number], now_us))
            case Stream.ACCOUNT_ALL | Stream.ORDERS | Stream.TRADES | Stream.POSITIONS | Stream.ASSETS:
                return encode(self._account_snapshot(channel, self._exchange.accounts[number], now_us))
            case never:
                assert_never(never)

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
            prints = [views.trade_view(each, market.spec) for each in list(market.prints)[-REPLAYED:]]
            return encode(_prints("subscribed", channel.key, prints[::-1], self._nonce))
        book = market.book
        levels = (book.asks.published(), book.bids.published(), 0, now_us)
        return self._book("subscribed", channel.key, market, levels)

    def _book(
        self,
        verb: str,
        key: str,
        market: MarketState,
        levels: tuple[list[tuple[int, int]], list[tuple[int, int]], int, int],
    ) -> bytes:
        """`levels`: asks, bids, the nonce they continue, and the moment of sending."""
        asks, bids, begin, now_us = levels
        spec, book = market.spec, market.book
        price, size = fixed(spec.price_decimals), fixed(spec.size_decimals)
        offset = (book.nonce - FIRST_NONCE) // 8 + 1 if book.nonce else 1
        inner: Json = {
            "code": 0,
            "asks": [{"price": price(at), "size": size(much)} for at, much in asks],
            "bids": [{"price": price(at), "size": size(much)} for at, much in bids],
            "offset": offset,
            "nonce": book.nonce,
            "last_updated_at": book.published_us,
            "begin_nonce": begin,
        }
        head: Json = {"channel": key, "last_updated_at": book.published_us} if book.nonce else {"channel": key}
        return encode(
            {**head, "offset": offset, "order_book": inner, "timestamp": now_us // 1_000, "type": f"{verb}/order_book"}
        )

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

    def _private(self, account: VenueAccount, changes: Changes, now_us: int) -> Iterator[Frame]:
        """One frame a channel for one account and one transaction."""
        markets = self._exchange.markets
        trades = [each for each in changes.trades if account.index in {each.ask.account_index, each.bid.account_index}]
        bodies: dict[Stream, Json] = {
            Stream.ORDERS: {"orders": self._orders(changes.orders.get(account, {}).values(), is_update=True)}
        }
        if trades:
            bodies[Stream.TRADES] = {"trades": self._trades(account, trades)}
        positions = {
            str(key): account_views.position_view(account, markets[key], markets)
            for key in sorted(changes.positions[account])
        }
        bodies[Stream.POSITIONS] = {"positions": positions, "shares": [], "transaction_time": now_us}
        if trades:
            bodies[Stream.ASSETS] = {"assets": _assets(account), "timestamp": now_us // 1_000}
        bodies[Stream.ACCOUNT_ALL] = {
            "account": account.index,
            "positions": positions,
            "assets": _assets(account),
            "trades": self._trades(account, trades),
            "funding_histories": {},
            "shares": [],
        }
        for stream, body in bodies.items():
            key = key_of(stream, account.index)
            if key in self._listened:
                yield Frame(key, encode({"channel": key, **body, "type": f"update/{stream.value}"}))
        yield from self._user_stats(account, now_us)

    def _user_stats(self, account: VenueAccount, now_us: int) -> Iterator[Frame]:
        key = key_of(Stream.USER_STATS, account.index)
        if key in self._listened:
            yield Frame(key, encode(self._user_stats_body("update", account, now_us)))

    def _user_stats_body(self, verb: str, account: VenueAccount, now_us: int) -> Json:
        return {
            "channel": key_of(Stream.USER_STATS, account.index),
            "stats": account_views.user_stats_view(account, self._exchange.markets),
            "timestamp": now_us // 1_000,
            "type": f"{verb}/user_stats",
        }

    def _account_snapshot(self, channel: Channel, account: VenueAccount, now_us: int) -> Json:
        markets = self._exchange.markets
        positions = {
            str(key): account_views.position_view(account, markets[key], markets)
            for key in account_views.position_markets(account)
        }
        volumes: Json = {f"{span}_volume": _volume(account) for span in ("daily", "weekly", "monthly", "total")}
        counts: Json = {f"{span}_trades_count": account.trade_count for span in ("daily", "weekly", "monthly", "total")}
        bodies: dict[Stream, Json] = {
            Stream.ORDERS: {"orders": self._orders(account.live.values(), is_update=False)},
            Stream.TRADES: {"trades": {}, **volumes},
            Stream.POSITIONS: {"positions": positions, "shares": []},
            Stream.ASSETS: {"assets": _assets(account), "timestamp": now_us // 1_000},
            Stream.ACCOUNT_ALL: {
                "account": account.index,
                "positions": positions,
                "assets": _assets(account),
                "trades": {},
                "funding_histories": {},
                "shares": [],
                **counts,
                **volumes,
            },
        }
        stream = channel.stream
        return {"channel": channel.key, **bodies[stream], "type": f"subscribed/{stream.value}"}

    def _orders(self, orders: Iterable[VenueOrder], *, is_update: bool) -> dict[str, list[Json]]:
        grouped: dict[str, list[Json]] = {}
        for order in orders:
            view = views.order_view(order, self._exchange.markets[order.market_id].spec, is_update=is_update)
            grouped.setdefault(str(order.market_id), []).append(view)
        return grouped

    def _trades(self, account: VenueAccount, trades: Iterable[VenueTrade]) -> dict[str, list[Json]]:
        grouped: dict[str, list[Json]] = {}
        for trade in trades:
            view = views.trade_view(trade, self._exchange.markets[trade.market_id].spec, account.index)
            grouped.setdefault(str(trade.market_id), []).append(view)
        return grouped


def _assets(account: VenueAccount) -> Json:
    return {str(account_views.USDC_ASSET): account_views.asset_view(account)}


def _volume(account: VenueAccount) -> Decimal:
    return Decimal(account.volume).scaleb(-QUOTE_DECIMALS)


def _prints(verb: str, key: str, prints: list[Json], nonce: int) -> Json:
    return {"channel": key, "liquidation_trades": [], "nonce": nonce, "trades": prints, "type": f"{verb}/trade"}


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
