"""REST answers about accounts, their keys, orders, trades and transactions.

Pure; what only its owner may read asks for a token.
"""

from dataclasses import dataclass
from typing import Final

from core.connectors.venue import account_views, tokens, tx, views
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.orders import VenueOrder, VenueTrade
from core.connectors.venue.query import NIL, Answer, BadRequest, Query, Route, cursor, is_number
from core.connectors.venue.rest_tokens import OMITTED_ACCOUNT, reader
from core.connectors.venue.simulation import Simulation
from core.connectors.venue.views import Json

MAX_CLIENT_INDEXES: Final = 20
_SORTS: Final = frozenset({"block_height", "timestamp", "trade_id"})
_SIDES: Final = frozenset({"all", "long", "short"})
_ROLES: Final = frozenset({"all", "maker", "taker"})
_TRADE_TYPES: Final = frozenset({"all", "trade", "liquidation", "deleverage", "market-settlement"})


class AccountAnswers:
    """Endpoints about one account."""

    def __init__(self, simulation: Simulation) -> None:
        """Answer for this venue's accounts."""
        self._simulation: Final = simulation
        self._exchange: Final = simulation.exchange

    def routes(self) -> dict[str, Route]:
        """What can be asked."""
        return {
            "/api/v1/trades": self._trades,
            "/api/v1/account": self._account,
            "/api/v1/accountsByL1Address": self._by_address,
            "/api/v1/apikeys": self._api_keys,
            "/api/v1/nextNonce": self._next_nonce,
            "/api/v1/accountActiveOrders": self._active_orders,
            "/api/v1/accountInactiveOrders": self._inactive_orders,
            "/api/v1/accountOrders": self._orders_by_client,
            "/api/v1/accountLimits": self._limits,
            "/api/v1/positionFunding": self._position_funding,
            "/api/v1/accountTxs": self._txs,
            "/api/v1/tx": self._tx,
        }

    def _trades(self, query: Query) -> Answer:
        """Newest first; an account's trades need its token, a market's do not."""
        limit = query.limit(100)
        query.choice("sort_by", _SORTS)
        if query.number("account_index", OMITTED_ACCOUNT) != OMITTED_ACCOUNT:
            account = reader(query, self._exchange)
            if isinstance(account, Refusal):
                return account
            source, owner = list(account.trades), account.index
        else:
            market = self._exchange.markets.get(query.number("market_id"))
            if market is None:
                raise BadRequest("market_id")
            source, owner = list(market.prints), None
        wanted = _trade_filter(query)
        chosen = [trade for trade in reversed(source) if wanted.fits(trade, owner)]
        rows = [views.trade_view(each, self._exchange.markets[each.market_id].spec, owner) for each in chosen[:limit]]
        return {"code": 200, **cursor(chosen[limit - 1].trade_id if len(chosen) > limit else None), "trades": rows}

    def _account(self, query: Query) -> Answer:
        by, value = query.params.get("by"), query.params.get("value", "")
        if by not in {"index", "l1_address"}:
            raise BadRequest("by")
        if by == "index":
            one = self._exchange.accounts.get(query.number("value"))
            found = [one] if one is not None else []
        else:
            found = self._at(value)
        if not found:
            return Refusal(Code.ACCOUNT_NOT_FOUND, "account not found")
        rows = [account_views.account_view(each, self._exchange.markets, query.now_us) for each in found]
        return {"code": 200, "total": len(rows), "accounts": rows}

    def _by_address(self, query: Query) -> Answer:
        address = query.params.get("l1_address", "")
        found = self._at(address)
        if not found:
            return Refusal(Code.ACCOUNT_NOT_FOUND, "account not found")
        rows = [account_views.summary_view(each) for each in found]
        return {"code": 200, "l1_address": found[0].l1_address, "sub_accounts": rows}

    def _api_keys(self, query: Query) -> Answer:
        account = self._exchange.accounts.get(query.number("account_index"))
        wanted = query.number("api_key_index", NIL)
        found = account.keys.items() if account is not None else ()
        rows = [
            {
                "account_index": query.number("account_index"),
                "api_key_index": index,
                "nonce": key.nonce,
                "public_key": key.public_key,
                "transaction_time": key.registered_us,
            }
            for index, key in found
            if wanted in {NIL, index}
        ]
        if not rows:
            return Refusal(Code.API_KEY_NOT_FOUND, "api key not found")
        return {"code": 200, "api_keys": rows}

    def _next_nonce(self, query: Query) -> Answer:
        account = self._exchange.accounts.get(query.number("account_index"))
        key = account.keys.get(query.number("api_key_index")) if account is not None else None
        if key is None:
            return Refusal(Code.API_KEY_NOT_FOUND, "api key not found")
        return {"code": 200, "nonce": key.nonce}

    def _active_orders(self, query: Query) -> Answer:
        account = reader(query, self._exchange)
        if isinstance(account, Refusal):
            return account
        wanted = query.number("market_id", NIL)
        is_spot = query.params.get("market_type") == "spot"
        chosen = [order for order in account.live.values() if wanted in {NIL, order.market_id} and not is_spot]
        return {"code": 200, "orders": [self._order(order) for order in chosen]}

    def _inactive_orders(self, query: Query) -> Answer:
        """Newest first; the cursor counts rows already given."""
        account, limit = reader(query, self._exchange), query.limit(100)
        if isinstance(account, Refusal):
            return account
        wanted, skipped = query.number("market_id", NIL), query.number("cursor", 0)
        side = query.number("ask_filter", -1)
        if skipped < 0:
            return Refusal(Code.INVALID_CURSOR, "invalid cursor")
        first_s, last_s = _span(query.params.get("between_timestamps"))
        chosen = [
            order
            for order in reversed(account.closed)
            if wanted in {NIL, order.market_id}
            and side in {-1, int(order.is_ask)}
            and first_s <= order.updated_us // 1_000_000 <= last_s
        ][skipped:]
        rows = [self._order(order) for order in chosen[:limit]]
        return {"code": 200, **cursor(skipped + limit if len(chosen) > limit else None), "orders": rows}

    def _orders_by_client(self, query: Query) -> Answer:
        account = reader(query, self._exchange)
        if isinstance(account, Refusal):
            return account
        wanted = query.numbers("client_order_indexes")
        if not 1 <= len(wanted) <= MAX_CLIENT_INDEXES or min(wanted) < 0:
            raise BadRequest("client_order_indexes")
        asked = set(wanted) - {0}
        found = [order for order in account.live.values() if order.client_index in asked]
        found += [order for order in reversed(account.closed) if order.client_index in asked]
        return {"code": 200, "orders": [self._order(order) for order in found]}

    def _limits(self, query: Query) -> Answer:
        account = reader(query, self._exchange)
        return account if isinstance(account, Refusal) else account_views.limits_view(account)

    def _position_funding(self, query: Query) -> Answer:
        """Newest first."""
        account, limit = reader(query, self._exchange), query.limit(100)
        if isinstance(account, Refusal):
            return account
        skipped, (start_ms, end_ms) = query.number("cursor", 0), query.period(is_open=True)
        side = query.choice("side", _SIDES, "all")
        if skipped < 0:
            return Refusal(Code.INVALID_CURSOR, "invalid cursor")
        wanted = set(query.numbers("market_ids")) - {NIL}
        chosen = [
            payment
            for payment in reversed(account.fundings)
            if (not wanted or payment.market_id in wanted)
            and side in {"all", "long" if payment.size > 0 else "short"}
            and start_ms <= payment.time_s * 1_000 <= end_ms
        ][skipped:]
        rows = [account_views.funding_view(each, self._exchange.markets[each.market_id]) for each in chosen[:limit]]
        return {
            "code": 200,
            **cursor(skipped + limit if len(chosen) > limit else None),
            "position_fundings": rows,
        }

    def _txs(self, query: Query) -> Answer:
        """Oldest first, after place `index`."""
        query.choice("by", frozenset({"account_index"}))
        limit, now_s = query.limit(100), query.now_us // 1_000_000
        refusal = tokens.check(query.token, query.number("value"), self._exchange, now_s)
        if refusal is not None:
            return refusal
        types = set(query.numbers("types")) or tx.TYPES
        found = self._simulation.sequencer.of_account(query.number("value"), query.number("index", -1), types)
        return {"code": 200, "txs": [views.plain_tx_view(record) for record in found[:limit]]}

    def _tx(self, query: Query) -> Answer:
        by, value = query.params.get("by"), query.params.get("value", "")
        if by not in {"hash", "sequence_index"}:
            raise BadRequest("by")
        sequencer = self._simulation.sequencer
        found = sequencer.by_hash(value) if by == "hash" else sequencer.by_sequence(query.number("value"))
        return Refusal(Code.TX_NOT_FOUND, "transaction not found") if found is None else views.tx_view(found)

    def _order(self, order: VenueOrder) -> Json:
        return views.order_view(order, self._exchange.markets[order.market_id].spec, is_update=False)

    def _at(self, address: str) -> list[VenueAccount]:
        """Everything of one owner, the master first."""
        lowered = address.lower()
        return [each for each in self._exchange.accounts.values() if each.l1_address == lowered]


@dataclass(frozen=True, slots=True)
class _TradeFilter:
    """Which trades are asked for; side and role are those of the owner, when one is asked for."""

    before: int
    since_us: int
    order_index: int
    market_id: int
    kind: str
    side: int
    role: str

    def fits(self, trade: VenueTrade, owner: int | None) -> bool:
        """Whether this is one of them."""
        return (
            (self.before == 0 or trade.trade_id < self.before)
            and self.market_id in {NIL, trade.market_id}
            and self.order_index in {0, trade.ask.order_index, trade.bid.order_index}
            and trade.time_us >= self.since_us
            and self.kind in {"all", trade.kind.value}
            and (owner is None or self._fits_side(trade, is_ask=trade.ask.account_index == owner))
        )

    def _fits_side(self, trade: VenueTrade, *, is_ask: bool) -> bool:
        role = "maker" if trade.is_maker_ask == is_ask else "taker"
        return self.side in {-1, int(is_ask)} and self.role in {"all", role}


def _trade_filter(query: Query) -> _TradeFilter:
    return _TradeFilter(
        before=query.number("cursor", 0),
        since_us=max(0, query.number("from", 0)) * 1_000,
        order_index=query.number("order_index", 0) or query.number("order_index_str", 0),
        market_id=query.number("market_id", NIL),
        kind=query.choice("type", _TRADE_TYPES, "all"),
        side=query.number("ask_filter", -1),
        role=query.choice("role", _ROLES, "all"),
    )


def _span(text: str | None) -> tuple[int, int]:
    """`first-last` in seconds; everything when it is not asked."""
    if text is None:
        return 0, 10**12
    first, _, last = text.partition("-")
    if not (is_number(first) and is_number(last)):
        raise BadRequest("between_timestamps")
    return int(first), int(last)
