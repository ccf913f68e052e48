"""The vendor's SDK as it comes, pointed at a paper venue."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest

from core.connectors.venue.child import PaperVenue, VenueKey
from tests.support.venue import rest_get

# The SDK's socket client imports the legacy module of `websockets`, and importing that warns.
LEGACY_SOCKETS = pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning")


@pytest.fixture(scope="module")
def sdk() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import lighter
        import lighter.ws_client
    return lighter


@asynccontextmanager
async def signing(sdk: ModuleType, venue: PaperVenue, key: VenueKey) -> AsyncIterator[Any]:
    client = sdk.SignerClient(
        url=venue.ready.url,
        account_index=key.account_index,
        api_private_keys={key.api_key_index: key.private_key.get_secret_value()},
        chain_id=venue.ready.chain_id,
    )
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def asking(sdk: ModuleType, venue: PaperVenue) -> AsyncIterator[Any]:
    async with sdk.ApiClient(sdk.Configuration(host=venue.ready.url)) as client:
        yield client


def token_of(client: Any) -> str:
    token, problem = client.create_auth_token_with_expiry()
    assert problem is None
    return token


async def get(venue: PaperVenue, path: str, **query: str | int) -> dict:
    status, body = await asyncio.to_thread(rest_get, venue.ready.url, path, **query)
    assert status == 200, body
    return body


async def open_orders(venue: PaperVenue, client: Any) -> list[dict]:
    account = venue.ready.trading.account_index
    body = await get(venue, "/api/v1/accountActiveOrders", account_index=account, auth=token_of(client))
    return body["orders"]
