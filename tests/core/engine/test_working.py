from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.engine.order_map import OrderMap, Tracked
from core.engine.working import Working
from core.model import EXTERNAL, Order, OrderStatus, OrderType, Side, TimeInForce
from core.units import ClientOrderId, MarketId
from tests.support.fake_connector import BTC, ETH, intent

ZERO = Decimal(0)
orders = st.builds(
    lambda side, steps, ticks, market, status, filled, can_rest: Order(
        intent=replace(
            intent(side, str(Decimal(steps).scaleb(-4)), str(Decimal(ticks).scaleb(-2)), MarketId(market)),
            tif=TimeInForce.GTT if can_rest else TimeInForce.IOC,
        ),
        status=status,
        filled=Decimal(min(filled, steps)).scaleb(-4),
    ),
    st.sampled_from(Side),
    st.integers(1, 10**6),
    st.integers(1, 10**6),
    st.sampled_from([ETH, BTC]),
    st.sampled_from(OrderStatus),
    st.integers(0, 10**6),
    st.booleans(),
)


@given(st.lists(st.tuples(st.integers(0, 7), orders), max_size=60))
def test_sums_counts_and_best_prices_are_what_walking_over_all_orders_gives(changes):
    working, holders = Working(), [Tracked(order=None, origin=EXTERNAL) for _ in range(8)]
    now = {}
    for number, order in changes:
        holders[number].order = order
        working.note(holders[number])
        now[number] = order
    live = [order for order in now.values() if order.status.may_be_live]
    assert len(working) == len(live)
    assert working.notional == sum((order.remaining * order.intent.price for order in live), ZERO)
    for market in (ETH, BTC):
        here = [order for order in live if order.intent.market_id == market]
        demand = working.demand(market)
        assert demand.orders == len(here)
        assert demand.buys == sum((o.remaining for o in here if o.intent.side is Side.BUY), ZERO)
        assert demand.sells == sum((o.remaining for o in here if o.intent.side is Side.SELL), ZERO)
        rest = [o.intent for o in here if o.intent.tif is TimeInForce.GTT]
        assert demand.bid == max((o.price for o in rest if o.side is Side.BUY), default=None)
        assert demand.ask == min((o.price for o in rest if o.side is Side.SELL), default=None)
    assert set(working.markets()) == {order.intent.market_id for order in live}


def test_an_order_that_cannot_rest_wants_its_size_and_takes_no_price():
    working = Working()
    taker = replace(intent(), type=OrderType.MARKET, tif=TimeInForce.IOC)
    working.note(Tracked(order=Order(intent=taker, status=OrderStatus.SUBMITTING), origin=EXTERNAL))
    assert (working.demand(ETH).buys, working.demand(ETH).bid) == (taker.size, None)


def test_an_order_lifted_out_comes_back_with_the_next_note():
    working = Working()
    tracked = Tracked(order=Order(intent=intent(), status=OrderStatus.ACCEPTED), origin=EXTERNAL)
    working.note(tracked)
    working.lift(tracked)
    assert (len(working), working.demand(ETH).buys, working.notional) == (0, ZERO, ZERO)
    working.note(tracked)
    assert working.demand(ETH).buys == intent().size


def test_the_order_map_tells_of_every_order_that_comes_and_goes():
    orders = OrderMap(recent_limit=1)
    tracked = Tracked(
        order=Order(intent=intent(), status=OrderStatus.SUBMITTING, client_id=ClientOrderId(1)), origin=EXTERNAL
    )
    orders.add(tracked)
    assert orders.working.demand(ETH).orders == 1
    tracked.become(replace(tracked.order, status=OrderStatus.CANCELED))
    orders.settle(tracked)
    assert orders.working.demand(ETH).orders == 0
