"""The production connector against the paper venue's own process: the same wire, the same signer, a real boundary."""

import os
import signal
from dataclasses import replace
from decimal import Decimal
from urllib.parse import urlsplit

from core.connectors.base import OrderRef
from core.connectors.lighter.connector import LighterSettings
from core.connectors.venue.child import PaperVenue
from core.decisions import Sent
from core.events import FillReported, LinkStatus, Noticed, OrdersReported
from core.model import BookStatus, OrderStatus, OrderType, TimeInForce
from core.units import ClientOrderId, MarketId, round_to
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import KILL_KEY
from tests.support.waiting import eventually

ETH = MarketId(0)


def _settings(venue: PaperVenue) -> LighterSettings:
    ready = venue.ready
    return LighterSettings(
        name="paper",
        world="test",
        url=ready.url,
        ws_url=ready.ws_url,
        chain_id=ready.chain_id,
        account_index=ready.trading.account_index,
        api_key_index=ready.trading.api_key_index,
        private_key=ready.trading.private_key,
        kill_api_key_index=ready.kill.api_key_index,
        kill_private_key=ready.kill.private_key,
    )


def _all(connector, status: LinkStatus) -> bool:
    return all(link.status is status for link in connector.links())


def _far(connector, client_id: int):
    bid = connector.quote(ETH).bid
    return limit_order(client_id, str(round_to(bid * Decimal("0.97"), connector.markets[ETH].price_decimals)), "0.0500")


async def _live(connector) -> None:
    await eventually(lambda: _all(connector, LinkStatus.LIVE), "every link to be live", 8)
    await eventually(
        lambda: all(connector.quote(market).status is BookStatus.LIVE for market in connector.markets), "every book", 8
    )


def _statuses(events, client_id: int) -> list[OrderStatus]:
    reports = [report for event in events if isinstance(event, OrdersReported) for report in event.orders]
    return [report.status for report in reports if report.client_id == client_id]


async def test_a_day_in_the_life_of_orders(paper_venue, start):
    connector, events = await start(_settings(paper_venue))
    await _live(connector)
    assert len(connector.markets) == 12
    assert len(connector.book(ETH, 250).bids) >= 200

    assert isinstance(await connector.submit(_far(connector, 1), no_gate), Sent)
    await eventually(lambda: _statuses(events, 1) == [OrderStatus.ACCEPTED], "the order to rest")
    assert isinstance(await connector.cancel(OrderRef(market_id=ETH, client_id=ClientOrderId(1))), Sent)
    await eventually(lambda: _statuses(events, 1)[-1] is OrderStatus.CANCELED, "the cancel")

    order = limit_order(2, str(round_to(connector.quote(ETH).ask * Decimal("1.01"), 2)), "0.0500")
    order = replace(order, intent=replace(order.intent, type=OrderType.MARKET, tif=TimeInForce.IOC))
    assert isinstance(await connector.submit(order, no_gate), Sent)
    await eventually(lambda: _statuses(events, 2) == [OrderStatus.FILLED], "the fill")

    def filled() -> Decimal:
        return sum((event.fill.size for event in events if isinstance(event, FillReported)), Decimal(0))

    await eventually(lambda: filled() == Decimal("0.05"), "the whole size in fills")  # orders come before trades
    fills = [event.fill for event in events if isinstance(event, FillReported)]
    assert {fill.client_order_id for fill in fills} == {2}
    view = await connector.account_view()
    assert [(held.market_id, held.size) for held in view.positions] == [(ETH, Decimal("0.05"))]
    assert [fill.trade_id for fill in await connector.fills_after(0)] == [fill.trade_id for fill in fills]

    for client_id in (3, 4, 5):
        await connector.submit(_far(connector, client_id), no_gate)
    told: list[int] = []
    assert isinstance(await connector.cancel_all(None, told.append), Sent)
    assert len(told) == 1
    assert connector._running.kill is not connector._running.trading
    assert connector._running.kill._signer.api_key_index == paper_venue.ready.kill.api_key_index == KILL_KEY
    await eventually(lambda: _statuses(events, 5)[-1:] == [OrderStatus.CANCELED], "the cancels")
    assert await connector.open_orders() == ()
    assert not [event.text for event in events if isinstance(event, Noticed)], "nothing strange on this wire"


async def test_a_venue_that_dies_is_down_and_stale_within_five_seconds_and_welcome_when_it_returns(start):
    with PaperVenue(seed=3, markets=2) as first:
        connector, events = await start(_settings(first))
        await _live(connector)
        port = urlsplit(first.ready.url).port
        os.kill(first.pid, signal.SIGKILL)
        await eventually(
            lambda: (
                _all(connector, LinkStatus.DOWN)
                and all(connector.quote(market).status is BookStatus.STALE for market in connector.markets)
            ),
            "links down and quotes stale",
            5,
        )
    connector.drain_quotes()
    with PaperVenue(seed=3, markets=2, port=port):
        await _live(connector)
        assert any(quote.status is BookStatus.LIVE for quote in connector.drain_quotes())
    assert [event for event in events if isinstance(event, Noticed) and "unexpectedly" in event.text] == []
