"""A table drawn by the line: columns as data, a cursor that stays with its row, and only changed rows repainted.

Figures never move: widths are fixed, columns that do not fit are left out, the least important first.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tui.format import Align, clean, fit, fit_number, hide
from tui.keys import bindings
from tui.widgets.cursor import Cursor
from tui.widgets.lines import ROW_CURSOR, ROW_IDLE, Line, Span, Tone
from tui.widgets.pointed import Pointed
from tui.widgets.sift import Sieve

Item = TypeVar("Item")
_WIDEST_GAP: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Item]):
    """One column: what it is called, how wide it is, and how it reads a row."""

    heading: str
    render: Callable[[Item], Span]
    draw: Callable[[Item, int], Span] | None = None
    """Instead of `render`, for what is drawn to its width."""
    width: int
    narrow: int = 0
    """Width where space is short; 0 for the same."""
    align: Align = Align.LEFT
    is_number: bool = False
    """A figure keeps to the right and is never cut."""
    rank: int = 0
    """The highest goes first when the columns do not fit."""
    is_flexible: bool = False
    """Takes what is left over."""
    short: str = ""
    """Heading where space is short; empty for the same."""
    is_amount: bool = False
    """Says how much is ours: its figures are hidden on request."""
    keeps_end: bool = False
    """An identifier: its last digits tell it apart, so the front is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec(Generic[Item]):
    """What a grid shows: its columns, what identifies a row, and what is said when there is none."""

    title: str
    columns: tuple[Column[Item], ...]
    key: Callable[[Item], Hashable]
    empty: str
    row_tone: Callable[[Item], Tone | None] = field(default=lambda _item: None)
    """A tone for the whole row, over its cells' own; None for the cells' own."""
    follows_end: bool = False
    """New rows come at the end, and the end stays in sight unless the operator looks elsewhere."""


Layout = tuple[tuple[tuple[Column[Item], int], ...], int]
"""Columns with their widths, and the gap between them."""


def lay_out(columns: Sequence[Column[Item]], width: int) -> Layout[Item]:
    """Choose columns, widths and gap for so many cells; the first column always stays."""
    kept = list(columns)
    while len(kept) > 1 and sum(c.narrow or c.width for c in kept) + len(kept) - 1 > width:
        last = max(range(1, len(kept)), key=lambda index: (kept[index].rank, index))
        del kept[last]
    sizes = [column.narrow or column.width for column in kept]
    if len(kept) == 1:
        sizes = [min(sizes[0], max(0, width))]
    spare = max(0, width - sum(sizes) - (len(kept) - 1))
    for index in sorted(range(len(kept)), key=lambda index: kept[index].rank):
        more = min(spare, kept[index].width - sizes[index])
        sizes[index] += max(0, more)
        spare -= max(0, more)
    gaps = max(1, len(kept) - 1)
    wider = min(_WIDEST_GAP - 1, spare // gaps)
    spare -= wider * gaps
    sized = tuple(
        (column, size + (spare if column.is_flexible else 0)) for column, size in zip(kept, sizes, strict=True)
    )
    return sized, 1 + wider


class _Mark(Enum):
    """How a row is marked."""

    NONE = "none"
    IDLE = ROW_IDLE
    CURSOR = ROW_CURSOR


class Grid(Pointed, Generic[Item], can_focus=True):
    """The table. Give it rows with `set_items`; ask it for `selected`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "edge(False)", "first row", show=False),
        Binding("end", "edge(True)", "last row", show=False),
        Binding("enter", "choose", "choose", show=False),
        *bindings("grid"),
    ]

    class Chosen(Message):
        """Enter was pressed on the selected row."""

        def __init__(self, item: object) -> None:
            super().__init__()
            self.item = item

    def __init__(self, spec: Spec[Item], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._spec = spec
        self._cursor = Cursor(spec.key, follows_end=spec.follows_end)
        self._sieve: Sieve[Item] = Sieve(lambda item, n: spec.columns[n].render(item).text.strip(), len(spec.columns))
        self._painted: list[tuple[Item | None, _Mark]] = []
        self._layout: Layout[Item] = ((), 1)
        self._laid_out_for = -1
        self._title = ""
        self.empty = spec.empty
        """Said instead of rows when there are none."""
        self.note = ""
        """Said in the title, after the count."""
        self.is_private = False
        """Amounts are hidden."""
        self.number = 0
        """The digit that goes here, before the title; 0 for none."""

    @property
    def selected(self) -> Item | None:
        """The selected row; None after it went away, until the operator moves: no key may hit its neighbour."""
        return self._cursor.selected

    @property
    def items(self) -> tuple[Item, ...]:
        """The rows, in order."""
        return self._cursor.items

    def set_items(self, items: Sequence[Item]) -> None:
        """Show these rows, in this order; the cursor stays with its row."""
        self._sieve.given = tuple(items)
        self._cursor.show(self._sieve.rows())
        self._sync()

    def set_words(self, words: str) -> None:
        """Show only rows that hold each of these words; empty for all."""
        if words != self._sieve.words:
            self._sieve.words = words
            self.set_items(self._sieve.given)

    def action_sort(self) -> None:
        """Sort by the next column, the other way round first."""
        self._sieve.sort_next()
        self.set_items(self._sieve.given)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the headings or one row."""
        width = self.size.width
        if y == 0:
            marks = {column.heading: self._sieve.mark(n) for n, column in enumerate(self._spec.columns)}
            return self.strip(_headings(self._columns(width), marks), width)
        if not self.items:
            said = "no row holds these words" if self._sieve.given else self.empty
            return self.strip((Span(fit(f" {said}" if y == 1 else "", width), Tone.DIM),), width)
        index = self._cursor.top + y - 1
        if index >= len(self.items):
            return self.strip((), width)
        item = self.items[index]
        mark = self._mark(index)
        over = None if mark is _Mark.NONE else self.look(mark.value)
        line = _row(item, self._columns(width), self._spec.row_tone(item), is_private=self.is_private)
        return self.strip(line, width, over)

    def settle(self) -> None:
        """A focused grid has a selected row, if it has rows."""
        if not self._cursor.is_set:
            self._cursor.move(0)
        self._sync()

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._cursor.move(step)
        self._sync()

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is visible."""
        self._cursor.select(self._cursor.index + pages * max(1, self._room - 1))
        self._sync()

    def action_edge(self, is_last: bool) -> None:  # noqa: FBT001
        """Move the cursor to the first or last row."""
        self._cursor.select(len(self.items) - 1 if is_last else 0)
        self._sync()

    def action_choose(self) -> None:
        """Tell whoever listens that this row is meant."""
        item = self.selected
        if item is not None:
            self.post_message(self.Chosen(item))

    def point(self, y: int) -> None:
        """Select the row in this line, under the headings."""
        index = self._cursor.top + y - 1
        if y and index < len(self.items):
            self._cursor.select(index)
            self._sync()

    def on_focus(self) -> None:
        """The cursor turns bright."""
        self.settle()

    def on_blur(self) -> None:
        """The cursor turns quiet."""
        self._sync()

    def on_resize(self, event: Resize) -> None:
        """Other columns may fit now."""
        del event
        self._painted = []
        self._sync()

    @property
    def _room(self) -> int:
        return max(0, self.size.height - 1)

    def _mark(self, index: int) -> _Mark:
        if index != self._cursor.index or not self._cursor.is_set:
            return _Mark.NONE
        return _Mark.CURSOR if self.has_focus else _Mark.IDLE

    def _sync(self) -> None:
        """Scroll to the cursor, then repaint the rows that no longer show what they should."""
        room = self._room
        self._cursor.scroll(room)
        items, top = self.items, self._cursor.top
        blank: tuple[Item | None, _Mark] = (None, _Mark.NONE if items else _Mark.IDLE)
        wanted: list[tuple[Item | None, _Mark]] = [
            (items[n], self._mark(n)) if n < len(items) else blank for n in range(top, top + room)
        ]
        width = self.size.width
        if len(wanted) != len(self._painted):
            self.refresh()
        else:
            dirty = [
                Region(0, y, width, 1)
                for y, pair in enumerate(zip(self._painted, wanted, strict=True), 1)
                if pair[0] != pair[1]
            ]
            if dirty:
                self.refresh(*dirty)
        self._painted = wanted
        self._show_title(len(self.items) - self._cursor.top - room)

    def _show_title(self, below: int) -> None:
        above = self._cursor.top
        hidden = "".join((f"  ▲{above}" if above else "", f"  ▼{below}" if below > 0 and self._room else ""))
        note = f" · {self.note}" if self.note else ""
        digit = f"{self.number} " if self.number else ""
        count = f"{len(self.items)} of {len(self._sieve.given)}" if self._sieve.words else f"{len(self.items)}"
        title = f"{digit}{self._spec.title} · {count}{note}{hidden}"
        if title != self._title:
            self._title = title
            self.border_title = title

    def _columns(self, width: int) -> Layout[Item]:
        if width != self._laid_out_for:
            self._layout = lay_out(self._spec.columns, width)
            self._laid_out_for = width
        return self._layout


def _headings(layout: Layout[Item], marks: dict[str, str]) -> Line:
    columns, gap = layout
    cells = [
        fit(marks[c.heading] + _heading_of(c, size), size, Align.RIGHT if c.is_number else c.align)
        for c, size in columns
    ]
    return (Span((" " * gap).join(cells), Tone.HEAD),)


def _row(item: Item, layout: Layout[Item], over: Tone | None, *, is_private: bool) -> Line:
    columns, gap = layout
    spans: list[Span] = []
    for column, size in columns:
        text, tone = column.draw(item, size) if column.draw else column.render(item)
        if is_private and column.is_amount:
            text = hide(text, is_figure=column.is_number)
        shown = fit_number(text, size) if column.is_number else _word(text, size, column)
        spans.extend((Span(shown, over or tone), Span(" " * gap)))
    return tuple(spans[:-1])


def _heading_of(column: Column[Item], size: int) -> str:
    return column.heading if len(column.heading) <= size else column.short or column.heading


def _word(text: str, size: int, column: Column[Item]) -> str:
    safe = clean(text)
    if column.keeps_end and len(safe) > size:
        return "…" + safe[len(safe) - size + 1 :]
    return fit(safe, size, column.align)
