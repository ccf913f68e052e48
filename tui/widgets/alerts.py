"""Warnings and alerts; what nobody acknowledged stands out by glyph and word."""

from typing import Final

from tui.alerts import Alert
from tui.format import utc
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen
from tui.widgets.words import LEVEL

COLUMNS: Final[tuple[Column[Alert], ...]] = (
    Column(heading="UTC", render=lambda a: Span(utc(a.notice.at_us), Tone.DIM), width=8),
    Column(heading="LEVEL", render=lambda a: LEVEL[a.notice.level], width=7),
    Column(
        heading="SEEN",
        render=lambda a: Span("● new", Tone.ARMED) if a.is_new else Span("✓ seen", Tone.DIM),
        width=6,
    ),
    Column(heading="FROM", render=lambda a: Span(a.notice.source, Tone.DIM), width=12, narrow=8, rank=2),
    Column(
        heading="WHAT HAPPENED",
        is_amount=True,
        render=lambda a: Span(a.notice.text),
        width=40,
        narrow=20,
        is_flexible=True,
    ),
)


class AlertsPane(Grid[Alert]):
    """The grid of alerts."""

    def __init__(self) -> None:
        spec = Spec(
            title="alerts and warnings",
            columns=COLUMNS,
            key=lambda alert: alert.notice.seq,
            empty="nothing to worry about",
            follows_end=True,
        )
        super().__init__(spec, id="alerts")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        if self._seen.is_new(view.alert_rows):
            self.note = f"■ {view.alerts} not acknowledged; y acknowledges" if view.alerts else "all acknowledged"
            self.set_items(view.alert_rows)
