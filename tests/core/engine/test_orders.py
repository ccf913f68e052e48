"""The order table: total, closed where it must be, and never silent about what must not happen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.orders import Trigger, advance, moved, open_status, shown
from core.errors import InvariantBroken
from core.model import CLOSED, OPEN, Order, OrderStatus
from core.units import ZERO, ClientOrderId, Decimal, VenueOrderId
from tests.support.risk_world import intent

S = OrderStatus
T = Trigger
SHOWN = {T.SHOW_OPEN, T.SHOW_FILLED, T.SHOW_CANCELED, T.SHOW_REJECTED, T.SHOW_EXPIRED}
SENT = set(S) - {S.QUEUED, S.DENIED}


def outcome(status: OrderStatus, trigger: Trigger) -> OrderStatus | None:
    try:
        return advance(status, trigger)
    except InvariantBroken:
        return None


QUEUE_ONLY = {T.DROP, T.SEND}
IMPOSSIBLE = {
    **{ended: {*QUEUE_ONLY, T.ASK_CANCEL, T.ASK_CHANGE} for ended in CLOSED - {S.DENIED}},
    S.ACCEPTED: QUEUE_ONLY,
    S.PARTIALLY_FILLED: QUEUE_ONLY,
    S.PENDING_CANCEL: {*QUEUE_ONLY, T.ASK_CHANGE},
    S.SUBMITTING: {*QUEUE_ONLY, T.ASK_CHANGE},
    S.UNKNOWN: {*QUEUE_ONLY, T.ASK_CHANGE, T.DENY, T.REFUSE},
    S.QUEUED: set(T) - {T.DENY, T.DROP, T.SEND, T.ASK_CHANGE},
    S.DENIED: set(T),
}
"""Everything that must never happen, once more and by status: what we do to an order that is not there for it."""


@pytest.mark.parametrize("trigger", T)
@pytest.mark.parametrize("status", S)
def test_every_pair_of_status_and_trigger_is_decided(status: OrderStatus, trigger: Trigger) -> None:
    if trigger in IMPOSSIBLE[status]:
        with pytest.raises(InvariantBroken, match=status.value):
            advance(status, trigger)
    else:
        following = advance(status, trigger)
        assert isinstance(following, OrderStatus)
        is_shown = trigger in {*SHOWN, T.EXECUTE, T.COMPLETE}
        if status.is_closed and following.may_be_live:
            assert is_shown, "only the venue brings an order back to life"
        if status.may_be_live and following.is_closed:
            assert is_shown or trigger in {T.DENY, T.REFUSE, T.LOSE, T.END_WORLD, T.KEEP}


@pytest.mark.parametrize("status", sorted(SENT, key=str))
@pytest.mark.parametrize("trigger", [*SHOWN, T.EXECUTE, T.COMPLETE])
def test_whatever_the_venue_shows_of_a_sent_order_is_taken(status: OrderStatus, trigger: Trigger) -> None:
    assert outcome(status, trigger) is not None


@pytest.mark.parametrize("status", sorted(SENT, key=str))
def test_an_order_that_the_venue_shows_open_may_be_live(status: OrderStatus) -> None:
    assert advance(status, T.SHOW_OPEN).may_be_live


@pytest.mark.parametrize("status", [S.QUEUED, S.DENIED])
@pytest.mark.parametrize("trigger", [*SHOWN, T.EXECUTE, T.COMPLETE, T.REFUSE, T.UNRESOLVE, T.LOSE])
def test_nothing_of_the_venue_reaches_an_order_that_was_never_sent(status: OrderStatus, trigger: Trigger) -> None:
    with pytest.raises(InvariantBroken):
        advance(status, trigger)


@pytest.mark.parametrize(
    ("status", "trigger", "expected"),
    [
        (S.QUEUED, T.SEND, S.SUBMITTING),
        (S.QUEUED, T.DENY, S.DENIED),
        (S.QUEUED, T.DROP, S.CANCELED),
        (S.SUBMITTING, T.REFUSE, S.REJECTED),
        (S.SUBMITTING, T.UNRESOLVE, S.UNKNOWN),
        (S.SUBMITTING, T.COMPLETE, S.FILLED),
        (S.UNKNOWN, T.SHOW_OPEN, S.ACCEPTED),
        (S.ACCEPTED, T.ASK_CANCEL, S.PENDING_CANCEL),
        (S.ACCEPTED, T.REFUSE, S.ACCEPTED),
        (S.ACCEPTED, T.UNRESOLVE, S.ACCEPTED),
        (S.PENDING_CANCEL, T.KEEP, S.ACCEPTED),
        (S.PENDING_CANCEL, T.SHOW_OPEN, S.PENDING_CANCEL),
        (S.PENDING_CANCEL, T.EXECUTE, S.PENDING_CANCEL),
        (S.CANCELED, T.EXECUTE, S.CANCELED),
        (S.CANCELED, T.COMPLETE, S.FILLED),
        (S.REJECTED, T.EXECUTE, S.PARTIALLY_FILLED),
        (S.FILLED, T.SHOW_CANCELED, S.FILLED),
    ],
)
def test_the_walks_that_matter(status: OrderStatus, trigger: Trigger, expected: OrderStatus) -> None:
    assert advance(status, trigger) is expected


def test_a_sent_order_never_returns_to_the_queue() -> None:
    for status in SENT:
        for trigger in T:
            assert outcome(status, trigger) is not S.QUEUED


def test_an_unknown_order_is_never_sent_again() -> None:
    with pytest.raises(InvariantBroken, match="unknown was told to send"):
        advance(S.UNKNOWN, T.SEND)


@pytest.mark.parametrize("status", sorted(set(S) - {*OPEN, *CLOSED}, key=str))
def test_a_venue_cannot_report_what_only_we_know(status: OrderStatus) -> None:
    with pytest.raises(InvariantBroken):
        shown(status)


@given(st.sampled_from(sorted(SENT, key=str)), st.lists(st.sampled_from([*SHOWN, T.EXECUTE, T.COMPLETE])))
def test_any_sequence_of_facts_has_an_end_state(status: OrderStatus, facts: list[Trigger]) -> None:
    for trigger in facts:
        status = advance(status, trigger)
    assert status in SENT


def test_open_orders_say_whether_they_are_partly_filled() -> None:
    assert open_status(S.ACCEPTED, Decimal(1)) is S.PARTIALLY_FILLED
    assert open_status(S.PARTIALLY_FILLED, ZERO) is S.ACCEPTED
    assert open_status(S.PENDING_CANCEL, Decimal(1)) is S.PENDING_CANCEL


def test_an_order_that_moves_keeps_everything_else() -> None:
    order = Order(
        intent=intent(),
        status=OrderStatus.SUBMITTING,
        client_id=ClientOrderId(3),
        venue_id=VenueOrderId(4),
        filled=Decimal("0.5"),
        filled_quote=Decimal(1_000),
        reason="before",
        created_us=5,
        updated_us=6,
    )
    assert moved(order, OrderStatus.ACCEPTED, "after", 7) == replace(
        order, status=OrderStatus.ACCEPTED, reason="after", updated_us=7
    )
