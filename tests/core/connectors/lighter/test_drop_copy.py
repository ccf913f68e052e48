"""The drop copy: what one private stream tells and the other does not is an alert, and REST decides."""

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from core.clock import ManualClock
from core.connectors.lighter.drop_copy import GRACE_NS, DropCopy, Source, describe_fact
from core.connectors.lighter.drop_copy_watch import DropCopyWatch
from core.errors import LinkDown
from core.events import (
    FillReported,
    LinkHealth,
    LinkName,
    LinkStatus,
    Noticed,
    NoticeLevel,
    OpenOrdersListed,
    OrdersReported,
)
from core.model import OrderStatus
from core.units import ClientOrderId, TradeId
from tests.support.fake_connector import report_of
from tests.support.orders import limit_order
from tests.support.scripted_lighter import ACCOUNT, order_row, trade_row
from tests.support.waiting import eventually

ORDERS = [report_of(limit_order(number), 2**48 + number, OrderStatus.ACCEPTED, number) for number in range(1, 6)]


def _event(number: int, *, filled: str = "0"):
    report = dataclasses.replace(ORDERS[number], filled=type(ORDERS[number].filled)(filled))
    return OrdersReported(orders=(report,))


@given(
    told=st.lists(st.tuples(st.sampled_from([*Source]), st.integers(0, 4), st.integers(0, GRACE_NS // 40)), max_size=30)
)
def test_exactly_what_one_told_and_the_other_did_not_is_overdue(told):
    copy, now, by = DropCopy(), 0, {source: set() for source in Source}
    for source, number, pause in told:
        now += pause
        copy.note(source, _event(number), now)
        by[source].add(number)
    assert copy.overdue(now) == () or now >= GRACE_NS
    late = {fact[0] - 2**48 - 1 for _, fact in copy.overdue(now + GRACE_NS)}
    assert late == by[Source.PRIMARY] ^ by[Source.COPY]
    assert copy.overdue(now + 2 * GRACE_NS) == (), "told once"


def test_the_same_order_in_another_state_is_another_fact():
    copy = DropCopy()
    copy.note(Source.PRIMARY, _event(0), 0)
    copy.note(Source.COPY, _event(0, filled="0.005"), 0)
    assert {source for source, _ in copy.overdue(GRACE_NS)} == set(Source)


def test_nothing_is_overdue_while_one_of_the_two_did_not_listen_or_rest_settled_it():
    copy = DropCopy()
    copy.note(Source.PRIMARY, _event(0), 0)
    copy.forget()
    copy.note(Source.COPY, _event(1), 0)
    copy.settle(_event(1))
    copy.note(Source.PRIMARY, _event(1), 0)
    assert copy.overdue(GRACE_NS) == ()


def test_a_difference_says_who_told_what():
    assert describe_fact(Source.COPY, TradeId(7)) == "the drop copy told trade 7, the account stream did not"
    copy = DropCopy()
    copy.note(Source.PRIMARY, _event(0), 0)
    ((source, fact),) = copy.overdue(GRACE_NS)
    assert (
        describe_fact(source, fact) == f"the account stream told order {2**48 + 1} as accepted, the drop copy did not"
    )


class _Line:
    """A stream of which only the health is asked."""

    def __init__(self) -> None:
        self.health = LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.LIVE)

    def become(self, status: LinkStatus) -> None:
        self.health = LinkHealth(name=LinkName.ACCOUNT, status=status)


class _Lists:
    """REST, of which only the open orders are asked."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    async def open_orders(self):
        if self.errors:
            raise self.errors.pop()
        return ()


async def _watch():
    told, clock, api = [], ManualClock(), _Lists()
    watch = DropCopyWatch(api, told.append, clock)
    lines = [_Line(), _Line()]
    watch.compare(lines, None)
    await watch.look()
    return watch, lines, clock, told, api


async def test_a_difference_counts_only_while_both_streams_are_well_from_the_look_after_they_became_so():
    watch, lines, clock, told, _ = await _watch()
    watch.primary(_event(0))
    lines[1].become(LinkStatus.DOWN)
    clock.advance(ns=GRACE_NS)
    await watch.look()
    watch.primary(_event(1))
    lines[1].become(LinkStatus.LIVE)
    clock.advance(ns=GRACE_NS)
    await watch.look()
    assert _alerts(told) == []
    watch.primary(_event(2))
    clock.advance(ns=GRACE_NS)
    await watch.look()
    assert len(_alerts(told)) == 1


async def test_a_reconcile_that_fails_is_tried_again():
    watch, _, clock, told, api = await _watch()
    watch.second(_event(0))
    api.errors = [LinkDown("no answer")]
    clock.advance(ns=GRACE_NS)
    await watch.look()
    assert not [one for one in told if isinstance(one, OpenOrdersListed)]
    await watch.look()
    assert len([one for one in told if isinstance(one, OpenOrdersListed)]) == 1
    await watch.look()
    assert len([one for one in told if isinstance(one, OpenOrdersListed)]) == 1


async def _comparing(venue, start):
    connector, events = await start(venue.settings(has_drop_copy=True))
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    watch = connector._running.watch
    await eventually(lambda: watch._is_comparing, "the comparison")
    return connector, events


def _alerts(events):
    return [one.text for one in events if isinstance(one, Noticed) and one.level is NoticeLevel.ALERT]


def _orders_frame(*rows: object):
    return {"channel": f"account_all_orders:{ACCOUNT}", "orders": {"0": rows}, "type": "update/account_all_orders"}


def _trades_frame(*rows: object):
    return {"channel": f"account_all_trades:{ACCOUNT}", "trades": {"0": rows}, "type": "update/account_all_trades"}


def _copy_socket(connector, venue):
    """The drop copy is the private connection that the account stream does not send over."""
    private = [frame["channel"] for frame in venue.heard if "auth" in frame]
    assert private.count(f"account_all_orders/{ACCOUNT}") == 2
    return venue.private_sockets


async def test_two_streams_that_agree_say_nothing_and_the_engine_hears_everything_once(venue, start):
    connector, events = await _comparing(venue, start)
    venue.trades = [trade_row(900)]
    await venue.push(_orders_frame(order_row(2**49, 5)))
    await venue.push(_trades_frame(trade_row(900)))
    await eventually(lambda: any(isinstance(one, FillReported) for one in events), "the fill")
    await connector._running.watch.look()
    assert len([one for one in events if isinstance(one, FillReported)]) == 1
    assert len([one for one in events if isinstance(one, OrdersReported)]) == 1
    assert _alerts(events) == []


async def test_an_order_only_the_copy_tells_of_is_an_alert_and_the_engine_gets_the_venues_list(venue, start):
    connector, events = await _comparing(venue, start)
    listed = len([one for one in events if isinstance(one, OpenOrdersListed)])
    venue.orders = [order_row(2**49, 5)]
    await _copy_socket(connector, venue)[1].send_str(json.dumps(_orders_frame(order_row(2**49, 5))))
    what = f"the drop copy told order {2**49} as accepted, the account stream did not"
    await eventually(lambda: any(what in text for text in _alerts(events)), what, 8)

    def lists():
        return [one for one in events if isinstance(one, OpenOrdersListed)]

    await eventually(lambda: len(lists()) > listed, "the venue's list")
    assert [order.client_id for order in lists()[-1].orders] == [ClientOrderId(5)]
    assert len(_alerts(events)) == 1


async def test_a_fill_only_the_copy_tells_of_is_an_alert_and_comes_from_rest(venue, start):
    connector, events = await _comparing(venue, start)
    await eventually(lambda: connector._running.feed.gap == connector._running.feed.closed_gap, "the start's gap")
    venue.trades = [trade_row(900)]
    await _copy_socket(connector, venue)[1].send_str(json.dumps(_trades_frame(trade_row(900))))
    what = "the drop copy told trade 900, the account stream did not"
    await eventually(lambda: any(what in text for text in _alerts(events)), what, 8)
    await eventually(lambda: any(isinstance(one, FillReported) for one in events), "the fill, from REST", 8)
    assert [one.fill.trade_id for one in events if isinstance(one, FillReported)] == [900]
    assert len(_alerts(events)) == 1


async def test_a_copy_that_is_down_is_said_and_touches_nothing_else(venue, start):
    connector, events = await _comparing(venue, start)
    sockets = _copy_socket(connector, venue)
    venue.silent_channels.add(f"account_all_orders/{ACCOUNT}")
    sockets[1]._req.transport.abort()

    def warned():
        return [one.text for one in events if isinstance(one, Noticed) and one.source == "drop copy"]

    await eventually(lambda: any(text.startswith("down:") for text in warned()), "the warning")
    await venue.push(_orders_frame(order_row(2**49, 5)))
    assert all(link.status is LinkStatus.LIVE for link in connector.links())
    await connector._running.watch.look()
    assert _alerts(events) == []
