"""Remembers what a pane showed last, so that it works only when its slice of the state changed."""


class Seen:
    """The parts shown last; parts are compared by identity first, then by value."""

    def __init__(self) -> None:
        self._parts: tuple[object, ...] | None = None

    def is_new(self, *parts: object) -> bool:
        """Whether these differ from the last ones; they are the last ones from now on."""
        if parts == self._parts:
            return False
        self._parts = parts
        return True
