"""The operator's log, newest last; it follows the end until the operator looks back."""

from typing import Final

from core.events import NoticeLevel
from core.state import Notice
from tui.format import utc
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen
from tui.widgets.words import LEVEL

_TEXT_TONE: Final = {NoticeLevel.INFO: Tone.PLAIN, NoticeLevel.WARN: Tone.ARMED, NoticeLevel.ALERT: Tone.HALTED}

COLUMNS: Final[tuple[Column[Notice], ...]] = (
    Column(heading="UTC", render=lambda n: Span(utc(n.at_us), Tone.DIM), width=8),
    Column(heading="LEVEL", render=lambda n: LEVEL[n.level], width=7),
    Column(heading="FROM", render=lambda n: Span(n.source, Tone.DIM), width=12, narrow=8, rank=2),
    Column(
        heading="WHAT HAPPENED",
        render=lambda n: Span(n.text, _TEXT_TONE[n.level]),
        width=40,
        narrow=20,
        is_flexible=True,
    ),
)


class LogPane(Grid[Notice]):
    """The grid of notices."""

    def __init__(self) -> None:
        spec = Spec(title="6 log", columns=COLUMNS, key=lambda n: n.seq, empty="nothing to report", follows_end=True)
        super().__init__(spec, id="log")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        if self._seen.is_new(view.state.notices):
            self.set_items(view.state.notices)
