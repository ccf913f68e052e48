"""Somebody else's book among our clients' orders: queues, prints, crossings."""

from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import listed
from core.connectors.venue.exchange import Exchange, conserved
from core.connectors.venue.orders import OrderRequest, OrderStatus, VenueOrder
from core.connectors.venue.replay_street import Print, streets

AT = 190_000


class World:
    def __init__(self) -> None:
        self.exchange = Exchange(listed(1))
        self.street = streets(self.exchange)[0]
        self.client = self.exchange.add_account(VenueAccount(index=9, collateral=10**13))
        self.market = self.exchange.markets[0]

    def show(self, asks: dict[int, int] | None = None, bids: dict[int, int] | None = None) -> None:
        for _ in self.street.update(asks or {}, bids or {}, 1):
            pass

    def trade(self, size: int, price: int = AT, *, is_maker_ask: bool = False) -> None:
        for _ in self.street.trade(Print(price=price, size=size, is_maker_ask=is_maker_ask), 1):
            pass

    def join(self, size: int = 5, price: int = AT, *, is_ask: bool = False) -> VenueOrder:
        request = OrderRequest(market_id=0, client_index=0, is_ask=is_ask, size=size, price=price)
        order = self.exchange.create(self.client, request, 1)
        assert isinstance(order, VenueOrder)
        return order

    def level(self, price: int = AT, *, is_ask: bool = False) -> int:
        level = self.market.book.side(is_ask=is_ask).levels.get(price)
        return level.size if level else 0


def test_an_order_joins_the_back_and_moves_forward_with_prints():
    world = World()
    world.show(bids={AT: 10})
    order = world.join(5)
    world.trade(4)
    world.show(bids={AT: 6})
    world.trade(6)
    assert order.filled == 0
    world.show(bids={AT: 0})
    world.trade(3)
    assert order.filled == 3
    assert [trade.size for trade in world.market.prints] == [4, 6, 3]


def test_what_is_shown_after_it_stands_behind_it():
    world = World()
    world.show(bids={AT: 10})
    order = world.join(5)
    world.show(bids={AT: 30})
    world.show(bids={AT: 70})
    world.trade(13)
    assert order.filled == 3


def test_cancels_come_from_behind_first_and_then_move_it_forward():
    world = World()
    world.show(bids={AT: 10})
    order = world.join(5)
    world.show(bids={AT: 30})
    world.show(bids={AT: 10})
    world.trade(9)
    assert order.filled == 0
    other = World()
    other.show(bids={AT: 10})
    second = other.join(5)
    other.show(bids={AT: 2})
    other.show(bids={AT - 50: 2})
    other.trade(3)
    assert second.filled == 1


def test_an_update_that_comes_before_its_print_does_not_take_the_queue_twice():
    world = World()
    world.show(bids={AT: 10})
    order = world.join(5)
    world.show(bids={AT: 6})
    world.trade(4)
    world.trade(6)
    assert order.filled == 0
    world.trade(1)
    assert order.filled == 1


def test_a_level_that_left_before_its_print_fills_nobody_behind_it():
    world = World()
    world.show(bids={AT: 4})
    order = world.join(5)
    world.show(bids={AT: 0})
    world.trade(4)
    assert order.filled == 0
    world.trade(2)
    assert order.filled == 2


def test_a_book_that_moves_through_an_order_fills_it_at_its_price():
    world = World()
    world.show(asks={AT + 10: 50}, bids={AT - 10: 50})
    order = world.join(5, AT)
    world.show(asks={AT + 10: 0, AT - 3: 8}, bids={AT - 10: 0, AT - 20: 50})
    assert (order.status, order.filled_quote) == (OrderStatus.FILLED, 5 * AT)
    assert world.level(AT - 3, is_ask=True) == 3
    assert not world.market.book.is_crossed


def test_a_better_price_is_hit_first():
    world = World()
    world.show(asks={AT + 10: 50}, bids={AT - 10: 50})
    order = world.join(5, AT)
    world.trade(3, AT - 10)
    assert order.filled == 3


def test_a_snapshot_replaces_everything_but_clients():
    world = World()
    world.show(asks={AT + 10: 50}, bids={AT: 50, AT - 10: 7})
    order = world.join(5, AT)
    for _ in world.street.replace({AT + 20: 9}, {AT - 30: 4}, 1):
        pass
    assert {price: level.size for price, level in world.market.book.bids.levels.items()} == {AT: 5, AT - 30: 4}
    assert {price: level.size for price, level in world.market.book.asks.levels.items()} == {AT + 20: 9}
    assert order.status is OrderStatus.OPEN


UPDATES = st.tuples(st.just("show"), st.booleans(), st.dictionaries(st.integers(1, 20), st.integers(0, 40), max_size=5))
PRINTS = st.tuples(st.just("trade"), st.booleans(), st.tuples(st.integers(1, 20), st.integers(0, 60)))
JOINS = st.tuples(st.just("join"), st.booleans(), st.tuples(st.integers(-25, 25), st.integers(1, 30)))


@given(st.lists(st.one_of(UPDATES, PRINTS, JOINS), max_size=40))
def test_whatever_comes_the_book_is_whole(steps):
    world = World()
    for kind, is_ask, what in steps:
        if kind == "show":
            levels = {AT + away if is_ask else AT - away: size for away, size in what.items()}
            world.show(levels if is_ask else {}, {} if is_ask else levels)
        elif kind == "trade":
            world.trade(what[1], AT + what[0] if is_ask else AT - what[0], is_maker_ask=is_ask)
        else:
            world.join(what[1], AT + what[0], is_ask=is_ask)
        assert not world.market.book.is_crossed
        for side in (world.market.book.asks, world.market.book.bids):
            for level in side.levels.values():
                assert level.size == sum(order.remaining for order in level.orders.values()) > 0
        assert conserved(world.exchange, {0: AT}) == world.exchange.deposits


@given(st.lists(UPDATES, max_size=30))
def test_without_clients_the_book_is_what_was_shown(steps):
    world = World()
    shown: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for _, is_ask, what in steps:
        levels = {AT + away if is_ask else AT - away: size for away, size in what.items()}
        world.show(levels if is_ask else {}, {} if is_ask else levels)
        shown[is_ask] |= levels
    for is_ask, side in ((True, world.market.book.asks), (False, world.market.book.bids)):
        expected = {price: size for price, size in shown[is_ask].items() if size}
        assert {price: level.size for price, level in side.levels.items()} == expected
        assert all(len(level.orders) == 1 for level in side.levels.values())
