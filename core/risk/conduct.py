"""How we have behaved lately: messages, executions, prices paid for, orders repeated. Pure: time is an argument.

`Habits` is written by the engine as things happen; `Conduct` is what the gate reads of it.
"""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeVar

from msgspec import Struct, field

from core.clock import MILLISECOND_NS, SECOND_NS
from core.limits import RiskLimits
from core.model import OrderIntent, Origin
from core.scope import strategy_of
from core.units import MarketId

Recent = tuple[OrderIntent, Origin, int]
"""An order, who wanted it, and when it was let go (monotonic nanoseconds)."""
Marks = tuple[Decimal, Decimal]
"""The lowest and the highest mark price at which orders were let go."""


class Conduct(Struct, frozen=True, kw_only=True):
    """What was done within the windows of the limits, at one moment."""

    messages: int = 0
    """Orders, changes and cancels of everybody here."""
    by_strategy: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """The same of each strategy."""
    fills: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Executions of each strategy since a human last let it go on."""
    recent: Mapping[MarketId, tuple[Recent, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Orders let go within the window in which the same one counts as a duplicate."""
    marks: Mapping[MarketId, Marks] = field(default_factory=lambda: MappingProxyType({}))
    """Where the mark was while orders of the market were let go."""


QUIET: Final = Conduct()


class _Counter:
    """How often something happened within a window, in all and by name."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, str]] = deque()
        self.by_name: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._events)

    def add(self, name: str, now_ns: int) -> None:
        self._events.append((now_ns, name))
        self.by_name[name] = self.by_name.get(name, 0) + 1

    def forget(self, before_ns: int) -> None:
        while self._events and self._events[0][0] < before_ns:
            _, name = self._events.popleft()
            self.by_name[name] -= 1
            if not self.by_name[name]:
                del self.by_name[name]

    def drop(self, name: str) -> None:
        self._events = deque(event for event in self._events if event[1] != name)
        self.by_name.pop(name, None)


class _Extremes:
    """The lowest and the highest mark within a window. Kept is only what may still become either, oldest first."""

    __slots__ = ("_highs", "_lows")

    def __init__(self) -> None:
        self._lows: deque[tuple[int, Decimal]] = deque()
        self._highs: deque[tuple[int, Decimal]] = deque()

    def add(self, mark: Decimal, now_ns: int) -> Marks:
        """Take in one more; both, with it."""
        lows, highs = self._lows, self._highs
        while lows and lows[-1][1] >= mark:
            lows.pop()
        while highs and highs[-1][1] <= mark:
            highs.pop()
        lows.append((now_ns, mark))
        highs.append((now_ns, mark))
        return lows[0][1], highs[0][1]

    def forget(self, before_ns: int) -> Marks | None:
        """Let go of what is older; what is left, None for nothing."""
        lows, highs = self._lows, self._highs
        while lows and lows[0][0] < before_ns:
            lows.popleft()
        while highs and highs[0][0] < before_ns:
            highs.popleft()
        return (lows[0][1], highs[0][1]) if lows else None


class Habits:
    """Written as orders leave and fills come; bounded by its windows and the rates that the gate lets pass."""

    def __init__(self) -> None:
        self._messages = _Counter()
        self._fills = _Counter()
        self._denials = _Counter()
        self._orders = _Counter()
        self._rejects = _Counter()
        self._sent: deque[tuple[int, MarketId]] = deque()
        self._extremes: dict[MarketId, _Extremes] = {}
        self._recent: dict[MarketId, tuple[Recent, ...]] = {}
        self._marks: dict[MarketId, Marks] = {}

    def on_order(self, intent: OrderIntent, origin: Origin, mark: Decimal | None, now_ns: int) -> None:
        """An order, or a change of one, was let go at this mark price."""
        self.on_message(origin, now_ns)
        self._orders.add("", now_ns)
        market_id = intent.market_id
        self._recent[market_id] = (*self._recent.get(market_id, ()), (intent, origin, now_ns))
        if mark is not None:
            self._sent.append((now_ns, market_id))
            extremes = self._extremes.get(market_id)
            if extremes is None:
                extremes = self._extremes[market_id] = _Extremes()
            self._marks[market_id] = extremes.add(mark, now_ns)

    def on_message(self, origin: Origin, now_ns: int) -> None:
        """Anything was sent: a cancel, for one."""
        self._messages.add(_name(origin), now_ns)

    def on_fill(self, origin: Origin, now_ns: int) -> None:
        """An order of this origin was executed, in part or whole."""
        if strategy := strategy_of(origin):
            self._fills.add(strategy, now_ns)

    def on_denied(self, origin: Origin, now_ns: int) -> None:
        """An order of this origin was denied."""
        if strategy := strategy_of(origin):
            self._denials.add(strategy, now_ns)

    def on_rejected(self, now_ns: int) -> None:
        """The venue refused an order."""
        self._rejects.add("", now_ns)

    def rejects(self, limits: RiskLimits, now_ns: int) -> tuple[int, int]:
        """Orders sent within the reject window, and how many orders the venue refused in it."""
        before_ns = now_ns - limits.breaker.reject_window_s * SECOND_NS
        self._orders.forget(before_ns)
        self._rejects.forget(before_ns)
        return len(self._orders), len(self._rejects)

    def forget_rejects(self) -> None:
        """A human lets trading go on: refusals count anew."""
        self._orders.drop("")
        self._rejects.drop("")

    def pardon(self, strategy: str) -> None:
        """A human lets a strategy go on: its executions and denials count anew."""
        self._fills.drop(strategy)
        self._denials.drop(strategy)

    @property
    def denials(self) -> Mapping[str, int]:
        """Denied orders of each strategy within the message window."""
        return self._denials.by_name

    def conduct(self, limits: RiskLimits, now_ns: int, *, is_frozen: bool) -> Conduct:
        """What counts now; `is_frozen` copies what would change under a reader in another thread."""
        self._forget(limits, now_ns)
        copy = dict if is_frozen else _same
        return Conduct(
            messages=len(self._messages),
            by_strategy=copy(self._messages.by_name),
            fills=copy(self._fills.by_name),
            recent=copy(self._recent),
            marks=copy(self._marks),
        )

    def _forget(self, limits: RiskLimits, now_ns: int) -> None:
        messages_ns = now_ns - limits.message_window_s * SECOND_NS
        self._messages.forget(messages_ns)
        self._denials.forget(messages_ns)
        self._fills.forget(now_ns - limits.strategy_fills_window_s * SECOND_NS)
        if self._recent:
            self._forget_recent(now_ns - limits.duplicate_window_ms * MILLISECOND_NS)
        self._forget_marks(now_ns - limits.walk_window_s * SECOND_NS)

    def _forget_recent(self, before_ns: int) -> None:
        for market_id, orders in tuple(self._recent.items()):
            if orders[0][2] >= before_ns:
                continue
            kept = tuple(order for order in orders if order[2] >= before_ns)
            if kept:
                self._recent[market_id] = kept
            else:
                del self._recent[market_id]

    def _forget_marks(self, before_ns: int) -> None:
        sent = self._sent
        while sent and sent[0][0] < before_ns:
            market_id = sent.popleft()[1]
            extremes = self._extremes.get(market_id)
            if extremes is None:
                continue  # its last one went with an older entry
            left = extremes.forget(before_ns)
            if left is None:
                del self._extremes[market_id], self._marks[market_id]
            else:
                self._marks[market_id] = left


_K = TypeVar("_K")
_V = TypeVar("_V")


def _same(mapping: dict[_K, _V]) -> dict[_K, _V]:
    return mapping


def _name(origin: Origin) -> str:
    """Strategies are counted by name, everybody else together."""
    return strategy_of(origin)
