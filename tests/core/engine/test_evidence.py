"""What is said of orders as the venue shows them: whatever the operator did, and every end that nobody wished."""

from dataclasses import replace

import pytest

from core.commands import CancelOrder, SubmitOrder
from core.engine import effects as fx
from core.events import NoticeLevel, OrdersReported
from core.model import OrderStatus, Origin, OriginKind, Priority
from tests.support.fake_connector import intent
from tests.support.machine import Bench

S = OrderStatus


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


class TestWords:
    def said(self, bench: Bench) -> list[tuple[NoticeLevel, str]]:
        return [(n.level, n.text) for n in bench.facts.notices.all() if n.source == "order"]

    def test_an_order_of_the_operator_that_rests_is_said(self, bench: Bench) -> None:
        bench.rest()
        [(level, text)] = self.said(bench)
        assert level is NoticeLevel.INFO
        assert text.startswith("accepted: buy ")

    def test_an_end_that_nobody_wished_is_said_with_the_venues_reason(self, bench: Bench) -> None:
        report = bench.rest()
        bench.tell(OrdersReported(orders=(replace(bench.ended(report, S.REJECTED), reason="canceled-post-only"),)))
        level, text = self.said(bench)[-1]
        assert level is NoticeLevel.WARN
        assert text.startswith("rejected: buy ")
        assert "canceled-post-only" in text

    def test_an_end_the_operator_wished_is_said_quietly(self, bench: Bench) -> None:
        report = bench.rest()
        bench.wish(CancelOrder(market_id=report.market_id, client_id=report.client_id))
        bench.tell_ended(report)
        level, text = self.said(bench)[-1]
        assert (level, text.split(":")[0]) == (NoticeLevel.INFO, "canceled")

    def test_a_strategys_daily_bread_is_not_said(self, bench: Bench) -> None:
        origin = Origin(OriginKind.STRATEGY, "maker")
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent(), origin=origin, priority=Priority.STRATEGY))
        (sent,) = bench.of(fx.SendOrder)
        report = bench.report(sent.order)
        bench.tell(OrdersReported(orders=(report,)))
        bench.wish(CancelOrder(market_id=report.market_id, client_id=report.client_id, origin=origin))
        bench.tell_ended(report)
        assert self.said(bench) == []


class TestAVenueWhoseClockWasSetBack:
    """Its newer reports carry older times: an order's end is believed all the same, anything else is not."""

    def test_an_end_is_an_end(self, bench: Bench) -> None:
        report = bench.rest()
        bench.wish(CancelOrder(market_id=report.market_id, client_id=report.client_id))
        over = bench.ended(report)
        bench.tell(OrdersReported(orders=(replace(over, time_us=report.time_us - 60_000_000),)))
        assert bench.status(report.client_id) is S.CANCELED

    def test_an_end_found_by_looking_it_up_is_an_end(self, bench: Bench) -> None:
        report = bench.rest()
        over = replace(bench.ended(report), time_us=report.time_us - 60_000_000)
        bench.tell(fx.OrderLookedUp(client_id=report.client_id, report=over))
        assert bench.status(report.client_id) is S.CANCELED

    def test_an_older_word_that_it_is_open_changes_nothing(self, bench: Bench) -> None:
        report = bench.rest()
        bench.tell(OrdersReported(orders=(bench.ended(report, S.PARTIALLY_FILLED, "0.02"),)))
        bench.tell(OrdersReported(orders=(replace(report, time_us=report.time_us - 60_000_000),)))
        assert bench.status(report.client_id) is S.PARTIALLY_FILLED
        bench.tell_ended(report, S.CANCELED)
        bench.tell(OrdersReported(orders=(replace(report, time_us=report.time_us - 60_000_000),)))
        assert bench.status(report.client_id) is S.CANCELED
