"""What becomes of a transaction, whatever the venue answers, and of the nonce behind it."""

import asyncio
import logging
import threading

import pytest
from aiohttp import web

from core.connectors.base import OrderRef
from core.connectors.lighter import nonce
from core.connectors.lighter.signer import Signer
from core.decisions import Refused, Sent, Unresolved
from core.events import NonceMoved
from core.units import ClientOrderId, MarketId
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import KEY, KILL_KEY, refusal
from tests.support.waiting import eventually

SEND = "/api/v1/sendTx"
NONCE = "/api/v1/nextNonce"


def _answer(venue, *, does_land=False, response=None, wait=None):
    """A sendTx handler: takes the transaction, moves the counter when it lands, then answers, or never does."""

    async def handler(request):
        info = await venue.take(request)
        if does_land:
            venue.nonces[info["ApiKeyIndex"]] += 1
        if wait is not None:
            await wait.wait()
        if response is None:
            request.transport.abort()
            return web.Response()
        return response() if callable(response) else response

    return handler


def _nonces(venue, key=KEY) -> list[int]:
    return [info["Nonce"] for info in venue.sent if info["ApiKeyIndex"] == key]


async def test_an_accepted_order_is_sent_with_its_hash_and_times(venue, start):
    connector, _ = await start(venue.settings())
    outcome = await connector.submit(limit_order(7, "1999.99"), no_gate)
    assert isinstance(outcome, Sent)
    assert len(outcome.tx_hash) == 80
    assert 0 < outcome.sent_ns <= outcome.acked_ns
    (info,) = venue.sent
    assert (info["tx_type"], info["ClientOrderIndex"], info["Price"], info["BaseAmount"]) == (14, 7, 199_999, 100)


async def test_transactions_of_one_key_go_one_after_the_other_with_consecutive_nonces(venue, start):
    connector, _ = await start(venue.settings())
    outcomes = await asyncio.gather(*(connector.submit(limit_order(n), no_gate) for n in range(1, 9)))
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert _nonces(venue) == list(range(1, 9))


async def test_a_business_refusal_keeps_the_nonce(venue, start):
    connector, _ = await start(venue.settings())
    venue.answers[SEND] = _answer(venue, response=lambda: refusal(21733, "price too far"))
    assert await connector.submit(limit_order(1), no_gate) == Refused(21733, "price too far")
    del venue.answers[SEND]
    assert isinstance(await connector.submit(limit_order(2), no_gate), Sent)
    assert _nonces(venue) == [1, 1]


async def test_a_refusal_with_http_200_is_a_refusal_too(venue, start):
    connector, _ = await start(venue.settings())
    venue.answers[SEND] = _answer(venue, response=lambda: refusal(21506, "too many pending txs", status=200))
    assert await connector.submit(limit_order(1), no_gate) == Refused(21506, "too many pending txs")


async def test_21104_reads_the_nonce_anew_and_sends_once_more(venue, start):
    connector, _ = await start(venue.settings())
    venue.nonces[KEY] = 40
    assert isinstance(await connector.submit(limit_order(1), no_gate), Sent)
    assert _nonces(venue) == [1, 40]
    venue.answers[SEND] = _answer(venue, response=lambda: refusal(21104, "invalid nonce"))
    refused = await connector.submit(limit_order(2), no_gate)
    assert isinstance(refused, Refused)
    assert refused.code == 21104
    assert len(venue.sent) == 4, "one repetition, not a storm"


async def test_a_nonce_that_moved_without_us_is_told_unless_a_lost_transaction_of_ours_may_have_moved_it(venue, start):
    connector, told = await start(venue.settings())
    venue.nonces[KEY] = 40
    await connector.submit(limit_order(1), no_gate)
    moved = [event for event in told if isinstance(event, NonceMoved)]
    assert moved == [NonceMoved(api_key_index=KEY, expected=1, found=40)]
    venue.answers[SEND] = _answer(venue)
    await connector.submit(limit_order(2), no_gate)
    del venue.answers[SEND]
    venue.nonces[KEY] += 5
    await connector.submit(limit_order(3), no_gate)
    assert [event for event in told if isinstance(event, NonceMoved)] == moved


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(None, id="dropped connection"),
        pytest.param(lambda: web.Response(status=502, text="<html>bad gateway</html>"), id="502 page"),
        pytest.param(lambda: web.Response(status=405, text="<html>firewall</html>"), id="405 page"),
        pytest.param(lambda: web.Response(status=200, text="<html>maintenance</html>"), id="200 page"),
        pytest.param(lambda: web.json_response({"code": 29500, "message": "internal"}, status=400), id="29500"),
        pytest.param(lambda: web.json_response({"code": 200}, status=503), id="503 with a cheerful body"),
        pytest.param(lambda: web.json_response({"code": 21733}, status=500), id="500 with a code"),
        pytest.param(lambda: web.json_response([1]), id="a list"),
    ],
)
@pytest.mark.parametrize("does_land", [True, False], ids=["landed", "never landed"])
async def test_an_unclear_answer_is_settled_only_by_a_counter_that_moved(venue, start, response, does_land):
    connector, _ = await start(venue.settings())
    venue.answers[SEND] = _answer(venue, does_land=does_land, response=response)
    outcome = await connector.submit(limit_order(1), no_gate)
    assert isinstance(outcome, Sent if does_land else Unresolved), outcome
    assert len(outcome.tx_hash) == 80
    assert len({info["Sig"] for info in venue.sent}) == 1, "whatever is sent again is the identical signed text"
    is_shut_out = connector._rest.cooling_s() > 0
    assert len(venue.sent) == (1 if does_land or is_shut_out else 2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("body", ["", '{"code":200,"tx_hash":"00"}', '{"code":21733,"message":"price too far"}'])
async def test_no_byte_follows_a_redirect_past_the_gate(venue, start, status, body):
    connector, _ = await start(venue.settings())
    landed, is_killed = [], False

    async def points_away(request):
        nonlocal is_killed
        await venue.take(request)
        is_killed = True  # the kill comes while the answer is on its way
        return web.Response(status=status, headers={"Location": "/api/v1/elsewhere"}, text=body)

    async def elsewhere(request):
        landed.append(await request.text())
        return web.json_response({"code": 200, "tx_hash": "ab" * 40})

    venue.answers.update({SEND: points_away, "/api/v1/elsewhere": elsewhere})
    outcome = await connector.submit(limit_order(7), lambda: "killed" if is_killed else None)
    assert landed == []
    assert len(venue.sent) == 1
    assert isinstance(outcome, Unresolved), outcome


async def test_an_answer_that_never_comes_is_unresolved_in_time(venue, start):
    connector, _ = await start(venue.settings())
    never = asyncio.Event()
    venue.answers[SEND] = _answer(venue, wait=never)
    outcome = await connector.submit(limit_order(1), no_gate)
    never.set()
    assert isinstance(outcome, Unresolved)
    assert "no answer in time" in outcome.cause


async def test_when_even_the_counter_cannot_be_read_it_stays_unresolved_and_the_next_order_reads_it_first(venue, start):
    connector, _ = await start(venue.settings())

    async def gone(request):
        return web.Response(status=503, text="maintenance")

    venue.answers |= {SEND: _answer(venue, does_land=True), NONCE: gone}
    assert isinstance(await connector.submit(limit_order(1), no_gate), Unresolved)
    venue.answers.clear()
    assert isinstance(await connector.submit(limit_order(2), no_gate), Sent)
    assert _nonces(venue) == [1, 2]


async def test_nothing_is_sent_when_the_venue_cannot_be_reached(venue, start):
    connector, _ = await start(venue.settings())
    connector._rest._url = "http://127.0.0.1:1"
    outcome = await connector.submit(limit_order(1), no_gate)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.detail) == (0, "not sent: sendTx: cannot connect to 127.0.0.1:1")
    assert connector._running.trading.state == nonce.Ready(1)


async def test_a_gate_that_closes_while_signing_stops_the_order_at_the_last_instruction(venue, start):
    connector, _ = await start(venue.settings())
    asked = []

    def gate():
        asked.append(len(venue.sent))
        return None if len(asked) == 1 else "killed"

    assert await connector.submit(limit_order(1), gate) == Refused(0, "killed")
    assert len(asked) == 2, "before signing, and before the bytes leave"
    assert venue.sent == []
    assert isinstance(await connector.submit(limit_order(2), no_gate), Sent)
    assert _nonces(venue) == [1], "the nonce went back"


async def test_orders_waiting_for_their_turn_ask_the_gate_when_it_comes(venue, start):
    connector, _ = await start(venue.settings())
    hold, killed = asyncio.Event(), asyncio.Event()
    venue.answers[SEND] = _answer(venue, does_land=True, response=lambda: refusal(200, "", status=200), wait=hold)

    def gate():
        return "killed" if killed.is_set() else None

    waiting = [asyncio.create_task(connector.submit(limit_order(n), gate)) for n in range(1, 5)]
    await eventually(lambda: len(venue.sent) == 1, "the first order to be under way")
    killed.set()
    hold.set()
    outcomes = await asyncio.gather(*waiting)
    assert isinstance(outcomes[0], Sent)
    assert outcomes[1:] == [Refused(0, "killed")] * 3
    assert len(venue.sent) == 1


async def test_cancel_all_has_its_own_key_and_waits_for_nobody(venue, start):
    connector, _ = await start(venue.settings())
    hold = asyncio.Event()
    stuck = _answer(venue, does_land=True, response=lambda: refusal(200, "", status=200), wait=hold)
    venue.answers[SEND] = stuck
    order = asyncio.create_task(connector.submit(limit_order(1), no_gate))
    await eventually(lambda: len(venue.sent) == 1, "the order to be under way")
    del venue.answers[SEND]
    told = []
    outcome = await connector.cancel_all(None, told.append)
    assert isinstance(outcome, Sent)
    assert told == [outcome.sent_ns]
    assert not order.done()
    hold.set()
    assert isinstance(await order, Sent)
    assert (venue.sent[1]["tx_type"], venue.sent[1]["ApiKeyIndex"], _nonces(venue, KILL_KEY)) == (16, KILL_KEY, [1])


async def test_a_signer_that_hangs_on_the_trading_key_holds_up_no_kill(venue, start, monkeypatch):
    release, signs = threading.Event(), Signer._sign

    def hanging(signer, tx, nonce):
        if signer.api_key_index == KEY:
            release.wait(20)
        return signs(signer, tx, nonce)

    connector, _ = await start(venue.settings())
    monkeypatch.setattr(Signer, "_sign", hanging)
    orders = [asyncio.create_task(connector.submit(limit_order(n), no_gate)) for n in range(1, 4)]
    try:
        async with asyncio.timeout(5):
            assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)
            assert await connector.open_orders() == (), "the list that confirms it needs no signature either"
        assert _nonces(venue, KILL_KEY) == [1]
        assert _nonces(venue) == [], "the orders are still being signed"
    finally:
        release.set()
        await asyncio.gather(*orders)


async def test_without_a_kill_key_cancel_all_goes_before_every_waiting_order(venue, start):
    connector, _ = await start(venue.settings(kill_api_key_index=None, kill_private_key=None))
    hold = asyncio.Event()
    venue.answers[SEND] = _answer(venue, does_land=True, response=lambda: refusal(200, "", status=200), wait=hold)
    tasks = [asyncio.create_task(connector.submit(limit_order(n), no_gate)) for n in range(1, 4)]
    await eventually(lambda: len(venue.sent) == 1, "the first order to be under way")
    cancel = asyncio.create_task(connector.cancel(OrderRef(market_id=MarketId(0), client_id=ClientOrderId(9))))
    kill = asyncio.create_task(connector.cancel_all(None, lambda _: None))
    await eventually(lambda: len(connector._running.trading._turn._waiting) == 4, "all to stand in line")
    hold.set()
    await asyncio.gather(*tasks, cancel, kill)
    assert [info["tx_type"] for info in venue.sent] == [14, 16, 15, 14, 14]


async def test_an_order_that_waits_too_long_for_its_turn_is_not_sent(venue, start):
    connector, _ = await start(venue.settings())
    await connector._running.trading._turn.take(0)
    outcome = await connector.submit(limit_order(1), no_gate)
    assert isinstance(outcome, Refused)
    assert "waited 1 s" in outcome.detail
    connector._running.trading._turn.give()
    assert isinstance(await connector.submit(limit_order(2), no_gate), Sent)


async def test_a_cancelled_wait_leaves_the_lane_usable_and_its_nonce_in_doubt(venue, start):
    connector, _ = await start(venue.settings())
    hold = asyncio.Event()
    venue.answers[SEND] = _answer(venue, does_land=True, wait=hold)
    under_way = asyncio.create_task(connector.submit(limit_order(1), no_gate))
    in_line = asyncio.create_task(connector.submit(limit_order(2), no_gate))
    await eventually(lambda: len(venue.sent) == 1, "the first order to be under way")
    for task in (in_line, under_way):
        task.cancel()
    await asyncio.gather(under_way, in_line, return_exceptions=True)
    hold.set()
    assert connector._running.trading.state == nonce.Unknown(1)
    venue.answers.clear()
    assert isinstance(await connector.submit(limit_order(3), no_gate), Sent)
    assert _nonces(venue) == [1, 2]


async def test_throttled_orders_stay_here_while_a_kill_still_goes_out(venue, start):
    connector, _ = await start(venue.settings())
    venue.answers[SEND] = _answer(venue, response=lambda: refusal(23000, "Too Many Requests!", status=429))
    assert await connector.submit(limit_order(1), no_gate) == Refused(23000, "Too Many Requests!")
    del venue.answers[SEND]
    refused = await connector.submit(limit_order(2), no_gate)
    assert isinstance(refused, Refused)
    assert "throttles" in refused.detail
    assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)
    assert [info["tx_type"] for info in venue.sent] == [14, 16]


async def test_off_grid_orders_and_unknown_markets_never_reach_the_signer(venue, start):
    connector, _ = await start(venue.settings())
    for order in (limit_order(1, "2000.001"), limit_order(1, market_id=9), limit_order(0)):
        assert isinstance(await connector.submit(order, no_gate), Refused)
    assert venue.sent == []


async def test_before_start_and_after_close_everything_is_refused(venue, start):
    connector, _ = await start(venue.settings())
    await connector.close()
    for outcome in (
        await connector.submit(limit_order(1), no_gate),
        await connector.cancel(OrderRef(market_id=MarketId(0), client_id=ClientOrderId(9))),
        await connector.cancel_all(None, lambda _: None),
    ):
        assert outcome == Refused(0, "not sent: the connector is not started")


async def test_an_order_still_in_line_when_the_connector_closes_is_refused_not_lost(venue, start):
    connector, _ = await start(venue.settings())
    await connector._running.trading._turn.take(0)
    turn = connector._running.trading._turn
    waiting = asyncio.create_task(connector.submit(limit_order(1), no_gate))
    await eventually(lambda: turn._waiting, "the order to stand in line")
    await connector.close()
    turn.give()
    outcome = await waiting
    assert isinstance(outcome, Refused)
    assert "closed" in outcome.detail


async def test_no_secret_token_or_signature_is_ever_logged(venue, start, caplog):
    caplog.set_level(logging.DEBUG)
    connector, events = await start(venue.settings())
    await eventually(lambda: len(venue.heard) >= 7, "the streams to subscribe")
    await connector.submit(limit_order(1), no_gate)
    venue.answers[SEND] = _answer(venue)
    await connector.submit(limit_order(2), no_gate)
    tokens = {frame["auth"] for frame in venue.heard if "auth" in frame}
    secrets = tokens | {info["Sig"] for info in venue.sent}
    secrets |= {private.removeprefix("0x") for private, _ in venue.keys.values()}
    assert len(secrets) >= 5
    said = caplog.text + repr(events) + repr(connector._settings)
    assert not [secret for secret in secrets if secret in said]
