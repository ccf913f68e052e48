"""Which rows of a table are shown, and in which order, when the operator filters or sorts. Pure.

Both go by what the cells say, so that what is typed is what is seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Sorting:
    """By which column, the first being 0, and which way."""

    column: int
    is_down: bool = False


def next_sorting(now: Sorting | None, columns: int) -> Sorting | None:
    """Each column upwards, then downwards, then the table's own order again."""
    if now is None:
        return Sorting(0)
    if not now.is_down:
        return Sorting(now.column, is_down=True)
    return Sorting(now.column + 1) if now.column + 1 < columns else None


def matching(items: Sequence[Item], words: str, cells: Callable[[Item], Sequence[str]]) -> list[Item]:
    """The rows in which every word occurs in some cell; letter case does not matter."""
    wanted = words.casefold().split()
    if not wanted:
        return list(items)
    return [item for item in items if _holds(" ".join(cells(item)).casefold(), wanted)]


def ordered(items: Sequence[Item], sorting: Sorting | None, cell: Callable[[Item, int], str]) -> list[Item]:
    """The rows by one column: figures by their value, words by the alphabet, and what is no figure after those."""
    if sorting is None:
        return list(items)
    column = sorting.column
    return sorted(items, key=lambda item: _rank(cell(item, column)), reverse=sorting.is_down)


class Sieve(Generic[Item]):
    """All rows of a table, and what is let through of them."""

    def __init__(self, cell: Callable[[Item, int], str], columns: int) -> None:
        self._cell = cell
        self._columns = columns
        self.given: tuple[Item, ...] = ()
        self.words = ""
        self.sorting: Sorting | None = None

    def rows(self) -> Sequence[Item]:
        """What is shown, in its order."""
        rows: Sequence[Item] = self.given
        if self.words:
            rows = matching(rows, self.words, lambda item: [self._cell(item, n) for n in range(self._columns)])
        return rows if self.sorting is None else ordered(rows, self.sorting, self._cell)

    def sort_next(self) -> None:
        """Sort by the next column."""
        self.sorting = next_sorting(self.sorting, self._columns)

    def mark(self, column: int) -> str:
        """What stands before the heading of this column."""
        if self.sorting is None or self.sorting.column != column:
            return ""
        return "▼" if self.sorting.is_down else "▲"


def _holds(text: str, words: list[str]) -> bool:
    return all(word in text for word in words)


def _rank(text: str) -> tuple[bool, Decimal, str]:
    try:
        value = Decimal(text.replace(",", "").lstrip("◌!~"))
    except InvalidOperation:
        return (True, Decimal(0), text.casefold())
    return (False, value, "") if value.is_finite() else (True, Decimal(0), text.casefold())
