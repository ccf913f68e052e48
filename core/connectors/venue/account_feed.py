"""WebSocket frames of accounts: snapshots on subscription, then one frame a channel and transaction.

Pure; `core.connectors.venue.feed` decides when.
"""

from collections.abc import Container, Iterable, Iterator
from decimal import Decimal
from typing import Final

from core.connectors.venue import account_views, views
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import QUOTE_DECIMALS
from core.connectors.venue.channels import Channel, Stream, key_of
from core.connectors.venue.exchange import Changes, Exchange
from core.connectors.venue.orders import VenueOrder, VenueTrade
from core.connectors.venue.sequencer import TxRecord
from core.connectors.venue.views import Frame, Json, encode

_SPANS: Final = ("daily", "weekly", "monthly", "total")


class AccountFeed:
    """Turns what happened to accounts into frames."""

    def __init__(self, exchange: Exchange, listened: Container[str]) -> None:
        """`listened` holds the keys of the channels that somebody has subscribed to."""
        self._exchange: Final = exchange
        self._listened: Final = listened

    def changes(self, account: VenueAccount, changes: Changes, now_us: int) -> Iterator[Frame]:
        """One frame a channel for one account and one transaction."""
        bodies = self._bodies(account, changes, now_us)
        for stream, body in bodies.items():
            key = key_of(stream, account.index)
            if key in self._listened:
                yield Frame(key, encode({"channel": key, **body, "type": f"update/{stream.value}"}))
        for market_id in sorted(changes.positions.get(account, ())):
            yield from self._market_changes(account, market_id, changes)
        yield from self.user_stats(account, now_us)

    def user_stats(self, account: VenueAccount, now_us: int) -> Iterator[Frame]:
        """The balance sheet."""
        key = key_of(Stream.USER_STATS, account.index)
        if key in self._listened:
            yield Frame(key, encode({"channel": key, **self._user_stats(account, now_us), "type": "update/user_stats"}))

    def transaction(self, record: TxRecord) -> Iterator[Frame]:
        """A transaction that was executed."""
        key = key_of(Stream.TXS, record.tx.account_index)
        if key in self._listened:
            body = {"channel": key, "txs": [views.plain_tx_view(record)], "type": "update/account_tx"}
            yield Frame(key, encode(body))

    def snapshot(self, channel: Channel, account: VenueAccount, now_us: int) -> bytes:
        """The first frame of a subscription."""
        if channel.market is not None:
            body = self._market_snapshot(channel.stream, account, channel.market)
        else:
            body = self._snapshot(channel.stream, account, now_us)
        return encode({"channel": channel.label, **body, "type": f"subscribed/{channel.stream.value}"})

    def _bodies(self, account: VenueAccount, changes: Changes, now_us: int) -> dict[Stream, Json]:
        trades = _trades_of(account, changes)
        orders = changes.orders.get(account, {}).values()
        fundings = self._fundings(account, changes)
        positions = self._positions(account, sorted(changes.positions.get(account, ())))
        bodies: dict[Stream, Json] = {}
        if orders:
            bodies[Stream.ORDERS] = {"orders": self._orders(orders, is_update=True)}
        if trades:
            bodies[Stream.TRADES] = {"trades": self._trades(account, trades)}
        if positions:
            bodies[Stream.POSITIONS] = {"positions": positions, "shares": [], "transaction_time": now_us}
        if trades or fundings or account in changes.paid:
            bodies[Stream.ASSETS] = {"assets": _assets(account), "timestamp": now_us // 1_000}
        bodies[Stream.ACCOUNT_ALL] = {
            "account": account.index,
            "positions": positions,
            "assets": _assets(account),
            "trades": self._trades(account, trades),
            "funding_histories": fundings,
            "shares": [],
        }
        if changes.notices.get(account):
            bodies[Stream.NOTIFICATION] = {
                "notifs": [
                    account_views.notice_view(each, account, self._exchange.markets[each.trade.market_id])
                    for each in changes.notices[account]
                ]
            }
        return bodies

    def _market_changes(self, account: VenueAccount, market_id: int, changes: Changes) -> Iterator[Frame]:
        """The two channels of one account in one market."""
        market, name = self._exchange.markets[market_id], str(market_id)
        orders = [order for order in changes.orders.get(account, {}).values() if order.market_id == market_id]
        views_of = self._orders(orders, is_update=True)
        key = key_of(Stream.ACCOUNT_ORDERS, market_id, account.index)
        if orders and key in self._listened:
            label = key_of(Stream.ACCOUNT_ORDERS, market_id)
            body: Json = {"account": account.index, "orders": views_of, "nonce": market.book.nonce}
            yield Frame(key, encode({"channel": label, **body, "type": "update/account_orders"}))
        key = key_of(Stream.ACCOUNT_MARKET, market_id, account.index)
        if key in self._listened:
            trades = [trade for trade in _trades_of(account, changes) if trade.market_id == market_id]
            body = {
                "account": account.index,
                "orders": views_of.get(name, []),
                "trades": self._trades(account, trades).get(name, []),
                "position": account_views.position_view(account, market, self._exchange.markets),
                "assets": {},
                "funding_history": self._fundings(account, changes).get(name, []),
            }
            yield Frame(key, encode({"channel": key, **body, "type": "update/account_market"}))

    def _market_snapshot(self, stream: Stream, account: VenueAccount, market_id: int) -> Json:
        market, name = self._exchange.markets[market_id], str(market_id)
        live = [order for order in account.live.values() if order.market_id == market_id]
        orders = self._orders(live, is_update=False)
        if stream is Stream.ACCOUNT_ORDERS:
            return {"account": account.index, "orders": orders, "nonce": market.book.nonce}
        is_known = market_id in account_views.position_markets(account)
        position = (
            account_views.position_view(account, market, self._exchange.markets)
            if is_known
            else account_views.untouched_position_view(market)
        )
        return {
            "account": account.index,
            "orders": orders.get(name, []),
            "trades": [],
            "position": position,
            "assets": None,
            "funding_history": None,
        }

    def _snapshot(self, stream: Stream, account: VenueAccount, now_us: int) -> Json:
        volumes: Json = {f"{span}_volume": _volume(account) for span in _SPANS}
        positions = self._positions(account, account_views.position_markets(account))
        bodies: dict[Stream, Json] = {
            Stream.ORDERS: {"orders": self._orders(account.live.values(), is_update=False)},
            Stream.TRADES: {"trades": {}, **volumes},
            Stream.POSITIONS: {"positions": positions, "shares": []},
            Stream.ASSETS: {"assets": _assets(account), "timestamp": now_us // 1_000},
            Stream.USER_STATS: self._user_stats(account, now_us),
            Stream.TXS: {},
            Stream.NOTIFICATION: {
                "notifs": [
                    account_views.notice_view(each, account, self._exchange.markets[each.trade.market_id])
                    for each in reversed(account.notices)
                ]
            },
            Stream.ACCOUNT_ALL: {
                "account": account.index,
                "positions": positions,
                "assets": _assets(account),
                "trades": {},
                "funding_histories": {},
                "shares": [],
                **{f"{span}_trades_count": account.trade_count for span in _SPANS},
                **volumes,
            },
        }
        return bodies[stream]

    def _user_stats(self, account: VenueAccount, now_us: int) -> Json:
        stats = account_views.user_stats_view(account, self._exchange.markets)
        return {"stats": stats, "timestamp": now_us // 1_000}

    def _positions(self, account: VenueAccount, market_ids: Iterable[int]) -> Json:
        markets = self._exchange.markets
        return {str(key): account_views.position_view(account, markets[key], markets) for key in market_ids}

    def _fundings(self, account: VenueAccount, changes: Changes) -> dict[str, list[Json]]:
        grouped: dict[str, list[Json]] = {}
        for payment in changes.fundings.get(account, ()):
            view = account_views.funding_view(payment, self._exchange.markets[payment.market_id])
            grouped.setdefault(str(payment.market_id), []).append(view)
        return grouped

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


def _trades_of(account: VenueAccount, changes: Changes) -> list[VenueTrade]:
    return [each for each in changes.trades if account.index in {each.ask.account_index, each.bid.account_index}]


def _assets(account: VenueAccount) -> Json:
    return {str(account_views.USDC_ASSET): account_views.asset_view(account)}


def _volume(account: VenueAccount) -> Decimal:
    return Decimal(account.volume).scaleb(-QUOTE_DECIMALS)
