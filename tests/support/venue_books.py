"""A matching engine with a few accounts, for tests that need no wires."""

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import listed
from core.connectors.venue.exchange import Exchange, conserved
from core.connectors.venue.orders import Grouping, OrderKind, OrderRequest, OrderStatus, Tif, VenueOrder

ETH, BTC = 0, 1
MONEY = 10**12
MARK = 100_000
"""The mark price these exchanges begin at, in ticks."""


def exchange_with(*collaterals: int, maker_fee: int = 0, taker_fee: int = 0) -> tuple[Exchange, list[VenueAccount]]:
    """Two markets at `MARK`, and an account for each collateral (1e-6 USDC), numbered from 1."""
    exchange = Exchange(listed(2))
    for market in exchange.markets.values():
        market.mark = market.index = market.last = MARK
    accounts = [
        exchange.add_account(
            VenueAccount(index=number, collateral=collateral, maker_fee=maker_fee, taker_fee=taker_fee)
        )
        for number, collateral in enumerate(collaterals, start=1)
    ]
    return exchange, accounts


def request(side: str, size: int, price: int, **terms: object) -> OrderRequest:
    """A request for ETH; `terms` are those of `OrderRequest`."""
    fields: dict[str, object] = {"market_id": ETH, "client_index": 0, "is_ask": side == "sell"}
    return OrderRequest(**(fields | {"size": size, "price": price} | terms))


def order(exchange: Exchange, account: VenueAccount, side: str, size: int, price: int, **terms: object) -> VenueOrder:
    """Place it; it must not be refused."""
    made = exchange.create(account, request(side, size, price, **terms), now_us=1)
    assert isinstance(made, VenueOrder), made
    return made


def stop(exchange: Exchange, account: VenueAccount, side: str, size: int, trigger: int, **terms: object) -> VenueOrder:
    """A stop-loss that takes any price within ten percent of its trigger."""
    price = trigger * (9 if side == "sell" else 11) // 10
    fields = {"kind": OrderKind.STOP_LOSS, "tif": Tif.IOC, "trigger_price": trigger, "reduce_only": True} | terms
    return order(exchange, account, side, size, fields.pop("price", price), **fields)


def leg(side: str, kind: OrderKind, trigger: int, size: int = 0, **terms: object) -> OrderRequest:
    """A conditional order of a group."""
    price = trigger * (9 if side == "sell" else 11) // 10
    fields = {"kind": kind, "tif": Tif.IOC, "trigger_price": trigger, "reduce_only": True} | terms
    return request(side, size, fields.pop("price", price), **fields)


def group(exchange: Exchange, account: VenueAccount, kind: Grouping, *requests: OrderRequest) -> list[VenueOrder]:
    """Place a group; its orders in the order given."""
    before = set(account.live)
    first = exchange.create_group(account, kind, requests, now_us=1)
    assert isinstance(first, VenueOrder), first
    if kind is Grouping.OCO:
        return [each for index, each in account.live.items() if index not in before]
    return [first, *first.children]


def move(exchange: Exchange, mark: int, market_id: int = ETH) -> int:
    """Set the mark and run whatever it triggers; how many did."""
    market = exchange.markets[market_id]
    market.mark = mark
    return sum(1 for _ in exchange.trigger(market, now_us=2))


def hold(exchange: Exchange, account: VenueAccount, other: VenueAccount, size: int, price: int = MARK) -> None:
    """Give `account` a position of signed `size` at `price`, bought from `other`."""
    order(exchange, other, "sell" if size > 0 else "buy", abs(size), price)
    order(exchange, account, "buy" if size > 0 else "sell", abs(size), price)


def assert_sound(exchange: Exchange) -> None:
    """The laws that hold whatever was done: money, sizes, books, and the lists that must agree about orders."""
    marks = {market_id: market.mark for market_id, market in exchange.markets.items()}
    assert conserved(exchange, marks) == exchange.deposits
    accounts = exchange.accounts.values()
    for market_id, market in exchange.markets.items():
        book = market.book
        assert not book.is_crossed
        assert sum(account.size_in(market_id) for account in accounts) == 0
        assert market.open_interest == sum(max(0, account.size_in(market_id)) for account in accounts)
        resting = {each.index: each for side in (book.asks, book.bids) for each in side.orders()}
        live = {each.index: each for account in accounts for each in account.live.values()}
        mine = {index: each for index, each in live.items() if each.market_id == market_id}
        assert {index: each for index, each in mine.items() if not each.is_pending} == {
            index: each for index, each in resting.items() if not each.account.is_internal
        }
        waiting = {index: each for index, each in mine.items() if each.is_pending}
        watching = {index: each for index, each in waiting.items() if each.trigger_status.value == "mark-price"}
        assert watching == market.watching
        for each in waiting.values():
            if index_is_child(each):
                assert each.parent is not None
                assert each.parent.is_live
        for side in (book.asks, book.bids):
            for level in side.levels.values():
                assert level.size == sum(each.remaining for each in level.orders.values()) > 0
    for account in accounts:
        clients = [each.client_index for each in account.live.values() if each.client_index]
        assert sorted(clients) == sorted(account.by_client)
        assert all(each.is_live for each in account.live.values())
        assert account.reducers == {key: each for key, each in account.live.items() if each.reduce_only}
        for each in account.closed:
            assert not each.is_live
            assert (each.status is OrderStatus.FILLED) == (each.remaining == 0 and each.size > 0)


def index_is_child(each: VenueOrder) -> bool:
    """Whether an order still waits for its parent."""
    return each.trigger_status.value == "parent-order"
