"""Signatures by the vendor's own signer, and what a venue that checks them makes of forged ones."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest

from core.connectors.lighter.encode import CancelAllTx, CancelTx
from core.connectors.lighter.signer import SignedTx, Signer
from core.connectors.venue.options import Extras
from core.connectors.venue.simulation import CHAIN_ID, KILL_KEY, OPERATOR, TRADING_KEY
from tests.support import venue_tx as tx
from tests.support.venue import HostedVenue, hosted_venue


@dataclass(frozen=True)
class World:
    venue: HostedVenue
    session: aiohttp.ClientSession
    signer: Signer

    async def send(self, tx_type: int, info: str) -> tuple[int, int]:
        form = {"tx_type": str(tx_type), "tx_info": info}
        async with self.session.post(self.venue.ready.url + "/api/v1/sendTx", data=form) as answer:
            return answer.status, (await answer.json())["code"]

    async def orders(self, token: str) -> tuple[int, int]:
        query = {"account_index": OPERATOR, "auth": token}
        async with self.session.get(self.venue.ready.url + "/api/v1/accountActiveOrders", params=query) as answer:
            return answer.status, (await answer.json())["code"]

    @property
    def nonce(self) -> int:
        return self.venue.simulation.exchange.accounts[OPERATOR].keys[TRADING_KEY].nonce


@asynccontextmanager
async def world(*, chain_id: int = CHAIN_ID, strict: bool = True) -> AsyncIterator[World]:
    extras = Extras(verifies_signatures=strict)
    async with hosted_venue(markets=1, extras=extras) as venue, aiohttp.ClientSession() as session:
        signer = Signer(
            chain_id=chain_id,
            account_index=OPERATOR,
            api_key_index=TRADING_KEY,
            private_key=venue.ready.trading.private_key,
        )
        await signer.start()
        try:
            yield World(venue, session, signer)
        finally:
            signer.close()


async def signed(signer: Signer, nonce: int) -> SignedTx:
    made = await signer.sign(CancelAllTx(market_index=255), nonce)
    assert isinstance(made, SignedTx), made
    return made


def changed(info: str, **fields: object) -> str:
    return json.dumps({**json.loads(info), **fields})


async def test_what_the_key_signed_passes():
    async with world() as given:
        made = await signed(given.signer, 0)
        assert await given.send(made.tx_type, made.tx_info) == (200, 200)
        target = await given.signer.sign(CancelTx(market_index=0, index=5), 1)
        assert isinstance(target, SignedTx)
        assert await given.send(target.tx_type, target.tx_info) == (200, 200)
        token = await given.signer.auth_token(tx.now_ms() // 1_000 + 600)
        assert await given.orders(token) == (200, 200)
        assert await given.orders(token) == (200, 200)


@pytest.mark.parametrize(
    "forgery",
    [
        {"Nonce": 1},
        {"ApiKeyIndex": KILL_KEY},
        {"ExpiredAt": tx.now_ms() + 500_000},
        {"L2TxAttributes": {"4": 1}},
        {"Sig": base64.b64encode(bytes(80)).decode()},
        {"Sig": base64.b64encode(b"\xff" * 80).decode()},
    ],
)
async def test_a_changed_transaction_is_refused_and_costs_no_nonce(forgery):
    async with world() as given:
        made = await signed(given.signer, 0)
        assert await given.send(made.tx_type, changed(made.tx_info, **forgery)) == (400, 21120)
        assert given.nonce == 0
        assert await given.send(made.tx_type, made.tx_info) == (200, 200)


async def test_a_signature_for_another_chain_is_refused():
    async with world(chain_id=304) as given:
        made = await signed(given.signer, 0)
        assert await given.send(made.tx_type, made.tx_info) == (400, 21120)


async def test_what_is_refused_for_another_reason_says_that_reason():
    async with world() as given:
        assert await given.send(tx.CREATE, tx.create(nonce=0, account=5)) == (400, 21100)
        assert await given.send(tx.CREATE, tx.create(nonce=0, key=77)) == (400, 21109)
        assert await given.send(tx.CREATE, "nonsense") == (400, 21501)


async def test_a_forged_token_is_refused():
    async with world() as given:
        token = await given.signer.auth_token(tx.now_ms() // 1_000 + 600)
        deadline, rest = token.split(":", 1)
        assert await given.orders(f"{int(deadline) + 1}:{rest}") == (401, 20013)
        assert await given.orders(tx.token()) == (401, 20013)


async def test_the_socket_refuses_what_the_endpoint_refuses():
    async with world() as given, given.session.ws_connect(given.venue.ready.ws_url) as socket:
        await socket.receive_json(timeout=5)
        info = json.loads(tx.create(nonce=0))
        await socket.send_json({"type": "jsonapi/sendtx", "data": {"id": "1", "tx_type": 14, "tx_info": info}})
        assert await socket.receive_json(timeout=5) == {
            "type": "jsonapi/sendtx",
            "id": "1",
            "code": 21120,
            "message": "invalid signature",
        }
        data = {"id": "2", "tx_types": "[14]", "tx_infos": json.dumps([tx.create(nonce=0)])}
        await socket.send_json({"type": "jsonapi/sendtxbatch", "data": data})
        assert (await socket.receive_json(timeout=5))["code"] == 21120
        channel = f"account_all_orders/{OPERATOR}"
        await socket.send_json({"type": "subscribe", "channel": channel, "auth": tx.token()})
        assert (await socket.receive_json(timeout=5))["error"]["code"] == 20013
        token = await given.signer.auth_token(tx.now_ms() // 1_000 + 600)
        await socket.send_json({"type": "subscribe", "channel": channel, "auth": token})
        assert (await socket.receive_json(timeout=5))["type"] == "subscribed/account_all_orders"
        assert given.nonce == 0


async def test_without_the_option_only_the_form_counts():
    async with world(strict=False) as given:
        assert await given.send(tx.CREATE, tx.create(nonce=0)) == (200, 200)
        assert await given.orders(tx.token()) == (200, 200)
