"""The order map by itself: both ways, one way out, bounded."""

from dataclasses import replace

import pytest

from core.engine.order_map import OrderMap, Tracked
from core.errors import InvariantBroken
from core.model import OPERATOR, Order, OrderMapSide, OrderStatus, Side
from core.units import ClientOrderId, TaskId, VenueOrderId
from tests.support.fake_connector import BTC, ETH, intent


def tracked(number: int, status: OrderStatus = OrderStatus.ACCEPTED, venue_id: int | None = None) -> Tracked:
    order = Order(
        intent=intent(),
        status=status,
        client_id=ClientOrderId(number),
        venue_id=None if venue_id is None else VenueOrderId(venue_id),
    )
    return Tracked(order=order, origin=OPERATOR, task_id=TaskId(number))


def close(orders: OrderMap, one: Tracked) -> None:
    one.become(replace(one.order, status=OrderStatus.CANCELED))
    orders.settle(one)


def test_both_ids_lead_to_the_order() -> None:
    orders = OrderMap(4)
    one = tracked(1)
    orders.add(one)
    orders.link(one, VenueOrderId(77))
    assert orders.find(client_id=ClientOrderId(1)) is one
    assert orders.find(venue_id=VenueOrderId(77)) is one
    assert one.order.venue_id == 77


def test_an_id_belongs_to_one_order() -> None:
    orders = OrderMap(4)
    one, two = tracked(1, venue_id=77), tracked(2)
    orders.add(one)
    orders.add(two)
    with pytest.raises(InvariantBroken):
        orders.add(tracked(1))
    with pytest.raises(InvariantBroken):
        orders.link(two, VenueOrderId(77))
    with pytest.raises(InvariantBroken):
        orders.link(one, VenueOrderId(78))


def test_the_oldest_recent_order_is_forgotten_with_its_ids() -> None:
    orders = OrderMap(2)
    ones = [tracked(number, venue_id=100 + number) for number in range(1, 5)]
    for one in ones:
        orders.add(one)
    for one in ones[:3]:
        close(orders, one)
    assert list(orders.live()) == [ones[3]]
    assert list(orders.recent()) == [ones[2], ones[1]]
    assert orders.find(client_id=ClientOrderId(1)) is None
    assert orders.find(venue_id=VenueOrderId(101)) is None
    assert orders.is_free(ClientOrderId(1))
    assert orders.index_size == 9


def test_settling_twice_changes_nothing() -> None:
    orders = OrderMap(2)
    one = tracked(1)
    orders.add(one)
    close(orders, one)
    orders.settle(one)
    assert list(orders.recent()) == [one]


def test_an_order_that_lives_again_leaves_the_recent_ones() -> None:
    orders = OrderMap(2)
    one = tracked(1)
    orders.add(one)
    close(orders, one)
    one.become(replace(one.order, status=OrderStatus.ACCEPTED))
    orders.settle(one)
    assert list(orders.live()) == [one]
    assert list(orders.recent()) == []
    assert list(orders.live_in(ETH)) == [one]


@pytest.mark.parametrize(
    ("status", "venue_id", "market_id", "side", "is_match"),
    [
        (OrderStatus.SUBMITTING, None, ETH, Side.BUY, True),
        (OrderStatus.SUBMITTING, None, BTC, Side.BUY, False),
        (OrderStatus.SUBMITTING, None, ETH, Side.SELL, False),
        (OrderStatus.QUEUED, None, ETH, Side.BUY, False),
        (OrderStatus.DENIED, None, ETH, Side.BUY, False),
        (OrderStatus.ACCEPTED, 55, ETH, Side.BUY, False),
    ],
)
def test_a_client_id_alone_does_not_make_an_order_ours(status, venue_id, market_id, side, is_match) -> None:
    orders = OrderMap(2)
    one = tracked(1, status, venue_id)
    orders.add(one)
    found = orders.match(venue_id=VenueOrderId(77), client_id=ClientOrderId(1), market_id=market_id, side=side)
    assert (found is one) == is_match


def test_an_empty_market_is_not_kept() -> None:
    orders = OrderMap(2)
    one = tracked(1)
    orders.add(one)
    close(orders, one)
    assert list(orders.live_markets()) == []


def test_sides() -> None:
    one = tracked(1, OrderStatus.SUBMITTING)
    assert one.side is OrderMapSide.OURS
    one.become(replace(one.order, status=OrderStatus.ACCEPTED))
    assert one.side is OrderMapSide.OURS
    one.is_listed = True
    assert one.side is OrderMapSide.BOTH
    one.task_id = None
    assert one.side is OrderMapSide.VENUE


def test_an_order_that_comes_back_after_it_was_forgotten_is_found_and_forgotten_again() -> None:
    orders = OrderMap(1)
    back, other = tracked(1, venue_id=77), tracked(2, venue_id=78)
    for one in (back, other):
        orders.add(one)
        close(orders, one)
    assert orders.find(client_id=ClientOrderId(1)) is None
    back.become(replace(back.order, status=OrderStatus.ACCEPTED))
    orders.settle(back)
    assert orders.find(client_id=ClientOrderId(1)) is back
    assert orders.find(venue_id=VenueOrderId(77)) is back
    close(orders, back)
    close(orders, back)
    assert (len(orders), orders.index_size) == (1, 3)


def test_forgetting_an_order_leaves_its_ids_to_the_order_that_carries_them_now() -> None:
    orders = OrderMap(1)
    old, other = tracked(1, venue_id=77), tracked(2, venue_id=78)
    for one in (old, other):
        orders.add(one)
        close(orders, one)
    revived = tracked(1, venue_id=77)
    orders.add(revived)
    old.become(replace(old.order, status=OrderStatus.ACCEPTED))
    orders.settle(old)
    close(orders, old)
    close(orders, other)
    last = tracked(3, venue_id=79)
    orders.add(last)
    close(orders, last)
    assert list(orders.recent()) == [last]
    assert orders.find(venue_id=VenueOrderId(77)) is revived
