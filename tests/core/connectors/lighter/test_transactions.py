"""Everything beyond one order: batches, changes, scheduled cancels, leverage; and what settles a doubt."""

import json
from decimal import Decimal

import pytest
from aiohttp import web

from core.clock import SECOND_US, SystemClock
from core.connectors.base import OrderRef
from core.connectors.lighter import nonce
from core.decisions import Refused, Sent, Unresolved
from core.events import LinkStatus
from core.units import ClientOrderId, MarketId, VenueOrderId
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import KEY, KILL_KEY, market_row, refusal
from tests.support.waiting import eventually

SEND, BATCH = "/api/v1/sendTx", "/api/v1/sendTxBatch"
ETH = MarketId(0)
ORDERS = [limit_order(number) for number in range(1, 4)]


@pytest.fixture
def begin(venue, start):
    async def beginner(*, by_socket=False):
        connector, _ = await start(venue.settings(is_sending_by_socket=by_socket))
        await eventually(lambda: all(link.status is LinkStatus.LIVE for link in connector.links()), "links")
        return connector

    return beginner


async def _batch(request, venue, taken: int, answer: web.Response):
    form = await request.post()
    infos = [json.loads(info) for info in json.loads(form["tx_infos"])]
    venue.sent += infos
    venue.nonces[KEY] += taken
    return answer


@pytest.mark.parametrize("by_socket", [False, True])
async def test_a_batch_has_consecutive_nonces_and_an_outcome_each(venue, begin, by_socket):
    connector = await begin(by_socket=by_socket)
    outcomes = await connector.submit_batch([*ORDERS, limit_order(9, "2000.001")], no_gate)
    assert all(isinstance(one, Sent) for one in outcomes[:3])
    assert len({one.tx_hash for one in outcomes[:3]}) == 3
    assert isinstance(outcomes[3], Refused), "what cannot be encoded does not hold up the others"
    assert [(info["ClientOrderIndex"], info["Nonce"]) for info in venue.sent] == [(1, 1), (2, 2), (3, 3)]
    assert len(venue.by_socket) == (3 if by_socket else 0)
    assert connector._running.trading.state == nonce.Ready(4)


async def test_a_batch_too_long_for_the_socket_goes_over_rest_and_one_too_long_for_rest_nowhere(venue, begin):
    connector = await begin(by_socket=True)
    outcomes = await connector.submit_batch([limit_order(number) for number in range(1, 17)], no_gate)
    assert all(isinstance(one, Sent) for one in outcomes)
    assert (len(venue.sent), venue.by_socket) == (16, [])
    refused = await connector.submit_batch([limit_order(number) for number in range(1, 52)], no_gate)
    assert set(refused) == {Refused(0, "batch: expected at most 50 orders, got 51")}
    assert len(venue.sent) == 16
    assert await connector.submit_batch([], no_gate) == ()


@pytest.mark.parametrize("taken", [0, 1, 3])
async def test_of_a_refused_batch_the_counter_tells_how_many_were_taken(venue, begin, taken):
    connector = await begin()
    venue.answers[BATCH] = lambda request: _batch(request, venue, taken, refusal(21733, "price too far"))
    outcomes = await connector.submit_batch(ORDERS, no_gate)
    assert [type(one) for one in outcomes] == [Sent] * taken + [Refused] * (3 - taken)
    assert connector._running.trading.state == nonce.Ready(1 + taken)


async def test_of_a_refused_batch_whose_counter_cannot_be_read_nothing_is_known(venue, begin):
    connector = await begin()

    async def gone(request):
        return web.Response(status=503, text="maintenance")

    venue.answers |= {
        BATCH: lambda request: _batch(request, venue, 1, refusal(21733, "price too far")),
        "/api/v1/nextNonce": gone,
    }
    outcomes = await connector.submit_batch(ORDERS, no_gate)
    assert all(isinstance(one, Unresolved) for one in outcomes)
    assert len({one.tx_hash for one in outcomes}) == 3


async def test_of_a_lost_batch_those_the_counter_passed_have_landed_and_the_others_are_unknown(venue, begin):
    connector = await begin()
    venue.answers[BATCH] = lambda request: _batch(request, venue, 2, web.Response(status=502, text="bad gateway"))
    outcomes = await connector.submit_batch(ORDERS, no_gate)
    assert [type(one) for one in outcomes] == [Sent, Sent, Unresolved]
    assert len(venue.sent) == 3, "a batch of which some landed is not sent again"


async def test_a_batch_stops_at_the_gate_and_at_the_budget(venue, begin):
    connector = await begin()
    assert await connector.submit_batch(ORDERS, lambda: "killed") == (Refused(0, "killed"),) * 3
    venue.tier = "standard"
    poor = await begin()
    for _ in range(40):
        poor._rest.limiter.transaction(1, 2, SystemClock().now().mono_ns)
    refused = await poor.submit_batch(ORDERS, no_gate)
    assert all("budget" in one.detail for one in refused)
    assert venue.sent == []


async def test_a_change_names_the_order_by_the_best_id_known(venue, begin):
    connector = await begin()
    for ref, index in (
        (OrderRef(market_id=ETH, client_id=ClientOrderId(7)), 7),
        (OrderRef(market_id=ETH, client_id=ClientOrderId(7), venue_id=VenueOrderId(2**49)), 2**49),
    ):
        assert isinstance(await connector.modify(ref, Decimal("0.02"), Decimal("1999.5"), no_gate), Sent)
        info = venue.sent[-1]
        assert (info["tx_type"], info["Index"], info["BaseAmount"], info["Price"]) == (17, index, 200, 199_950)
    assert await connector.modify(ref, Decimal("0.02"), Decimal("1999.5"), lambda: "killed") == Refused(0, "killed")
    for size, price in (("0.02", "1999.555"), ("0", "1"), ("0.02", "99999999.99")):
        assert isinstance(await connector.modify(ref, Decimal(size), Decimal(price), no_gate), Refused)
    assert len(venue.sent) == 2


async def test_the_dead_mans_switch_is_armed_and_disarmed_on_the_kill_key(venue, begin):
    connector = await begin()
    now_us = SystemClock().now().utc_us
    at_us = now_us + 600 * SECOND_US
    assert isinstance(await connector.schedule_cancel_all(at_us), Sent)
    assert isinstance(await connector.abort_scheduled(), Sent)
    said = [(info["tx_type"], info["ApiKeyIndex"], info["TimeInForce"], info["Time"]) for info in venue.sent]
    assert said == [(16, KILL_KEY, 1, at_us // 1_000), (16, KILL_KEY, 2, 0)]
    for wrong in (now_us + 299 * SECOND_US, now_us + 16 * 86_400 * SECOND_US, now_us - SECOND_US):
        refused = await connector.schedule_cancel_all(wrong)
        assert "5 minutes to 15 days" in refused.detail
    assert len(venue.sent) == 2


async def test_leverage_is_a_margin_fraction_within_what_the_market_allows(venue, begin):
    venue.markets[0] = market_row(0, "ETH", min_initial_margin_fraction=200)
    connector = await begin()
    assert isinstance(await connector.set_leverage(ETH, 20, no_gate), Sent)
    assert isinstance(await connector.set_leverage(ETH, 3, no_gate, is_isolated=True), Sent)
    said = [(info["tx_type"], info["InitialMarginFraction"], info["MarginMode"]) for info in venue.sent]
    assert said == [(20, 500, 0), (20, 3_333, 1)]
    assert await connector.set_leverage(ETH, 51, no_gate) == Refused(0, "leverage of ETH: expected 1 to 50, got 51")
    assert isinstance(await connector.set_leverage(ETH, 0, no_gate), Refused)
    assert isinstance(await connector.set_leverage(MarketId(9), 2, no_gate), Refused)


@pytest.mark.parametrize(
    ("tx", "kind"),
    [
        ({"status": 2, "event_info": "{}"}, Sent),
        ({"status": 1}, Sent),
        ({"status": 2, "event_info": json.dumps({"ae": json.dumps({"code": 21728, "message": "exists"})})}, Refused),
        ({"status": 0}, Unresolved),
        ({"code": 21500, "message": "transaction not found"}, Unresolved),
        ({"status": 2, "event_info": "not json"}, Sent),
    ],
)
async def test_a_doubt_is_put_to_the_venue_by_hash_when_the_counter_does_not_settle_it(venue, begin, tx, kind):
    connector = await begin()
    asked = []

    async def lost(request):
        await venue.take(request)
        return web.Response(status=502, text="bad gateway")

    async def look_up(request):
        asked.append(dict(request.query))
        return web.json_response({"code": 200, **tx}, status=400 if "code" in tx else 200)

    venue.answers |= {SEND: lost, "/api/v1/tx": look_up}
    outcome = await connector.submit(limit_order(1), no_gate)
    assert isinstance(outcome, kind), outcome
    assert len(asked) == 1
    assert asked[0]["by"] == "hash"
    assert len(asked[0]["value"]) == 80
    if kind is Refused:
        assert (outcome.code, outcome.detail) == (21728, "exists")


async def test_before_start_everything_is_refused(venue, start):
    connector, _ = await start(venue.settings())
    await connector.close()
    refused = Refused(0, "not sent: the connector is not started")
    ref = OrderRef(market_id=ETH, client_id=ClientOrderId(1))
    assert await connector.submit_batch(ORDERS, no_gate) == (refused,) * 3
    assert await connector.modify(ref, Decimal(1), Decimal(1), no_gate) == refused
    assert await connector.schedule_cancel_all(0) == refused
    assert await connector.abort_scheduled() == refused
    assert await connector.set_leverage(ETH, 2, no_gate) == refused
