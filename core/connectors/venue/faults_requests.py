"""What faults do to requests: REST calls, transactions and a client's messages on its socket. Pure."""

from dataclasses import dataclass
from typing import Final

import msgspec

from core.connectors.venue.codes import Code
from core.connectors.venue.faults import FaultKind, FaultRule, Faults
from core.connectors.venue.faults_frames import MUTATIONS, mutate
from core.connectors.venue.views import Json, encode

JSON: Final = "application/json"
HTML: Final = "text/html"
TOO_MANY: Final = 23_000
MESSAGE_RATE: Final = 30_009
IN_FLIGHT: Final = 30_010
DEFAULT_REFUSAL: Final = 21_733
_SLOW: Final = frozenset({FaultKind.SLOW_ACK, FaultKind.FILLS_BEFORE_ACK})
_ON_SOCKET: Final = {
    FaultKind.WS_THROTTLED: (TOO_MANY, "Too Many Requests!"),
    FaultKind.WS_RATE: (MESSAGE_RATE, "Too Many Websocket Messages!"),
    FaultKind.WS_IN_FLIGHT: (IN_FLIGHT, "Too Many Inflight Messages!"),
}
_ON_REQUEST: Final = (
    frozenset(FaultKind) & (MUTATIONS - {FaultKind.EMPTY_POSITIONS})
    | _SLOW
    | {
        FaultKind.THROTTLED,
        FaultKind.FIREWALL,
        FaultKind.BAD_GATEWAY,
        FaultKind.MAINTENANCE,
        FaultKind.NONCE_STORM,
        FaultKind.REFUSE,
        FaultKind.REQUEST_LOST,
        FaultKind.REPLY_LOST,
        FaultKind.REFUSAL_LOST,
    }
)
_ON_SENDING: Final = (
    _SLOW | {FaultKind.NONCE_STORM, FaultKind.REFUSE, FaultKind.REPLY_LOST, FaultKind.REQUEST_LOST}
) | {FaultKind.REFUSAL_LOST}
SEND_ON_SOCKET: Final = "jsonapi/sendtx"


@dataclass(frozen=True, slots=True)
class Answer:
    """A ready reply to a request."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What happens to one request."""

    instead: Answer | None = None
    """Answer this."""
    is_carried_out: bool = True
    """Whether the request is executed all the same."""
    is_heard: bool = True
    """Whether any reply reaches the client."""
    delay_us: int = 0
    """Between the execution and the reply."""
    changes: tuple[FaultRule, ...] = ()

    def changed(self, body: bytes) -> bytes:
        """The reply's body as faults write it."""
        for rule in self.changes:
            body = mutate(rule, "", body)
        return body


PASS: Final = Verdict()


class _Message(msgspec.Struct):
    type: str = ""
    auth: object = None
    data: msgspec.Raw = msgspec.Raw()


class _Reference(msgspec.Struct):
    id: str | int | None = None


def judge(faults: Faults, path: str, now_us: int, *, has_token: bool) -> Verdict:
    """What happens to an HTTP request; several faults add up, and the first answer wins."""
    kinds = _ON_REQUEST | ({FaultKind.TOKEN_EXPIRED} if has_token else set())
    return _sum(faults.striking(kinds, path, now_us))


def judge_message(faults: Faults, text: str, now_us: int) -> tuple[Verdict, bytes | None]:
    """What happens to a client's message; a ready frame when it is answered instead of carried out."""
    try:
        message = msgspec.json.decode(text, type=_Message)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return PASS, None
    for rule in faults.striking(_ON_SOCKET, message.type, now_us):
        code, sentence = _ON_SOCKET[rule.kind]
        return PASS, _error(code, sentence)
    if message.auth and faults.striking((FaultKind.TOKEN_EXPIRED,), message.type, now_us):
        return PASS, _error(int(Code.INVALID_AUTH), "invalid auth: token expired")
    if not message.type.startswith(SEND_ON_SOCKET):  # a batch is spelled with an ending
        return PASS, None
    verdict = _sum(faults.striking(_ON_SENDING, message.type, now_us))
    if verdict.instead is None:
        return verdict, None
    head: Json = {"type": message.type, **_reference(message.data)}
    return verdict, encode({**head, **msgspec.json.decode(verdict.instead.body, type=dict)})


def is_vanishing(faults: Faults, now_us: int) -> bool:
    """Whether a reduce-only order is accepted and then silently not executed."""
    return faults.is_armed and bool(faults.striking((FaultKind.REDUCE_ONLY_DROP,), SEND_ON_SOCKET, now_us))


def refusal(code: int, message: str, status: int = 400) -> Answer:
    """The venue's own way of saying no."""
    return Answer(status, JSON, encode({"code": code, "message": message}))


def page(status: int, title: str) -> Answer:
    """A page of something that stands before the venue."""
    body = f"<html><head><title>{status} {title}</title></head><body><center><h1>{status} {title}</h1></center></body>"
    return Answer(status, HTML, f"{body}</html>\r\n".encode())


THROTTLED: Final = refusal(TOO_MANY, "Too Many Requests!", 429)
FIREWALL: Final = page(405, "Not Allowed")


def _sum(rules: list[FaultRule]) -> Verdict:
    instead: Answer | None = None
    is_carried_out = is_heard = True
    delay_us = 0
    for rule in rules:
        is_heard = is_heard and rule.kind not in {
            FaultKind.REQUEST_LOST,
            FaultKind.REPLY_LOST,
            FaultKind.REFUSAL_LOST,
        }
        is_carried_out = is_carried_out and (
            rule.kind in MUTATIONS | _SLOW | {FaultKind.REPLY_LOST, FaultKind.BAD_GATEWAY}
        )
        instead = instead or _answer(rule)
        delay_us += max(0, rule.ms) * 1_000 if rule.kind in _SLOW else 0
    return Verdict(
        instead=instead,
        is_carried_out=is_carried_out,
        is_heard=is_heard,
        delay_us=delay_us,
        changes=tuple(rule for rule in rules if rule.kind in MUTATIONS),
    )


_ANSWERS: Final = {
    FaultKind.THROTTLED: THROTTLED,
    FaultKind.FIREWALL: FIREWALL,
    FaultKind.BAD_GATEWAY: page(502, "Bad Gateway"),
    FaultKind.MAINTENANCE: page(503, "Service Temporarily Unavailable"),
    FaultKind.TOKEN_EXPIRED: refusal(int(Code.INVALID_AUTH), "invalid auth: token expired", 401),
    FaultKind.NONCE_STORM: refusal(int(Code.INVALID_NONCE), "invalid nonce"),
}


def _answer(rule: FaultRule) -> Answer | None:
    if rule.kind in {FaultKind.REFUSE, FaultKind.REFUSAL_LOST}:
        return refusal(rule.code or DEFAULT_REFUSAL, "refused")
    return _ANSWERS.get(rule.kind)


def _error(code: int, message: str) -> bytes:
    return encode({"error": {"code": code, "message": message}})


def _reference(data: msgspec.Raw) -> Json:
    try:
        reference = msgspec.json.decode(data, type=_Reference).id
    except msgspec.DecodeError:
        return {}
    return {} if reference is None else {"id": str(reference)}
