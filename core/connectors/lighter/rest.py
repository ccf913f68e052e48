"""REST over one HTTP session of our own: bytes in, typed bodies out, every failure told apart.

A read fails with an exception; a transaction ends in a `TxOutcome`, and only a body of the venue's own with a code in
it counts as a refusal: a timeout, a 5xx, a firewall's page or a dropped connection after bytes left is `Unresolved`.
A redirect is not followed: bytes would leave a second time, without the gate, to wherever it points.
What may go out at all is the limiter's say: it is asked before every read, and told of every throttling answer.
"""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Final, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec

from core.clock import Clock
from core.connectors.base import SendGate
from core.connectors.lighter.bodies import CODE_OK, Verdict, decode_body, decode_verdict, is_plain_success
from core.connectors.lighter.budget import (
    FIREWALL_STATUS,
    SEND_PATH,
    THROTTLED_CODES,
    THROTTLED_STATUS,
    Grade,
    Limiter,
)
from core.connectors.lighter.signer import SignedTx
from core.decisions import Refused, Sent, TxOutcome, Unresolved
from core.errors import AuthRejected, LinkDown, ProtocolViolation
from core.events import LinkHealth, LinkName, LinkStatus

ACCOUNT_CODES: Final = frozenset({21100, 21102, 21108, 21109, 21110})
TOKEN_CODES: Final = frozenset({20001, 20013})
UNCLEAR_CODES: Final = frozenset({29404, 29500, 29501})
_THROTTLED: Final = frozenset({THROTTLED_STATUS, FIREWALL_STATUS})
_BATCH_PATH: Final = "/api/v1/sendTxBatch"
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_KEEP_ALIVE_S: Final = 75
_EXCERPT: Final = 120
_Body = TypeVar("_Body", bound=msgspec.Struct)


class NotServed(LinkDown):
    """The venue answers, but not at this path."""


class Declined(LinkDown):
    """The venue answers, and says no with a code of its own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code: Final = code


class RestClient:
    """The venue's REST API, of one account."""

    def __init__(self, url: str, timeout_s: int, clock: Clock, limiter: Limiter | None = None) -> None:
        """`timeout_s` bounds each request as a whole, connecting included."""
        self.limiter: Final = limiter or Limiter()
        self._url: Final = url.rstrip("/")
        self._timeout: Final = aiohttp.ClientTimeout(total=timeout_s)
        self._clock: Final = clock
        self._session: aiohttp.ClientSession | None = None
        self._health = LinkHealth(name=LinkName.REST, status=LinkStatus.CONNECTING)

    @property
    def health(self) -> LinkHealth:
        """LIVE after a good reply, DOWN after a failure."""
        return self._health

    def open(self) -> None:
        """Make the session; no connection is opened yet. Does nothing when it is there already."""
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_request_chunk_sent.append(_about_to_write)
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(keepalive_timeout=_KEEP_ALIVE_S),
                trace_configs=[tracing],
            )

    async def close(self) -> None:
        """Close the session and its connections; idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get(
        self,
        path: str,
        kind: type[_Body],
        params: Mapping[str, str | int] | None = None,
        *,
        token: str | None = None,
        grade: Grade = Grade.ORDINARY,
    ) -> _Body:
        """Read one body; `token` goes into the bare `authorization` header, `grade` says how deep the budget may go.

        Raises:
            NotServed: the venue has no such path.
            Declined: it says no, with a code that is not about the account or the key.
            LinkDown: no answer, a throttling answer, a 5xx or a page that is not the venue's; or not asked for want of
                budget.
            AuthRejected: the account, the key or the token is not accepted.
            ProtocolViolation: a success whose body is not what the endpoint promises.
        """
        sentence = self.limiter.request(path, grade, self._clock.now().mono_ns)
        if sentence is not None:
            raise LinkDown(sentence)
        headers = {"authorization": token} if token else None
        try:
            async with self._live().get(
                self._url + path, params=params, headers=headers, allow_redirects=False
            ) as response:
                status, body = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._down(f"{path}: {describe(error)}") from None
        return self._read(path, status, body, kind)

    async def send_txs(
        self, signed: Sequence[SignedTx], gate: SendGate, on_sent: Callable[[int], None] | None = None
    ) -> TxOutcome:
        """Send one signed transaction, or several as a batch; the verdict is of all of them, with the first one's hash.

        `gate` is asked, and `on_sent` told, in the instruction before bytes leave.
        """
        tx = signed[0]
        path, form = _form(signed)
        if self._session is None:
            return Refused(0, "not sent: the connector is closed")
        ticket = _Ticket(gate, self._clock, on_sent)
        try:
            async with self._session.post(
                self._url + path, data=form, headers=_FORM, trace_request_ctx=ticket, allow_redirects=False
            ) as response:
                status, body = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if ticket.stopped:
                return Refused(0, ticket.stopped)
            down = self._down(f"sendTx: {describe(error)}")
            return Unresolved(str(down), tx.tx_hash) if ticket.sent_ns else Refused(0, f"not sent: {down}")
        return self._outcome(tx, status, body, ticket.sent_ns)

    def cooling_s(self) -> int:
        """Seconds until the venue's throttling window ends; 0 when there is none."""
        return self.limiter.cooling_s(self._clock.now().mono_ns)

    def _outcome(self, tx: SignedTx, status: int, body: bytes, sent_ns: int) -> TxOutcome:
        acked_ns = self._clock.now().mono_ns
        verdict = decode_verdict(body)
        self._throttle(status, verdict, SEND_PATH)
        is_clear = verdict is not None and not _is_elsewhere(status) and verdict.code not in UNCLEAR_CODES
        if verdict is None or not is_clear or (verdict.code == CODE_OK and status != CODE_OK):
            return Unresolved(str(self._down(f"sendTx: HTTP {status} {_excerpt(body)}")), tx.tx_hash)
        self._up()
        self.limiter.learned_quota(verdict.volume_quota_remaining)
        if verdict.code == CODE_OK:
            return Sent(tx.tx_hash, sent_ns, acked_ns)
        return Refused(verdict.code, verdict.message or "refused without a reason")

    def _read(self, path: str, status: int, body: bytes, kind: type[_Body]) -> _Body:
        verdict = None if status == CODE_OK and is_plain_success(body) else decode_verdict(body)
        self._throttle(status, verdict, path)
        if status == 404:
            self._up()
            raise NotServed(f"{path}: HTTP 404 {_excerpt(body)}")
        if status == CODE_OK and (verdict is None or verdict.code == CODE_OK):
            try:
                decoded = decode_body(body, kind)
            except ProtocolViolation:
                self._down(f"{path}: HTTP {status} {_excerpt(body)}")
                raise
            self._up()
            return decoded
        if verdict is None or _is_elsewhere(status) or status in _THROTTLED:
            raise self._down(f"{path}: HTTP {status} {_excerpt(body)}")
        self._up()
        text = f"{path}: {verdict.code} {verdict.message or ''}".rstrip()
        if status == 401 or verdict.code in ACCOUNT_CODES | TOKEN_CODES:
            raise AuthRejected(text)
        raise Declined(verdict.code, text)

    def _throttle(self, status: int, verdict: Verdict | None, path: str) -> None:
        if status in _THROTTLED or (verdict is not None and verdict.code in THROTTLED_CODES):
            now_ns = self._clock.now().mono_ns
            self.limiter.throttled(is_firewall=status == FIREWALL_STATUS, path=path, now_ns=now_ns)

    def _up(self) -> None:
        now_ns = self._clock.now().mono_ns
        self._health = LinkHealth(name=LinkName.REST, status=LinkStatus.LIVE, last_message_ns=now_ns)

    def _down(self, cause: str) -> LinkDown:
        self._health = LinkHealth(
            name=LinkName.REST,
            status=LinkStatus.DOWN,
            detail=cause,
            last_message_ns=self._health.last_message_ns,
        )
        return LinkDown(cause)

    def _live(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise LinkDown("the connector is closed")
        return self._session


def describe(error: Exception) -> str:
    """What went wrong with a connection, short enough for the header."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {error.host}:{error.port}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = str(error)
    return f"{type(error).__name__} {text}".strip() if len(text) <= _EXCERPT else type(error).__name__


def _form(signed: Sequence[SignedTx]) -> tuple[str, bytes]:
    """Path and form; a batch is two lists, of types and of infos as strings."""
    if len(signed) == 1:
        return SEND_PATH, urlencode({"tx_type": signed[0].tx_type, "tx_info": signed[0].tx_info}).encode()
    types = msgspec.json.encode([tx.tx_type for tx in signed])
    infos = msgspec.json.encode([tx.tx_info for tx in signed])
    return _BATCH_PATH, urlencode({"tx_types": types, "tx_infos": infos}).encode()


def _is_elsewhere(status: int) -> bool:
    """Whether something other than the venue's API speaks: a server in trouble, or one that points away."""
    return status >= 500 or 300 <= status < 400


class _Stopped(Exception):
    """The gate said no; never leaves this module."""


class _Ticket:
    """Rides with one request to the instruction before its bytes leave."""

    def __init__(self, gate: SendGate, clock: Clock, on_sent: Callable[[int], None] | None) -> None:
        self.stopped = ""
        self.sent_ns = 0
        self._gate = gate
        self._clock = clock
        self._on_sent = on_sent

    def use(self) -> None:
        if self.sent_ns:
            return
        sentence = self._gate()
        if sentence is not None:
            self.stopped = sentence or "stopped"
            raise _Stopped
        self.sent_ns = self._clock.now().mono_ns
        if self._on_sent is not None:
            self._on_sent(self.sent_ns)


async def _about_to_write(
    _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestChunkSentParams
) -> None:
    """The HTTP client calls this before it hands a chunk of a body to the transport."""
    ticket = context.trace_request_ctx
    if isinstance(ticket, _Ticket):
        ticket.use()


def _excerpt(body: bytes) -> str:
    text = " ".join(body[:_EXCERPT].decode("utf-8", "replace").split())
    return text or "without a body"
