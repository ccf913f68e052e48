"""The line that filters tables: shown above them, reached by `/`, left by Enter or Esc."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.widgets.text_field import TextField

_LONGEST = 200


class FilterField(TextField):
    """Words to look for. Esc forgets them, Enter keeps them; both go back to the table."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "forget", "show all", show=False),
        Binding("enter", "keep", "back to the table", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="words", max_length=_LONGEST, placeholder="/ filters: words that a row must hold")

    def action_forget(self) -> None:
        """Show every row again."""
        self.value = ""
        self.action_keep()

    def action_keep(self) -> None:
        """Go back to the table."""
        self.screen.focus_next()
