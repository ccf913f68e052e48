"""The painter writes less than Textual, and the terminal shows the same."""

from collections.abc import Iterator
from itertools import pairwise
from unicodedata import normalize

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tests.support.waiting import eventually
from tui.painter import Painter, PatchedScreen

COLUMNS, ROWS = 24, 6
STYLES = [
    None,
    *map(
        Style.parse,
        [
            "red on blue",
            "green on blue",
            "bold red on blue",
            "underline green",
            "reverse red",
            "rgb(1,2,3) on rgb(4,5,6)",
        ],
    ),
]
WORDS = st.text(st.sampled_from("ab 01.●│"), min_size=1, max_size=9)


class Screen:
    """A terminal, and what it shows: letters with the looks that can be seen."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream = pyte.Stream(self.screen)
        self.console = Console(color_system="truecolor", force_terminal=True)
        self.written = 0

    def show(self, update: CompositorUpdate) -> None:
        text = update.render_segments(self.console)
        self.written += len(text)
        self.stream.feed(text + "\x1b[1;1H")

    def seen(self) -> Iterator[tuple[object, ...]]:
        for y in range(ROWS):
            for x in range(COLUMNS):
                cell = self.screen.buffer[y][x]
                is_bare = cell.data == " " and not (cell.underscore or cell.reverse)
                front = "" if is_bare else (cell.fg, cell.bold)
                yield cell.data, front, cell.bg, cell.underscore, cell.reverse


@st.composite
def strips(draw: st.DrawFn, width: int) -> Strip:
    segments: list[Segment] = []
    left = width
    while left:
        text = draw(WORDS)[:left]
        segments.append(Segment(text, draw(st.sampled_from(STYLES))))
        left -= len(text)
    return Strip(segments)


@st.composite
def updates(draw: st.DrawFn) -> CompositorUpdate:
    """A full update, or one of some spans, over chops cut wherever."""
    cuts = [0, *sorted(draw(st.sets(st.integers(1, COLUMNS - 1), max_size=3))), COLUMNS]
    lines = [{begin: draw(strips(end - begin)) for begin, end in pairwise(cuts)} for _ in range(ROWS)]
    if draw(st.booleans()):
        return LayoutUpdate([line.values() for line in lines], Region(0, 0, COLUMNS, ROWS))
    marks = sorted({draw(st.sampled_from(cuts[:-1])), draw(st.sampled_from(cuts[1:]))})
    begin, end = (marks[0], marks[-1]) if len(marks) == 2 else (0, COLUMNS)
    spans = [(y, begin, end) for y in sorted(draw(st.sets(st.integers(0, ROWS - 1), min_size=1)))]
    return ChopsUpdate(lines, spans, [cuts[1:]] * ROWS)


@given(st.lists(updates(), min_size=1, max_size=8))
def test_the_terminal_shows_what_textual_would_have_made_it_show(story: list[CompositorUpdate]) -> None:
    plain, painted, painter = Screen(), Screen(), Painter()
    for update in story:
        plain.show(update)
        painted.show(painter.painted(update, (COLUMNS, ROWS)))
        assert list(painted.seen()) == list(plain.seen())
    assert painted.written <= plain.written + 8 * len(story)


def line(*segments: tuple[str, Style | None]) -> LayoutUpdate:
    return LayoutUpdate([[Strip([Segment(*segment) for segment in segments])]], Region(0, 0, COLUMNS, ROWS))


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_what_stays_is_not_written_again(screen: Screen) -> None:
    painter, style = Painter(), STYLES[1]
    screen.show(painter.painted(line(("price 1234.56 USDC      ", style)), (COLUMNS, ROWS)))
    screen.written = 0
    screen.show(painter.painted(line(("price 1234.56 USDC      ", style)), (COLUMNS, ROWS)))
    assert screen.written == 0
    screen.show(painter.painted(line(("price 1234.78 USDC      ", style)), (COLUMNS, ROWS)))
    assert screen.screen.display[0].startswith("price 1234.78 USDC")
    assert screen.written == len("\x1b[1;12H" + "\x1b[31;44m" + "78" + "\x1b[0m")


def test_after_it_was_told_to_forget_everything_is_written(screen: Screen) -> None:
    painter, update = Painter(), line(("a whole line of letters.", STYLES[1]))
    screen.show(painter.painted(update, (COLUMNS, ROWS)))
    screen.stream.feed("\x1b[2J")
    painter.forget()
    screen.show(painter.painted(update, (COLUMNS, ROWS)))
    assert screen.screen.display[0] == "a whole line of letters."


def test_a_line_that_was_forgotten_is_written_whole_and_the_others_are_not(screen: Screen) -> None:
    painter = Painter()
    strips = [[Strip([Segment(f"line {number}")])] for number in range(ROWS)]
    update = LayoutUpdate(strips, Region(0, 0, 6, ROWS))
    screen.show(painter.painted(update, (COLUMNS, ROWS)))
    screen.stream.feed("\x1b[2J")
    painter.forget_line(2)
    screen.show(painter.painted(update, (COLUMNS, ROWS)))
    assert [line.strip() for line in screen.screen.display] == ["", "", "line 2", "", "", ""]


def test_another_size_is_another_terminal(screen: Screen) -> None:
    painter, update = Painter(), line(("a whole line of letters.", STYLES[1]))
    screen.show(painter.painted(update, (COLUMNS + 1, ROWS)))
    screen.stream.feed("\x1b[2J")
    screen.show(painter.painted(update, (COLUMNS, ROWS)))
    assert screen.screen.display[0] == "a whole line of letters."


@pytest.mark.parametrize("text", ["価格 is wide", normalize("NFD", "é combines"), "🏴‍☠️ is joined"])
def test_letters_that_take_no_cell_or_two_are_written_with_all_around_them(screen: Screen, text: str) -> None:
    plain, painter = Screen(), Painter()
    for before, after in [("1 ", " 2"), ("3 ", " 4")]:
        strip = Strip([Segment(before), Segment(text, STYLES[1]), Segment(after)])
        update = LayoutUpdate([[strip]], Region(0, 0, COLUMNS, ROWS))
        plain.show(update)
        screen.show(painter.painted(update, (COLUMNS, ROWS)))
        assert screen.screen.display[0] == plain.screen.display[0]


def test_a_strip_that_is_shorter_than_it_says_is_written_whole(screen: Screen) -> None:
    painter = Painter()
    for text in ("abc", "abd"):
        update = LayoutUpdate([[Strip([Segment(text)], 10)]], Region(0, 0, COLUMNS, ROWS))
        screen.show(painter.painted(update, (COLUMNS, ROWS)))
        assert screen.screen.display[0].startswith(text)


def test_fewer_colours_are_told_in_fewer_colours() -> None:
    painter = Painter()
    painter.painted(line(("x", None)), (COLUMNS, ROWS))
    style = Style.parse("rgb(250,0,0)")
    text = painter.write([(0, 0, Strip([Segment("red", style)]))], COLUMNS, int(ColorSystem.STANDARD))
    assert text == "\x1b[1;1H\x1b[31mred\x1b[0m"


class Line(Widget):
    """A line that says what it is told."""

    DEFAULT_CSS = "Line { height: 1; }"
    said = ""

    def say(self, what: str) -> None:
        self.said = what
        self.refresh()

    def render(self) -> str:
        return self.said


class Street(PatchedScreen[None]):
    def compose(self) -> Iterator[Line]:
        yield Line()
        yield Line()


class Story(App[None]):
    """Keeps which lines were painted."""

    def __init__(self) -> None:
        super().__init__()
        self.painted: set[int] = set()

    def get_default_screen(self) -> Street:
        return Street()

    def _display(self, screen: object, renderable: object) -> None:
        if isinstance(renderable, ChopsUpdate):
            self.painted |= {y for y, _, _ in renderable.spans}
        super()._display(screen, renderable)


async def test_a_region_of_the_screen_and_a_widget_that_changes_are_both_painted() -> None:
    app = Story()
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await pilot.pause()
        for number in range(20):  # both in one beat of Textual's timer, one way or the other
            app.painted.clear()
            app.screen.query(Line)[1].say(f"{number}")
            app.screen.refresh(Region(0, 5, COLUMNS, 1))
            await eventually(lambda: {1, 5} <= app.painted, "both to be painted")
