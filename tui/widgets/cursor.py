"""Which row of a table is meant, and which rows are in sight: kept by the row itself, not by its place. Pure."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Cursor(Generic[Item]):
    """Rows, the selected one, and the first one in sight."""

    def __init__(self, key: Callable[[Item], Hashable], *, follows_end: bool) -> None:
        """`key` tells rows apart for as long as they live; `follows_end` keeps the newest row in sight."""
        self._key_of = key
        self._follows_end = follows_end
        self.items: tuple[Item, ...] = ()
        self.index = 0
        self.top = 0
        self._key: tuple[Hashable] | None = None
        """Of the selected row, wrapped since None is a key too; None when nothing is selected, or the row went away."""

    @property
    def is_set(self) -> bool:
        """Whether a row is selected."""
        return self._key is not None

    @property
    def selected(self) -> Item | None:
        """The selected row; None after it went away, until the operator moves: no key may hit its neighbour."""
        if self._key is None or self.index >= len(self.items):
            return None
        item = self.items[self.index]
        return item if (self._key_of(item),) == self._key else None

    def show(self, items: Sequence[Item]) -> None:
        """Take these rows, in this order; the selection stays with its row."""
        was_last = self._follows_end and self.index == len(self.items) - 1
        self.items = tuple(items)
        if self._follows_end and (self._key is None or was_last):
            self.index = len(self.items) - 1
            self._key = (self._key_of(self.items[-1]),) if self._key is not None and self.items else None
        elif self._key is not None:
            keys = [(self._key_of(item),) for item in self.items]
            if self._key in keys:
                self.index = keys.index(self._key)
            else:
                self._key = None
        self.index = max(0, min(self.index, len(self.items) - 1))

    def select(self, index: int) -> None:
        """Select the row at or nearest to this place."""
        if self.items:
            self.index = max(0, min(index, len(self.items) - 1))
            self._key = (self._key_of(self.items[self.index]),)

    def move(self, step: int) -> None:
        """Select a row further down or up; with none selected, the one where the last selected row was."""
        self.select(self.index if self._key is None else self.index + step)

    def scroll(self, room: int) -> None:
        """Bring the selected row into the `room` rows in sight."""
        last_top = max(0, len(self.items) - room)
        if self._key is not None and room:
            self.top = min(max(self.top, self.index - room + 1), self.index)
        elif self._follows_end:
            self.top = last_top
        self.top = min(self.top, last_top)
