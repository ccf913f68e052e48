"""Budgets in the running connector: read from the tier, shared by lanes, reads and streams, shown to the engine."""

import asyncio

from aiohttp import web

from core.connectors.base import OrderRef
from core.connectors.lighter.budget import Tier
from core.decisions import Refused, Sent
from core.events import LinkStatus, Noticed
from core.units import ClientOrderId, MarketId
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import refusal
from tests.support.waiting import eventually

SEND = "/api/v1/sendTx"
REF = OrderRef(market_id=MarketId(0), client_id=ClientOrderId(9))


def _left(connector, name: str) -> int:
    return next(use.left for use in connector.budgets() if use.name == name)


async def test_the_tier_is_read_from_the_venue_unless_it_is_told(venue, start):
    venue.tier = "plus"
    read, _ = await start(venue.settings())
    assert (read._rest.limiter.tier, next(iter(read.budgets())).limit) == (Tier.PLUS, 24_000)
    told, _ = await start(venue.settings(tier=Tier.STANDARD))
    assert (told._rest.limiter.tier, next(iter(told.budgets())).limit) == (Tier.STANDARD, 60)


async def test_what_a_premium_account_stakes_gives_it_more_transactions(venue, start):
    venue.staked = "30000.00000000"
    staking, _ = await start(venue.settings())
    assert {use.name: use.limit for use in staking.budgets()}["transactions"] == 8_000
    venue.tier = "plus"
    plus, _ = await start(venue.settings())
    assert {use.name: use.limit for use in plus.budgets()}["transactions"] == 4_000


async def test_an_unknown_tier_is_told_and_taken_for_the_smallest(venue, start):
    venue.tier = "platinum"
    connector, events = await start(venue.settings())
    assert connector._rest.limiter.tier is Tier.STANDARD
    assert any("'platinum' is not known" in event.text for event in events if isinstance(event, Noticed))


async def test_no_burst_of_orders_can_spend_what_cancels_need(venue, start):
    venue.tier = "standard"
    connector, _ = await start(venue.settings())
    outcomes = await asyncio.gather(*(connector.submit(limit_order(n), no_gate) for n in range(1, 71)))
    sent = sum(isinstance(outcome, Sent) for outcome in outcomes)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert 0 < sent < 48
    assert all("the budget of requests is spent" in one.detail for one in refused)
    assert len(venue.sent) == sent
    assert _left(connector, "requests") == 12
    for _ in range(3):
        assert isinstance(await connector.cancel(REF), Sent)
    assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)
    assert _left(connector, "requests") == 8


async def test_a_cancel_waits_for_the_end_of_a_pause_and_does_not_prolong_it(venue, start):
    connector, _ = await start(venue.settings())

    async def throttled(request):
        await venue.take(request)
        return refusal(23000, "Too Many Requests!", status=429)

    venue.answers[SEND] = throttled
    assert isinstance(await connector.submit(limit_order(1), no_gate), Refused)
    del venue.answers[SEND]
    waiting = asyncio.create_task(connector.cancel(REF))
    refused = await connector.submit(limit_order(2), no_gate)
    assert "throttles" in refused.detail
    assert len(venue.sent) == 1, "nothing went out within the pause"
    assert isinstance(await waiting, Sent)
    assert [info["tx_type"] for info in venue.sent] == [14, 15]


async def test_the_venues_own_word_for_too_many_is_a_pause_whatever_the_http_status(venue, start):
    connector, _ = await start(venue.settings())

    async def throttled(request):
        await venue.take(request)
        return refusal(23000, "Too Many Requests!", status=400)

    venue.answers[SEND] = throttled
    assert await connector.submit(limit_order(1), no_gate) == Refused(23000, "Too Many Requests!")
    assert connector.budgets()[0].paused_s == 1


async def test_orders_that_stand_in_line_when_a_pause_begins_stay_here(venue, start):
    connector, _ = await start(venue.settings())

    async def throttled(request):
        await venue.take(request)
        return refusal(23000, "Too Many Requests!", status=429)

    venue.answers[SEND] = throttled
    outcomes = await asyncio.gather(*(connector.submit(limit_order(n), no_gate) for n in range(1, 6)))
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    assert len(venue.sent) == 1


async def test_the_volume_quota_is_shown_as_the_venue_tells_it(venue, start):
    connector, _ = await start(venue.settings())

    async def accept(request):
        info = await venue.take(request)
        venue.nonces[info["ApiKeyIndex"]] += 1
        return web.json_response({"code": 200, "tx_hash": "ab" * 40, "volume_quota_remaining": 977})

    venue.answers[SEND] = accept
    await connector.submit(limit_order(1), no_gate)
    assert _left(connector, "volume quota") == 977


async def test_both_streams_spend_the_messages_of_one_address(venue, start):
    connector, _ = await start(venue.settings())
    await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
    assert _left(connector, "messages") == 200 - len(venue.heard)


async def test_before_start_there_are_no_budgets(venue, start):
    connector, _ = await start(venue.settings())
    await connector.close()
    assert connector.budgets() == ()
