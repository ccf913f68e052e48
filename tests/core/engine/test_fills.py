"""What is said of fills: a late one stands out, one that its order has counted already does not."""

import pytest

from core.events import NoticeLevel, OrdersReported
from core.model import OrderStatus
from tests.support.machine import Bench


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def said(bench: Bench) -> tuple[NoticeLevel, str]:
    return [(n.level, n.text) for n in bench.facts.notices.all() if n.source == "fill"][-1]


def test_a_fill_that_the_canceled_order_has_counted_is_not_late(bench: Bench) -> None:
    report = bench.rest()
    bench.tell(OrdersReported(orders=(bench.ended(report, OrderStatus.CANCELED, filled="0.04"),)))
    bench.fill(report, "0.04")
    level, text = said(bench)
    assert level is NoticeLevel.INFO
    assert "after it was" not in text


def test_a_fill_that_it_has_not_counted_is(bench: Bench) -> None:
    report = bench.rest()
    bench.tell(OrdersReported(orders=(bench.ended(report, OrderStatus.CANCELED),)))
    bench.fill(report, "0.04")
    level, text = said(bench)
    assert level is NoticeLevel.WARN
    assert "after it was canceled" in text
