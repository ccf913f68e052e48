"""The shell around the machine: connecting, journalling before sending, publishing, faults, and the end."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from core.commands import CancelOrder, Command, ExitPolicy, SetStrategy, SubmitOrder
from core.decisions import Approved, Denied, DenyReason, TradingState
from core.engine.handle import EngineThread
from core.errors import AuthRejected, ConfigError, LighterTuiError, LinkDown
from core.events import LinkHealth
from core.model import BookStatus, OrderStatus, Origin, OriginKind, Priority
from core.state import EnginePhase, EngineState, StrategyStatus
from tests.support.engine import parts_of, running, seen, started
from tests.support.fake_connector import ETH, FakeConnector, Fate, intent
from tests.support.waiting import wait_until

CANCEL, KEEP = ExitPolicy.CANCEL, ExitPolicy.KEEP


class Pilot:
    """An autopilot that wants one order."""

    def __init__(self) -> None:
        self.is_running = True
        self.steps = 0
        self.phases: set[EnginePhase] = set()

    def step(self, state: EngineState) -> Sequence[Command]:
        self.steps += 1
        self.phases.add(state.phase)
        if self.steps > 1 or not self.is_running:
            return ()
        origin = Origin(OriginKind.STRATEGY, "pilot")
        return (SubmitOrder(intent=intent(), origin=origin, priority=Priority.STRATEGY),)

    def statuses(self) -> tuple[StrategyStatus, ...]:
        return (StrategyStatus(name="pilot", is_running=self.is_running, markets=("ETH",)),)

    def set_running(self, name: str, running: bool) -> bool:
        self.is_running = running
        return name == "pilot"


def ended(handle: EngineThread) -> None:
    wait_until(lambda: handle.exit_report() is not None, "the engine ended")


class TestConnecting:
    def test_it_tries_again_until_the_venue_answers(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        venue.start_errors.extend([LinkDown("nobody answers at 127.0.0.1:1"), LinkDown("still nobody")])
        handle = EngineThread(parts_of(tmp_path, venue))
        with started(handle, venue):
            seen(
                handle,
                "the sentence shows",
                lambda: handle.state().phase_detail == "nobody answers at 127.0.0.1:1; trying again",
            )
            assert handle.state().phase is EnginePhase.CONNECTING
            seen(handle, "running", lambda: handle.state().phase is EnginePhase.RUNNING)
            assert venue.starts == 3

    @pytest.mark.parametrize("error", [ConfigError("no market DOGE"), AuthRejected("key 3 is not registered")])
    def test_what_the_operator_must_change_ends_it(self, tmp_path: Path, error: LighterTuiError) -> None:
        venue = FakeConnector()
        venue.start_errors.append(error)
        handle = EngineThread(parts_of(tmp_path, venue))
        with started(handle, venue):
            ended(handle)
        report = handle.exit_report()
        assert report is not None
        assert (report.exit_code, report.text) == (2, str(error))
        assert handle.state().phase is EnginePhase.FAILED
        assert handle.state().phase_detail == str(error)

    def test_reconciliation_waits_for_rest(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        venue.is_rest_down = True
        handle = EngineThread(parts_of(tmp_path, venue))
        with started(handle, venue):
            seen(handle, "reconciling", lambda: "does not answer" in handle.state().phase_detail)
            assert handle.state().phase is EnginePhase.RECONCILING
            assert handle.state().trading is TradingState.HALTED
            venue.is_rest_down = False
            seen(handle, "running", lambda: handle.state().phase is EnginePhase.RUNNING)

    def test_a_second_engine_on_the_journal_is_refused(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        with running(tmp_path, venue):
            second = EngineThread(parts_of(tmp_path, FakeConnector()))
            second.run(lambda: False)
            report = second.exit_report()
            assert report is not None
            assert report.exit_code == 2
            assert "another lighter-tui" in report.text
            assert second.state().phase is EnginePhase.FAILED

    def test_a_stop_before_the_venue_answers_ends_at_once(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        venue.start_errors.extend(LinkDown("nobody") for _ in range(50))
        handle = EngineThread(parts_of(tmp_path, venue))
        with started(handle, venue):
            seen(handle, "connecting", lambda: handle.state().phase_detail == "nobody; trying again")
        report = handle.exit_report()
        assert report is not None
        assert report.is_clean


class TestJournal:
    def test_an_order_is_on_disk_before_its_bytes_leave(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        found: list[tuple[int, str]] = []

        def look() -> None:
            reader = sqlite3.connect(tmp_path / "journal.sqlite")
            found.extend(reader.execute("SELECT client_id, status FROM orders").fetchall())
            reader.close()

        with running(tmp_path, venue) as handle:
            venue.before_gate = look
            handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "it left", lambda: venue.submitted)
        assert found == [(venue.submitted[0].client_id, "submitting")]

    def test_what_cannot_be_remembered_is_not_sent(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        with running(tmp_path, venue) as handle:
            breaker = sqlite3.connect(tmp_path / "journal.sqlite")
            breaker.execute("DROP TABLE orders")
            breaker.commit()
            breaker.close()
            handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "halted", lambda: handle.state().trading is TradingState.HALTED)
            seen(handle, "denied", lambda: handle.state().recent)
            assert venue.submitted == []
            assert handle.state().recent[0].order.status is OrderStatus.DENIED
            assert "cannot be written" in handle.state().trading_detail


class TestHandle:
    def test_preview_is_the_code_that_decides(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        early = EngineThread(parts_of(tmp_path / "early", FakeConnector())).preview(intent())
        assert isinstance(early, Denied)
        assert early.reason is DenyReason.NOT_READY
        with running(tmp_path, venue) as handle:
            assert isinstance(handle.preview(intent()), Approved)
            too_big = handle.preview(intent(size="1000"))
            assert isinstance(too_big, Denied)
            handle.submit(SubmitOrder(intent=intent(size="1000")))
            seen(handle, "denied", lambda: handle.state().recent)
            assert handle.state().recent[0].order.reason == f"{too_big.reason.value}: {too_big.detail}"

    def test_books_come_once_asked_for(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        with running(tmp_path, venue) as handle:
            assert handle.book(ETH, 5).status is BookStatus.EMPTY
            seen(handle, "the book", lambda: handle.book(ETH, 5).status is BookStatus.LIVE)

    def test_quiet_hours_still_have_a_heartbeat_and_no_more(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        venue.quotes.clear()
        with running(tmp_path, venue) as handle:
            first = handle.state()
            wait_until(lambda: handle.state().seq >= first.seq + 2, "two heartbeats")
            seconds = Decimal(handle.state().published.mono_ns - first.published.mono_ns).scaleb(-9)
            assert seconds > Decimal("0.9")

    def test_state_is_the_same_object_until_there_is_a_newer_one(self, tmp_path: Path) -> None:
        handle = EngineThread(parts_of(tmp_path, FakeConnector()))
        assert handle.state() is handle.state()
        assert handle.state().phase is EnginePhase.STARTING
        assert handle.exit_report() is None


class TestAutopilot:
    def test_its_orders_carry_its_name_and_it_can_be_stopped(self, tmp_path: Path) -> None:
        venue, pilot = FakeConnector(), Pilot()
        handle = EngineThread(parts_of(tmp_path, venue, autopilot=pilot))
        with started(handle, venue):
            seen(handle, "its order rests", lambda: handle.state().may_be_live)
            assert str(handle.state().tasks[0].origin) == "strategy pilot"
            handle.submit(SetStrategy(name="pilot", running=False, by="operator"))
            seen(handle, "it is stopped", lambda: not handle.state().strategies[0].is_running)
            handle.submit(SetStrategy(name="nobody", running=False, by="operator"))
            seen(handle, "it says so", lambda: "no strategy is called nobody" in handle.state().notices[-1].text)
        assert pilot.phases <= {EnginePhase.RUNNING}


class TestEnding:
    def test_the_desk_gone_means_the_exit_policy(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        is_gone = threading.Event()
        handle = EngineThread(parts_of(tmp_path, venue))
        thread = threading.Thread(target=handle.run, args=(is_gone.is_set,))
        thread.start()
        seen(handle, "running", lambda: handle.state().phase is EnginePhase.RUNNING)
        handle.submit(SubmitOrder(intent=intent()))
        seen(handle, "it rests", lambda: venue.open)
        is_gone.set()
        thread.join(15)
        assert not thread.is_alive()
        report = handle.exit_report()
        assert report is not None
        assert report.is_clean
        assert not venue.open
        assert venue.is_closed

    def test_keep_keeps(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        with running(tmp_path, venue, policy=ExitPolicy.KEEP) as handle:
            handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "it rests", lambda: handle.state().may_be_live)
        report = handle.exit_report()
        assert report is not None
        assert (report.is_clean, report.exit_code) == (True, 0)
        assert "1 order left resting" in report.text
        assert len(venue.open) == 1
        with running(tmp_path, venue) as handle:
            assert handle.state().tasks[0].order.status is OrderStatus.ACCEPTED, "and is found again"

    def test_an_order_held_in_the_connector_does_not_leave_after_the_stop(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        venue.hold_submits = asyncio.Event()
        with running(tmp_path, venue, policy=ExitPolicy.KEEP) as handle:
            handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "it is on its way", lambda: handle.state().may_be_live)
            handle.request_stop(ExitPolicy.KEEP, "test")
            seen(handle, "stopping", lambda: handle.state().phase is EnginePhase.STOPPING)
            assert venue.loop is not None
            venue.loop.call_soon_threadsafe(venue.hold_submits.set)
            ended(handle)
        assert venue.submitted == []
        assert [sentence for _, sentence in venue.gated] == ["stopping: test"]

    def test_the_last_state_says_stopped(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        with running(tmp_path, venue) as handle:
            pass
        assert handle.state().is_over
        assert handle.state().links == ()


class TestFaults:
    def test_a_defect_halts_cancels_and_reports(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        venue = FakeConnector()
        caplog.set_level(logging.CRITICAL)
        with running(tmp_path, venue) as handle:
            handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "it rests", lambda: venue.open)

            def fail() -> None:
                raise ZeroDivisionError("a defect of ours")

            venue.before_gate = fail
            handle.submit(SubmitOrder(intent=intent()))
            ended(handle)
        report = handle.exit_report()
        assert report is not None
        assert (report.is_clean, report.exit_code) == (False, 1)
        assert "a defect of ours" in report.text
        assert "then listed 0 open orders" in report.text
        assert handle.state().phase is EnginePhase.FAILED
        assert not venue.open

    @pytest.mark.parametrize(("configured", "asked"), [(KEEP, CANCEL), (CANCEL, KEEP)])
    def test_a_defect_while_stopping_ends_as_the_operator_asked(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, configured: ExitPolicy, asked: ExitPolicy
    ) -> None:
        venue = FakeConnector()
        venue.is_cancelling = False
        caplog.set_level(logging.CRITICAL)
        with running(tmp_path, venue, policy=configured) as handle:
            handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "it rests", lambda: venue.open)

            def fail() -> None:
                venue.is_cancelling = True
                raise ZeroDivisionError("a defect of ours")

            venue.before_gate = fail
            venue.hold_submits = asyncio.Event()
            handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "one is on its way", lambda: handle.state().may_be_live == 2)
            handle.request_stop(asked, "the operator quits")
            seen(handle, "stopping", lambda: handle.state().phase is EnginePhase.STOPPING)
            assert venue.loop is not None
            venue.loop.call_soon_threadsafe(venue.hold_submits.set)
            ended(handle)
        assert len(venue.open) == (1 if asked is KEEP else 0)

    def test_a_defect_while_publishing_is_not_swallowed(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        class Broken(FakeConnector):
            def links(self) -> tuple[LinkHealth, ...]:
                if self.submitted:
                    raise ZeroDivisionError("a defect of ours")
                return super().links()

        venue = Broken()
        caplog.set_level(logging.CRITICAL)
        with running(tmp_path, venue) as handle:
            handle.submit(SubmitOrder(intent=intent()))
            ended(handle)
        report = handle.exit_report()
        assert report is not None
        assert report.exit_code == 1
        assert not venue.open

    def test_what_is_left_of_the_venues_budgets_is_in_the_state(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        with running(tmp_path, venue) as handle:
            seen(handle, "the budgets", lambda: handle.state().budgets)
            assert handle.state().budgets == venue.budgets()

    def test_a_connector_that_cannot_be_closed_is_reported(self, tmp_path: Path) -> None:
        class Broken(FakeConnector):
            async def close(self) -> None:
                await super().close()
                raise LinkDown("it does not close")

        venue = Broken()
        with running(tmp_path, venue) as handle:
            pass
        report = handle.exit_report()
        assert report is not None
        assert report.is_clean

    def test_a_lost_reply_shows_as_unknown_and_is_found(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        venue.fates.append(Fate.LAND_UNSEEN)
        with running(tmp_path, venue) as handle:
            handle.submit(SubmitOrder(intent=intent()))
            seen(handle, "found", lambda: [t for t in handle.state().tasks if t.order.status is OrderStatus.ACCEPTED])
            assert "in doubt" in " ".join(notice.text for notice in handle.state().notices)
            assert len(venue.submitted) == 1, "an unknown order is never sent again"

    def test_a_cancel_goes_out_while_orders_are_held(self, tmp_path: Path) -> None:
        venue = FakeConnector()
        with running(tmp_path, venue) as handle:
            external = venue.place_elsewhere(intent())
            seen(handle, "it shows", lambda: handle.state().order_map)
            for _ in range(20):
                handle.submit(SubmitOrder(intent=intent()))
            handle.submit(CancelOrder(market_id=ETH, venue_id=external.venue_id))
            seen(handle, "it is gone", lambda: external.venue_id not in venue.open)
