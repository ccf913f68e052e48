"""The engine's decisions by themselves: a machine in memory that orders pass through, without disk or wire."""

from typing import Final

from bench.engine_ground import ACCOUNT, ETH, INTENT, LIMITS, LIVE, QUOTE, over
from core.clock import ManualClock
from core.commands import SubmitOrder
from core.connectors.base import NewOrder
from core.decisions import Sent, TradingState
from core.engine.effects import ConnectorStarted, EngineInput, SendOrder
from core.engine.facts import Facts
from core.engine.machine import Machine
from core.engine.records import JournalImage
from core.events import (
    AccountReported,
    FillsBegin,
    LinkChanged,
    MarketsListed,
    OpenOrdersListed,
    OrderSendResolved,
    PositionsReported,
    QuotesChanged,
    Ticked,
)
from core.risk import BreakerPanel, RiskManager
from core.state import EnginePhase
from core.units import ClientOrderId, TaskId, TradeId

RECENT: Final = 256
_GAP_US: Final = 100
_TAKEN: Final = Sent(tx_hash="", sent_ns=0, acked_ns=0)


class Mill:
    """One machine, reconciled, and its clock."""

    def __init__(self) -> None:
        self.clock = ManualClock(mono_ns=1)
        image = JournalImage(
            live=(), meta={}, next_client_id=ClientOrderId(1), next_task_id=TaskId(1), recent_trades=()
        )
        self.facts = Facts(image, RiskManager(LIMITS), BreakerPanel.closed(TradingState.REDUCING), RECENT)
        self.machine = Machine(self.facts, image, "a benchmark", self.clock.now())
        self._done = 0
        now = self.clock.now()
        self.machine.start()
        began: tuple[EngineInput, ...] = (
            MarketsListed(markets=(ETH,)),
            QuotesChanged(quotes=(QUOTE,)),
            *(LinkChanged(link=link) for link in LIVE),
            FillsBegin(after=TradeId(0)),
            ConnectorStarted(),
            AccountReported(account=ACCOUNT),
            PositionsReported(positions=(), is_complete=True),
            OpenOrdersListed(orders=(), asked_ns=now.mono_ns),
        )
        for event in began:
            self.machine.on_event(event, now)
        if self.facts.standing.phase is not EnginePhase.RUNNING:
            raise AssertionError(f"the machine did not begin: {self.facts.standing}")

    def acknowledge(self, count: int) -> list[NewOrder]:
        """From the wish over risk to the venue's acknowledgement, so many times; what is live then."""
        machine, live = self.machine, list[NewOrder]()
        for _ in range(count):
            now = self.clock.advance(us=_GAP_US)
            machine.on_command(SubmitOrder(intent=INTENT), now)
            while machine.next_market() is not None:
                for effect in machine.dispatch(now):
                    if isinstance(effect, SendOrder):
                        live.append(effect.order)
                        machine.on_event(OrderSendResolved(client_id=effect.order.client_id, outcome=_TAKEN), now)
        if len(live) != count:
            raise AssertionError(f"{count - len(live)} of {count} orders were denied: {self.facts.notices.all()[-1]}")
        return live

    def close(self, live: list[NewOrder]) -> None:
        """The venue's word that all of these have ended."""
        now = self.clock.now()
        for order in live:
            self._done += 1
            self.machine.on_event(over(order, self._done, now.utc_us), now)

    def pass_time(self, us: int) -> None:
        """Let time pass, with one beat at its end."""
        self.machine.on_event(Ticked(), self.clock.advance(us=us))
