"""How equity went, and how far below its high it was: one column a span of time, drawn with characters. Pure lines."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from textual.geometry import Region
from textual.strip import Strip

from core.money import EquityPoint
from core.units import ZERO
from tui.format import HIDDEN, fit_number, money, signed_money, utc
from tui.view import View
from tui.widgets.lines import Canvas, Line, Span, Tone
from tui.widgets.seen import Seen

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_EIGHTHS: Final = 8
_AXIS: Final = 13
_LEAST_ROWS: Final = 8
_WORDS: Final = 3
"""Lines of words: a head over each curve, and the span of time at the foot."""


def drawdowns(points: Sequence[EquityPoint], high: Decimal | None) -> list[Decimal]:
    """How far below its high equity was at each point, in USDC.

    `high` is the highest equity the engine counts from; where that is above every point it was seen before the first.
    """
    if not points:
        return []
    top = max(point.equity for point in points)
    running = high if high is not None and high > top else points[0].equity
    found = []
    for point in points:
        running = max(running, point.equity)
        found.append(running - point.equity)
    return found


def columns_of(values: Sequence[Decimal], columns: int) -> list[Decimal]:
    """At most so many values, each the last of its span of time; the newest is always the last."""
    if len(values) <= columns:
        return list(values)
    return [values[(index + 1) * len(values) // columns - 1] for index in range(columns)]


def bars(values: Sequence[Decimal], rows: int, low: Decimal, high: Decimal) -> list[str]:
    """One column a value, `rows` lines high; `low` is a thin line, `high` a full column."""
    span = high - low
    most = rows * _EIGHTHS
    heights = [1 + int((value - low) * (most - 1) / span) if span else 1 for value in values]
    return [
        "".join(_BLOCKS[max(0, min(_EIGHTHS, height - (rows - 1 - row) * _EIGHTHS))] for height in heights)
        for row in range(rows)
    ]


def curves(view: View, width: int, height: int) -> list[Line]:
    """Equity above, drawdown below; one sentence where there is no room or nothing was measured yet."""
    state = view.state
    columns = width - _AXIS
    if columns < 1 or height < _LEAST_ROWS:
        return [(Span(" no room for curves", Tone.DIM),)]
    points = state.equity_curve
    if not points:
        return [(Span(" no equity was seen yet", Tone.DIM),)]
    equity = columns_of([point.equity for point in points], columns)
    depth = columns_of(drawdowns(points, state.equity_high), columns)
    lower = max(2, (height - _WORDS) // 3)
    upper = height - _WORDS - lower
    low, top, worst = min(equity), max(equity), max(depth)
    tone = Tone.STALE if view.is_account_past else Tone.CALM
    day = _hidden(signed_money(state.day_pnl), view)
    now = _hidden(money(state.drawdown), view)
    first, last = utc(points[0].at_us, view.now.utc_us), utc(points[-1].at_us, view.now.utc_us)
    return [
        (Span(f" equity USDC, day PnL {day}", Tone.HEAD),),
        *_rows(bars(equity, upper, low, top), (top, low), tone, view),
        (Span(f" drawdown USDC, now {now}", Tone.HEAD),),
        *_rows(bars(depth, lower, ZERO, worst), (worst, ZERO), Tone.STALE if view.is_account_past else Tone.LOSS, view),
        (Span(f" {first} to {last} UTC"[:width], Tone.DIM),),
    ]


def _rows(texts: Sequence[str], ends: tuple[Decimal, Decimal], tone: Tone, view: View) -> list[Line]:
    """Columns with what the highest and the lowest line stand for."""
    top, low = ends
    labels = [_hidden(money(top), view), *[""] * (len(texts) - 2), _hidden(money(low), view)]
    return [
        (Span(text, tone), Span(fit_number(label, _AXIS), Tone.DIM)) for text, label in zip(texts, labels, strict=True)
    ]


def _hidden(text: str, view: View) -> str:
    return HIDDEN if view.is_private else text


class CurvesPane(Canvas):
    """Both curves; drawn again only when they or the room changed."""

    def __init__(self) -> None:
        super().__init__(id="curves")
        self.border_title = "equity and drawdown"
        self._seen = Seen()
        self._lines: list[Line] = []

    def show(self, view: View) -> None:
        """Paint what changed."""
        state = view.state
        money_now = (state.equity_curve, state.equity_high, state.drawdown, state.day_pnl)
        if self._seen.is_new(*money_now, view.is_private, view.is_account_past, self.size):
            self._lines = curves(view, self.size.width, self.size.height)
            self.refresh(Region(0, 0, *self.size))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        return self.strip(self._lines[y] if y < len(self._lines) else (), self.size.width)
