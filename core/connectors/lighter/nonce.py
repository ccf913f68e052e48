"""The nonce of one API key as a total state machine: what to sign next, and when only the venue can say.

The venue wants each nonce to be the last one plus one, per (account, key), and moves its counter only for what it
accepts (measured; apidocs.lighter.xyz/docs/api-keys). So a business refusal keeps the nonce, an acceptance spends it,
and after anything else nobody here knows: it is read again before the next signature. Any input in any state has an
answer.
"""

from dataclasses import dataclass
from typing import Final, assert_never

INVALID_NONCE: Final = 21104


@dataclass(frozen=True, slots=True)
class Unknown:
    """Only the venue knows the next nonce."""

    lost: int | None = None
    """A nonce whose request went out and never got a clear answer."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Free, and the next nonce is known."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Busy:
    """A transaction with this nonce is being signed or sent; a second one now would lose at the venue's gate."""

    nonce: int


NonceState = Unknown | Ready | Busy


@dataclass(frozen=True, slots=True)
class Fetched:
    """The venue says which nonce is next."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The nonce is about to be signed with."""


@dataclass(frozen=True, slots=True)
class Returned:
    """It was not sent after all."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The API took the transaction, or all of a batch."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class RefusedWith:
    """The API refused the transaction with a code of its own."""

    code: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Sent, and no clear answer came: timeout, dropped connection, 5xx, a proxy's page, a cancelled wait."""


NonceInput = Fetched | Taken | Returned | Accepted | RefusedWith | Lost


def step(state: NonceState, happened: NonceInput) -> NonceState:
    """The next state. What makes no sense in a state leads to `Unknown`: reading again is always safe."""
    match happened:
        case Fetched(nonce):
            return state if isinstance(state, Busy) else Ready(nonce)
        case Taken():
            return Busy(state.nonce) if isinstance(state, Ready) else Unknown(_lost(state))
        case Returned():
            return Ready(state.nonce) if isinstance(state, Busy) else state
        case Accepted(count):
            return Ready(state.nonce + count) if isinstance(state, Busy) else Unknown(_lost(state))
        case RefusedWith(code):
            is_kept = isinstance(state, Busy) and code != INVALID_NONCE
            return Ready(state.nonce) if is_kept and isinstance(state, Busy) else Unknown()
        case Lost():
            return Unknown(_lost(state))
        case _:
            assert_never(happened)


def has_landed(state: NonceState, fetched: int) -> bool:
    """Whether a lost transaction is proven to have landed: the venue's counter moved past its nonce.

    The opposite proves nothing: the request may still be under way.
    """
    return isinstance(state, Unknown) and state.lost is not None and fetched > state.lost


def _lost(state: NonceState) -> int | None:
    match state:
        case Busy(nonce):
            return nonce
        case Unknown(lost):
            return lost
        case Ready():
            return None
        case _:
            assert_never(state)
