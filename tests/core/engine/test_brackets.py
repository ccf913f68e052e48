"""Brackets: one decision and one outcome for all orders, each of them known before a byte leaves."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.commands import CancelAlgorithm, KillPart, StartAlgorithm, SubmitOrder, TripBreaker
from core.connectors.base import ExitKind, Leg, NewOrder
from core.connectors.venue.child import PaperVenue
from core.decisions import Refused, TxOutcome, Unresolved
from core.engine import effects as fx
from core.engine.records import SavedOrder
from core.events import NoticeLevel, OrderReport, OrderSendResolved, OrdersReported
from core.model import OrderStatus, OrderType, Side, TimeInForce
from core.plans import Bracket, problem
from core.scope import Scope
from core.state import DeadmanStatus
from core.units import ZERO, MarketId, floor_to
from tests.support.engine import running, seen
from tests.support.fake_connector import ETH, FakeConnector, Fate, intent
from tests.support.machine import SENT, Bench
from tests.support.venue_engine import parts_at, trading

D = Decimal
PLAN = Bracket(market_id=ETH, side=Side.BUY, size=D("0.1"), price=D(1990), take_profit=D(2100), stop_loss=D(1900))


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def begin(bench: Bench, plan: Bracket = PLAN) -> tuple[Leg, ...]:
    bench.effects.clear()
    bench.wish(StartAlgorithm(plan=plan))
    (group,) = bench.of(fx.SendGroup)
    return group.legs


def resolve(bench: Bench, legs: tuple[Leg, ...], outcome: TxOutcome) -> None:
    for leg in legs:
        bench.tell(OrderSendResolved(client_id=leg.order.client_id, outcome=outcome))


def show(bench: Bench, legs: tuple[Leg, ...]) -> list[OrderReport]:
    """The venue takes it, and shows exits without a size, as it does before their lead fills."""
    resolve(bench, legs, SENT)
    reports = [bench.report(leg.order) for leg in legs]
    reports = [replace(one, size=ZERO) if leg.exit else one for one, leg in zip(reports, legs, strict=True)]
    bench.tell(OrdersReported(orders=tuple(reports)))
    return reports


def statuses(bench: Bench, legs: tuple[Leg, ...]) -> list[OrderStatus]:
    return [bench.status(leg.order.client_id) for leg in legs]


def test_a_lead_and_both_exits_leave_as_one_and_are_journalled_before(bench: Bench) -> None:
    lead, profit, loss = begin(bench)
    assert lead.exit is None
    assert (lead.order.intent.side, lead.order.intent.price, lead.order.intent.tif) == (
        Side.BUY,
        D(1990),
        TimeInForce.GTT,
    )
    assert profit.exit is not None
    assert loss.exit is not None
    assert (profit.exit.kind, profit.exit.trigger) == (ExitKind.TAKE_PROFIT, D(2100))
    assert (loss.exit.kind, loss.exit.trigger, loss.order.intent.price) == (ExitKind.STOP_LOSS, D(1900), D(1805))
    for leg in (profit, loss):
        intent = leg.order.intent
        assert (intent.side, intent.type, intent.reduce_only, intent.size) == (
            Side.SELL,
            OrderType.MARKET,
            True,
            D("0.1"),
        )
    assert len({leg.order.expires_us for leg in (lead, profit, loss)}) == 1
    before = bench.effects[: bench.effects.index(bench.of(fx.SendGroup)[0])]
    records = [record for one in before if isinstance(one, fx.Persist) for record in one.records]
    written = {record.order.client_id for record in records if isinstance(record, SavedOrder)}
    assert written == {leg.order.client_id for leg in (lead, profit, loss)}
    assert statuses(bench, (lead, profit, loss)) == [OrderStatus.SUBMITTING] * 3
    assert bench.of(fx.SendOrder) == []


def test_only_the_lead_counts_as_exposure(bench: Bench) -> None:
    begin(bench)
    demand = bench.facts.orders.working.demand(ETH)
    assert (demand.buys, demand.sells, demand.ask, demand.orders) == (D("0.1"), 0, None, 3)


@pytest.mark.parametrize("outcome", [Refused(21_733, "accidental price"), Refused(0, "killed before it was sent")])
def test_a_refusal_ends_all(bench: Bench, outcome: Refused) -> None:
    legs = begin(bench)
    resolve(bench, legs, outcome)
    bench.wait(ms=100)
    assert set(statuses(bench, legs)) <= {OrderStatus.REJECTED, OrderStatus.DENIED}
    assert bench.machine.algorithms() == ()


def test_a_doubt_is_every_orders_and_each_is_looked_up(bench: Bench) -> None:
    legs = begin(bench)
    resolve(bench, legs, Unresolved("no reply within 5 s"))
    bench.wait(ms=100)
    assert statuses(bench, legs) == [OrderStatus.UNKNOWN] * 3
    assert {one.client_id for one in bench.of(fx.LookUpOrder)} == {leg.order.client_id for leg in legs}
    assert len(bench.machine.algorithms()) == 1


def test_what_risk_denies_leaves_no_part_of_it(bench: Bench) -> None:
    bench.effects.clear()
    bench.wish(StartAlgorithm(plan=replace(PLAN, size=D(1_000))))
    bench.wait(ms=100)
    assert bench.of(fx.SendGroup) == []
    assert {one.status for one in bench.facts.orders.recent()} == {OrderStatus.DENIED}
    assert bench.machine.algorithms() == ()


def test_a_stop_that_was_hit_cancels_its_twin_and_ends_the_plan(bench: Bench) -> None:
    legs = begin(bench)
    lead, profit, loss = show(bench, legs)
    assert statuses(bench, legs) == [OrderStatus.ACCEPTED] * 3
    bench.fill(lead, "0.1")
    bench.tell_ended(replace(lead, filled=D("0.1")), OrderStatus.FILLED)
    bench.wait(seconds=1)
    assert len(bench.machine.algorithms()) == 1
    assert bench.machine.algorithms()[0].filled == D("0.1")
    bench.fill(replace(loss, size=D("0.1")), "0.1")
    canceled = replace(bench.ended(profit), reason="canceled-oco")
    bench.tell(OrdersReported(orders=(bench.ended(loss, OrderStatus.FILLED, "0.1"), canceled)))
    bench.wait(ms=100)
    assert statuses(bench, legs) == [OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.FILLED]
    assert bench.machine.algorithms() == ()
    assert bench.position() == 0
    assert "done; 0.1 of 0.1 filled" in bench.texts()
    assert "stays without" not in bench.texts()


@pytest.mark.parametrize("how", ["kill", "plan", "switch"])
def test_a_position_whose_exits_vanish_is_said_aloud(bench: Bench, how: str) -> None:
    legs = begin(bench)
    lead, *exits = show(bench, legs)
    bench.fill(lead, "0.04")
    match how:
        case "kill":
            bench.press()
        case "plan":
            bench.wish(CancelAlgorithm(task_id=bench.machine.algorithms()[0].id))
            assert {one.ref.client_id for one in bench.of(fx.SendCancel)} == {leg.order.client_id for leg in legs}
        case "switch":
            pass  # the venue cancels by itself
    bench.tell(OrdersReported(orders=tuple(bench.ended(one) for one in exits)))
    bench.tell_ended(replace(lead, filled=D("0.04")))
    bench.wait(ms=100)
    alerts = [one.text for one in bench.facts.notices.all() if one.level is NoticeLevel.ALERT]
    assert any("buy of 0.04 ETH stays without its take-profit and stop-loss" in text for text in alerts)


def test_with_a_dead_mans_switch_its_end_is_foretold(bench: Bench) -> None:
    bench.facts.standing.deadman = DeadmanStatus(span_s=300)
    begin(bench)
    assert "should the dead-man's switch fire, it cancels its take-profit and stop-loss as well" in bench.texts()


def test_a_restart_leaves_its_orders_at_the_venue_and_says_so(bench: Bench) -> None:
    legs = begin(bench)
    reports = show(bench, legs)
    again = bench.restarted()
    again.connect(*reports)
    again.wait(seconds=5)
    assert again.of(fx.SendCancel) == []
    assert statuses(again, legs) == [OrderStatus.ACCEPTED] * 3
    assert "3 orders of it are left where they are" in again.texts()
    assert again.facts.orders.working.demand(ETH).sells == 0


def test_no_bracket_begins_while_trading_is_held_back(bench: Bench) -> None:
    bench.wish(TripBreaker(by="test", reason="a look"))
    bench.effects.clear()
    bench.wish(StartAlgorithm(plan=PLAN))
    assert bench.of(fx.SendGroup) == []
    assert bench.machine.algorithms() == ()


@pytest.mark.parametrize("how", ["kill", "market", "breaker", "market breaker", "halt"])
def test_whatever_stops_orders_stops_a_bracket(bench: Bench, how: str) -> None:
    match how:
        case "kill":
            bench.press()
        case "market":
            bench.wish(KillPart(scope=Scope(market_id=ETH), by="test", pressed_ns=bench.now.mono_ns))
        case "breaker":
            bench.wish(TripBreaker(by="test", reason="a look"))
        case "market breaker":
            bench.wish(TripBreaker(by="test", reason="a look", market_id=ETH))
        case "halt":
            bench.tell(fx.JournalFailed(why="the disk is full"))
    bench.effects.clear()
    bench.wish(StartAlgorithm(plan=PLAN))
    bench.wait(seconds=1)
    assert bench.of(fx.SendGroup) == []
    assert bench.machine.algorithms() == ()


def test_a_kill_before_its_bytes_left_stops_all_of_it(bench: Bench) -> None:
    legs = begin(bench)
    assert bench.machine.may_leave(legs[0].order.client_id, bench.now) is None
    bench.press()
    assert "killed by test" in str(bench.machine.may_leave(legs[0].order.client_id, bench.now))


def crowded(bench: Bench) -> list[NewOrder]:
    """Every place to send is taken, and one more order waits."""
    taken = [bench.submit() for _ in range(bench.facts.tuning.max_in_flight)]
    bench.wish(SubmitOrder(intent=intent()))
    bench.effects.clear()
    bench.wish(StartAlgorithm(plan=PLAN))
    bench.wait(ms=500)
    assert bench.of(fx.SendGroup) == []
    assert bench.machine.algorithms()[0].working == 0
    return taken


def test_one_begun_when_no_more_may_be_in_flight_waits_behind_the_queue(bench: Bench) -> None:
    first, *others = crowded(bench)
    bench.tell(OrderSendResolved(client_id=first.client_id, outcome=SENT))
    bench.wait(ms=50)
    assert bench.of(fx.SendGroup) == [], "the order that waited is before it"
    bench.wish()
    assert len(bench.of(fx.SendOrder)) == 1
    bench.wait(ms=50)
    assert bench.of(fx.SendGroup) == []
    for order in others:
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
    bench.wait(ms=50)
    (group,) = bench.of(fx.SendGroup)
    assert statuses(bench, group.legs) == [OrderStatus.SUBMITTING] * 3


def test_one_whose_turn_does_not_come_is_given_up_and_said(bench: Bench) -> None:
    taken = crowded(bench)
    bench.wait(seconds=2)
    assert bench.machine.algorithms() == ()
    assert "its orders did not get their turn to be sent" in bench.texts()
    for order in taken:
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
    bench.wish()
    bench.wait(seconds=1)
    assert bench.of(fx.SendGroup) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"take_profit": None, "stop_loss": None}, "a take_profit, a stop_loss or both, got neither"),
        ({"take_profit": D(1990)}, "take_profit above the entry at 1990, got 1990"),
        ({"stop_loss": D(2000)}, "stop_loss below the entry at 1990, got 2000"),
        ({"side": Side.SELL}, "take_profit below the entry"),
        ({"side": Side.SELL, "take_profit": None}, "stop_loss above the entry"),
        ({"stop_loss": D("nan")}, "a stop_loss above zero, got NaN"),
        ({"slippage": D(0)}, "a slippage above 0 and below 0.5, got 0"),
        ({"size": D(-1)}, "a size above zero, got -1"),
    ],
)
def test_what_is_no_bracket_is_one_sentence(changes: dict[str, object], words: str) -> None:
    assert words in problem(replace(PLAN, **changes))


@pytest.mark.parametrize("fate", [Fate.REST, Fate.LAND_UNSEEN])
def test_a_kill_of_a_whole_engine_cancels_every_leg(tmp_path: Path, fate: Fate) -> None:
    venue = FakeConnector()
    venue.fates.append(fate)
    with running(tmp_path, venue) as handle:
        handle.begin(StartAlgorithm(plan=replace(PLAN, price=D(1900), stop_loss=D(1800)))).result(5)
        seen(handle, "three orders", lambda: len(handle.state().tasks) == 3 and len(venue.open) == 3)
        handle.kill("test", 0)
        seen(handle, "none", lambda: not handle.state().tasks and not venue.open)
        seen(handle, "no plan", lambda: not handle.state().algorithms)


def test_at_the_paper_venue_the_exits_live_and_die_with_the_group(tmp_path: Path) -> None:
    with PaperVenue(markets=2) as venue, trading(parts_at(venue.ready, tmp_path)) as handle:
        market_id = MarketId(0)
        seen(handle, "a price", lambda: any(quote.mark for quote in handle.state().quotes), timeout=15.0)
        quote = next(one for one in handle.state().quotes if one.market_id == market_id)
        market = next(one for one in handle.state().markets if one.id == market_id)
        assert quote.ask is not None
        size = max(market.min_size, floor_to(D(50) / quote.ask, market.size_decimals))
        near, high, low = (floor_to(quote.ask * D(x), market.price_decimals) for x in ("1.005", "1.3", "0.7"))
        plan = Bracket(
            market_id=market_id, side=Side.BUY, size=size, price=near, take_profit=high, stop_loss=low, is_taking=True
        )
        plan_id = handle.begin(StartAlgorithm(plan=plan)).result(5)
        seen(handle, "a position", lambda: any(one.size == size for one in handle.state().positions), timeout=10.0)
        seen(handle, "two exits", lambda: [one.order.status.is_open for one in handle.state().tasks] == [True, True])
        handle.submit(CancelAlgorithm(task_id=plan_id))
        seen(handle, "no exit", lambda: not handle.state().tasks, timeout=10.0)
        seen(handle, "it is said", lambda: any("stays without" in one.text for one in handle.state().notices))
