"""One WebSocket client's side of the protocol: text in, replies out, and what it has subscribed to.

Pure; `core.connectors.venue.server` owns the socket.
"""

from typing import Final, TypeVar

import msgspec

from core.connectors.venue import channels, tokens
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.replies import sent_body
from core.connectors.venue.simulation import Simulation
from core.connectors.venue.views import Json, encode

MAX_SUBSCRIPTIONS: Final = 500
MAX_BATCH: Final = 15
"""Transactions in one message; over REST there may be more."""
SEND: Final = "jsonapi/sendtx"
SEND_BATCH: Final = "jsonapi/sendtxbatch"
_T = TypeVar("_T")


class OrderData(msgspec.Struct):
    """`data` of `jsonapi/sendtx`; `tx_info` is an object here, and a string over REST."""

    tx_type: int
    tx_info: msgspec.Raw
    id: str | int | None = None


class _Batch(msgspec.Struct):
    """`data` of `jsonapi/sendtxbatch`: lists, or lists spelled as strings as over REST."""

    tx_types: str | list[int]
    tx_infos: str | list[str]
    id: str | int | None = None


class _Message(msgspec.Struct):
    type: str
    channel: str = ""
    auth: str | None = None
    data: msgspec.Raw = msgspec.Raw()


class Conversation:
    """What one client has said so far."""

    def __init__(self, simulation: Simulation) -> None:
        """Nothing subscribed."""
        self._simulation: Final = simulation
        self._labels: Final[dict[str, str]] = {}
        self._forged: Refusal | None = None

    @property
    def subscribed(self) -> set[str]:
        """Keys of the channels it hears."""
        return set(self._labels)

    def distrust(self, forged: Refusal | None) -> None:
        """Refuse what the next message carries for this reason, unless it is refused for another."""
        self._forged = forged

    def receive(self, text: str | bytes, now_us: int) -> bytes | None:
        """Answer one message, if it wants an answer; its effects on other clients wait in the simulation's outbox."""
        try:
            message = msgspec.json.decode(text, type=_Message)
        except msgspec.DecodeError:
            return _error(Refusal(Code.INVALID_JSON, "invalid json"))
        if message.type == "pong":
            return None
        if message.type == "ping":
            return b'{"type":"pong"}'
        if message.type == "subscribe":
            return self._subscribe(message, now_us)
        if message.type == "unsubscribe":
            return self._unsubscribe(message)
        return self._other(message, now_us)

    def _other(self, message: _Message, now_us: int) -> bytes:
        if message.type not in {SEND, SEND_BATCH}:
            return _error(Refusal(Code.INVALID_TYPE, "Invalid Type"))
        try:
            if message.type == SEND:
                return self._send(msgspec.json.decode(message.data, type=OrderData), now_us)
            return self._send_batch(message.data, now_us)
        except msgspec.DecodeError:
            return _error(Refusal(Code.INVALID_DATA, "Invalid Data"))

    def _subscribe(self, message: _Message, now_us: int) -> bytes:
        exchange = self._simulation.exchange
        channel = channels.parse(message.channel, exchange.markets, exchange.accounts)
        if isinstance(channel, Refusal):
            return _error(channel)
        if channel.stream in channels.NEEDS_TOKEN and not message.auth:
            sentence = f"invalid param : auth field is required: {channel.label}"
            return _error(Refusal(Code.INVALID_PARAM, sentence))
        if message.auth and channel.stream in channels.OF_ACCOUNT and channel.number is not None:
            refusal = tokens.check(message.auth, channel.number, exchange, now_us // 1_000_000)
            refusal = refusal or self._forged
            if refusal is not None:
                return _error(refusal)
        if channel.key in self._labels:
            return _error(Refusal(Code.ALREADY_SUBSCRIBED, f"Already Subscribed to : {channel.label}"))
        if len(self._labels) >= MAX_SUBSCRIPTIONS:
            return _error(Refusal(Code.TOO_MANY_SUBSCRIPTIONS, "Too Many Subscriptions!"))
        self._labels[channel.key] = channel.label
        return self._simulation.feed.snapshot(channel, now_us)

    def _unsubscribe(self, message: _Message) -> bytes:
        key = message.channel.replace("/", ":")
        label = self._labels.pop(key, None)
        if label is None:
            return _error(Refusal(Code.NOT_SUBSCRIBED, f"Not Subscribed to : {key}"))
        # The venue spells this frame alone with spaces.
        return b'{"type": "unsubscribed", "channel": "%s"}' % label.encode()

    def _send(self, order: OrderData, now_us: int) -> bytes:
        if self._forged is not None:
            return _refused(SEND, order.id, self._forged)
        outcome = self._simulation.send(order.tx_type, bytes(order.tx_info).decode(), now_us)
        if isinstance(outcome, Refusal):
            return _refused(SEND, order.id, outcome)
        return encode({**_head(SEND, order.id), **sent_body(outcome.tx_hash, now_us)})

    def _send_batch(self, data: msgspec.Raw, now_us: int) -> bytes:
        types, infos, reference = listed_batch(data)
        if self._forged is not None:
            return _refused(SEND_BATCH, reference, self._forged)
        if len(infos) > MAX_BATCH:
            return _refused(SEND_BATCH, reference, Refusal(Code.BATCH_TOO_LONG, "too many txs in batch"))
        outcome = self._simulation.send_batch(types, infos, now_us)
        if isinstance(outcome, Refusal):
            return _refused(SEND_BATCH, reference, outcome)
        hashes = [record.tx_hash for record in outcome]
        return encode({**_head(SEND_BATCH, reference), **sent_body(hashes, now_us)})


def listed_batch(data: msgspec.Raw) -> tuple[list[int], list[str], str | int | None]:
    """Types, infos and the client's reference of a `jsonapi/sendtxbatch`.

    Raises:
        msgspec.DecodeError: it is not shaped like one.
    """
    batch = msgspec.json.decode(data, type=_Batch)
    return _listed(batch.tx_types, list[int]), _listed(batch.tx_infos, list[str]), batch.id


def _listed(given: str | list[_T], shape: type[list[_T]]) -> list[_T]:
    return msgspec.json.decode(given, type=shape) if isinstance(given, str) else given


def _head(kind: str, reference: str | int | None) -> Json:
    return {"type": kind} if reference is None else {"type": kind, "id": str(reference)}


def _refused(kind: str, reference: str | int | None, refusal: Refusal) -> bytes:
    return encode({**_head(kind, reference), "code": int(refusal.code), "message": refusal.message})


def _error(refusal: Refusal) -> bytes:
    """Errors carry no type, no channel and no id."""
    return encode({"error": {"code": int(refusal.code), "message": refusal.message}})
