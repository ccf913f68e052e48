"""An engine that is built in its own thread, so that the screen does not wait for imports, keys or the paper venue.

Until it is built it answers for the engine: starting, halted, and whatever was asked for is kept. A kill above all.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from core.clock import Clock
from core.commands import Command, ExitPolicy
from core.decisions import Denied, DenyReason, RiskDecision
from core.errors import ConfigError, JournalError, LighterTuiError
from core.history import HistoryQuery, HistoryRow
from core.look import MarketLook, nothing_yet
from core.model import BookStatus, BookView, OrderIntent
from core.state import EnginePhase, EngineState, ExitReport
from core.units import MarketId

if TYPE_CHECKING:
    from core.engine.handle import EngineThread

_NOT_YET: Final = Denied(DenyReason.NOT_READY, "the engine is starting")


class LateEngine:
    """`tui.bridge.EngineHandle` over an engine that `build` makes at the start of `run`."""

    def __init__(self, build: "Callable[[], EngineThread]", clock: Clock, profile: str, detail: str) -> None:
        """`build` may block and may raise any LighterTuiError; `detail` says what is being waited for."""
        self._build = build
        self._clock = clock
        self._state = EngineState(
            seq=0,
            published=clock.now(),
            phase=EnginePhase.STARTING,
            phase_detail=detail,
            profile=profile,
            trading_detail="the engine is starting",
        )
        self._lock = threading.Lock()
        self._wishes: list[Callable[[EngineThread], None]] = []
        self._is_stopped = False
        self._engine: EngineThread | None = None
        self._report: ExitReport | None = None

    def announce(self, profile: str, detail: str) -> None:
        """Say whose engine is being built, and what is being waited for now."""
        before = self._state
        self._state = replace(
            before, seq=before.seq + 1, published=self._clock.now(), profile=profile, phase_detail=detail
        )

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Build the engine, hand over what was asked of it meanwhile, and run it."""
        try:
            engine = self._build()
        except LighterTuiError as error:
            code = 2 if isinstance(error, ConfigError) else 1
            self._end(EnginePhase.FAILED, ExitReport(is_clean=False, text=str(error), exit_code=code))
            return
        with self._lock:
            if self._is_stopped:
                self._end(EnginePhase.STOPPED, ExitReport(is_clean=True, text="stopped before anything was sent"))
                return
            for wish in self._wishes:
                wish(engine)
            self._engine = engine
        engine.run(should_stop)

    def state(self) -> EngineState:
        """The engine's newest snapshot, or ours before there is one."""
        return self._state if self._engine is None else self._engine.state()

    def book(self, market_id: MarketId, depth: int) -> BookView:
        """The newest frozen view of one book; EMPTY before the first."""
        if self._engine is None:
            return BookView(market_id=market_id, status=BookStatus.EMPTY)
        return self._engine.book(market_id, depth)

    def look(self, market_id: MarketId, depth: int) -> MarketLook:
        """The newest look at one market; nothing yet before there is an engine."""
        return nothing_yet(market_id) if self._engine is None else self._engine.look(market_id, depth)

    def submit(self, command: Command) -> None:
        """Hand over a wish; never blocks."""
        self._ask(lambda engine: engine.submit(command))

    def kill(self, by: str, pressed_ns: int) -> None:
        """Halt at once; an engine that is not built yet begins halted."""
        self._ask(lambda engine: engine.kill(by, pressed_ns))

    def preview(self, intent: OrderIntent) -> RiskDecision:
        """What risk would say to this intent now."""
        return _NOT_YET if self._engine is None else self._engine.preview(intent)

    def history(self, query: HistoryQuery) -> "Future[tuple[HistoryRow, ...]]":
        """What the journal's log holds, once there is an engine to ask."""
        if self._engine is not None:
            return self._engine.history(query)
        answer: Future[tuple[HistoryRow, ...]] = Future()
        answer.set_exception(JournalError("the engine is starting: its journal is not open yet"))
        return answer

    def request_stop(self, policy: ExitPolicy, reason: str) -> None:
        """Ask the engine to end; one that is not built yet never begins."""
        with self._lock:
            self._is_stopped = True
            engine = self._engine
        if engine is not None:
            engine.request_stop(policy, reason)

    def exit_report(self) -> ExitReport | None:
        """How it ended; None while it runs."""
        return self._report if self._engine is None else self._engine.exit_report()

    def _ask(self, wish: "Callable[[EngineThread], None]") -> None:
        engine = self._engine
        if engine is None:
            with self._lock:
                engine = self._engine
                if engine is None:
                    self._wishes.append(wish)
                    return
        wish(engine)

    def _end(self, phase: EnginePhase, report: ExitReport) -> None:
        before = self._state
        self._state = EngineState(
            seq=before.seq + 1,
            published=self._clock.now(),
            phase=phase,
            phase_detail=report.text,
            profile=before.profile,
            trading_detail=report.text,
        )
        self._report = report
