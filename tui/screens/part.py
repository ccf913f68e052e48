"""Stopping a part: one market or one strategy killed, or positions flattened; said in words before it is done."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.scope import Scope
from tui.closing import held
from tui.screens.modal import Modal, say
from tui.targets import Target, live_in, targets
from tui.view import View
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.lines import Lines, Tone
from tui.widgets.target_field import TargetField

_WIDTH: Final = 58


@dataclass(frozen=True, slots=True)
class PartStop:
    """What is to be stopped, and whether its positions are closed as well."""

    scope: Scope
    is_flatten: bool


class PartModal(Modal[PartStop]):
    """Answers what to stop, or nothing."""

    TITLE_TEXT = "stop a part"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "do it", show=False, priority=True),
        Binding("up", "target(-1)", "previous", show=False),
        Binding("down", "target(1)", "next", show=False),
    ]

    def __init__(self, view: View, first: Scope | None) -> None:
        """`first` is the part to begin with: what is selected on the screen below."""
        super().__init__()
        self._view = view
        everything, *parts = targets(view.state)
        begin = first if first is not None and not first.is_everything else parts[0].scope if parts else None
        self._target = TargetField((*parts, everything), begin, id="part-target")
        self._do = Choice((("kill", False), ("flatten", True)), id="part-do")
        self._verdict = Lines(id="part-verdict")

    def window(self) -> Iterable[Widget]:
        """What, and of what."""
        yield Field("market, strategy", self._target)
        yield Field("do", self._do)
        yield self._verdict
        yield Label("enter does it · ↑↓ another · tab, ←→ choose · esc closes", classes="hint")

    def on_view(self, view: View) -> None:
        """What is live may have changed."""
        self._view = view
        self._judge()

    def on_input_changed(self) -> None:
        """Judge the text again."""
        self._judge()

    def on_choice_changed(self) -> None:
        """Judge the choice again."""
        self._judge()

    def action_target(self, step: int) -> None:
        """Go to the next or previous part."""
        self._target.step(step)

    def action_confirm(self) -> None:
        """Answer, or stay and say why not."""
        target = self._target.target
        if target is not None and not self._problem(target):
            self.dismiss(PartStop(target.scope, is_flatten=self._do.value))

    def _problem(self, target: Target) -> str:
        if self._do.value and target.scope.strategy:
            return "positions belong to the account, not to a strategy: flatten a market, or all"
        if not self._do.value and target.scope.is_everything:
            return "to kill everything press ctrl+k: it needs no window"
        flatten = self._view.state.flatten
        if self._do.value and flatten is not None and not flatten.is_over:
            return "a flatten is under way already: a kill stops it"
        return ""

    def _judge(self) -> None:
        target = self._target.target
        problem = self._target.problem if target is None else self._problem(target)
        text = problem or (self._sentence(target) if target is not None else "")
        say(self._verdict, text, Tone.ARMED if problem else Tone.HALTED, _WIDTH)

    def _sentence(self, target: Target) -> str:
        count = live_in(target.scope, self._view.state)
        live = f"{count} order{'' if count == 1 else 's'} that may be live"
        if self._do.value:
            closed = held(self._view, target.scope.market_id)
            return f"flatten {target.name}: cancels {live}, then closes {closed}; asks once more, and stays killed"
        return f"kill {target.name}: blocks new orders, cancels {live}; stays blocked until it is re-armed (a)"
