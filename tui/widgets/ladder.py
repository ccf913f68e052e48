"""The ladder of one market: prices downwards, depth as bars, our own orders beside them, a cursor that keeps its price.

The cursor stands on a price, not on a row: however the book moves, a key means the price that is marked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from core.model import BookStatus, BookView, Market, Order, Side
from core.units import ZERO
from tui.format import HIDDEN, Align, decimal, fit, fit_number
from tui.keys import bindings
from tui.widgets.ladder_rows import Rung, rungs
from tui.widgets.lines import ROW_CURSOR, ROW_IDLE, Canvas, Line, Span, Tone
from tui.widgets.words import ORDER_STATUS

_OWN: Final = 10
_SIZE: Final = 10
_PRICE: Final = 11
_LEAST: Final = 2 * _OWN + 2 * _SIZE + _PRICE + 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderView:
    """What the ladder shows."""

    market: Market
    book: BookView
    own: tuple[Order, ...]
    is_private: bool
    """Our sizes are hidden."""
    trouble: str
    """Why the book may not be believed; empty when it may."""


class Ladder(Canvas, can_focus=True):
    """The widget: view state is the cursor's price and side, and where the view begins."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "page up", show=False),
        Binding("pagedown", "move(10)", "page down", show=False),
        Binding("left", "side(True)", "bid side", show=False),
        Binding("right", "side(False)", "ask side", show=False),
        Binding("home", "center", "to the middle", show=False),
        Binding("enter", "ask('place')", "place here", show=False),
        *bindings("ladder"),
    ]

    class Asked(Message):
        """A key of the ladder was pressed."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self) -> None:
        super().__init__(id="ladder")
        self.side = Side.BUY
        self.price: Decimal | None = None
        """The marked price; None until the operator moves."""
        self._view: LadderView | None = None
        self._rungs: tuple[Rung, ...] = ()
        self._top = 0
        self._painted: list[object] = []

    @property
    def rung(self) -> Rung | None:
        """The marked row."""
        return next((rung for rung in self._rungs if rung.price == self.price), None)

    def show_ladder(self, view: LadderView) -> None:
        """Paint what changed; another market forgets the marked price."""
        if self._view is None or self._view.market.id != view.market.id:
            self.price, self._top = None, 0
        self._view = view
        self._sync()

    def action_move(self, step: int) -> None:
        """Mark a price further down or up; the first move marks the best of the chosen side."""
        if not self._rungs:
            return
        index = self._middle() if self.price is None else self._index() + step
        self.price = self._rungs[max(0, min(index, len(self._rungs) - 1))].price
        self._sync()

    def action_side(self, is_bid: bool) -> None:  # noqa: FBT001 - Textual's way to pass it
        """Choose which side keys mean."""
        self.side = Side.BUY if is_bid else Side.SELL
        self._painted = []
        self._sync()

    def action_center(self) -> None:
        """Mark the best of the chosen side."""
        self.price = None
        self.action_move(0)

    def action_ask(self, what: str) -> None:
        """Tell the screen, which knows size, arming and the engine."""
        self.post_message(self.Asked(what))

    def on_focus(self) -> None:
        """The cursor turns bright."""
        self._painted = []
        self._sync()

    def on_blur(self) -> None:
        """The cursor turns quiet."""
        self.on_focus()

    def on_resize(self, event: Resize) -> None:
        """More or fewer rows."""
        del event
        self.on_focus()

    def render_line(self, y: int) -> Strip:
        """Draw the headings or one price."""
        width = self.size.width
        if self._view is None:
            return self.strip((Span(" no market yet" if y == 1 else "", Tone.DIM),), width)
        if y == 0:
            return self.strip(_headings(width, self.side), width)
        index = self._top + y - 1
        if index >= len(self._rungs):
            said = " the book is empty" if y == 1 else ""
            return self.strip((Span(said, Tone.DIM),), width)
        rung = self._rungs[index]
        over = None
        if rung.price == self.price:
            over = self.look(ROW_CURSOR if self.has_focus else ROW_IDLE)
        return self.strip(_row(rung, self._view, self._most(), width), width, over)

    def _most(self) -> Decimal:
        return max((max(rung.bid, rung.ask) for rung in self._rungs), default=ZERO)

    def _index(self) -> int:
        return next((index for index, rung in enumerate(self._rungs) if rung.price == self.price), self._middle())

    def _middle(self) -> int:
        """Where the best of the chosen side stands."""
        bids = [index for index, rung in enumerate(self._rungs) if rung.bid]
        asks = [index for index, rung in enumerate(self._rungs) if rung.ask]
        if self.side is Side.BUY:
            return bids[0] if bids else 0
        return asks[-1] if asks else 0

    def _sync(self) -> None:
        view = self._view
        if view is None:
            return
        self._rungs = rungs(view.book, view.own, self.price)
        room = max(1, self.size.height - 1)
        self._scroll(room)
        most = self._most()
        wanted: list[object] = [
            (rung, rung.price == self.price, most, view.trouble, view.is_private)
            for rung in self._rungs[self._top : self._top + room]
        ]
        if len(wanted) != len(self._painted):
            self.refresh()
        else:
            width = self.size.width
            dirty = [
                Region(0, y, width, 1)
                for y, pair in enumerate(zip(self._painted, wanted, strict=True), 1)
                if pair[0] != pair[1]
            ]
            if dirty:
                self.refresh(*dirty)
        self._painted = wanted
        title = f"1 ladder · {view.market.symbol}" + (f" · {view.trouble}" if view.trouble else "")
        if title != self.border_title:
            self.border_title = title

    def _scroll(self, room: int) -> None:
        """Keep the marked price in sight; without one, the middle in the middle."""
        last = max(0, len(self._rungs) - room)
        if self.price is None:
            self._top = max(0, min(self._spread() - room // 2, last))
        else:
            index = self._index()
            self._top = max(0, min(max(self._top, index - room + 1), index, last))

    def _spread(self) -> int:
        return next((index for index, rung in enumerate(self._rungs) if rung.bid), len(self._rungs) // 2)


def _columns(width: int) -> tuple[int, int, int]:
    """Widths of a bar and of own orders' columns for so many cells, and whether anything is left."""
    spare = max(0, width - _LEAST)
    return _OWN, _SIZE, spare // 2


def _headings(width: int, side: Side) -> Line:
    own, size, depth = _columns(width)
    bid, ask = ("▶BID SIZE", "ASK SIZE") if side is Side.BUY else ("BID SIZE", "ASK SIZE◀")
    cells = (
        fit("OUR BIDS", own, Align.RIGHT),
        fit("", depth),
        fit(bid, size, Align.RIGHT),
        fit("PRICE USDC", _PRICE, Align.RIGHT),
        fit(ask, size, Align.RIGHT),
        fit("", depth),
        fit("OUR ASKS", own),
    )
    return (Span(" ".join(cell for cell in cells if cell), Tone.HEAD),)


def _row(rung: Rung, view: LadderView, most: Decimal, width: int) -> Line:
    own, size, depth = _columns(width)
    market = view.market
    stale = Tone.STALE if view.trouble else None
    spans = [
        Span(fit(_own(rung, Side.BUY, market, is_private=view.is_private), own, Align.RIGHT), stale or Tone.STRONG),
        Span(_depth(rung.bid, most, depth).rjust(depth), stale or Tone.BID),
        Span(_figure(rung.bid, market.size_decimals, size), stale or Tone.BID),
        Span(fit_number(decimal(rung.price, market.price_decimals), _PRICE), stale or Tone.PLAIN),
        Span(_figure(rung.ask, market.size_decimals, size), stale or Tone.ASK),
        Span(_depth(rung.ask, most, depth).ljust(depth), stale or Tone.ASK),
        Span(fit(_own(rung, Side.SELL, market, is_private=view.is_private), own), stale or Tone.STRONG),
    ]
    line: list[Span] = []
    for span in spans:
        if span.text:
            line.extend((span, Span(" ")))
    return tuple(line[:-1])


def _depth(value: Decimal, most: Decimal, width: int) -> str:
    """Whole cells only: both sides grow away from the price, and no block is open to the left."""
    return "█" * int(value * width / most) if most else ""


def _figure(value: Decimal, decimals: int, width: int) -> str:
    return fit_number(decimal(value, decimals), width) if value else " " * width


def _own(rung: Rung, side: Side, market: Market, *, is_private: bool) -> str:
    orders: Sequence[Order] = [order for order in rung.own if order.intent.side is side]
    if not orders:
        return ""
    glyph = ORDER_STATUS[orders[0].status].text.partition(" ")[0]
    return f"{glyph}{HIDDEN if is_private else decimal(rung.own_size(side), market.size_decimals)}"


def is_believable(book: BookView) -> bool:
    """Whether orders may be meant by this book's prices."""
    return book.status is BookStatus.LIVE
