"""The venue's REST answers: query in, HTTP status and body out.

Pure; parameters, units and error bodies as `apidocs.lighter.xyz/reference` gives them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from core.connectors.venue import account_views, market_views, tokens, views
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.market import MarketState
from core.connectors.venue.orders import VenueOrder
from core.connectors.venue.simulation import CHAIN_ID, Simulation
from core.connectors.venue.views import Json

NIL: Final = 255
"""As a market or key index: all of them."""
_MAX_DIGITS: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One request."""

    params: Mapping[str, str]
    token: str | None
    now_us: int

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number.

        Raises:
            BadRequest: it is missing and has no default, or is no number.
        """
        text = self.params.get(name)
        if text is None or not text:
            if default is None:
                raise BadRequest(name)
            return default
        if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= _MAX_DIGITS):
            raise BadRequest(name)
        return int(text)

    def limit(self, most: int) -> int:
        """How many rows, 1 to `most`.

        Raises:
            BadRequest: it is missing or outside.
        """
        found = self.number("limit")
        if not 1 <= found <= most:
            raise BadRequest("limit")
        return found


class BadRequest(Exception):
    """A parameter that cannot be used; never leaves this module."""

    def __init__(self, name: str) -> None:
        """Name the parameter."""
        super().__init__(name)
        self.refusal: Final = Refusal(Code.INVALID_PARAM, f"invalid param : {name}")


Answer = Json | Refusal


class Rest:
    """Every GET endpoint."""

    def __init__(self, simulation: Simulation) -> None:
        """Answer for this venue."""
        self._simulation: Final = simulation
        self._exchange: Final = simulation.exchange
        self._routes: Final[dict[str, Callable[[Query], Answer]]] = {
            "/": lambda query: {"status": 200, "network_id": CHAIN_ID, "timestamp": query.now_us // 1_000_000},
            "/info": lambda _: {"contract_address": f"0x{0:040x}"},
            "/api/v1/currentHeight": lambda query: {"code": 200, "height": views.block_height(query.now_us)},
            "/api/v1/orderBooks": self._order_books,
            "/api/v1/orderBookDetails": self._order_book_details,
            "/api/v1/orderBookOrders": self._order_book_orders,
            "/api/v1/recentTrades": self._recent_trades,
            "/api/v1/trades": self._trades,
            "/api/v1/account": self._account,
            "/api/v1/apikeys": self._api_keys,
            "/api/v1/nextNonce": self._next_nonce,
            "/api/v1/accountActiveOrders": self._active_orders,
            "/api/v1/accountInactiveOrders": self._inactive_orders,
            "/api/v1/accountOrders": self._orders_by_client,
            "/api/v1/accountLimits": self._limits,
            "/api/v1/tx": self._tx,
        }

    @property
    def paths(self) -> tuple[str, ...]:
        """What can be asked."""
        return tuple(self._routes)

    def get(self, path: str, query: Query) -> tuple[int, bytes]:
        """Answer one request."""
        route = self._routes.get(path)
        if route is None:
            return 404, views.encode({"code": int(Code.NOT_FOUND), "message": "not found"})
        try:
            answer = route(query)
        except BadRequest as error:
            answer = error.refusal
        if isinstance(answer, Refusal):
            return refused(answer)
        return 200, views.encode(answer)

    def _order_books(self, query: Query) -> Answer:
        rows = [market_views.order_book_view(market.spec) for market in self._chosen(query)]
        return {"code": 200, "order_books": rows}

    def _order_book_details(self, query: Query) -> Answer:
        rows = [market_views.order_book_detail_view(market) for market in self._chosen(query)]
        return {"code": 200, "order_book_details": rows, "spot_order_book_details": []}

    def _order_book_orders(self, query: Query) -> Answer:
        market, limit = self._market(query), query.limit(250)
        sides: Json = {"code": 200}
        for name, side in (("asks", market.book.asks), ("bids", market.book.bids)):
            rows = [views.book_order_view(order, market.spec) for order, _ in zip(side.orders(), range(limit))]  # noqa: B905 - the shorter ends it
            sides[f"total_{name}"] = len(rows)
            sides[name] = rows
        return sides

    def _recent_trades(self, query: Query) -> Answer:
        market, limit = self._market(query), query.limit(100)
        newest = list(market.prints)[-limit:]
        return {"code": 200, "trades": [views.trade_view(trade, market.spec) for trade in reversed(newest)]}

    def _trades(self, query: Query) -> Answer:
        """Newest first; an account's trades need its token, a market's do not."""
        limit = query.limit(100)
        if query.params.get("sort_by") not in {"block_height", "timestamp", "trade_id"}:
            raise BadRequest("sort_by")
        before = query.number("cursor", 0)
        market_id = query.number("market_id", NIL)
        if "account_index" in query.params:
            account = self._private(query)
            if isinstance(account, Refusal):
                return account
            source, owner = list(account.trades), account.index
        else:
            source, owner = list(self._market(query).prints), None
        order_index = query.number("order_index", 0) or query.number("order_index_str", 0)
        since_ms = max(0, query.number("from", 0))
        chosen = [
            trade
            for trade in reversed(source)
            if (before == 0 or trade.trade_id < before)
            and market_id in {NIL, trade.market_id}
            and order_index in {0, trade.ask.order_index, trade.bid.order_index}
            and trade.time_us >= since_ms * 1_000
        ]
        rows = [views.trade_view(each, self._exchange.markets[each.market_id].spec, owner) for each in chosen[:limit]]
        return {"code": 200, **_cursor(chosen[limit - 1].trade_id if len(chosen) > limit else None), "trades": rows}

    def _account(self, query: Query) -> Answer:
        by, value = query.params.get("by"), query.params.get("value", "")
        if by not in {"index", "l1_address"}:
            raise BadRequest("by")
        if by == "index":
            found = self._exchange.accounts.get(query.number("value"))
        else:
            found = next((each for each in self._exchange.accounts.values() if each.l1_address == value), None)
        if found is None:
            return Refusal(Code.ACCOUNT_NOT_FOUND, "account not found")
        view = account_views.account_view(found, self._exchange.markets, query.now_us)
        return {"code": 200, "total": 1, "accounts": [view]}

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
        account = self._private(query)
        if isinstance(account, Refusal):
            return account
        wanted = query.number("market_id", NIL)
        chosen = [order for order in account.live.values() if wanted in {NIL, order.market_id}]
        return {"code": 200, "orders": [self._order(order) for order in chosen]}

    def _inactive_orders(self, query: Query) -> Answer:
        """Newest first; the cursor counts rows already given."""
        account, limit = self._private(query), query.limit(100)
        if isinstance(account, Refusal):
            return account
        wanted, skipped = query.number("market_id", NIL), query.number("cursor", 0)
        first_s, last_s = _span(query.params.get("between_timestamps"))
        chosen = [
            order
            for order in reversed(account.closed)
            if wanted in {NIL, order.market_id} and first_s <= order.updated_us // 1_000_000 <= last_s
        ][skipped:]
        rows = [self._order(order) for order in chosen[:limit]]
        return {"code": 200, **_cursor(skipped + limit if len(chosen) > limit else None), "orders": rows}

    def _orders_by_client(self, query: Query) -> Answer:
        account = self._private(query)
        if isinstance(account, Refusal):
            return account
        texts = query.params.get("client_order_indexes", "").split(",")
        if not 1 <= len(texts) <= 20 or not all(text.isascii() and text.isdigit() for text in texts):
            raise BadRequest("client_order_indexes")
        wanted = {int(text) for text in texts if len(text) <= _MAX_DIGITS} - {0}
        found = [order for order in account.live.values() if order.client_index in wanted]
        found += [order for order in reversed(account.closed) if order.client_index in wanted]
        return {"code": 200, "orders": [self._order(order) for order in found]}

    def _limits(self, query: Query) -> Answer:
        account = self._private(query)
        if isinstance(account, Refusal):
            return account
        return account_views.limits_view(account)

    def _tx(self, query: Query) -> Answer:
        by, value = query.params.get("by"), query.params.get("value", "")
        if by not in {"hash", "sequence_index"}:
            raise BadRequest("by")
        sequencer = self._simulation.sequencer
        found = sequencer.by_hash(value) if by == "hash" else sequencer.by_sequence(query.number("value"))
        if found is None:
            return Refusal(Code.TX_NOT_FOUND, "transaction not found")
        return views.tx_view(found)

    def _order(self, order: VenueOrder) -> Json:
        return views.order_view(order, self._exchange.markets[order.market_id].spec, is_update=False)

    def _chosen(self, query: Query) -> list[MarketState]:
        """Markets asked for; this venue has no spot."""
        if query.params.get("filter") == "spot":
            return []
        if query.number("market_id", NIL) == NIL:
            return list(self._exchange.markets.values())
        return [self._market(query)]

    def _market(self, query: Query) -> MarketState:
        market = self._exchange.markets.get(query.number("market_id"))
        if market is None:
            raise BadRequest("market_id")
        return market

    def _private(self, query: Query) -> VenueAccount | Refusal:
        """The account asked for, when the token may read it."""
        now_s = query.now_us // 1_000_000
        owner = tokens.account_of(query.token, self._exchange, now_s)
        if isinstance(owner, Refusal):
            return owner
        return tokens.check(query.token, query.number("account_index", owner.index), self._exchange, now_s) or owner


def refused(refusal: Refusal) -> tuple[int, bytes]:
    """Status and body of a refusal."""
    return refusal.http_status, views.encode({"code": int(refusal.code), "message": refusal.message})


def _cursor(value: int | None) -> Json:
    return {} if value is None else {"next_cursor": str(value)}


def _span(text: str | None) -> tuple[int, int]:
    """`first-last` in seconds; everything when it is not asked."""
    if text is None:
        return 0, 10**12
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit()):
        raise BadRequest("between_timestamps")
    return int(first), int(last)
