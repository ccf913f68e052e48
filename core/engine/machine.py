"""The engine's judgement: facts and wishes in, work out. Pure: time is an argument, and nothing here waits.

Its rooms: `tasks` (to the wire), `evidence` (from the venue), `fills` (money), `catch_up` (money that was missed),
`sweep` and `switches` (stopping).
"""

from decimal import Decimal
from typing import Final, assert_never

from core.clock import SECOND_NS, Instant
from core.commands import (
    CancelOrder,
    CloseBreaker,
    Command,
    Kill,
    Rearm,
    SetStrategy,
    Stop,
    SubmitOrder,
    TripBreaker,
)
from core.engine import effects as fx
from core.engine.catch_up import CatchUp
from core.engine.effects import Effect, EngineInput
from core.engine.evidence import Evidence
from core.engine.facts import Facts, Urgency
from core.engine.fills import Fills
from core.engine.order_map import Tracked
from core.engine.orders import Trigger
from core.engine.records import JournalImage
from core.engine.sweep import Sweep
from core.engine.switches import Breakers, DayEquity, Ending, KillSwitch
from core.engine.tasks import Tasks, recovered
from core.events import (
    AccountReported,
    CancelAllResolved,
    CancelSendResolved,
    FillReported,
    FillsBegin,
    LinkChanged,
    LinkName,
    LinkStatus,
    MarketsListed,
    Noticed,
    NoticeLevel,
    OpenOrdersListed,
    OrderSendResolved,
    OrdersReported,
    PositionsReported,
    QuotesChanged,
    Ticked,
)
from core.model import OrderStatus
from core.state import EnginePhase
from core.units import MarketId

_WORLD_KEY: Final = "world"
_RETRY_NS: Final = SECOND_NS


class Machine:
    """Everything the engine decides. One caller, one thread."""

    def __init__(self, facts: Facts, image: JournalImage, world: str, now: Instant) -> None:
        """Begin with what the journal holds; `world` is the connector's identity."""
        self.facts = facts
        self._tasks = Tasks(facts)
        self.may_leave: Final = self._tasks.may_leave
        """Asked right before the bytes of an order leave."""
        self._evidence = Evidence(facts, self._tasks)
        self._fills = Fills(facts)
        self._sweep = Sweep(facts, self._tasks, self._evidence)
        self._kill = KillSwitch(facts, self._tasks, self._sweep)
        self._breakers = Breakers(facts)
        self._ending = Ending(facts, self._tasks, self._sweep)
        self._day = DayEquity(facts, world)
        self._retry_ns = 0
        self._is_list_due = False
        self._catch_up = CatchUp(facts, self._fills, image, world)
        self._breakers.restore()
        self._day.restore()
        self._recover(image, world, now)
        self._kill.restore(now)

    def start(self) -> list[Effect]:
        """The venue is about to be called; work that what the journal held asks for."""
        if self.facts.standing.phase is EnginePhase.STARTING:
            self.facts.standing.phase, self.facts.standing.phase_detail = EnginePhase.CONNECTING, "calling the venue"
        return self.facts.take()

    def end(self, phase: EnginePhase, detail: str) -> None:
        """Nothing follows."""
        self.facts.standing.phase, self.facts.standing.phase_detail = phase, detail
        self.facts.changed(Urgency.NOW)

    @property
    def is_sweeping(self) -> bool:
        """Whether everything is being cancelled right now."""
        return self._sweep.is_on and self._sweep.confirmed_ns is None

    @property
    def day_pnl(self) -> Decimal | None:
        """Equity now minus equity at the UTC day's first sight, in USDC."""
        return self._day.pnl()

    def next_market(self) -> MarketId | None:
        """The market whose quote decides next; None when nothing may be sent now."""
        return self._tasks.next_market()

    def dispatch(self, now: Instant) -> list[Effect]:
        """Decide the task whose turn it is."""
        self._tasks.dispatch(now)
        return self.facts.take()

    def on_command(self, command: Command, now: Instant) -> list[Effect]:
        """A wish."""
        match command:
            case SubmitOrder():
                self._tasks.submit(command, now)
            case CancelOrder():
                self._tasks.cancel(command, now)
            case Kill():
                self._kill.press(command, now)
                self._ending.tick(now)
            case Rearm():
                self._kill.rearm(command, now)
            case TripBreaker():
                self._breakers.trip(command, now)
            case CloseBreaker():
                self._breakers.close(command, now)
            case SetStrategy():
                self.facts.audit("strategy", f"{command.by} sets {command.name} running={command.running}", now)
                self.facts.emit(fx.SwitchStrategy(name=command.name, running=command.running, by=command.by))
            case Stop():
                self._ending.begin(command, now)
            case other:
                assert_never(other)
        return self.facts.take()

    def on_event(self, event: EngineInput, now: Instant) -> list[Effect]:
        """A fact."""
        if not (self._on_orders(event, now) or self._on_money(event, now) or self._on_surroundings(event, now)):
            self._on_shell(event, now)
        self._progress()
        self._kill.refresh(now)
        self._ending.tick(now)
        return self.facts.take()

    def _on_orders(self, event: EngineInput, now: Instant) -> bool:
        match event:
            case OrdersReported():
                for report in event.orders:
                    self._evidence.on_report(report, now)
            case OpenOrdersListed():
                self._is_list_due = False
                self._catch_up.on_read(is_fine=True)
                self._evidence.on_list(event, now)
                self._sweep.on_list(event, now)
                self.facts.changed(Urgency.QUIET)
            case OrderSendResolved():
                self._tasks.on_sent(event, now)
            case CancelSendResolved():
                self._tasks.on_cancel_sent(event, now)
            case CancelAllResolved():
                self._sweep.on_resolved(event.outcome, now)
            case fx.OrderLookedUp():
                self._evidence.on_looked_up(event, now)
            case fx.LookUpFailed():
                self._evidence.on_look_up_failed(event, now)
            case fx.OwnerFound():
                self._evidence.on_owner(event, now)
            case _:
                return False
        return True

    def _on_money(self, event: EngineInput, now: Instant) -> bool:
        match event:
            case FillReported():
                self._fills.on_fill(event, now)
            case FillsBegin():
                self._catch_up.begin(event.after)
            case fx.FillsCaughtUp():
                self._catch_up.on_done(event.up_to, now)
            case fx.CatchUpFailed():
                self._on_catch_up_failed(event.why, now)
            case fx.FillResolved():
                self._fills.on_resolved(event, now)
            case PositionsReported():
                self._fills.on_positions(event, now)
            case AccountReported():
                self.facts.account = event.account
                self._day.see(event.account.equity, now)
                self.facts.changed(Urgency.QUIET)
            case _:
                return False
        return True

    def _on_surroundings(self, event: EngineInput, now: Instant) -> bool:
        facts = self.facts
        match event:
            case MarketsListed():
                facts.markets = {market.id: market for market in event.markets}
                _warn_of_idle_limits(facts, now)
                facts.changed()
            case QuotesChanged():
                for quote in event.quotes:
                    facts.quotes[quote.market_id] = quote
                facts.changed(Urgency.QUIET)
            case LinkChanged():
                before = facts.links.get(event.link.name)
                facts.links[event.link.name] = event.link
                if before is not None and before.status is not event.link.status:
                    level = NoticeLevel.ALERT if event.link.status is LinkStatus.DOWN else NoticeLevel.INFO
                    text = f"{event.link.name.value} link is {event.link.status.value} {event.link.detail}".rstrip()
                    facts.tell(level, text, now, "link")
                    if event.link.name is LinkName.ACCOUNT and event.link.status is LinkStatus.LIVE:
                        self._catch_up.want(now)
                facts.changed()
            case Noticed():
                facts.tell(event.level, event.text, now, event.source)
            case Ticked():
                self._on_tick(now)
            case _:
                return False
        return True

    def _on_shell(self, event: EngineInput, now: Instant) -> None:
        facts = self.facts
        match event:
            case fx.ConnectorStarted():
                self._on_connected(now)
            case fx.ConnectFailed():
                self._on_connect_failed(event.why, now)
            case fx.CancelAllSent():
                self._sweep.on_sent(event.sent_ns)
            case fx.ListFailed():
                self._catch_up.on_read(is_fine=False)
                self._evidence.on_list_failed()
                self._sweep.on_list_failed(event.why, now)
                self._retry(event.why, now)
            case fx.ViewFailed():
                self._catch_up.on_read(is_fine=False)
                self._retry(event.why, now)
            case fx.JournalFailed():
                if not facts.standing.journal_fault:
                    facts.standing.journal_fault = event.why
                    facts.tell(NoticeLevel.ALERT, f"nothing can be remembered, trading stops: {event.why}", now)
                facts.changed(Urgency.NOW)
            case fx.StrategySwitched():
                verb = "started" if event.running else "stopped"
                text = f"{event.name} {verb} by {event.by}" if event.is_known else f"no strategy is called {event.name}"
                facts.tell(NoticeLevel.INFO if event.is_known else NoticeLevel.WARN, text, now)
            case _:
                raise TypeError(f"a fact that no room takes: {type(event).__name__}")

    def _on_tick(self, now: Instant) -> None:
        standing = self.facts.standing
        if standing.is_connected:
            self._evidence.tick(now)
            if standing.phase is EnginePhase.RECONCILING and self._retry_ns and now.mono_ns >= self._retry_ns:
                self._retry_ns = 0
                self._ask()
            if self.facts.unbooked.is_due(now):
                self.facts.emit(fx.ViewAccount())
                self._catch_up.want(now)
            self._catch_up.tick(now)
        self._fills.tick(now)
        self._sweep.tick(now)

    def _on_connected(self, now: Instant) -> None:
        standing = self.facts.standing
        standing.is_connected = True
        self._is_list_due = True
        if standing.phase in {EnginePhase.STARTING, EnginePhase.CONNECTING}:
            standing.phase, standing.phase_detail = EnginePhase.RECONCILING, "comparing orders and positions"
        self._ask()
        self._catch_up.tick(now)
        self._sweep.tick(now)
        self._evidence.tick(now)
        self.facts.changed(Urgency.NOW)

    def _on_connect_failed(self, why: str, now: Instant) -> None:
        standing = self.facts.standing
        detail = f"{why}; trying again"
        if standing.phase_detail != detail:
            self.facts.tell(NoticeLevel.WARN, f"not connected: {detail}", now)
        if standing.phase in {EnginePhase.STARTING, EnginePhase.CONNECTING}:
            standing.phase, standing.phase_detail = EnginePhase.CONNECTING, detail
        self.facts.changed()

    def _ask(self) -> None:
        if self._is_list_due:
            self._evidence.ask_list()
        if not self.facts.ledger.has_baseline:
            self.facts.emit(fx.ViewAccount())

    def _on_catch_up_failed(self, why: str, now: Instant) -> None:
        self._catch_up.on_failed(why, now)
        if self._catch_up.is_due:
            self._evidence.ask_list()  # whether anything at all can be had
            self._retry(why, now)

    def _retry(self, why: str, now: Instant) -> None:
        if self.facts.standing.phase is EnginePhase.RECONCILING:
            self.facts.standing.phase_detail = f"comparing orders and positions: {why}"
            self._retry_ns = now.mono_ns + _RETRY_NS
            self.facts.changed()

    def _progress(self) -> None:
        """Trading may begin once orders, positions and everything in doubt were seen or asked for."""
        standing = self.facts.standing
        if standing.phase is not EnginePhase.RECONCILING or self._is_list_due or self._catch_up.is_due:
            return
        if self.facts.ledger.has_baseline and not self._fills.pending and self._evidence.is_first_round_over:
            standing.phase, standing.phase_detail = EnginePhase.RUNNING, ""
            self.facts.changed(Urgency.NOW)

    def _recover(self, image: JournalImage, world: str, now: Instant) -> None:
        """Take in the orders that were live when the journal was last written."""
        facts = self.facts
        is_same_world = facts.meta.get(_WORLD_KEY, world) == world
        # Orders placed elsewhere are left to the venue's list: it shows those that still live.
        live = [saved for saved in image.live if saved.task_id is not None]
        for saved in live:
            tracked = Tracked(
                order=saved.order,
                origin=saved.origin,
                priority=saved.priority,
                task_id=saved.task_id,
                created_ns=now.mono_ns,
                since_ns=now.mono_ns,
                reported=saved.order.filled,
                reported_quote=saved.order.filled_quote,
                booked=saved.booked,
                booked_quote=saved.booked_quote,
                counted=saved.order.filled,
            )
            facts.orders.add(tracked)
            if saved.order.status is OrderStatus.QUEUED:
                facts.move(tracked, Trigger.DROP, now, "the engine ended before it was sent")
            elif is_same_world:
                recovered(tracked, now)
                facts.save(tracked)
            else:
                facts.move(tracked, Trigger.END_WORLD, now, "the venue it lived at is gone")
        if live:
            what = "to be looked up" if is_same_world else "closed: the venue they lived at is gone"
            facts.tell(NoticeLevel.WARN, f"{len(live)} orders of an earlier run {what}", now)
        if facts.meta.get(_WORLD_KEY) != world:
            facts.store(_WORLD_KEY, world)
            facts.audit("world", world, now)


def _warn_of_idle_limits(facts: Facts, now: Instant) -> None:
    """A limit for a market that is not traded here limits nothing: perhaps its symbol is misspelt."""
    known = {market.symbol for market in facts.markets.values()}
    idle = sorted(facts.risk.limits.markets.keys() - known)
    if idle:
        text = f"risk.markets: no such market here, these limits limit nothing: {', '.join(idle)}"
        facts.tell(NoticeLevel.ALERT, text, now, "risk")
