"""One application that shows the same markets, changing at 10 Hz: in the desk's own grid, or in a `DataTable`.

Run by `bench.desk` in a terminal: `python -m bench.desk_subject grid|table SHARE FILE`. Writes to FILE, as JSON, the
CPU time burnt between two moments, the ticks in between, and these moments.
"""

import json
import random
import sys
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import DataTable

from core.model import Market
from core.units import ZERO, MarketId
from tui.driver import KillDriver
from tui.memory import settle_memory
from tui.painter import PaintedApp
from tui.style import style_sheet
from tui.theme import NAME, THEMES, TOKENS
from tui.widgets.grid import Grid, Spec
from tui.widgets.lines import LOOKS
from tui.widgets.prices import COLUMNS, PriceRow

MARKETS: Final = 46
"""As many as fit under headings and border in 50 rows: a row out of sight costs neither of them."""
HZ: Final = 10
WARM: Final = 10
TICKS: Final = 60


def _first_rows() -> list[PriceRow]:
    return [
        PriceRow(
            market=Market(
                id=MarketId(number),
                symbol=f"COIN{number}",
                price_decimals=2,
                size_decimals=3,
                min_size=Decimal("0.01"),
                min_notional=Decimal(10),
            ),
            bid=Decimal(1_000 + number),
            bid_size=Decimal("1.234"),
            ask=Decimal(1_001 + number),
            ask_size=Decimal("2.345"),
            last=Decimal(1_000 + number),
            mark=Decimal(1_000 + number),
            change=Decimal("1.23"),
            funding=Decimal("0.0012"),
            position=ZERO,
            is_position_old=False,
            trouble="",
            age="",
            reason="",
        )
        for number in range(MARKETS)
    ]


class Street:
    """Rows that change, the same ones for both: quote, sizes, last, mark, change and funding of a market."""

    def __init__(self, share: float) -> None:
        self.rows = _first_rows()
        self._random = random.Random(1)
        self._share = share

    def step(self) -> list[int]:
        """Change a share of the rows; which."""
        changed = self._random.sample(range(MARKETS), max(1, round(MARKETS * self._share)))
        for index in changed:
            row = self.rows[index]
            move = Decimal(self._random.randint(-50, 50)) / 100
            mid = (row.last or ZERO) + move
            self.rows[index] = replace(
                row,
                bid=mid - 1,
                ask=mid + 1,
                last=mid,
                mark=mid,
                bid_size=Decimal(self._random.randint(1, 9_999)) / 1_000,
                ask_size=Decimal(self._random.randint(1, 9_999)) / 1_000,
                change=(row.change or ZERO) + move / 10,
                funding=Decimal(self._random.randint(-99, 99)) / 10_000,
            )
        return changed


class _Watch:
    """Counts ticks and measures between two of them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._count = 0
        self._begun = (0, 0)

    def tick(self) -> bool:
        """Whether this was the last one."""
        now_ns = time.monotonic_ns()
        self._count += 1
        if self._count == WARM:
            self._begun = (now_ns, time.process_time_ns())
        if self._count < WARM + TICKS:
            return False
        began_ns, burnt_ns = self._begun
        found = {
            "from_ns": began_ns,
            "to_ns": now_ns,
            "cpu_ns": time.process_time_ns() - burnt_ns,
            "ticks": TICKS,
        }
        self._file.write_text(json.dumps(found), encoding="utf-8")
        return True


class _GridScreen(Screen[None]):
    """Colours of the grid's tones hang on its screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(LOOKS)


class _GridApp(PaintedApp[None]):
    """The desk's way."""

    def __init__(self, street: Street, watch: _Watch) -> None:
        super().__init__(driver_class=KillDriver, css_path=style_sheet())
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = NAME
        self.animation_level = "none"
        self._street, self._watch = street, watch
        spec = Spec(title="prices", columns=COLUMNS, key=lambda row: row.market.id, empty="")
        self._grid: Grid[PriceRow] = Grid(spec, id="prices")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(TOKENS)

    def get_default_screen(self) -> Screen[None]:
        return _GridScreen(id="_default")

    def compose(self) -> ComposeResult:
        yield self._grid

    def on_mount(self) -> None:
        settle_memory()
        self.set_interval(1 / HZ, self._tick)

    def _tick(self) -> None:
        self._street.step()
        self._grid.set_items(self._street.rows)
        if self._watch.tick():
            self.exit()


class _TableApp(App[None]):
    """Textual's own table, with plain cells, each told what changed."""

    def __init__(self, street: Street, watch: _Watch) -> None:
        super().__init__()
        self._street, self._watch = street, watch
        self._table: DataTable[str] = DataTable(cursor_type="row")
        self._texts = [_texts(row) for row in street.rows]

    def compose(self) -> ComposeResult:
        yield self._table

    def on_mount(self) -> None:
        for column in COLUMNS:
            self._table.add_column(column.heading, width=column.width, key=column.heading)
        for number, texts in enumerate(self._texts):
            self._table.add_row(*texts, key=str(number))
        settle_memory()
        self.set_interval(1 / HZ, self._tick)

    def _tick(self) -> None:
        for index in self._street.step():
            before, self._texts[index] = self._texts[index], _texts(self._street.rows[index])
            for column, old, new in zip(COLUMNS, before, self._texts[index], strict=True):
                if old != new:
                    self._table.update_cell(str(index), column.heading, new)
        if self._watch.tick():
            self.exit()


def _texts(row: PriceRow) -> list[str]:
    return [column.render(row).text for column in COLUMNS]


def main() -> int:
    """Run until measured."""
    kind, share, file = sys.argv[1:]
    app = {"grid": _GridApp, "table": _TableApp}[kind](Street(float(share)), _Watch(Path(file)))
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
