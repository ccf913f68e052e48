"""Two orders of ours that meet at the venue: the resting one ends, the newer one goes on, and nothing is traded."""

import json
import time
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from core.connectors.lighter.encode import CreateTx, ModifyTx, Tx
from core.connectors.lighter.signer import SignedTx, Signer, generate_api_key
from core.connectors.venue.catalogue import listed
from core.connectors.venue.orders import OrderStatus, VenueOrder
from core.connectors.venue.sequencer import TxRecord
from core.connectors.venue.simulation import CHAIN_ID, OPERATOR, TRADING_KEY, KeyOf, Simulation

ETH = 0
SIZE = 1_000


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


class Venue:
    """The paper exchange standing still, and orders signed for it by the real signer."""

    def __init__(self, signer: Signer, public: str) -> None:
        owner = KeyOf(account_index=OPERATOR, api_key_index=TRADING_KEY, public_key=public)
        self.simulation = Simulation(listed(1), 1, [owner], Everything())
        self._signer = signer
        self._nonce = 0
        book = self.simulation.exchange.markets[ETH].book
        bid, ask = book.side(is_ask=False).best(), book.side(is_ask=True).best()
        assert bid is not None
        assert ask is not None
        self.bid, self.ask = bid, ask
        assert ask - bid > 2, "room between them"

    async def send(self, tx: Tx) -> dict[str, object]:
        signed = await self._signer.sign(tx, self._nonce)
        assert isinstance(signed, SignedTx), signed
        self._nonce += 1
        outcome = self.simulation.send(signed.tx_type, signed.tx_info, time.time_ns() // 1_000)
        assert isinstance(outcome, TxRecord), outcome
        found: dict[str, object] = json.loads(signed.tx_info)
        return found

    def order(self, client_index: int) -> VenueOrder:
        account = self.simulation.exchange.accounts[OPERATOR]
        (found,) = [each for each in (*account.live.values(), *account.closed) if each.client_index == client_index]
        return found


def create(client_index: int, price: int, *, is_ask: bool, tif: int = 1) -> CreateTx:
    return CreateTx(
        market_index=ETH,
        client_order_index=client_index,
        base_amount=SIZE,
        price=price,
        is_ask=is_ask,
        order_type=0,
        time_in_force=tif,
        reduce_only=False,
        order_expiry=-1 if tif else 0,
    )


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    private, public = generate_api_key()
    signer = Signer(
        chain_id=CHAIN_ID, account_index=OPERATOR, api_key_index=TRADING_KEY, private_key=SecretStr(private)
    )
    await signer.start()
    yield Venue(signer, public.removeprefix("0x").lower())
    signer.close()


async def test_a_taker_of_ours_goes_on_and_what_rested_in_its_way_ends(venue):
    await venue.send(create(1, venue.ask - 1, is_ask=True))
    assert venue.order(1).status is OrderStatus.OPEN
    said = await venue.send(create(2, venue.ask, is_ask=False, tif=0))
    assert said["L2TxAttributes"] is None, "the venue's default of both attributes is what we want"
    assert (venue.order(1).status, venue.order(1).filled) == (OrderStatus.SELF_TRADE, 0)
    assert venue.order(2).filled > 0, "an exit is not held up by an entry of ours"


async def test_a_change_that_meets_an_order_of_ours_ends_that_one(venue):
    await venue.send(create(1, venue.ask - 1, is_ask=True))
    await venue.send(create(2, venue.bid + 1, is_ask=False))
    said = await venue.send(ModifyTx(market_index=ETH, index=2, base_amount=SIZE, price=venue.ask - 1))
    assert said["L2TxAttributes"] is None
    assert (venue.order(1).status, venue.order(1).filled) == (OrderStatus.SELF_TRADE, 0)
    assert (venue.order(2).status, venue.order(2).filled) == (OrderStatus.OPEN, 0)
