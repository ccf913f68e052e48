"""What faults do to the stream of one socket: a frame in, what becomes of it out. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from core.connectors.venue.faults import FaultKind, FaultRule, Faults
from core.connectors.venue.views import encode

NORMAL: Final = 1000
"""Close code of a socket that is closed in order."""
_BOOK_UPDATE: Final = "update/order_book"
_UNTOUCHED: Final = frozenset({"connected", "pong", "ping"})
MUTATIONS: Final = frozenset(
    {
        FaultKind.STALE_UPDATED_AT,
        FaultKind.NULL_ARRAYS,
        FaultKind.EXTRA_FIELDS,
        FaultKind.BROKEN_POSITIONS,
        FaultKind.EMPTY_POSITIONS,
    }
)
FRAME_FAULTS: Final = MUTATIONS | {
    FaultKind.DROP,
    FaultKind.DUPLICATE,
    FaultKind.REORDER,
    FaultKind.DELAY,
    FaultKind.BOOK_GAP,
    FaultKind.LATE_SNAPSHOT,
    FaultKind.FILLS_AFTER_CANCEL,
    FaultKind.SILENT,
    FaultKind.HALF_OPEN,
    FaultKind.CLOSE,
    FaultKind.CUT,
    FaultKind.SHUTDOWN,
}
_UPDATES_ONLY: Final = frozenset({FaultKind.BOOK_GAP, FaultKind.SILENT, FaultKind.FILLS_AFTER_CANCEL})
_SNAPSHOTS_ONLY: Final = frozenset({FaultKind.LATE_SNAPSHOT})
_LATE: Final = frozenset({FaultKind.DELAY, FaultKind.LATE_SNAPSHOT, FaultKind.FILLS_AFTER_CANCEL})
_LOST: Final = frozenset({FaultKind.DROP, FaultKind.BOOK_GAP, FaultKind.SILENT, FaultKind.HALF_OPEN})


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send this, after a while when there is one."""

    body: bytes
    delay_us: int = 0


@dataclass(frozen=True, slots=True)
class Hangup:
    """Close in order, after a while when there is one."""

    delay_us: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """Send the first half of this and end the connection."""

    body: bytes


Act: TypeAlias = Deliver | Hangup | Cut


class _Head(msgspec.Struct):
    type: str = ""
    channel: str = ""


class FaultyStream:
    """The frames to one socket, as the faults leave them."""

    def __init__(self, faults: Faults) -> None:
        """Nothing held back."""
        self._faults: Final = faults
        self._held: Final[dict[str, bytes]] = {}

    def passing(self, body: bytes, now_us: int) -> list[Act]:
        """What becomes of a frame."""
        head = msgspec.json.decode(body, type=_Head)
        if head.type in _UNTOUCHED:
            return [Deliver(body)]
        rules = self._faults.striking(_kinds(head), head.channel or head.type, now_us)
        acts: list[Act] = [Deliver(body)]
        for rule in rules:
            acts = _strike(rule, head, acts)
        held = self._held.pop(head.channel, None) if acts else None
        if any(rule.kind is FaultKind.REORDER for rule in rules) and held is None and acts:
            self._held[head.channel] = body
            return []
        return acts if held is None else [*acts, Deliver(held)]


def _strike(rule: FaultRule, head: _Head, acts: list[Act]) -> list[Act]:
    """What is left of the acts when this rule has struck."""
    match rule.kind:
        case kind if kind in _LOST:
            done: list[Act] = []
        case FaultKind.DUPLICATE:
            done = [again for act in acts for again in (act, act)]
        case FaultKind.CLOSE:
            done = [Hangup()]
        case FaultKind.CUT:
            done = [Cut(act.body) for act in acts[:1] if isinstance(act, Deliver)]
        case FaultKind.SHUTDOWN:
            notice = encode({"type": "shutdown", "close_in_ms": rule.ms})
            done = [*acts, Deliver(notice), Hangup(rule.ms * 1_000)]
        case kind if kind in _LATE:
            done = [_later(act, rule.ms * 1_000) for act in acts]
        case kind if kind in MUTATIONS:
            done = [_changed(rule, head.type, act) for act in acts]
        case _:
            done = acts
    return done


def mutate(rule: FaultRule, kind: str, body: bytes) -> bytes:
    """A frame or a reply as the fault writes it; `kind` is a frame's type, empty for a reply."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
    match rule.kind:
        case FaultKind.NULL_ARRAYS:
            value = _walk(value, lambda each: None if each in ([], {}) else each)
        case FaultKind.EXTRA_FIELDS:
            value = _walk(value, _with_strangers)
        case FaultKind.STALE_UPDATED_AT:
            value = _walk(value, lambda each: _aged(each, rule.ms))
        case FaultKind.BROKEN_POSITIONS:
            value = _walk(value, _unreadable)
        case FaultKind.EMPTY_POSITIONS if kind.startswith("subscribed/") and isinstance(value, dict):
            value["positions"] = {}
        case _:
            return body
    return encode(value)


def _kinds(head: _Head) -> frozenset[FaultKind]:
    """Faults that can strike this frame; the others do not throw their dice for it."""
    if head.type.startswith("update/"):
        gap = frozenset() if head.type == _BOOK_UPDATE else frozenset({FaultKind.BOOK_GAP})
        return FRAME_FAULTS - _SNAPSHOTS_ONLY - gap - {FaultKind.EMPTY_POSITIONS}
    if head.type.startswith("subscribed/"):
        return FRAME_FAULTS - _UPDATES_ONLY
    return FRAME_FAULTS - _UPDATES_ONLY - _SNAPSHOTS_ONLY - MUTATIONS


def _later(act: Act, by_us: int) -> Act:
    return Deliver(act.body, act.delay_us + max(0, by_us)) if isinstance(act, Deliver) else act


def _changed(rule: FaultRule, kind: str, act: Act) -> Act:
    return Deliver(mutate(rule, kind, act.body), act.delay_us) if isinstance(act, Deliver) else act


def _walk(value: object, change: Callable[[object], object]) -> object:
    if isinstance(value, dict):
        return change({key: _walk(each, change) for key, each in value.items()})
    if isinstance(value, list):
        return change([_walk(each, change) for each in value])
    return value


def _with_strangers(value: object) -> object:
    """Only objects with fixed members grow: in a map from market to value a stranger would be a market."""
    if not isinstance(value, dict) or any(key.isdigit() for key in value) or not value:
        return value
    return {**value, "x_new_field": {"a": [1, None, "b"]}, "x_new_flag": True}


def _aged(value: object, by_ms: int) -> object:
    """`updated_at` counts seconds."""
    if not isinstance(value, Mapping) or not isinstance(value.get("updated_at"), int):
        return value
    return {**value, "updated_at": value["updated_at"] - by_ms // 1_000}


def _unreadable(value: object) -> object:
    if not isinstance(value, Mapping) or not isinstance(value.get("position"), str):
        return value
    return {**value, "position": "not-a-number"}
