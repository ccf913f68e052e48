"""Clients that nobody here wrote, pointed at the paper venue and otherwise left as they come."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from typed_lighter import Lighter

from core.connectors.venue.child import VenueReady
from tests.support.venue import rest_get

NETWORK = "testnet"
"""Whose chain id the paper venue has."""


@asynccontextmanager
async def typed_client(ready: VenueReady, *, of_counterparty: bool = False) -> AsyncIterator[Lighter]:
    """typed-lighter with its strict validation on."""
    key = ready.counterparty if of_counterparty else ready.trading
    client = Lighter.new(
        network=NETWORK,
        account_index=key.account_index,
        api_keys={key.api_key_index: key.private_key.get_secret_value()},
        api_url=ready.url,
        ws_url=ready.ws_url,
    )
    async with client:
        yield client


def book(ready: VenueReady, market_id: int = 0) -> tuple[int, int]:
    """Best bid and best ask in ticks, as `orderBookOrders` has them."""
    _, body = rest_get(ready.url, "/api/v1/orderBookOrders", market_id=market_id, limit=1)
    return ticks(body["bids"][0]["price"]), ticks(body["asks"][0]["price"])


def ticks(text: str) -> int:
    """A padded decimal string without its point."""
    return int(str(text).replace(".", ""))


def position(ready: VenueReady, account_index: int, market_id: int = 0) -> Decimal:
    """Signed size, as `account` has it."""
    _, body = rest_get(ready.url, "/api/v1/account", by="index", value=account_index)
    for row in body["accounts"][0]["positions"]:
        if row["market_id"] == market_id:
            return Decimal(row["position"]) * row["sign"]
    return Decimal(0)


def public(ready: VenueReady, path: str, **query: str | int) -> dict:
    """The venue's own word, which must be 200."""
    status, body = rest_get(ready.url, path, **query)
    assert status == 200, body
    return body


def signed_in(ready: VenueReady, client: Lighter, name: str, **query: str | int) -> dict:
    """The same for what only the client's account may read."""
    token = client.http.tokens
    assert token is not None
    return public(ready, f"/api/v1/{name}", auth=token.token(), **query)
