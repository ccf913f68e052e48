"""What the journal's log is told of every wish, of every transaction and its outcome, and of changed settings. Pure.

Every command is entered as it came, field by field, so that a new kind of command is entered without a word here.
"""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Final, assert_never

from core.clock import Instant
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.engine.effects import EngineInput
from core.engine.records import Details, SavedCommand, SavedLog
from core.events import CancelAllResolved, CancelSendResolved, ModifySendResolved, OrderSendResolved, TransactionSigned
from core.model import Origin
from core.units import ClientOrderId, MarketId, VenueOrderId

COMMAND: Final = "command"
SIGNED: Final = "signed"
OUTCOME: Final = "outcome"
SETTINGS: Final = "settings"

_WHOSE: Final = {
    OrderSendResolved: "order",
    CancelSendResolved: "cancel",
    ModifySendResolved: "change",
    CancelAllResolved: "cancel all",
}

_AS_IT_IS: Final = (str, int)
_NAMES: Final[dict[type, tuple[str, ...]]] = {}
"""The fields of every kind of value that was entered so far."""
_OUTCOMES: Final = (Sent, Refused, Unresolved)

_Plain = str | int | bool | None


def command_entry(saved: SavedCommand) -> SavedLog:
    """A wish, as it came."""
    command = saved.command
    details: dict[str, _Plain] = {}
    _flat("", command, details)
    name = _words(type(command).__name__)
    origin = str(details.get("origin") or details.get("by") or "")
    client_id, venue_id = _number(details.get("client_id")), _number(details.get("venue_id"))
    market_id = _number(details.get("market_id", details.get("intent.market_id")))
    return SavedLog(
        at_us=saved.at_us,
        kind=COMMAND,
        text=f"{name} by {origin}" if origin else name,
        client_id=None if client_id is None else ClientOrderId(client_id),
        venue_id=None if venue_id is None else VenueOrderId(venue_id),
        market_id=None if market_id is None else MarketId(market_id),
        origin=origin,
        details=details,
    )


def event_entry(event: EngineInput, now: Instant) -> SavedLog | None:
    """What is entered of a fact by itself: transactions and their outcomes. The others show in what they change."""
    if isinstance(event, TransactionSigned):
        text = f"{event.what} signed with key {event.api_key_index}, nonce {event.nonce}, hash {event.tx_hash}"
        details: Details = {"hash": event.tx_hash, "nonce": event.nonce, "key": event.api_key_index}
        return SavedLog(
            at_us=now.utc_us,
            kind=SIGNED,
            text=text,
            client_id=event.client_id,
            venue_id=event.venue_id,
            market_id=event.market_id,
            details=details,
        )
    outcome: object = getattr(event, "outcome", None)
    return _outcome_entry(event, outcome, now) if isinstance(outcome, _OUTCOMES) else None


def _outcome_entry(event: EngineInput, outcome: TxOutcome, now: Instant) -> SavedLog:
    """What became of a transaction, whichever it was."""
    text, details = _outcome(outcome)
    return SavedLog(
        at_us=now.utc_us,
        kind=OUTCOME,
        text=f"{_WHOSE.get(type(event)) or _words(type(event).__name__)}: {text}",
        client_id=getattr(event, "client_id", None),
        venue_id=getattr(event, "venue_id", None),
        market_id=getattr(event, "market_id", None),
        details=details,
    )


def settings_entry(before: str, after: str, now: Instant) -> SavedLog:
    """Which settings differ from those of the run before; both are JSON with secrets hidden."""
    old, new = dict(_leaves("", before)), dict(_leaves("", after))
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    told = ", ".join(f"{name} {old.get(name, 'unset')} -> {new.get(name, 'unset')}" for name in changed)
    return SavedLog(
        at_us=now.utc_us, kind=SETTINGS, text=told if before else "the first settings", details={"settings": after}
    )


def _outcome(outcome: TxOutcome) -> tuple[str, Details]:
    match outcome:
        case Sent(tx_hash, sent_ns, acked_ns):
            took_us = (acked_ns - sent_ns) // 1_000
            return f"taken by the venue's API in {took_us} us", {"hash": tx_hash, "took_us": took_us}
        case Refused(0, detail):
            return f"not sent: {detail}", {"code": 0}
        case Refused(code, detail):
            return f"refused: {detail} ({code})", {"code": code}
        case Unresolved(cause, tx_hash):
            return f"in doubt: {cause}", {"hash": tx_hash}
        case other:
            assert_never(other)


def _flat(prefix: str, value: object, into: dict[str, _Plain]) -> None:
    """The fields of a value and of the values in it, by their dotted names; money as text."""
    if value is None or isinstance(value, _AS_IT_IS):
        into[prefix] = value
    elif isinstance(value, Decimal):
        into[prefix] = str(value)
    elif isinstance(value, Enum):
        into[prefix] = str(value.value)
    elif isinstance(value, Origin):
        into[prefix] = str(value)
    elif names := _names(type(value)):
        for name in names:
            _flat(f"{prefix}.{name}" if prefix else name, getattr(value, name), into)
    else:
        into[prefix] = repr(value)


def _names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass; none of anything else. An order waits for the entry of its wish to be durable too."""
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(one.name for one in fields(kind)) if is_dataclass(kind) else ()
    return names


def _leaves(prefix: str, text: str) -> Iterator[tuple[str, str]]:
    """Every setting of a JSON document by its dotted name."""
    pending: list[tuple[str, object]] = [(prefix, json.loads(text) if text else {})]
    while pending:
        name, value = pending.pop()
        if isinstance(value, dict) and value:
            pending += [(f"{name}.{key}".lstrip("."), inner) for key, inner in value.items()]
        elif name:
            yield name, json.dumps(value, ensure_ascii=False)


@cache
def _words(name: str) -> str:
    """`SubmitOrder` as `submit order`."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _number(value: _Plain) -> int | None:
    return value if isinstance(value, int) else None
