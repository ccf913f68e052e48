"""What may still stop an order between its approval and the wire, and what becomes of the place it took meanwhile."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import CancelOrder, SubmitOrder, TripBreaker
from core.config import Engine
from core.decisions import Refused, TradingState
from core.engine import effects as fx
from core.events import (
    CancelSendResolved,
    LinkChanged,
    LinkHealth,
    LinkName,
    LinkStatus,
    OrderSendResolved,
    OrdersReported,
)
from core.model import OrderIntent, OrderStatus, Position, TimeInForce
from core.risk import BreakerPanel
from core.state import KillPhase
from core.units import ClientOrderId
from tests.support.fake_connector import BTC, ETH, intent
from tests.support.machine import SENT, Bench, buy, sell

LONG = (Position(market_id=ETH, size=Decimal("0.3"), time_us=1),)


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect(positions=LONG)
    return ready


def gate(bench: Bench, client_id: ClientOrderId) -> str | None:
    return bench.machine.may_leave(client_id, bench.now)


class TestAtTheGate:
    def test_an_approved_order_leaves(self, bench: Bench) -> None:
        assert gate(bench, bench.submit().client_id) is None

    def test_an_order_that_nobody_knows_does_not(self, bench: Bench) -> None:
        assert gate(bench, ClientOrderId(9_999)) is not None

    def test_it_was_cancelled_while_it_waited(self, bench: Bench) -> None:
        order = bench.submit()
        bench.wish(CancelOrder(market_id=ETH, client_id=order.client_id))
        sentence = gate(bench, order.client_id)
        assert sentence is not None
        assert "cancelled" in sentence
        bench.effects.clear()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Refused(0, sentence)))
        assert bench.status(order.client_id) is OrderStatus.DENIED
        assert not bench.of(fx.SendCancel), "nothing is at the venue"

    def test_its_deadline_passed_while_it_waited(self, bench: Bench) -> None:
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent(), deadline_ns=bench.now.mono_ns + 100_000_000))
        (sent,) = bench.of(fx.SendOrder)
        bench.clock.advance(us=100_000)
        assert gate(bench, sent.order.client_id) is None, "on the deadline is in time"
        bench.clock.advance(us=1)
        assert "deadline" in str(gate(bench, sent.order.client_id))

    def test_reducing_stops_what_grows_and_lets_pass_what_shrinks(self, bench: Bench) -> None:
        growing, shrinking = bench.submit(buy("0.1")), bench.submit(sell("0.3"))
        bench.wish(TripBreaker(by="test", reason="feed"))
        assert "feed" in str(gate(bench, growing.client_id))
        assert gate(bench, shrinking.client_id) is None, "the order itself must not count against it"

    def test_reducing_counts_the_other_orders_on_their_way(self, bench: Bench) -> None:
        first, second = bench.submit(sell("0.2")), bench.submit(sell("0.2"))
        bench.wish(TripBreaker(by="test", reason="feed"))
        assert gate(bench, first.client_id) is not None, "both together would flip the position"
        assert gate(bench, second.client_id) is not None

    def test_a_breaker_of_its_market_stops_it_and_no_other(self, bench: Bench) -> None:
        bench.facts.breakers = BreakerPanel.closed(TradingState.HALTED)
        here, there = bench.submit(), bench.submit(intent(size="0.01", market_id=BTC))
        bench.wish(TripBreaker(by="test", reason="feed", market_id=ETH))
        assert "ETH" in str(gate(bench, here.client_id))
        assert gate(bench, there.client_id) is None

    def test_the_account_stream_went_away_while_it_waited(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(LinkChanged(link=LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.DOWN)))
        assert "account stream" in str(gate(bench, order.client_id))


class TestSending:
    def test_an_order_forgotten_before_its_reply_holds_no_place_and_no_kill(self) -> None:
        bench = Bench(recent_limit=1)
        bench.connect()
        order = bench.submit()
        bench.tell(OrdersReported(orders=(bench.report(order, OrderStatus.FILLED, "0.1"),)))
        bench.tell_ended(bench.rest())
        assert bench.facts.orders.find(client_id=order.client_id) is None, "memory let go of it"
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
        bench.press()
        bench.cancel_all_taken()
        bench.lists()
        assert bench.kill.phase is KillPhase.CONFIRMED


def test_an_order_that_did_not_leave_and_a_cancel_that_cannot_are_said_once() -> None:
    bench = Bench()
    bench.connect()
    order = bench.submit()
    bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Refused(0, "not sent: no connection")))
    report = bench.rest()
    for _ in range(5):
        bench.wish(CancelOrder(market_id=report.market_id, client_id=report.client_id))
        outcome = Refused(0, "not sent: no connection")
        bench.tell(
            CancelSendResolved(
                market_id=report.market_id, client_id=report.client_id, venue_id=report.venue_id, outcome=outcome
            )
        )
    told = [notice.text for notice in bench.facts.notices.all() if "did not leave" in notice.text]
    assert told == [
        f"order {order.client_id} did not leave: not sent: no connection",
        f"the cancel of order {report.client_id} did not leave: not sent: no connection",
    ]


class TestExpiryAtTheVenue:
    @pytest.mark.parametrize(
        ("wanted", "is_set"),
        [
            (buy(), True),
            (replace(buy(), tif=TimeInForce.POST_ONLY), True),
            (replace(buy(), tif=TimeInForce.IOC), False),
            (replace(sell(), reduce_only=True), False),
        ],
    )
    def test_entries_that_rest_expire_by_themselves_where_the_operator_says_so(
        self, bench: Bench, wanted: OrderIntent, *, is_set: bool
    ) -> None:
        bench.facts.tuning = Engine(entry_expiry_s=600)
        assert bench.submit(wanted).expires_us == (bench.now.utc_us + 600_000_000 if is_set else None)

    def test_none_does_unless_it_is_set(self, bench: Bench) -> None:
        assert bench.submit().expires_us is None


def test_only_so_many_are_on_their_way_at_once(bench: Bench) -> None:
    bench.facts.tuning = Engine(max_in_flight=3)
    bench.effects.clear()
    bench.wish(*(SubmitOrder(intent=intent()) for _ in range(5)))
    assert len(bench.of(fx.SendOrder)) == 3
    bench.tell(OrderSendResolved(client_id=bench.of(fx.SendOrder)[0].order.client_id, outcome=SENT))
    bench.wish()
    assert len(bench.of(fx.SendOrder)) == 4
