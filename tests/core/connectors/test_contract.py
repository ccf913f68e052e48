"""What the engine relies on, asked of every connector: the production one against three venues, and the engine's fake.

The venues are the paper venue, a replay of a recorded session, each a process of its own, and a scripted one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.connectors.base import Connector, Exit, ExitKind, Leg, NewOrder, OrderRef
from core.connectors.lighter.connector import LighterConnector, LighterSettings
from core.connectors.recorder import record
from core.connectors.venue.child import PaperVenue, VenueReady
from core.connectors.venue.recording import Recorder
from core.decisions import Refused, Sent
from core.events import Event, LinkName, LinkStatus, MarketsListed, OrdersReported
from core.model import BookStatus, OrderStatus, OrderType, Side
from core.tape import Resolution
from core.units import ClientOrderId, MarketId, from_units, round_to
from tests.support.fake_connector import FakeConnector
from tests.support.obedient_lighter import obedient_venue
from tests.support.orders import limit_order, no_gate
from tests.support.waiting import eventually

PAPER, REPLAY, SCRIPTED, FAKE = "the paper venue", "a replay", "a scripted venue", "the engine's fake"
ALL = (PAPER, REPLAY, SCRIPTED, FAKE)
ETH, BTC = MarketId(0), MarketId(1)
_RECORDED_S = 4


def _settings(ready: VenueReady) -> LighterSettings:
    return LighterSettings(
        name="paper",
        world="contract",
        url=ready.url,
        ws_url=ready.ws_url,
        chain_id=ready.chain_id,
        account_index=ready.trading.account_index,
        api_key_index=ready.trading.api_key_index,
        private_key=ready.trading.private_key,
        kill_api_key_index=ready.kill.api_key_index,
        kill_private_key=ready.kill.private_key,
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    """A session of a paper venue, as the command records it."""
    file = tmp_path_factory.mktemp("recording") / "session.ltrec"
    with PaperVenue(markets=3) as venue:
        recorder = Recorder(file)
        asyncio.run(record(_settings(venue.ready), recorder, SystemClock(), _RECORDED_S))
        recorder.close()
    return file


@pytest.fixture(scope="module")
def paper() -> Iterator[PaperVenue]:
    """One process for all; each test leaves no order behind."""
    with PaperVenue(markets=3) as venue:
        yield venue


@pytest.fixture(params=ALL)
async def connector(request, recording, paper) -> AsyncIterator[Connector]:
    """A connector that was not started yet; the venues of the first two are processes of their own."""
    async with AsyncExitStack() as stack:
        match request.param:
            case "the engine's fake":
                made: Connector = FakeConnector()
            case "a scripted venue":
                venue = await stack.enter_async_context(obedient_venue())
                made = LighterConnector(venue.settings(), SystemClock())
            case "a replay":
                words = ("--replay", str(recording), "--speed", "0.6")
                child = stack.enter_context(PaperVenue(markets=3, options=words))
                made = LighterConnector(_settings(child.ready), SystemClock())
            case _:
                made = LighterConnector(_settings(paper.ready), SystemClock())
                stack.push_async_callback(_tidy, made)
        stack.push_async_callback(made.close)
        yield made


async def _tidy(connector: Connector) -> None:
    """No order is left at a venue that the next test shares."""
    await connector.start(lambda _: None)
    try:
        assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)
        async with asyncio.timeout(5):
            while await connector.open_orders():
                pass
    finally:
        await connector.close()


@pytest.fixture
async def events(connector: Connector) -> list[Event]:
    """What a started connector says, its links live and its books believed."""
    heard: list[Event] = []
    await connector.start(heard.append)
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    await eventually(lambda: connector.quote(ETH).status is BookStatus.LIVE, "a book")
    await eventually(lambda: connector.quote(ETH).bid, "somebody to bid")  # a replay begins with empty books
    return heard


def _far_bid(connector: Connector, client_id: int) -> NewOrder:
    """A bid far below the market: it rests."""
    bid = connector.quote(ETH).bid
    market = connector.markets[ETH]
    assert bid is not None
    price = round_to(bid * Decimal("0.97"), market.price_decimals)
    return limit_order(client_id, str(price), str(max(market.min_size, from_units(100, market.size_decimals))))


def _reported(events: list[Event], client_id: int) -> list[OrderStatus]:
    reports = [report for event in events if isinstance(event, OrdersReported) for report in event.orders]
    return [report.status for report in reports if report.client_id == client_id]


async def test_it_names_its_world_before_and_after_start_alike(connector):
    before = connector.identity
    await connector.start(lambda _: None)
    assert connector.identity == before != ""
    assert connector.name


async def test_markets_come_first_and_every_stream_has_a_health(connector, events):
    assert isinstance(events[0], MarketsListed)
    assert {market.id for market in events[0].markets} == set(connector.markets)
    assert {link.name for link in connector.links()} == set(LinkName)


async def test_books_and_quotes_agree_and_know_their_market(connector, events):
    assert {quote.market_id for quote in connector.drain_quotes()} <= set(connector.markets)
    view = connector.book(ETH, 5)
    assert (view.market_id, view.status) == (ETH, BookStatus.LIVE)
    assert len(view.bids) <= 5
    assert [level.price for level in view.bids] == sorted((level.price for level in view.bids), reverse=True)
    assert [level.price for level in view.asks] == sorted(level.price for level in view.asks)


async def test_the_public_tape_fills_for_a_market_that_is_looked_at_and_candles_are_in_order(connector, events):
    await eventually(lambda: connector.trades(ETH).status is BookStatus.LIVE, "the tape")
    tape = connector.trades(ETH)
    assert [one.trade_id for one in tape.trades] == sorted({one.trade_id for one in tape.trades}, reverse=True)
    candles = await connector.candles(ETH, Resolution.M1, 20)
    assert len(candles) <= 20
    assert [one.start_us for one in candles] == sorted({one.start_us for one in candles})
    assert all(one.start_us % Resolution.M1.span_us == 0 for one in candles)
    assert all(one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high for one in candles)


async def test_an_order_is_sent_then_reported_then_listed_then_found(connector, events):
    order = _far_bid(connector, 11)
    outcome = await connector.submit(order, no_gate)
    assert isinstance(outcome, Sent)
    assert 0 < outcome.sent_ns <= outcome.acked_ns
    await eventually(lambda: _reported(events, 11) == [OrderStatus.ACCEPTED], "the report")
    assert [report.client_id for report in await connector.open_orders()] == [11]
    found = await connector.find_order(ClientOrderId(11), ETH)
    assert found is not None
    assert (found.price, found.size, found.side) == (order.intent.price, order.intent.size, order.intent.side)
    assert await connector.find_order(ClientOrderId(12), ETH) is None


async def test_a_closed_gate_stops_an_order_before_it_leaves(connector, events):
    assert await connector.submit(_far_bid(connector, 21), lambda: "killed") == Refused(0, "killed")
    assert await connector.open_orders() == ()


async def test_a_cancel_by_either_id_ends_an_order(connector, events):
    for client_id in (31, 32):
        assert isinstance(await connector.submit(_far_bid(connector, client_id), no_gate), Sent)
    await eventually(lambda: _reported(events, 31) and _reported(events, 32), "both reports")
    second = await connector.find_order(ClientOrderId(32), ETH)
    assert second is not None
    assert isinstance(await connector.cancel(OrderRef(market_id=ETH, client_id=ClientOrderId(31))), Sent)
    assert isinstance(await connector.cancel(OrderRef(market_id=ETH, venue_id=second.venue_id)), Sent)
    for client_id in (31, 32):
        await eventually(
            lambda at=client_id: _reported(events, at)[-1] is OrderStatus.CANCELED, f"the end of {client_id}"
        )
    closed = await connector.find_order(ClientOrderId(31), ETH)
    assert closed is not None
    assert closed.status is OrderStatus.CANCELED


async def test_cancel_all_tells_when_its_bytes_left_and_leaves_nothing_open(connector, events):
    for client_id in (41, 42, 43):
        await connector.submit(_far_bid(connector, client_id), no_gate)
    await eventually(lambda: all(_reported(events, client_id) for client_id in (41, 42, 43)), "the reports")
    told: list[int] = []
    outcome = await connector.cancel_all(None, told.append)
    assert isinstance(outcome, Sent)
    assert told == [outcome.sent_ns]
    await eventually(lambda: _reported(events, 43)[-1] is OrderStatus.CANCELED, "the cancels")
    assert await connector.open_orders() == ()


async def test_cancel_all_of_one_market_leaves_the_others(connector, events):
    await connector.submit(_far_bid(connector, 61), no_gate)
    other = _far_bid(connector, 62)
    bid = connector.quote(BTC).bid
    if bid is None or bid == connector.quote(ETH).bid:  # a venue whose second market has no prices of its own
        return
    market = connector.markets[BTC]
    price, size = round_to(bid * Decimal("0.97"), market.price_decimals), max(market.min_size, 100 * market.step)
    intent = replace(other.intent, market_id=BTC, price=price, size=size)
    await connector.submit(replace(other, intent=intent), no_gate)
    await eventually(lambda: _reported(events, 61) and _reported(events, 62), "both reports")
    assert isinstance(await connector.cancel_all(BTC, lambda _: None), Sent)
    await eventually(lambda: _reported(events, 62)[-1] is OrderStatus.CANCELED, "the cancel")
    assert [report.client_id for report in await connector.open_orders()] == [61]


async def test_a_batch_has_an_outcome_for_each_order_and_both_rest(connector, events):
    outcomes = await connector.submit_batch([_far_bid(connector, 71), _far_bid(connector, 72)], no_gate)
    assert [type(outcome) for outcome in outcomes] == [Sent, Sent]
    await eventually(lambda: _reported(events, 71) and _reported(events, 72), "both reports")
    assert {report.client_id for report in await connector.open_orders()} == {71, 72}
    stopped = await connector.submit_batch([_far_bid(connector, 73)], lambda: "killed")
    assert stopped == (Refused(0, "killed"),)


def _bracket(connector: Connector, first_id: int) -> list[Leg]:
    """A bid that rests, and both exits from what it may buy."""
    lead = _far_bid(connector, first_id)
    expires_us = SystemClock().now().utc_us + 86_400_000_000
    market, price = connector.markets[ETH], lead.intent.price
    legs = [Leg(order=replace(lead, expires_us=expires_us))]
    for number, (kind, factor) in enumerate(((ExitKind.TAKE_PROFIT, "1.2"), (ExitKind.STOP_LOSS, "0.8")), 1):
        trigger = round_to(price * Decimal(factor), market.price_decimals)
        worst = round_to(trigger * Decimal("0.95"), market.price_decimals)
        intent = replace(lead.intent, side=Side.SELL, type=OrderType.MARKET, price=worst, reduce_only=True)
        order = NewOrder(client_id=ClientOrderId(first_id + number), intent=intent, expires_us=expires_us)
        legs.append(Leg(order=order, exit=Exit(kind=kind, trigger=trigger)))
    return legs


async def test_a_group_lives_and_dies_as_one(connector, events):
    legs = _bracket(connector, 91)
    assert isinstance(await connector.submit_group(legs, no_gate), Sent)
    await eventually(lambda: all(_reported(events, number) for number in (91, 92, 93)), "three reports")
    assert {report.client_id for report in await connector.open_orders()} == {91, 92, 93}
    assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)
    await eventually(
        lambda: all(_reported(events, number)[-1] is OrderStatus.CANCELED for number in (91, 92, 93)), "three ends"
    )


async def test_no_part_of_a_group_leaves_that_is_stopped_or_does_not_fit(connector, events):
    legs = _bracket(connector, 94)
    assert await connector.submit_group(legs, lambda: "killed") == Refused(0, "killed")
    alone = await connector.submit_group(legs[:1], no_gate)
    assert isinstance(alone, Refused)
    assert "expected a lead with one or two exits" in alone.detail
    assert await connector.open_orders() == ()


async def test_a_modified_order_is_the_same_order_with_its_new_price_and_size(connector, events):
    order = _far_bid(connector, 81)
    await connector.submit(order, no_gate)
    await eventually(lambda: _reported(events, 81), "the report")
    market = connector.markets[ETH]
    price, size = order.intent.price - 10 * market.tick, order.intent.size + 5 * market.step
    ref = OrderRef(market_id=ETH, client_id=ClientOrderId(81))
    assert isinstance(await connector.modify(ref, size, price, no_gate), Sent)
    await eventually(lambda: len(_reported(events, 81)) > 1, "the change")
    [report] = await connector.open_orders()
    assert (report.client_id, report.price, report.size) == (81, price, size)


@pytest.mark.parametrize("connector", [PAPER, REPLAY, SCRIPTED], indirect=True)  # the fake only counts these
async def test_the_dead_mans_switch_is_armed_shown_and_disarmed(connector, events):
    at_us = (time.time_ns() // 1_000_000_000 + 3_600) * 1_000_000
    assert isinstance(await connector.schedule_cancel_all(at_us), Sent)
    assert (await connector.account_view()).account.cancel_all_us == at_us
    assert isinstance(await connector.abort_scheduled(), Sent)
    assert (await connector.account_view()).account.cancel_all_us is None


async def test_leverage_is_set_and_a_closed_gate_keeps_it(connector, events):
    assert isinstance(await connector.set_leverage(ETH, 5, no_gate), Sent)


async def test_what_is_left_of_every_budget_is_told_with_the_reserve_of_cancels(connector, events):
    budgets = {use.name: use for use in connector.budgets()}
    assert "transactions" in budgets
    for use in budgets.values():
        assert use.limit is None or 0 <= use.left <= use.limit
        assert use.reserve > 0


async def test_a_closed_connector_leaves_no_task_and_starts_again(connector, events):
    before = asyncio.all_tasks()
    await connector.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("lighter ")]
    heard: list[Event] = []
    await connector.start(heard.append)
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    assert isinstance(heard[0], MarketsListed)
    assert before


async def test_the_account_has_money_and_no_positions_yet(connector, events):
    view = await connector.account_view()
    assert view.account.equity > 0
    assert view.positions == ()
    assert await connector.fills_after(0) == ()


async def test_closing_twice_is_closing_once(connector, events):
    await connector.close()
    await connector.close()


@pytest.mark.parametrize("connector", [PAPER, REPLAY], indirect=True)  # the fake refuses what its test tells it to
async def test_an_unwelcome_order_is_a_value_never_an_exception(connector, events):
    order = _far_bid(connector, 51)
    unknown = replace(order, intent=replace(order.intent, market_id=MarketId(77)))
    off_tick = replace(order, intent=replace(order.intent, price=order.intent.price + Decimal("0.000001")))
    tiny = replace(order, intent=replace(order.intent, size=connector.markets[ETH].step))
    for unwelcome in (unknown, off_tick, tiny):
        assert isinstance(await connector.submit(unwelcome, no_gate), Refused)
