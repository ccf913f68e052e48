"""The engine's judgement: facts and wishes in, work out. Pure: time is an argument, and nothing here waits.

Its rooms: `tasks`, `changes`, `deadlines` and `parents` (to the wire), `evidence` (from the venue), `reconciling` (when
both are compared), `fills` (money), `catch_up` (money that was missed), `stopping` (kills and the end), `breakers`,
`limiting`, `deadman`, `rivals` and `recovery` (what an earlier run left).
"""

from decimal import Decimal
from typing import Final

from core.clock import Instant
from core.commands import (
    CancelAlgorithm,
    CancelOrder,
    CloseBreaker,
    Command,
    Flatten,
    Kill,
    KillPart,
    ModifyOrder,
    Rearm,
    RearmPart,
    Reconcile,
    ReloadLimits,
    ResetLimits,
    SetLimit,
    SetStrategy,
    StartAlgorithm,
    Stop,
    StrategyFailed,
    SubmitOrder,
    TripBreaker,
)
from core.decisions import Unresolved
from core.engine import effects as fx
from core.engine import strategies
from core.engine.breakers import Breakers
from core.engine.catch_up import CatchUp
from core.engine.changes import Changes
from core.engine.day import DayEquity
from core.engine.deadlines import Deadlines
from core.engine.deadman import Deadman
from core.engine.effects import Effect, EngineInput
from core.engine.entries import event_entry
from core.engine.evidence import Evidence
from core.engine.facts import Facts, Urgency
from core.engine.fills import Fills
from core.engine.limiting import Limiting
from core.engine.parents import Parents
from core.engine.profit import Profit
from core.engine.reconciling import Reconciling
from core.engine.records import MARKETS, JournalImage, SavedCommand
from core.engine.recovery import recover
from core.engine.rivals import Rivals
from core.engine.settlement import Settlement
from core.engine.stopping import Stopping
from core.engine.tasks import Tasks
from core.engine.watchman import Watchman
from core.errors import InvariantBroken
from core.events import (
    AccountReported,
    AssetsReported,
    CancelAllResolved,
    CancelSendResolved,
    FillReported,
    FillsBegin,
    LinkChanged,
    MarketsListed,
    ModifySendResolved,
    NonceMoved,
    Noticed,
    NoticeLevel,
    OpenOrdersListed,
    OrderSendResolved,
    OrdersReported,
    PositionsReported,
    QuotesChanged,
    Ticked,
    TransactionSigned,
)
from core.state import EnginePhase, ExitReport
from core.units import ClientOrderId, MarketId, TaskId


class Machine:
    """Everything the engine decides. One caller, one thread."""

    def __init__(
        self, facts: Facts, image: JournalImage, world: str, now: Instant, deadman_s: int | None = None
    ) -> None:
        """Begin with what the journal holds; `world` is the connector's identity, `deadman_s` the switch's span."""
        self.facts = facts
        self._tasks = Tasks(facts)
        self.may_leave: Final = self._tasks.may_leave
        """Asked right before the bytes of an order leave."""
        self._changes = Changes(facts, self._tasks)
        self._deadlines = Deadlines(facts, self._tasks)
        self._parents = Parents(facts, self._tasks, self._changes, self._submit)
        self.algorithms: Final = self._parents.statuses
        """Execution plans under way."""
        self._evidence = Evidence(facts, self._tasks)
        self._fills = Fills(facts)
        self._stopping = Stopping(facts, self._tasks, self._evidence)
        self._breakers = Breakers(facts)
        facts.profit = Profit(world)
        facts.profit.restore(facts.meta)
        self._day = DayEquity(facts, world)
        self._watchman = Watchman(facts, self._breakers, self._day)
        self._settlement = Settlement(facts, world)
        self._fact_rooms: Final = (self._on_orders, self._on_outcomes, self._on_money, self._on_surroundings)
        self._catch_up = CatchUp(facts, self._fills, image, world)
        self._deadman = Deadman(facts, self._breakers, deadman_s, world)
        self._reconciling = Reconciling(facts, self._evidence, self._fills, self._catch_up)
        self._rivals = Rivals(facts, self._breakers)
        self._evidence.on_foreign = self._rivals.on_foreign
        self._breakers.restore(now)
        self._day.restore()
        self._settlement.restore()
        recover(facts, image, world, now)
        self._changes.restore(now)
        self._parents.restore(now)
        self._deadlines.restore(now)
        self._stopping.restore(now)
        self._limiting = Limiting(facts)
        self._limiting.restore(now)

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

    def submit(self, command: SubmitOrder, now: Instant) -> tuple[TaskId, list[Effect]]:
        """A wish for an order; the task it became."""
        self.facts.record(SavedCommand(at_us=now.utc_us, command=command))
        return self._submit(command, now), self.facts.take()

    def begin(self, command: StartAlgorithm, now: Instant) -> tuple[TaskId | str, list[Effect]]:
        """A wish for a plan; its id, or why it was not started."""
        self.facts.record(SavedCommand(at_us=now.utc_us, command=command))
        return self._parents.start(command, now), self.facts.take()

    def may_change(self, client_id: ClientOrderId) -> str | None:
        """Asked right before the bytes of a change leave."""
        return self._changes.may_leave(client_id)

    def on_command(self, command: Command, now: Instant) -> list[Effect]:
        """A wish."""
        self.facts.record(SavedCommand(at_us=now.utc_us, command=command))
        if not self._on_order_wish(command, now):
            self._on_switch(command, now)
        return _cancel_all_first(self.facts.take())

    def _on_order_wish(self, command: Command, now: Instant) -> bool:
        match command:
            case SubmitOrder():
                self._submit(command, now)
            case CancelOrder():
                self._tasks.cancel(command, now)
            case ModifyOrder():
                self._changes.ask(command, now)
            case StartAlgorithm():
                self._parents.start(command, now)
            case CancelAlgorithm():
                self._parents.cancel(command, now)
            case Reconcile():
                self._reconciling.ask(command, now)
            case _:
                return False
        return True

    def _on_switch(self, command: Command, now: Instant) -> None:
        match command:
            case Kill() | Rearm() | KillPart() | RearmPart() | Flatten() | Stop():
                self._stopping.wish(command, now)
            case TripBreaker():
                self._breakers.trip(command, now)
            case CloseBreaker():
                if self._breakers.close(command, now):
                    self._watchman.on_closed(command, now)
            case SetLimit() | ResetLimits() | ReloadLimits():
                self._limiting.wish(command, now)
            case SetStrategy():
                strategies.switch(self.facts, command, now)
            case StrategyFailed():
                strategies.fail(self.facts, command, now)
            case other:
                raise TypeError(f"a wish that no room takes: {type(other).__name__}")

    def on_event(self, event: EngineInput, now: Instant) -> list[Effect]:
        """A fact."""
        if (entry := event_entry(event, now)) is not None:
            self.facts.record(entry)
        for room in self._fact_rooms:
            if room(event, now):
                break
        else:
            self._on_shell(event, now)
        self._reconciling.progress()
        self._stopping.on_event(event, now)
        self._deadman.tick(now)
        return self.facts.take()

    def exit_report(self, now: Instant) -> ExitReport | None:
        """How it ended, once nothing is left to do."""
        return self._deadman.last_word(self.facts.standing.exit_report, now)

    def _on_orders(self, event: EngineInput, now: Instant) -> bool:
        match event:
            case OrdersReported():
                for report in event.orders:
                    self._evidence.on_report(report, now)
            case OpenOrdersListed():
                self._reconciling.on_list(event, now)
                self.facts.changed(Urgency.QUIET)
            case fx.OrderLookedUp():
                self._evidence.on_looked_up(event, now)
                self._changes.on_looked_up(event, now)
            case fx.LookUpFailed():
                self._evidence.on_look_up_failed(event, now)
            case fx.OwnerFound():
                self._evidence.on_owner(event, now)
            case _:
                return False
        return True

    def _on_outcomes(self, event: EngineInput, now: Instant) -> bool:
        match event:
            case OrderSendResolved():
                self._tasks.on_sent(event, now)
                if isinstance(event.outcome, Unresolved):
                    self._reconciling.hurry(now)
            case CancelSendResolved():
                self._tasks.on_cancel_sent(event, now)
            case ModifySendResolved():
                self._changes.on_sent(event, now)
            case CancelAllResolved():
                pass  # `stopping` hears it
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
                self._reconciling.on_catch_up_failed(event.why, now)
            case fx.FillResolved():
                self._fills.on_resolved(event, now)
            case PositionsReported():
                self._fills.on_positions(event, now)
                self._settlement.on_positions(event.positions)
                if event.asked_ns is not None:
                    self._reconciling.on_positions(now)
            case AccountReported():
                self.facts.account = event.account
                self._day.see(event.account.equity, now)
                self._deadman.on_account(event.account.cancel_all_us, now)
                self.facts.changed(Urgency.QUIET)
            case AssetsReported():
                self.facts.assets = event.assets
                self.facts.changed(Urgency.QUIET)
            case _:
                return False
        return True

    def _on_surroundings(self, event: EngineInput, now: Instant) -> bool:
        facts = self.facts
        match event:
            case MarketsListed():
                facts.outlook.see_markets({market.id: market for market in event.markets})
                _name_markets(facts)
                self._limiting.on_markets(event.symbols, now)
                facts.changed()
            case QuotesChanged():
                for quote in event.quotes:
                    facts.outlook.see_quote(quote)
                facts.changed(Urgency.QUIET)
            case LinkChanged():
                self._reconciling.on_link(event.link, now)
            case TransactionSigned():
                pass  # its entry is all there is to it
            case NonceMoved():
                self._rivals.on_nonce(event, now)
            case fx.ClocksCompared():
                facts.outlook.see_clocks(event.skew_ms, now)
            case Noticed():
                facts.tell(event.level, event.text, now, event.source)
            case Ticked():
                self._reconciling.tick(now)
                self._fills.tick(now)
                self._parents.tick(now)
                self._watchman.tick(now)
                self._settlement.tick(now)
                self._deadlines.tick(now)
                self._changes.tick()
            case _:
                return False
        return True

    def _on_shell(self, event: EngineInput, now: Instant) -> None:
        facts = self.facts
        match event:
            case fx.ConnectorStarted():
                self._reconciling.on_connected(now)
            case fx.ConnectFailed():
                self._reconciling.on_connect_failed(event.why, now)
            case fx.CancelAllSent():
                pass  # `stopping` hears it
            case fx.ListFailed():
                self._reconciling.on_list_failed(event.why, now)
            case fx.ViewFailed():
                self._reconciling.on_view_failed(event.why, now)
            case fx.SwitchAnswered() | fx.SwitchRead() | fx.SwitchReadFailed():
                self._deadman.on_event(event, now)
            case fx.JournalFailed():
                if not facts.standing.journal_fault:
                    facts.standing.journal_fault = event.why
                    facts.tell(NoticeLevel.ALERT, f"nothing can be remembered, trading stops: {event.why}", now)
                facts.changed(Urgency.NOW)
            case fx.StrategySwitched():
                strategies.on_switched(facts, event, now)
            case _:
                raise TypeError(f"a fact that no room takes: {type(event).__name__}")

    def _submit(self, command: SubmitOrder, now: Instant) -> TaskId:
        tracked = self._tasks.submit(command, now)
        self._deadlines.watch(tracked, now)
        if tracked.task_id is None:
            raise InvariantBroken("a new task has no id")
        return tracked.task_id


def _cancel_all_first(effects: list[Effect]) -> list[Effect]:
    """Nothing stands before a cancel-all, not even the note of who wanted it."""
    if len(effects) < 2:
        return effects
    return sorted(effects, key=lambda effect: not isinstance(effect, fx.SendCancelAll))


def _name_markets(facts: Facts) -> None:
    """Keep the symbols beside the log, whose rows know markets by their numbers."""
    named = ",".join(f"{market.id} {market.symbol}" for market in facts.markets.values())
    if facts.meta.get(MARKETS, "") != named:
        facts.store(MARKETS, named)
