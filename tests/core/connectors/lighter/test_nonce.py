"""The nonce machine: every input has an answer in every state, and the answers are the venue's rules."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.connectors.lighter.nonce import (
    Accepted,
    Busy,
    Fetched,
    Lost,
    Ready,
    RefusedWith,
    Returned,
    Taken,
    Unknown,
    has_landed,
    step,
)

STATES = [Unknown(), Unknown(4), Ready(5), Busy(5)]
INPUTS = [Fetched(9), Taken(), Returned(), Accepted(), RefusedWith(21104), RefusedWith(21733), Lost()]


@pytest.mark.parametrize(("state", "happened"), list(itertools.product(STATES, INPUTS)))
def test_every_input_has_an_answer_in_every_state(state, happened):
    assert isinstance(step(state, happened), Unknown | Ready | Busy)


@pytest.mark.parametrize(
    ("state", "happened", "after"),
    [
        (Busy(5), Accepted(), Ready(6)),
        (Busy(5), RefusedWith(21733), Ready(5)),
        (Busy(5), RefusedWith(21104), Unknown()),
        (Busy(5), Returned(), Ready(5)),
        (Busy(5), Lost(), Unknown(5)),
        (Ready(5), Taken(), Busy(5)),
        (Unknown(4), Taken(), Unknown(4)),
        (Unknown(4), Fetched(5), Ready(5)),
        (Busy(5), Fetched(9), Busy(5)),
        (Ready(5), Accepted(), Unknown()),
    ],
)
def test_the_rules_of_the_venue(state, happened, after):
    assert step(state, happened) == after


@pytest.mark.parametrize(
    ("state", "fetched", "landed"),
    [(Unknown(5), 6, True), (Unknown(5), 9, True), (Unknown(5), 5, False), (Unknown(), 6, False), (Ready(5), 6, False)],
)
def test_only_a_counter_past_the_lost_nonce_proves_that_it_landed(state, fetched, landed):
    assert has_landed(state, fetched) is landed


class Conversation(RuleBasedStateMachine):
    """Our machine against a venue that moves its counter for what it accepts, whatever we are told of it."""

    @initialize(counter=st.integers(0, 2**40))
    def begin(self, counter):
        self.venue = counter
        self.state = Unknown()

    @precondition(lambda self: isinstance(self.state, Unknown))
    @rule()
    def fetch(self):
        lost = self.state.lost
        assert has_landed(self.state, self.venue) is (lost is not None and self.venue > lost)
        self.state = step(self.state, Fetched(self.venue))

    @precondition(lambda self: isinstance(self.state, Ready))
    @rule(end=st.sampled_from(["accepted", "refused", "stopped", "lost before", "lost after"]))
    def send(self, end):
        self.state = step(self.state, Taken())
        assert self.state == Busy(self.venue), "signed with a nonce the venue does not expect"
        if end in {"accepted", "lost after"}:
            self.venue += 1
        happened = {"accepted": Accepted(), "refused": RefusedWith(21733), "stopped": Returned()}.get(end, Lost())
        self.state = step(self.state, happened)

    @precondition(lambda self: isinstance(self.state, Ready))
    @rule(by=st.integers(1, 3))
    def somebody_else_uses_the_key(self, by):
        self.venue += by
        self.state = step(step(self.state, Taken()), RefusedWith(21104))

    @invariant()
    def a_nonce_called_ready_is_the_venues(self):
        if isinstance(getattr(self, "state", None), Ready):
            assert self.state.nonce == self.venue


TestConversation = Conversation.TestCase


@given(st.lists(st.sampled_from(INPUTS), max_size=30))
def test_any_history_ends_in_a_state_that_a_fetch_makes_usable(history):
    state = Unknown()
    for happened in history:
        state = step(state, happened)
    if isinstance(state, Busy):
        state = step(state, Lost())
    assert step(state, Fetched(3)) == Ready(3)
