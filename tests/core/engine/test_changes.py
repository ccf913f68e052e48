from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import CancelOrder, ModifyOrder, SubmitOrder, TripBreaker
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.engine import effects as fx
from core.engine.order_map import Tracked
from core.engine.records import SavedMeta
from core.events import ModifySendResolved, OrderReport, OrdersReported
from core.model import OrderStatus, Side
from core.units import ClientOrderId
from tests.support.fake_connector import ETH, intent
from tests.support.machine import SENT, Bench, buy

NEW_SIZE, NEW_PRICE = Decimal("0.3"), Decimal("1890.00")


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def id_of(report: OrderReport) -> ClientOrderId:
    assert report.client_id is not None
    return report.client_id


def ask(bench: Bench, report: OrderReport, size: Decimal = NEW_SIZE, price: Decimal = NEW_PRICE) -> Tracked:
    bench.effects.clear()
    bench.wish(ModifyOrder(market_id=ETH, client_id=report.client_id, size=size, price=price))
    return bench.tracked(id_of(report))


def answer(bench: Bench, report: OrderReport, outcome: TxOutcome = SENT) -> None:
    bench.tell(ModifySendResolved(client_id=id_of(report), outcome=outcome))


def show(bench: Bench, report: OrderReport, size: str = "0.3", price: str = "1890.00") -> OrderReport:
    bench.clock.advance(us=10)
    newer = replace(report, size=Decimal(size), price=Decimal(price), time_us=bench.now.utc_us)
    bench.tell(OrdersReported(orders=(newer,)))
    return newer


def buys(bench: Bench) -> Decimal:
    return bench.facts.outlook.exposures()[ETH].open_buys


class TestAsking:
    def test_until_it_is_shown_the_order_is_what_it_was_and_the_larger_size_counts(self, bench: Bench) -> None:
        report = bench.rest()
        tracked = ask(bench, report)
        (sent,) = bench.of(fx.SendModify)
        assert (sent.size, sent.price, sent.ref.venue_id) == (NEW_SIZE, NEW_PRICE, report.venue_id)
        assert bench.machine.may_change(sent.client_id) is None
        assert tracked.order.intent.size == Decimal("0.1")
        assert buys(bench) == NEW_SIZE
        answer(bench, report)
        assert tracked.order.intent.size == Decimal("0.1"), "taken is not carried out"
        show(bench, report)
        assert (tracked.order.intent.size, tracked.order.intent.price) == (NEW_SIZE, NEW_PRICE)
        assert (tracked.change, buys(bench)) == (None, NEW_SIZE)

    def test_a_smaller_size_keeps_the_larger_as_exposure_until_it_is_shown(self, bench: Bench) -> None:
        report = bench.rest(buy("0.3"))
        ask(bench, report, Decimal("0.1"))
        assert buys(bench) == Decimal("0.3")
        show(bench, report, "0.1")
        assert buys(bench) == Decimal("0.1")

    def test_one_that_waits_in_the_queue_is_changed_there(self) -> None:
        bench = Bench()
        bench.facts.tuning = bench.facts.tuning.model_copy(update={"max_in_flight": 1})
        bench.connect()
        bench.submit()
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent()))
        waiting = next(t for t in bench.facts.orders.live() if t.status is OrderStatus.QUEUED)
        bench.wish(ModifyOrder(market_id=ETH, client_id=waiting.order.client_id, size=NEW_SIZE, price=NEW_PRICE))
        assert not bench.of(fx.SendModify)
        assert (waiting.order.intent.size, waiting.status) == (NEW_SIZE, OrderStatus.QUEUED)

    def test_risk_decides_as_if_it_were_placed_anew_without_the_old_one(self, bench: Bench) -> None:
        bench.rest(buy("12"))
        report = bench.rest(buy("12"))  # 48,000 of 50,000 USDC in one market, 24,000 of 25,000 an order
        ask(bench, report, Decimal("12.5"))
        assert bench.of(fx.SendModify), "beside the old one it would be too much, instead of it it is not"
        show(bench, report, "12.5")
        ask(bench, report, Decimal(13))
        assert not bench.of(fx.SendModify)
        assert "denied operator to change" in bench.texts()
        assert buys(bench) == Decimal("24.5")

    def test_what_is_filled_counts_towards_it_once(self, bench: Bench) -> None:
        report = bench.rest(buy("0.2"))
        bench.fill(report, "0.1")
        ask(bench, report, Decimal("0.1"))
        assert "0.1 of it is filled already" in bench.texts()
        ask(bench, report, Decimal("0.5"))
        assert buys(bench) == Decimal("0.4")

    @pytest.mark.parametrize("size", ["0", "-1", "NaN", "Infinity"])
    def test_a_size_that_is_none_is_refused_in_a_sentence(self, bench: Bench, size: str) -> None:
        ask(bench, bench.rest(), Decimal(size))
        assert not bench.of(fx.SendModify)
        assert "changed" in bench.texts() or "denied" in bench.texts()

    def test_neither_one_in_flight_nor_one_being_cancelled_nor_a_second_change(self, bench: Bench) -> None:
        order = bench.submit()
        bench.wish(ModifyOrder(market_id=ETH, client_id=order.client_id, size=NEW_SIZE, price=NEW_PRICE))
        assert "it is submitting" in bench.texts()
        report = bench.rest()
        ask(bench, report)
        ask(bench, report, Decimal("0.4"))
        assert "another change of it is on its way" in bench.texts()
        answer(bench, report)
        bench.wish(CancelOrder(market_id=ETH, client_id=report.client_id))
        ask(bench, report)
        assert "it is pending cancel" in bench.texts()
        assert not bench.of(fx.SendModify)

    def test_one_placed_elsewhere_is_left_alone(self, bench: Bench) -> None:
        foreign = replace(bench.report(bench.submit()), client_id=None, side=Side.SELL)
        bench.tell(OrdersReported(orders=(foreign,)))
        bench.wish(ModifyOrder(market_id=ETH, venue_id=foreign.venue_id, size=NEW_SIZE, price=NEW_PRICE))
        assert not bench.of(fx.SendModify)
        assert "was not placed here" in bench.texts()


class TestAtTheGate:
    def test_a_cancel_a_kill_or_a_breaker_meanwhile_stops_it(self, bench: Bench) -> None:
        report = bench.rest()
        ask(bench, report)
        bench.wish(TripBreaker(by="test", reason="feed"))
        assert "feed" in str(bench.machine.may_change(id_of(report)))
        bench.wish(CancelOrder(market_id=ETH, client_id=report.client_id))
        assert "being cancelled" in str(bench.machine.may_change(id_of(report)))
        bench.press()
        assert bench.machine.may_change(id_of(report)) is not None

    def test_nor_does_it_leave_once_the_order_ended(self, bench: Bench) -> None:
        report = bench.rest()
        ask(bench, report)
        bench.tell_ended(report)
        assert "ended" in str(bench.machine.may_change(id_of(report)))


class TestOutcomes:
    def test_refused_leaves_the_order_as_it_was(self, bench: Bench) -> None:
        report = bench.rest()
        tracked = ask(bench, report)
        answer(bench, report, Refused(21_733, "price too far"))
        assert (tracked.status, tracked.change, buys(bench)) == (OrderStatus.ACCEPTED, None, Decimal("0.1"))
        assert "stays as it was: the change was refused: price too far (21733)" in bench.texts()

    def test_in_doubt_it_is_looked_up_and_counts_until_it_cannot_take_effect_any_more(self, bench: Bench) -> None:
        report = bench.rest()
        ask(bench, report)
        answer(bench, report, Unresolved("no reply within 5 s"))
        bench.wait(ms=100)
        assert bench.of(fx.LookUpOrder)
        bench.tell(fx.OrderLookedUp(client_id=id_of(report), report=report))
        assert buys(bench) == NEW_SIZE, "it may still land"
        bench.effects.clear()
        bench.wait(seconds=5)
        assert not bench.of(fx.LookUpOrder), "not at every tick"
        bench.clock.advance(seconds=600)
        bench.wait(ms=100)
        bench.tell(fx.OrderLookedUp(client_id=id_of(report), report=report))
        assert buys(bench) == Decimal("0.1")

    def test_in_doubt_and_landed(self, bench: Bench) -> None:
        report = bench.rest()
        tracked = ask(bench, report)
        answer(bench, report, Unresolved("no reply within 5 s"))
        bench.wait(ms=100)
        bench.clock.advance(us=10)
        newer = replace(report, size=NEW_SIZE, price=NEW_PRICE, time_us=bench.now.utc_us)
        bench.tell(fx.OrderLookedUp(client_id=id_of(report), report=newer))
        assert (tracked.order.intent.size, tracked.change) == (NEW_SIZE, None)

    def test_taken_and_never_shown_is_looked_up_and_said(self, bench: Bench) -> None:
        report = bench.rest()
        tracked = ask(bench, report)
        answer(bench, report)
        bench.wait(seconds=4)
        assert bench.of(fx.LookUpOrder)
        bench.tell(fx.OrderLookedUp(client_id=id_of(report), report=report))
        assert (tracked.change, buys(bench)) == (None, Decimal("0.1"))
        assert "did not carry it out" in bench.texts()

    def test_never_answered_is_looked_up_too(self, bench: Bench) -> None:
        report = bench.rest()
        tracked = ask(bench, report)
        bench.wait(seconds=31)
        assert bench.of(fx.LookUpOrder)
        bench.tell(fx.OrderLookedUp(client_id=id_of(report), report=report))
        assert tracked.change is not None, "nobody said that it cannot land any more"


class TestFillsRacingAChange:
    def test_a_fill_of_the_old_size_does_not_end_an_order_that_grows(self, bench: Bench) -> None:
        report = bench.rest()
        tracked = ask(bench, report)
        bench.fill(report, "0.1")
        assert tracked.status is OrderStatus.PARTIALLY_FILLED
        assert buys(bench) == Decimal("0.2"), "what it is about to grow by is at risk"
        show(bench, replace(report, filled=Decimal("0.1"), filled_quote=Decimal(190)))
        assert (tracked.status, tracked.order.remaining) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.2"))

    def test_a_fill_that_ended_it_before_the_change_came(self, bench: Bench) -> None:
        report = bench.rest()
        tracked = ask(bench, report)
        bench.fill(report, "0.1")
        bench.tell_ended(replace(report, filled=Decimal("0.1")), OrderStatus.FILLED)
        answer(bench, report, Refused(21_600, "order is not active"))
        assert (tracked.status, tracked.change) == (OrderStatus.FILLED, None)
        assert ETH not in bench.facts.outlook.exposures() or not buys(bench)

    def test_one_that_shrank_to_what_is_filled_ends_when_the_venue_says_so(self, bench: Bench) -> None:
        report = bench.rest(buy("0.3"))
        tracked = ask(bench, report, Decimal("0.2"))
        bench.fill(report, "0.2")
        assert tracked.status is OrderStatus.PARTIALLY_FILLED
        bench.clock.advance(us=10)
        ended = replace(report, size=Decimal("0.2"), price=NEW_PRICE, filled=Decimal("0.2"), status=OrderStatus.FILLED)
        bench.tell(OrdersReported(orders=(replace(ended, time_us=bench.now.utc_us),)))
        assert (tracked.status, tracked.order.intent.size) == (OrderStatus.FILLED, Decimal("0.2"))
        assert bench.position() == Decimal("0.2")


def test_an_answer_to_a_question_from_before_it_had_to_be_shown_does_not_drop_it(bench: Bench) -> None:
    report = bench.rest()
    tracked = ask(bench, report)
    answer(bench, report)
    asked_ns = bench.now.mono_ns
    bench.clock.advance(seconds=10)
    bench.tell(fx.OrderLookedUp(client_id=id_of(report), report=report, asked_ns=asked_ns))
    assert tracked.change is not None, "it may have been carried out since"
    assert buys(bench) == NEW_SIZE
    bench.tell(fx.OrderLookedUp(client_id=id_of(report), report=report, asked_ns=bench.now.mono_ns))
    assert tracked.change is None


def test_a_change_survives_neither_the_end_of_its_order_nor_memory(bench: Bench) -> None:
    report = bench.rest()
    tracked = ask(bench, report)
    bench.tell_ended(report)
    assert tracked.change is None
    answer(bench, report, Sent(tx_hash="00", sent_ns=0, acked_ns=0))
    assert tracked.status is OrderStatus.CANCELED


class TestRestart:
    def restarted(self, bench: Bench, report: OrderReport) -> Bench:
        """A new engine, to which the venue lists the order as it was."""
        again = bench.restarted()
        again.connect(report)
        again.tell(fx.OrderLookedUp(client_id=id_of(report), report=report))
        return again

    def test_it_is_written_down_before_its_bytes_can_leave(self, bench: Bench) -> None:
        ask(bench, bench.rest())
        (sent,) = bench.of(fx.SendModify)
        before = bench.effects[: bench.effects.index(sent)]
        records = [record for one in before if isinstance(one, fx.Persist) for record in one.records]
        assert "changes" in [record.key for record in records if isinstance(record, SavedMeta)]

    @pytest.mark.parametrize("outcome", [None, SENT, Unresolved("no reply")])
    def test_the_larger_size_counts_until_the_venue_shows_which_holds(
        self, bench: Bench, outcome: TxOutcome | None
    ) -> None:
        report = bench.rest()
        ask(bench, report)
        if outcome is not None:
            answer(bench, report, outcome)
        again = bench.restarted()
        assert buys(again) == NEW_SIZE, "from the first moment"
        assert f"the change of order {report.client_id} to 0.3 at 1890.00 was on its way" in again.texts()
        again.connect(report)
        again.wait(ms=100)
        assert again.of(fx.LookUpOrder)
        again.tell(fx.OrderLookedUp(client_id=id_of(report), report=report))
        assert buys(again) == NEW_SIZE, "it may still land"
        show(again, report)
        tracked = again.tracked(id_of(report))
        assert (tracked.order.intent.size, tracked.change, buys(again)) == (NEW_SIZE, None, NEW_SIZE)

    def test_what_the_larger_size_filled_meanwhile_does_not_end_it_early(self, bench: Bench) -> None:
        report = bench.rest()
        ask(bench, report)
        again = bench.restarted()
        again.connect()
        again.fill(report, "0.1")
        assert again.status(report.client_id) is OrderStatus.PARTIALLY_FILLED
        assert buys(again) == Decimal("0.2")

    def test_it_counts_no_longer_than_it_can_take_effect_by_the_calendar(self, bench: Bench) -> None:
        report = bench.rest()
        ask(bench, report)
        bench.clock.advance(seconds=400)
        again = self.restarted(bench, report)
        again.clock.advance(seconds=190)
        again.wait(ms=100)
        again.tell(fx.OrderLookedUp(client_id=id_of(report), report=report))
        assert buys(again) == NEW_SIZE
        again.clock.advance(seconds=20)
        again.wait(ms=100)
        again.tell(fx.OrderLookedUp(client_id=id_of(report), report=report))
        assert buys(again) == Decimal("0.1")
        assert "can take effect no more" in again.texts()

    def test_a_second_crash_forgets_it_no_more_than_the_first(self, bench: Bench) -> None:
        report = bench.rest()
        ask(bench, report)
        again = self.restarted(self.restarted(bench, report), report)
        assert buys(again) == NEW_SIZE

    def test_what_was_settled_before_the_crash_is_not_taken_up(self, bench: Bench) -> None:
        shown_one, refused, ended = bench.rest(), bench.rest(), bench.rest()
        for report in (shown_one, refused, ended):
            ask(bench, report)
        now_shown = show(bench, shown_one)
        assert bench.restarted().texts().count("was on its way") == 2
        answer(bench, refused, Refused(21_733, "price too far"))
        bench.tell_ended(ended)
        bench.wait(ms=50)
        assert bench.meta["changes"] == ""
        again = bench.restarted()
        again.connect(now_shown, refused)
        assert "was on its way" not in again.texts()
        assert buys(again) == Decimal("0.4")
