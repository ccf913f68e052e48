"""A stranger at the paper venue: trades with the vendor's unmodified SDK, and asks the venue by REST what is true."""

import asyncio
import warnings
from decimal import Decimal

from core.connectors.venue.child import VenueKey, VenueReady
from tests.support.venue import rest_get


def token(ready: VenueReady, key: VenueKey) -> str:
    """An auth token of one account, minted by the vendor's signer."""

    async def mint() -> str:
        client = _client(ready, key)
        try:
            made, error = client.create_auth_token_with_expiry(600, api_key_index=key.api_key_index)
        finally:
            await client.close()
        assert error is None, error
        return str(made)

    return asyncio.run(mint())


def open_orders(ready: VenueReady, key: VenueKey, auth: str) -> list[dict[str, object]]:
    """The venue's own list of open orders."""
    status, body = rest_get(
        ready.url, "/api/v1/accountActiveOrders", account_index=key.account_index, market_id=255, auth=auth
    )
    assert status == 200, body
    orders = body["orders"] or []
    assert isinstance(orders, list)
    return orders


def bid_size_down_to(ready: VenueReady, market_id: int, price: Decimal) -> Decimal:
    """How much must be sold until every bid at `price` or better is filled."""
    status, body = rest_get(ready.url, "/api/v1/orderBookOrders", market_id=market_id, limit=250)
    assert status == 200, body
    bids = body["bids"]
    assert isinstance(bids, list)
    return sum((Decimal(bid["remaining_base_amount"]) for bid in bids if Decimal(bid["price"]) >= price), Decimal(0))


def sell(ready: VenueReady, key: VenueKey, market_id: int, size_units: int, price_ticks: int) -> None:
    """Sell at once, down to a limit, in the integers of the wire; what finds no buyer is cancelled by the venue."""

    async def send() -> None:
        client = _client(ready, key)
        try:
            _, answer, error = await client.create_order(
                market_index=market_id,
                client_order_index=1,
                base_amount=size_units,
                price=price_ticks,
                is_ask=True,
                order_type=client.ORDER_TYPE_LIMIT,
                time_in_force=client.ORDER_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL,
                order_expiry=client.DEFAULT_IOC_EXPIRY,
                api_key_index=key.api_key_index,
                nonce=next_nonce(ready, key),
            )
        finally:
            await client.close()
        assert error is None, error
        assert answer.code == 200, answer

    asyncio.run(send())


def next_nonce(ready: VenueReady, key: VenueKey) -> int:
    """The nonce to sign next."""
    status, body = rest_get(
        ready.url, "/api/v1/nextNonce", account_index=key.account_index, api_key_index=key.api_key_index
    )
    assert status == 200, body
    nonce = body["nonce"]
    assert isinstance(nonce, int)
    return nonce


def _client(ready: VenueReady, key: VenueKey):  # the SDK ships no types, and its import takes a second
    with warnings.catch_warnings():
        # The SDK's own WsClient, not used here, imports the legacy client of `websockets`.
        warnings.filterwarnings("ignore", message="websockets", category=DeprecationWarning)
        import lighter

    return lighter.SignerClient(
        url=ready.url,
        account_index=key.account_index,
        api_private_keys={key.api_key_index: key.private_key.get_secret_value()},
        chain_id=ready.chain_id,
    )
