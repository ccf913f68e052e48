"""Flatten: what it sends, what it never does, and what alone it believes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands import ExitPolicy, Flatten, Kill, KillPart, Rearm, RearmPart, Stop, SubmitOrder
from core.connectors.base import NewOrder
from core.decisions import TradingState
from core.engine import effects as fx
from core.events import CancelAllResolved, OrderSendResolved, OrdersReported, PositionsReported, QuotesChanged
from core.model import OPERATOR, BookStatus, OrderStatus, OrderType, Position, Quote, Side, TimeInForce
from core.scope import Scope
from core.state import FlattenPhase, KillPhase
from core.units import MarketId
from tests.support.fake_connector import BTC, ETH, intent
from tests.support.machine import SENT, Bench

P = FlattenPhase
D = Decimal


def held(market_id: MarketId = ETH, size: str = "0.5") -> Position:
    return Position(market_id=market_id, size=D(size), entry_price=D(2_000))


def ready(*positions: Position) -> Bench:
    bench = Bench()
    bench.connect(positions=positions)
    return bench


def shows(bench: Bench, *positions: Position) -> None:
    bench.clock.advance(us=10)
    asked_ns = bench.now.mono_ns
    bench.tell(PositionsReported(positions=positions, is_complete=True, asked_ns=asked_ns))


def cleared(bench: Bench, market_id: MarketId | None = None) -> None:
    bench.tell(CancelAllResolved(market_id=market_id, outcome=SENT))
    bench.clock.advance(us=10)
    bench.lists()


def slices(bench: Bench) -> list[NewOrder]:
    while bench.machine.next_market() is not None:
        bench.keep(bench.machine.dispatch(bench.now))
    found = [effect.order for effect in bench.of(fx.SendOrder)]
    bench.effects.clear()
    return found


def traded(bench: Bench, order: NewOrder, filled: str | None = None) -> None:
    """The venue takes the slice, fills so much of it, and cancels the rest."""
    bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
    whole = filled is None or D(filled) == order.intent.size
    status = OrderStatus.FILLED if whole else OrderStatus.CANCELED
    report = bench.report(order, status, filled=str(order.intent.size if filled is None else filled))
    bench.tell(OrdersReported(orders=(report,)))
    bench.wait(ms=600)


def phase(bench: Bench) -> FlattenPhase:
    status = bench.facts.standing.flatten
    assert status is not None
    return status.phase


def begun(*positions: Position) -> Bench:
    """Cancelled, confirmed, and the venue shows these positions."""
    bench = ready(*positions)
    bench.wish(Flatten(by="operator"))
    cleared(bench)
    bench.effects.clear()
    shows(bench, *positions)
    bench.wait(ms=100)
    return bench


def test_it_kills_first_and_sends_nothing_before_the_list_is_empty() -> None:
    bench = ready(held())
    report = bench.rest()
    bench.effects.clear()
    bench.wish(Flatten(by="operator"))
    assert bench.kill.phase is KillPhase.REQUESTED
    shows(bench, held())
    bench.wait(ms=500)
    assert slices(bench) == []
    assert phase(bench) is P.CANCELLING
    bench.tell_ended(report)
    cleared(bench)
    shows(bench, held())
    bench.wait(ms=100)
    assert len(slices(bench)) == 1


@pytest.mark.parametrize(("size", "side", "price"), [("0.5", Side.SELL, "1980.00"), ("-0.5", Side.BUY, "2020.00")])
def test_a_slice_is_reduce_only_immediate_and_capped_from_the_mark(size: str, side: Side, price: str) -> None:
    bench = begun(held(size=size))
    (order,) = slices(bench)
    wanted = order.intent
    assert (wanted.side, wanted.size, wanted.price) == (side, D("0.5"), D(price))
    assert (wanted.reduce_only, wanted.tif, wanted.type) == (True, TimeInForce.IOC, OrderType.LIMIT)


def test_only_positions_asked_for_after_the_last_slice_confirm() -> None:
    bench = begun(held())
    (order,) = slices(bench)
    before_ns = bench.now.mono_ns
    traded(bench, order)
    bench.tell(PositionsReported(positions=(), is_complete=True, asked_ns=before_ns))
    bench.wait(ms=50)
    assert phase(bench) is P.REDUCING, "that answer was asked for before the slice ended"
    bench.tell(PositionsReported(positions=(held(size="0"),), is_complete=False))
    bench.wait(ms=50)
    assert phase(bench) is P.REDUCING, "a stream's word is not enough"
    shows(bench)
    bench.wait(ms=50)
    assert phase(bench) is P.CONFIRMED
    assert bench.kill.is_latched, "trading is not allowed again by being flat"


def test_what_is_left_is_sent_again_by_the_venues_size_and_never_two_at_once() -> None:
    bench = begun(held())
    (first,) = slices(bench)
    bench.wait(seconds=1)
    shows(bench, held())
    bench.wait(seconds=1)
    assert slices(bench) == [], "the first is still on its way"
    traded(bench, first, "0.2")
    shows(bench, held(size="0.3"))
    bench.wait(ms=100)
    (second,) = slices(bench)
    assert second.intent.size == D("0.3")


def test_every_market_is_closed_and_slices_keep_to_the_limits() -> None:
    bench = begun(held(ETH, "20"), held(BTC, "-0.01"))
    orders = {order.intent.market_id: order.intent for order in slices(bench)}
    assert orders[ETH].size == D("5.0000"), "10,000 USDC at a mark of 2,000"
    assert (orders[BTC].side, orders[BTC].size) == (Side.BUY, D("0.01"))


def test_the_kill_stays_closed_for_every_other_order() -> None:
    bench = begun(held())
    slices(bench)
    bench.wish(SubmitOrder(intent=intent(Side.SELL, "0.1", "2000.00")))
    assert slices(bench) == []


def test_its_kill_is_not_lifted_while_it_closes() -> None:
    bench = begun(held())
    bench.wish(Rearm(by="operator", reason="go on"))
    assert "cannot re-arm: a flatten is under way" in bench.texts()
    assert bench.facts.trading()[0] is TradingState.HALTED
    (order,) = slices(bench)
    traded(bench, order)
    shows(bench)
    bench.wait(ms=50)
    assert phase(bench) is P.CONFIRMED
    bench.wish(Rearm(by="operator", reason="go on"))
    assert bench.facts.trading()[0] is TradingState.ACTIVE


def test_the_kill_of_its_market_is_not_lifted_while_it_closes() -> None:
    bench = ready(held())
    bench.wish(Flatten(by="operator", market_id=ETH))
    cleared(bench, ETH)
    bench.wish(RearmPart(scope=Scope(market_id=ETH), by="operator", reason="go on"))
    assert bench.facts.standing.killed_part(ETH, OPERATOR)
    bench.wish(KillPart(scope=Scope(market_id=ETH), by="operator", pressed_ns=bench.now.mono_ns))
    cleared(bench, ETH)
    bench.wish(RearmPart(scope=Scope(market_id=ETH), by="operator", reason="go on"))
    assert not bench.facts.standing.killed_part(ETH, OPERATOR)


@pytest.mark.parametrize("wish", [Kill, KillPart])
def test_a_newer_kill_stops_it(wish: type) -> None:
    bench = begun(held())
    (order,) = slices(bench)
    more = {"scope": Scope(market_id=ETH)} if wish is KillPart else {}
    bench.clock.advance(us=10)
    bench.wish(wish(by="test", pressed_ns=bench.now.mono_ns, **more))
    assert phase(bench) is P.FAILED
    assert bench.machine.may_leave(order.client_id, bench.now), "its slice may no longer leave"


def test_a_stale_book_stops_it_in_words_and_time_ends_it() -> None:
    bench = ready(held())
    bench.wish(Flatten(by="operator"))
    cleared(bench)
    stale = Quote(market_id=ETH, status=BookStatus.STALE, reason="silent", mark=D(2_000))
    bench.tell(QuotesChanged(quotes=(stale,)))
    for _ in range(70):
        shows(bench, held())
        bench.wait(seconds=1)
        assert slices(bench) == []
    assert phase(bench) is P.FAILED
    status = bench.facts.standing.flatten
    assert status is not None
    assert "silent" in status.detail
    assert status.left == ((ETH, D("0.5")),)


def test_one_market_is_flattened_alone() -> None:
    bench = ready(held(), held(BTC, "0.01"))
    bench.wish(Flatten(by="operator", market_id=ETH))
    assert not bench.kill.is_latched
    cleared(bench, ETH)
    shows(bench, held(), held(BTC, "0.01"))
    bench.wait(ms=100)
    (order,) = slices(bench)
    traded(bench, order)
    shows(bench, held(BTC, "0.01"))
    bench.wait(ms=50)
    assert phase(bench) is P.CONFIRMED


def test_its_slices_do_not_take_the_kills_confirmation_back() -> None:
    bench = begun(held())
    (order,) = slices(bench)
    assert bench.kill.phase is KillPhase.CONFIRMED
    bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
    report = bench.report(order)
    bench.tell(OrdersReported(orders=(report,)))
    bench.lists(report)
    bench.wait(seconds=2)
    assert bench.kill.phase is KillPhase.CONFIRMED
    assert not bench.of(fx.SendCancelAll)


class TestTheEnd:
    def ended(self, bench: Bench) -> tuple[bool, int, str]:
        report = bench.facts.standing.exit_report
        assert report is not None
        return report.is_clean, report.exit_code, report.text

    def test_the_exit_policy_cancels_flattens_and_confirms(self) -> None:
        bench = ready(held())
        bench.wish(Stop(policy=ExitPolicy.FLATTEN, reason="test"))
        assert bench.of(fx.SendCancelAll)
        cleared(bench)
        assert bench.facts.standing.exit_report is None
        shows(bench, held())
        bench.wait(ms=100)
        (order,) = slices(bench)
        traded(bench, order)
        assert bench.facts.standing.exit_report is None
        shows(bench)
        bench.wait(ms=50)
        assert self.ended(bench) == (True, 0, "stopped; the venue lists no open order and shows no position")

    def test_a_position_that_stays_ends_unclean_and_says_which(self) -> None:
        bench = ready(held())
        bench.wish(Stop(policy=ExitPolicy.FLATTEN, reason="test"))
        cleared(bench)
        shows(bench, held())
        for _ in range(20):
            for order in slices(bench):
                traded(bench, order, "0")
            shows(bench, held())
            bench.wait(seconds=1)
        is_clean, code, text = self.ended(bench)
        assert (is_clean, code) == (False, 1)
        assert "ETH 0.5" in text
        assert "nobody trades at 1980.00 or better" in text

    def test_a_kill_during_it_ends_unclean_with_what_is_left(self) -> None:
        bench = ready(held())
        bench.wish(Stop(policy=ExitPolicy.FLATTEN, reason="test"))
        cleared(bench)
        shows(bench, held())
        bench.wait(ms=100)
        bench.press()
        cleared(bench)
        is_clean, code, text = self.ended(bench)
        assert (is_clean, code) == (False, 1)
        assert "stopped by a kill" in text


@given(
    size=st.integers(min_value=-200_000, max_value=200_000).filter(bool),
    fills=st.lists(st.integers(min_value=0, max_value=100), min_size=1, max_size=12),
)
def test_the_position_only_ever_shrinks_to_zero_whatever_fills(size: int, fills: list[int]) -> None:
    left = D(size).scaleb(-4)
    bench = begun(held(size=str(left)))
    for percent in fills:
        found = slices(bench)
        if not found:
            break
        (order,) = found
        wanted = order.intent
        assert wanted.reduce_only
        assert wanted.side is (Side.SELL if left > 0 else Side.BUY)
        assert wanted.size <= abs(left)
        filled = (wanted.size * percent / 100).quantize(D("0.0001"), rounding="ROUND_DOWN")
        traded(bench, order, str(filled))
        left -= filled * -wanted.side.sign
        shows(bench, *([held(size=str(left))] if left else []))
        bench.wait(ms=100)
    assert (phase(bench) is P.CONFIRMED) == (left == 0)


@pytest.mark.parametrize("market_id", [None, ETH])
def test_one_that_a_crash_cut_off_is_said_at_the_next_start_and_not_gone_on_with(market_id: MarketId | None) -> None:
    bench = ready(held())
    bench.wish(Flatten(market_id=market_id, by="operator at the desk"))
    again = bench.restarted()
    status = again.facts.standing.flatten
    assert status is not None
    assert (status.phase, status.market_id, status.by) == (FlattenPhase.FAILED, market_id, "operator at the desk")
    assert "by operator at the desk was cut off: the engine ended before it was done" in again.texts()
    again.connect(positions=(held(),))
    again.lists(asked_ns=again.now.mono_ns)
    again.wait(seconds=2)
    assert slices(again) == []
    assert again.restarted().facts.standing.flatten is None, "said once"


def test_one_that_was_confirmed_is_not_said_again() -> None:
    bench = begun(held())
    (order,) = slices(bench)
    traded(bench, order)
    bench.wait(ms=500)
    shows(bench)
    assert phase(bench) is FlattenPhase.CONFIRMED
    assert bench.restarted().facts.standing.flatten is None
