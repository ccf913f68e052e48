"""What the connector asks the venue over REST, in domain values: markets, keys, orders, trades, the account.

Private reads carry a token (`tokens`).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from core.clock import Clock
from core.connectors.base import AccountView
from core.connectors.lighter.bodies import (
    AccountLimits,
    AccountRow,
    Accounts,
    ApiKeys,
    Candles,
    OrderBookDetails,
    Orders,
    Trades,
)
from core.connectors.lighter.budget import Grade
from core.connectors.lighter.convert import PERP, account_of_row, candle, market, order_report, position
from core.connectors.lighter.objects import WireOrder, WireTrade
from core.connectors.lighter.rest import Declined, NotServed, RestClient
from core.connectors.lighter.tokens import Tokens
from core.errors import AuthRejected, LinkDown, ProtocolViolation
from core.events import OrderReport
from core.model import Market
from core.tape import Candle, Resolution
from core.units import ClientOrderId, MarketId

_PAGE: Final = 100
_MAX_PAGES: Final = 50
_LOOKUP_PAGES: Final = 5
MAX_CANDLES: Final = 500
_EMPTY_RANGE: Final = 22400
"""What the venue answers about a range in which nothing traded."""
_T = TypeVar("_T")


class VenueApi:
    """Reads of one account."""

    def __init__(self, rest: RestClient, tokens: Tokens, account: int, clock: Clock) -> None:
        """`tokens` open the private reads."""
        self._rest: Final = rest
        self._tokens: Final = tokens
        self._account: Final = account
        self._clock: Final = clock
        self._has_lookup = True

    async def markets(self, grade: Grade = Grade.ORDINARY) -> tuple[Market, ...]:
        """Every perpetual market, in the venue's order."""
        body = await self._rest.get("/api/v1/orderBookDetails", OrderBookDetails, {"market_id": 255}, grade=grade)
        return tuple(market(row) for row in body.order_book_details or () if row.market_type == PERP)

    async def check_key(self, api_key_index: int, public_key: str) -> None:
        """Make sure that the venue knows our key under this index.

        Raises:
            AuthRejected: it knows another one, or none.
        """
        params = {"account_index": self._account, "api_key_index": api_key_index}
        try:
            rows = (await self._rest.get("/api/v1/apikeys", ApiKeys, params)).api_keys or []
        except AuthRejected as error:
            raise AuthRejected(
                f"account_index {self._account}, api_key_index {api_key_index}: expected an account and a key "
                f"that this venue knows, got {error}; correct them in the profile"
            ) from None
        registered = [row.public_key.removeprefix("0x").lower() for row in rows if row.api_key_index == api_key_index]
        if not registered:
            raise AuthRejected(
                f"account {self._account} has no API key {api_key_index}: register one, or correct the index"
            )
        if registered[0] != public_key:
            raise AuthRejected(
                f"API key {api_key_index} of account {self._account} is not ours: the venue has {registered[0][:8]}…, "
                f"our private key makes {public_key[:8]}…; correct the key, the index or the account"
            )

    async def limits(self) -> AccountLimits:
        """What the account is signed up for.

        Raises:
            NotServed: this venue does not tell.
            LinkDown: it could not be had.
            AuthRejected: our token is not accepted.
        """
        params = {"account_index": self._account}
        return await self._private(
            lambda token: self._rest.get("/api/v1/accountLimits", AccountLimits, params, token=token)
        )

    async def open_orders(self) -> tuple[OrderReport, ...]:
        """Every open order of the account."""
        return tuple(map(order_report, await self._orders("/api/v1/accountActiveOrders", {})))

    async def find_order(self, client_id: ClientOrderId, market_id: MarketId) -> OrderReport | None:
        """The newest order with our id in this market: by direct lookup, else among open and recently closed ones."""
        if self._has_lookup:
            try:
                found = await self._orders("/api/v1/accountOrders", {"client_order_indexes": str(client_id)})
                return _newest(found, client_id, market_id)
            except NotServed:
                self._has_lookup = False
        active = await self._orders("/api/v1/accountActiveOrders", {"market_id": market_id})
        return _newest(active, client_id, market_id) or await self._find_closed(client_id, market_id)

    async def newest_trade(self) -> int:
        """The id of the account's newest trade; 0 when it has none."""
        body = await self._trades(limit=1, cursor=None)
        return max((trade.trade_id for trade in body.trades or ()), default=0)

    async def trades_after(self, trade_id: int) -> tuple[WireTrade, ...]:
        """The account's trades newer than this one; a page may bring some older ones along.

        Raises:
            LinkDown: the venue did not answer, or there are more than 5,000.
        """
        found: list[WireTrade] = []
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            body = await self._trades(limit=_PAGE, cursor=cursor)
            page = body.trades or []
            found += page
            cursor = body.next_cursor
            if not cursor or len(page) < _PAGE or min(trade.trade_id for trade in page) <= trade_id:
                return tuple(found)
        raise LinkDown(f"more than {_MAX_PAGES * _PAGE} trades since trade {trade_id}")

    async def candles(self, market_id: MarketId, resolution: Resolution, count: int) -> tuple[Candle, ...]:
        """The newest candles of a market, oldest first. See `Connector.candles`."""
        if not 1 <= count <= MAX_CANDLES:
            raise ValueError(f"candles: expected a count from 1 to {MAX_CANDLES}, got {count}")
        # One past now, for the end is exclusive; not the end of the span: the venue remembers answers by it.
        end_ms = self._clock.now().utc_us // 1_000 + 1
        params: dict[str, str | int] = {
            "market_id": market_id,
            "resolution": resolution.value,
            "start_timestamp": end_ms - count * resolution.span_us // 1_000,
            "end_timestamp": end_ms,
            "count_back": count,
        }
        try:
            body = await self._rest.get("/api/v1/candles", Candles, params, grade=Grade.CHORE)
        except Declined as error:
            if error.code == _EMPTY_RANGE:
                return ()
            raise
        return tuple(candle(one) for one in body.c or () if one.c)[-count:]  # without a price nothing traded

    async def account_view(self, grade: Grade = Grade.ORDINARY) -> AccountView:
        """Collateral and every position that is not flat."""
        return (await self.account_look(grade))[0]

    async def account_look(self, grade: Grade) -> tuple[AccountView, AccountRow]:
        """The same, with all that the venue lists."""
        row = await self._account_row(grade)
        positions = tuple(position(wire, row.transaction_time or 0) for wire in row.positions or ())
        held = tuple(one for one in positions if one.size)
        return AccountView(account=account_of_row(row, held), positions=held), row

    async def _account_row(self, grade: Grade) -> AccountRow:
        params: dict[str, str | int] = {"by": "index", "value": self._account}
        body = await self._rest.get("/api/v1/account", Accounts, params, grade=grade)
        if not body.accounts:
            raise AuthRejected(f"the venue knows no account {self._account}")
        if len(body.accounts) > 1:
            raise ProtocolViolation(f"asked for account {self._account}, got {len(body.accounts)} accounts")
        return body.accounts[0]

    async def _find_closed(self, client_id: ClientOrderId, market_id: MarketId) -> OrderReport | None:
        params: dict[str, str | int] = {"account_index": self._account, "market_id": market_id, "limit": _PAGE}
        for _ in range(_LOOKUP_PAGES):
            body = await self._private(
                lambda token: self._rest.get(
                    "/api/v1/accountInactiveOrders", Orders, params, token=token, grade=Grade.URGENT
                )
            )
            found = _newest(body.orders or [], client_id, market_id)
            if found is not None or not body.next_cursor or len(body.orders or ()) < _PAGE:
                return found
            params["cursor"] = body.next_cursor
        return None

    async def _orders(self, path: str, params: dict[str, str | int]) -> list[WireOrder]:
        """Lists of orders tell what may be live, and confirm a kill: they may use the reserve, and wait for no key."""
        everything = {"account_index": self._account, **params}
        body = await self._private(
            lambda token: self._rest.get(path, Orders, everything, token=token, grade=Grade.URGENT), is_urgent=True
        )
        return body.orders or []

    async def _trades(self, *, limit: int, cursor: str | None) -> Trades:
        params: dict[str, str | int] = {"account_index": self._account, "sort_by": "timestamp", "limit": limit}
        if cursor:
            params["cursor"] = cursor
        return await self._private(lambda token: self._rest.get("/api/v1/trades", Trades, params, token=token))

    async def _private(self, ask: Callable[[str], Awaitable[_T]], *, is_urgent: bool = False) -> _T:
        """Ask with a token; once more with a fresh one when it is refused."""
        token = await self._tokens.token(is_urgent=is_urgent)
        try:
            return await ask(token)
        except AuthRejected:
            return await ask(await self._tokens.fresh(is_urgent=is_urgent))


def _newest(orders: Sequence[WireOrder], client_id: ClientOrderId, market_id: MarketId) -> OrderReport | None:
    ours = [one for one in orders if one.client_order_index == client_id and one.market_index == market_id]
    return order_report(max(ours, key=lambda one: one.transaction_time or 0)) if ours else None
