"""The journal searched from the desk: newest rows first, one row in full by Enter."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.errors import JournalError
from core.history import HistoryQuery, HistoryRow
from tui.format import clean, utc
from tui.journal_words import HELP, read_query
from tui.screens.modal import Modal, wrap
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Lines, Span, Tone
from tui.widgets.text_field import TextField

_LONGEST: Final = 200
_WIDTH: Final = 70

COLUMNS: Final[tuple[Column[HistoryRow], ...]] = (
    Column(heading="ROW", render=lambda r: Span(str(r.seq), Tone.DIM), width=8, narrow=6, is_number=True, rank=3),
    Column(heading="UTC", render=lambda r: Span(utc(r.at_us), Tone.DIM), width=8),
    Column(heading="KIND", render=lambda r: Span(r.kind, Tone.STRONG), width=9),
    Column(heading="BY", render=lambda r: Span(r.origin, Tone.DIM), width=16, narrow=10, rank=2),
    Column(
        heading="WHAT HAPPENED", is_amount=True, render=lambda r: Span(r.text), width=40, narrow=20, is_flexible=True
    ),
)


class JournalModal(Modal[None]):
    """One field, and the rows that were found."""

    TITLE_TEXT = "journal"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "rows", "to the rows", show=False)]

    def __init__(self, view: View, ask: "Callable[[HistoryQuery], Future[tuple[HistoryRow, ...]]]") -> None:
        super().__init__()
        self._view = view
        self._ask = ask
        self._words = TextField(id="journal-words", max_length=_LONGEST, placeholder=HELP)
        self._said = Lines(id="journal-said")
        spec = Spec(title="rows", columns=COLUMNS, key=lambda row: row.seq, empty="nothing was searched for yet")
        self._rows = Grid(spec, id="journal-rows")

    def window(self) -> Iterable[Widget]:
        """Question above, answer below."""
        yield self._words
        yield self._said
        yield self._rows
        yield Label("enter searches, on a row shows it in full · ↓ to the rows · esc closes", classes="hint")

    def on_mount(self) -> None:
        """Begin with the newest rows."""
        self._search()

    def on_view(self, view: View) -> None:
        """Amounts may be hidden meanwhile."""
        self._view = view
        if self._rows.is_private != view.is_private:
            self._rows.is_private = view.is_private
            self._rows.refresh()

    def action_rows(self) -> None:
        """Go to what was found."""
        self._rows.focus()

    def on_input_submitted(self) -> None:
        """Enter searches."""
        self._search()

    def _search(self) -> None:
        """Ask the journal; an answer to an older question is dropped."""
        query = read_query(self._words.value, self._view.state.markets, self._view.now.utc_us)
        if isinstance(query, str):
            self._say(query, Tone.ARMED)
            return
        self._say("… searching", Tone.DIM)
        self.run_worker(self._answer(query), name="journal", exclusive=True)

    async def _answer(self, query: HistoryQuery) -> None:
        try:
            rows = await asyncio.wrap_future(self._ask(query))
        except JournalError as error:
            self._say(f"⊘ {clean(str(error))}", Tone.HALTED)
            return
        more = f"; only the newest {len(rows)} are shown" if len(rows) >= query.limit else ""
        self._say(f"{len(rows)} rows, newest first{more}", Tone.DIM)
        self._rows.empty = "no row holds that"
        self._rows.set_items(rows)
        self._rows.refresh()

    def _say(self, text: str, tone: Tone) -> None:
        self._said.set_lines([(Span(text, tone),)])


class JournalRowModal(Modal[None]):
    """One row of the journal, unabridged."""

    TITLE_TEXT = "journal row"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "close", "close", show=False)]

    def __init__(self, row: HistoryRow) -> None:
        super().__init__()
        self._row = row
        self._body = Lines(id="journal-body")

    def window(self) -> Iterable[Widget]:
        """Head, sentence and body."""
        yield self._body
        yield Label("esc closes", classes="hint")

    def on_view(self, view: View) -> None:
        """Write it out; while amounts are hidden, only what it is about."""
        row = self._row
        ids = [f"ours {row.client_id}"] if row.client_id is not None else []
        ids += [f"theirs {row.venue_id}"] if row.venue_id is not None else []
        head = f"{row.seq}  {utc(row.at_us, 0)} UTC  {row.kind}  {clean(row.origin)}  {', '.join(ids)}"
        texts = ["amounts are hidden (p)"] if view.is_private else [*wrap(clean(row.text, 4_000), _WIDTH), ""]
        texts += [] if view.is_private else wrap(clean(row.body, 8_000), _WIDTH)
        self._body.set_lines([(Span(head, Tone.DIM),), *((Span(text),) for text in texts)])
