"""What the engine relies on, asked of every connector: the Lighter one on a paper venue, and the engine's fake."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from core.clock import SystemClock
from core.connectors.base import Connector, NewOrder, OrderRef
from core.connectors.lighter.connector import LighterConnector, LighterSettings
from core.decisions import Refused, Sent
from core.events import Event, LinkName, LinkStatus, MarketsListed, OrdersReported
from core.model import BookStatus, OrderStatus
from core.units import ClientOrderId, MarketId, from_units, round_to
from tests.support.fake_connector import FakeConnector
from tests.support.orders import limit_order, no_gate
from tests.support.venue import hosted_venue
from tests.support.waiting import eventually

LIGHTER, FAKE = "lighter on paper", "the engine's fake"
ETH = MarketId(0)


@pytest.fixture(params=[LIGHTER, FAKE])
async def connector(request) -> AsyncIterator[Connector]:
    """A connector that was not started yet."""
    if request.param == FAKE:
        fake = FakeConnector()
        yield fake
        await fake.close()
        return
    async with hosted_venue(markets=3) as venue:
        ready = venue.ready
        settings = LighterSettings(
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
        lighter = LighterConnector(settings, SystemClock())
        yield lighter
        await lighter.close()


@pytest.fixture
async def events(connector: Connector) -> list[Event]:
    """What a started connector says, its links live and its books believed."""
    heard: list[Event] = []
    await connector.start(heard.append)
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    await eventually(lambda: connector.quote(ETH).status is BookStatus.LIVE, "a book")
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


async def test_the_account_has_money_and_no_positions_yet(connector, events):
    view = await connector.account_view()
    assert view.account.equity > 0
    assert view.positions == ()
    assert await connector.fills_after(0) == ()


async def test_closing_twice_is_closing_once(connector, events):
    await connector.close()
    await connector.close()


@pytest.mark.parametrize("connector", [LIGHTER], indirect=True)  # the fake refuses what its test tells it to
async def test_an_unwelcome_order_is_a_value_never_an_exception(connector, events):
    order = _far_bid(connector, 51)
    unknown = replace(order, intent=replace(order.intent, market_id=MarketId(77)))
    off_tick = replace(order, intent=replace(order.intent, price=order.intent.price + Decimal("0.000001")))
    tiny = replace(order, intent=replace(order.intent, size=connector.markets[ETH].step))
    for unwelcome in (unknown, off_tick, tiny):
        assert isinstance(await connector.submit(unwelcome, no_gate), Refused)
