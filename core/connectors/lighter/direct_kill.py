"""A kill without an engine: one key, REST alone, cancel-all until the venue's own list is empty, and stays so.

For the hour when the engine hangs or is gone. It knows no order but those the venue lists, and works beside a wedged
engine on the same account: a nonce taken by the other is asked for anew.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.clock import MILLISECOND_NS, Clock
from core.connectors.base import OrderRef
from core.connectors.lighter.encode import CancelAllTx, encode_cancel
from core.connectors.lighter.lane import Lane, Roads, Urgency
from core.connectors.lighter.rest import RestClient
from core.connectors.lighter.settings import LighterSettings
from core.connectors.lighter.signer import Signer
from core.connectors.lighter.tokens import Tokens
from core.connectors.lighter.venue_api import VenueApi
from core.decisions import Refused, Sent, Unresolved
from core.errors import AuthRejected, LinkDown, ProtocolViolation
from core.events import OrderReport

_PAUSE_S: Final = 0.25
_APART_NS: Final = 300 * MILLISECOND_NS
"""Two empty lists this far apart confirm: the venue queues a transaction for up to 300 ms after it took it (apidocs,
account types: latency)."""
_SINGLES_AFTER: Final = 2
_SINGLES_AT_ONCE: Final = 8
"""Single cancels between two looks at the list."""
_TROUBLE: Final = (LinkDown, AuthRejected, ProtocolViolation)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectEnd:
    """How it ended."""

    is_confirmed: bool
    detail: str


class DirectKill:
    """One kill of one account; `run` once."""

    def __init__(self, settings: LighterSettings, clock: Clock, tell: Callable[[str, Decimal, str], None]) -> None:
        """`tell` hears each phase, the milliseconds since the press, and details."""
        self._clock: Final = clock
        self._tell: Final = tell
        self._rest: Final = RestClient(settings.url, settings.request_timeout_s, clock)
        index, key = settings.kill_api_key_index, settings.kill_private_key
        if index is None or key is None:
            index, key = settings.api_key_index, settings.private_key
        self._signer: Final = Signer(
            chain_id=settings.chain_id, account_index=settings.account_index, api_key_index=index, private_key=key
        )
        roads = Roads(rest=self._rest, socket=None, clock=clock)
        self._lane: Final = Lane(self._signer, roads, settings.account_index, settings.request_timeout_s)
        self._api: Final = VenueApi(self._rest, Tokens(self._signer, clock), settings.account_index, clock)
        self._pressed_ns = 0
        self._attempts = 0
        self._left: tuple[OrderReport, ...] | None = None
        """The venue's newest list; None while it cannot be had."""
        self._was_taken = False
        """The venue took a cancel-all: before that an empty list proves nothing about what is on its way."""
        self._empty_ns: int | None = None
        """Since when its lists are empty."""
        self._trouble = ""

    async def run(self, pressed_ns: int, limit_s: int) -> DirectEnd:
        """Cancel until confirmed, for `limit_s` seconds at most.

        Raises:
            ConfigError: the key is malformed, or this platform has no signer.
        """
        self._pressed_ns = pressed_ns
        self._rest.open()
        try:
            await self._signer.start()
            self._say("requested", f"with API key {self._signer.api_key_index}")
            async with asyncio.timeout(limit_s):
                await self._until_empty()
            return DirectEnd(is_confirmed=True, detail="the venue lists no open order")
        except TimeoutError:
            return DirectEnd(is_confirmed=False, detail=self._verdict())
        finally:
            self._signer.close()
            await self._rest.close()

    async def _until_empty(self) -> None:
        while True:
            try:
                if self._left or not self._was_taken:
                    await self._cancel()
                await self._look()
            except _TROUBLE as error:
                self._left, self._empty_ns = None, None
                self._complain(str(error))
            if (
                self._was_taken
                and self._empty_ns is not None
                and self._clock.now().mono_ns - self._empty_ns >= _APART_NS
            ):
                self._say("confirmed", "the venue lists no open order")
                return
            await asyncio.sleep(_PAUSE_S)

    async def _cancel(self) -> None:
        self._attempts += 1
        outcome = await self._lane.send(CancelAllTx(), _open_gate, Urgency.CANCEL_ALL, self._on_sent)
        self._empty_ns = None
        if isinstance(outcome, Sent):
            self._was_taken = True
        elif isinstance(outcome, Unresolved):
            self._complain(f"the cancel-all is in doubt: {outcome.cause}")
        else:
            self._complain(f"the cancel-all was refused: {outcome.detail} ({outcome.code})")
        if self._attempts > _SINGLES_AFTER:
            for report in (self._left or ())[:_SINGLES_AT_ONCE]:
                single = encode_cancel(OrderRef(market_id=report.market_id, venue_id=report.venue_id))
                if not isinstance(single, Refused):
                    await self._lane.send(single, _open_gate, Urgency.CANCEL)

    async def _look(self) -> None:
        asked_ns = self._clock.now().mono_ns
        self._left = await self._api.open_orders()
        if self._left:
            self._empty_ns = None
            self._say("listed", f"{len(self._left)} still open at the venue")
        elif self._empty_ns is None:
            self._empty_ns = asked_ns

    def _on_sent(self, sent_ns: int) -> None:
        if self._attempts == 1:
            self._say("sent", "the cancel-all left", sent_ns)

    def _complain(self, text: str) -> None:
        if text != self._trouble:
            self._say("failing", text)
        self._trouble = text

    def _say(self, phase: str, detail: str, at_ns: int | None = None) -> None:
        at_ns = self._clock.now().mono_ns if at_ns is None else at_ns
        self._tell(phase, Decimal(at_ns - self._pressed_ns).scaleb(-6), detail)

    def _verdict(self) -> str:
        if self._left is None:
            return f"what is open at the venue is not known: {self._trouble or 'no answer in time'}"
        if not self._left:
            return "the venue's list was empty once, and was not seen empty a second time"
        shown = ", ".join(f"{one.venue_id} in market {one.market_id}" for one in self._left[:5])
        return f"{len(self._left)} orders are still open at the venue: {shown}"


def _open_gate() -> str | None:
    """Cancels always pass."""
    return None
