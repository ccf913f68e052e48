"""Everything that stops trading, in one place: kills of all and of parts, and the end. Pure.

Its rooms: `sweep`, `kill`, `part_kill`, `ending`; `dropping` drops what waited. They hear each fact after it was taken
in.
"""

from typing import assert_never

from core.clock import Instant
from core.commands import Flatten as FlattenWish
from core.commands import Kill, KillPart, Rearm, RearmPart, Stop
from core.engine import effects as fx
from core.engine.effects import EngineInput
from core.engine.ending import Ending
from core.engine.evidence import Evidence
from core.engine.facts import Facts
from core.engine.flatten import Flatten
from core.engine.kill import KillSwitch
from core.engine.part_kill import PartKills
from core.engine.sweep import Sweep
from core.engine.tasks import Tasks
from core.events import (
    CancelAllResolved,
    CancelSendResolved,
    NoticeLevel,
    OpenOrdersListed,
    OrderSendResolved,
    PositionsReported,
    Ticked,
)
from core.model import OPERATOR
from core.scope import EVERYTHING, Scope

Wish = FlattenWish | Kill | Rearm | KillPart | RearmPart | Stop


class Stopping:
    """The machine's switches that end trading."""

    def __init__(self, facts: Facts, tasks: Tasks, evidence: Evidence) -> None:
        self._facts = facts
        self._tasks = tasks
        self._sweep = Sweep(facts, tasks, evidence)
        self._kill = KillSwitch(facts, tasks, self._sweep)
        self._parts = PartKills(facts, tasks, evidence)
        self._flatten = Flatten(facts, tasks)
        self._ending = Ending(facts, tasks, self._sweep, self._flatten)

    def restore(self, now: Instant) -> None:
        """What was killed starts killed; a flatten that was cut off is not gone on with, and said."""
        self._kill.restore(now)
        self._parts.restore(now)
        self._flatten.restore(now)

    def wish(self, command: Wish, now: Instant) -> None:
        """Carry out one of the operator's."""
        match command:
            case Kill():
                self._flatten.stop(f"stopped by a kill of {command.by}", now)
                self._kill.press(command, now)
                self._ending.tick(now)
            case FlattenWish():
                self._begin_flatten(command, now)
            case Rearm() | RearmPart() if self._is_flattening(command):
                text = "cannot re-arm: a flatten is under way, nothing may open again what it closes; a kill stops it"
                self._facts.tell(NoticeLevel.WARN, text, now)
            case Rearm():
                self._kill.rearm(command, now)
            case KillPart():
                if self._flatten.covers(command.scope.market_id):
                    self._flatten.stop(f"stopped by a kill of {command.by}", now)
                self._parts.press(command, now)
                self._ending.tick(now)
            case RearmPart():
                self._parts.rearm(command, now)
            case Stop():
                self._ending.begin(command, now)
            case other:
                assert_never(other)

    def on_event(self, event: EngineInput, now: Instant) -> None:
        """Hear a fact that the other rooms took in already, and bring everything shown up to it."""
        match event:
            case OpenOrdersListed():
                self._sweep.on_list(event, now)
                self._parts.on_list(event)
            case OrderSendResolved():
                self._parts.on_answer(self._facts.orders.find(client_id=event.client_id), now)
            case CancelSendResolved():
                self._parts.on_cancel(event, now)
            case CancelAllResolved() | fx.CancelAllSent():
                self._on_cancel_all(event, now)
            case fx.ListFailed(why=why):
                self._sweep.on_list_failed(why, now)
                self._parts.on_list_failed(why)
            case PositionsReported():
                self._flatten.on_positions(event)
            case fx.ConnectorStarted() | Ticked():
                self._sweep.tick(now)
                self._parts.tick(now)
            case _:
                pass
        self._tasks.dropping.step(now)
        self._kill.refresh(now)
        self._parts.refresh(now)
        if self._flatten.is_on:
            self._flatten.tick(now, is_clear=self._is_clear())
        self._ending.tick(now)

    def _is_flattening(self, command: Rearm | RearmPart) -> bool:
        """Whether that would lift the very kill under which a flatten works."""
        status = self._facts.standing.flatten
        lifted = command.scope if isinstance(command, RearmPart) else EVERYTHING
        return self._flatten.is_on and status is not None and lifted == Scope(market_id=status.market_id)

    def _begin_flatten(self, command: FlattenWish, now: Instant) -> None:
        """Its kill comes first: nothing may open again what is being closed."""
        market_id = command.market_id
        if self._flatten.is_on:
            self._facts.tell(NoticeLevel.WARN, "a flatten is under way already: a kill stops it", now)
            return
        if market_id is None:
            if not self._facts.standing.kill.is_latched:
                self._kill.press(Kill(by=command.by, pressed_ns=now.mono_ns), now)
        elif not self._facts.standing.killed_part(market_id, OPERATOR):
            self._parts.press(KillPart(scope=Scope(market_id=market_id), by=command.by, pressed_ns=now.mono_ns), now)
        self._flatten.begin(market_id, command.by, now, self._facts.tuning.flatten_limit_s)

    def _is_clear(self) -> bool:
        """Whether no other order of what is being flattened is open, by the venue's list."""
        status = self._facts.standing.flatten
        if self._sweep.is_confirmed:
            return True
        return (
            status is not None
            and status.market_id is not None
            and self._parts.is_confirmed(Scope(market_id=status.market_id))
        )

    def _on_cancel_all(self, event: CancelAllResolved | fx.CancelAllSent, now: Instant) -> None:
        market_id = event.market_id
        match event:
            case CancelAllResolved(outcome=outcome) if market_id is None:
                self._sweep.on_resolved(outcome, now)
            case CancelAllResolved(outcome=outcome) if market_id is not None:
                self._parts.on_resolved(market_id, outcome, now)
            case fx.CancelAllSent(sent_ns=sent_ns) if market_id is None:
                self._sweep.on_sent(sent_ns)
            case fx.CancelAllSent(sent_ns=sent_ns) if market_id is not None:
                self._parts.on_sent(market_id, sent_ns)
