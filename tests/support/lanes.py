"""The fake venue behind the real lanes: turn, nonces, signature and gate are the connector's own, only the wire is not.

Signing happens at once instead of in a thread, so that a loop's order of steps is all there is.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import msgspec
from pydantic import SecretStr

from core.clock import SystemClock
from core.connectors.base import EventSink, NewOrder, OrderRef, SendGate
from core.connectors.lighter.bodies import NextNonce
from core.connectors.lighter.budget import Grade
from core.connectors.lighter.encode import CreateTx, encode_cancel, encode_cancel_all, encode_order
from core.connectors.lighter.lane import Lane, Roads, Urgency
from core.connectors.lighter.rest import RestClient
from core.connectors.lighter.signer import SignedTx, Signer, generate_api_key
from core.decisions import Refused, Sent, TxOutcome
from core.units import ClientOrderId, MarketId
from tests.support.fake_connector import MARKETS, FakeConnector

ACCOUNT, KEY, KILL_KEY, CHAIN = 65, 5, 6, 304
_T = TypeVar("_T")


class AtOnce(Signer):
    """Signs on the loop, after a step in which everything else may happen."""

    async def _run(self, work: Callable[[], _T]) -> _T:
        await asyncio.sleep(0)
        return work()


class Wire(RestClient):
    """The road to the fake venue: the gate is asked at the last instruction, as on the real one."""

    def __init__(self, venue: "OnLanes") -> None:
        super().__init__("http://127.0.0.1:1", 5, SystemClock())
        self._venue = venue
        self.nonces = {KEY: 1, KILL_KEY: 1}

    async def get(self, path: str, kind: type[Any], *args: Any, **more: Any) -> Any:
        assert (path, kind) == ("/api/v1/nextNonce", NextNonce), "only the nonce is asked for here"
        params, grade = args[0], more["grade"]
        assert isinstance(grade, Grade)
        await asyncio.sleep(0)
        return msgspec.convert({"nonce": self.nonces[params["api_key_index"]]}, kind)

    async def send_txs(
        self, signed: Sequence[SignedTx], gate: SendGate, on_sent: Callable[[int], None] | None = None
    ) -> TxOutcome:
        await asyncio.sleep(0)
        info = json.loads(signed[0].tx_info)
        if info["Nonce"] != self.nonces[info["ApiKeyIndex"]]:
            return Refused(21_104, "invalid nonce")
        outcome = await self._venue.arrive(info, gate, on_sent or (lambda _: None))
        if isinstance(outcome, Sent):
            self.nonces[info["ApiKeyIndex"]] += 1
            return Sent(signed[0].tx_hash, outcome.sent_ns, outcome.acked_ns)
        return outcome


class OnLanes(FakeConnector):
    """Sends by a trading lane and a kill lane; what arrives is the fake venue's."""

    def __init__(self) -> None:
        super().__init__()
        self._orders: dict[int, NewOrder] = {}
        self._refs: dict[int, OrderRef] = {}
        self._lanes: dict[int, Lane] = {}
        self._signers: list[Signer] = []

    async def start(self, sink: EventSink) -> None:
        roads = Roads(rest=Wire(self), socket=None, clock=SystemClock())
        for key in (KEY, KILL_KEY):
            signer = AtOnce(
                chain_id=CHAIN,
                account_index=ACCOUNT,
                api_key_index=key,
                private_key=SecretStr(generate_api_key()[0]),
            )
            self._signers.append(signer)
            await signer.start()
            self._lanes[key] = Lane(signer, roads, ACCOUNT, 5)
            await self._lanes[key].prepare()
        await super().start(sink)

    async def close(self) -> None:
        for signer in self._signers:
            signer.close()
        await super().close()

    async def submit(self, order: NewOrder, gate: SendGate) -> TxOutcome:
        market = next(one for one in MARKETS if one.id == order.intent.market_id)
        tx = encode_order(order, market)
        assert isinstance(tx, CreateTx), tx
        self._orders[order.client_id] = order
        return await self._lanes[KEY].send(tx, gate, Urgency.ORDER)

    async def cancel(self, ref: OrderRef) -> TxOutcome:
        tx = encode_cancel(ref)
        assert not isinstance(tx, Refused), tx
        self._refs[ref.venue_id or cast("int", ref.client_id)] = ref
        return await self._lanes[KEY].send(tx, lambda: None, Urgency.CANCEL)

    async def cancel_all(self, market_id: MarketId | None, on_sent: Callable[[int], None]) -> TxOutcome:
        tx = encode_cancel_all(market_id)
        assert not isinstance(tx, Refused), tx
        self._scope = market_id
        return await self._lanes[KILL_KEY].send(tx, lambda: None, Urgency.CANCEL_ALL, on_sent)

    async def arrive(self, info: dict[str, Any], gate: SendGate, on_sent: Callable[[int], None]) -> TxOutcome:
        """What was signed reaches the last instruction before the wire, and then the venue."""
        if "ClientOrderIndex" in info:
            return await FakeConnector.submit(self, self._orders[ClientOrderId(info["ClientOrderIndex"])], gate)
        if info["ApiKeyIndex"] == KILL_KEY:
            return await FakeConnector.cancel_all(self, self._scope, on_sent)
        return await FakeConnector.cancel(self, self._refs[info["Index"]])
