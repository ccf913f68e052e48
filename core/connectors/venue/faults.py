"""Faults a venue can cause: what there is, a schedule of when they strike, and the seeded dice that decide.

Pure. What a fault does to bytes stands in `faults_frames` (the stream) and `faults_requests` (REST and transactions).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fnmatch import fnmatchcase
from random import Random
from typing import Final

import msgspec

from core.errors import ConfigError

MAX_RULES: Final = 200
_PPM: Final = 1_000_000
_SECOND_US: Final = 1_000_000


class FaultKind(Enum):
    """Every fault, by the word a schedule uses."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DELAY = "delay"
    BOOK_GAP = "book-gap"
    LATE_SNAPSHOT = "late-snapshot"
    FILLS_AFTER_CANCEL = "fills-after-cancel"
    SILENT = "silent"
    HALF_OPEN = "half-open"
    CLOSE = "close"
    CUT = "cut"
    SHUTDOWN = "shutdown"
    STALE_UPDATED_AT = "stale-updated-at"
    NULL_ARRAYS = "null-arrays"
    EXTRA_FIELDS = "extra-fields"
    BROKEN_POSITIONS = "broken-positions"
    EMPTY_POSITIONS = "empty-positions"
    THROTTLED = "http-429"
    FIREWALL = "http-405"
    BAD_GATEWAY = "http-502"
    MAINTENANCE = "http-503"
    WS_THROTTLED = "ws-23000"
    WS_RATE = "ws-30009"
    WS_IN_FLIGHT = "ws-30010"
    TOKEN_EXPIRED = "token-expired"  # noqa: S105 - the name of a fault
    NONCE_STORM = "nonce-storm"
    REFUSE = "refuse"
    REQUEST_LOST = "request-lost"
    REPLY_LOST = "reply-lost"
    REFUSAL_LOST = "refusal-lost"
    SLOW_ACK = "slow-ack"
    FILLS_BEFORE_ACK = "fills-before-ack"
    REDUCE_ONLY_DROP = "reduce-only-drop"
    CLOCK_SKEW = "clock-skew"


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """What a fault is, for whoever writes a schedule."""

    kind: FaultKind
    match: str
    """Default of `match`: a pattern over channels (`order_book:*`) or, for requests, over paths."""
    ms: int
    """Default of `ms`, where the fault takes a time."""
    text: str


_SEND: Final = "*sendtx*"
_ALL: Final = "*"
_K: Final = FaultKind
TABLE: Final = (
    FaultSpec(_K.DROP, _ALL, 0, "a frame is never sent"),
    FaultSpec(_K.DUPLICATE, _ALL, 0, "a frame is sent twice"),
    FaultSpec(_K.REORDER, _ALL, 0, "a frame is sent after the next one of its channel"),
    FaultSpec(_K.DELAY, _ALL, 500, "a frame is sent `ms` later, behind those that followed it"),
    FaultSpec(_K.BOOK_GAP, "order_book:*", 0, "an update of a book is missed: its nonces no longer chain"),
    FaultSpec(_K.LATE_SNAPSHOT, _ALL, 400, "a snapshot comes `ms` late, after updates that are newer"),
    FaultSpec(_K.FILLS_AFTER_CANCEL, "account_all_trades:*", 800, "fills come `ms` after what happened next"),
    FaultSpec(_K.SILENT, _ALL, 0, "subscriptions get their snapshot, and then never an update"),
    FaultSpec(_K.HALF_OPEN, _ALL, 0, "a socket carries nothing any more, but pings are answered"),
    FaultSpec(_K.CLOSE, _ALL, 0, "the socket is closed with code 1000 instead of the frame"),
    FaultSpec(_K.CUT, _ALL, 0, "the connection ends in the middle of the frame, without a close (1006)"),
    FaultSpec(_K.SHUTDOWN, _ALL, 300, "a `shutdown` frame follows, and after `ms` the socket is closed"),
    FaultSpec(_K.STALE_UPDATED_AT, _ALL, 60_000, "every `updated_at` lies `ms` in the past"),
    FaultSpec(_K.NULL_ARRAYS, _ALL, 0, "empty lists and maps come as null, in frames and in replies"),
    FaultSpec(_K.EXTRA_FIELDS, _ALL, 0, "every object carries members nobody has heard of"),
    FaultSpec(_K.BROKEN_POSITIONS, "account_all_positions:*", 0, "positions whose sizes are not numbers"),
    FaultSpec(_K.EMPTY_POSITIONS, "account_all_positions:*", 0, "a position snapshot without positions: a false flat"),
    FaultSpec(_K.THROTTLED, _ALL, 0, "HTTP 429 with code 23000; nothing is executed"),
    FaultSpec(_K.FIREWALL, _ALL, 0, "HTTP 405 with the firewall's HTML page; nothing is executed"),
    FaultSpec(_K.BAD_GATEWAY, _ALL, 0, "HTTP 502 with an HTML page; a transaction was executed behind it"),
    FaultSpec(_K.MAINTENANCE, _ALL, 0, "HTTP 503 with an HTML page; nothing is executed"),
    FaultSpec(_K.WS_THROTTLED, _ALL, 0, "a client's message is answered with error 23000"),
    FaultSpec(_K.WS_RATE, _ALL, 0, "a client's message is answered with error 30009, too many messages"),
    FaultSpec(_K.WS_IN_FLIGHT, _ALL, 0, "a client's message is answered with error 30010, too many in flight"),
    FaultSpec(_K.TOKEN_EXPIRED, _ALL, 0, "tokens are refused with 20013, in requests and in subscriptions"),
    FaultSpec(_K.NONCE_STORM, _SEND, 0, "transactions are refused with 21104 whatever their nonce"),
    FaultSpec(_K.REFUSE, _SEND, 0, "transactions are refused with `code` (21733 when none is given), nonce unspent"),
    FaultSpec(_K.REQUEST_LOST, _SEND, 0, "the connection ends before the request is read: it never arrived"),
    FaultSpec(_K.REPLY_LOST, _SEND, 0, "the request is carried out, and the connection ends instead of a reply"),
    FaultSpec(_K.REFUSAL_LOST, _SEND, 0, "the request is refused, and the connection ends instead of a reply"),
    FaultSpec(_K.SLOW_ACK, _ALL, 2_000, "the request is carried out, and the reply comes `ms` later"),
    FaultSpec(_K.FILLS_BEFORE_ACK, _SEND, 300, "the reply to a transaction comes `ms` after its frames"),
    FaultSpec(_K.REDUCE_ONLY_DROP, _SEND, 0, "reduce-only orders get 200, spend their nonce, and vanish"),
    FaultSpec(_K.CLOCK_SKEW, _ALL, 60_000, "the venue's clock is `ms` ahead, or behind when negative"),
)
SPECS: Final = {spec.kind: spec for spec in TABLE}
_NAMES: Final = {kind.value: kind for kind in FaultKind}


class _Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"lasts": "for"}):
    """One entry of a schedule as it is written; seconds may have decimals."""

    fault: str
    at: Decimal = Decimal(0)
    lasts: Decimal | None = None
    rate: Decimal = Decimal(1)
    match: str | None = None
    count: int | None = None
    ms: int | None = None
    code: int | None = None


class _Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    faults: tuple[_Rule, ...] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """One fault, when and how often it strikes."""

    kind: FaultKind
    match: str
    at_us: int = 0
    """After the schedule was switched on."""
    for_us: int | None = None
    """None for ever."""
    rate_ppm: int = _PPM
    count: int | None = None
    """Strikes at most this often."""
    ms: int = 0
    code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What to switch on."""

    rules: tuple[FaultRule, ...] = ()
    seed: int = 1


NO_FAULTS: Final = Schedule()


def parse(text: bytes, *, is_toml: bool) -> Schedule:
    """Read a schedule: `seed`, and a list `faults` of {fault, at, for, rate, match, count, ms, code}.

    Raises:
        ConfigError: it cannot be used; the text says where.
    """
    try:
        written = msgspec.toml.decode(text, type=_Schedule) if is_toml else msgspec.json.decode(text, type=_Schedule)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"fault schedule: {error}") from None
    if len(written.faults) > MAX_RULES:
        raise ConfigError(f"fault schedule: at most {MAX_RULES} faults, got {len(written.faults)}")
    return Schedule(rules=tuple(_rule(place, rule) for place, rule in enumerate(written.faults)), seed=written.seed)


def describe() -> str:
    """The table, for a terminal."""
    width = max(len(spec.kind.value) for spec in TABLE)
    lines = [f"{spec.kind.value:<{width}}  {spec.text} {_defaults(spec)}" for spec in TABLE]
    head = (
        "Faults of the paper venue. A schedule (TOML or JSON) has an optional `seed` and a list `faults`, each with\n"
        "`fault`, `at` and `for` (seconds), `rate` (0 to 1), `match` (a pattern over channels such as order_book:* or\n"
        "paths such as *sendtx*), `count` (strikes at most), and `ms` or `code` where the fault takes one.\n"
    )
    return head + "\n" + "\n".join(lines) + "\n"


class _Armed:
    """A rule that was switched on."""

    __slots__ = ("begun_us", "dice", "rule", "struck")

    def __init__(self, rule: FaultRule, dice: Random, begun_us: int) -> None:
        self.rule = rule
        self.dice = dice
        self.begun_us = begun_us
        self.struck = 0

    def is_on(self, now_us: int) -> bool:
        rule, since_us = self.rule, now_us - self.begun_us - self.rule.at_us
        is_spent = rule.count is not None and self.struck >= rule.count
        return not is_spent and since_us >= 0 and (rule.for_us is None or since_us < rule.for_us)

    def strikes(self, target: str, now_us: int) -> bool:
        rule = self.rule
        if not self.is_on(now_us) or not fnmatchcase(target.lower(), rule.match):
            return False
        if rule.rate_ppm < _PPM and self.dice.randrange(_PPM) >= rule.rate_ppm:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults that are switched on, over one venue."""

    def __init__(self, schedule: Schedule, now_us: int) -> None:
        """Switch a schedule on."""
        self._armed: list[_Armed] = []
        self._kinds: frozenset[FaultKind] = frozenset()
        self.replace(schedule, now_us)

    def replace(self, schedule: Schedule, now_us: int) -> None:
        """Forget what was switched on, and switch these on now. Each rule has dice of its own."""
        self._armed = [
            _Armed(rule, Random(f"{schedule.seed} {place}"), now_us)  # noqa: S311 - a rehearsal, not a secret
            for place, rule in enumerate(schedule.rules)
        ]
        self._kinds = frozenset(rule.kind for rule in schedule.rules)

    @property
    def is_armed(self) -> bool:
        """Whether there is anything to ask about."""
        return bool(self._armed)

    def has_any(self, kinds: frozenset[FaultKind]) -> bool:
        """Whether there is anything of these kinds to ask about: cheap enough for every frame."""
        return not self._kinds.isdisjoint(kinds)

    def striking(self, kinds: Iterable[FaultKind], target: str, now_us: int) -> list[FaultRule]:
        """The rules of these kinds that strike this frame or request, in the schedule's order."""
        chosen = set(kinds)
        return [each.rule for each in self._armed if each.rule.kind in chosen and each.strikes(target, now_us)]

    def skew_us(self, now_us: int) -> int:
        """How far the venue's clock is ahead."""
        return sum(
            each.rule.ms * 1_000
            for each in self._armed
            if each.rule.kind is FaultKind.CLOCK_SKEW and each.is_on(now_us)
        )

    def counts(self) -> Sequence[tuple[str, int]]:
        """Each rule's fault, and how often it struck."""
        return [(each.rule.kind.value, each.struck) for each in self._armed]


def _rule(place: int, written: _Rule) -> FaultRule:
    where = f"fault schedule: faults[{place}]"
    kind = _NAMES.get(written.fault)
    if kind is None:
        raise ConfigError(f"{where}: no fault is called {written.fault[:40]!r}; see lighter-tui venue --list-faults")
    if not 0 <= written.rate <= 1:
        raise ConfigError(f"{where}: rate: expected 0 to 1, got {written.rate}")
    if not 0 <= written.at <= 10**9 or not 0 <= (written.lasts or 0) <= 10**9:
        raise ConfigError(f"{where}: at and for: expected seconds from 0")
    if written.ms is not None and not -(10**9) <= written.ms <= 10**9:
        raise ConfigError(f"{where}: ms: expected milliseconds up to 1000000000, got {written.ms}")
    spec = SPECS[kind]
    return FaultRule(
        kind=kind,
        match=(spec.match if written.match is None else written.match).lower(),
        at_us=int(written.at * _SECOND_US),
        for_us=None if written.lasts is None else int(written.lasts * _SECOND_US),
        rate_ppm=int(written.rate * _PPM),
        count=written.count,
        ms=spec.ms if written.ms is None else written.ms,
        code=written.code or 0,
    )


def _defaults(spec: FaultSpec) -> str:
    time = f"; ms {spec.ms}" if spec.ms else ""
    return f"[match {spec.match}{time}]"
