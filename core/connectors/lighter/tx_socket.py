"""Transactions over the account's WebSocket: one frame out, one reply back, matched by an id of ours.

It is the first road of a lane and REST the second. A frame that certainly did not leave is None, and the other road is
free; one that left without a clear reply is `Unresolved`. Frames: apidocs.lighter.xyz/docs/websocket-reference.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import aiohttp
import msgspec

from core.clock import Clock
from core.connectors.base import SendGate
from core.connectors.lighter.bodies import CODE_OK
from core.connectors.lighter.budget import SEND_PATH, THROTTLED_CODES, Limiter
from core.connectors.lighter.rest import UNCLEAR_CODES, describe
from core.connectors.lighter.signer import SignedTx
from core.connectors.lighter.wire import ErrorFrame, TxBatchReply, TxReply
from core.decisions import Refused, Sent, TxOutcome, Unresolved

MAX_BATCH: Final = 15
Socket: TypeAlias = "aiohttp.ClientWebSocketResponse[bool]"
Reply = TxReply | TxBatchReply | ErrorFrame


class TxSocket:
    """The sending side of one stream, while that stream has a connection."""

    def __init__(self, clock: Clock, limiter: Limiter, timeout_s: int) -> None:
        """`timeout_s`: how long a reply is waited for."""
        self._clock: Final = clock
        self._limiter: Final = limiter
        self._timeout_s: Final = timeout_s
        self._ids: Final = itertools.count(1)
        self._waiting: Final[dict[str, asyncio.Future[Reply | str]]] = {}
        self._socket: Socket | None = None
        self._is_draining = False

    @property
    def is_ready(self) -> bool:
        """Whether a transaction may be put on it now."""
        return self._socket is not None and not self._socket.closed and not self._is_draining

    @property
    def is_attached(self) -> bool:
        """Whether it knows its connection."""
        return self._socket is not None

    @property
    def has_unanswered(self) -> bool:
        """Whether somebody still waits for a reply on it."""
        return bool(self._waiting)

    def attach(self, socket: Socket) -> None:
        """The stream has a connection, and it speaks."""
        self._socket, self._is_draining = socket, False

    def drain(self) -> None:
        """Take nothing new: the connection is about to end."""
        self._is_draining = True

    def detach(self, reason: str) -> None:
        """The connection is gone, and with it every reply that was still to come."""
        self._socket = None
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_result(reason)

    def heard(self, reply: Reply) -> bool:
        """Give a reply to whoever waits for it; whether somebody did."""
        waiter = self._waiting.get(str(reply.id))
        if waiter is None or waiter.done():
            return False
        waiter.set_result(reply)
        return True

    async def send(
        self, signed: Sequence[SignedTx], gate: SendGate, on_sent: Callable[[int], None]
    ) -> TxOutcome | None:
        """Send one transaction, or several as a batch; the verdict is of all of them.

        None: certainly not sent, for want of a connection. `gate` is asked in the instruction before the bytes leave.
        """
        socket = self._socket
        if socket is None or not self.is_ready or len(signed) > MAX_BATCH:
            return None
        number = f"{self._clock.now().utc_us}-{next(self._ids)}"
        text = _message(number, signed)
        stopped = gate()
        if stopped is not None:
            return Refused(0, stopped or "stopped")
        waiter: asyncio.Future[Reply | str] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiter
        sent_ns = self._clock.now().mono_ns
        on_sent(sent_ns)
        try:
            async with asyncio.timeout(self._timeout_s):
                await socket.send_str(text)
                reply = await waiter
        except TimeoutError:
            reply = "no answer in time"
        except (aiohttp.ClientError, OSError) as error:
            reply = describe(error)
        finally:
            del self._waiting[number]
        return self._outcome(reply, signed, sent_ns)

    def _outcome(self, reply: Reply | str, signed: Sequence[SignedTx], sent_ns: int) -> TxOutcome:
        tx_hash = signed[0].tx_hash
        if isinstance(reply, str):
            return Unresolved(f"sendtx: {reply}", tx_hash)
        now_ns = self._clock.now().mono_ns
        if reply.code in THROTTLED_CODES:
            self._limiter.throttled(is_firewall=False, path=SEND_PATH, now_ns=now_ns)
        if reply.code in UNCLEAR_CODES or not reply.code:
            return Unresolved(f"sendtx: {reply.code} {reply.message}".rstrip(), tx_hash)
        if isinstance(reply, ErrorFrame) or reply.code != CODE_OK:
            return Refused(reply.code, reply.message or "refused without a reason")
        self._limiter.learned_quota(reply.volume_quota_remaining)
        return Sent(tx_hash, sent_ns, now_ns)


def _message(number: str, signed: Sequence[SignedTx]) -> str:
    """Infos are objects when sent alone, and a string of a list of strings in a batch."""
    if len(signed) == 1:
        data: dict[str, object] = {
            "id": number,
            "tx_type": signed[0].tx_type,
            "tx_info": msgspec.Raw(signed[0].tx_info.encode()),
        }
        return msgspec.json.encode({"type": "jsonapi/sendtx", "data": data}).decode()
    types = msgspec.json.encode([tx.tx_type for tx in signed]).decode()
    infos = msgspec.json.encode([tx.tx_info for tx in signed]).decode()
    data = {"id": number, "tx_types": types, "tx_infos": infos}
    return msgspec.json.encode({"type": "jsonapi/sendtxbatch", "data": data}).decode()
