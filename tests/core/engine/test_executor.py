"""The executor's hands on a real engine: an order that waits inside the connector is judged again before it leaves."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import SECOND_NS, ManualClock
from core.commands import CancelOrder, SubmitOrder, TripBreaker
from core.decisions import TradingState
from core.engine import effects as fx
from core.engine.executor import Executor
from core.engine.halt import HaltFlag
from core.engine.handle import EngineThread
from core.engine.inbox import Inbox
from core.engine.journal import Journal
from core.events import OrderReport
from core.model import OrderStatus
from core.state import EnginePhase
from core.units import ClientOrderId, MarketId
from tests.support.engine import parts_of, running, seen, started
from tests.support.fake_connector import ETH, FakeConnector, intent


def hold(handle: EngineThread, *, deadline_ns: int | None = None) -> None:
    """Submit an order and see it wait inside the connector."""
    handle.submit(SubmitOrder(intent=intent(), deadline_ns=deadline_ns))
    seen(handle, "waiting", lambda: [t for t in handle.state().tasks if t.order.status is OrderStatus.SUBMITTING])


def release(handle: EngineThread, venue: FakeConnector) -> str:
    """Let it go on to the gate; the sentence that stopped it there."""
    assert venue.loop is not None
    assert venue.hold_submits is not None
    venue.loop.call_soon_threadsafe(venue.hold_submits.set)
    seen(handle, "decided at the gate", lambda: venue.submitted or venue.gated)
    assert venue.submitted == [], "its bytes left"
    seen(handle, "denied", lambda: [t for t in handle.state().recent if t.order.status is OrderStatus.DENIED])
    ((_, sentence),) = venue.gated
    return sentence


def is_reducing(handle: EngineThread) -> bool:
    return handle.state().trading is TradingState.REDUCING


def is_eth_tripped(handle: EngineThread) -> bool:
    return any(breaker.market_id == ETH and breaker.is_tripped for breaker in handle.state().breakers)


@pytest.mark.parametrize(
    ("trips_to", "command", "is_tripped"),
    [
        (TradingState.REDUCING, TripBreaker(by="test", reason="feed"), is_reducing),
        (TradingState.HALTED, TripBreaker(by="test", reason="feed", market_id=ETH), is_eth_tripped),
    ],
    ids=["every market, reducing", "one market, halted"],
)
def test_a_breaker_stops_an_order_that_has_not_left(
    tmp_path: Path, trips_to: TradingState, command: TripBreaker, is_tripped: Callable[[EngineThread], bool]
) -> None:
    venue = FakeConnector()
    venue.hold_submits = asyncio.Event()
    handle = EngineThread(replace(parts_of(tmp_path, venue), breaker_trips_to=trips_to))
    with started(handle, venue):
        seen(handle, "the engine is running", lambda: handle.state().phase is EnginePhase.RUNNING)
        hold(handle)
        handle.submit(command)
        seen(handle, "the breaker is tripped", lambda: is_tripped(handle))
        assert "feed" in release(handle, venue)


def test_a_cancel_stops_an_order_that_has_not_left(tmp_path: Path) -> None:
    venue = FakeConnector()
    venue.hold_submits = asyncio.Event()
    with running(tmp_path, venue) as handle:
        hold(handle)
        handle.submit(CancelOrder(market_id=ETH, client_id=handle.state().tasks[0].order.client_id))
        handle.submit(TripBreaker(by="test", reason="the cancel before it was taken"))
        seen(handle, "the cancel was taken", lambda: is_reducing(handle))
        assert "cancelled" in release(handle, venue)
        assert venue.cancelled == [], "there is nothing to cancel at the venue"


def test_a_deadline_is_kept_up_to_the_last_instruction(tmp_path: Path) -> None:
    venue = FakeConnector()
    venue.hold_submits = asyncio.Event()
    with running(tmp_path, venue) as handle:
        deadline_ns = time.monotonic_ns() + SECOND_NS // 2
        hold(handle, deadline_ns=deadline_ns)
        seen(handle, "the deadline to pass", lambda: time.monotonic_ns() > deadline_ns)
        assert "deadline" in release(handle, venue)


async def test_a_look_up_says_when_the_venue_was_asked_not_when_it_answered(tmp_path: Path) -> None:
    class Slow(FakeConnector):
        async def find_order(self, client_id: ClientOrderId, market_id: MarketId) -> OrderReport | None:
            clock.advance(seconds=5)
            return await super().find_order(client_id, market_id)

    clock, venue, inbox = ManualClock(), Slow(), Inbox()
    began_ns = clock.now().mono_ns
    with contextlib.closing(Journal.open(tmp_path / "journal.sqlite", venue.identity)) as journal:
        executor = Executor(venue, journal, clock, inbox, HaltFlag())
        async with asyncio.TaskGroup() as group:
            executor.attach(group)
            executor.carry_out([fx.LookUpOrder(client_id=ClientOrderId(7), market_id=ETH)])
    found = inbox.take()
    assert isinstance(found, fx.OrderLookedUp)
    assert found.asked_ns == began_ns
