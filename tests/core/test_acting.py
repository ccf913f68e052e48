"""Strategies that act by themselves, each against a whole engine and the fake venue."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.acting import StrategyRunner
from core.bot import TradingBot
from core.clock import SystemClock
from core.commands import SetStrategy, SubmitOrder, TripBreaker
from core.config import Sizing
from core.engine.handle import EngineThread
from core.limits import RiskLimits
from core.model import OrderStatus, OriginKind
from core.plans import Ladder
from core.risk import PositionSizer
from core.state import EnginePhase
from core.units import MarketId, TaskId
from tests.support.engine import parts_of, seen, started
from tests.support.fake_connector import ETH, FakeConnector, intent

OPEN, FILLED, CANCELED = OrderStatus.ACCEPTED, OrderStatus.FILLED, OrderStatus.CANCELED
D = Decimal
LADDER = Ladder(market_id=ETH, side=intent().side, size=D("0.2"), first=D("1890"), last=D("1880"), rungs=2)


class Acting:
    """Runs whatever the test wrote, and keeps what it came to."""

    name, markets = "maker", ("ETH",)

    def __init__(self, work: Callable) -> None:
        self.work = work
        self.results: list[object] = []
        self.runs = 0

    async def run(self, desk) -> None:
        self.runs += 1
        await desk.view()
        await self.work(desk, self.results)


@pytest.fixture
def venue() -> FakeConnector:
    return FakeConnector()


@contextmanager
def trading(tmp_path: Path, venue: FakeConnector, strategy: object, limit_seconds: float = 5) -> Iterator[EngineThread]:
    runner = StrategyRunner(SystemClock(), limit_seconds=limit_seconds)
    bot = TradingBot([strategy], PositionSizer(Sizing()), RiskLimits(), None, runner)
    handle = EngineThread(parts_of(tmp_path, venue, autopilot=bot))
    runner.attach(handle)
    try:
        with started(handle, venue):
            seen(handle, "the engine is running", lambda: handle.state().phase is EnginePhase.RUNNING)
            yield handle
    finally:
        runner.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("strategy-") and one.is_alive()]


def status(handle: EngineThread):
    (one,) = handle.state().strategies
    return one


async def for_ever() -> None:
    await asyncio.Event().wait()


def test_it_places_waits_changes_and_cancels(tmp_path, venue):
    async def work(desk, results):
        first = await desk.place(intent())
        results.append((await desk.wait_for(first, {OPEN})).order.status)
        await desk.modify(first, size=D("0.2"), price=D("1850.00"))
        while (await desk.view()).orders[0].intent.size != D("0.2"):
            pass
        await desk.cancel(first)
        task = await desk.wait_for(first, {CANCELED})
        results.append((task.order.status, str(task.origin), task.intent.price))
        await for_ever()

    strategy = Acting(work)
    with trading(tmp_path, venue, strategy) as handle:
        seen(handle, "both results", lambda: len(strategy.results) == 2)
        assert strategy.results == [OPEN, (CANCELED, "strategy maker", D("1850.00"))]
        assert status(handle).is_running
    assert len(venue.submitted) == 1


def test_a_denied_order_is_an_outcome_and_not_an_error(tmp_path, venue):
    async def work(desk, results):
        task_id = await desk.place(replace(intent(), size=D(1_000_000)))
        results.append((await desk.wait_for(task_id, {OPEN})).order.status)
        await for_ever()

    strategy = Acting(work)
    with trading(tmp_path, venue, strategy) as handle:
        seen(handle, "a result", lambda: strategy.results)
        assert strategy.results == [OrderStatus.DENIED]
    assert venue.submitted == []


def test_it_has_plans_worked_on_its_behalf_and_ends_them(tmp_path, venue):
    async def work(desk, results):
        try:
            await desk.start(replace(LADDER, rungs=1))
        except ValueError as error:
            results.append(str(error))
        plan_id = await desk.start(LADDER)
        results.append(plan_id)
        while len(venue.open) != 2:
            await desk.view()
        await desk.stop(plan_id)
        while venue.open:
            await desk.view()
        results.append("ended")
        await for_ever()

    strategy = Acting(work)
    with trading(tmp_path, venue, strategy) as handle:
        seen(handle, "the plan ended", lambda: "ended" in strategy.results)
        assert "expected rungs of 2 to 20, got 1" in strategy.results[0]
        origins = {str(task.origin) for task in handle.state().recent if task.origin.kind is OriginKind.ALGORITHM}
        assert origins == {f"algorithm ladder {strategy.results[1]} for maker"}


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda desk: desk.place(replace(intent(), market_id=MarketId(1))), "market 1 is none of maker's own"),
        (lambda desk: desk.start(replace(LADDER, market_id=MarketId(1))), "market 1 is none of maker's own"),
        (lambda desk: desk.cancel(TaskId(9_999)), "no task 9999 is in memory"),
        (lambda desk: desk.stop(TaskId(7)), "no plan 7 was started by maker"),
    ],
)
def test_what_is_none_of_its_business_raises_in_it_alone(tmp_path, venue, act, words):
    async def work(desk, results):
        await act(desk)

    with trading(tmp_path, venue, Acting(work)) as handle:
        seen(handle, "a fault", lambda: status(handle).fault)
        assert words in status(handle).fault
        assert handle.state().phase is EnginePhase.RUNNING


def test_it_cannot_touch_an_order_of_the_operator(tmp_path, venue):
    placed = []

    async def work(desk, results):
        while not placed:
            await desk.view()
        await desk.cancel(placed[0])

    with trading(tmp_path, venue, Acting(work)) as handle:
        placed.append(handle.place(SubmitOrder(intent=intent())).result(5))
        seen(handle, "a fault", lambda: status(handle).fault)
        assert "belongs to operator, not to strategy maker" in status(handle).fault
        assert len(venue.open) == 1


def test_stopped_by_hand_it_is_cancelled_and_so_is_all_it_left(tmp_path, venue):
    desks = []

    async def work(desk, results):
        desks.append(desk)
        await desk.start(LADDER)
        await desk.wait_for(await desk.place(intent()), {OPEN})
        try:
            await for_ever()
        finally:
            results.append("cancelled")

    strategy = Acting(work)
    with trading(tmp_path, venue, strategy) as handle:
        seen(handle, "three orders", lambda: len(venue.open) == 3)
        handle.submit(SetStrategy(name="maker", running=False, by="test"))
        seen(handle, "no order and no plan", lambda: not venue.open and not handle.state().algorithms)
        seen(handle, "its end", lambda: strategy.results == ["cancelled"])
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(desks[0].place(intent()))
        handle.submit(SetStrategy(name="maker", running=True, by="test"))
        seen(handle, "a second run", lambda: strategy.runs == 2 and len(venue.open) == 3)


def test_one_that_raises_stops_alone_and_its_orders_go(tmp_path, venue):
    async def work(desk, results):
        await desk.wait_for(await desk.place(intent()), {OPEN})
        raise KeyError("mark")

    with trading(tmp_path, venue, Acting(work)) as handle:
        seen(handle, "a fault", lambda: status(handle).fault)
        assert status(handle).fault.startswith("KeyError: 'mark'")
        assert not status(handle).is_running
        seen(handle, "no order", lambda: not venue.open)


def test_one_that_blocks_its_loop_has_failed(tmp_path, venue):
    go = threading.Event()

    async def work(desk, results):
        go.wait(20)  # what a careless author writes
        await desk.place(intent())

    try:
        with trading(tmp_path, venue, Acting(work), limit_seconds=0.3) as handle:
            seen(handle, "a fault", lambda: status(handle).fault)
            assert "its loop did not turn for 0.3 s" in status(handle).fault
            go.set()
            before = handle.state().seq
            seen(handle, "another state", lambda: handle.state().seq > before + 2)
            assert venue.submitted == []
    finally:
        go.set()


def test_one_that_returns_is_stopped_as_by_hand(tmp_path, venue):
    async def work(desk, results):
        await desk.wait_for(await desk.place(intent()), {OPEN})

    with trading(tmp_path, venue, Acting(work)) as handle:
        seen(handle, "stopped", lambda: not status(handle).is_running)
        assert status(handle).fault == ""
        seen(handle, "no order", lambda: not venue.open)


def test_while_trading_is_held_back_only_what_shrinks_stays(tmp_path, venue):
    async def work(desk, results):
        while True:
            view = await desk.view()
            if not view.orders:
                results.append((await desk.wait_for(await desk.place(intent()), {OPEN})).order.status)

    strategy = Acting(work)
    with trading(tmp_path, venue, strategy) as handle:
        seen(handle, "an order", lambda: len(venue.open) == 1)
        handle.submit(TripBreaker(by="test", reason="a look"))
        seen(handle, "no order", lambda: not venue.open and OrderStatus.DENIED in strategy.results)
        assert status(handle).is_running
        assert "trading is reducing" in status(handle).detail


def test_without_anything_to_run_it_the_bot_does_not_begin():
    with pytest.raises(ValueError, match="need something that runs them"):
        TradingBot([Acting(for_ever)], PositionSizer(Sizing()), RiskLimits())


def test_a_wait_given_up_harms_nobody(tmp_path, venue):
    with trading(tmp_path, venue, Acting(lambda _desk, _results: for_ever())) as handle:
        for _ in range(50):
            handle.place(SubmitOrder(intent=intent())).cancel()
            handle.wait_for(TaskId(1), {FILLED}).cancel()
            handle.wait_for(TaskId(9_999), {FILLED}).cancel()
        assert handle.place(SubmitOrder(intent=intent())).result(5)
        assert handle.state().phase is EnginePhase.RUNNING
