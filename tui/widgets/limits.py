"""Risk limits as gauges: bar, numbers and percent, worst case counted by the engine."""

from decimal import Decimal
from typing import Final

from core.state import LimitUse
from tui.format import Align, bar, money, percent_used, trimmed
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen

USDC: Final = "USDC"
_NEAR: Final = 80
_FULL: Final = 100
_MILLION: Final = Decimal(1_000_000)
_SIZE_DECIMALS: Final = Decimal("0.0001")


def limit_name(use: LimitUse) -> str:
    """`max_position_notional` of ETH reads `ETH pos USDC`."""
    words = use.name.removeprefix("max_").replace("_notional", "").replace("_size", "").replace("position", "pos")
    shown = words.replace("_", " ")
    scope = "" if use.scope == "all" else f"{use.scope} "
    unit = "" if use.unit in shown else f" {use.unit}"
    return f"{scope}{shown}{unit}"


def amount(value: Decimal, unit: str) -> str:
    """A used or allowed amount, short enough for a gauge: money in whole USDC, sizes to four decimals."""
    if unit != USDC:
        return trimmed(value if value == value.to_integral_value() else value.quantize(_SIZE_DECIMALS))
    if abs(value) >= _MILLION:
        return f"{money(value / _MILLION)}M"
    return money(value, 0)


def tone(use: LimitUse) -> Tone:
    """Calm, near, or reached; the percentage says the same in digits."""
    percent = percent_used(use.used, use.limit)
    if percent >= _FULL:
        return Tone.HALTED
    return Tone.ARMED if percent >= _NEAR else Tone.CALM


def _percent(use: LimitUse) -> Span:
    percent = percent_used(use.used, use.limit)
    return Span(f"{'!' if percent >= _FULL else ''}{min(percent, 999)}", tone(use))


def _gauge(use: LimitUse, width: int) -> Span:
    return Span(bar(use.used, use.limit, width), tone(use))


COLUMNS: Final[tuple[Column[LimitUse], ...]] = (
    Column(heading="LIMIT", render=lambda u: Span(limit_name(u)), width=20, narrow=12, is_flexible=True),
    Column(heading="USE", render=_percent, draw=_gauge, width=16, narrow=5, rank=5),
    Column(
        heading="USED", is_amount=True, render=lambda u: Span(amount(u.used, u.unit)), width=9, narrow=7, is_number=True
    ),
    Column(heading="OF", render=lambda u: Span(amount(u.limit, u.unit), Tone.DIM), width=9, narrow=7, is_number=True),
    Column(heading="%", render=_percent, width=4, align=Align.RIGHT, is_number=True),
)


class LimitsPane(Grid[LimitUse]):
    """The grid of limits."""

    def __init__(self) -> None:
        spec = Spec(
            title="risk limits",
            columns=COLUMNS,
            key=lambda use: (use.name, use.scope, use.unit),
            empty="no limit yet",
        )
        super().__init__(spec, id="limits")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        limits = view.state.limits
        if self._seen.is_new(limits):
            highest = max((percent_used(use.used, use.limit) for use in limits), default=0)
            self.note = f"max {highest} %" if limits else ""
            self.set_items(limits)
