"""The header: where we trade, whether the streams live, what may be sent, the money and the time.

Pure: `header(view, width)` gives the lines; the widget only draws them.
"""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from core.events import LinkHealth, LinkName
from core.state import EnginePhase
from tui.format import HIDDEN, NOTHING, clean, money, seconds, signed_money, utc
from tui.view import View
from tui.widgets.lines import Line, Lines, Span, Tone
from tui.widgets.prices import direction
from tui.widgets.words import LINK, TRADING

WIDE: Final = 130
_SHORT_LINK: Final = {LinkName.MARKET_DATA: "mkt", LinkName.ACCOUNT: "acct", LinkName.REST: "rest"}
_PHASE_TONE: Final = {
    EnginePhase.RUNNING: Tone.GAIN,
    EnginePhase.STOPPED: Tone.ARMED,
    EnginePhase.FAILED: Tone.HALTED,
}
_GAP: Final = Span("   ")
_SMALL_GAP: Final = Span("  ")


class Header(Lines):
    """Two lines, and a third when something has to be explained."""

    def __init__(self, surface: str = "") -> None:
        super().__init__(id="header")
        self._surface = surface

    def show(self, view: View) -> None:
        """Paint what changed."""
        self.set_class(view.is_flashing, "-flash")
        self.set_lines(header(view, self.size.width, self._surface))


def header(view: View, width: int, surface: str = "") -> tuple[Line, ...]:
    """The header's lines for so many cells, on the screen of this name."""
    is_wide = width >= WIDE
    gap = _GAP if is_wide else _SMALL_GAP
    right = [*_alerts(view), *_deadman(view, gap, is_wide=is_wide), *_clock(view, surface)]
    first = _spread(_where(view, gap, is_wide=is_wide), right, width)
    second = _spread(_links(view, gap, is_wide=is_wide), _money(view, gap, is_wide=is_wide), width)
    explanations = [(Span(" "), *line) for line in _explanations(view)]
    return (first, second, *explanations)


def _where(view: View, gap: Span, *, is_wide: bool) -> list[Span]:
    state = view.state
    name = "REAL MONEY" if view.is_live else (clean(state.profile) or "lighter-tui").upper()
    badge = Span(f" {name} ", Tone.ALARM if view.is_live else Tone.BADGE)
    watching = [Span(" READ-ONLY ", Tone.BADGE), Span(" ")] if view.is_read_only else []
    spans = [
        Span(" "),
        badge,
        Span(" "),
        *watching,
        Span(_cut(clean(state.venue), 48 if is_wide else 26), Tone.DIM),
        gap,
    ]
    spans.append(_now(TRADING[state.trading], view))
    spans.extend((gap, *_engine(view)))
    if is_wide:
        for strategy in state.strategies:
            glyph = Span("▶ ", Tone.GAIN) if strategy.is_running else Span("■ ", Tone.DIM)
            word = "running" if strategy.is_running else "stopped"
            spans.extend((gap, glyph, Span(f"{clean(strategy.name)} {word}", Tone.DIM)))
    return spans


def _cut(text: str, room: int) -> str:
    """What is cut says so: half a port looks like a whole one."""
    return text if len(text) <= room else text[: room - 1] + "…"


def _now(span: Span, view: View) -> Span:
    """As it is, or with a question mark for what is only the last known."""
    if not view.is_past:
        return span
    return Span(f"? {span.text.partition(' ')[2]}", Tone.STALE)


def _engine(view: View) -> list[Span]:
    if view.ended:
        return [Span("■ ENGINE " + ("FAILED" if view.state.phase is EnginePhase.FAILED else "ENDED"), Tone.HALTED)]
    if view.silent_ns:
        return [Span(f"◌ ENGINE SILENT {seconds(view.silent_ns)}", Tone.HALTED)]
    phase = view.state.phase
    return [Span(f"engine {phase.value}", _PHASE_TONE.get(phase, Tone.ARMED))]


def _alerts(view: View) -> list[Span]:
    if not view.alerts:
        return []
    return [Span(f" ■ {view.alerts} NEW ({view.keys.written('alerts')}) ", Tone.ALARM), Span(" ")]


def _clock(view: View, surface: str) -> list[Span]:
    name = [Span(f"{surface} ", Tone.CALM)] if surface else []
    return [*name, Span(f"{utc(view.now.utc_us)} UTC ", Tone.STRONG)]


def _deadman(view: View, gap: Span, *, is_wide: bool) -> list[Span]:
    """When the venue cancels everything by itself: the venue's own time, as it was read back."""
    switch = view.state.deadman
    if switch is None:
        return []
    is_sound = switch.armed_us is not None and not switch.missed and switch.span_s is not None
    until = "OFF" if switch.armed_us is None else utc(switch.armed_us, view.now.utc_us)
    mark = "" if is_sound else "! "
    return [
        Span("dead-man " if is_wide else "dms ", Tone.DIM),
        Span(f"{mark}{until}", Tone.CALM if is_sound else Tone.HALTED),
        gap,
    ]


def _links(view: View, gap: Span, *, is_wide: bool) -> list[Span]:
    spans = [Span(" ")]
    if not view.state.links:
        return [*spans, Span("no stream yet", Tone.DIM)]
    for link in view.state.links:
        spans.extend((*_link(link, view, is_wide=is_wide), gap if is_wide else Span(" ")))
    return spans


def _link(link: LinkHealth, view: View, *, is_wide: bool) -> Sequence[Span]:
    name = link.name.value if is_wide else _SHORT_LINK[link.name]
    age = seconds(view.now.mono_ns - link.last_message_ns) if link.last_message_ns else NOTHING
    status = _now(LINK[link.status], view)
    word = status if is_wide or len(status.text) < len("● live..") else Span(status.text[:6], status.tone)
    return (Span(f"{name} ", Tone.DIM), word, Span(f" {age}", Tone.DIM))


def _money(view: View, gap: Span, *, is_wide: bool) -> list[Span]:
    state = view.state
    equity = None if state.account is None else state.account.equity
    unit = " USDC" if is_wide else ""
    day = HIDDEN if view.is_private else signed_money(state.day_pnl)
    is_old = view.is_account_past and equity is not None
    old = [Span("◌ stale " if is_wide else "◌ ", Tone.STALE)] if is_old else []
    return [
        *old,
        Span("equity " if is_wide else "eq ", Tone.DIM),
        Span(f"{HIDDEN if view.is_private else money(equity)}{unit}", Tone.STALE if is_old else Tone.STRONG),
        gap if is_wide else Span(" "),
        Span("day PnL " if is_wide else "day ", Tone.DIM),
        Span(f"{day}{unit} ", Tone.STALE if is_old else direction(None if view.is_private else state.day_pnl)),
    ]


def _explanations(view: View) -> list[Line]:
    """What stands between the operator and a running desk, in sentences."""
    state = view.state
    lines: list[Line] = []
    if view.silent_ns:
        text = f"nothing heard of the engine for {seconds(view.silent_ns)}: all below is as it was then"
        lines.append((Span(text, Tone.HALTED),))
    if view.ended:
        lines.append((Span(clean(view.ended), Tone.HALTED),))
    if state.phase is not EnginePhase.RUNNING:
        text = clean(state.phase_detail) or f"the engine is {state.phase.value}"
        tone = Tone.HALTED if state.phase is EnginePhase.FAILED else Tone.ARMED
        word = state.phase.value
        lines.append((Span(f"{word.upper()}: ", tone), Span(text.removeprefix(f"{word}: "))))
    if state.trading_detail and not view.kill.is_latched and state.phase is EnginePhase.RUNNING:
        shown = TRADING[state.trading]
        lines.append((Span(f"{shown.text}: ", shown.tone), Span(clean(state.trading_detail))))
    lines.extend(
        (Span(f"{link.name.value} {LINK[link.status].text}: ", Tone.STALE), Span(clean(link.detail)))
        for link in state.links
        if link.detail and link.status.value in {"down", "degraded"} and state.phase is EnginePhase.RUNNING
    )
    return lines[:2]


def _spread(left: Sequence[Span], right: Sequence[Span], width: int) -> Line:
    """`left` at the left edge, `right` at the right one; `left` gives way when they meet."""
    room = width - sum(cell_len(span.text) for span in right)
    kept: list[Span] = []
    used = 0
    for span in left:
        length = cell_len(span.text)
        if used + length > room:
            break
        kept.append(span)
        used += length
    return (*kept, Span(" " * max(0, room - used)), *right)
