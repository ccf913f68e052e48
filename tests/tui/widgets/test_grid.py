"""The grid: only changed rows are painted, figures never move, and the cursor stays with its row."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from tui.format import Align
from tui.widgets.grid import Column, Grid, Spec, lay_out
from tui.widgets.lines import Span


@dataclass(frozen=True)
class Thing:
    name: str
    amount: int


COLUMNS = (
    Column(heading="NAME", render=lambda t: Span(t.name), width=8, narrow=4),
    Column(heading="AMOUNT", short="AMT", render=lambda t: Span(str(t.amount)), width=10, narrow=5, is_number=True),
    Column(heading="EXTRA", render=lambda _t: Span("x"), width=6, rank=2),
    Column(heading="MORE", render=lambda _t: Span("y"), width=6, rank=1, is_flexible=True),
)


class Watched(Grid[Thing]):
    """Counts what it is asked to repaint."""

    def __init__(self, spec: Spec[Thing]) -> None:
        super().__init__(spec, id="grid")
        self.dirty: list[Region] = []
        self.whole = 0

    def refresh(self, *regions: Region, **options: object):
        if regions:
            self.dirty.extend(regions)
        else:
            self.whole += 1
        return super().refresh(*regions, **options)

    def forget(self) -> None:
        self.dirty.clear()
        self.whole = 0


class Host(App[None]):
    AUTO_FOCUS = None

    def __init__(self, *, follows_end: bool = False) -> None:
        super().__init__()
        spec = Spec(title="things", columns=COLUMNS, key=lambda t: t.name, empty="nothing", follows_end=follows_end)
        self.grid = Watched(spec)
        self.chosen: list[object] = []

    def compose(self) -> ComposeResult:
        yield self.grid

    def on_grid_chosen(self, event: Grid.Chosen) -> None:
        self.chosen.append(event.item)


def things(count: int) -> list[Thing]:
    return [Thing(f"t{number}", number) for number in range(count)]


@asynccontextmanager
async def a_grid(
    count: int = 5, *, follows_end: bool = False, size: tuple[int, int] = (40, 6)
) -> AsyncIterator[tuple[Watched, Pilot[None]]]:
    app = Host(follows_end=follows_end)
    async with app.run_test(size=size) as pilot:
        app.grid.set_items(things(count))
        await pilot.pause()
        app.grid.forget()
        yield app.grid, pilot


def lines(grid: Watched) -> list[str]:
    return [grid.render_line(y).text for y in range(grid.size.height)]


async def test_only_changed_rows_are_painted_again():
    async with a_grid() as (grid, _pilot):
        rows = things(5)
        rows[1], rows[3] = Thing("t1", 100), Thing("t3", 300)
        grid.set_items(rows)
        assert [region.y for region in grid.dirty] == [2, 4]
        assert {region.height for region in grid.dirty} == {1}
        assert grid.whole == 0
        assert "100" in lines(grid)[2]


async def test_equal_rows_are_not_painted_again():
    async with a_grid() as (grid, _pilot):
        grid.set_items(things(5))
        assert (grid.dirty, grid.whole) == ([], 0)


async def test_rows_out_of_sight_cost_nothing():
    async with a_grid(100) as (grid, _pilot):
        rows = things(100)
        rows[50] = Thing("t50", -1)
        grid.set_items(rows)
        assert (grid.dirty, grid.whole) == ([], 0)


async def test_moving_the_cursor_paints_two_rows():
    async with a_grid() as (grid, pilot):
        grid.focus()
        await pilot.pause()
        grid.forget()
        await pilot.press("down")
        assert sorted(region.y for region in grid.dirty) == [1, 2]


async def test_the_cursor_stays_with_its_row_when_rows_move():
    async with a_grid() as (grid, pilot):
        grid.focus()
        await pilot.press("down", "down")
        assert grid.selected == Thing("t2", 2)
        grid.set_items([Thing("new", 9), *things(5)])
        assert grid.selected == Thing("t2", 2)
        await pilot.press("down")
        assert grid.selected == Thing("t3", 3)


async def test_nothing_is_selected_after_the_selected_row_went_away():
    async with a_grid() as (grid, pilot):
        grid.focus()
        await pilot.press("down")
        grid.set_items([thing for thing in things(5) if thing.name != "t1"])
        assert grid.selected is None
        await pilot.press("enter")
        assert pilot.app.chosen == []
        await pilot.press("down")
        assert grid.selected == Thing("t2", 2)


async def test_keys_scroll_and_stay_inside():
    async with a_grid(100) as (grid, pilot):
        grid.focus()
        await pilot.press("end")
        assert grid.selected == Thing("t99", 99)
        assert "t99" in lines(grid)[-1]
        assert "▲95" in str(grid.border_title)
        await pilot.press("down", "pageup")
        assert grid.selected == Thing("t95", 95)
        await pilot.press("home", "up", "pagedown")
        assert grid.selected == Thing("t4", 4)
        await pilot.press("enter")
        assert pilot.app.chosen == [Thing("t4", 4)]


async def test_a_log_follows_its_end_until_the_operator_looks_back():
    async with a_grid(10, follows_end=True) as (grid, pilot):
        assert "t9" in lines(grid)[-1]
        grid.set_items(things(20))
        assert "t19" in lines(grid)[-1]
        grid.focus()
        await pilot.press("end", "up", "up")
        assert grid.selected == Thing("t17", 17)
        grid.set_items(things(40))
        assert grid.selected == Thing("t17", 17)
        await pilot.press("end")
        grid.set_items(things(50))
        assert "t49" in lines(grid)[-1]


async def test_an_empty_grid_says_so_and_answers_no_key():
    async with a_grid(0) as (grid, pilot):
        assert "nothing" in lines(grid)[1]
        grid.focus()
        await pilot.press("down", "end", "enter", "pageup")
        assert grid.selected is None
        grid.set_items(things(1))
        assert "nothing" not in lines(grid)[1]


async def test_headings_stand_over_their_columns():
    async with a_grid() as (grid, _pilot):
        head, first = lines(grid)[:2]
        assert head.index("AMOUNT") + len("AMOUNT") - 1 == first.rindex("0")
        assert len(head) == len(first) == 40


async def test_an_identifier_keeps_its_last_digits():
    column = Column(heading="ID", render=lambda t: Span(t.name), width=6, keeps_end=True)
    app = Host()
    async with app.run_test(size=(6, 4)):
        grid = app.grid
        grid._spec = Spec(title="ids", columns=(column,), key=lambda t: t.name, empty="")
        grid._laid_out_for = -1
        grid.set_items([Thing("1763800000001", 0)])
        assert lines(grid)[1] == "…00001"


@given(st.integers(min_value=0, max_value=200))
def test_columns_never_overlap_and_never_pass_the_edge(width: int):
    columns, gap = lay_out(COLUMNS, width)
    total = sum(size for _column, size in columns) + gap * (len(columns) - 1)
    assert total <= width or (len(columns) == 1 and width == 0)
    for column, size in columns:
        assert size >= min(column.narrow or column.width, width)


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (3, ["NAME"]),
        (10, ["NAME", "AMOUNT"]),
        (17, ["NAME", "AMOUNT", "MORE"]),
        (24, ["NAME", "AMOUNT", "EXTRA", "MORE"]),
    ],
)
def test_the_least_important_column_goes_first(width: int, headings: list[str]):
    assert [column.heading for column, _size in lay_out(COLUMNS, width)[0]] == headings


def test_alignment_is_left_unless_said_otherwise():
    assert COLUMNS[0].align is Align.LEFT
