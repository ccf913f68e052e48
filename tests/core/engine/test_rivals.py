from dataclasses import replace

import pytest

from core.commands import CancelOrder, CloseBreaker
from core.connectors.base import NewOrder
from core.decisions import TradingState
from core.engine import effects as fx
from core.engine.records import first_client_id
from core.events import NonceMoved, NoticeLevel, OrderReport, OrdersReported
from core.model import OrderMapSide
from core.units import ClientOrderId
from tests.support.fake_connector import ETH
from tests.support.machine import Bench, sell

TWO_YEARS_US = 2 * 365 * 86_400_000_000


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.clock.advance(us=TWO_YEARS_US)
    ready.connect()
    return ready


def strange(bench: Bench, client_id: int | None) -> OrderReport:
    number = None if client_id is None else ClientOrderId(client_id)
    return replace(bench.report(NewOrder(client_id=ClientOrderId(1), intent=sell())), client_id=number)


def of_another_engine(bench: Bench) -> int:
    return first_client_id(bench.now.utc_us) + 77


def alerts(bench: Bench) -> list[str]:
    return [notice.text for notice in bench.facts.notices.all() if notice.level is NoticeLevel.ALERT]


def test_an_order_under_an_id_of_our_kind_holds_trading_back_until_a_human_closes_the_breaker(bench: Bench) -> None:
    report = strange(bench, of_another_engine(bench))
    bench.tell(OrdersReported(orders=(report,)))
    state, detail = bench.facts.trading()
    assert state is TradingState.REDUCING
    assert "another instance" in detail
    assert f"order {report.client_id} was placed under an id of this program's kind" in alerts(bench)[0]
    bench.tell(OrdersReported(orders=(strange(bench, of_another_engine(bench) + 1),)))
    assert len(alerts(bench)) == 1, "known already"
    bench.wish(CloseBreaker(by="operator", reason="stopped the other one"))
    assert bench.facts.trading()[0] is TradingState.ACTIVE
    bench.tell(OrdersReported(orders=(strange(bench, of_another_engine(bench) + 2),)))
    assert bench.facts.trading()[0] is TradingState.REDUCING, "it is still there"


@pytest.mark.parametrize("client_id", [None, 1_234, 10**9, 2**47])
def test_other_strangers_are_shown_and_counted_and_nothing_else(bench: Bench, client_id: int | None) -> None:
    report = strange(bench, client_id)
    bench.tell(OrdersReported(orders=(report,)))
    assert not alerts(bench)
    (entry,) = [t.entry() for t in bench.facts.orders.live() if t.side is OrderMapSide.VENUE]
    assert entry.note == "placed elsewhere: counted in risk, left alone"
    assert bench.facts.outlook.exposures()[ETH].open_sells >= report.size
    bench.effects.clear()
    bench.wait(seconds=40)
    assert not bench.of(fx.SendCancel)
    bench.wish(CancelOrder(market_id=ETH, venue_id=report.venue_id))
    (cancel,) = bench.of(fx.SendCancel)
    assert (cancel.ref.venue_id, cancel.ref.client_id) == (report.venue_id, None)


def test_what_was_there_before_us_is_no_proof_of_a_second_instance() -> None:
    bench = Bench()
    bench.clock.advance(us=TWO_YEARS_US)
    other = Bench()
    other.connect()
    left = replace(other.rest(), client_id=ClientOrderId(of_another_engine(bench)))
    bench.connect(left)
    assert not alerts(bench)
    assert bench.facts.trading()[0] is TradingState.ACTIVE


def test_a_nonce_that_moved_without_us(bench: Bench) -> None:
    bench.tell(NonceMoved(api_key_index=5, expected=10, found=12))
    assert "nonce of key 5 moved from 10 to 12 without us" in alerts(bench)[0]
    assert bench.facts.trading()[0] is TradingState.REDUCING


def test_it_survives_a_restart(bench: Bench) -> None:
    bench.tell(NonceMoved(api_key_index=5, expected=10, found=12))
    again = bench.restarted()
    assert again.facts.breakers.statuses(())[0].by == "another instance"
