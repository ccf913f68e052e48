"""Tiers: what waits, what is refused, and how the venue says it."""

import asyncio
import json

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.catalogue import listed
from core.connectors.venue.control_clock import START_US, VirtualClock
from core.connectors.venue.options import Extras
from core.connectors.venue.simulation import OPERATOR, KeyOf, Simulation
from core.connectors.venue.tiers import (
    COMMIT_US,
    FIREWALL_AFTER,
    FIREWALL_US,
    FREE_EVERY_US,
    MINUTE_US,
    TERMS,
    Budget,
    Quota,
    Tier,
    cost_of,
    weight_of,
)
from core.connectors.venue.tiers_gate import Gate
from tests.support import venue_tx as tx
from tests.support.venue import HostedVenue, hosted_venue

START_MS = START_US // 1_000
FAR = {"ExpiredAt": START_MS + 500_000, "OrderExpiry": START_MS + 3_600_000}


class TestBudget:
    @given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 20_000_000)), max_size=80))
    def test_no_minute_holds_more_than_the_budget(self, spent):
        budget, now, went = Budget(60), 0, []
        for weight, pause in spent:
            now += pause
            if budget.spend(weight, now):
                went.append((now, weight))
        for end, _ in went:
            assert sum(weight for at, weight in went if end - MINUTE_US < at <= end) <= 60

    def test_a_cool_down_lengthens_with_every_try(self):
        budget = Budget(60)
        assert all(budget.spend(1, 0) for _ in range(60))
        assert not budget.spend(1, MINUTE_US - 1)  # one second of cool-down
        assert not budget.spend(1, MINUTE_US + 500_000)  # and another
        assert not budget.spend(1, MINUTE_US + 1_500_000)
        assert budget.spend(1, MINUTE_US + 4_000_000)

    def test_weights_are_those_of_the_documentation(self):
        premium, standard = TERMS[Tier.PREMIUM], TERMS[Tier.STANDARD]
        paths = {
            "sendTx": 6,
            "nextNonce": 6,
            "trades": 600,
            "apikeys": 150,
            "account": 300,
            "accountInactiveOrders": 100,
        }
        assert {path: weight_of(f"/api/v1/{path}", premium) for path in paths} == paths
        assert {weight_of(f"/api/v1/{path}", standard) for path in paths} == {1}


class TestQuota:
    def test_it_is_used_earned_and_given(self):
        quota = Quota()
        assert quota.remaining(1, 0) == 1_000
        assert not quota.spend(1, 1, 0)  # one in fifteen seconds is free
        assert quota.spend(1, 1, 1)
        assert quota.remaining(1, 0) == 999
        assert quota.remaining(1, 10_000_000) == 1_001
        assert not quota.spend(1, 1, FREE_EVERY_US)
        assert quota.remaining(1, 10**15) == 5_000_000 == quota.remaining(2, 10**18)

    def test_what_costs(self):
        assert [cost_of([kind], is_batch=False) for kind in (14, 15, 16, 17, 28, 20)] == [1, 0, 1, 1, 1, 0]
        assert cost_of([15, 15, 15], is_batch=True) == 3


class Client:
    def __init__(self, venue: HostedVenue, clock: VirtualClock, http: aiohttp.ClientSession) -> None:
        self.venue = venue
        self.clock = clock
        self.http = http
        self.nonce = 0

    async def get(self, path: str = "/api/v1/orderBooks") -> tuple[int, bytes]:
        async with self.http.get(self.venue.ready.url + path) as answer:
            return answer.status, await answer.read()

    def post(self, kind: int, info: str) -> asyncio.Task:
        async def post() -> tuple[int, dict]:
            form = {"tx_type": str(kind), "tx_info": info}
            async with self.http.post(self.venue.ready.url + "/api/v1/sendTx", data=form) as answer:
                return answer.status, await answer.json(content_type=None)

        return asyncio.create_task(post())

    async def send(self, kind: int, info: str) -> tuple[int, dict]:
        """Post, and let virtual time pass in small steps until the reply comes."""
        task = self.post(kind, info)
        async with asyncio.timeout(5):
            while not task.done():
                await self.get("/favicon")  # a round trip: what was sent before has arrived
                self.clock.advance(COMMIT_US)
        return task.result()

    @property
    def trader(self):
        return self.venue.simulation.exchange.accounts[OPERATOR]


def venue_quota(venue: HostedVenue) -> Quota:
    gate = venue.simulation.route.__self__._meddlers.gate
    return gate._quota


def tiered(tier: Tier):
    clock = VirtualClock()
    return clock, hosted_venue(markets=1, extras=Extras(clock=clock, tier=tier))


@pytest.mark.parametrize(
    ("tier", "info", "wait_ms"),
    [
        (Tier.STANDARD, tx.create(nonce=0, ClientOrderIndex=1, TimeInForce=tx.POST_ONLY, **FAR), 0),
        (Tier.STANDARD, tx.create(nonce=0, ClientOrderIndex=1, Price=300_000, BaseAmount=10**8, **FAR), 300),
        (Tier.PLUS, tx.create(nonce=0, ClientOrderIndex=1, **FAR), 200),
        (Tier.PLUS, tx.create(nonce=0, ClientOrderIndex=1, Price=300_000, BaseAmount=10**8, **FAR), 300),
        (Tier.PREMIUM, tx.create(nonce=0, ClientOrderIndex=1, **FAR), 0),
        (Tier.PREMIUM, tx.create(nonce=0, ClientOrderIndex=1, Price=300_000, BaseAmount=10**8, **FAR), 140),
    ],
)
async def test_an_admitted_order_waits_before_it_is_matched(tier, info, wait_ms):
    clock, hosting = tiered(tier)
    async with hosting as venue, aiohttp.ClientSession() as http:
        client = Client(venue, clock, http)
        client.trader.collateral = 10**15
        task = client.post(tx.CREATE, info)
        key = client.trader.keys[5]
        async with asyncio.timeout(5):
            while key.nonce == 0:
                await client.get("/favicon")
        assert bool(client.trader.order_count) == (wait_ms == 0), "admitted; executed only where nothing waits"
        if wait_ms:
            clock.advance(wait_ms * 1_000 - 1)
            assert client.trader.order_count == 0
            clock.advance(1)
        assert client.trader.order_count == 1
        clock.advance(COMMIT_US)
        assert (await task)[0] == 200


async def test_two_in_flight_on_one_key_and_the_second_loses():
    clock, hosting = tiered(Tier.PREMIUM)
    async with hosting as venue, aiohttp.ClientSession() as http:
        client = Client(venue, clock, http)
        first = client.post(tx.CREATE, tx.create(nonce=0, ClientOrderIndex=1, **FAR))
        key = client.trader.keys[5]
        async with asyncio.timeout(5):
            while key.nonce == 0:
                await client.get("/favicon")
        second = await client.post(tx.CREATE, tx.create(nonce=1, ClientOrderIndex=2, **FAR))
        assert (second[0], second[1]["code"]) == (400, 21104)
        assert not first.done()
        clock.advance(COMMIT_US)
        assert (await first)[0] == 200
        assert (await client.send(tx.CREATE, tx.create(nonce=1, ClientOrderIndex=2, **FAR)))[0] == 200


async def test_standard_counts_requests_and_then_comes_the_firewall():
    clock, hosting = tiered(Tier.STANDARD)
    async with hosting as venue, aiohttp.ClientSession() as http:
        client = Client(venue, clock, http)
        assert [(await client.get())[0] for _ in range(60)] == [200] * 60
        status, body = await client.get()
        assert (status, json.loads(body)) == (429, {"code": 23000, "message": "Too Many Requests!"})
        status, refused = await client.post(tx.CREATE, tx.create(nonce=0, **FAR))
        assert (status, refused["code"], client.trader.keys[5].nonce) == (429, 23000, 0)
        async with http.ws_connect(venue.ready.ws_url) as socket:
            await socket.receive_json(timeout=5)
            data = {"tx_type": 14, "tx_info": json.loads(tx.create(nonce=0, **FAR)), "id": "x"}
            await socket.send_json({"type": "jsonapi/sendtx", "data": data})
            reply = await socket.receive_json(timeout=5)
            assert (reply["id"], reply["code"]) == ("x", 23000)
            answers = [(await client.get())[0] for _ in range(FIREWALL_AFTER)]
            assert answers[-1] == 405
            assert (await client.get())[1].startswith(b"<html>")
        clock.advance(FIREWALL_US)
        assert (await client.get())[0] == 200


async def test_the_quota_is_told_and_ends():
    clock, hosting = tiered(Tier.PLUS)
    async with hosting as venue, aiohttp.ClientSession() as http:
        client = Client(venue, clock, http)
        _, first = await client.send(tx.CREATE, tx.create(nonce=0, ClientOrderIndex=1, **FAR))
        assert json.loads(first["message"])["ratelimit"] == "didn't use volume quota"
        assert "volume_quota_remaining" not in first
        _, second = await client.send(tx.CREATE, tx.create(nonce=1, ClientOrderIndex=2, **FAR))
        assert json.loads(second["message"])["ratelimit"] == "999 volume quota remaining"
        assert second["volume_quota_remaining"] == 999
        cancel = tx.signed({"MarketIndex": 0, "Index": 2}, nonce=2, ExpiredAt=START_MS + 500_000)
        _, third = await client.send(tx.CANCEL, cancel)
        assert (third["code"], "volume_quota_remaining" in third) == (200, False)
        venue_quota(venue).spend(OPERATOR, 999, clock.now_us())
        info = tx.create(nonce=3, ClientOrderIndex=3, **FAR)
        assert (await client.send(tx.CREATE, info))[0] == 429
        assert client.trader.keys[5].nonce == 3
        client.trader.volume += 5_000_000
        assert (await client.send(tx.CREATE, info))[0] == 200


async def test_messages_of_a_socket_have_a_budget():
    _, hosting = tiered(Tier.PREMIUM)
    async with hosting as venue, aiohttp.ClientSession() as http, http.ws_connect(venue.ready.ws_url) as socket:
        await socket.receive_json(timeout=5)
        for _ in range(201):
            await socket.send_json({"type": "ping"})
        replies = [await socket.receive_json(timeout=5) for _ in range(201)]
        assert [reply.get("type") for reply in replies[:200]] == ["pong"] * 200
        assert replies[200]["error"]["code"] == 30009


async def test_the_desks_own_venue_knows_no_budgets():
    async with hosted_venue(markets=1) as venue, aiohttp.ClientSession() as http:
        for _ in range(150):
            async with http.get(venue.ready.url + "/") as answer:
                assert answer.status == 200


def test_a_batch_on_a_socket_spends_the_transaction_budget():
    simulation = Simulation(listed(1), 1, [KeyOf(account_index=OPERATOR, api_key_index=5, public_key="ab" * 40)], ())
    gate = Gate(Tier.STANDARD, simulation.exchange)
    assert simulation.exchange.accounts[OPERATOR].tier == "standard"
    data = {"id": 7, "tx_types": "[14]", "tx_infos": json.dumps([tx.create(nonce=0)])}
    text = json.dumps({"type": "jsonapi/sendtxbatch", "data": data})
    assert [gate.message(text, 0) for _ in range(60)] == [None] * 60
    refused = gate.message(text, 0)
    assert refused is not None
    assert json.loads(refused) == {"type": "jsonapi/sendtxbatch", "id": "7"} | {
        name: json.loads(refused)[name] for name in ("code", "message")
    }
    assert json.loads(refused)["code"] == 23000
