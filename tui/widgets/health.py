"""How everything fares: streams with their ages, the venue's budgets, the desk's own pace."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.events import LinkHealth
from core.state import BudgetUse, TimingUse
from tui.format import NOTHING, bar, decimal, milliseconds, money, seconds
from tui.meters import DeskPace
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen
from tui.widgets.words import LINK

_TEN: Final = Decimal(10)
_THOUSAND: Final = Decimal(1_000)
_PERCENT: Final = 99
_BOOK_AGE: Final = "book: age, by market"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """One stream, as painted."""

    link: LinkHealth
    age: str
    is_past: bool
    """The engine is silent or over: only the last known."""


def _status(row: LinkRow) -> Span:
    shown = LINK[row.link.status]
    return Span(f"? {shown.text.partition(' ')[2]}", Tone.STALE) if row.is_past else shown


def _skew(row: LinkRow) -> Span:
    return Span(NOTHING if row.link.skew_ms is None else f"{row.link.skew_ms:+d}")


LINKS: Final[tuple[Column[LinkRow], ...]] = (
    Column(heading="STREAM", render=lambda r: Span(r.link.name.value, Tone.STRONG), width=12),
    Column(heading="STATE", render=_status, width=12),
    Column(heading="LAST", render=lambda r: Span(r.age), width=5, is_number=True),
    Column(heading="CLOCK ms", render=_skew, width=8, is_number=True, rank=1),
    Column(heading="WHY", render=lambda r: Span(r.link.detail, Tone.DIM), width=16, rank=2, is_flexible=True),
)


def _tone(use: BudgetUse) -> Tone:
    if use.paused_s or use.left <= use.reserve:
        return Tone.HALTED
    return Tone.ARMED if use.limit is not None and use.left * 5 < use.limit else Tone.CALM


def _gauge(use: BudgetUse, width: int) -> Span:
    return Span("" if use.limit is None else bar(Decimal(use.left), Decimal(use.limit), width), _tone(use))


def _word(use: BudgetUse) -> Span:
    if use.paused_s:
        return Span(f"■ refused {use.paused_s}s", Tone.HALTED)
    return (
        Span("▲ reserve only: cancels and kill", Tone.HALTED) if use.left <= use.reserve else Span("● enough", Tone.DIM)
    )


BUDGETS: Final[tuple[Column[BudgetUse], ...]] = (
    Column(heading="BUDGET", render=lambda u: Span(u.name, Tone.STRONG), width=13),
    Column(heading="LEFT", render=lambda u: Span(f"{u.left:,}", _tone(u)), width=9, is_number=True),
    Column(
        heading="OF A MINUTE",
        render=lambda u: Span(NOTHING if u.limit is None else f"{u.limit:,}", Tone.DIM),
        width=11,
        is_number=True,
        rank=2,
    ),
    Column(heading="RESERVE", render=lambda u: Span(f"{u.reserve:,}", Tone.DIM), width=9, is_number=True, rank=1),
    Column(heading="UNIT", render=lambda u: Span(u.unit, Tone.DIM), width=12, rank=3),
    Column(heading="GAUGE", render=_word, draw=_gauge, width=16, rank=5),
    Column(heading="STATE", render=_word, width=20, narrow=14, is_flexible=True),
)


def _microseconds(value: int) -> Span:
    return Span(decimal(value / _THOUSAND, 1))


LATENCIES: Final[tuple[Column[TimingUse], ...]] = (
    Column(heading="LATENCY", render=lambda t: Span(t.name, Tone.STRONG), width=22),
    Column(heading="MEDIAN ms", render=lambda t: _microseconds(t.median_us), width=10, is_number=True),
    Column(heading="P99 ms", render=lambda t: _microseconds(t.p99_us), width=10, is_number=True),
    Column(heading="MOST ms", render=lambda t: _microseconds(t.most_us), width=10, is_number=True),
    Column(heading="SAMPLES", render=lambda t: Span(f"{t.count:,}", Tone.DIM), width=8, is_number=True),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of the desk or the kill switch."""

    name: str
    value: str
    unit: str
    about: str


READINGS: Final[tuple[Column[Reading], ...]] = (
    Column(heading="READING", render=lambda r: Span(r.name, Tone.STRONG), width=22, narrow=18),
    Column(heading="VALUE", render=lambda r: Span(r.value), width=10, is_number=True),
    Column(heading="UNIT", render=lambda r: Span(r.unit, Tone.DIM), width=8, narrow=5),
    Column(heading="WHAT IT IS", render=lambda r: Span(r.about, Tone.DIM), width=30, rank=1, is_flexible=True),
)


class LinksPane(Grid[LinkRow]):
    """The streams."""

    def __init__(self) -> None:
        spec = Spec(title="links", columns=LINKS, key=lambda row: row.link.name, empty="no stream yet")
        super().__init__(spec, id="links")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        links = view.state.links
        if self._seen.is_new(links, view.second, view.is_past):
            self.set_items(
                [
                    LinkRow(
                        link=link,
                        age=seconds(view.now.mono_ns - link.last_message_ns) if link.last_message_ns else NOTHING,
                        is_past=view.is_past,
                    )
                    for link in links
                ]
            )


class BudgetsPane(Grid[BudgetUse]):
    """What the venue still lets us ask and send."""

    def __init__(self) -> None:
        spec = Spec(title="venue budgets", columns=BUDGETS, key=lambda use: use.name, empty="not known yet")
        super().__init__(spec, id="budgets")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        if self._seen.is_new(view.state.budgets):
            self.set_items(view.state.budgets)


class LatenciesPane(Grid[TimingUse]):
    """How long the steps of an order take, how late the engine's loop is, how old the books are."""

    def __init__(self) -> None:
        spec = Spec(title="latencies", columns=LATENCIES, key=lambda use: use.name, empty="nothing was timed yet")
        super().__init__(spec, id="latencies")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed, once a second."""
        if self._seen.is_new(view.second, view.is_past):
            self.note = "◌ stale" if view.is_past else ""
            self.set_items((*view.state.timings, *book_age(view)))


def book_age(view: View) -> tuple[TimingUse, ...]:
    """How long ago each market's book was heard of, over all that ever were; none before the first."""
    now_ns = view.now.mono_ns
    ages = sorted(max(0, now_ns - quote.received_ns) // 1_000 for quote in view.state.quotes if quote.received_ns)
    if not ages:
        return ()
    last = len(ages) - 1
    return (
        TimingUse(
            name=_BOOK_AGE,
            count=len(ages),
            median_us=ages[last // 2],
            p99_us=ages[-(-last * _PERCENT // 100)],
            most_us=ages[last],
        ),
    )


class ReadingsPane(Grid[Reading]):
    """The desk's own pace, and how long the last kill took."""

    def __init__(self) -> None:
        spec = Spec(title="this desk", columns=READINGS, key=lambda row: row.name, empty="being measured")
        super().__init__(spec, id="readings")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        if self._seen.is_new(view.second, view.state.kill, view.is_past, view.desk is None):
            self.set_items(readings(view))


def readings(view: View) -> list[Reading]:
    """Every figure, with its unit and its meaning."""
    state, kill = view.state, view.state.kill
    age = seconds(view.now.mono_ns - state.published.mono_ns)
    return [
        *_pace(view.desk),
        Reading("journal: waiting", _depth(state.journal_depth), "writes", "handed over, not on the disk yet"),
        Reading("newest state", age, "ago", f"snapshot {state.seq} of the engine"),
        Reading("kill: sent", _plain(kill.sent_ms), "ms", "last kill: press to cancel-all bytes"),
        Reading("kill: confirmed", _plain(kill.confirmed_ms), "ms", "last kill: press to the venue's empty list"),
    ]


def _pace(desk: DeskPace | None) -> list[Reading]:
    if desk is None:
        return []
    memory = money(desk.memory_kb / _THOUSAND, 0) if desk.memory_kb else NOTHING
    slow = "off" if desk.slower == 1 else f"1/{desk.slower}"
    return [
        Reading("slow mode", slow, "pace", "on while the line does not drain what is painted"),
        Reading("paints", decimal(desk.paints / _TEN, 1), "/s", f"of {desk.wanted} wanted"),
        Reading("desk loop: lag", decimal(desk.late_us / _THOUSAND, 1), "ms", "most a paint came late, last 5 s"),
        Reading("to the terminal", decimal(desk.bytes_a_second / _THOUSAND, 1), "kB/s", "mean of the last 5 s"),
        Reading("memory", memory, "MB", "resident, the whole process"),
    ]


def _depth(depth: int | None) -> str:
    return NOTHING if depth is None else f"{depth:,}"


def _plain(value: Decimal | None) -> str:
    return milliseconds(value).removesuffix(" ms")
