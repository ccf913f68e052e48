"""Orders, order map and ledger under any order of facts: shuffled, doubled, late, and with restarts of memory."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.commands import CancelOrder, ModifyOrder, SubmitOrder
from core.connectors.base import NewOrder
from core.decisions import Refused, Unresolved
from core.engine import effects as fx
from core.events import (
    CancelSendResolved,
    FillReported,
    ModifySendResolved,
    OrderReport,
    OrderSendResolved,
    OrdersReported,
)
from core.model import Fill, OrderStatus, Side
from tests.support.fake_connector import ETH, intent
from tests.support.machine import SENT, Bench

RECENT = 3
STEP = Decimal("0.05")
SIZE = Decimal("0.2")


class Fate(Enum):
    """What becomes of a change."""

    TAKEN = auto()
    LOST = auto()
    REFUSED = auto()


@dataclass
class Life:
    """What really happens to one order at the venue; the machine sees it in pieces."""

    order: NewOrder
    report: OrderReport
    fills: list[Fill]
    is_answered: bool = False

    @property
    def filled(self) -> Decimal:
        return sum((fill.size for fill in self.fills), Decimal(0))

    @property
    def is_over(self) -> bool:
        return self.report.status.is_closed


class Engine(RuleBasedStateMachine):
    """A venue that knows the truth, and an engine that hears it in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(recent_limit=RECENT)
        self.bench.connect()
        self.lives: list[Life] = []
        self.untold_fills: list[Fill] = []
        self.told_fills: list[Fill] = []
        self.reports: list[OrderReport] = []

    # --- what happens ---

    @rule(side=st.sampled_from(Side))
    def submit(self, side: Side) -> None:
        price = "1900.00" if side is Side.BUY else "2100.00"
        self.bench.effects.clear()
        self.bench.wish(SubmitOrder(intent=intent(side, str(SIZE), price)))
        self.collect()

    @precondition(lambda self: any(not life.is_answered for life in self.lives))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from([life for life in self.lives if not life.is_answered]))
        life.is_answered = True
        outcome = data.draw(st.sampled_from([SENT, Unresolved("no reply")]))
        self.bench.effects.clear()
        self.bench.tell(OrderSendResolved(client_id=life.order.client_id, outcome=outcome))
        self.bench.wish()
        self.collect()

    @precondition(lambda self: any(not life.is_over for life in self.lives))
    @rule(data=st.data())
    def trade(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from([life for life in self.lives if not life.is_over]))
        fill = self.bench.fill_of(life.report, str(STEP))
        life.fills.append(fill)
        status = OrderStatus.FILLED if life.filled >= life.report.size else OrderStatus.PARTIALLY_FILLED
        self.happen(life, status)
        self.untold_fills.append(fill)

    @precondition(lambda self: any(not life.is_over for life in self.lives))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from([life for life in self.lives if not life.is_over]))
        self.happen(life, data.draw(st.sampled_from([OrderStatus.CANCELED, OrderStatus.EXPIRED])))

    # --- what is told of it ---

    @precondition(lambda self: self.reports)
    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        self.bench.tell(OrdersReported(orders=(data.draw(st.sampled_from(self.reports)),)))

    @precondition(lambda self: self.untold_fills)
    @rule(data=st.data())
    def tell_fill(self, data: st.DataObject) -> None:
        fill = data.draw(st.sampled_from(self.untold_fills))
        self.untold_fills.remove(fill)
        self.told_fills.append(fill)
        self.bench.tell(FillReported(fill=fill))

    @precondition(lambda self: self.told_fills)
    @rule(data=st.data())
    def tell_fill_again(self, data: st.DataObject) -> None:
        self.bench.tell(FillReported(fill=data.draw(st.sampled_from(self.told_fills))))

    @rule()
    def list_open(self) -> None:
        self.bench.clock.advance(us=10)
        self.bench.lists(*(life.report for life in self.lives if not life.is_over))

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def look_up(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(self.lives))
        self.bench.tell(fx.OrderLookedUp(client_id=life.order.client_id, report=life.report))

    @precondition(lambda self: self.lives)
    @rule(data=st.data(), is_refused=st.booleans())
    def cancel(self, data: st.DataObject, *, is_refused: bool) -> None:
        client_id = data.draw(st.sampled_from(self.lives)).order.client_id
        self.bench.wish(CancelOrder(market_id=ETH, client_id=client_id))
        outcome = Refused(1, "no such order") if is_refused else SENT
        self.bench.tell(CancelSendResolved(market_id=ETH, client_id=client_id, venue_id=None, outcome=outcome))

    @precondition(lambda self: any(not life.is_over for life in self.lives))
    @rule(data=st.data(), size=st.sampled_from([Decimal("0.15"), Decimal("0.3")]), fate=st.sampled_from(Fate))
    def modify(self, data: st.DataObject, *, size: Decimal, fate: Fate) -> None:
        life = data.draw(st.sampled_from([life for life in self.lives if not life.is_over]))
        client_id = life.order.client_id
        self.bench.effects.clear()
        self.bench.wish(ModifyOrder(market_id=ETH, client_id=client_id, size=size, price=life.report.price))
        if not self.bench.of(fx.SendModify):
            return
        if fate is Fate.REFUSED:
            self.bench.tell(ModifySendResolved(client_id=client_id, outcome=Refused(1, "no")))
            return
        outcome = SENT if fate is Fate.TAKEN else Unresolved("no reply")
        if life.filled < size:
            life.report = replace(life.report, size=size)
            self.happen(life, OrderStatus.PARTIALLY_FILLED if life.filled else OrderStatus.ACCEPTED)
        else:
            self.happen(life, OrderStatus.FILLED)
        self.bench.tell(ModifySendResolved(client_id=client_id, outcome=outcome))

    @rule()
    def a_day_passes(self) -> None:
        self.bench.clock.advance(seconds=86_400)

    @rule()
    def time_passes(self) -> None:
        self.bench.wait(ms=100)

    # --- what must hold ---

    @invariant()
    def every_told_fill_is_booked_exactly_once(self) -> None:
        assert set(self.bench.fills) == {fill.key for fill in self.told_fills}
        assert all(saved.origin.kind.value == "operator" for saved in self.bench.fills.values())

    @invariant()
    def the_position_is_the_sum_of_the_told_fills(self) -> None:
        assert self.bench.position() == sum((fill.size * fill.side.sign for fill in self.told_fills), Decimal(0))

    @invariant()
    def memory_is_bounded(self) -> None:
        orders = self.bench.facts.orders
        live = list(orders.live())
        assert len(orders) <= len(live) + RECENT
        assert orders.index_size <= 3 * len(orders)
        assert not [tracked for tracked in live if tracked.status.is_closed]

    @invariant()
    def nothing_live_is_hidden(self) -> None:
        shown = {tracked.order.client_id for tracked in self.bench.facts.orders.live()}
        for life in self.lives:
            assert life.is_over or life.order.client_id in shown

    @invariant()
    def whatever_may_still_fill_counts_as_exposure(self) -> None:
        for side in Side:
            mine = [life for life in self.lives if life.report.side is side and not life.is_over]
            rest = sum((life.report.size - life.filled for life in mine), Decimal(0))
            exposure = self.bench.facts.outlook.exposures().get(ETH)
            seen = Decimal(0) if exposure is None else exposure.open_buys if side is Side.BUY else exposure.open_sells
            assert seen >= rest, "the venue can do more than risk believes"

    @invariant()
    def filled_sizes_are_never_invented(self) -> None:
        for life in self.lives:
            tracked = self.bench.facts.orders.find(client_id=life.order.client_id)
            if tracked is not None:
                told = sum((f.size for f in self.told_fills if f.client_order_id == life.order.client_id), Decimal(0))
                assert told <= tracked.order.filled <= life.filled or not tracked.is_ours

    def teardown(self) -> None:
        """Once everything was told, belief and truth agree."""
        for fill in self.untold_fills:
            self.bench.tell(FillReported(fill=fill))
        for life in self.lives:
            self.bench.tell(OrdersReported(orders=(life.report,)))
        for life in self.lives:
            tracked = self.bench.facts.orders.find(client_id=life.order.client_id)
            if tracked is not None:
                assert tracked.status.is_closed == life.is_over
                assert tracked.order.filled == life.filled

    def collect(self) -> None:
        """Orders that just left rest at the venue from now on."""
        for sent in self.bench.of(fx.SendOrder):
            report = self.bench.report(sent.order)
            self.lives.append(Life(sent.order, report, []))
            self.reports.append(report)

    def happen(self, life: Life, status: OrderStatus) -> None:
        self.bench.clock.advance(us=10)
        price = life.report.price
        life.report = replace(
            life.report,
            status=status,
            filled=life.filled,
            filled_quote=life.filled * price,
            time_us=self.bench.now.utc_us,
        )
        self.reports.append(life.report)


TestEngine = Engine.TestCase
TestEngine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
