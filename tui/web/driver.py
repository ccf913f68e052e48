"""The driver of a desk in a browser: what it paints waits in a queue for the websocket, what comes back are keys."""

import asyncio
import logging
from typing import TYPE_CHECKING, ClassVar, Final

from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.events import Key, Resize
from textual.geometry import Size
from textual.message import Message

from tui.driver import PasteGuard
from tui.keys import is_kill_key

if TYPE_CHECKING:
    from textual.app import App

_BEGIN: Final = "\x1b[?1049h\x1b[?25l\x1b[?2004h"
"""Other screen, no cursor, pastes in brackets."""
_SMALLEST: Final = 1
_LARGEST: Final = 1_000
_log: Final = logging.getLogger(__name__)


class Line:
    """What was painted and not yet taken by the browser. Within one event loop."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.queued = 0
        """Bytes that were handed over."""
        self.written = 0
        """Bytes that the browser's side took: the pump paints slower while it lags."""

    def write(self, text: str) -> None:
        """Hand over; never waits."""
        data = text.encode("utf-8", "replace")
        self.queued += len(data)
        self._queue.put_nowait(data)

    async def take(self) -> bytes:
        """The next piece; call `taken` once it has left."""
        return await self._queue.get()

    def taken(self, data: bytes) -> None:
        """It has left."""
        self.written += len(data)


class BrowserDriver(Driver):
    """Bound to its line by `bound`: Textual makes the driver itself, from its class."""

    line: ClassVar[Line]

    def __init__(
        self, app: "App[object]", *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        del mouse  # the keyboard does everything here
        super().__init__(app, debug=debug, mouse=False, size=size)
        self._kill = getattr(app, "kill_now", None)
        self._pastes = PasteGuard()
        self._parser = XTermParser()

    @property
    def written(self) -> int:
        """Bytes that the browser took since the start."""
        return self.line.written

    @property
    def unwritten(self) -> int:
        """Bytes that the browser has not taken yet."""
        return self.line.queued - self.line.written

    def write(self, data: str) -> None:
        """Hand over what is painted."""
        self.line.write(data)

    def start_application_mode(self) -> None:
        """Take the browser's terminal."""
        self.write(_BEGIN)
        self.resize(*(self._size or (80, 24)))

    def resize(self, width: int, height: int) -> None:
        """The browser's terminal has another size; nonsense is brought into bounds."""
        size = Size(*(max(_SMALLEST, min(_LARGEST, cells)) for cells in (width, height)))
        self._size = (size.width, size.height)
        self._app.post_message(Resize(size, size))

    def feed(self, text: str) -> None:
        """What was typed or pasted; empty text when nothing came for a moment."""
        text = self._pastes.filter(text) if text else self._pastes.flush()
        try:
            for event in self._parser.feed(text) if text else ():
                self.process_message(event)
            for event in self._parser.tick():
                self.process_message(event)
        except ValueError as error:  # the parser is spent: go on with a new one
            _log.warning("the browser sent what is no key: %s", error)
            self._parser = XTermParser()

    def process_message(self, message: Message) -> None:
        """Kill here and now on the kill key; anything else goes its way."""
        if isinstance(message, Key) and is_kill_key(message.key) and self._kill is not None:
            self._kill()
        else:
            super().process_message(message)

    def disable_input(self) -> None:
        """Nothing more is read once the session ends."""

    def stop_application_mode(self) -> None:
        """The page says by itself that the session ended."""


def bound(line: Line) -> type[BrowserDriver]:
    """A driver class that paints into this line."""

    class Bound(BrowserDriver):
        pass

    Bound.line = line
    return Bound
