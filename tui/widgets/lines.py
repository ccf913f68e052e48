"""Widgets that draw lines: a text is a tuple of spans, and only lines that changed are painted again.

Colours come from the style sheet by the name of a tone; a line is never laid out, only drawn.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget


class Tone(Enum):
    """What a text means; the style sheet decides how that looks."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    HEAD = "head"
    CALM = "calm"
    BID = "bid"
    ASK = "ask"
    GAIN = "gain"
    LOSS = "loss"
    STALE = "stale"
    ARMED = "armed"
    HALTED = "halted"
    BADGE = "badge"
    ALARM = "alarm"


class Span(NamedTuple):
    """A piece of text with its meaning."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]


ROW_CURSOR: Final = "row--cursor"
ROW_IDLE: Final = "row--idle"
LOOKS: Final = frozenset({*(f"tone--{tone.value}" for tone in Tone), ROW_CURSOR, ROW_IDLE})
"""Component classes of a screen that holds canvases.

They hang on the screen, once: on every widget the style sheet would be matched 16 times a widget, which was a third of
the time to the first paint.
"""


class Canvas(Widget):
    """Base of everything drawn by the line: tones as styles of the screen, looked up once."""

    DEFAULT_CSS = """
    Canvas { width: 1fr; height: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._tones: dict[Tone, Style] = {}

    def notify_style_update(self) -> None:
        """Forget styles that the theme or the style sheet changed."""
        self._tones.clear()
        super().notify_style_update()

    def tone_style(self, tone: Tone) -> Style:
        """How this tone looks in this widget."""
        style = self._tones.get(tone)
        if style is None:
            base = Style(color=self.rich_style.color, bgcolor=self.rich_style.bgcolor)
            style = base + self.look(f"tone--{tone.value}")
            self._tones[tone] = style
        return style

    def look(self, name: str) -> Style:
        """What the style sheet says of one of `LOOKS`, alone; nothing on a screen that has none."""
        return self.screen.get_component_rich_style(name, partial=True, default=Style.null())

    def strip(self, line: Line, width: int, over: Style | None = None) -> Strip:
        """Draw one line, exactly `width` cells wide; `over` lies on top, for the cursor's row."""
        on_top = Style.null() if over is None else over
        segments = [Segment(span.text, self.tone_style(span.tone) + on_top) for span in line if span.text]
        return Strip(segments).adjust_cell_length(width, self.tone_style(Tone.PLAIN) + on_top)


class Lines(Canvas):
    """A few lines of text; only those that changed are painted again."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show these lines; the widget grows or shrinks with them where its height is `auto`."""
        new = tuple(lines)
        old, self._lines = self._lines, new
        if len(old) != len(new):
            self.refresh(layout=True)
            return
        width = self.size.width
        dirty = [Region(0, y, width, 1) for y, (was, now) in enumerate(zip(old, new, strict=True)) if was != now]
        if dirty:
            self.refresh(*dirty)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many as there are lines."""
        del container, viewport, width
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Draw line `y`."""
        width = self.size.width
        return self.strip(self._lines[y] if y < len(self._lines) else (), width)
