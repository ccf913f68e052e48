"""The tokens of private reads and streams, minted by whichever key answers.

A token is good for the whole account, whoever of its keys minted it (apidocs.lighter.xyz/docs/api-keys). So a signing
library that hangs on one key holds up nothing that another key can open: the second key is asked after a short wait,
and for what a kill needs both are asked at once.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from core.clock import SECOND_US, Clock
from core.errors import AuthRejected, LinkDown

_LIFE_S: Final = 7 * 3_600
"""The venue honours none beyond 8 hours."""
_RENEW_S: Final = 6 * 3_600
_HEAD_START_S: Final = 0.25
"""How long the first key is waited for alone: hundreds of times what it takes."""
_PATIENCE_S: Final = 5.0
"""So long without an answer of any key, and whoever wants a token hears that there is none."""
_ANY: Final = asyncio.FIRST_COMPLETED


class Minter(Protocol):
    """One key's signer, as far as tokens go."""

    async def auth_token(self, deadline_s: int) -> str:
        """A token that the venue accepts until `deadline_s` (Unix seconds).

        Raises:
            AuthRejected: the library could not mint one.
            LinkDown: the signer is closed.
        """
        ...


class Tokens:
    """Tokens of one account."""

    def __init__(self, first: Minter, clock: Clock) -> None:
        """`first` mints when all is well."""
        self._minters: Final = [first]
        self._clock: Final = clock
        self._token = ""
        self._minted_s = 0

    def also(self, minter: Minter) -> None:
        """Another key of the account, for when those before it do not answer."""
        self._minters.append(minter)

    async def token(self, *, is_urgent: bool = False) -> str:
        """A token good for an hour at least. An urgent one is minted by all keys at once: whoever is first.

        Raises:
            AuthRejected: no key could mint one.
            LinkDown: no signer answers, or they are closed.
        """
        if self._token and self._now_s() - self._minted_s < _RENEW_S:
            return self._token
        return await self.fresh(is_urgent=is_urgent)

    async def fresh(self, *, is_urgent: bool = False) -> str:
        """A token minted now, for a stream that should live long on it; until it is there the one before it serves.

        Raises:
            AuthRejected: no key could mint one.
            LinkDown: no signer answers, or they are closed.
        """
        now_s = self._now_s()
        token = await self._mint(now_s + _LIFE_S, 0.0 if is_urgent else _HEAD_START_S)
        self._token, self._minted_s = token, now_s
        return token

    async def _mint(self, deadline_s: int, head_start_seconds: float) -> str:
        """The first answer; leaves no task behind, and what no signer began is not carried out."""
        asked: list[asyncio.Task[str]] = []
        try:
            for number, minter in enumerate(self._minters, 1):
                asked.append(asyncio.create_task(minter.auth_token(deadline_s)))
                is_last = number == len(self._minters)
                token = await _first(asked, _PATIENCE_S if is_last else head_start_seconds)
                if token:
                    return token
            raise next(
                filter(None, map(_failure, asked)), LinkDown("no auth token: the signing library does not answer")
            )
        finally:
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    def _now_s(self) -> int:
        return self._clock.now().utc_us // SECOND_US


async def _first(asked: Sequence[asyncio.Task[str]], patience_seconds: float) -> str | None:
    """The first token that one of them gives; None when all failed, or none answers any more for so long."""
    while True:
        for one in asked:
            if one.done() and _failure(one) is None:
                return one.result()
        waiting = [one for one in asked if not one.done()]
        if not waiting or not (await asyncio.wait(waiting, timeout=patience_seconds, return_when=_ANY))[0]:
            return None


def _failure(asked: asyncio.Task[str]) -> LinkDown | AuthRejected | None:
    """Why it gave no token; None when it gave one, or has not answered."""
    error = asked.exception() if asked.done() else None
    if error is None or isinstance(error, LinkDown | AuthRejected):
        return error
    raise error
