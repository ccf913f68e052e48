"""What a click and the wheel mean on anything with rows: a click selects, the wheel moves; neither does anything."""

from textual.events import Click, MouseScrollDown, MouseScrollUp

from tui.widgets.lines import Canvas

WHEEL = 3
"""Rows that one notch of the wheel moves."""


class Pointed(Canvas):
    """Rows that can be pointed at."""

    def point(self, y: int) -> None:
        """Select what stands in this line of the content, if a row does."""
        raise NotImplementedError

    def action_move(self, step: int) -> None:
        """Move by rows."""
        raise NotImplementedError

    def on_click(self, event: Click) -> None:
        """A click selects."""
        where = event.get_content_offset(self)
        if where is not None:
            self.point(where.y)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel moves."""
        event.stop()
        self.action_move(WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel moves."""
        event.stop()
        self.action_move(-WHEEL)
