"""The reconciler at a venue that tells little of what happens: lost, late and repeated frames, answers that fail.

Whatever the interleaving: a difference that was seen and lasts holds trading back and says why, one that is explained
lets it go on, none outlives the venue's answers, and an order nobody has shown stays UNKNOWN until its signature dies.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.commands import SubmitOrder
from core.config import Engine as Tuning
from core.connectors.base import NewOrder
from core.decisions import TradingState, Unresolved
from core.engine import effects as fx
from core.engine.effects import Effect
from core.events import (
    FillReported,
    OpenOrdersListed,
    OrderReport,
    OrderSendResolved,
    OrdersReported,
    PositionsReported,
    Ticked,
)
from core.model import Fill, OrderStatus, Position, Side
from core.units import ZERO, ClientOrderId
from tests.support.fake_connector import ETH, intent
from tests.support.machine import SENT, Bench

SECOND_NS = 1_000_000_000
BEAT_MS = 250
SLACK_NS = 2 * BEAT_MS * 1_000_000
GRACE_NS = 2 * SECOND_NS + SLACK_NS
EVERY_S = 5
CALM_S = 40
"""Longer than any pause between two questions about the same doubt, and two comparisons after it."""
SIGNATURE_S = 600
SIZE, STEP = Decimal("0.2"), Decimal("0.05")
QUESTIONS = (fx.ListOpenOrders, fx.ViewAccount, fx.LookUpOrder, fx.CatchUpFills)


@dataclass
class Life:
    """What really became of one order."""

    order: NewOrder
    report: OrderReport | None
    """None for one that never arrived."""
    sent_ns: int
    fills: list[Fill] = field(default_factory=list)
    was_doubted: bool = False
    was_shown: bool = False
    """Any frame or answer about it was told."""

    @property
    def is_open(self) -> bool:
        return self.report is not None and not self.report.status.is_closed


class Venue(RuleBasedStateMachine):
    """The truth, and what of it gets through."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.bench.facts.tuning = Tuning(reconcile_every_s=EVERY_S, max_in_flight=16)
        self.bench.connect()
        self.lives: dict[ClientOrderId, Life] = {}
        self.fills: list[Fill] = []
        self.late: list[FillReported | OrdersReported | PositionsReported] = []
        self.questions: list[Effect] = []
        self.apart_since: int | None = None
        """Since when both readings of the position have differed, as this test saw it."""
        self.differed_ns = 0
        """When anything was last seen to differ."""
        self.collect()

    # --- what happens at the venue ---

    @precondition(lambda self: sum(life.is_open for life in self.lives.values()) < 4)
    @rule(side=st.sampled_from(Side), arrives=st.booleans(), is_answered=st.booleans())
    def submit(self, side: Side, *, arrives: bool, is_answered: bool) -> None:
        price = "1900.00" if side is Side.BUY else "2100.00"
        self.collect()
        self.bench.wish(SubmitOrder(intent=intent(side, str(SIZE), price)))
        for sent in self.bench.of(fx.SendOrder):
            client_id = sent.order.client_id
            report = self.bench.report(sent.order) if arrives or is_answered else None
            life = Life(sent.order, report, self.bench.now.mono_ns, was_doubted=not is_answered)
            self.lives[client_id] = life
            outcome = SENT if is_answered else Unresolved("no reply")
            self.bench.tell(OrderSendResolved(client_id=client_id, outcome=outcome))
            if report is not None:
                self.late.append(OrdersReported(orders=(report,)))
            if report is not None and is_answered:
                self.tell(self.late.pop())
        self.collect()

    @precondition(lambda self: any(life.is_open for life in self.lives.values()))
    @rule(data=st.data(), told=st.sampled_from(["fill", "position", "neither"]))
    def trade(self, data: st.DataObject, told: str) -> None:
        life = data.draw(st.sampled_from([life for life in self.lives.values() if life.is_open]))
        assert life.report is not None
        fill = self.bench.fill_of(life.report, str(STEP))
        life.fills.append(fill)
        self.fills.append(fill)
        filled = STEP * len(life.fills)
        self.become(life, OrderStatus.FILLED if filled >= SIZE else OrderStatus.PARTIALLY_FILLED)
        frames = {
            "fill": FillReported(fill=fill),
            "position": PositionsReported(positions=(self.position(),), is_complete=False),
        }
        self.late += [frame for name, frame in frames.items() if name != told]
        if told in frames:
            self.tell(frames[told])

    @precondition(lambda self: any(life.is_open for life in self.lives.values()))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from([life for life in self.lives.values() if life.is_open]))
        self.become(life, OrderStatus.CANCELED)

    @precondition(lambda self: any(life.is_open and life.was_shown for life in self.lives.values()))
    @rule(data=st.data())
    def end_and_be_missed(self, data: st.DataObject) -> None:
        """It ends, its frame is late, and the list that lacks it is there first."""
        life = data.draw(st.sampled_from([life for life in self.lives.values() if life.is_open and life.was_shown]))
        self.become(life, OrderStatus.CANCELED)
        self.beat()
        self.reply(fx.ListOpenOrders(), is_fine=True)

    # --- what gets through ---

    @precondition(lambda self: self.late)
    @rule(data=st.data(), is_repeated=st.booleans())
    def hear(self, data: st.DataObject, *, is_repeated: bool) -> None:
        frame = data.draw(st.sampled_from(self.late))
        if not is_repeated:
            self.late.remove(frame)
        self.tell(frame)

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.late.remove(data.draw(st.sampled_from(self.late)))

    @precondition(lambda self: self.questions)
    @rule(data=st.data(), is_fine=st.booleans())
    def answer(self, data: st.DataObject, *, is_fine: bool) -> None:
        question = data.draw(st.sampled_from(self.questions))
        self.questions.remove(question)
        self.reply(question, is_fine=is_fine)

    @rule(beats=st.sampled_from([1, 4, 11]))
    def time_passes(self, beats: int) -> None:
        for _ in range(beats):
            self.beat()

    @precondition(lambda self: self.apart_since is not None or self.missed())
    @rule()
    def a_difference_lasts(self) -> None:
        self.time_passes(11)

    @precondition(lambda self: len(self.late) > 5)
    @rule()
    def the_venue_answers_everything(self) -> None:
        self.calm()

    # --- what must hold ---

    @invariant()
    def what_was_seen_to_differ_for_long_holds_trading_back(self) -> None:
        state, why = self.bench.facts.trading()
        if self.apart_since is not None and self.bench.now.mono_ns - self.apart_since > GRACE_NS:
            event("held for position")
            assert state is TradingState.REDUCING
            assert "our fills in market 0 add up to" in why
        for client_id, since_ns in self.missed().items():
            if self.bench.now.mono_ns - since_ns > GRACE_NS:
                event("held for order")
                assert state is TradingState.REDUCING
                assert f"order {client_id} is open by all we know" in why

    @invariant()
    def it_is_never_held_back_without_a_difference(self) -> None:
        state, why = self.bench.facts.trading()
        if self.bench.now.mono_ns - self.differed_ns > SLACK_NS:
            assert (state, why) == (TradingState.ACTIVE, "")

    @invariant()
    def what_nobody_has_shown_stays_unknown(self) -> None:
        for client_id, life in self.lives.items():
            is_valid = self.bench.now.mono_ns - life.sent_ns < SIGNATURE_S * SECOND_NS
            if life.was_doubted and not life.was_shown and is_valid:
                assert self.bench.status(client_id) is OrderStatus.UNKNOWN

    @invariant()
    def nothing_live_is_believed_gone(self) -> None:
        """While the venue still answers look-ups with what is there, silence alone ends nothing."""
        live = {tracked.order.client_id for tracked in self.bench.facts.orders.live()}
        assert {client_id for client_id, life in self.lives.items() if life.is_open} <= live

    def teardown(self) -> None:
        """Never stuck: with answers alone, not one lost frame told, belief becomes the truth and trading goes on."""
        self.late.clear()
        self.calm()
        self.bench.clock.advance(seconds=SIGNATURE_S)
        self.calm()
        assert not [life for life in self.bench.facts.orders.live() if life.status.is_in_flight]

    # --- the machinery ---

    def missed(self) -> dict[ClientOrderId, int]:
        """Orders that the venue's list lacked and nobody explained, and since when they are looked up."""
        return {
            tracked.order.client_id: tracked.doubt.since_ns
            for tracked in self.bench.facts.orders.live()
            if tracked.order.client_id is not None
            and tracked.status.is_open
            and tracked.doubt is not None
            and not tracked.is_listed
        }

    def calm(self) -> None:
        """Nothing new happens, and the venue answers whatever it is asked."""
        for _ in range(CALM_S * 1_000 // BEAT_MS):
            while self.questions:
                self.reply(self.questions.pop(0), is_fine=True)
            self.beat()
        assert self.bench.facts.trading() == (TradingState.ACTIVE, "")
        assert self.bench.facts.ledger.readings(ETH) == (self.position().size,) * 2
        for client_id, life in self.lives.items():
            tracked = self.bench.facts.orders.find(client_id=client_id)
            if life.report is not None and tracked is not None:
                assert (tracked.status.is_closed, tracked.order.filled) == (not life.is_open, life.report.filled)

    def beat(self) -> None:
        self.bench.clock.advance(us=BEAT_MS * 1_000)
        self.tell(Ticked())

    def tell(self, event: fx.EngineInput) -> None:
        self.bench.tell(event)
        match event:
            case OrdersReported(orders=reports) | OpenOrdersListed(orders=reports):
                shown = {report.client_id for report in reports}
            case fx.OrderLookedUp(report=OrderReport(client_id=client_id)):
                shown = {client_id}
            case FillReported(fill=fill):
                shown = {fill.client_order_id}
            case _:
                shown = set()
        for client_id, life in self.lives.items():
            life.was_shown |= client_id in shown
        self.collect()

    def collect(self) -> None:
        """Keep what the engine asks, and note whether its two readings of the position differ."""
        self.questions += [effect for effect in self.bench.effects if isinstance(effect, QUESTIONS)]
        self.bench.effects.clear()
        reported, believed = self.bench.facts.ledger.readings(ETH)
        if reported == believed:
            self.apart_since = None
        elif self.apart_since is None:
            self.apart_since = self.bench.now.mono_ns
        if self.apart_since is not None or self.missed():
            self.differed_ns = self.bench.now.mono_ns

    def reply(self, question: Effect, *, is_fine: bool) -> None:
        asked_ns = self.bench.now.mono_ns
        self.bench.clock.advance(us=10)
        match question:
            case fx.ListOpenOrders():
                reports = tuple(life.report for life in self.lives.values() if life.report and life.is_open)
                found = OpenOrdersListed(orders=reports, asked_ns=asked_ns)
                self.tell(found if is_fine else fx.ListFailed(why="no answer"))
            case fx.ViewAccount():
                seen = PositionsReported(positions=(self.position(),), is_complete=True, asked_ns=asked_ns)
                self.tell(seen if is_fine else fx.ViewFailed(why="no answer"))
            case fx.LookUpOrder(client_id=client_id):
                report = self.lives[client_id].report
                looked = fx.OrderLookedUp(client_id=client_id, report=report)
                self.tell(looked if is_fine else fx.LookUpFailed(client_id=client_id, why="no answer"))
            case fx.CatchUpFills(after=after):
                missed = [fill for fill in self.fills if fill.trade_id > after]
                for fill in missed if is_fine else ():
                    self.tell(FillReported(fill=fill))
                up_to = max((fill.trade_id for fill in missed), default=None)
                self.tell(fx.FillsCaughtUp(up_to=up_to) if is_fine else fx.CatchUpFailed(why="no answer"))
            case _:
                raise TypeError(f"a question that nobody answers: {question}")

    def position(self) -> Position:
        """The venue's own, of this moment."""
        size = sum((fill.size * fill.side.sign for fill in self.fills), ZERO)
        return Position(market_id=ETH, size=size, time_us=self.bench.now.utc_us)

    def become(self, life: Life, status: OrderStatus) -> None:
        assert life.report is not None
        self.bench.clock.advance(us=10)
        filled = STEP * len(life.fills)
        life.report = replace(
            life.report,
            status=status,
            filled=filled,
            filled_quote=filled * life.report.price,
            time_us=self.bench.now.utc_us,
        )
        self.late.append(OrdersReported(orders=(life.report,)))


TestVenue = Venue.TestCase
TestVenue.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
