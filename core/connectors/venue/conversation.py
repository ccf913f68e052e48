"""One WebSocket client's side of the protocol: text in, replies out, and what it has subscribed to.

Pure; `core.connectors.venue.server` owns the socket.
"""

from typing import Final

import msgspec

from core.connectors.venue import channels, tokens
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.replies import sent_body
from core.connectors.venue.simulation import Simulation
from core.connectors.venue.views import Json, encode

MAX_SUBSCRIPTIONS: Final = 500
_SEND: Final = "jsonapi/sendtx"


class _Order(msgspec.Struct):
    """`data` of `jsonapi/sendtx`; `tx_info` is an object here, and a string over REST."""

    tx_type: int
    tx_info: msgspec.Raw
    id: str | int | None = None


class _Message(msgspec.Struct):
    type: str
    channel: str = ""
    auth: str | None = None
    data: _Order | None = None


class Conversation:
    """What one client has said so far."""

    def __init__(self, simulation: Simulation) -> None:
        """Nothing subscribed."""
        self._simulation: Final = simulation
        self.subscribed: Final[set[str]] = set()
        """Keys of the channels it hears."""

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
        if message.type == _SEND and message.data is not None:
            return self._send(message.data, now_us)
        return _error(Refusal(Code.INVALID_TYPE, "Invalid Type"))

    def _subscribe(self, message: _Message, now_us: int) -> bytes:
        exchange = self._simulation.exchange
        channel = channels.parse(message.channel, exchange.markets, exchange.accounts)
        if isinstance(channel, Refusal):
            return _error(channel)
        if channel.stream in channels.NEEDS_TOKEN and not message.auth:
            sentence = f"invalid param : auth field is required: {channel.key}"
            return _error(Refusal(Code.INVALID_PARAM, sentence))
        if message.auth and channel.stream in channels.OF_ACCOUNT and channel.number is not None:
            refusal = tokens.check(message.auth, channel.number, exchange, now_us // 1_000_000)
            if refusal is not None:
                return _error(refusal)
        if channel.key in self.subscribed:
            return _error(Refusal(Code.ALREADY_SUBSCRIBED, f"Already Subscribed to : {channel.key}"))
        if len(self.subscribed) >= MAX_SUBSCRIPTIONS:
            return _error(Refusal(Code.TOO_MANY_SUBSCRIPTIONS, "Too Many Subscriptions!"))
        self.subscribed.add(channel.key)
        return self._simulation.feed.snapshot(channel, now_us)

    def _unsubscribe(self, message: _Message) -> bytes:
        key = message.channel.replace("/", ":")
        if key not in self.subscribed:
            return _error(Refusal(Code.NOT_SUBSCRIBED, f"Not Subscribed to : {key}"))
        self.subscribed.discard(key)
        # The venue spells this frame alone with spaces.
        return b'{"type": "unsubscribed", "channel": "%s"}' % key.encode()

    def _send(self, order: _Order, now_us: int) -> bytes:
        outcome = self._simulation.send(order.tx_type, bytes(order.tx_info).decode(), now_us)
        head: Json = {"type": _SEND} if order.id is None else {"type": _SEND, "id": str(order.id)}
        if isinstance(outcome, Refusal):
            return encode({**head, "code": int(outcome.code), "message": outcome.message})
        return encode({**head, **sent_body(outcome.tx_hash, now_us)})


def _error(refusal: Refusal) -> bytes:
    """Errors carry no type, no channel and no id."""
    return encode({"error": {"code": int(refusal.code), "message": refusal.message}})
