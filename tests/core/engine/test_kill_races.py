"""The kill key against everything that may be under way: after the flag is set, no bytes of an order leave."""

import asyncio
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from core.commands import ExitPolicy, KillPart, Rearm, SubmitOrder
from core.decisions import Denied, DenyReason, Refused, TxOutcome, Unresolved
from core.engine.handle import EngineThread
from core.errors import LinkDown
from core.model import OrderStatus
from core.scope import Scope
from core.state import EnginePhase, KillPhase
from core.units import MarketId
from tests.support.engine import parts_of, running, seen, started
from tests.support.fake_connector import ETH, FakeConnector, Fate, intent
from tests.support.waiting import wait_until


class Witness(FakeConnector):
    """Looks at what the desk is shown at the moment a cancel-all leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.look: Callable[[], object] | None = None
        self.looks: list[object] = []

    async def cancel_all(self, market_id: MarketId | None, on_sent: Callable[[int], None]) -> TxOutcome:
        def leaves(sent_ns: int) -> None:
            if self.look is not None:
                self.looks.append(self.look())
            on_sent(sent_ns)

        return await super().cancel_all(market_id, leaves)


def press(handle: EngineThread) -> None:
    handle.kill("test", time.monotonic_ns())


def is_confirmed(handle: EngineThread) -> bool:
    return handle.state().kill.phase is KillPhase.CONFIRMED


@pytest.mark.parametrize("queued", [1, 2, 7, 40])
def test_orders_held_inside_the_connector_are_stopped_by_the_gate(tmp_path: Path, queued: int) -> None:
    venue = FakeConnector()
    venue.hold_submits = asyncio.Event()
    with running(tmp_path, venue) as handle:
        for _ in range(queued):
            handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "all are tasks", lambda: len(handle.state().tasks) == queued)
        press(handle)
        assert venue.loop is not None
        venue.loop.call_soon_threadsafe(venue.hold_submits.set)
        seen(handle, "confirmed", lambda: is_confirmed(handle))
        assert venue.submitted == []
        assert 0 < len(venue.gated) <= queued
        assert all(sentence.startswith("killed") for _, sentence in venue.gated)
        assert {task.order.status for task in handle.state().recent} == {OrderStatus.DENIED}


def test_a_press_at_the_very_last_instruction_still_stops_the_order(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        venue.before_gate = lambda: press(handle)  # the loop has had no chance to see it
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "stopped at the gate", lambda: venue.gated)
        assert venue.submitted == []
        venue.before_gate = None
        seen(handle, "confirmed", lambda: is_confirmed(handle))


def test_a_storm_of_orders_from_other_threads_ends_at_the_press(tmp_path: Path) -> None:
    venue = FakeConnector()
    stop = threading.Event()
    with running(tmp_path, venue) as handle:

        def storm() -> None:
            while not stop.is_set():
                seen_seq = handle.state().seq
                handle.submit(SubmitOrder(intent=intent()))
                # One a thread and snapshot: more would only measure how much refusing a full queue costs.
                wait_until(lambda seq=seen_seq: handle.state().seq != seq or stop.is_set(), "a newer state", timeout=30)

        threads = [threading.Thread(target=storm) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(venue.submitted) > 5, "orders are leaving", timeout=30)
        press(handle)
        left = len(venue.submitted)
        seen(handle, "the kill is shown", lambda: handle.state().kill.is_latched)
        stop.set()
        for thread in threads:
            thread.join(10)
        seen(handle, "confirmed", lambda: is_confirmed(handle))
        # Bytes that passed the gate before the press may be counted after it: at most one order was at the gate.
        assert len(venue.submitted) <= left + 1
        assert not venue.open


class TestHeadStart:
    """The cancel-all of a kill has the loop to itself until its bytes left: nothing is shown or dropped before."""

    WAITING = 200

    @pytest.mark.parametrize("way", [None, Scope(market_id=ETH)])
    def test_it_leaves_before_what_waited_is_dropped_or_shown(self, tmp_path: Path, way: Scope | None) -> None:
        venue = Witness()
        with running(tmp_path, venue) as handle:
            venue.hold_submits = asyncio.Event()  # nothing leaves, so that almost all of them wait
            for _ in range(self.WAITING):
                handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "all are tasks", lambda: len(handle.state().tasks) == self.WAITING, timeout=30)
            venue.look = lambda: (handle.state().kill.is_latched, handle.state().kills, len(handle.state().tasks))
            if way is None:
                press(handle)
            else:
                handle.submit(KillPart(scope=way, by="test", pressed_ns=time.monotonic_ns()))
            seen(handle, "its bytes left", lambda: venue.looks)
            assert venue.looks[0] == (False, (), self.WAITING)
            assert venue.loop is not None
            venue.loop.call_soon_threadsafe(venue.hold_submits.set)
            seen(handle, "nothing waits", lambda: not handle.state().tasks, timeout=30)
            assert venue.submitted == []

    def test_one_that_never_leaves_holds_nothing_up(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        with running(tmp_path, venue) as handle:
            handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "it rests", lambda: venue.open)
            venue.hold_cancel_alls = asyncio.Event()
            press(handle)
            try:
                seen(handle, "the kill is shown all the same", lambda: handle.state().kill.is_latched)
            finally:
                assert venue.loop is not None
                venue.loop.call_soon_threadsafe(venue.hold_cancel_alls.set)
            seen(handle, "confirmed", lambda: is_confirmed(handle))


def test_a_press_before_the_engine_runs_is_remembered(tmp_path: Path) -> None:
    venue = FakeConnector()
    venue.place_elsewhere(intent(), is_told=False)
    handle = EngineThread(parts_of(tmp_path, venue))
    press(handle)
    decision = handle.preview(intent())
    assert isinstance(decision, Denied)
    assert decision.reason is DenyReason.KILLED
    with started(handle, venue):
        seen(handle, "confirmed", lambda: is_confirmed(handle))
        assert not venue.open
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "denied", lambda: handle.state().recent)
        assert venue.submitted == []


def test_a_killed_engine_starts_killed_and_can_be_rearmed(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        press(handle)
        seen(handle, "confirmed", lambda: is_confirmed(handle))
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        assert handle.state().kill.is_latched
        assert isinstance(handle.preview(intent()), Denied)
        seen(handle, "confirmed again", lambda: is_confirmed(handle))
        handle.submit(Rearm(by="operator", reason="rehearsal over"))
        seen(handle, "re-armed", lambda: handle.state().kill.phase is KillPhase.IDLE)
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "trading again", lambda: venue.submitted)


def test_a_kill_during_keep_and_quit_cancels_what_was_to_be_kept(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "it rests", lambda: venue.open)
        venue.hold_submits = asyncio.Event()
        venue.hold_cancel_alls = asyncio.Event()
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "one in flight", lambda: [t for t in handle.state().tasks if t.order.status.is_in_flight])
        handle.request_stop(ExitPolicy.KEEP, "the operator keeps")
        seen(handle, "stopping", lambda: handle.state().phase is EnginePhase.STOPPING)
        press(handle)
        seen(handle, "killed", lambda: venue.cancel_alls)
        assert venue.loop is not None
        venue.loop.call_soon_threadsafe(venue.hold_submits.set)
        seen(handle, "nothing in flight", lambda: not any(t.order.status.is_in_flight for t in handle.state().tasks))
        assert handle.exit_report() is None, "the cancel-all has not reached the venue yet"
        venue.loop.call_soon_threadsafe(venue.hold_cancel_alls.set)
        seen(handle, "the end", handle.exit_report)
        assert not venue.open
        report = handle.exit_report()
        assert report is not None
        assert report.is_clean


def test_a_kill_too_late_to_be_carried_out_is_not_called_clean(tmp_path: Path) -> None:
    class Late(FakeConnector):
        async def close(self) -> None:
            press(handle)  # the engine has decided its end, and the connector is closing
            await super().close()

    venue = Late()
    with running(tmp_path, venue, policy=ExitPolicy.KEEP) as handle:
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "it rests", lambda: [t for t in handle.state().tasks if t.order.status is OrderStatus.ACCEPTED])
        handle.request_stop(ExitPolicy.KEEP, "the operator keeps")
        seen(handle, "the end", handle.exit_report)
        report = handle.exit_report()
        assert report is not None
        assert (report.is_clean, report.exit_code) == (False, 1)
        assert "too late" in report.text


def test_a_lost_reply_keeps_the_kill_failing_until_the_order_is_found_and_gone(tmp_path: Path) -> None:
    venue = FakeConnector()
    venue.fates.append(Fate.LAND_UNSEEN)
    venue.is_cancelling = False
    with running(tmp_path, venue) as handle:
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "it landed", lambda: venue.open)
        press(handle)
        seen(handle, "failing", lambda: handle.state().kill.phase is KillPhase.FAILING)
        assert handle.state().kill.may_be_live == 1
        venue.is_cancelling = True
        seen(handle, "confirmed", lambda: is_confirmed(handle))
        assert not venue.open


def test_refused_cancel_alls_are_repeated(tmp_path: Path) -> None:
    venue = FakeConnector()
    venue.cancel_all_outcomes.extend([Refused(23_000, "Too Many Requests!"), Unresolved("no reply")])
    with running(tmp_path, venue) as handle:
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "open", lambda: venue.open)
        press(handle)
        seen(handle, "failing", lambda: handle.state().kill.phase is KillPhase.FAILING)
        seen(handle, "confirmed", lambda: is_confirmed(handle))
        assert len(venue.cancel_alls) == 3
        assert handle.state().kill.attempts == 3


def test_orders_placed_elsewhere_are_cancelled_too(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        press(handle)
        seen(handle, "confirmed", lambda: is_confirmed(handle))
        venue.place_elsewhere(intent())
        seen(handle, "it is noticed", lambda: "appeared" in " ".join(n.text for n in handle.state().notices))
        seen(handle, "and gone", lambda: not venue.open and is_confirmed(handle))


def test_what_is_told_of_a_kill_is_measured_from_the_press_to_the_bytes(tmp_path: Path) -> None:
    venue = FakeConnector()
    with running(tmp_path, venue) as handle:
        pressed_ns = time.monotonic_ns()
        handle.kill("test", pressed_ns)
        seen(handle, "confirmed", lambda: is_confirmed(handle))
        sent_ms, confirmed_ms = handle.state().kill.sent_ms, handle.state().kill.confirmed_ms
        assert sent_ms == Decimal(venue.cancel_alls[0] - pressed_ns).scaleb(-6)
        assert confirmed_ms is not None
        assert sent_ms < confirmed_ms


def test_a_kill_while_the_venue_is_away_is_carried_out_when_it_comes(tmp_path: Path) -> None:
    venue = FakeConnector()
    venue.start_errors.append(LinkDown("nobody answers at 127.0.0.1"))
    venue.place_elsewhere(intent(), is_told=False)
    handle = EngineThread(parts_of(tmp_path, venue))
    with started(handle, venue):
        seen(handle, "connecting", lambda: handle.state().phase is EnginePhase.CONNECTING)
        press(handle)
        seen(handle, "failing, and nobody knows", lambda: handle.state().kill.phase is KillPhase.FAILING)
        assert handle.state().kill.may_be_live is None
        seen(handle, "confirmed", lambda: is_confirmed(handle))
        assert not venue.open
