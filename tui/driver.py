"""The terminal driver: the kill key takes effect in the input thread, and no terminal can hold the process.

The kill key is recognised here, before Textual's loop sees it: a busy loop delays painting, never a kill. Output goes
through a writer of our own, because a terminal that is no longer read must neither hold a lock of the interpreter nor
be waited for at the end.
"""

import logging
import os
import queue
import select
import selectors
import signal
import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.message import Message

from tui.keys import is_kill_key

if TYPE_CHECKING:
    from textual.app import App

_QUEUED_WRITES: Final = 30
_STEP: Final = 0.05
"""Seconds between two looks at a flag while waiting."""
_LAST_WORDS: Final = 1.0
"""Seconds that a terminal gets to take what restores it."""
_CHUNK: Final = 4_096
_SELECT: Final = 0.1
_PATIENCE: Final = 10
"""Quiet moments after which a paste counts as ended."""
_PASTE_START: Final = "\x1b[200~"
_PASTE_END: Final = "\x1b[201~"
_log: Final = logging.getLogger(__name__)


class TerminalGone(Message):
    """The terminal hung up: nobody sees the screen any more."""


class TerminalWriter(threading.Thread):
    """Writes text to a terminal, on a thread that may be left behind when the terminal stops reading."""

    def __init__(self, fileno: int) -> None:
        super().__init__(daemon=True, name="terminal-output")
        self._fileno = fileno
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._is_muted = False
        self._is_gone = False
        self.queued = 0
        """Bytes that were handed over."""
        self.written = 0
        """Bytes that the terminal took."""

    def write(self, text: str) -> None:
        """Queue a text; waits while the terminal is behind, but not once it is muted or gone."""
        while self._queue.qsize() >= _QUEUED_WRITES:
            if self._is_muted or self._is_gone:
                return
            threading.Event().wait(_STEP)
        if not (self._is_muted or self._is_gone):
            data = text.encode("utf-8", "replace")
            self.queued += len(data)
            self._queue.put(data)

    def mute(self) -> None:
        """Drop every write from now on; takes no lock, so that a signal handler may call it."""
        self._is_muted = True

    def unmute(self) -> None:
        """Let writes through again, after forgetting what was queued."""
        with suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        self._is_muted = False

    def run(self) -> None:
        """Write until told to end or the terminal is gone."""
        while (data := self._queue.get()) is not None:
            try:
                while data and not self._is_muted:
                    taken = self._write(data)
                    self.written += taken
                    data = data[taken:]
            except OSError:
                self._is_gone = True
                return

    def _write(self, data: bytes) -> int:
        """How much the terminal took. Another program may have left it non-blocking: then wait, it is not gone."""
        try:
            return os.write(self._fileno, data)
        except BlockingIOError:
            select.select([], [self._fileno], [], _STEP)
            return 0

    def close(self) -> None:
        """End after what is queued, waiting no longer than a moment for a terminal that does not read."""
        self._queue.put(None)
        self.join(_LAST_WORDS)


class PasteGuard:
    """Takes control characters out of bracketed pastes, so that nothing pasted can ever act as a key.

    Textual's parser turns what follows an escape character inside a paste into key presses.
    """

    def __init__(self) -> None:
        self._is_pasting = False
        self._held = ""
        """The last characters, while they may be the beginning of a mark."""
        self._quiet = 0

    def filter(self, text: str) -> str:
        """`text` as the parser may see it."""
        self._quiet = 0
        rest, shown = self._held + text, ""
        while True:
            mark = _PASTE_END if self._is_pasting else _PASTE_START
            before, found, after = rest.partition(mark)
            if not found:
                break
            shown += self._safe(before) + mark
            self._is_pasting = not self._is_pasting
            rest = after
        held = _overlap(rest, mark) if self._is_pasting else 0
        self._held = rest[len(rest) - held :]
        return shown + self._safe(rest[: len(rest) - held])

    def flush(self) -> str:
        """Called when nothing came for a moment: a paste whose end never comes must not swallow keys for ever."""
        self._quiet += 1
        if not self._is_pasting or self._quiet < _PATIENCE:
            return ""
        self._is_pasting, self._held = False, ""
        return _PASTE_END

    def _safe(self, text: str) -> str:
        if not self._is_pasting:
            return text
        return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` may begin `mark`."""
    return next((size for size in range(len(mark) - 1, 0, -1) if text.endswith(mark[:size])), 0)


class KillDriver(LinuxDriver):
    """Textual's driver, with the kill key ahead of everything and an end that cannot be held up."""

    def __init__(
        self, app: "App[object]", *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        # Asked for once the configuration is read (`use_mouse`): the keyboard does everything here.
        del mouse
        super().__init__(app, debug=debug, mouse=False, size=size)
        self._kill: Callable[[], None] | None = getattr(app, "kill_now", None)
        self._writer: TerminalWriter | None = None
        # A stop signal would stop the engine with the screen, and leave its orders alone at the venue.
        signal.signal(signal.SIGTSTP, _ignore)

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._writer = TerminalWriter(_terminal())
        self._writer.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was, if it still listens."""
        if self._writer is not None:
            self._writer.unmute()
        super().stop_application_mode()

    def write(self, data: str) -> None:
        """Hand text to the writer."""
        if self._writer is not None:
            self._writer.write(data)

    def use_mouse(self, *, is_wanted: bool) -> None:
        """Have clicks and the wheel reported, or no longer; while they are, Shift selects text in the terminal."""
        if is_wanted == self._mouse:
            return
        if not is_wanted:
            self._disable_mouse_support()
        self._mouse = is_wanted
        self._enable_mouse_support()

    def _enable_mouse_support(self) -> None:
        """Buttons and wheel alone: every motion reported would be a flood over a slow line."""
        if self._mouse:
            self.write("\x1b[?1000h\x1b[?1006h")
            self.flush()

    def _enable_mouse_pixels(self) -> None:
        """Cells are all that is asked for."""

    @property
    def written(self) -> int:
        """Bytes that the terminal took since the start."""
        return 0 if self._writer is None else self._writer.written

    @property
    def unwritten(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return 0 if self._writer is None else self._writer.queued - self._writer.written

    def mute(self) -> None:
        """Stop painting at once, from any thread and from signal handlers."""
        if self._writer is not None:
            self._writer.mute()

    def close(self) -> None:
        """End the writers."""
        super().close()
        if self._writer is not None:
            self._writer.close()

    def process_message(self, message: Message) -> None:
        """Kill here and now on the kill key; anything else goes its way.

        The key ends here: a busy screen would see it late, and report as another press what was reported in time.
        """
        if isinstance(message, Key) and is_kill_key(message.key) and self._kill is not None:
            self._kill()
        else:
            super().process_message(message)

    def run_input_thread(self) -> None:
        """Read keys until told to end; a terminal that hung up is reported once and not read again."""
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        pastes = PasteGuard()
        parser = XTermParser()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_SELECT):
                    data = self._read()
                    if not data:
                        self.send_message(TerminalGone())
                        return
                    text = pastes.filter(decode(data))
                else:
                    text = pastes.flush()
                try:
                    self._parse(parser, text)
                except ValueError as error:  # the parser is spent: go on with a new one
                    _log.warning("the terminal sent what is no key: %s", error)
                    parser = XTermParser()

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, _CHUNK)
        except OSError:
            return b""

    def _parse(self, parser: XTermParser, text: str) -> None:
        if text:
            for event in parser.feed(text):
                self.process_message(event)
        for event in parser.tick():
            self.process_message(event)


def _terminal() -> int:
    """Where Textual paints too: standard error, so that standard output stays free."""
    return 2 if sys.__stderr__ is None else sys.__stderr__.fileno()


def _ignore(signum: int, frame: object) -> None:
    """A handler that does nothing; unlike `SIG_IGN` it is not inherited by child processes."""
