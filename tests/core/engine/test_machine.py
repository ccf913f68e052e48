"""The machine's judgement, one wish and one fact at a time: sending, doubt, cancels, reconciliation, restart."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.assets import Asset
from core.commands import CancelOrder, ExitPolicy, Stop, SubmitOrder, TripBreaker
from core.decisions import Refused, TradingState, Unresolved
from core.engine import effects as fx
from core.events import (
    AccountReported,
    AssetsReported,
    CancelSendResolved,
    FillReported,
    LinkChanged,
    LinkHealth,
    LinkName,
    LinkStatus,
    MarketsListed,
    OpenOrdersListed,
    OrderSendResolved,
    OrdersReported,
    PositionsReported,
    Ticked,
)
from core.model import OrderMapSide, OrderStatus, Position, Priority
from core.state import EnginePhase
from core.units import TradeId
from tests.support.fake_connector import ETH, MARKETS, intent
from tests.support.machine import SENT, WORLD, Bench, buy, sell

S = OrderStatus
LOST = Unresolved("no reply within 5 s")


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    assert ready.phase is EnginePhase.RUNNING
    return ready


class TestSending:
    def test_intent_and_id_are_persisted_before_the_order_is_sent(self, bench: Bench) -> None:
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent()))
        kinds = [type(effect) for effect in bench.effects]
        assert kinds.index(fx.Persist) < kinds.index(fx.SendOrder)
        (sent,) = bench.of(fx.SendOrder)
        assert bench.orders[sent.order.client_id].order.intent == sent.order.intent

    def test_sent_is_not_accepted(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
        assert bench.status(order.client_id) is S.SUBMITTING
        bench.tell(OrdersReported(orders=(bench.report(order),)))
        assert bench.status(order.client_id) is S.ACCEPTED

    def test_a_report_may_beat_the_reply(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrdersReported(orders=(bench.report(order),)))
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=LOST))
        assert bench.status(order.client_id) is S.ACCEPTED

    def test_a_fill_may_come_first_of_all(self, bench: Bench) -> None:
        order = bench.submit()
        bench.fill(bench.report(order), "0.04")
        task = bench.task(order.client_id)
        assert task.order.status is S.PARTIALLY_FILLED
        assert task.order.filled == Decimal("0.04")
        assert bench.position() == Decimal("0.04")

    def test_a_refusal_says_why(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Refused(21_733, "price too far")))
        assert bench.status(order.client_id) is S.REJECTED
        assert bench.task(order.client_id).order.reason == "price too far (21733)"

    def test_what_we_stopped_ourselves_is_denied_not_rejected(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Refused(0, "killed before it was sent")))
        assert bench.status(order.client_id) is S.DENIED

    def test_risk_decides_before_anything_leaves(self, bench: Bench) -> None:
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent(size="1000")))
        assert not bench.of(fx.SendOrder)
        assert next(bench.facts.orders.recent()).status is S.DENIED

    def test_orders_in_flight_count_against_the_position_limit(self, bench: Bench) -> None:
        for _ in range(2):
            order = bench.submit(buy("12", "2000"))
            bench.tell(OrderSendResolved(client_id=order.client_id, outcome=LOST))
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=buy("12", "2000")))
        assert not bench.of(fx.SendOrder)
        assert "max position" in next(bench.facts.orders.recent()).order.reason

    def test_the_more_urgent_task_goes_first(self, bench: Bench) -> None:
        for _ in range(2):
            bench.wish(SubmitOrder(intent=intent()))
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=buy("0.2"), priority=Priority.STRATEGY))
        bench.wish(SubmitOrder(intent=buy("0.3"), priority=Priority.REDUCE))
        assert not bench.of(fx.SendOrder), "two are on their way already"
        bench.tell(OrderSendResolved(client_id=bench.facts.orders.find(client_id=1).order.client_id, outcome=SENT))
        bench.wish()
        assert [effect.order.intent.size for effect in bench.of(fx.SendOrder)] == [Decimal("0.3")]

    def test_a_task_past_its_deadline_is_not_sent(self, bench: Bench) -> None:
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent(), deadline_ns=bench.now.mono_ns - 1))
        assert not bench.of(fx.SendOrder)
        assert next(bench.facts.orders.recent()).status is S.CANCELED

    def test_the_queue_is_bounded(self, bench: Bench) -> None:
        for _ in range(1_005):
            bench.machine.on_command(SubmitOrder(intent=intent()), bench.now)
        denied = [t for t in bench.facts.orders.recent() if t.order.reason.startswith("queue full")]
        assert len(denied) == 5

    def test_nothing_is_sent_before_reconciliation(self) -> None:
        early = Bench()
        early.wish(SubmitOrder(intent=intent()))
        assert not early.of(fx.SendOrder)
        assert next(early.facts.orders.recent()).order.reason.startswith("not reconciled")

    @pytest.mark.parametrize("status", [LinkStatus.DOWN, LinkStatus.CONNECTING])
    def test_nothing_is_sent_while_the_account_stream_is_away(self, bench: Bench, status: LinkStatus) -> None:
        bench.tell(LinkChanged(link=LinkHealth(name=LinkName.ACCOUNT, status=status, detail="no answer")))
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent()))
        assert not bench.of(fx.SendOrder)
        assert bench.facts.trading()[0] is TradingState.HALTED
        bench.tell(LinkChanged(link=LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.LIVE)))
        assert bench.submit()

    def test_nothing_is_sent_before_the_account_stream_was_heard_of(self, bench: Bench) -> None:
        del bench.facts.links[LinkName.ACCOUNT]
        bench.submit_denied()
        assert bench.facts.trading() == (
            TradingState.HALTED,
            "the account stream did not report yet, fills would not be seen",
        )

    def test_a_moment_of_silence_of_a_whole_account_stream_stops_nothing(self, bench: Bench) -> None:
        bench.tell(LinkChanged(link=LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.DEGRADED, detail="silent")))
        assert bench.submit()

    def test_nothing_is_sent_once_the_journal_fails(self, bench: Bench) -> None:
        bench.tell(fx.JournalFailed(why="disk full"))
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent()))
        assert not bench.of(fx.SendOrder)
        assert bench.facts.trading() == (TradingState.HALTED, "disk full")


class TestDoubt:
    def test_an_unknown_order_is_looked_up_until_the_venue_shows_it(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=LOST))
        assert bench.status(order.client_id) is S.UNKNOWN
        bench.effects.clear()
        bench.wait(ms=50)
        assert [e.client_id for e in bench.of(fx.LookUpOrder)] == [order.client_id]
        bench.tell(fx.OrderLookedUp(client_id=order.client_id, report=bench.report(order)))
        assert bench.status(order.client_id) is S.ACCEPTED
        assert bench.task(order.client_id).order.reason == "", "the doubt is over"
        bench.effects.clear()
        bench.wait(seconds=5)
        assert not bench.of(fx.LookUpOrder)
        assert not bench.of(fx.SendOrder)

    def test_it_stays_unknown_until_its_signature_has_expired(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=LOST))
        for _ in range(59):
            bench.wait(seconds=10)
            bench.tell(fx.OrderLookedUp(client_id=order.client_id, report=None))
        assert bench.status(order.client_id) is S.UNKNOWN
        bench.wait(seconds=11)
        bench.tell(fx.OrderLookedUp(client_id=order.client_id, report=None))
        assert bench.status(order.client_id) is S.REJECTED

    def test_a_silent_order_is_looked_up_and_closed_only_after_repeated_silence(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
        bench.effects.clear()
        bench.wait(seconds=2)
        assert not bench.of(fx.LookUpOrder)
        answers = 0
        for _ in range(400):
            bench.wait(ms=50)
            for effect in bench.of(fx.LookUpOrder):
                answers += 1
                bench.effects.remove(effect)
                assert bench.status(order.client_id) is S.SUBMITTING
                bench.tell(fx.OrderLookedUp(client_id=effect.client_id, report=None))
        assert answers >= 3
        assert bench.status(order.client_id) is S.REJECTED
        assert "no trace" in bench.task(order.client_id).order.reason

    def test_a_failed_look_up_proves_nothing(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
        for _ in range(40):
            bench.wait(seconds=1)
            bench.tell(fx.LookUpFailed(client_id=order.client_id, why="down"))
        assert bench.status(order.client_id) is S.SUBMITTING

    def test_an_older_report_never_wins(self, bench: Bench) -> None:
        report = bench.rest()
        bench.tell(OrdersReported(orders=(bench.ended(report),)))
        bench.tell(OrdersReported(orders=(report,)))
        bench.lists(report)
        assert bench.status(report.client_id) is S.CANCELED

    def test_an_order_lost_and_shown_again_is_live_again(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=Refused(500, "broken")))
        bench.tell(OrdersReported(orders=(bench.report(order),)))
        assert bench.status(order.client_id) is S.ACCEPTED
        assert bench.facts.orders.may_be_live() == 1


class TestCancelling:
    def test_a_queued_order_never_leaves(self, bench: Bench) -> None:
        for _ in range(3):
            bench.wish(SubmitOrder(intent=intent()))
        queued = [t for t in bench.facts.orders.live() if t.status is S.QUEUED]
        bench.effects.clear()
        bench.wish(CancelOrder(market_id=ETH, client_id=queued[0].order.client_id))
        assert queued[0].status is S.CANCELED
        assert not bench.of(fx.SendCancel)

    def test_an_open_order_is_pending_until_the_venue_says(self, bench: Bench) -> None:
        report = bench.rest()
        bench.effects.clear()
        bench.wish(CancelOrder(market_id=ETH, client_id=report.client_id))
        assert bench.status(report.client_id) is S.PENDING_CANCEL
        assert len(bench.of(fx.SendCancel)) == 1
        bench.tell(CancelSendResolved(market_id=ETH, client_id=report.client_id, venue_id=None, outcome=SENT))
        assert bench.status(report.client_id) is S.PENDING_CANCEL
        bench.tell(OrdersReported(orders=(bench.ended(report),)))
        assert bench.status(report.client_id) is S.CANCELED

    def test_an_order_on_its_way_is_cancelled_after_its_reply(self, bench: Bench) -> None:
        order = bench.submit()
        bench.effects.clear()
        bench.wish(CancelOrder(market_id=ETH, client_id=order.client_id))
        assert not bench.of(fx.SendCancel)
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=SENT))
        assert len(bench.of(fx.SendCancel)) == 1
        bench.tell(OrdersReported(orders=(bench.report(order),)))
        assert len(bench.of(fx.SendCancel)) == 2, "the first cancel may have overtaken the order"

    def test_a_refused_cancel_leaves_the_order_open(self, bench: Bench) -> None:
        report = bench.rest()
        bench.wish(CancelOrder(market_id=ETH, client_id=report.client_id))
        refused = Refused(21_701, "no such order")
        bench.tell(CancelSendResolved(market_id=ETH, client_id=report.client_id, venue_id=None, outcome=refused))
        assert bench.status(report.client_id) is S.ACCEPTED
        bench.effects.clear()
        bench.wait(ms=50)
        assert bench.of(fx.LookUpOrder), "it may have ended by itself"

    def test_a_cancel_without_effect_is_found_out(self, bench: Bench) -> None:
        report = bench.rest()
        bench.wish(CancelOrder(market_id=ETH, client_id=report.client_id))
        bench.effects.clear()
        bench.wait(ms=3_200)
        assert bench.of(fx.LookUpOrder)
        bench.tell(fx.OrderLookedUp(client_id=report.client_id, report=report))
        assert bench.status(report.client_id) is S.ACCEPTED
        assert "did not take effect" in bench.texts()

    def test_an_order_placed_elsewhere_is_cancelled_by_the_venues_id(self, bench: Bench) -> None:
        external = replace(bench.report(bench.submit()), client_id=None)
        bench.tell(OrdersReported(orders=(external,)))
        bench.effects.clear()
        bench.wish(CancelOrder(market_id=ETH, venue_id=external.venue_id))
        (cancel,) = bench.of(fx.SendCancel)
        assert cancel.ref.venue_id == external.venue_id
        assert cancel.ref.client_id is None


class TestBothSides:
    def test_an_order_placed_elsewhere_is_shown_on_the_venues_side(self, bench: Bench) -> None:
        external = replace(bench.report(bench.submit()), client_id=None, venue_id=7)
        bench.lists(external)
        sides = [t.side for t in bench.facts.orders.live() if not t.is_ours]
        assert sides == [OrderMapSide.VENUE]
        bench.clock.advance(seconds=1)
        bench.lists()
        assert not [t for t in bench.facts.orders.live() if not t.is_ours]

    def test_an_order_missing_from_the_list_is_ours_alone_and_looked_up(self, bench: Bench) -> None:
        report = bench.rest()
        assert bench.tracked(report.client_id).side is OrderMapSide.BOTH
        bench.clock.advance(seconds=1)
        bench.effects.clear()
        bench.lists()
        assert bench.tracked(report.client_id).side is OrderMapSide.OURS
        bench.wait(ms=50)
        assert bench.of(fx.LookUpOrder)
        bench.tell(fx.OrderLookedUp(client_id=report.client_id, report=bench.ended(report)))
        assert bench.status(report.client_id) is S.CANCELED

    def test_a_list_asked_before_the_order_was_shown_cannot_miss_it(self, bench: Bench) -> None:
        asked_ns = bench.now.mono_ns
        bench.clock.advance(seconds=1)
        report = bench.rest()
        bench.lists(asked_ns=asked_ns)
        assert bench.tracked(report.client_id).side is OrderMapSide.BOTH

    def test_a_list_that_ends_orders_brings_no_forgotten_one_back_by_halves(self) -> None:
        bench = Bench(recent_limit=1)
        bench.connect()
        ending, closed = bench.rest(), bench.rest()
        bench.tell_ended(closed)
        bench.lists(bench.ended(ending), replace(closed, time_us=bench.now.utc_us + 1))
        assert bench.status(closed.client_id) is S.ACCEPTED, "the venue says it is open"
        assert bench.facts.orders.open() == 1
        bench.tell_ended(replace(closed, time_us=bench.now.utc_us))
        bench.tell_ended(bench.rest())
        assert len(bench.facts.orders) == 1, "and memory lets go of it without a fault"

    def test_the_list_is_asked_for_every_half_minute(self, bench: Bench) -> None:
        bench.effects.clear()
        bench.wait(seconds=29)
        assert not bench.of(fx.ListOpenOrders)
        bench.wait(seconds=2)
        assert len(bench.of(fx.ListOpenOrders)) == 1

    def test_a_foreign_order_that_wears_one_of_our_ids_is_not_ours(self, bench: Bench) -> None:
        order = bench.submit()
        foreign = replace(bench.report(order), side=sell().side)
        bench.tell(OrdersReported(orders=(foreign,)))
        assert bench.status(order.client_id) is S.SUBMITTING
        assert [t.is_ours for t in bench.facts.orders.live()] == [True, False]

    def test_new_ids_avoid_those_worn_by_foreign_orders(self, bench: Bench) -> None:
        foreign = replace(bench.report(bench.submit()), client_id=2)
        bench.lists(foreign)
        assert bench.submit().client_id == 3

    def test_an_order_modified_elsewhere_shows_the_venues_terms(self, bench: Bench) -> None:
        report = bench.rest()
        bench.clock.advance(us=5)
        newer = replace(report, price=Decimal("1800.00"), time_us=report.time_us + 5)
        bench.tell(OrdersReported(orders=(newer,)))
        assert bench.task(report.client_id).intent.price == Decimal("1800.00")


class TestRestart:
    def test_an_order_the_crash_hid_is_looked_up_before_anything_trades(self, bench: Bench) -> None:
        order = bench.submit()
        fresh = bench.restarted()
        assert fresh.status(order.client_id) is S.UNKNOWN
        fresh.connect()
        assert fresh.phase is EnginePhase.RECONCILING
        fresh.tell(fx.FillsCaughtUp())
        assert fresh.phase is EnginePhase.RECONCILING
        assert [e.client_id for e in fresh.of(fx.LookUpOrder)] == [order.client_id]
        fresh.tell(fx.OrderLookedUp(client_id=order.client_id, report=None))
        assert fresh.phase is EnginePhase.RUNNING
        assert fresh.status(order.client_id) is S.UNKNOWN

    def test_trading_waits_for_positions_fills_and_the_list(self, bench: Bench) -> None:
        bench.tell_ended(bench.rest())
        report = bench.rest()
        bench.fill(report, "0.1")
        for missing in range(3):
            fresh = bench.restarted()
            fresh.tell(MarketsListed(markets=MARKETS), fx.ConnectorStarted())
            answers = [
                OpenOrdersListed(orders=(), asked_ns=fresh.now.mono_ns),
                PositionsReported(positions=(), is_complete=True),
                fx.FillsCaughtUp(),
            ]
            last = answers.pop(missing)
            fresh.tell(*answers)
            assert fresh.phase is EnginePhase.RECONCILING
            fresh.tell(last)
            assert fresh.phase is EnginePhase.RUNNING

    def test_missed_fills_that_cannot_be_had_do_not_stop_trading_for_ever(self, bench: Bench) -> None:
        bench.fill(bench.rest(), "0.1")
        fresh = bench.restarted()
        fresh.connect()
        for _ in range(10):
            assert fresh.phase is EnginePhase.RECONCILING
            fresh.tell(fx.CatchUpFailed(why="too many"))
        assert fresh.phase is EnginePhase.RUNNING
        assert "cannot be had" in fresh.texts()

    def test_an_order_still_resting_is_adopted_with_its_origin(self, bench: Bench) -> None:
        report = bench.rest()
        fresh = bench.restarted()
        fresh.connect(report)
        fresh.tell(fx.FillsCaughtUp())
        assert fresh.phase is EnginePhase.RUNNING
        assert fresh.status(report.client_id) is S.ACCEPTED
        assert fresh.tracked(report.client_id).side is OrderMapSide.BOTH
        assert fresh.submit().client_id > report.client_id

    def test_fills_missed_while_away_are_booked_without_moving_the_position_twice(self, bench: Bench) -> None:
        report = bench.rest()
        seen = bench.fill(report, "0.02")
        missed = bench.fill_of(report, "0.08")
        fresh = bench.restarted()
        fresh.clock.advance(seconds=5)
        fresh.connect(positions=(Position(market_id=ETH, size=Decimal("0.10")),))
        (asked,) = fresh.of(fx.CatchUpFills)
        assert asked.after < seen.trade_id, "a fill from the stream proves nothing about those before it"
        fresh.tell(FillReported(fill=seen), FillReported(fill=missed), fx.FillsCaughtUp())
        assert set(fresh.fills) == {seen.key, missed.key}
        fresh.wait(seconds=3)
        assert fresh.position() == Decimal("0.10")
        assert "our fills add up" not in fresh.texts()

    def test_a_fill_older_than_memory_is_checked_against_the_journal(self, bench: Bench) -> None:
        report = bench.rest()
        old = bench.fill(report, "0.02")
        newer = bench.fill(report, "0.02")
        fresh = bench.restarted(trades_kept=1)
        fresh.connect()
        never_seen = replace(old, trade_id=TradeId(0))
        fresh.tell(FillReported(fill=old), FillReported(fill=newer), FillReported(fill=never_seen))
        assert list(fresh.fills) == [old.key, newer.key, never_seen.key]
        assert [effect.fill for effect in fresh.of(fx.ResolveFill)] == [old, never_seen]

    def test_orders_of_a_world_that_is_gone_are_closed(self, bench: Bench) -> None:
        report = bench.rest()
        bench.world = "fake account 1, another key"
        fresh = bench.restarted()
        assert fresh.status(report.client_id) is S.EXPIRED
        fresh.connect()
        assert fresh.phase is EnginePhase.RUNNING
        assert fresh.meta["world"] == bench.world

    def test_the_world_is_remembered(self, bench: Bench) -> None:
        assert bench.meta["world"] == WORLD

    def test_a_tripped_breaker_stays_tripped(self, bench: Bench) -> None:
        bench.wish(TripBreaker(by="operator", reason="odd\tprices"))
        bench.wish(TripBreaker(by="operator", reason="thin", market_id=ETH))
        statuses = bench.restarted().facts.breakers.statuses((ETH,))
        assert [(s.is_tripped, s.reason) for s in statuses] == [(True, "odd\tprices"), (True, "thin")]

    def test_day_pnl_counts_from_the_first_sight_of_the_day(self, bench: Bench) -> None:
        fresh = bench.restarted()
        fresh.connect()
        account = fresh.facts.account
        assert account is not None
        fresh.tell(AccountReported(account=replace(account, equity=Decimal("990.5"))))
        assert fresh.machine.day_pnl == Decimal("-9.5")
        fresh.clock.advance(seconds=86_400)
        fresh.tell(AccountReported(account=replace(account, equity=Decimal(980))))
        assert fresh.machine.day_pnl == 0

    def test_the_newest_assets_are_what_is_shown(self, bench: Bench) -> None:
        for balance in (1, 2):
            held = Asset(asset_id=1, symbol="ETH", balance=Decimal(balance), locked=Decimal(0), margin=Decimal(0))
            bench.tell(AssetsReported(assets=(held,)))
        assert [one.balance for one in bench.facts.assets] == [2]


class TestPositions:
    def test_a_difference_that_stays_is_told_and_settled_for_the_venue(self, bench: Bench) -> None:
        bench.rest()
        wrong = Position(market_id=ETH, size=Decimal(3), time_us=bench.now.utc_us + 1)
        bench.tell(PositionsReported(positions=(wrong,), is_complete=False))
        exposure = bench.facts.outlook.exposures()[ETH]
        assert (exposure.position, exposure.open_sells) == (Decimal(3), Decimal(3)), "the worse of both counts"
        bench.wait(ms=1_900)
        assert "our fills add up" not in bench.texts()
        bench.effects.clear()
        bench.wait(ms=400)
        assert len(bench.of(fx.ViewAccount)) == 1
        assert bench.facts.outlook.exposures()[ETH].open_sells == 3, "not before it is confirmed"
        bench.tell(PositionsReported(positions=(wrong,), is_complete=True, asked_ns=bench.now.mono_ns))
        assert "our fills add up to 0, the venue says 3" in bench.texts()
        assert bench.facts.outlook.exposures()[ETH].open_sells == 0

    @pytest.mark.parametrize("is_flat", [False, True])
    def test_an_empty_list_of_positions_is_believed_only_once_rest_confirms_it(self, *, is_flat: bool) -> None:
        held = Position(market_id=ETH, size=Decimal(20), time_us=1)
        bench = Bench()
        bench.connect(positions=(held,))
        bench.effects.clear()
        bench.tell(PositionsReported(positions=(), is_complete=True))
        bench.wait(seconds=13)
        assert bench.facts.outlook.exposures()[ETH].worst == 20
        assert len(bench.of(fx.ViewAccount)) == 3, "asked again where no answer comes"
        answer = () if is_flat else (held,)
        bench.tell(PositionsReported(positions=answer, is_complete=True, asked_ns=bench.now.mono_ns))
        found = bench.facts.outlook.exposures()[ETH]
        assert (found.position, found.worst) == ((0, 0) if is_flat else (20, 20))
        assert ("our fills add up" in bench.texts()) == is_flat

    def test_a_fill_and_the_report_that_contains_it_count_once(self, bench: Bench) -> None:
        report = bench.rest()
        fill = bench.fill(report, "0.03")
        assert bench.position() == Decimal("0.03")
        told = Position(market_id=ETH, size=Decimal("0.03"), time_us=fill.time_us)
        bench.tell(PositionsReported(positions=(told,), is_complete=False))
        assert bench.position() == Decimal("0.03")
        bench.wait(seconds=3)
        assert "our fills add up" not in bench.texts()


class TestEnding:
    def test_keep_leaves_orders_and_says_how_many(self, bench: Bench) -> None:
        bench.rest()
        bench.effects.clear()
        bench.wish(Stop(policy=ExitPolicy.KEEP, reason="test"))
        bench.tell(Ticked())
        report = bench.facts.standing.exit_report
        assert report is not None
        assert (report.is_clean, report.exit_code) == (True, 0)
        assert "1 order left resting" in report.text
        assert not bench.of(fx.SendCancelAll)

    def test_keep_does_not_call_an_order_in_doubt_clean(self, bench: Bench) -> None:
        order = bench.submit()
        bench.tell(OrderSendResolved(client_id=order.client_id, outcome=LOST))
        bench.wish(Stop(policy=ExitPolicy.KEEP, reason="test"))
        bench.wait(seconds=4)
        report = bench.facts.standing.exit_report
        assert report is not None
        assert (report.is_clean, report.exit_code) == (False, 1)

    def test_keep_does_not_count_orders_it_cannot_see(self, bench: Bench) -> None:
        bench.rest()
        down = LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.DOWN, detail="cannot connect")
        bench.tell(LinkChanged(link=down))
        bench.wish(Stop(policy=ExitPolicy.KEEP, reason="test"))
        report = bench.facts.standing.exit_report
        assert report is not None
        assert (report.is_clean, report.exit_code) == (False, 1)
        assert "how many is not known" in report.text
        assert "cannot connect" in report.text

    def test_keep_before_the_venue_listed_its_orders_does_not_count_them(self) -> None:
        early = Bench()
        early.tell(fx.ConnectorStarted())
        early.tell(LinkChanged(link=LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.LIVE)))
        early.wish(Stop(policy=ExitPolicy.KEEP, reason="test"))
        report = early.facts.standing.exit_report
        assert report is not None
        assert (report.is_clean, report.exit_code) == (False, 1)
        assert "never listed" in report.text

    def test_cancel_ends_clean_only_on_the_empty_list(self, bench: Bench) -> None:
        report = bench.rest()
        bench.effects.clear()
        bench.wish(Stop(policy=ExitPolicy.CANCEL, reason="test"))
        assert bench.of(fx.SendCancelAll)
        bench.cancel_all_taken()
        assert bench.facts.standing.exit_report is None
        bench.tell(OrdersReported(orders=(bench.ended(report),)))
        assert bench.facts.standing.exit_report is None
        bench.lists()
        ended = bench.facts.standing.exit_report
        assert ended is not None
        assert ended.is_clean

    def test_cancel_gives_up_after_ten_seconds_and_says_so(self, bench: Bench) -> None:
        bench.rest()
        bench.wish(Stop(policy=ExitPolicy.CANCEL, reason="test"))
        bench.wait(ms=9_900)
        assert bench.facts.standing.exit_report is None
        bench.wish(Stop(policy=ExitPolicy.KEEP, reason="again"))
        bench.wait(ms=200)
        ended = bench.facts.standing.exit_report
        assert ended is not None
        assert (ended.is_clean, ended.exit_code) == (False, 1)
        assert "1 order may still be live" in ended.text

    def test_before_the_venue_was_reached_there_is_nothing_to_cancel(self) -> None:
        early = Bench()
        early.wish(Stop(policy=ExitPolicy.CANCEL, reason="test"))
        ended = early.facts.standing.exit_report
        assert ended is not None
        assert ended.is_clean

    def test_orders_of_an_earlier_run_make_an_unreached_end_unclean(self, bench: Bench) -> None:
        bench.rest()
        fresh = bench.restarted()
        fresh.wish(Stop(policy=ExitPolicy.CANCEL, reason="test"))
        ended = fresh.facts.standing.exit_report
        assert ended is not None
        assert ended.exit_code == 1
