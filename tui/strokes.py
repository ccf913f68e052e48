"""Keys in the order they were pressed: each is carried out before the next is looked at.

Textual hands a key to the focused widget's queue and looks at the next one at once, with the focus as it is then. A
burst (a fast typist, a laggy line, a pasted command) would put digits meant for the price into the size, or place an
order before its last digit arrived. So what a key does here is done within the App's own turn.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from textual.app import App
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.widgets import Input

from tui.widgets.choice import Choice
from tui.widgets.grid import Grid

_UNSHOWN: Final = "·"
Result = TypeVar("Result")
Answer = TypeVar("Answer")


async def carry_out(app: App[Result], event: Event) -> bool:
    """Do what a key or a paste asks for; False leaves the event to Textual."""
    if not isinstance(event, Key | Paste) or event.is_forwarded:
        return False
    if isinstance(event, Paste):
        return _paste(app.focused, event)
    before = app.focused
    is_done = (
        await app._check_bindings(event.key, priority=True)  # noqa: SLF001 - what App.on_event itself does
        or _type(app.focused, event)
        or await app._check_bindings(event.key)  # noqa: SLF001
    )
    if app.focused is not before:
        _arrive(app.focused)
    return is_done


async def open_window(
    app: App[Result], screen: Screen[Answer], done: Callable[[Answer | None], None] | None = None
) -> None:
    """Show a window and focus its first field before the next key is looked at, which may be a digit for it."""
    await app.push_screen(screen, done)
    if screen.focused is None:
        screen.focus_next()
    _arrive(screen.focused)


def _arrive(focused: object) -> None:
    """What a widget does on getting the focus, now and not when its own queue comes to it."""
    if isinstance(focused, Input):
        focused.select_all()
    elif isinstance(focused, Grid):
        focused.settle()


def _type(focused: object, event: Key) -> bool:
    if isinstance(focused, Input) and event.is_printable and event.character is not None:
        focused.replace(event.character, *focused.selection)
        return True
    return isinstance(focused, Choice) and focused.take_letter(event.character)


def _paste(focused: object, event: Paste) -> bool:
    if not isinstance(focused, Input):
        return False
    lines = event.text.splitlines()
    if lines:
        # What cannot be shown is not dropped either: a number without one of its characters would be another number.
        shown = "".join(letter if letter.isprintable() else _UNSHOWN for letter in lines[0])
        focused.replace(shown, *focused.selection)
    return True
