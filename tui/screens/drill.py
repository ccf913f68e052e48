"""The kill rehearsed from the desk: in a process of its own, on a paper venue of its own, whatever is traded here."""

import asyncio
import signal
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from tui.format import clean
from tui.screens.modal import Modal, wrap
from tui.widgets.lines import Line, Lines, Span, Tone

_WIDTH: Final = 70
_KEPT: Final = 9
"""Lines of the rehearsal that are shown, the newest."""
_END_S: Final = 5.0


class DrillModal(Modal[None]):
    """Runs one rehearsal and shows what it prints; closing the window ends it."""

    TITLE_TEXT = "kill drill"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "start", "start", show=False, priority=True)]

    def __init__(self, command: Sequence[str]) -> None:
        """`command` is the rehearsal's own command line; empty while the configuration has not been read."""
        super().__init__()
        self._command = tuple(command)
        self._printed: deque[str] = deque(maxlen=_KEPT)
        self._output = Lines(id="drill-output")
        self._standing = Lines(id="drill-standing")
        self._is_running = False

    def window(self) -> Iterable[Widget]:
        """What it is, how it stands, and what it printed."""
        about = Lines(id="drill-about")
        text = "Rehearses the kill on a paper venue of its own: nothing here is stopped, no order of yours is touched."
        about.set_lines([(Span(line, Tone.DIM),) for line in wrap(text, _WIDTH)])
        yield about
        yield self._standing
        yield self._output
        yield Label("enter starts it · esc closes, and ends it", classes="hint")

    def on_mount(self) -> None:
        """Wait for Enter."""
        can = bool(self._command)
        self._stand("enter starts it" if can else "the configuration has not been read yet", Tone.ARMED)

    def action_start(self) -> None:
        """Start it, unless it runs."""
        if self._command and not self._is_running:
            self._is_running = True
            self._printed.clear()
            self.run_worker(self._run(), name="drill", exclusive=True)

    async def _run(self) -> None:
        """Show every line as it comes; however this ends, so does the process."""
        self._stand("◐ running", Tone.ARMED)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self._stand(f"⊘ it could not be started: {error.strerror}", Tone.HALTED)
            self._is_running = False
            return
        try:
            code = await self._follow(process)
        finally:
            self._is_running = False
            await _end(process)
        good = "✓ every round was confirmed by the venue's empty list"
        self._stand(good if code == 0 else f"⊘ FAILED, exit code {code}", Tone.GAIN if code == 0 else Tone.HALTED)

    async def _follow(self, process: asyncio.subprocess.Process) -> int:
        if process.stdout is not None:
            async for line in process.stdout:
                self._printed.append(clean(line.decode(errors="replace").rstrip()))
                self._output.set_lines(_lines(self._printed))
        return await process.wait()

    def _stand(self, text: str, tone: Tone) -> None:
        self._standing.set_lines([(Span(line, tone),) for line in wrap(text, _WIDTH)])


def _lines(printed: Iterable[str]) -> list[Line]:
    return [(Span(part),) for line in printed for part in wrap(line, _WIDTH)]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it tidy up after itself; by force when it does not."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_END_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
