"""The kill banner: what was asked, what went out, what the venue confirmed, and what may still live.

It never says that orders are gone before the venue does. The text is a pure function of the view.
"""

from typing import Final, assert_never

from core.scope import EVERYTHING, Scope
from core.state import FlattenPhase, FlattenStatus, KillPhase, KillStatus
from tui.format import NOTHING, clean, hide, milliseconds, signed, trimmed, utc
from tui.targets import scope_name
from tui.view import View
from tui.widgets.lines import Line, Lines, Span, Tone

_PARTS: Final = 3
"""How many killed parts are named."""
_URGENCY: Final = (KillPhase.FAILING, KillPhase.REQUESTED, KillPhase.SENT, KillPhase.CONFIRMED, KillPhase.IDLE)
NOT_TAKEN_UP: Final = "the engine has not taken it up yet"


class KillBanner(Lines):
    """A few lines above everything while a kill is latched or a flatten at work; no lines otherwise."""

    def __init__(self) -> None:
        super().__init__(classes="kill-banner")

    def show(self, view: View) -> None:
        """Paint what changed."""
        lines = (*banner(view.kill, view.now.utc_us, is_past=view.is_past), *parts(view), *flatten(view))
        self.display = bool(lines)
        self.set_class(is_calm(view), "-confirmed")
        self.set_lines(lines)


def is_calm(view: View) -> bool:
    """Whether the venue confirmed everything that was asked, so that nothing moves any more."""
    kills = [kill for kill in _kills(view) if kill.is_latched]
    work = view.state.flatten
    is_flat = work is None or work.phase is FlattenPhase.CONFIRMED or not _is_shown(work, view)
    return is_flat and all(kill.phase is KillPhase.CONFIRMED for kill in kills)


def parts(view: View) -> tuple[Line, ...]:
    """One line for everything that is killed by itself, what moves first; none when nothing is."""
    kills = sorted(view.state.kills, key=lambda kill: _URGENCY.index(kill.phase))
    if not kills:
        return ()
    shown = "  ·  ".join(_part(kill, view) for kill in kills[:_PARTS])
    more = f"  ·  and {len(kills) - _PARTS} more" if len(kills) > _PARTS else ""
    return ((Span(f" ■ KILLED  {shown}{more}  ·  a re-arms", Tone.STRONG),),)


def _part(kill: KillStatus, view: View) -> str:
    name = scope_name(kill.scope, view.state)
    if kill.phase is KillPhase.CONFIRMED:
        return f"{name} confirmed"
    live = "unknown" if view.is_past or kill.may_be_live is None else str(kill.may_be_live)
    return f"{name} {kill.phase.value.upper()}, may still be live: {live}"


def flatten(view: View) -> tuple[Line, ...]:
    """How far a flatten is, or how it ended while its kill stands; none otherwise."""
    work = view.state.flatten
    if work is None or not _is_shown(work, view):
        return ()
    name = scope_name(Scope(market_id=work.market_id), view.state)
    detail = clean(work.detail)
    match work.phase:
        case FlattenPhase.CANCELLING | FlattenPhase.REDUCING:
            words = "nobody works on it now: check the venue by hand" if view.is_past else detail
            text = f"◐ FLATTEN {name} {work.phase.value}: left {_left(work, view)}  ·  {words}"
        case FlattenPhase.CONFIRMED:
            text = f"○ FLATTEN {name} confirmed by the venue's positions"
        case FlattenPhase.FAILED:
            text = f"■ FLATTEN {name} FAILED: left {_left(work, view)}  ·  {detail}"
        case _:
            assert_never(work.phase)
    text = hide(text, is_figure=False) if view.is_private else text
    return ((Span(f" {text}", Tone.STRONG),),)


def _is_shown(work: FlattenStatus, view: View) -> bool:
    """While it works, and then for as long as the kill stands under which it worked."""
    scope = Scope(market_id=work.market_id)
    return not work.is_over or any(kill.is_latched and kill.scope in {scope, EVERYTHING} for kill in _kills(view))


def _kills(view: View) -> tuple[KillStatus, ...]:
    return (view.kill, *view.state.kills)


def _left(work: FlattenStatus, view: View) -> str:
    """The positions the venue last showed; unknown before it was asked."""
    if not work.left:
        return "not known yet"
    markets = {market.id: market for market in view.state.markets}
    return ", ".join(
        f"{signed(size, markets[key].size_decimals)} {markets[key].symbol}"
        if key in markets
        else f"{trimmed(size)} market {key}"
        for key, size in work.left
    )


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
