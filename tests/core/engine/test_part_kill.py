"""Kills of one market and of one strategy: what they stop, what confirms them, and what they leave alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.commands import CancelOrder, Kill, KillPart, RearmPart, SubmitOrder
from core.connectors.base import OrderRef
from core.decisions import Denied, DenyReason, Refused, Unresolved
from core.engine import effects as fx
from core.engine.part_kill import name_of
from core.events import CancelAllResolved, CancelSendResolved, OrderReport, OrderSendResolved, OrdersReported
from core.model import OPERATOR, OrderStatus, Origin, OriginKind
from core.scope import EVERYTHING, Scope
from core.state import KillPhase, KillStatus
from tests.support.engine import running, seen
from tests.support.fake_connector import BTC, ETH, FakeConnector, intent
from tests.support.machine import SENT, Bench, report_of

P = KillPhase
MAKER = Origin(OriginKind.STRATEGY, "maker")
ONLY_ETH = Scope(market_id=ETH)
ONLY_MAKER = Scope(strategy="maker")


def btc():
    return intent(size="0.01", price="2000.0", market_id=BTC)


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def rested(bench: Bench, wanted=None, origin: Origin = OPERATOR) -> OrderReport:
    bench.effects.clear()
    bench.wish(SubmitOrder(intent=wanted or intent(), origin=origin))
    (sent,) = bench.of(fx.SendOrder)
    bench.tell(OrderSendResolved(client_id=sent.order.client_id, outcome=SENT))
    report = bench.report(sent.order)
    bench.tell(OrdersReported(orders=(report,)))
    return report


def press(bench: Bench, scope: Scope) -> None:
    bench.effects.clear()
    bench.wish(KillPart(scope=scope, by="test", pressed_ns=bench.now.mono_ns))


def part(bench: Bench, scope: Scope) -> KillStatus:
    return next(kill for kill in bench.facts.standing.kills if kill.scope == scope)


def taken(bench: Bench) -> None:
    bench.tell(
        fx.CancelAllSent(sent_ns=bench.now.mono_ns, market_id=ETH), CancelAllResolved(market_id=ETH, outcome=SENT)
    )


def denied(bench: Bench, wanted=None, origin: Origin = OPERATOR) -> bool:
    bench.effects.clear()
    bench.wish(SubmitOrder(intent=wanted or intent(), origin=origin))
    if bench.of(fx.SendOrder):
        return False
    newest = next(bench.facts.orders.recent())
    return newest.order.reason.startswith(DenyReason.KILLED.value)


class TestOneMarket:
    def test_only_its_orders_are_cancelled_by_the_venues_own_cancel_all(self, bench: Bench) -> None:
        mine, other = rested(bench), rested(bench, btc())
        press(bench, ONLY_ETH)
        assert bench.of(fx.SendCancelAll) == [fx.SendCancelAll(market_id=ETH)]
        assert not bench.of(fx.SendCancel)
        taken(bench)
        assert part(bench, ONLY_ETH).phase is P.SENT
        bench.tell_ended(mine)
        bench.lists(other)
        assert part(bench, ONLY_ETH).phase is P.CONFIRMED
        assert bench.status(other.client_id) is OrderStatus.ACCEPTED
        assert not bench.kill.is_latched

    def test_it_stays_blocked_and_the_others_trade(self, bench: Bench) -> None:
        press(bench, ONLY_ETH)
        assert denied(bench)
        assert not denied(bench, btc())

    def test_queued_orders_of_it_are_dropped_and_the_others_wait_on(self, bench: Bench) -> None:
        for wanted in (btc(), btc(), intent(), btc()):
            bench.wish(SubmitOrder(intent=wanted))
        press(bench, ONLY_ETH)
        statuses = {t.market_id: t.status for t in bench.facts.orders.live() if t.status is OrderStatus.QUEUED}
        assert set(statuses) == {BTC}

    def test_a_full_queue_of_it_is_dropped_in_slices_and_holds_up_no_other_market(self, bench: Bench) -> None:
        for number in range(500):
            wanted = intent(price=f"{1_500 + number}.00") if number % 5 else btc()
            bench.machine.submit(SubmitOrder(intent=wanted), bench.now)
        press(bench, ONLY_ETH)
        there = [t for t in bench.facts.orders.live() if t.market_id == ETH and t.status is OrderStatus.QUEUED]
        assert 0 < len(there) < 400, "some are left for later, so that the cancel-all leaves soon"
        assert "400 queued tasks dropped" in bench.texts()
        assert {sent.order.intent.market_id for sent in bench.of(fx.SendOrder)} == {BTC}, "the others go on at once"
        taken(bench)
        bench.lists()
        bench.wish(RearmPart(scope=ONLY_ETH, by="operator", reason="lifted before all of them are gone"))
        assert not bench.facts.standing.kills
        bench.wait(ms=1_000)
        assert not [t for t in there if t.status is not OrderStatus.DENIED]
        assert {sent.order.intent.market_id for sent in bench.of(fx.SendOrder)} == {BTC}

    def test_one_that_is_cancelled_before_its_turn_to_be_dropped_keeps_that_word(self, bench: Bench) -> None:
        for number in range(100):
            bench.machine.submit(SubmitOrder(intent=intent(price=f"{1_500 + number}.00")), bench.now)
        press(bench, ONLY_ETH)
        (*_, last) = [t for t in bench.facts.orders.live() if t.status is OrderStatus.QUEUED]
        bench.wish(CancelOrder(market_id=ETH, client_id=last.order.client_id))
        assert last.status is OrderStatus.CANCELED
        bench.wait(ms=1_000)
        assert last.status is OrderStatus.CANCELED
        assert "cancelled by" in last.order.reason

    def test_an_order_of_strangers_there_holds_confirmation_back(self, bench: Bench) -> None:
        foreign = replace(report_of_stranger(bench), client_id=None)
        bench.lists(foreign)
        press(bench, ONLY_ETH)
        taken(bench)
        bench.lists(foreign)
        assert part(bench, ONLY_ETH).phase is P.SENT
        assert part(bench, ONLY_ETH).may_be_live == 1
        bench.tell_ended(foreign)
        bench.lists()
        assert part(bench, ONLY_ETH).phase is P.CONFIRMED

    def test_an_order_on_its_way_there_holds_confirmation_back_one_elsewhere_does_not(self, bench: Bench) -> None:
        elsewhere = bench.submit(btc())
        press(bench, ONLY_ETH)
        taken(bench)
        bench.lists()
        assert part(bench, ONLY_ETH).phase is P.CONFIRMED
        bench.tell(OrderSendResolved(client_id=elsewhere.client_id, outcome=SENT))
        other = Bench()
        other.connect()
        order = other.submit()
        press(other, ONLY_ETH)
        taken(other)
        other.lists()
        assert part(other, ONLY_ETH).phase is P.SENT
        asked_ns = other.now.mono_ns
        other.clock.advance(us=10)
        other.tell(OrderSendResolved(client_id=order.client_id, outcome=Refused(21_733, "no")))
        other.lists(asked_ns=asked_ns)
        assert part(other, ONLY_ETH).phase is P.SENT, "that list was asked for before the answer"
        other.lists()
        assert part(other, ONLY_ETH).phase is P.CONFIRMED

    def test_a_refused_cancel_all_fails_and_is_repeated_then_joined_by_single_cancels(self, bench: Bench) -> None:
        mine = rested(bench)
        press(bench, ONLY_ETH)
        bench.tell(CancelAllResolved(market_id=ETH, outcome=Refused(23_000, "Too Many Requests!")))
        assert part(bench, ONLY_ETH).phase is P.FAILING
        assert "Too Many Requests!" in part(bench, ONLY_ETH).detail
        for _ in range(3):
            bench.wait(ms=1_050)
            bench.tell(CancelAllResolved(market_id=ETH, outcome=Refused(23_000, "Too Many Requests!")))
        assert len(bench.of(fx.SendCancelAll)) >= 3
        assert [cancel.ref for cancel in bench.of(fx.SendCancel)] == [
            OrderRef(market_id=ETH, client_id=mine.client_id, venue_id=mine.venue_id)
        ], "one that waits is not sent twice"

    def test_without_a_list_nothing_is_confirmed(self, bench: Bench) -> None:
        press(bench, ONLY_ETH)
        taken(bench)
        bench.tell(fx.ListFailed(why="no answer"))
        assert part(bench, ONLY_ETH).phase is P.FAILING
        assert part(bench, ONLY_ETH).may_be_live is None

    def test_an_answer_to_it_says_nothing_of_the_kill_of_everything(self, bench: Bench) -> None:
        bench.press()
        press(bench, ONLY_ETH)
        taken(bench)
        bench.lists()
        assert part(bench, ONLY_ETH).phase is P.CONFIRMED
        assert bench.kill.phase is P.REQUESTED


def report_of_stranger(bench: Bench) -> OrderReport:
    from core.connectors.base import NewOrder
    from core.units import ClientOrderId

    return report_of(
        NewOrder(client_id=ClientOrderId(9_999), intent=intent()), 2**49, OrderStatus.ACCEPTED, bench.now.utc_us
    )


class TestOneStrategy:
    def test_its_orders_go_one_by_one_and_the_operators_stay(self, bench: Bench) -> None:
        theirs, mine = rested(bench, origin=MAKER), rested(bench, intent(price="1800.00"))
        press(bench, ONLY_MAKER)
        assert not bench.of(fx.SendCancelAll)
        (cancel,) = bench.of(fx.SendCancel)
        assert cancel.ref.venue_id == theirs.venue_id
        bench.tell(
            CancelSendResolved(market_id=ETH, client_id=theirs.client_id, venue_id=theirs.venue_id, outcome=SENT)
        )
        assert part(bench, ONLY_MAKER).phase is P.SENT
        bench.lists(theirs, mine)
        assert part(bench, ONLY_MAKER).phase is P.SENT
        bench.tell_ended(theirs)
        bench.lists(mine)
        assert part(bench, ONLY_MAKER).phase is P.CONFIRMED
        assert bench.status(mine.client_id) is OrderStatus.ACCEPTED

    def test_it_is_blocked_the_operator_is_not(self, bench: Bench) -> None:
        press(bench, ONLY_MAKER)
        assert denied(bench, origin=MAKER)
        assert not denied(bench)

    def test_an_unknown_order_of_it_keeps_it_failing(self, bench: Bench) -> None:
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent(), origin=MAKER))
        (sent,) = bench.of(fx.SendOrder)
        bench.tell(OrderSendResolved(client_id=sent.order.client_id, outcome=Unresolved("no reply")))
        press(bench, ONLY_MAKER)
        bench.lists()
        bench.wait(ms=3_200)
        assert part(bench, ONLY_MAKER).phase is P.FAILING
        assert part(bench, ONLY_MAKER).may_be_live == 1

    def test_one_in_one_market_leaves_its_others(self, bench: Bench) -> None:
        here, there = rested(bench, origin=MAKER), rested(bench, btc(), origin=MAKER)
        press(bench, Scope(market_id=ETH, strategy="maker"))
        assert [cancel.ref.venue_id for cancel in bench.of(fx.SendCancel)] == [here.venue_id]
        assert not denied(bench, btc(), origin=MAKER)
        assert bench.status(there.client_id) is OrderStatus.ACCEPTED


class TestLatch:
    def test_rearming_needs_confirmation_and_a_reason(self, bench: Bench) -> None:
        press(bench, ONLY_ETH)
        bench.wish(RearmPart(scope=ONLY_ETH, by="operator", reason="fine again"))
        assert part(bench, ONLY_ETH)
        taken(bench)
        bench.lists()
        bench.wish(RearmPart(scope=ONLY_ETH, by="operator", reason=" "))
        assert part(bench, ONLY_ETH)
        bench.wish(RearmPart(scope=ONLY_ETH, by="operator", reason="fine again"))
        assert bench.facts.standing.kills == ()
        assert not denied(bench)

    def test_it_survives_a_restart_and_sweeps_again(self, bench: Bench) -> None:
        press(bench, ONLY_ETH)
        press(bench, ONLY_MAKER)
        fresh = bench.restarted()
        assert {kill.scope for kill in fresh.facts.standing.kills} == {ONLY_ETH, ONLY_MAKER}
        fresh.connect()
        fresh.tell(fx.FillsCaughtUp())
        fresh.wait(ms=100)
        assert fresh.of(fx.SendCancelAll) == [fx.SendCancelAll(market_id=ETH)]
        assert denied(fresh)
        assert part(fresh, ONLY_ETH).confirmed_ms is None

    def test_an_order_that_appears_is_cancelled_too(self, bench: Bench) -> None:
        press(bench, ONLY_ETH)
        taken(bench)
        bench.lists()
        assert part(bench, ONLY_ETH).phase is P.CONFIRMED
        bench.effects.clear()
        bench.tell(OrdersReported(orders=(replace(report_of_stranger(bench), client_id=None),)))
        bench.wait(ms=1_050)
        assert part(bench, ONLY_ETH).phase is not P.CONFIRMED
        assert bench.of(fx.SendCancelAll)
        assert "appeared" in bench.texts()

    def test_the_kill_of_everything_stands_above(self, bench: Bench) -> None:
        press(bench, ONLY_ETH)
        taken(bench)
        bench.lists()
        bench.wish(Kill(by="test", pressed_ns=bench.now.mono_ns))
        bench.wish(RearmPart(scope=ONLY_ETH, by="operator", reason="x"))
        assert denied(bench, btc())


def test_names_are_words() -> None:
    bench = Bench()
    bench.connect()
    markets = bench.facts.markets
    scopes = [EVERYTHING, ONLY_ETH, ONLY_MAKER, Scope(market_id=ETH, strategy="maker")]
    assert [name_of(scope, markets) for scope in scopes] == [
        "everything",
        "market ETH",
        "strategy maker",
        "strategy maker in ETH",
    ]


def test_a_press_at_the_very_last_instruction_stops_the_order_of_that_market_alone(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        venue.before_gate = lambda: handle.submit(KillPart(scope=ONLY_ETH, by="test", pressed_ns=0))
        handle.submit(SubmitOrder(intent=btc()))
        seen(handle, "the other market's order left", lambda: venue.submitted)
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "denied", lambda: [t for t in handle.state().recent if t.order.status is OrderStatus.DENIED])
        assert [order.intent.market_id for order in venue.submitted] == [BTC]
        decision = handle.preview(intent())
        assert isinstance(decision, Denied)
        assert decision.reason is DenyReason.KILLED
        seen(handle, "confirmed", lambda: [k for k in handle.state().kills if k.phase is KillPhase.CONFIRMED])
        assert len(venue.open) == 1


def test_a_press_between_approval_and_gate_stops_an_order_already_under_way(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        venue.before_gate = lambda: handle.submit(KillPart(scope=ONLY_ETH, by="test", pressed_ns=0))
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "stopped at the gate", lambda: venue.gated)
        assert venue.submitted == []
