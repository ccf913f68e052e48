"""The operator's log, newest last; it follows the end until the operator looks back."""

from typing import ClassVar, Final

from textual.binding import BindingType

from core.events import NoticeLevel
from core.state import Notice
from tui.format import utc
from tui.keys import bindings
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen
from tui.widgets.words import LEVEL

_TEXT_TONE: Final = {NoticeLevel.INFO: Tone.PLAIN, NoticeLevel.WARN: Tone.ARMED, NoticeLevel.ALERT: Tone.HALTED}

_LEVELS: Final = (NoticeLevel.INFO, NoticeLevel.WARN, NoticeLevel.ALERT)
_NOTES: Final = ("", "warnings and alerts only", "alerts only")

COLUMNS: Final[tuple[Column[Notice], ...]] = (
    Column(heading="UTC", render=lambda n: Span(utc(n.at_us), Tone.DIM), width=8),
    Column(heading="LEVEL", render=lambda n: LEVEL[n.level], width=7),
    Column(heading="FROM", render=lambda n: Span(n.source, Tone.DIM), width=12, narrow=8, rank=2),
    Column(
        heading="WHAT HAPPENED",
        is_amount=True,
        render=lambda n: Span(n.text, _TEXT_TONE[n.level]),
        width=40,
        narrow=20,
        is_flexible=True,
    ),
)


class LogPane(Grid[Notice]):
    """The grid of notices."""

    BINDINGS: ClassVar[list[BindingType]] = list(bindings("log"))

    def __init__(self) -> None:
        spec = Spec(title="log", columns=COLUMNS, key=lambda n: n.seq, empty="nothing to report", follows_end=True)
        super().__init__(spec, id="log")
        self._seen = Seen()
        self._notices: tuple[Notice, ...] = ()
        self._least = 0

    def show(self, view: View) -> None:
        """Paint what changed."""
        if self._seen.is_new(view.state.notices):
            self._notices = view.state.notices
            self._show()

    def action_level(self) -> None:
        """Show everything, warnings and alerts, or alerts alone."""
        self._least = (self._least + 1) % len(_LEVELS)
        self.note = _NOTES[self._least]
        self._show()

    def _show(self) -> None:
        shown = _LEVELS[self._least :]
        self.empty = "nothing of this level" if self._least else "nothing to report"
        self.set_items([notice for notice in self._notices if notice.level in shown])
