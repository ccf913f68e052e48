"""One WebSocket session as a machine without I/O: frames and time in, frames to send and orders to close out.

It subscribes with few requests unanswered (the venue's errors do not say what they refuse), mends lost channels, pings,
answers pings, and notices silence. What the frames mean is not its business: that is `market_data` and `account_feed`.
Limits: apidocs.lighter.xyz/docs/websocket-reference.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from core.clock import SECOND_NS
from core.connectors.lighter.budget import MINUTE_NS, Grade, Window
from core.connectors.lighter.wire import (
    AssetsSnapshot,
    BookSnapshot,
    BookUpdate,
    BrokenFrame,
    ErrorFrame,
    Frame,
    OrdersSnapshot,
    Ping,
    Pong,
    PositionsSnapshot,
    PrintsSnapshot,
    Shutdown,
    StatsSnapshot,
    TradesSnapshot,
    UnknownFrame,
    UserStatsSnapshot,
)
from core.events import LinkStatus, NoticeLevel

_SNAPSHOTS: Final = (
    BookSnapshot,
    StatsSnapshot,
    OrdersSnapshot,
    TradesSnapshot,
    PositionsSnapshot,
    UserStatsSnapshot,
    AssetsSnapshot,
    PrintsSnapshot,
)
_TOKEN_REFUSED: Final = frozenset({20001, 20013})
_NOT_SUBSCRIBED, _ALREADY_SUBSCRIBED = 30002, 30003
_TOO_MANY: Final = frozenset({23000, 23001, 23002, 23003, 30009, 30010})
"""The venue's words for too many messages, subscriptions, accounts or connections."""
_MESSAGES: Final = 200
_TOLERATED: Final = 5
"""So many unreadable frames within a minute, and the stream is not to be relied on."""
_MAX_TRIES_SHIFT: Final = 3
SHUTTING_DOWN: Final = "the venue is shutting this connection down"
_PING: Final = '{"type":"ping"}'
_PONG: Final = '{"type":"pong"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPolicy:
    """How a session behaves; durations in nanoseconds."""

    data_is_life: bool
    """True: only data counts as a sign of life (market data never pauses). False: any frame does, and quiet is probed
    with pings (an account may have nothing to say for hours)."""
    unacked: int = 8
    """Subscriptions under way at once; the venue allows 50."""
    subscribes_per_minute: int = 150
    """The venue allows 200 messages a minute and address, pings included."""
    ping_every_ns: int = 30 * SECOND_NS
    """The venue closes after two minutes without a frame of ours."""
    probe_after_ns: int = 3 * SECOND_NS // 2
    degraded_after_ns: int = 2 * SECOND_NS
    down_after_ns: int = 4 * SECOND_NS
    ack_after_ns: int = 5 * SECOND_NS
    """A subscription without its snapshot for this long is asked for again, then at twice the time, up to eight."""
    grade: Grade = Grade.ORDINARY
    """How far down the messages of the address its subscriptions may reach."""
    pause_ns: int = 10 * SECOND_NS
    """No subscription is sent for this long after the venue says that there were too many."""
    token_life_ns: int = 6 * 3_600 * SECOND_NS
    """Private channels are subscribed anew with a new token after this; the venue honours none beyond 8 hours."""


@dataclass(frozen=True, slots=True)
class Send:
    """A frame for the venue; may hold a token, so never logged."""

    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """Drop the connection and make a new one."""

    reason: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Something an operator may want to read."""

    level: NoticeLevel
    text: str


Output = Send | Close | Tell


@dataclass(slots=True)
class _Channel:
    name: str
    state: Literal["queued", "asked", "live"] = "queued"
    asked_ns: int = 0
    tries: int = 0
    lost_ns: int | None = None
    """Since when a channel that was live is asked for anew; None before its first snapshot."""
    is_extra: bool = False
    """Asked for by somebody who looks: the session is whole without it."""

    def is_missing(self, now_ns: int, patience_ns: int) -> bool:
        """Whether it has no snapshot, and not only for a moment while it is mended."""
        if self.is_extra:
            return False
        return self.state != "live" and (self.lost_ns is None or now_ns - self.lost_ns >= patience_ns)


class Session:
    """One connection at a time, any number in sequence."""

    def __init__(self, channels: Iterable[str], policy: SessionPolicy, messages: Window | None = None) -> None:
        """Channels as the venue takes them in requests: `order_book/0`; `messages` is shared by the address."""
        self.last_message_ns = 0
        self._messages = messages or Window(_MESSAGES)
        self._paused_until_ns = 0
        self._policy = policy
        self._channels = {name.replace("/", ":"): _Channel(name) for name in channels}
        self._queue: deque[_Channel] = deque()
        self._leaving: deque[str] = deque()
        self._sent: deque[int] = deque()
        self._is_open = False
        self._life_ns = 0
        self._pinged_ns = 0
        self._token: str | None = None
        self._token_ns = 0
        self._down_reason = ""
        self.distrusted = ""
        """Why somebody who knows better than our pings wants the connection given up, at the next tick."""
        self._told: set[str] = set()
        self._violations: deque[int] = deque(maxlen=_TOLERATED)

    def opened(self, now_ns: int, token: str | None = None) -> list[Output]:
        """The connection stands: subscribe to everything, with `token` where a token is given."""
        self._is_open = True
        self.distrusted = ""
        self._life_ns = self._pinged_ns = now_ns
        self._token, self._token_ns = token, now_ns
        for channel in self._channels.values():
            channel.state, channel.tries, channel.lost_ns = "queued", 0, None
        self._queue = deque(self._channels.values())
        self._leaving.clear()
        return self._pump(now_ns)

    def closed(self, reason: str) -> None:
        """The connection is gone."""
        self._is_open = False
        self._down_reason = reason

    def heard(self, frame: Frame, now_ns: int) -> list[Output]:
        """A frame came; data frames are the caller's to use, whatever this returns."""
        self.last_message_ns = now_ns
        if isinstance(frame, BookUpdate):
            self._life_ns = now_ns
            return []
        if not self._policy.data_is_life or not isinstance(frame, Ping | Pong):
            self._life_ns = now_ns
        if isinstance(frame, _SNAPSHOTS):
            return self._acknowledge(frame.channel, now_ns)
        return self._control(frame, now_ns)

    def resubscribe(self, label: str, now_ns: int) -> list[Output]:
        """Ask for a new snapshot of a channel, given as frames name it: `order_book:0`."""
        channel = self._channels.get(label)
        if channel is None or channel.state != "live" or not self._is_open:
            return []
        channel.state, channel.tries, channel.lost_ns = "queued", 1, now_ns
        self._queue.append(channel)
        return self._pump(now_ns)

    def refresh(self, label: str, now_ns: int, grade: Grade) -> bool:
        """Ask for a new snapshot of a channel that is well, if the minute's messages are not needed elsewhere.

        A chore leaves a third of this connection's own share alone, so that a gap is mended at once. It is asked for
        at the next tick; whether it will be.
        """
        channel = self._channels.get(label)
        if channel is None or channel.state != "live" or not self._is_open:
            return False
        cost = 2 * (len(self._queue) + 1)
        share = self._policy.subscribes_per_minute
        has_own = len(self._sent) + cost <= (share * 2 // 3 if grade >= Grade.CHORE else share)
        if not has_own or not self._messages.has(cost, grade, now_ns):
            return False
        channel.state, channel.tries, channel.lost_ns = "queued", 1, now_ns
        self._queue.append(channel)
        return True

    def want(self, name: str) -> None:
        """One channel more, as the venue takes it in requests; it is asked for at the next tick."""
        label = name.replace("/", ":")
        if label not in self._channels:
            self._channels[label] = channel = _Channel(name, is_extra=True)
            self._queue.append(channel)

    def drop(self, name: str) -> None:
        """A channel that was wanted is not any more; the venue is told at the next tick."""
        channel = self._channels.pop(name.replace("/", ":"), None)
        if channel is None:
            return
        if channel in self._queue:
            self._queue.remove(channel)
        if channel.asked_ns and self._is_open:
            self._leaving.append(name)

    def violated(self, now_ns: int) -> None:
        """A frame broke the protocol: one is mended, many in a minute make the stream DEGRADED."""
        self._violations.append(now_ns)

    def asked_ns(self, label: str) -> int:
        """When a channel's subscription was last sent; 0 when it never was."""
        channel = self._channels.get(label)
        return channel.asked_ns if channel else 0

    def wants_token(self, now_ns: int) -> bool:
        """Whether the private channels should be subscribed anew with a new token."""
        is_old = now_ns - self._token_ns >= self._policy.token_life_ns
        return self._is_open and self._token is not None and is_old

    def renew(self, token: str, now_ns: int) -> list[Output]:
        """Subscribe every channel anew with this token."""
        self._token, self._token_ns = token, now_ns
        out: list[Output] = []
        for label in self._channels:
            out += self.resubscribe(label, now_ns)
        return out

    def tick(self, now_ns: int) -> list[Output]:
        """Time passed: pings, subscriptions that got no answer, silence."""
        if not self._is_open:
            return []
        if self.distrusted:
            return [Close(self.distrusted)]
        policy, quiet_ns = self._policy, now_ns - self._life_ns
        if quiet_ns >= policy.down_after_ns:
            return [Close(f"silent for {quiet_ns // SECOND_NS} s")]
        out: list[Output] = []
        is_probe_due = not policy.data_is_life and quiet_ns >= policy.probe_after_ns
        since_ping = now_ns - self._pinged_ns
        if since_ping >= policy.ping_every_ns or (is_probe_due and since_ping >= policy.probe_after_ns):
            self._pinged_ns = now_ns
            self._messages.take(1, now_ns)
            out.append(Send(_PING))
        for label, channel in self._channels.items():
            patience = policy.ack_after_ns << min(max(channel.tries - 1, 0), _MAX_TRIES_SHIFT)
            if channel.state == "asked" and now_ns - channel.asked_ns >= patience:
                out.append(Tell(NoticeLevel.WARN, f"{label}: no snapshot, asking again"))
                channel.state = "queued"
                self._queue.append(channel)
        return out + self._pump(now_ns)

    def status(self, now_ns: int) -> tuple[LinkStatus, str]:
        """How the session fares, and why when it is not LIVE.

        A channel that misses its snapshot hides what happens, however lively the others are: until each has one the
        session is CONNECTING, and DEGRADED is only ever the silence of a session that was whole. A live channel that is
        asked for anew is given `ack_after_ns`.
        """
        if not self._is_open:
            return (LinkStatus.DOWN, self._down_reason) if self._down_reason else (LinkStatus.CONNECTING, "")
        patience_ns = self._policy.ack_after_ns
        missing = [label for label, channel in self._channels.items() if channel.is_missing(now_ns, patience_ns)]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            return LinkStatus.CONNECTING, f"waiting for {missing[0]}{more}"
        if now_ns - self._life_ns >= self._policy.degraded_after_ns:
            return LinkStatus.DEGRADED, "silent"
        if len(self._violations) == _TOLERATED and now_ns - self._violations[0] < MINUTE_NS:
            return LinkStatus.DEGRADED, "the venue keeps breaking its protocol"
        return LinkStatus.LIVE, ""

    def _acknowledge(self, label: str, now_ns: int) -> list[Output]:
        channel = self._channels.get(label)
        if channel is None or channel.state == "live":
            return []
        if channel in self._queue:
            self._queue.remove(channel)
        channel.state, channel.tries = "live", 0
        return self._pump(now_ns)

    def _control(self, frame: Frame, now_ns: int) -> list[Output]:
        match frame:
            case Ping():
                self._messages.take(1, now_ns)
                return [Send(_PONG)]
            case Shutdown():
                return [Close(SHUTTING_DOWN)]
            case ErrorFrame(code, message):
                return self._refused(code, message, now_ns)
            case BrokenFrame(kind, label, why):
                self.violated(now_ns)
                told: list[Output] = [Tell(NoticeLevel.WARN, f"unreadable {kind} frame on {label}: {why}")]
                return told + self.resubscribe(label, now_ns)
            case UnknownFrame(kind, text):
                return self._unknown(kind, text, now_ns)
            case _:
                return []

    def _unknown(self, kind: str, text: str, now_ns: int) -> list[Output]:
        """A type that nobody knows may be new; text that has none is broken. Each kind is told once."""
        if not kind:
            self.violated(now_ns)
        if kind in self._told:
            return []
        self._told.add(kind)
        return [Tell(NoticeLevel.WARN, f"unknown frame {kind or 'without a type'}: {text}")]

    def _refused(self, code: int, message: str, now_ns: int) -> list[Output]:
        if code in _TOO_MANY:
            self._paused_until_ns = now_ns + self._policy.pause_ns
        if code in _TOKEN_REFUSED and self._token is not None:
            return [Close(f"token refused: {code} {message}")]
        is_harmless = code in {_NOT_SUBSCRIBED, _ALREADY_SUBSCRIBED}
        return [Tell(NoticeLevel.INFO if is_harmless else NoticeLevel.WARN, f"the venue answers: {code} {message}")]

    def _pump(self, now_ns: int) -> list[Output]:
        """Send queued subscriptions while few are unanswered and the minute's budget lasts."""
        while self._sent and now_ns - self._sent[0] >= MINUTE_NS:
            self._sent.popleft()
        unacked = sum(channel.state == "asked" for channel in self._channels.values()) if self._queue else 0
        out: list[Output] = []
        while self._leaving and self._may_ask(now_ns):
            out.append(self._message(_request("unsubscribe", self._leaving.popleft(), None), now_ns))
        while self._queue and unacked < self._policy.unacked and self._may_ask(now_ns):
            channel = self._queue.popleft()
            if channel.tries:  # the venue may still hold the old one, and refuses a second without a snapshot
                out.append(self._message(_request("unsubscribe", channel.name, None), now_ns))
            out.append(self._message(_request("subscribe", channel.name, self._token), now_ns))
            channel.state, channel.asked_ns, channel.tries = "asked", now_ns, channel.tries + 1
            unacked += 1
        return out

    def _may_ask(self, now_ns: int) -> bool:
        """Whether the minute has room for an unsubscription and a subscription."""
        has_own = len(self._sent) < self._policy.subscribes_per_minute
        return has_own and now_ns >= self._paused_until_ns and self._messages.has(2, self._policy.grade, now_ns)

    def _message(self, text: str, now_ns: int) -> Send:
        self._sent.append(now_ns)
        self._messages.take(1, now_ns)
        return Send(text)


def _request(kind: str, channel: str, token: str | None) -> str:
    fields = {"type": kind, "channel": channel}
    return msgspec.json.encode(fields if token is None else {**fields, "auth": token}).decode()
