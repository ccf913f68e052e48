"""The engine's shell: one loop that feeds the machine, carries out its effects and publishes its state.

Only this part of the engine waits. It decides nothing: `core.engine.machine` does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.clock import Clock
from core.commands import Command, ExitPolicy, Kill, Stop
from core.connectors.base import Connector
from core.decisions import TradingState
from core.engine import effects as fx
from core.engine.autopilot import Autopilot
from core.engine.executor import Executor
from core.engine.facts import Facts, Urgency
from core.engine.halt import HaltFlag
from core.engine.inbox import Inbox, Item
from core.engine.journal import Journal
from core.engine.machine import Machine
from core.engine.publisher import Publisher
from core.engine.records import first_client_id
from core.errors import AuthRejected, ConfigError, LighterTuiError
from core.events import QuotesChanged, Ticked
from core.risk import BreakerPanel, RiskManager
from core.state import EnginePhase, ExitReport
from core.units import ClientOrderId

_BEAT_S: Final = 0.05
_COALESCE_S: Final = 0.02
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 8.0
_BATCH: Final = 256
"""Inputs handled before other work of the loop gets its turn."""
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
    recent_limit: int = 256
    """Closed orders kept in memory."""


class ExecutionEngine:
    """One connector, one journal, one machine, on one loop. `run` once."""

    def __init__(
        self, parts: EngineParts, journal: Journal, inbox: Inbox, halt: HaltFlag, publisher: Publisher
    ) -> None:
        self._parts = parts
        self._inbox = inbox
        self._halt = halt
        self._publisher = publisher
        self._executor = Executor(parts.connector, journal, parts.clock, inbox, halt)
        self._executor.autopilot = parts.autopilot
        image = journal.load()
        if image.next_client_id == 1:
            image = replace(image, next_client_id=first_client_id(parts.clock.now().utc_us))
        world = parts.connector.identity
        breakers = BreakerPanel.closed(parts.breaker_trips_to)
        facts = Facts(image, parts.risk, breakers, parts.recent_limit)
        self._machine = Machine(facts, image, world, parts.clock.now())
        self._executor.may_leave = self._may_leave
        if facts.standing.kill.is_latched:
            inbox.press_seen = halt.press()
        self._is_connected = False
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
                ]
                report = await self._pump()
                for service in services:
                    service.cancel()
                self._executor.cancel()
        finally:
            if self._publish_due is not None:
                self._publish_due.cancel()
        return report

    @property
    def is_connected(self) -> bool:
        """Whether the venue can be told anything."""
        return self._is_connected

    async def _pump(self) -> ExitReport:
        """Take what comes in, have it judged, let others run."""
        while True:
            await self._inbox.wait()
            for _ in range(_BATCH):
                item = self._inbox.take()
                if item is None:
                    break
                self._judge(item)
                if isinstance(item, Kill):
                    await asyncio.sleep(0)  # its cancel-all leaves before anything else is looked at
            self._dispatch()
            self._show()
            report = self._report or self._machine.facts.standing.exit_report
            if report is not None and not self._inbox.has_kill:  # a kill is heard to the last moment
                return report
            await asyncio.sleep(0)

    def _judge(self, item: Item) -> None:
        now = self._parts.clock.now()
        if isinstance(item, Command):
            self._executor.carry_out(self._machine.on_command(item, now))
        else:
            self._executor.carry_out(self._machine.on_event(item, now))

    def _may_leave(self, client_id: ClientOrderId) -> str | None:
        return self._machine.may_leave(client_id, self._parts.clock.now())

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
            await asyncio.sleep(_BEAT_S)
            if self._machine.facts.urgency is Urgency.NONE:
                self._publisher.beat(self._parts.clock.now())
            else:
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
