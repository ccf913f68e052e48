"""Orders that wait for a price or for another order."""

import pytest

from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.orders import Grouping, OrderKind, OrderStatus, Tif, TriggerStatus
from tests.support.venue_books import (
    ETH,
    MARK,
    MONEY,
    assert_sound,
    exchange_with,
    group,
    hold,
    leg,
    move,
    order,
    request,
    stop,
)

SL, TP = OrderKind.STOP_LOSS, OrderKind.TAKE_PROFIT


class TestTriggers:
    @pytest.mark.parametrize(
        ("kind", "held", "side", "before", "after"),
        [
            (OrderKind.STOP_LOSS, 10, "sell", 95_001, 95_000),
            (OrderKind.STOP_LOSS, -10, "buy", 94_999, 95_000),
            (OrderKind.TAKE_PROFIT, 10, "sell", 94_999, 95_000),
            (OrderKind.TAKE_PROFIT, -10, "buy", 95_001, 95_000),
        ],
    )
    def test_each_waits_for_the_mark_on_its_own_side(self, kind, held, side, before, after):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        exchange.markets[ETH].mark = before
        hold(exchange, a, b, held, 95_000)
        order(exchange, b, "buy" if side == "sell" else "sell", 10, 95_000)
        waiting = stop(exchange, a, side, 10, 95_000, kind=kind)
        assert (waiting.status, waiting.trigger_status) == (OrderStatus.PENDING, TriggerStatus.MARK_PRICE)
        assert (move(exchange, before), waiting.status) == (0, OrderStatus.PENDING)
        assert move(exchange, after) == 1
        assert (waiting.status, waiting.filled, a.size_in(ETH)) == (OrderStatus.FILLED, 10, 0)
        assert (waiting.trigger_status, waiting.triggered_us) == (TriggerStatus.READY, 2)
        assert_sound(exchange)

    def test_a_stop_limit_rests_at_its_price(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        hold(exchange, a, b, 10)
        waiting = stop(
            exchange, a, "sell", 10, 95_000, kind=OrderKind.STOP_LOSS_LIMIT, tif=Tif.GTT, price=95_000, reduce_only=True
        )
        assert exchange.markets[ETH].book.asks.best() is None
        assert move(exchange, 94_000) == 1
        assert (waiting.status, exchange.markets[ETH].book.asks.best()) == (OrderStatus.OPEN, 95_000)
        assert_sound(exchange)

    def test_a_waiting_order_needs_no_margin_until_it_trades(self):
        exchange, (a, b) = exchange_with(MONEY, 1_000_000)
        order(exchange, a, "sell", 1_000_000, MARK)
        waiting = stop(exchange, b, "buy", 1_000_000, MARK + 5, reduce_only=False)
        assert (b.open_in(ETH), len(b.pending())) == ((0, 0, 0), 1)
        assert move(exchange, MARK + 5) == 1
        assert (waiting.status, waiting.filled) == (OrderStatus.MARGIN, 0)

    def test_size_zero_closes_what_is_held_when_the_price_comes(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        hold(exchange, a, b, 4)
        waiting = stop(exchange, a, "sell", 0, 95_000)
        hold(exchange, a, b, 3)
        order(exchange, b, "buy", 20, 95_000)
        move(exchange, 95_000)
        assert (waiting.status, waiting.size, a.size_in(ETH)) == (OrderStatus.FILLED, 7, 0)

    def test_it_can_be_changed_cancelled_and_expires(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        hold(exchange, a, b, 4)
        waiting = stop(exchange, a, "sell", 4, 95_000, client_index=7)
        exchange.modify(waiting, 3, 80_000, 2, 90_000)
        assert (waiting.size, waiting.price, waiting.trigger_price, waiting.version) == (3, 80_000, 90_000, 1)
        assert move(exchange, 92_000) == 0
        found = exchange.find(a, ETH, 7)
        assert found is waiting
        exchange.cancel(waiting, OrderStatus.CANCELED, 2)
        assert (waiting.status, exchange.markets[ETH].watching) == (OrderStatus.CANCELED, {})
        dying = stop(exchange, a, "sell", 4, 90_000, expiry_ms=1)
        exchange.expire(1_000)
        assert dying.status is OrderStatus.EXPIRED
        assert_sound(exchange)

    def test_it_goes_with_the_position_it_would_reduce(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        hold(exchange, a, b, 4)
        waiting = stop(exchange, a, "sell", 4, 95_000)
        resting = order(exchange, a, "sell", 4, 120_000, reduce_only=True)
        hold(exchange, a, b, -4)
        assert (waiting.status, resting.status) == (OrderStatus.POSITION, OrderStatus.REDUCE_ONLY)

    def test_without_a_position_a_reducing_one_leaves_no_order(self):
        exchange, (a,) = exchange_with(MONEY)
        terms = {"kind": SL, "tif": Tif.IOC, "trigger_price": 95_000, "reduce_only": True}
        outcome = exchange.create(a, request("sell", 5, 90_000, **terms), 1)
        assert isinstance(outcome, Refusal)
        assert outcome.code is Code.REDUCE_ONLY_INCREASES


class TestGroups:
    def test_a_fill_sizes_and_sends_the_children(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        pair = (leg("sell", SL, 90_000), leg("sell", TP, 110_000))
        lead, loss, profit = group(exchange, a, Grouping.OTOCO, request("buy", 10, MARK), *pair)
        assert (loss.status, loss.trigger_status, loss.size) == (OrderStatus.PENDING, TriggerStatus.PARENT, 0)
        assert (loss.parent, lead.children, profit.sibling) == (lead, (loss, profit), loss)
        assert move(exchange, 89_000) == 0
        move(exchange, MARK)
        order(exchange, b, "sell", 4, MARK)
        assert (lead.status, loss.size, profit.size) == (OrderStatus.OPEN, 4, 4)
        assert loss.trigger_status is profit.trigger_status is TriggerStatus.MARK_PRICE
        order(exchange, b, "sell", 6, MARK)
        assert (lead.status, loss.size) == (OrderStatus.FILLED, 10)
        order(exchange, b, "buy", 10, 110_000)
        assert move(exchange, 111_000) == 1
        assert (profit.status, loss.status, a.size_in(ETH)) == (OrderStatus.FILLED, OrderStatus.OCO, 0)
        assert_sound(exchange)

    def test_children_die_with_a_parent_that_never_filled(self):
        exchange, (a,) = exchange_with(MONEY)
        lead, child = group(exchange, a, Grouping.OTO, request("buy", 10, MARK), leg("sell", SL, 90_000))
        exchange.cancel(lead, OrderStatus.CANCELED, 2)
        assert (child.status, a.live) == (OrderStatus.CHILD, {})

    def test_a_market_parent_that_finds_nobody_leaves_no_children(self):
        exchange, (a,) = exchange_with(MONEY)
        market = request("buy", 10, MARK, kind=OrderKind.MARKET, tif=Tif.IOC)
        lead, child = group(exchange, a, Grouping.OTO, market, leg("sell", SL, 90_000))
        assert (lead.status, child.status) == (OrderStatus.LIQUIDITY, OrderStatus.CHILD)
        assert_sound(exchange)

    def test_a_child_grows_with_every_fill_of_its_parent(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        lead, child = group(exchange, a, Grouping.OTO, request("buy", 10, MARK), leg("sell", SL, 90_000))
        sizes = []
        for part in (4, 1, 5):
            order(exchange, b, "sell", part, MARK)
            sizes.append((lead.filled, child.size, child.trigger_status))
        assert sizes == [(filled, filled, TriggerStatus.MARK_PRICE) for filled in (4, 5, 10)]
        order(exchange, b, "buy", 20, 85_000)
        assert (move(exchange, 89_000), child.filled, a.size_in(ETH)) == (1, 10, 0)

    def test_children_outlive_a_parent_that_filled_in_part(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        lead, child = group(exchange, a, Grouping.OTO, request("buy", 10, MARK), leg("sell", SL, 90_000))
        order(exchange, b, "sell", 3, MARK)
        exchange.cancel(lead, OrderStatus.CANCELED, 2)
        assert (child.status, child.size) == (OrderStatus.PENDING, 3)
        assert_sound(exchange)

    def test_one_cancels_the_other(self):
        exchange, (a, b) = exchange_with(MONEY, MONEY)
        hold(exchange, a, b, 10)
        loss, profit = group(
            exchange, a, Grouping.OCO, leg("sell", SL, 90_000, 10), leg("sell", TP, 110_000, 10, price=105_000)
        )
        order(exchange, b, "buy", 3, 108_000)
        assert move(exchange, 110_000) == 1
        assert (profit.status, profit.filled, loss.status) == (OrderStatus.LIQUIDITY, 3, OrderStatus.OCO)
        assert_sound(exchange)

    def test_a_pair_needs_a_position(self):
        exchange, (a,) = exchange_with(MONEY)
        pair = (leg("sell", SL, 90_000, 10), leg("sell", TP, 110_000, 10))
        outcome = exchange.create_group(a, Grouping.OCO, pair, 1)
        assert isinstance(outcome, Refusal)
        assert (outcome.code, a.live) == (Code.REDUCE_ONLY_INCREASES, {})

    def test_a_client_index_that_lives_refuses_the_group(self):
        exchange, (a,) = exchange_with(MONEY)
        order(exchange, a, "buy", 5, 90_000, client_index=3)
        pair = (request("buy", 10, MARK), leg("sell", SL, 90_000, client_index=3))
        outcome = exchange.create_group(a, Grouping.OTO, pair, 1)
        assert isinstance(outcome, Refusal)
        assert (outcome.code, len(a.live)) == (Code.CLIENT_INDEX_EXISTS, 1)

    def test_cancelling_everything_names_each_order_for_itself(self):
        exchange, (a,) = exchange_with(MONEY)
        orders = group(exchange, a, Grouping.OTO, request("buy", 10, MARK), leg("sell", SL, 90_000))
        assert exchange.cancel_all(a, None, 2) == 2
        assert {each.status for each in orders} == {OrderStatus.CANCELED}
