"""The thread in which signatures are checked, so that the venue's loop never waits for one.

`core.connectors.venue.signatures` knows how; this remembers the tokens that passed and turns a client's message into
what must be checked of it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from core.connectors.venue import signatures
from core.connectors.venue.codes import Refusal
from core.connectors.venue.conversation import SEND, SEND_BATCH, OrderData, listed_batch
from core.connectors.venue.simulation import CHAIN_ID, MAX_BATCH, Simulation

_KEPT_TOKENS: Final = 1_000


class _Message(msgspec.Struct):
    type: str = ""
    auth: object = None
    data: msgspec.Raw = msgspec.Raw()


class Verifier:
    """Checks of one venue, or none at all when it was not asked to."""

    def __init__(self, simulation: Simulation, *, is_strict: bool) -> None:
        """The thread starts with the first check."""
        self._exchange: Final = simulation.exchange
        self._thread: Final = ThreadPoolExecutor(1, "venue-signatures") if is_strict else None
        self._passed: Final[OrderedDict[str, None]] = OrderedDict()

    async def txs(self, types: Sequence[int], infos: Sequence[str]) -> Refusal | None:
        """Check each transaction up to the first that is forged; more than a batch are refused elsewhere."""
        if self._thread is None or len(infos) > MAX_BATCH:
            return None
        for tx_type, info in zip(types, infos, strict=False):
            claim = signatures.claim_of_tx(tx_type, info, self._exchange)
            if claim is not None and not await self._in_thread(self._thread, claim):
                return signatures.FORGED_TX
        return None

    async def token(self, text: str | None) -> Refusal | None:
        """Check a token, once."""
        if self._thread is None or not text or text in self._passed:
            return None
        claim = signatures.claim_of_token(text, self._exchange)
        if claim is None:
            return None
        if not await asyncio.get_running_loop().run_in_executor(self._thread, claim.holds):
            return signatures.FORGED_TOKEN
        self._passed[text] = None
        if len(self._passed) > _KEPT_TOKENS:
            self._passed.popitem(last=False)
        return None

    async def message(self, text: str) -> Refusal | None:
        """Check whatever a client's message carries."""
        if self._thread is None:
            return None
        try:
            message = msgspec.json.decode(text, type=_Message)
            if isinstance(message.auth, str):
                return await self.token(message.auth)
            if message.type == SEND:
                order = msgspec.json.decode(message.data, type=OrderData)
                return await self.txs([order.tx_type], [bytes(order.tx_info).decode()])
            return await self.txs(*listed_batch(message.data)[:2]) if message.type == SEND_BATCH else None
        except (msgspec.DecodeError, UnicodeEncodeError):
            return None  # the conversation says what is wrong with it

    @staticmethod
    async def _in_thread(thread: ThreadPoolExecutor, claim: signatures.TxClaim) -> bool:
        return await asyncio.get_running_loop().run_in_executor(thread, claim.holds, CHAIN_ID)

    def close(self) -> None:
        """End the thread; checks that wait are dropped."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
