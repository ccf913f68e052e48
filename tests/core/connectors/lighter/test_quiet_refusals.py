"""Refusals that come late, singly or not at all, and maintenance: what the caller is told, and the end."""

import json

import pytest
from aiohttp import web

from core.clock import SECOND_US, SystemClock
from core.decisions import Refused, Sent
from core.events import LinkStatus, OrdersReported
from core.units import ClientOrderId, MarketId
from tests.support.obedient_lighter import ObedientVenue
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import KILL_KEY, refusal, scripted_venue
from tests.support.waiting import eventually

SEND = "/api/v1/sendTx"
ETH = MarketId(0)


@pytest.fixture
async def obedient():
    async with scripted_venue(ObedientVenue()) as made:
        yield made


async def _live(connector) -> None:
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links", 20)


async def test_a_schedule_refused_because_one_is_queued_says_so_and_goes_through_after_the_abort(obedient, start):
    connector, _ = await start(obedient.settings())
    ordinary = obedient._send_tx

    async def no_second_schedule(request):
        form = await request.post()
        info = json.loads(str(form["tx_info"]))
        if info["TimeInForce"] == 1 and obedient.cancel_all_ms:
            return refusal(21712, "cancel all is already queued")
        return await ordinary(request)

    obedient.answers[SEND] = no_second_schedule
    first_us, second_us = (SystemClock().now().utc_us + seconds * SECOND_US for seconds in (600, 900))
    assert isinstance(await connector.schedule_cancel_all(first_us), Sent)
    assert await connector.schedule_cancel_all(second_us) == Refused(21712, "cancel all is already queued")
    assert (await connector.account_view()).account.cancel_all_us == first_us // 1_000 * 1_000, (
        "the old one stays armed"
    )
    assert isinstance(await connector.abort_scheduled(), Sent)
    assert isinstance(await connector.schedule_cancel_all(second_us), Sent)
    assert (await connector.account_view()).account.cancel_all_us == second_us // 1_000 * 1_000
    assert [info["Nonce"] for info in obedient.sent if info["ApiKeyIndex"] == KILL_KEY] == [1, 2, 3], "none was lost"


async def test_a_duplicate_that_the_venue_drops_without_a_word_is_no_second_order(obedient, start):
    connector, events = await start(obedient.settings())
    await _live(connector)
    touched = obedient._touched

    def silent_duplicate(info):
        is_double = info["tx_type"] == 14 and any(
            row["client_order_index"] == info["ClientOrderIndex"] for row in obedient.orders
        )
        return [] if is_double else touched(info)  # 200, the nonce spent, and no frame

    obedient._touched = silent_duplicate

    def told() -> list[int | None]:
        return [one.client_id for event in events if isinstance(event, OrdersReported) for one in event.orders]

    for price in ("2000.00", "1990.00"):
        assert isinstance(await connector.submit(limit_order(7, price), no_gate), Sent), "all that the venue says"
    assert isinstance(await connector.submit(limit_order(8), no_gate), Sent)
    await eventually(lambda: 8 in told(), "the order after it")
    assert told() == [7, 8], "an acknowledgement alone is never told as an order"
    [found] = [one for one in await connector.open_orders() if one.client_id == 7]
    assert str(found.price) == "2000.00"
    assert await connector.find_order(ClientOrderId(7), ETH) == found
    assert [info["Nonce"] for info in obedient.sent] == [1, 2, 3]


async def test_under_maintenance_every_link_is_down_with_its_reason_and_all_comes_back_by_itself(
    venue, start, monkeypatch
):
    monkeypatch.setattr("core.connectors.lighter.stream._MAX_BACKOFF_MS", 500)
    connector, _ = await start(venue.settings())
    await _live(connector)

    async def maintenance(_):
        return web.Response(status=503, text="<html>503 Service Temporarily Unavailable</html>")

    for path in ("/api/v1/account", "/api/v1/accountActiveOrders", "/api/v1/trades", "/api/v1/orderBookDetails", SEND):
        venue.answers[path] = maintenance
    venue.is_shut = True
    await venue.cut()
    await eventually(
        lambda: all(link.status is LinkStatus.DOWN for link in connector.links()), "every link to be down", 20
    )
    await eventually(lambda: all("503" in link.detail for link in connector.links()), "the reason", 10)
    outcome = await connector.submit(limit_order(1), no_gate)
    assert not isinstance(outcome, Sent)
    venue.answers.clear()
    venue.is_shut = False
    await _live(connector)
    assert isinstance(await connector.submit(limit_order(2), no_gate), Sent)
