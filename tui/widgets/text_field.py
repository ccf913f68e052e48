"""A one-line text field of a window: takes a bounded text, and leaves its selection to whoever moves the focus."""

from textual.widgets import Input


class TextField(Input):
    """Textual's input without a blinking cursor, and without selecting late what a burst of keys has already typed."""

    def __init__(
        self,
        value: str = "",
        *,
        id: str,  # noqa: A002 - Textual's word
        max_length: int,
        placeholder: str = "",
        restrict: str | None = None,
    ) -> None:
        super().__init__(
            value, id=id, max_length=max_length, placeholder=placeholder, restrict=restrict, select_on_focus=False
        )
        self.cursor_blink = False
