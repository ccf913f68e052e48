"""Carries out the machine's effects: asks the connector and the journal, and puts what came of it into the inbox.

It decides nothing. What is sent to the venue is the business of `core.engine.sender`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import Final, assert_never

from core.clock import Clock
from core.connectors.base import Connector
from core.engine import effects as fx
from core.engine import switch
from core.engine.autopilot import Autopilot
from core.engine.effects import Effect
from core.engine.halt import HaltFlag
from core.engine.inbox import Inbox
from core.engine.journal import Journal
from core.engine.sender import Sender, answer_of
from core.errors import JournalError, LighterTuiError
from core.events import (
    AccountReported,
    FillReported,
    NoticeLevel,
    OpenOrdersListed,
    PositionsReported,
)
from core.model import Fill, OrderTask
from core.units import ClientOrderId, MarketId, TradeId, VenueOrderId

_LOG: Final = logging.getLogger(__name__)
_LEVELS: Final = {
    NoticeLevel.INFO: logging.INFO,
    NoticeLevel.WARN: logging.WARNING,
    NoticeLevel.ALERT: logging.ERROR,
}
_LOOK_UPS_AT_ONCE: Final = 4

_Asking = fx.ListOpenOrders | fx.ViewAccount | fx.CatchUpFills | fx.LookUpOrder | fx.FindOwner | fx.ResolveFill


class Executor:
    """The hands of the engine."""

    def __init__(self, connector: Connector, journal: Journal, clock: Clock, inbox: Inbox, halt: HaltFlag) -> None:
        self._connector = connector
        self._journal = journal
        self._clock = clock
        self._inbox = inbox
        self._halt = halt
        self._tasks: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._look_ups = asyncio.Semaphore(_LOOK_UPS_AT_ONCE)
        self._durable: Future[None] | None = None
        self.autopilot: Autopilot | None = None
        self.on_moved: Callable[[OrderTask], None] = lambda _: None
        """Told of every change of a task that somebody waits for."""
        self.sender: Final = Sender(connector, inbox, halt)

    def attach(self, group: asyncio.TaskGroup) -> None:
        """Run everything in this group: what nobody expected ends it."""
        self._group = group

    def cancel(self) -> None:
        """Drop whatever is still waiting for an answer."""
        for task in tuple(self._tasks):
            task.cancel()

    def carry_out(self, effects: Sequence[Effect]) -> None:
        """Start all of this work, in order."""
        for effect in effects:
            match effect:
                case fx.Persist():
                    self._persist(effect)
                case fx.Notify(notice=notice):
                    _LOG.log(_LEVELS[notice.level], "%s: %s", notice.source, notice.text)
                case fx.LiftHalt():
                    self._halt.lift(self._inbox.press_seen)
                case fx.SwitchStrategy():
                    self._switch(effect)
                case fx.ArmSwitch() | fx.DisarmSwitch() | fx.ReadSwitch():
                    self._spawn(switch.work(effect, self._connector, self._clock, self._inbox))
                case fx.TaskMoved(task=task):
                    self.on_moved(task)
                case fx.SendOrder() | fx.SendCancel() | fx.SendModify() | fx.SendGroup() | fx.SendCancelAll():
                    self._spawn(self.sender.work(effect, self._durable))
                case _:
                    self._spawn(self._asking(effect))

    def _asking(self, effect: _Asking) -> Coroutine[None, None, None]:
        match effect:
            case fx.ListOpenOrders():
                work = self._list_orders()
            case fx.ViewAccount():
                work = self._view_account()
            case fx.CatchUpFills(after=after):
                work = self._catch_up(after)
            case fx.LookUpOrder(client_id=client_id, market_id=market_id):
                work = self._look_up(client_id, market_id)
            case fx.FindOwner(venue_id=venue_id, client_id=client_id):
                work = self._find_owner(venue_id, client_id)
            case fx.ResolveFill(fill=fill):
                work = self._resolve_fill(fill)
            case other:
                assert_never(other)
        return work

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        if self._group is None:
            work.close()
            return
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _persist(self, effect: fx.Persist) -> None:
        self._durable = self._journal.append(effect.records)
        self._durable.add_done_callback(self._on_written)

    def _on_written(self, written: "Future[None]") -> None:
        """Runs on the journal's thread."""
        if not written.cancelled() and (error := written.exception()) is not None:
            self._inbox.post(fx.JournalFailed(why=str(error)))

    def _switch(self, effect: fx.SwitchStrategy) -> None:
        is_known = self.autopilot is not None and self.autopilot.set_running(effect.name, effect.running)
        self._inbox.put(fx.StrategySwitched(name=effect.name, running=effect.running, by=effect.by, is_known=is_known))

    async def _list_orders(self) -> None:
        asked_ns = self._clock.now().mono_ns
        try:
            orders = await self._connector.open_orders()
        except LighterTuiError as error:
            self._inbox.put(fx.ListFailed(why=str(error)))
        else:
            self._inbox.put(OpenOrdersListed(orders=orders, asked_ns=asked_ns))

    async def _view_account(self) -> None:
        asked_ns = self._clock.now().mono_ns
        try:
            view = await self._connector.account_view()
        except LighterTuiError as error:
            self._inbox.put(fx.ViewFailed(why=str(error)))
        else:
            self._inbox.put(AccountReported(account=view.account))
            self._inbox.put(PositionsReported(positions=view.positions, is_complete=True, asked_ns=asked_ns))

    async def _catch_up(self, after: TradeId) -> None:
        try:
            fills = await self._connector.fills_after(after)
        except LighterTuiError as error:
            self._inbox.put(fx.CatchUpFailed(why=str(error)))
            return
        for fill in fills:
            self._inbox.put(FillReported(fill=fill))
        self._inbox.put(fx.FillsCaughtUp(up_to=max((fill.trade_id for fill in fills), default=None)))

    async def _look_up(self, client_id: ClientOrderId, market_id: MarketId) -> None:
        try:
            async with self._look_ups:
                asked_ns = self._clock.now().mono_ns
                report = await self._connector.find_order(client_id, market_id)
        except LighterTuiError as error:
            self._inbox.put(fx.LookUpFailed(client_id=client_id, why=str(error)))
        else:
            self._inbox.put(fx.OrderLookedUp(client_id=client_id, report=report, asked_ns=asked_ns))

    async def _find_owner(self, venue_id: VenueOrderId, client_id: ClientOrderId) -> None:
        try:
            saved = await answer_of(self._journal.find_order(client_id=client_id))
        except JournalError as error:
            saved = None
            self._inbox.put(fx.JournalFailed(why=str(error)))
        self._inbox.put(fx.OwnerFound(venue_id=venue_id, saved=saved))

    async def _resolve_fill(self, fill: Fill) -> None:
        saved, is_booked = None, False
        try:
            is_booked = await answer_of(self._journal.has_trade(fill.key))
            if not is_booked:
                saved = await answer_of(
                    self._journal.find_order(client_id=fill.client_order_id, venue_id=fill.venue_order_id)
                )
        except JournalError as error:
            self._inbox.put(fx.JournalFailed(why=str(error)))
        self._inbox.put(fx.FillResolved(fill=fill, saved=saved, is_booked=is_booked))
