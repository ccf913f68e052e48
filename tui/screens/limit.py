"""One risk limit changed: said beforehand what it would do, asked once more, and the engine's answer shown.

What is said while typing comes from the code that decides (`core.limit_changes`).
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Label

from core.commands import ResetLimits, SetLimit
from core.limit_changes import LimitPreview, market_names, names, path_of, preview, shown
from core.scope import EVERYTHING
from core.state import LimitsInForce
from tui import wishes
from tui.format import clean, hide
from tui.screens.confirm import ConfirmModal
from tui.screens.modal import Modal, say
from tui.targets import targets
from tui.view import View
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.lines import Lines, Tone
from tui.widgets.rules import RuleName
from tui.widgets.target_field import TargetField
from tui.widgets.text_field import TextField

_WIDTH: Final = 58
_LONGEST: Final = 400


class LimitModal(Modal[None]):
    """Submits by itself and stays open until the engine has answered."""

    TITLE_TEXT = "risk limit"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "change it", show=False, priority=True),
        Binding("up", "limit(-1)", "previous", show=False),
        Binding("down", "limit(1)", "next", show=False),
    ]

    def __init__(self, view: View, first: RuleName | None, submit: Callable[[SetLimit | ResetLimits], None]) -> None:
        """`first` is the limit to begin with: what is selected on the screen below."""
        super().__init__()
        self._view = view
        self._submit = submit
        markets = tuple(target for target in targets(view.state) if not target.scope.strategy)
        begin = first or RuleName(names()[0])
        ids = {target.name: target.scope for target in markets}
        self._limit = TextField(begin.name, id="limit-name", max_length=_LONGEST)
        self._limit.suggester = SuggestFromList(sorted({*names(), *market_names()}), case_sensitive=False)
        self._market = TargetField(markets, ids.get(begin.market, EVERYTHING), id="limit-market")
        self._value = TextField(id="limit-value", max_length=_LONGEST, placeholder="a number, a list, or off")
        self._do = Choice((("set", False), ("back to the file", True)), id="limit-do")
        self._reason = TextField(id="limit-reason", max_length=200, placeholder="a raise needs one")
        self._now = Lines(id="limit-now")
        self._verdict = Lines(id="limit-verdict")
        self._answer = Lines(id="limit-answer")
        self._prefilled = ""
        self._asked: int | None = None
        """How many changes the engine had decided when ours was submitted; None before that."""

    def window(self) -> Iterable[Widget]:
        """Which limit, of what, its value and why."""
        yield Field("limit", self._limit)
        yield Field("holds for", self._market)
        yield Field("do", self._do)
        yield Field("value", self._value)
        yield Field("reason", self._reason)
        yield self._now
        yield self._verdict
        yield self._answer
        yield Label("enter asks · ↑↓ another · tab next field · esc closes", classes="hint")

    def on_mount(self) -> None:
        """Begin with what holds now."""
        self._fill()
        self._value.focus()
        self._value.select_all()

    def on_view(self, view: View) -> None:
        """What is in use moves, and the engine may have answered."""
        self._view = view
        self._judge()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another limit brings its own value."""
        if event.input in {self._limit, self._market}:
            self._fill()
        self._judge()

    def on_choice_changed(self) -> None:
        """Judge the choice again."""
        self._judge()

    def action_limit(self, step: int) -> None:
        """Go to the next or previous limit; markets where a market is being chosen."""
        if self._market.has_focus:
            self._market.step(step)
            return
        known = market_names() if self._symbol else names()
        index = known.index(self._limit.value) + step if self._limit.value in known else 0
        self._limit.value = known[index % len(known)]
        self._fill()
        self._value.select_all()

    def action_confirm(self) -> None:
        """Ask once more, or stay and say why not."""
        self._fill()  # the limit may have been typed in the same burst as Enter
        self._judge()
        wish, verdict = self._wish(), self._verdict_of()
        if wish is None or verdict is None or verdict.refusal:
            return

        def submit(is_meant: bool | None) -> None:  # noqa: FBT001 - what the window answers
            if is_meant:
                rules = self._view.state.rules
                self._asked = 0 if rules is None else rules.answered
                self._submit(wish)
                self._judge()

        text = f"{_sentence(verdict)}. {verdict.remark} Really?"
        self.app.push_screen(ConfirmModal("change a limit", lambda _view: text, "change it"), submit)

    @property
    def _symbol(self) -> str:
        target = self._market.target
        return "" if target is None or target.scope.is_everything else target.name

    def _wish(self) -> SetLimit | ResetLimits | None:
        """What would be asked of the engine; None while the market is not known."""
        if self._market.target is None:
            return None
        name, reason = self._limit.value.strip(), clean(self._reason.value.strip())
        if self._do.value:
            return ResetLimits(by=wishes.BY, reason=reason, name=name, market=self._symbol)
        return SetLimit(name=name, value=self._value.value.strip(), by=wishes.BY, reason=reason, market=self._symbol)

    def _verdict_of(self) -> LimitPreview | None:
        """What the engine would say; a reset is judged as setting what the file says."""
        wish, rules = self._wish(), self._view.state.rules
        if isinstance(wish, ResetLimits):
            path = path_of(wish.name, wish.market)
            own = next((one for one in rules.overrides if one.name == path), None) if rules is not None else None
            if own is None:
                return LimitPreview(name=path, old="", new="", refusal=f"{path} is the file's already")
            wish = SetLimit(name=wish.name, value=own.file_value, by=wish.by, reason=wish.reason, market=wish.market)
        return None if wish is None else preview(wish, self._view.state)

    def _fill(self) -> None:
        """Offer the present value, unless the operator typed one."""
        now = _present(self._view.state.rules, self._limit.value.strip(), self._symbol)
        if now is not None and self._value.value in {"", self._prefilled}:
            self._prefilled = now
            self._value.value = now

    def _judge(self) -> None:
        verdict = self._verdict_of()
        say(self._now, self._in_use(), Tone.DIM, _WIDTH)
        if verdict is None:
            say(self._verdict, self._market.problem, Tone.ARMED, _WIDTH)
        elif verdict.refusal:
            say(self._verdict, f"⊘ {clean(verdict.refusal)}", Tone.ARMED, _WIDTH)
        else:
            remark = hide(verdict.remark, is_figure=False) if self._view.is_private else verdict.remark
            said = f"✓ enter asks: {_sentence(verdict)}. {clean(remark)}".strip()
            say(self._verdict, said, Tone.HALTED if verdict.is_raise else Tone.GAIN, _WIDTH)
        self._show_answer()

    def _show_answer(self) -> None:
        """What the engine said to ours; nothing is taken as done before."""
        rules = self._view.state.rules
        if self._asked is None or rules is None:
            self._answer.set_lines([])
        elif rules.answered <= self._asked:
            say(self._answer, "asked; the engine has not answered yet", Tone.ARMED, _WIDTH)
        else:
            word = "⊘ refused" if rules.is_refused else "✓ done"
            say(self._answer, f"{word}: {clean(rules.answer)}", Tone.HALTED if rules.is_refused else Tone.GAIN, _WIDTH)

    def _in_use(self) -> str:
        """What is in use of it now, worst first."""
        name, symbol = self._limit.value.strip(), self._symbol
        uses = [use for use in self._view.state.limits if use.name == name and symbol in {"", use.scope}]
        top = sorted(uses, key=lambda use: use.used, reverse=True)[:3]
        text = ", ".join(f"{use.used:,f} {use.unit} ({use.scope})" for use in top)
        if self._view.is_private:
            text = hide(text, is_figure=False)
        return f"in use: {text}" if text else ""


def _sentence(verdict: LimitPreview) -> str:
    what = "RAISES" if verdict.is_raise else "changes"
    return f"{what} {verdict.name} from {verdict.old} to {verdict.new}"


def _present(rules: LimitsInForce | None, name: str, symbol: str) -> str | None:
    """The value that holds; None when there is no such limit."""
    if rules is None or name not in (market_names() if symbol else names()):
        return None
    return shown(rules.limits, path_of(name, symbol))
