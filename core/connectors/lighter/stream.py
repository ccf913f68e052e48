"""The shell around a `Session`: a socket, a reader, a ticker, and reconnecting with jittered back-off for ever.

It decides nothing: what to send and when to drop the connection is the session's say, what frames mean is the feed's.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp

from core.clock import MILLISECOND_NS, SECOND_NS, Clock
from core.connectors.base import EventSink
from core.connectors.lighter.rest import describe
from core.connectors.lighter.session import SHUTTING_DOWN, Close, Output, Send, Session, Tell
from core.connectors.lighter.skew import Skew
from core.connectors.lighter.tx_socket import Socket, TxSocket
from core.connectors.lighter.wire import (
    STAMPED,
    BookUpdate,
    ErrorFrame,
    Frame,
    Shutdown,
    TxBatchReply,
    TxReply,
    decode_frame,
)
from core.errors import AuthRejected, LinkDown, ProtocolViolation
from core.events import LinkChanged, LinkHealth, LinkName, LinkStatus, Noticed, NoticeLevel

_log = logging.getLogger(__name__)

_FIRST_BACKOFF_MS: Final = 250
_MAX_BACKOFF_MS: Final = 30_000
_PROVEN_NS: Final = 10 * SECOND_NS
"""A connection that lasted this long starts the back-off anew."""
_TICK_S: Final = 0.25
_CLOSE_S: Final = 0.5
_MAX_DRAIN_MS: Final = 5_000
"""How long a connection that the venue is closing is kept for answers still to come."""
_MAX_FRAME: Final = 16 * 1024 * 1024
_MINT_AGAIN_NS: Final = 5 * SECOND_NS
"""How long to wait after a renewal that failed."""
_BREATH: Final = 64
"""Frames taken in one go before other work on the loop gets its turn."""


class Feed(Protocol):
    """What makes sense of the frames of one stream."""

    def on_frame(self, frame: Frame, now_ns: int) -> str | None:
        """Use a frame; the label of its channel when only a new snapshot can mend what it broke."""
        ...

    def on_lost(self, reason: str) -> None:
        """The connection is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSetup:
    """What a stream needs."""

    name: LinkName
    url: str
    session: Session
    feed: Feed
    clock: Clock
    sink: EventSink
    connect_timeout_s: int
    token: Callable[[], Awaitable[str]] | None = None
    """Mints the token for private channels."""
    transactions: TxSocket | None = None
    """Sends over this stream's connection while there is one."""


class Renewal:
    """Mints the next token beside the ticker: while no key answers, pings go on and the old token still serves."""

    def __init__(self, mint: Callable[[], Awaitable[str]]) -> None:
        """Nothing is asked for before a session wants it."""
        self._mint: Final = mint
        self._minting: asyncio.Future[str] | None = None
        self._not_before_ns = 0
        self._has_told = False

    def step(self, session: Session, now_ns: int) -> list[Output]:
        """Begin when the session wants a token, and give it to the session when it is there."""
        minting = self._minting
        if minting is None:
            if session.wants_token(now_ns) and now_ns >= self._not_before_ns:
                self._minting = asyncio.ensure_future(self._mint())
            return []
        if not minting.done():
            return []
        self._minting = None
        try:
            token = minting.result()
        except (LinkDown, AuthRejected) as error:
            self._not_before_ns = now_ns + _MINT_AGAIN_NS
            has_told, self._has_told = self._has_told, True
            text = f"no new token yet: {error}; the one in use serves for an hour more, trying again"
            return [] if has_told else [Tell(NoticeLevel.WARN, text)]
        self._has_told = False
        return session.renew(token, now_ns)

    async def end(self) -> None:
        """Leave no task behind."""
        if self._minting is not None:
            self._minting.cancel()
            await asyncio.gather(self._minting, return_exceptions=True)


class Stream:
    """One WebSocket to the venue, kept up."""

    def __init__(self, setup: StreamSetup) -> None:
        """Nothing is opened before `run`."""
        self._setup: Final = setup
        self._session: Final = setup.session
        self._clock: Final = setup.clock
        self._transactions: Final = setup.transactions
        self._leave_by_ns: int | None = None
        self._skew: Final = Skew()
        self._has_told_skew = False
        self._announced: tuple[LinkStatus, str] | None = None
        self._woken: Final = asyncio.Event()

    @property
    def health(self) -> LinkHealth:
        """The status, with the moment of the last message."""
        now_ns = self._clock.now().mono_ns
        status, detail = self._session.status(now_ns)
        return LinkHealth(
            name=self._setup.name,
            status=status,
            detail=detail,
            last_message_ns=self._session.last_message_ns,
            skew_ms=self._skew.fresh_ms(now_ns),
        )

    def wake(self) -> None:
        """The venue answers elsewhere: do not wait any longer before the next attempt to connect."""
        self._woken.set()

    async def run(self) -> None:
        """Connect, converse, reconnect, until cancelled; leaves no socket behind."""
        failures = 0
        self._announce()
        async with aiohttp.ClientSession() as http:
            while True:
                started_ns = self._clock.now().mono_ns
                reason = await self._connection(http)
                self._session.closed(reason)
                self._setup.feed.on_lost(reason)
                self._announce()
                has_lasted = self._clock.now().mono_ns - started_ns >= _PROVEN_NS
                failures = 0 if has_lasted else failures + 1
                if await self._rest(failures):
                    failures = 0

    async def _rest(self, failures: int) -> bool:
        """Wait before the next attempt; whether somebody ended the wait."""
        self._woken.clear()
        try:
            async with asyncio.timeout(backoff_ms(failures) / 1_000):
                return await self._woken.wait()
        except TimeoutError:
            return False

    async def _connection(self, http: aiohttp.ClientSession) -> str:
        """One connection from start to end; returns why it ended."""
        setup = self._setup
        try:
            async with asyncio.timeout(setup.connect_timeout_s):
                token = await setup.token() if setup.token is not None else None
                socket = await http.ws_connect(
                    setup.url,
                    decode_text=False,
                    max_msg_size=_MAX_FRAME,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
                )
            try:
                return await self._converse(socket, token)
            finally:
                await socket.close()
        except TimeoutError:
            return f"no answer in {setup.connect_timeout_s} s"
        except (aiohttp.ClientError, OSError) as error:
            return describe(error)
        except (LinkDown, AuthRejected) as error:
            return str(error)

    async def _converse(self, socket: Socket, token: str | None) -> str:
        self._leave_by_ns = None
        outputs = self._session.opened(self._clock.now().mono_ns, token)
        ended = await self._carry_out(socket, outputs)
        if ended is not None:
            return ended
        self._announce()
        halves = {asyncio.create_task(self._read(socket)), asyncio.create_task(self._keep(socket))}
        try:
            done, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            if self._transactions is not None:
                self._transactions.detach("the connection ended")
            for half in halves:
                half.cancel()
            await asyncio.gather(*halves, return_exceptions=True)

    async def _read(self, socket: Socket) -> str:
        taken = 0
        async for message in socket:
            if message.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                continue
            frame = decode_frame(message.data)
            if not isinstance(frame, BookUpdate) and self._is_of_transactions(socket, frame):
                continue
            outputs = self._use(frame, self._clock.now().mono_ns)
            if outputs:
                ended = await self._carry_out(socket, outputs)
                if ended is not None:
                    return ended
            if not isinstance(frame, BookUpdate):
                self._announce()
            taken += 1
            if taken % _BREATH == 0:
                await asyncio.sleep(0)
        return f"closed by the venue (code {socket.close_code})"

    def _is_of_transactions(self, socket: Socket, frame: Frame) -> bool:
        """Whether a frame answers a transaction; the first frame of any kind proves that the connection speaks."""
        transactions = self._transactions
        if transactions is None:
            return False
        if not transactions.is_attached:
            transactions.attach(socket)
        match frame:
            case TxReply() | TxBatchReply():
                self._session.heard(frame, self._clock.now().mono_ns)
                if not transactions.heard(frame):
                    _log.warning("an answer to transaction %s came when nobody waited for it any more", frame.id)
                return True
            case ErrorFrame(id=str() as number) if number:
                return transactions.heard(frame)
            case Shutdown(close_in_ms) if transactions.has_unanswered and self._leave_by_ns is None:
                transactions.drain()
                self._leave_by_ns = self._clock.now().mono_ns + min(close_in_ms or 0, _MAX_DRAIN_MS) * MILLISECOND_NS
                return True
            case _:
                return False

    def _use(self, frame: Frame, now_ns: int) -> list[Output]:
        if isinstance(frame, STAMPED) and frame.timestamp:
            self._compare_clocks(frame.timestamp)
        outputs = self._session.heard(frame, now_ns)
        try:
            label = self._setup.feed.on_frame(frame, now_ns)
        except ProtocolViolation as error:
            self._session.violated(now_ns)
            return [*outputs, Tell(NoticeLevel.ALERT, str(error))]
        mending = self._session.resubscribe(label, now_ns) if label is not None else []
        if mending:
            outputs += [Tell(NoticeLevel.WARN, f"{label} lost its chain: asking for a new snapshot"), *mending]
        return outputs

    async def _keep(self, socket: Socket) -> str:
        renewal = Renewal(self._setup.token) if self._setup.token is not None else None
        try:
            while True:
                await asyncio.sleep(_TICK_S)
                now_ns = self._clock.now().mono_ns
                if self._has_drained(now_ns):
                    return SHUTTING_DOWN
                outputs = self._session.tick(now_ns)
                if renewal is not None:
                    outputs += renewal.step(self._session, now_ns)
                ended = await self._carry_out(socket, outputs)
                self._announce()
                if ended is not None:
                    return ended
        finally:
            if renewal is not None:
                await renewal.end()

    def _compare_clocks(self, stamp_ms: int) -> None:
        now = self._clock.now()
        self._skew.note(stamp_ms, now.utc_us, now.mono_ns)
        if self._skew.is_wrong and not self._has_told_skew:
            text = f"{self._skew.sentence}: correct the clock; orders expire and tokens end by it"
            _log.warning("%s", text)
            self._setup.sink(Noticed(level=NoticeLevel.WARN, source=self._setup.name.value, text=text))
        self._has_told_skew = self._skew.is_wrong

    def _has_drained(self, now_ns: int) -> bool:
        """Whether a connection that the venue is closing has nothing more to tell, or no time left to."""
        if self._leave_by_ns is None or self._transactions is None:
            return False
        return not self._transactions.has_unanswered or now_ns >= self._leave_by_ns

    async def _carry_out(self, socket: Socket, outputs: list[Output]) -> str | None:
        """Do what the session says; the reason when it says to close."""
        for output in outputs:
            match output:
                case Send(text):
                    await socket.send_str(text)
                case Tell(level, text):
                    _log.log(logging.INFO if level is NoticeLevel.INFO else logging.WARNING, "%s", text)
                    self._setup.sink(Noticed(level=level, source=self._setup.name.value, text=text))
                case Close(reason):
                    return reason
        return None

    def _announce(self) -> None:
        """Report the status, and what is awaited, when it changed; only the former is worth a line of the log."""
        health, before = self.health, self._announced
        self._announced = (health.status, health.detail)
        if self._announced != before:
            if before is None or health.status is not before[0]:
                _log.info("%s link %s %s", health.name.value, health.status.value, health.detail)
            self._setup.sink(LinkChanged(link=health))


def backoff_ms(failures: int) -> int:
    """Milliseconds to wait before the next connection: doubling from a quarter second to 30 s, half of it random."""
    ceiling = min(_MAX_BACKOFF_MS, _FIRST_BACKOFF_MS << min(failures, 16))
    return random.randint(ceiling // 2, ceiling)  # noqa: S311  spreads reconnects, guards nothing
