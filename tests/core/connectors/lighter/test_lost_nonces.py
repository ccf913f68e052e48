"""A lane that lost its nonce learns it again by itself, in nobody's way: no order and no kill has to ask first."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from core.clock import SECOND_NS, ManualClock
from core.connectors.lighter import nonce
from core.connectors.lighter.account_feed import AccountFeed
from core.connectors.lighter.budget import Tier
from core.connectors.lighter.encode import CancelAllTx
from core.connectors.lighter.housekeeping import Housekeeper
from core.connectors.lighter.lane import Lane, Roads, Urgency
from core.connectors.lighter.rest import RestClient
from core.connectors.lighter.session import Session, SessionPolicy
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.tokens import Tokens
from core.connectors.lighter.venue_api import VenueApi
from core.decisions import Sent, Unresolved
from core.events import Event, LinkStatus, Noticed
from core.units import AccountIndex
from tests.support.orders import limit_order, no_gate
from tests.support.scripted_lighter import ACCOUNT, CHAIN, KEY, ScriptedVenue
from tests.support.waiting import eventually

NONCE, SEND = "/api/v1/nextNonce", "/api/v1/sendTx"


class World:
    """A lane and the housekeeper that looks after it, on a scripted venue, in a test's own time."""

    def __init__(self, venue: ScriptedVenue, signer: Signer) -> None:
        self.venue, self.events = venue, list[Event]()
        self.clock = ManualClock(mono_ns=SECOND_NS, utc_us=1_700_000_000_000_000)
        self.rest = RestClient(venue.url, 1, self.clock)
        self.rest.open()
        self.rest.limiter.adopt(Tier.PREMIUM)
        self.lane = Lane(signer, Roads(rest=self.rest, socket=None, clock=self.clock), ACCOUNT, 1)
        feed = AccountFeed(AccountIndex(ACCOUNT), Session((), SessionPolicy(data_is_life=False)), self.events.append, 0)
        api = VenueApi(self.rest, Tokens(signer, self.clock), ACCOUNT, self.clock)
        self.keeper = Housekeeper(api, self.rest, feed, {}, self.events.append, self.clock)
        self.keeper.lanes = (self.lane,)

    async def look(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.clock.advance(ns=SECOND_NS)
            await self.keeper._look()

    @property
    def asked(self) -> int:
        return len([one for one in self.venue.asked if one.startswith(NONCE)])


@pytest.fixture
async def world(venue) -> AsyncIterator[World]:
    signer = Signer(chain_id=CHAIN, account_index=ACCOUNT, api_key_index=KEY, private_key=SecretStr(venue.keys[KEY][0]))
    await signer.start()
    made = World(venue, signer)
    yield made
    await made.rest.close()
    signer.close()


async def _maintenance(_: web.Request) -> web.Response:
    return web.Response(status=503, text="<html>maintenance</html>")


async def test_a_nonce_that_maintenance_hid_is_read_as_soon_as_rest_answers_again_and_once(world):
    await world.lane.prepare()
    world.venue.answers |= dict.fromkeys((SEND, NONCE, "/api/v1/account"), _maintenance)
    outcome = await world.lane.send(CancelAllTx(), no_gate, Urgency.ORDER)
    assert isinstance(outcome, Unresolved)
    assert world.lane.state == nonce.Unknown(1)
    before = world.asked
    await world.look(20)
    assert world.lane.state == nonce.Unknown(1)
    assert world.rest.health.status is LinkStatus.DOWN
    world.venue.answers.clear()
    await world.look()
    assert world.lane.state == nonce.Ready(1)
    await world.look(20)
    assert world.asked == before + 1
    assert isinstance(await world.lane.send(CancelAllTx(), no_gate, Urgency.CANCEL_ALL), Sent)
    assert world.asked == before + 1, "the next transaction pays no round trip for it"
    assert not [event for event in world.events if isinstance(event, Noticed)], "the link's health told it all"


async def test_while_somebody_has_the_turn_nothing_is_asked(world):
    await world.look()
    world.lane._state = nonce.Unknown()
    await world.lane._turn.take(Urgency.ORDER)
    before = world.asked
    await world.look(5)
    assert (world.asked, world.lane.state) == (before, nonce.Unknown())
    world.lane._turn.give()
    await world.look()
    assert world.lane.state == nonce.Ready(1)


@pytest.mark.parametrize("meanwhile", ["was at it", "was done", "lost it again"])
async def test_an_answer_that_was_asked_for_before_somebody_sent_is_not_believed(world, meanwhile):
    hold, asked = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        asked.set()
        await hold.wait()
        return web.json_response({"code": 200, "nonce": 1})

    world.venue.answers[NONCE] = slow
    learning = asyncio.create_task(world.lane.learn())
    await asyncio.wait_for(asked.wait(), 5)
    del world.venue.answers[NONCE]
    expected: nonce.NonceState = nonce.Unknown()
    if meanwhile == "was at it":
        await world.lane._turn.take(Urgency.ORDER)
    else:
        assert isinstance(await world.lane.send(CancelAllTx(), no_gate, Urgency.CANCEL_ALL), Sent), (
            "it waits for nobody"
        )
        expected = nonce.Ready(2)
    if meanwhile == "lost it again":
        world.venue.answers |= dict.fromkeys((SEND, NONCE), _maintenance)
        assert isinstance(await world.lane.send(CancelAllTx(), no_gate, Urgency.CANCEL_ALL), Unresolved)
        expected = nonce.Unknown(2)
    hold.set()
    await learning
    assert world.lane.state == expected


async def test_it_leaves_the_half_of_the_budget_that_chores_may_not_spend_alone(world):
    await world.look()
    world.lane._state, before = nonce.Unknown(), world.asked
    requests = world.rest.limiter._requests
    requests.take(requests.left(world.clock.now().mono_ns) // 2, world.clock.now().mono_ns)
    await world.look(5)
    assert (world.asked, world.lane.state) == (before, nonce.Unknown())
    await world.look(70)
    assert world.lane.state == nonce.Ready(1)


async def test_after_maintenance_both_lanes_of_a_connector_know_their_nonces_again_without_a_transaction(venue, start):
    connector, _ = await start(venue.settings())
    lanes = connector._running.trading, connector._running.kill
    venue.answers |= {SEND: _maintenance, NONCE: _maintenance}
    await connector.submit(limit_order(1), no_gate)
    await connector.cancel_all(None, lambda _: None)
    assert all(isinstance(lane.state, nonce.Unknown) for lane in lanes)
    await venue.cut()
    venue.answers.clear()
    await eventually(lambda: [lane.state for lane in lanes] == [nonce.Ready(1)] * 2, "the nonces", 20)
    assert len(venue.sent) == 0
