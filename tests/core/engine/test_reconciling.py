from decimal import Decimal

import pytest

from core.commands import Reconcile
from core.config import Engine
from core.decisions import TradingState, Unresolved
from core.engine import effects as fx
from core.events import (
    LinkChanged,
    LinkHealth,
    LinkName,
    LinkStatus,
    OrderSendResolved,
    PositionsReported,
)
from core.model import OrderMapEntry, OrderMapSide, OrderStatus, Position
from core.units import ClientOrderId
from tests.support.fake_connector import ETH
from tests.support.machine import Bench


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    ready.effects.clear()
    return ready


def asked(bench: Bench) -> tuple[int, int]:
    return len(bench.of(fx.ListOpenOrders)), len(bench.of(fx.ViewAccount))


def id_of(entry: OrderMapEntry) -> ClientOrderId:
    assert entry.order.client_id is not None
    return entry.order.client_id


def trading(bench: Bench) -> TradingState:
    return bench.facts.trading()[0]


class TestWhen:
    def test_on_the_schedule_that_was_set(self, bench: Bench) -> None:
        bench.facts.tuning = Engine(reconcile_every_s=20)
        bench.wait(ms=19_900)
        assert asked(bench) == (0, 0)
        bench.wait(ms=200)
        assert asked(bench) == (1, 1)
        bench.lists()
        bench.wait(seconds=20)
        assert asked(bench) == (2, 2)

    def test_at_once_when_the_account_stream_is_back(self, bench: Bench) -> None:
        bench.wait(seconds=2)
        for status in (LinkStatus.DOWN, LinkStatus.LIVE):
            bench.tell(LinkChanged(link=LinkHealth(name=LinkName.ACCOUNT, status=status)))
        assert asked(bench) == (1, 1)

    def test_after_an_unresolved_outcome_but_not_again_and_again(self, bench: Bench) -> None:
        bench.wait(seconds=2)
        first, second = bench.submit(), bench.submit()
        bench.effects.clear()
        for order in (first, second):
            bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Unresolved("no reply")))
        assert asked(bench) == (1, 1)

    def test_on_demand_and_says_what_came_of_it(self, bench: Bench) -> None:
        bench.wish(Reconcile(by="operator"))
        assert asked(bench) == (1, 1)
        bench.lists()
        assert "compared for" not in bench.texts()
        bench.tell(PositionsReported(positions=(), is_complete=True, asked_ns=bench.now.mono_ns))
        assert "compared for operator: orders and positions agree with the venue's" in bench.texts()

    def test_before_the_venue_answers_nothing_can_be_compared(self) -> None:
        early = Bench()
        early.wish(Reconcile(by="operator"))
        assert asked(early) == (0, 0)
        assert "not connected" in early.texts()


class TestMismatch:
    def test_an_order_missing_from_the_list_holds_trading_back_until_it_is_explained(self, bench: Bench) -> None:
        report = bench.rest()
        bench.wait(ms=100)
        bench.lists()
        bench.wait(seconds=1)
        assert trading(bench) is TradingState.ACTIVE, "the frame of its end may be on its way"
        bench.wait(ms=1_200)
        state, detail = bench.facts.trading()
        assert state is TradingState.REDUCING
        assert f"order {report.client_id} is open by all we know" in detail
        (entry,) = [tracked.entry() for tracked in bench.facts.orders.live()]
        assert (entry.side, entry.note) == (OrderMapSide.OURS, "being looked up")
        bench.tell(fx.OrderLookedUp(client_id=id_of(entry), report=bench.ended(report)))
        bench.wait(ms=50)
        assert trading(bench) is TradingState.ACTIVE
        assert "agree with the venue's again" in bench.texts()

    def test_it_stays_in_doubt_while_only_silence_answers(self, bench: Bench) -> None:
        report = bench.rest()
        bench.wait(ms=100)
        bench.lists()
        bench.wait(ms=100)
        assert report.client_id is not None
        bench.tell(fx.OrderLookedUp(client_id=report.client_id, report=None))
        bench.wait(seconds=3)
        assert trading(bench) is TradingState.REDUCING
        assert bench.tracked(report.client_id).entry().note == "looked up once, no trace of it"
        for _ in range(4):
            bench.wait(seconds=4)
            bench.tell(fx.OrderLookedUp(client_id=report.client_id, report=None))
        assert bench.status(report.client_id) is OrderStatus.EXPIRED
        bench.wait(ms=50)
        assert trading(bench) is TradingState.ACTIVE

    def test_a_position_that_differs_does_until_the_venue_confirms_it(self, bench: Bench) -> None:
        there = (Position(market_id=ETH, size=Decimal("0.5"), time_us=bench.now.utc_us + 1),)
        bench.tell(PositionsReported(positions=there, is_complete=False))
        bench.wait(seconds=3)
        state, detail = bench.facts.trading()
        assert state is TradingState.REDUCING
        assert "add up to 0, the venue says 0.5" in detail
        bench.tell(PositionsReported(positions=there, is_complete=True, asked_ns=bench.now.mono_ns))
        bench.wait(ms=50)
        assert trading(bench) is TradingState.ACTIVE
