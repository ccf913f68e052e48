"""What the log is told: every command field by field, every transaction with its outcome, every changed setting."""

from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import get_args, get_origin, get_type_hints

import pytest

from core.clock import ManualClock
from core.commands import CancelOrder, Command, Kill, SubmitOrder, TripBreaker
from core.decisions import Refused, Sent, Unresolved
from core.engine.effects import Persist, SendCancelAll
from core.engine.entries import command_entry, event_entry, settings_entry
from core.engine.records import SavedCommand, SavedLog
from core.events import (
    CancelAllResolved,
    CancelSendResolved,
    OrderSendResolved,
    Ticked,
    TransactionSigned,
)
from core.model import OrderIntent, Origin, OriginKind
from core.units import ApiKeyIndex, ClientOrderId, MarketId, VenueOrderId
from tests.support.fake_connector import intent
from tests.support.machine import Bench

NOW = ManualClock().now()


def entry_of(command: Command) -> SavedLog:
    """What the log is told of a command."""
    return command_entry(SavedCommand(at_us=NOW.utc_us, command=command))


def sample(kind: object) -> object:
    """A value of any kind of a command's field, and so any command: required fields filled by their types."""
    kind = getattr(kind, "__supertype__", kind)  # a NewType is a number with a name
    if kind is OrderIntent:
        return intent()
    if get_args(kind):
        return () if get_origin(kind) is tuple else sample(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        is_needed = {one.name: one.default is MISSING and one.default_factory is MISSING for one in fields(kind)}
        return kind(**{name: sample(hints[name]) for name, needed in is_needed.items() if needed})
    return {str: "words", int: 5, bool: True, Decimal: Decimal("1.5")}[kind]


@pytest.mark.parametrize("kind", get_args(Command))
def test_every_command_is_journalled_with_all_its_fields(kind: type) -> None:
    bench = Bench()
    command = sample(kind)
    effects = bench.machine.on_command(command, bench.now)
    told = [
        command_entry(record)
        for effect in effects
        if isinstance(effect, Persist)
        for record in effect.records
        if isinstance(record, SavedCommand)
    ]
    assert len(told) == 1
    shown = {name.split(".")[0] for name in told[0].details}
    assert shown == {one.name for one in fields(kind)}


def test_nothing_is_written_before_the_cancel_all_of_a_kill() -> None:
    bench = Bench()
    bench.connect()
    effects = bench.machine.on_command(Kill(by="operator", pressed_ns=bench.now.mono_ns), bench.now)
    kinds = [type(effect) for effect in effects]
    assert kinds.index(SendCancelAll) < kinds.index(Persist)


def test_a_command_names_its_order_and_whoever_wanted_it() -> None:
    maker = Origin(OriginKind.STRATEGY, "maker")
    submit = entry_of(SubmitOrder(intent=intent(), origin=maker))
    assert (submit.kind, submit.text, submit.origin) == ("command", "submit order by strategy maker", "strategy maker")
    assert submit.market_id == intent().market_id
    assert submit.details["intent.size"] == str(intent().size)
    cancel = entry_of(CancelOrder(market_id=MarketId(3), venue_id=VenueOrderId(2**50)))
    assert (cancel.market_id, cancel.venue_id, cancel.client_id) == (3, 2**50, None)
    trip = entry_of(TripBreaker(by="operator", reason="odd prices"))
    assert (trip.origin, trip.details["reason"]) == ("operator", "odd prices")


def test_a_signed_transaction_is_entered_without_anything_that_signs() -> None:
    signed = TransactionSigned(
        what="create order",
        tx_hash="ab" * 40,
        nonce=17,
        api_key_index=ApiKeyIndex(5),
        market_id=MarketId(1),
        client_id=ClientOrderId(9),
    )
    entry = event_entry(signed, NOW)
    assert entry is not None
    assert (entry.kind, entry.client_id, entry.market_id) == ("signed", 9, 1)
    assert dict(entry.details) == {"hash": "ab" * 40, "nonce": 17, "key": 5}


@pytest.mark.parametrize(
    ("outcome", "words", "details"),
    [
        (Sent(tx_hash="aa", sent_ns=1_000_000, acked_ns=3_500_000), "taken by the venue's API", {"hash": "aa"}),
        (Refused(21104, "invalid nonce"), "refused: invalid nonce (21104)", {"code": 21104}),
        (Refused(0, "killed"), "not sent: killed", {"code": 0}),
        (Unresolved("no answer", "bb"), "in doubt: no answer", {"hash": "bb"}),
    ],
)
def test_every_outcome_is_entered(outcome, words: str, details: dict) -> None:
    for event in (
        OrderSendResolved(client_id=ClientOrderId(9), outcome=outcome),
        CancelSendResolved(market_id=MarketId(1), client_id=ClientOrderId(9), venue_id=None, outcome=outcome),
        CancelAllResolved(market_id=None, outcome=outcome),
    ):
        entry = event_entry(event, NOW)
        assert entry is not None
        assert entry.kind == "outcome"
        assert words in entry.text
        assert details.items() <= dict(entry.details).items()
    assert event_entry(Ticked(), NOW) is None


def test_changed_settings_are_named_with_before_and_after() -> None:
    before = '{"risk": {"max_open_orders": 60, "markets": {}}, "markets": ["ETH"]}'
    after = '{"risk": {"max_open_orders": 90, "markets": {}}, "markets": ["ETH"], "desk": {"fps": 5}}'
    entry = settings_entry(before, after, NOW)
    assert entry.text == "desk.fps unset -> 5, risk.max_open_orders 60 -> 90"
    assert entry.details["settings"] == after
    assert settings_entry("", after, NOW).text == "the first settings"
