"""Transactions over the account's WebSocket: its verdicts, its silences, and when REST takes over."""

import asyncio

import pytest

from core.connectors.lighter import nonce
from core.decisions import Refused, Sent, Unresolved
from core.events import LinkStatus
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import KEY, KILL_KEY
from tests.support.waiting import eventually


def _is_live(connector) -> bool:
    return all(link.status is LinkStatus.LIVE for link in connector.links())


@pytest.fixture
def begin(venue, start):
    async def beginner(**changes: object):
        connector, events = await start(venue.settings(is_sending_by_socket=True, **changes))
        await eventually(lambda: _is_live(connector), "every link to be live")
        return connector, events

    return beginner


async def test_a_transaction_goes_over_the_socket_with_its_info_as_an_object(venue, begin):
    connector, _ = await begin()
    told = []
    outcome = await connector.submit(limit_order(7), no_gate)
    killed = await connector.cancel_all(None, told.append)
    assert isinstance(outcome, Sent)
    assert len(outcome.tx_hash) == 80
    assert 0 < outcome.sent_ns <= outcome.acked_ns
    assert told == [killed.sent_ns]
    assert [(info["tx_type"], info["ApiKeyIndex"]) for info in venue.by_socket] == [(14, KEY), (16, KILL_KEY)]
    frame = next(frame for frame in venue.heard if frame["type"] == "jsonapi/sendtx")
    assert isinstance(frame["data"]["tx_info"], dict)


async def test_a_refusal_keeps_the_nonce_whichever_form_it_has(venue, begin):
    connector, _ = await begin()
    venue.socket_answers = [
        {"code": 21733, "message": "price too far"},
        {"type": None, "error": {"code": 21506, "message": "too many pending txs"}},
    ]
    assert await connector.submit(limit_order(1), no_gate) == Refused(21733, "price too far")
    assert await connector.submit(limit_order(2), no_gate) == Refused(21506, "too many pending txs")
    assert isinstance(await connector.submit(limit_order(3), no_gate), Sent)
    assert [info["Nonce"] for info in venue.by_socket] == [1, 1, 1]


async def test_a_wrong_nonce_is_read_anew_and_sent_once_more(venue, begin):
    connector, _ = await begin()
    venue.nonces[KEY] = 40
    assert isinstance(await connector.submit(limit_order(1), no_gate), Sent)
    assert [info["Nonce"] for info in venue.by_socket] == [1, 40]


@pytest.mark.parametrize("answer", [{"code": 29500, "message": "internal"}, {"message": "no code"}])
async def test_an_unclear_answer_is_settled_by_the_identical_bytes_over_rest(venue, begin, answer):
    connector, _ = await begin()
    venue.socket_answers = [answer]
    outcome = await connector.submit(limit_order(1), no_gate)
    assert isinstance(outcome, Sent)
    assert len(venue.sent) == 2
    assert len({info["Sig"] for info in venue.sent}) == 1
    assert len(venue.by_socket) == 1
    assert connector._running.trading.state == nonce.Ready(2)


async def test_an_order_whose_answer_never_came_is_too_old_to_be_sent_again_but_a_cancel_is_not(venue, begin):
    connector, _ = await begin(request_timeout_s=3)
    venue.socket_answers = [None]
    outcome = await connector.submit(limit_order(1), no_gate)
    assert isinstance(outcome, Unresolved)
    assert "no answer in time" in outcome.cause
    assert len(venue.sent) == 1
    venue.socket_answers = [None]
    assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)
    assert [info["tx_type"] for info in venue.sent] == [14, 16, 16]
    assert venue.sent[1]["Sig"] == venue.sent[2]["Sig"]


async def test_a_lane_keeps_off_a_socket_that_swallowed_its_answer_and_the_other_lane_does_not(venue, begin):
    connector, _ = await begin()
    venue.socket_answers = [{"code": 29500}]
    await connector.submit(limit_order(1), no_gate)
    assert isinstance(await connector.submit(limit_order(2), no_gate), Sent)
    assert len(venue.by_socket) == 1, "over REST"
    await connector.cancel_all(None, lambda _: None)
    assert [info["ApiKeyIndex"] for info in venue.by_socket] == [KEY, KILL_KEY]


async def test_without_a_connection_everything_goes_over_rest(venue, begin):
    connector, _ = await begin()
    venue.is_mute = True
    await venue.cut()
    await eventually(lambda: not connector._running.trading._socket.is_ready, "the socket to be gone")
    assert isinstance(await connector.submit(limit_order(1), no_gate), Sent)
    assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)
    assert venue.by_socket == []


async def test_a_connection_lost_with_the_answer_is_settled_at_once_not_after_the_timeout(venue, begin):
    connector, _ = await begin(request_timeout_s=60)
    venue.socket_answers = [None]
    waiting = asyncio.create_task(connector.submit(limit_order(1), no_gate))
    await eventually(lambda: venue.by_socket, "the order to be under way")
    venue.nonces[KEY] = 2
    await venue.cut()
    outcome = await asyncio.wait_for(waiting, 5)
    assert isinstance(outcome, Sent), "the counter moved: it landed"
    assert len(venue.sent) == 1


async def test_the_gate_is_asked_before_the_bytes_leave(venue, begin):
    connector, _ = await begin()
    asked = []

    def gate():
        asked.append(1)
        return None if len(asked) == 1 else "killed"

    assert await connector.submit(limit_order(1), gate) == Refused(0, "killed")
    assert (len(asked), venue.sent) == (2, [])


async def test_bytes_are_not_sent_again_once_the_gate_is_closed(venue, begin):
    connector, _ = await begin()
    venue.socket_answers = [{"code": 29500}]
    outcome = await connector.submit(limit_order(1), lambda: "killed" if venue.sent else None)
    assert isinstance(outcome, Unresolved)
    assert len(venue.sent) == 1


async def test_throttling_by_socket_is_a_pause_for_all(venue, begin):
    connector, _ = await begin()
    venue.socket_answers = [{"code": 23000, "message": "Too Many Requests!"}]
    assert await connector.submit(limit_order(1), no_gate) == Refused(23000, "Too Many Requests!")
    refused = await connector.submit(limit_order(2), no_gate)
    assert "throttles" in refused.detail
    assert len(venue.sent) == 1


async def test_a_closing_connection_takes_nothing_new_and_waits_for_the_answers_still_to_come(venue, begin):
    connector, _ = await begin()
    venue.socket_answers = [None]
    waiting = asyncio.create_task(connector.submit(limit_order(1), no_gate))
    await eventually(lambda: venue.by_socket, "the order to be under way")
    sockets = len(venue.sockets)
    await venue.push({"type": "shutdown", "close_in_ms": 5_000})
    await eventually(lambda: not connector._running.trading._socket.is_ready, "the socket to drain")
    assert isinstance(await connector.cancel_all(None, lambda _: None), Sent)
    assert len(venue.by_socket) == 1, "the cancel went over REST"
    number = next(frame["data"]["id"] for frame in venue.heard if frame["type"] == "jsonapi/sendtx")
    venue.nonces[KEY] = 2
    await venue.push({"type": "jsonapi/sendtx", "id": number, "code": 200, "tx_hash": "ab" * 40})
    assert isinstance(await waiting, Sent)
    await eventually(lambda: len(venue.sockets) > sockets + 1 and _is_live(connector), "new connections")
    assert isinstance(await connector.submit(limit_order(2), no_gate), Sent)
    assert len(venue.by_socket) == 2


async def test_an_answer_nobody_waits_for_disturbs_nobody(venue, begin):
    connector, _ = await begin()
    await venue.push({"type": "jsonapi/sendtx", "id": "nobody", "code": 200})
    await venue.push({"type": "jsonapi/sendtx", "code": 200})
    assert isinstance(await connector.submit(limit_order(1), no_gate), Sent)
