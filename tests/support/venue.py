"""The paper venue for tests: as a real process, or inside the test's own loop.

A test directory takes the fixtures by importing them in its `conftest.py`.
"""

import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from aiohttp import web
from pydantic import SecretStr

from core.connectors.lighter.signer import generate_api_key
from core.connectors.venue.child import PaperVenue, VenueKey, VenueReady
from core.connectors.venue.faults import Faults
from core.connectors.venue.options import PLAIN, Extras
from core.connectors.venue.server import HOST, VenueServer
from core.connectors.venue.simulation import CHAIN_ID, COUNTERPARTY, KILL_KEY, OPERATOR, TRADING_KEY, KeyOf, Simulation


@pytest.fixture
def paper_venue() -> Iterator[PaperVenue]:
    """A venue process of this test alone: 12 markets, seed 1."""
    with PaperVenue() as venue:
        yield venue


@pytest.fixture(scope="module")
def shared_venue() -> Iterator[PaperVenue]:
    """A venue process shared by the tests of one module."""
    with PaperVenue() as venue:
        yield venue


def rest_get(url: str, path: str, **query: str | int) -> tuple[int, dict[str, object]]:
    """HTTP status and decoded body of one GET, whatever the status; `auth` goes into the query like any other."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    address = f"{url}{path}?{urlencode(query)}" if query else f"{url}{path}"
    try:
        with opener.open(address, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedVenue:
    """A venue inside this loop: its wires and, behind them, its state."""

    ready: VenueReady
    simulation: Simulation
    faults: Faults


@asynccontextmanager
async def hosted_venue(
    *, markets: int = 12, seed: int = 1, rate: int | None = None, extras: Extras = PLAIN
) -> AsyncIterator[HostedVenue]:
    """Serve a venue from the running loop; blocking clients would deadlock against it."""
    owners = ((OPERATOR, TRADING_KEY), (OPERATOR, KILL_KEY), (COUNTERPARTY, TRADING_KEY))
    accounts = tuple(venue_key(account, index) for account, index in owners)
    keys = tuple(
        KeyOf(account_index=each.account_index, api_key_index=each.api_key_index, public_key=each.public_key)
        for each in accounts
    )
    server = VenueServer(markets=markets, seed=seed, keys=keys, rate=rate, extras=extras)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        port = runner.addresses[0][1]
        ready = VenueReady(
            url=f"http://{HOST}:{port}", ws_url=f"ws://{HOST}:{port}/stream", chain_id=CHAIN_ID, accounts=accounts
        )
        yield HostedVenue(ready=ready, simulation=server.simulation, faults=server._meddlers.faults)
    finally:
        await runner.cleanup()


def venue_key(account_index: int, api_key_index: int) -> VenueKey:
    """A fresh key by the vendor's signer."""
    private, public = (text.removeprefix("0x").lower() for text in generate_api_key())
    return VenueKey(
        account_index=account_index, api_key_index=api_key_index, private_key=SecretStr(private), public_key=public
    )
