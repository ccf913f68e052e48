"""What was filled and is not booked yet: it counts against every limit until a trade or a position report has it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import SubmitOrder, TripBreaker
from core.engine import effects as fx
from core.events import FillReported, OrderSendResolved, OrdersReported, PositionsReported
from core.model import OrderIntent, OrderStatus, Position
from core.risk import MarketExposure
from tests.support.fake_connector import ETH
from tests.support.machine import SENT, Bench, buy, sell

S = OrderStatus
SIZE = Decimal(12)


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def exposure(bench: Bench) -> tuple[Decimal, Decimal, Decimal]:
    """Position, open buys, open sells."""
    found = bench.facts.outlook.exposures().get(ETH, MarketExposure())
    return found.position, found.open_buys, found.open_sells


def filled_by_report(bench: Bench, wanted: OrderIntent) -> bool:
    """Submit an order that the order stream alone reports filled; whether risk let it leave."""
    bench.effects.clear()
    bench.wish(SubmitOrder(intent=wanted))
    sent = [effect.order for effect in bench.of(fx.SendOrder)]
    for order in sent:
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
        bench.tell(OrdersReported(orders=(bench.report(order, S.FILLED, str(wanted.size)),)))
    return bool(sent)


def test_between_the_orders_frame_and_the_trades_nothing_is_missing_from_the_exposure(bench: Bench) -> None:
    report = bench.rest(buy("12", "2000"))
    assert exposure(bench) == (0, SIZE, 0)
    done = bench.ended(report, S.FILLED, "12")
    fill = bench.fill_of(report, "12")
    bench.tell(OrdersReported(orders=(done,)))
    assert exposure(bench) == (0, SIZE, 0)
    bench.tell(FillReported(fill=fill))
    assert exposure(bench) == (SIZE, 0, 0)


def test_with_a_silent_trades_channel_the_position_limit_still_holds(bench: Bench) -> None:
    passed = 0
    while filled_by_report(bench, buy("12", "2000")) and passed < 10:
        passed += 1
        bench.wait(seconds=10)
    assert passed * 24_000 <= bench.limits.max_position_notional


def test_reducing_cannot_flip_a_position_by_orders_whose_trades_are_untold() -> None:
    bench = Bench()
    bench.connect(positions=(Position(market_id=ETH, size=Decimal(5), time_us=1),))
    bench.wish(TripBreaker(by="test", reason="test"))
    assert [filled_by_report(bench, sell("5", "2000")) for _ in range(3)] == [True, False, False]


def test_it_counts_on_although_the_order_left_memory() -> None:
    bench = Bench(recent_limit=2)
    bench.connect()
    report = bench.rest(buy("12", "2000"))
    bench.tell(OrdersReported(orders=(bench.ended(report, S.FILLED, "12"),)))
    for _ in range(5):
        bench.tell_ended(bench.rest(sell()))
    assert bench.facts.orders.find(client_id=report.client_id) is None
    assert exposure(bench) == (0, SIZE, 0)


@pytest.mark.parametrize("later_us", [-1, 0, 1])
@pytest.mark.parametrize("is_position_first", [False, True])
def test_a_position_report_contains_it_from_the_orders_time_on(
    bench: Bench, later_us: int, *, is_position_first: bool
) -> None:
    report = bench.rest(buy("12", "2000"))
    done = bench.ended(report, S.FILLED, "12")
    size = SIZE if later_us >= 0 else Decimal(0)
    told = Position(market_id=ETH, size=size, time_us=done.time_us + later_us)
    facts = [OrdersReported(orders=(done,)), PositionsReported(positions=(told,), is_complete=False)]
    bench.tell(*(reversed(facts) if is_position_first else facts))
    position, buys, _ = exposure(bench)
    assert (position, buys) == ((SIZE, 0) if later_us >= 0 else (0, SIZE))


def test_a_flat_answer_without_a_time_counts_only_if_it_was_asked_for_later(bench: Bench) -> None:
    report = bench.rest(buy("12", "2000"))
    asked_ns = bench.now.mono_ns
    bench.clock.advance(us=10)
    bench.tell(OrdersReported(orders=(bench.ended(report, S.FILLED, "12"),)))
    bench.tell(PositionsReported(positions=(), is_complete=True, asked_ns=asked_ns))
    bench.tell(PositionsReported(positions=(), is_complete=True))
    assert exposure(bench) == (0, SIZE, 0)
    bench.clock.advance(us=10)
    bench.tell(PositionsReported(positions=(), is_complete=True, asked_ns=bench.now.mono_ns))
    assert exposure(bench) == (0, 0, 0)


def test_after_two_seconds_the_venue_is_asked_and_asked_again_more_rarely(bench: Bench) -> None:
    report = bench.rest()
    bench.tell(OrdersReported(orders=(bench.ended(report, S.FILLED, "0.1"),)))
    bench.effects.clear()
    bench.wait(ms=1_950)
    assert not bench.of(fx.CatchUpFills)
    bench.wait(ms=50)
    assert (len(bench.of(fx.CatchUpFills)), len(bench.of(fx.ViewAccount))) == (1, 1)
    for _ in range(27):
        bench.tell(fx.FillsCaughtUp())  # the answer holds nothing new
        bench.wait(seconds=1)
    assert len(bench.of(fx.CatchUpFills)) == 3
    bench.fill(report, "0.1")
    bench.effects.clear()
    bench.wait(seconds=300)
    assert not bench.of(fx.CatchUpFills)


def test_trades_that_cannot_be_had_are_admitted_once_the_position_has_them(bench: Bench) -> None:
    report = bench.rest()
    done = bench.ended(report, S.FILLED, "0.1")
    bench.tell(OrdersReported(orders=(done,)))
    bench.wait(seconds=300)
    assert exposure(bench)[1] == Decimal("0.1"), "nothing proves that the position has it"
    told = Position(market_id=ETH, size=Decimal("0.1"), time_us=done.time_us)
    bench.tell(PositionsReported(positions=(told,), is_complete=False))
    bench.wait(seconds=1)
    assert "0.1 of it was filled by trades that cannot be had" in bench.texts()
    bench.effects.clear()
    bench.wait(seconds=300)
    assert not bench.of(fx.CatchUpFills)


def test_a_part_that_a_position_report_contains_does_not_count_again_with_the_next_part(bench: Bench) -> None:
    report = bench.rest(buy("12", "2000"))
    first = bench.ended(report, S.PARTIALLY_FILLED, "4")
    bench.tell(OrdersReported(orders=(first,)))
    told = Position(market_id=ETH, size=Decimal(4), time_us=first.time_us)
    bench.tell(PositionsReported(positions=(told,), is_complete=False))
    bench.tell(OrdersReported(orders=(bench.ended(report, S.PARTIALLY_FILLED, "5"),)))
    assert exposure(bench)[:2] == (4, 8)


def test_an_order_placed_elsewhere_counts_too_and_is_let_go_with_the_next_position(bench: Bench) -> None:
    foreign = replace(bench.report(bench.submit()), client_id=None, filled=Decimal("0.04"))
    before = exposure(bench)[1]
    bench.tell(OrdersReported(orders=(foreign,)))
    assert exposure(bench)[1] == before + Decimal("0.1")
    told = Position(market_id=ETH, size=Decimal("0.04"), time_us=foreign.time_us)
    bench.tell(PositionsReported(positions=(told,), is_complete=False))
    bench.effects.clear()
    bench.wait(seconds=60)
    assert exposure(bench)[:2] == (Decimal("0.04"), before + Decimal("0.06"))
    assert not bench.of(fx.CatchUpFills)
