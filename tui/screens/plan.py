"""An execution plan started by hand: TWAP, ladder, chase or bracket; judged while it is typed.

Each order of it passes the risk gate by itself, as an order of the ticket does.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Label

from core.commands import StartAlgorithm
from core.model import Quote, Side
from core.units import MarketId
from tui import wishes
from tui.format import NOTHING, clean
from tui.screens.modal import Modal, say
from tui.screens.plan_form import LABELS, PlanKind, PlanText, plan_sentence, read_plan
from tui.screens.ticket_form import Problem, find_market
from tui.view import View
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.lines import Lines, Tone
from tui.widgets.text_field import TextField

_WIDTH: Final = 58
_LONGEST: Final = 64


class PlanModal(Modal[StartAlgorithm]):
    """Answers the plan to start, or nothing."""

    TITLE_TEXT = "new plan"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "start it", show=False, priority=True),
        Binding("up", "market(-1)", "previous market", show=False),
        Binding("down", "market(1)", "next market", show=False),
    ]

    def __init__(self, view: View, market_id: MarketId | None) -> None:
        """`market_id` is the market to begin with."""
        super().__init__()
        self._view = view
        markets = view.state.markets
        chosen = next((market for market in markets if market.id == market_id), markets[0] if markets else None)
        self._kind = Choice(tuple((kind.value, kind) for kind in PlanKind), id="plan-kind")
        self._market = TextField(chosen.symbol if chosen else "", id="plan-market", max_length=_LONGEST)
        self._market.suggester = SuggestFromList([market.symbol for market in markets], case_sensitive=False)
        self._side = Choice((("buy", Side.BUY), ("sell", Side.SELL)), id="plan-side")
        self._amount = TextField(id="plan-size", max_length=_LONGEST, placeholder="base units, over all of it")
        self._figures = tuple(TextField(id=f"plan-figure-{n}", max_length=_LONGEST) for n in range(3))
        self._fields = tuple(Field("", figure) for figure in self._figures)
        self._reduce = Choice((("no", False), ("yes", True)), id="plan-reduce")
        self._touch = Lines(id="plan-touch")
        self._verdict = Lines(id="plan-verdict")

    def window(self) -> Iterable[Widget]:
        """Which plan, of what, and its figures."""
        yield Field("plan", self._kind)
        yield Field("market", self._market)
        yield Field("side", self._side)
        yield Field("size", self._amount)
        yield from self._fields
        yield Field("reduce only", self._reduce)
        yield self._touch
        yield self._verdict
        yield Label("enter starts · tab next · ↑↓ market · ←→ choose · esc closes", classes="hint")

    def on_mount(self) -> None:
        """Begin with what the first plan asks for."""
        self._name_figures()
        self._judge()

    def on_view(self, view: View) -> None:
        """The market moved: judge again."""
        self._view = view
        self._judge()

    def on_input_changed(self) -> None:
        """Judge the text again."""
        self._judge()

    def on_choice_changed(self) -> None:
        """Another plan has other figures."""
        self._name_figures()
        self._judge()

    def action_market(self, step: int) -> None:
        """Go to the next or previous market."""
        markets = self._view.state.markets
        if markets:
            now = find_market(self._market.value, markets)
            index = markets.index(now) + step if now in markets else 0
            self._market.value = markets[index % len(markets)].symbol

    def action_confirm(self) -> None:
        """Answer, or stay and say why not."""
        plan = read_plan(self._text(), self._view.state.markets)
        if not isinstance(plan, Problem):
            self.dismiss(wishes.start_plan(plan))

    def _text(self) -> PlanText:
        first, second, third = (figure.value for figure in self._figures)
        return PlanText(
            kind=self._kind.value,
            market=self._market.value,
            side=self._side.value,
            size=self._amount.value,
            figures=(first, second, third),
            is_reduce_only=self._reduce.value,
        )

    def _name_figures(self) -> None:
        for field, label in zip(self._fields, LABELS[self._kind.value], strict=True):
            field.name_it(label)
            field.display = bool(label)

    def _judge(self) -> None:
        markets = self._view.state.markets
        market = find_market(self._market.value, markets)
        say(self._touch, _touch(self._quote(market.id) if market else None), Tone.DIM, _WIDTH)
        plan = read_plan(self._text(), markets)
        if isinstance(plan, Problem) or market is None:
            say(self._verdict, plan.text if isinstance(plan, Problem) else "", Tone.ARMED, _WIDTH)
        else:
            text = f"✓ enter starts: {clean(plan_sentence(plan, market))}; risk decides on each order"
            say(self._verdict, text, Tone.GAIN, _WIDTH)

    def _quote(self, market_id: MarketId) -> Quote | None:
        return next((quote for quote in self._view.state.quotes if quote.market_id == market_id), None)


def _touch(quote: Quote | None) -> str:
    if quote is None:
        return "no price yet"
    return f"bid {quote.bid or NOTHING}  ask {quote.ask or NOTHING}  book {quote.status.value}"
