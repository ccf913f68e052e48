"""The engine's shell: one loop that feeds the machine, carries out its effects and publishes its state.

Only this part of the engine waits. It decides nothing: `core.engine.machine` does.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from core.clock import Clock
from core.commands import Command, ExitPolicy, Kill, KillPart, Stop, SubmitOrder
from core.config import Engine as EngineTuning
from core.connectors.base import Connector
from core.decisions import TradingState
from core.engine import effects as fx
from core.engine.autopilot import Autopilot
from core.engine.entries import SETTINGS, settings_entry
from core.engine.executor import Executor
from core.engine.facts import Facts, Standing, Urgency
from core.engine.halt import HaltFlag
from core.engine.inbox import Beginning, Inbox, Item, Placing, Waiting
from core.engine.journal import Journal
from core.engine.limits_file import LimitsFile
from core.engine.machine import Machine
from core.engine.publisher import Publisher
from core.engine.records import first_client_id
from core.engine.retention import Retention
from core.engine.timings import Step
from core.engine.waiters import Waiters
from core.errors import AuthRejected, ConfigError, LighterTuiError
from core.events import QuotesChanged, Ticked
from core.model import OrderStatus, OrderTask
from core.risk import BreakerPanel, RiskManager
from core.state import EnginePhase, ExitReport, KillPhase
from core.units import ClientOrderId, TaskId

_BEAT_S: Final = 0.05
_BEAT_NS: Final = 50_000_000
_COALESCE_S: Final = 0.02
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 8.0
_HURRY: Final = frozenset({KillPhase.REQUESTED, KillPhase.SENT, KillPhase.FAILING})
_HEAD_START_S: Final = 0.03
"""How long a cancel-all has the loop to itself at most, to be signed and sent; everything is halted meanwhile."""
_BATCH: Final = 256
"""Inputs handled before other work of the loop gets its turn."""
_BATCH_IN_A_KILL: Final = 4
"""The same while a cancel-all is on its way to the wire: a storm of orders must not hold it up."""
_BEATS_A_STEP: Final = 5
"""The bot is asked every fifth beat: four times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineParts:
    """Everything an engine is made of; the composition root chooses."""

    connector: Connector
    risk: RiskManager
    journal_path: Path
    clock: Clock
    profile: str
    exit_policy: ExitPolicy
    breaker_trips_to: TradingState = TradingState.REDUCING
    autopilot: Autopilot | None = None
    deadman_s: int | None = None
    """How far ahead the venue's dead-man's switch is kept armed; None leaves it alone."""
    recent_limit: int = 256
    """Closed orders kept in memory."""
    settings: str = ""
    """The configuration in force as JSON, secrets hidden: what changed since the last run is journalled."""
    retention: Retention | None = None
    """How long the journal keeps what; None for ever."""
    account: str = ""
    """Whose journal it is: one of another account is refused. Empty for any."""
    limits_file: LimitsFile | None = None
    """Where limits are read again when they change; None when there is no file."""
    control_path: Path | None = None
    """Where other commands of this user may ask; None for nowhere."""
    tuning: EngineTuning = field(default_factory=EngineTuning)


class ExecutionEngine:
    """One connector, one journal, one machine, on one loop. `run` once."""

    def __init__(
        self, parts: EngineParts, journal: Journal, inbox: Inbox, halt: HaltFlag, publisher: Publisher
    ) -> None:
        self._parts = parts
        self._inbox = inbox
        self._halt = halt
        self._publisher = publisher
        self._journal = journal
        publisher.journal_depth = journal.depth
        self._executor = Executor(parts.connector, journal, parts.clock, inbox, halt)
        self._executor.autopilot = parts.autopilot
        image = journal.load()
        if image.next_client_id == 1:
            image = replace(image, next_client_id=first_client_id(parts.clock.now().utc_us))
        world = parts.connector.identity
        breakers = BreakerPanel.closed(parts.breaker_trips_to)
        facts = Facts(image, parts.risk, breakers, parts.recent_limit, parts.tuning)
        self._machine = Machine(facts, image, world, parts.clock.now(), parts.deadman_s)
        if parts.settings and parts.settings != (before := facts.meta.get(SETTINGS, "")):
            facts.record(settings_entry(before, parts.settings, parts.clock.now()))
            facts.store(SETTINGS, parts.settings)
        self._executor.sender.may_leave = self._may_leave
        self._executor.sender.may_change = self._may_change
        self._executor.sender.is_flattening = self._is_flattening
        self._waiters = Waiters(facts)
        self._executor.on_moved = self._waiters.on_moved
        if facts.standing.kill.is_latched:
            inbox.press_seen = halt.press()
        self._is_connected = False
        self._has_head_start = False
        """While a cancel-all has the loop to itself."""
        self._publish_due: asyncio.TimerHandle | None = None
        self._report: ExitReport | None = None

    async def run(self, should_stop: Callable[[], bool]) -> ExitReport:
        """Trade until told to stop, then carry out the exit policy; how it ended.

        Raises:
            ExceptionGroup: a fault of our own; the caller's supervisor deals with it.
        """
        self._inbox.bind(asyncio.get_running_loop())
        try:
            async with asyncio.TaskGroup() as group:
                self._executor.attach(group)
                self._executor.carry_out(self._machine.start())
                services = [
                    group.create_task(self._connect()),
                    group.create_task(self._beat(should_stop)),
                    group.create_task(self._publisher.looking.serve()),
                ]
                if self._parts.limits_file is not None:
                    services.append(group.create_task(self._parts.limits_file.watch(self._inbox.put)))
                report = await self._pump()
                for service in services:
                    service.cancel()
                self._executor.cancel()
        finally:
            if self._publish_due is not None:
                self._publish_due.cancel()
            self._waiters.end()
            self._inbox.close()
        return report

    @property
    def is_connected(self) -> bool:
        """Whether the venue can be told anything."""
        return self._is_connected

    def submit(self, command: SubmitOrder) -> TaskId:
        """Queue one order; the task it became. On the engine's loop; `EngineThread.place` is for other threads."""
        task_id, effects = self._machine.submit(command, self._parts.clock.now())
        self._executor.carry_out(effects)
        self._inbox.put(Ticked())  # risk decides at its turn
        return task_id

    def wait_for(self, task_id: TaskId, statuses: Collection[OrderStatus]) -> "Future[OrderTask]":
        """The task once it is of one of these statuses, or closed; LookupError when memory does not hold it."""
        answer: Future[OrderTask] = Future()
        self._waiters.add(task_id, statuses, answer)
        return answer

    async def _pump(self) -> ExitReport:
        """Take what comes in, have it judged, let others run."""
        while True:
            await self._inbox.wait()
            is_killing = self._machine.facts.standing.kill.phase is KillPhase.REQUESTED
            for _ in range(_BATCH_IN_A_KILL if is_killing else _BATCH):
                item = self._inbox.take()
                if item is None:
                    break
                self._judge(item)
                if isinstance(item, Kill | KillPart):
                    await self._let_cancel_all_leave()
                    break
            self._dispatch()
            self._show()
            report = self._report or self._machine.exit_report(self._parts.clock.now())
            if report is not None and not self._inbox.has_kill:  # a kill is heard to the last moment
                return report
            await asyncio.sleep(0)

    async def _let_cancel_all_leave(self) -> None:
        """Nothing else is looked at before: freezing a thousand tasks for the screen takes longer than sending it."""
        self._has_head_start = True
        await asyncio.sleep(0)  # its sending begins
        with suppress(TimeoutError):
            async with asyncio.timeout(_HEAD_START_S):
                await self._executor.sender.kills_left.wait()
        self._has_head_start = False

    def _judge(self, item: Item) -> None:
        now = self._parts.clock.now()
        if isinstance(item, Placing):
            if item.answer.set_running_or_notify_cancel():  # whoever gave up does not want the order either
                item.answer.set_result(self.submit(item.command))
        elif isinstance(item, Beginning):
            if item.answer.set_running_or_notify_cancel():
                self._begin(item)
        elif isinstance(item, Waiting):
            self._waiters.add(item.task_id, item.statuses, item.answer)
        elif isinstance(item, Command):
            self._executor.carry_out(self._machine.on_command(item, now))
        else:
            self._executor.carry_out(self._machine.on_event(item, now))

    def _begin(self, item: Beginning) -> None:
        begun, effects = self._machine.begin(item.command, self._parts.clock.now())
        self._executor.carry_out(effects)
        if isinstance(begun, str):
            item.answer.set_exception(ValueError(begun))
        else:
            item.answer.set_result(begun)

    def _may_leave(self, client_id: ClientOrderId) -> str | None:
        return self._killed(client_id) or self._machine.may_leave(client_id, self._parts.clock.now())

    def _may_change(self, client_id: ClientOrderId) -> str | None:
        return self._killed(client_id) or self._machine.may_change(client_id)

    def _is_flattening(self, client_id: ClientOrderId) -> bool:
        """A press that the machine has not heard of stops a flatten like everything else."""
        is_newest = self._halt.presses == self._inbox.press_seen
        return is_newest and client_id in self._machine.facts.standing.flattening

    def _killed(self, client_id: ClientOrderId) -> str | None:
        """Whether a kill of its part was pressed that the machine has not heard of yet."""
        tracked = self._machine.facts.orders.find(client_id=client_id)
        if tracked is not None and self._inbox.has_kill and self._inbox.is_killed(tracked.market_id, tracked.origin):
            return "killed before it was sent"
        return None

    def _dispatch(self) -> None:
        """Decide queued tasks, each on the newest quote there is."""
        while (market_id := self._machine.next_market()) is not None:
            now = self._parts.clock.now()
            if self._is_connected and market_id in self._machine.facts.markets:
                quote = self._parts.connector.quote(market_id)
                self._executor.carry_out(self._machine.on_event(QuotesChanged(quotes=(quote,)), now))
            self._executor.carry_out(self._machine.dispatch(now))

    async def _connect(self) -> None:
        """Call the venue until it answers; its streams reconnect by themselves from then on."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                await self._parts.connector.start(self._inbox.put)
            except (ConfigError, AuthRejected) as error:
                self._refuse(str(error))
                return
            except LighterTuiError as error:
                self._inbox.put(fx.ConnectFailed(why=str(error)))
            else:
                self._is_connected = True
                self._inbox.put(fx.ConnectorStarted())
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _refuse(self, why: str) -> None:
        """The venue will never take us like this: the operator has to change something."""
        left = self._machine.facts.orders.may_be_live()
        text = f"{why}; {left} orders of an earlier run may still be live" if left else why
        self._machine.end(EnginePhase.FAILED, text)
        self._report = ExitReport(is_clean=False, text=text, exit_code=2)
        self._inbox.put(Ticked())

    async def _beat(self, should_stop: Callable[[], bool]) -> None:
        """Twenty times a second: quotes, time, books; the bot, more rarely."""
        beats = 0
        while True:
            beats += 1
            self._journal.may_tidy = _is_calm(self._machine.facts.standing)
            if self._is_connected:
                quotes = self._parts.connector.drain_quotes()
                if quotes:
                    self._inbox.put(QuotesChanged(quotes=quotes))
                self._publisher.refresh_books()
            self._inbox.put(Ticked())
            if should_stop():
                self._inbox.put(Stop(policy=self._parts.exit_policy, reason="the desk is gone"))
            if beats % _BEATS_A_STEP == 0:
                self._step_autopilot()
                self._inbox.put(fx.ClocksCompared(skew_ms=_worst_skew(self._parts.connector)))
            asked_ns = time.monotonic_ns()
            await asyncio.sleep(_BEAT_S)
            self._machine.facts.timings.add(Step.LOOP_LAG, time.monotonic_ns() - asked_ns - _BEAT_NS)
            if self._machine.facts.urgency is Urgency.NONE:
                self._publisher.beat(self._machine, self._parts.clock.now())
            elif not self._has_head_start:
                self._publish()

    def _step_autopilot(self) -> None:
        autopilot = self._parts.autopilot
        if autopilot is None or not self._machine.facts.standing.is_ready:
            return
        for command in autopilot.step(self._publisher.state):
            if isinstance(command, Kill):
                self._inbox.post_kill(command, self._halt.press())
            else:
                self._inbox.put(command)

    def _show(self) -> None:
        """Publish at once, soon, or with the next beat, as what changed asks for."""
        urgency = self._machine.facts.urgency
        is_due = self._publish_due is not None and self._publish_due.when() <= asyncio.get_running_loop().time()
        if urgency is Urgency.NOW or is_due:
            self._publish()
        elif urgency is Urgency.SOON and self._publish_due is None:
            # The timer only wakes the pump: a fault while publishing must reach the supervisor.
            self._publish_due = asyncio.get_running_loop().call_later(_COALESCE_S, self._inbox.put, Ticked())

    def _publish(self) -> None:
        if self._publish_due is not None:
            self._publish_due.cancel()
            self._publish_due = None
        self._publisher.publish(self._machine, self._parts.clock.now())


def _is_calm(standing: Standing) -> bool:
    """Whether nothing is being killed or ended: housekeeping may take its time."""
    kills = (standing.kill, *standing.kills)
    return standing.phase is not EnginePhase.STOPPING and not any(kill.phase in _HURRY for kill in kills)


def _worst_skew(connector: Connector) -> int | None:
    skews = [link.skew_ms for link in connector.links() if link.skew_ms is not None]
    return max(skews, key=abs, default=None)
