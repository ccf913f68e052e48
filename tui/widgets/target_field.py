"""A field that names a market, a strategy or everything: typed in full, or chosen by arrows."""

from collections.abc import Iterable

from textual.suggester import SuggestFromList

from core.scope import Scope
from tui.targets import Target, find_target, not_found
from tui.widgets.text_field import TextField

_LONGEST = 200


class TargetField(TextField):
    """Holds the name of one of a few targets."""

    def __init__(self, known: Iterable[Target], first: Scope | None, *, id: str) -> None:  # noqa: A002
        """`first` is what it begins with; the first of all when that is not among them."""
        self._known = tuple(known)
        begin = next((target for target in self._known if target.scope == first), None)
        begin = begin or next(iter(self._known), None)
        super().__init__(begin.name if begin else "", id=id, max_length=_LONGEST)
        self.suggester = SuggestFromList([target.name for target in self._known], case_sensitive=False)

    @property
    def target(self) -> Target | None:
        """What is named, if that is known."""
        return find_target(self.value, self._known)

    @property
    def problem(self) -> str:
        """What was expected instead; empty when it is known."""
        return "" if self.target is not None else not_found(self.value, self._known)

    def step(self, step: int) -> None:
        """The next or the previous one, around the end."""
        if self._known:
            now = self.target
            index = self._known.index(now) + step if now is not None else 0
            self.value = self._known[index % len(self._known)].name
            self.select_all()
