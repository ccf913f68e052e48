"""What to write so that the terminal shows what it does not show yet: single cells, where Textual writes whole lines.

Over SSH every byte counts, and most of a line stays as it was when one figure in it changes. The painter remembers what
it wrote, compares, and writes the cells that differ, with as few moves and colour changes as it can. What the terminal
shows is only ours to know as long as everything passes through here: `forget` after anything else may have written or
erased.

Between the compositor of Textual, which says what is to be seen, and the driver (`tui.driver`), which carries text to
the terminal. `PaintedApp` is the App of Textual with a painter of its own, `PatchedScreen` what its screens stand on.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, Self, cast

from rich.cells import cached_cell_len
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console, RenderableType
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App, ReturnType
from textual.events import Event, Resize
from textual.geometry import Region
from textual.screen import Screen, ScreenResultType
from textual.strip import Strip

_GAP: Final = 4
"""So many cells that stay are written again rather than jumped over: a jump costs as much."""
_ATTRIBUTES: Final = (
    *(("bold", "1"), ("dim", "2"), ("italic", "3"), ("underline", "4"), ("blink", "5"), ("blink2", "6")),
    *(("reverse", "7"), ("conceal", "8"), ("strike", "9"), ("underline2", "21")),
    *(("frame", "51"), ("encircle", "52"), ("overline", "53")),
)
"""Rich's names and the codes of ECMA-48, 8.3.117."""
_RESET: Final = "\x1b[0m"


class Ink:
    """A style as the terminal is told of it: parts of an SGR sequence. One object for each, so that `is` compares."""

    __slots__ = ("attributes", "back", "front", "link", "shows_blanks")

    def __init__(self, attributes: str, front: str, back: str, link: str) -> None:
        self.attributes = attributes
        self.front = front
        self.back = back
        self.link = link
        self.shows_blanks = bool(attributes or link)
        """A blank looks different from one of the same background alone."""


@lru_cache(maxsize=4_096)
def _ink(attributes: str = "", front: str = "39", back: str = "49", link: str = "") -> Ink:
    return Ink(attributes, front, back, link)


_PLAIN: Final = _ink()
_Run = tuple[str, Ink]


class Piece:
    """Cells beside one another, as they are to be seen: runs of one ink each."""

    __slots__ = ("is_simple", "runs", "strip", "width")

    def __init__(self, strip: Strip, color_system: int) -> None:
        self.strip = strip
        self.width = strip.cell_length
        self.runs = _runs(strip, color_system)
        is_whole = sum(len(text) for text, _ in self.runs) == self.width
        self.is_simple = is_whole and all(text.isascii() or is_narrow(text) for text, _ in self.runs)
        """One character a cell, so that cells can be compared and written alone."""


class Painter:
    """Knows what one terminal shows."""

    def __init__(self) -> None:
        self._size = (0, 0)
        self._lines: list[dict[int, Piece]] = []
        """By line, what begins at which column."""

    def forget(self) -> None:
        """Nothing is known of what the terminal shows: the next full update is written whole."""
        self._lines = []

    def forget_line(self, y: int) -> None:
        """Nothing is known of what this line shows."""
        if 0 <= y < len(self._lines):
            self._lines[y] = {}

    def painted(self, update: CompositorUpdate, size: tuple[int, int]) -> CompositorUpdate:
        """An update to the same effect for a terminal of so many columns and rows; of a kind not known, the update."""
        if not isinstance(update, LayoutUpdate | ChopsUpdate):
            return update
        if size != self._size or len(self._lines) != size[1]:
            self._size, self._lines = size, [{} for _ in range(size[1])]
        return _Painted(self, update, size[0])

    def write(self, cells: Iterable[tuple[int, int, Strip]], columns: int, color_system: int) -> str:
        """What to write for these strips, each at its line and column; they are remembered as shown."""
        pen = _Pen(columns)
        for y, x, strip in cells:
            if not 0 <= y < len(self._lines) or not strip.cell_length:
                continue
            line = self._lines[y]
            old = line.get(x)
            if old is not None and old.strip is strip:
                continue
            new = Piece(strip, color_system)
            if old is None or old.width != new.width:
                _make_room(line, x, new.width)
                old = None
            line[x] = new
            if old is not None and old.is_simple and new.is_simple:
                _write_changes(pen, y, x, old, new)
            elif old is None or old.runs != new.runs:
                pen.put_all(y, x, new)
        return pen.text()


class PaintedApp(App[ReturnType]):
    """An application whose terminal is written to by a painter."""

    _painter: Painter | None = None
    _healed = -1
    """The line that was written anew last."""

    async def on_event(self, event: Event) -> None:
        """A terminal that changed its size may have erased or moved what it showed."""
        if isinstance(event, Resize) and self._painter is not None:
            self._painter.forget()
        await super().on_event(event)

    def heal(self) -> None:
        """Write one more line anew, from top to bottom: another program's words or a noisy line may have changed it."""
        if self._painter is not None and self.size.height:
            self._healed = (self._healed + 1) % self.size.height
            self._painter.forget_line(self._healed)
            self.screen.refresh(Region(0, self._healed, self.size.width, 1))

    def _display(self, screen: Screen[object], renderable: RenderableType | CompositorUpdate | None) -> None:
        if isinstance(renderable, CompositorUpdate):
            if self._painter is None:
                self._painter = Painter()
            renderable = self._painter.painted(renderable, self.size)
        super()._display(screen, cast("RenderableType | None", renderable))


class PatchedScreen(Screen[ScreenResultType]):
    """A screen of which a region may be repainted without losing what its widgets have to show.

    Textual forgets the widgets that wait for their repaint when the screen itself asks for one, also of a region alone.
    """

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Repaint regions beside whatever else waits; anything else is Textual's."""
        if not regions or not repaint or layout or recompose or not self.is_mounted:
            return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        self._set_dirty(*regions)
        self._dirty_widgets.add(self)
        self.check_idle()
        return self


class _Painted(CompositorUpdate):
    """One update, written by a painter when Textual asks for it."""

    def __init__(self, painter: Painter, update: LayoutUpdate | ChopsUpdate, columns: int) -> None:
        self._painter = painter
        self._update = update
        self._columns = columns

    def render_segments(self, console: Console) -> str:
        color_system = int(COLOR_SYSTEMS[console.color_system or "truecolor"])
        update = self._update
        cells = _of_layout(update) if isinstance(update, LayoutUpdate) else _of_chops(update)
        return self._painter.write(cells, self._columns, color_system)


def _of_layout(update: LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield y, x, strip
            x += strip.cell_length


def _of_chops(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Each chop belongs to one widget, so those that touch a span are right over their whole width."""
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < x2 and end > x1:
                yield y, x, strip


class _Pen:
    """Collects what to write, and knows where the cursor is and in which ink it writes."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._parts: list[str] = []
        self._y, self._x = -1, -1
        """Where the cursor is; -1 when that is not certain."""
        self._attributes, self._front, self._back = _PLAIN.attributes, _PLAIN.front, _PLAIN.back

    def put(self, y: int, x: int, text: str, ink: Ink) -> None:
        """Write `text` there."""
        if y != self._y or x != self._x:
            self._go(y, x)
        is_blank = not ink.shows_blanks and text.isspace()
        if ink.back != self._back or ink.attributes != self._attributes or (ink.front != self._front and not is_blank):
            self._dip(ink, is_blank=is_blank)
        self._parts.append(f"\x1b]8;;{ink.link}\x1b\\{text}\x1b]8;;\x1b\\" if ink.link else text)
        end = x + len(text)
        # In the last column the cursor waits to wrap, and where wide letters leave it terminals disagree.
        is_certain = end < self._columns and (text.isascii() or is_narrow(text))
        self._y, self._x = (y, end) if is_certain else (-1, -1)

    def put_all(self, y: int, x: int, piece: Piece) -> None:
        """Write a whole piece, one run straight after the other as Textual does: terminals disagree on wide letters."""
        is_certain = True
        for text, ink in piece.runs:
            self.put(y, x, text, ink)
            is_certain = self._y >= 0
            x += cached_cell_len(text)
            self._y, self._x = y, x
        if not (piece.is_simple and is_certain):
            self._y, self._x = -1, -1

    def text(self) -> str:
        """All of it, the ink put away."""
        if (self._attributes, self._front, self._back) != (_PLAIN.attributes, _PLAIN.front, _PLAIN.back):
            self._parts.append(_RESET)
            self._attributes, self._front, self._back = _PLAIN.attributes, _PLAIN.front, _PLAIN.back
        return "".join(self._parts)

    def _go(self, y: int, x: int) -> None:
        if self._y == y and x > self._x:
            ahead = x - self._x
            self._parts.append("\x1b[C" if ahead == 1 else f"\x1b[{ahead}C")
        else:
            self._parts.append(f"\x1b[{y + 1};{x + 1}H")

    def _dip(self, ink: Ink, *, is_blank: bool) -> None:
        """Change the ink; the front of a blank is not seen and stays."""
        codes: list[str] = []
        if ink.attributes != self._attributes:
            if self._attributes:
                codes.append("0")
                self._front, self._back = _PLAIN.front, _PLAIN.back
            if ink.attributes:
                codes.append(ink.attributes)
            self._attributes = ink.attributes
        if ink.front != self._front and not is_blank:
            codes.append(ink.front)
            self._front = ink.front
        if ink.back != self._back:
            codes.append(ink.back)
            self._back = ink.back
        self._parts.append(f"\x1b[{';'.join(codes)}m")


@lru_cache(maxsize=4_096)
def is_narrow(text: str) -> bool:
    """Whether every character takes one cell of its own."""
    return text.isascii() or all(cached_cell_len(letter) == 1 for letter in text)


@lru_cache(maxsize=4_096)
def ink_of(style: Style, color_system: int) -> Ink:
    """A style's parts, each told alone."""
    front, back, system = style.color, style.bgcolor, ColorSystem(color_system)
    return _ink(
        ";".join(code for name, code in _ATTRIBUTES if getattr(style, name)),
        ";".join(front.downgrade(system).get_ansi_codes()) if front is not None else _PLAIN.front,
        ";".join(back.downgrade(system).get_ansi_codes(foreground=False)) if back is not None else _PLAIN.back,
        style.link or "",
    )


def _runs(strip: Strip, color_system: int) -> list[_Run]:
    """The strip's text in runs as long as the ink holds."""
    runs: list[_Run] = []
    held: Ink | None = None
    texts: list[str] = []
    for text, style, control in strip:
        if control or not text:
            continue
        ink = _PLAIN if style is None else ink_of(style, color_system)
        if ink is held:
            texts.append(text)
        else:
            if held is not None:
                runs.append(("".join(texts), held))
            held, texts = ink, [text]
    if held is not None:
        runs.append(("".join(texts), held))
    return runs


def _make_room(line: dict[int, Piece], x: int, width: int) -> None:
    """Forget what `width` cells from `x` cover, in part or whole."""
    for at in [at for at, piece in line.items() if at < x + width and at + piece.width > x]:
        del line[at]


def _write_changes(pen: _Pen, y: int, x: int, old: Piece, new: Piece) -> None:
    """Write the cells of `new` that are not as in `old`, which has the same width and place."""
    olds = iter(old.runs)
    was, was_ink = next(olds)
    begin = 0
    """Where in the old run we are."""
    for text, ink in new.runs:
        if was == text and was_ink is ink and begin == 0:  # most runs
            x += len(text)
            was, was_ink = next(olds, ("", _PLAIN))
            continue
        done = 0
        while done < len(text):
            size = min(len(text) - done, len(was) - begin)
            now, then = text[done : done + size], was[begin : begin + size]
            if now != then or was_ink is not ink:
                for start, end in _different(now, then, ink, was_ink):
                    pen.put(y, x + start, now[start:end], ink)
            done, begin, x = done + size, begin + size, x + size
            if begin == len(was):
                was, was_ink, begin = *next(olds, ("", _PLAIN)), 0


def _different(now: str, then: str, ink: Ink, was_ink: Ink) -> list[tuple[int, int]]:
    """Where two texts of one length differ to the eye, as ranges; those close to one another are joined."""
    if ink is was_ink:
        cells = [at for at, (new, old) in enumerate(zip(now, then, strict=True)) if new != old]
    elif ink.shows_blanks or was_ink.shows_blanks or ink.back != was_ink.back:
        return [(0, len(now))]
    else:
        cells = [at for at, (new, old) in enumerate(zip(now, then, strict=True)) if not new == old == " "]
    if not cells:
        return []
    found = []
    start = end = cells[0]
    for at in cells:
        if at - end > _GAP:
            found.append((start, end + 1))
            start = at
        end = at
    found.append((start, end + 1))
    return found
