"""The engine in a thread of its own, as the desk holds it: safe to call from any thread, and it always ends somehow.

Holds the supervisor, one of the three places where any exception is caught: a fault of ours halts, cancels, reports.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future
from functools import partial
from typing import Final

from core.commands import Command, ExitPolicy, Kill, KillPart, StartAlgorithm, Stop, SubmitOrder
from core.decisions import Denied, DenyReason, RiskDecision, Sent
from core.engine import remote_kill, remote_limits
from core.engine.control import ControlServer
from core.engine.halt import HaltFlag
from core.engine.inbox import Beginning, Inbox, Placing, Waiting
from core.engine.journal import Journal
from core.engine.library import Library
from core.engine.publisher import Publisher
from core.engine.runtime import EngineParts, ExecutionEngine
from core.errors import JournalError, LighterTuiError, LinkDown
from core.events import Noticed, NoticeLevel
from core.history import HistoryQuery, HistoryRow
from core.look import MarketLook
from core.model import OPERATOR, BookView, OrderIntent, OrderStatus, OrderTask
from core.state import EnginePhase, EngineState, ExitReport
from core.units import MarketId, TaskId

_LOG: Final = logging.getLogger(__name__)
_LAST_WORD_S: Final = 8.0
_CLOSE_S: Final = 5.0
_TOO_LATE: Final = "a kill came too late to be carried out: check the venue for open orders by hand"
_SPEECHLESS: Final = ExitReport(
    is_clean=False, text="the engine ended without a report: check the venue for open orders by hand", exit_code=1
)


class EngineThread:
    """`tui.bridge.EngineHandle` over an `ExecutionEngine`; `run` is the body of the thread."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._halt = HaltFlag()
        self._inbox = Inbox()
        self._publisher = Publisher(parts.connector, parts.clock, parts.profile, parts.autopilot)
        self._library = Library(parts.journal_path)
        self._report: ExitReport | None = None
        self._asked_policy: ExitPolicy | None = None
        """What the first wish to stop asked for; it stands above the configuration also when the engine fails."""

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Run the engine in the calling thread until it ended, whatever happens."""
        parts = self._parts
        try:
            journal = Journal.open(
                parts.journal_path,
                parts.connector.identity,
                owner=parts.account,
                clock=parts.clock,
                retention=parts.retention,
            )
        except JournalError as error:
            self._end(EnginePhase.FAILED, ExitReport(is_clean=False, text=str(error), exit_code=2))
            self._inbox.close()
            return
        phase, report = EnginePhase.FAILED, _SPEECHLESS
        try:
            phase, report = asyncio.run(self._supervise(journal, should_stop))
        finally:
            if self._inbox.has_kill and self._is_keeping:
                report = ExitReport(is_clean=False, text=f"{report.text}; {_TOO_LATE}", exit_code=report.exit_code or 1)
            self._end(phase, report)  # first: a disk that stalls must not hold up what the operator waits for
            self._inbox.close()
            journal.close()

    def state(self) -> EngineState:
        """The newest snapshot."""
        return self._publisher.state

    def book(self, market_id: MarketId, depth: int) -> BookView:
        """The newest frozen view of one book; EMPTY before the first."""
        return self._publisher.book(market_id, depth)

    def look(self, market_id: MarketId, depth: int) -> MarketLook:
        """The newest look at one market; asking keeps it coming."""
        return self._publisher.looking.look(market_id, depth)

    def submit(self, command: Command) -> None:
        """Hand over a wish; never blocks."""
        if isinstance(command, Kill):
            self.kill(command.by, command.pressed_ns)
            return
        if isinstance(command, KillPart):
            self._inbox.post_kill(command)
            return
        if isinstance(command, Stop) and self._asked_policy is None:
            self._asked_policy = command.policy
        self._inbox.post(command)

    def place(self, command: SubmitOrder) -> "Future[TaskId]":
        """Queue one order, from any thread; the task it became. Cancelled when the engine ends before it heard."""
        answer: Future[TaskId] = Future()
        self._inbox.post(Placing(command, answer))
        return answer

    def begin(self, command: StartAlgorithm) -> "Future[TaskId]":
        """Take up a plan, from any thread; its id, by which `CancelAlgorithm` ends it.

        Fails with ValueError, whose text says why it was not started; cancelled when the engine ends before it heard.
        """
        answer: Future[TaskId] = Future()
        self._inbox.post(Beginning(command, answer))
        return answer

    def wait_for(self, task_id: TaskId, statuses: Collection[OrderStatus]) -> "Future[OrderTask]":
        """The task once it is of one of these statuses, or closed, from any thread.

        Fails with LookupError when memory does not hold it; cancelled when the engine ends before.
        """
        answer: Future[OrderTask] = Future()
        self._inbox.post(Waiting(task_id, frozenset(statuses), answer))
        return answer

    def kill(self, by: str, pressed_ns: int) -> None:
        """Halt at once, then cancel everything. Any thread, any time, also before the engine runs."""
        press = self._halt.press()
        self._inbox.post_kill(Kill(by=by, pressed_ns=pressed_ns), press)

    def preview(self, intent: OrderIntent) -> RiskDecision:
        """What risk would say to this intent now, on the newest snapshot."""
        if self._halt.is_set:
            return Denied(DenyReason.KILLED, "the kill switch is on: re-arm it first")
        for kill in self.state().kills:
            if kill.scope.covers(intent.market_id, OPERATOR):
                return Denied(DenyReason.KILLED, f"this market was killed by {kill.by}: re-arm it first")
        published = self._publisher.published
        if published.view is None or published.risk is None:
            return Denied(DenyReason.NOT_READY, "the engine is not running")
        return published.risk.check(intent, published.view)

    def history(self, query: HistoryQuery) -> "Future[tuple[HistoryRow, ...]]":
        """What the journal's log holds, newest rows first."""
        return self._library.ask(query)

    def request_stop(self, policy: ExitPolicy, reason: str) -> None:
        """Ask the engine to end."""
        self.submit(Stop(policy=policy, reason=reason))

    def exit_report(self) -> ExitReport | None:
        """How it ended; None while it runs."""
        return self._report

    @property
    def _is_keeping(self) -> bool:
        """Whether open orders are to be left where they are at the end."""
        return (self._asked_policy or self._parts.exit_policy) is ExitPolicy.KEEP

    async def _supervise(self, journal: Journal, should_stop: Callable[[], bool]) -> tuple[EnginePhase, ExitReport]:
        """Run the engine; whatever it dies of, stop sends, carry out the exit policy by hand, close the connector."""
        engine: ExecutionEngine | None = None
        control = await self._open_control()
        try:
            engine = ExecutionEngine(self._parts, journal, self._inbox, self._halt, self._publisher)
            report = await engine.run(should_stop)
            phase = EnginePhase.FAILED if report.exit_code == 2 else EnginePhase.STOPPED
        except Exception as fault:  # noqa: BLE001 - the engine's supervisor
            is_killed = self._halt.is_set
            self._halt.press()
            _LOG.exception("the engine failed")
            self._publisher.end(EnginePhase.STOPPING, f"the engine failed: {_sentence(fault)}")
            is_connected = engine is not None and engine.is_connected
            is_kept = self._is_keeping and not is_killed
            report = await self._last_word(_sentence(fault), is_allowed=is_connected and not is_kept)
            phase = EnginePhase.FAILED
        finally:
            self._inbox.bind(None)
            if control is not None:
                await control.close()
            await self._close()
        return phase, report

    async def _open_control(self) -> ControlServer | None:
        """The socket for other commands; an engine trades without it as well, and says so."""
        path = self._parts.control_path
        if path is None:
            return None
        handlers = {
            "kill": partial(remote_kill.kill, self),
            "rearm": partial(remote_kill.rearm, self),
            "limits": partial(remote_limits.limits, self, self._parts.limits_file),
        }
        control = ControlServer(path, handlers)
        try:
            await control.start()
        except LinkDown as error:
            text = f"lighter-tui kill will not reach this engine: {error}"
            self._inbox.put(Noticed(level=NoticeLevel.ALERT, source="control", text=text))
            return None
        return control

    async def _last_word(self, fault: str, *, is_allowed: bool) -> ExitReport:
        """With the machine gone: the exit policy straight through the connector, and what the venue says after it."""
        failed = f"the engine failed: {fault}"
        if not is_allowed:
            text = f"{failed}; open orders were left as they are"
            return ExitReport(is_clean=False, text=text, exit_code=1)
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                outcome = await self._parts.connector.cancel_all(None, lambda _: None)
                left = len(await self._parts.connector.open_orders())
        except (LighterTuiError, TimeoutError) as error:
            text = f"{failed}; whether open orders were cancelled is not known ({_sentence(error)})"
            return ExitReport(is_clean=False, text=f"{text}: check the venue by hand", exit_code=1)
        was_taken = "was sent" if isinstance(outcome, Sent) else "did not go through"
        text = f"{failed}; a cancel-all {was_taken}, the venue then listed {left} open orders"
        if (self._asked_policy or self._parts.exit_policy) is ExitPolicy.FLATTEN:
            text += "; positions were not closed: close them by hand"
        return ExitReport(is_clean=False, text=text, exit_code=1)

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._parts.connector.close()
        except (LighterTuiError, TimeoutError) as error:
            _LOG.warning("the connector did not close: %s", _sentence(error))

    def _end(self, phase: EnginePhase, report: ExitReport) -> None:
        self._publisher.end(phase, report.text)
        self._report = report


def _sentence(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return _sentence(error.exceptions[0])
    return str(error) or type(error).__name__
