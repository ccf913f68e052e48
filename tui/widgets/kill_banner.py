"""The kill banner: what was asked, what went out, what the venue confirmed, and what may still live.

It never says that orders are gone before the venue does. The text is a pure function of the view.
"""

from typing import Final, assert_never

from core.state import KillPhase, KillStatus
from tui.format import NOTHING, clean, milliseconds, utc
from tui.view import View
from tui.widgets.lines import Line, Lines, Span, Tone

NOT_TAKEN_UP: Final = "the engine has not taken it up yet"


class KillBanner(Lines):
    """Two or three lines above everything while a kill is latched; no lines otherwise."""

    def __init__(self) -> None:
        super().__init__(classes="kill-banner")

    def show(self, view: View) -> None:
        """Paint what changed."""
        phase = view.kill.phase
        self.display = view.kill.is_latched
        self.set_class(phase is KillPhase.CONFIRMED, "-confirmed")
        self.set_lines(banner(view.kill, view.now.utc_us, is_past=view.is_past))


def banner(kill: KillStatus, now_us: int, *, is_past: bool = False) -> tuple[Line, ...]:
    """The banner's lines; none while nothing is latched. `is_past`: the engine is silent or has ended."""
    match kill.phase:
        case KillPhase.IDLE:
            return ()
        case KillPhase.REQUESTED:
            headline, words = "KILL REQUESTED", "cancel-all not sent yet"
        case KillPhase.SENT:
            headline, words = "KILL SENT", "waiting for the venue's list"
        case KillPhase.CONFIRMED:
            headline, words = "KILL CONFIRMED", "venue's list is empty; a re-arms"
        case KillPhase.FAILING:
            headline, words = "KILL FAILING", f"attempt {kill.attempts}; trying on"
        case _:
            assert_never(kill.phase)
    if is_past and kill.phase is not KillPhase.CONFIRMED:
        words = "nobody works on it now: the engine is silent or has ended; check the venue by hand"
    live = "unknown" if is_past or kill.may_be_live is None else str(kill.may_be_live)
    timing = f"sent {milliseconds(kill.sent_ms)}  ·  confirmed {milliseconds(kill.confirmed_ms)}"
    who = f"by {clean(kill.by) or NOTHING} at {utc(kill.at_us, now_us)}"
    lines = [f" ■ {headline}  may still be live: {live}  ·  {words}", f"   {timing}  ·  {who}"]
    if kill.detail:
        lines.append(f"   {clean(kill.detail)}")
    return tuple((Span(line, Tone.STRONG),) for line in lines)
