"""The order ticket. While typing it shows what risk would say; Enter places only what risk lets pass."""

from collections.abc import Callable, Iterable
from typing import ClassVar, Final, assert_never

from textual.binding import Binding, BindingType
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Label

from core.decisions import Approved, Denied, RiskDecision
from core.model import Market, OrderIntent, OrderType, Quote, Side, TimeInForce
from core.units import MarketId
from tui.format import NOTHING, clean, money, trimmed
from tui.screens.modal import Modal, say
from tui.screens.ticket_form import Problem, TicketText, fills_at_once, find_market, prefill, read_ticket
from tui.view import View
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.widgets.lines import Line, Lines, Span, Tone
from tui.widgets.text_field import TextField

_WIDTH: Final = 58
_LONGEST: Final = 64
"""Longer than any number or symbol that is understood, so that what is cut off can never have made sense.

Nothing that is typed is dropped: a number without its comma or exponent would be another number."""


class Ticket(Modal[OrderIntent]):
    """Answers the intent to place, or nothing."""

    TITLE_TEXT = "new order"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "place", "place", show=False, priority=True),
        Binding("up", "market(-1)", "previous market", show=False),
        Binding("down", "market(1)", "next market", show=False),
    ]

    def __init__(self, view: View, market_id: MarketId | None, preview: Callable[[OrderIntent], RiskDecision]) -> None:
        super().__init__()
        self._view = view
        self._preview = preview
        markets = view.state.markets
        chosen = next((market for market in markets if market.id == market_id), markets[0] if markets else None)
        self._market = TextField(
            chosen.symbol if chosen else "",
            id="ticket-market",
            max_length=_LONGEST,
        )
        symbols = [market.symbol for market in markets]
        self._market.suggester = SuggestFromList(symbols, case_sensitive=False)
        self._side = Choice((("buy", Side.BUY), ("sell", Side.SELL)), id="ticket-side")
        self._type = Choice((("limit", OrderType.LIMIT), ("market", OrderType.MARKET)), id="ticket-type")
        self._amount = TextField(id="ticket-size", max_length=_LONGEST, placeholder="base units")
        self._price = TextField(id="ticket-price", max_length=_LONGEST, placeholder="USDC")
        self._tif = Choice(
            (
                ("good-till-time", TimeInForce.GTT),
                ("post-only", TimeInForce.POST_ONLY),
                ("IOC", TimeInForce.IOC),
            ),
            id="ticket-tif",
        )
        self._reduce = Choice((("no", False), ("yes", True)), id="ticket-reduce")
        self._touch = Lines(id="ticket-touch")
        self._verdict = Lines(id="ticket-verdict")
        self._prefilled = ""
        self._judged: tuple[object, ...] | None = None

    def window(self) -> Iterable[Widget]:
        """The fields, in the order of a spoken order."""
        yield Field("market", self._market)
        yield Field("side", self._side)
        yield Field("type", self._type)
        yield Field("size", self._amount)
        yield Field("price", self._price)
        yield Field("time in force", self._tif)
        yield Field("reduce only", self._reduce)
        yield self._touch
        yield self._verdict
        yield Label("enter places · tab next field · ↑↓ market · ←→ choose · esc closes", classes="hint")

    def on_mount(self) -> None:
        """Begin with the market, a price from the touch, and risk's word."""
        self._fill_price()
        self._judge()

    def on_view(self, view: View) -> None:
        """The market moved: judge again."""
        self._view = view
        self._judge()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another text; another market brings its own price."""
        if event.input is self._market:
            self._fill_price()
        self._judge()

    def on_choice_changed(self) -> None:
        """Another side or type brings another touch."""
        self._fill_price()
        self._judge()

    def action_market(self, step: int) -> None:
        """Go to the next or previous market."""
        markets = self._view.state.markets
        if markets:
            now = find_market(self._market.value, markets)
            index = markets.index(now) + step if now in markets else 0
            self._market.value = markets[index % len(markets)].symbol
            self._market.select_all()

    def action_place(self) -> None:
        """Place it if risk approves; otherwise stay and say why."""
        self._fill_price()  # the market may have been typed in the same burst as Enter
        intent = read_ticket(self._text(), self._view.state.markets)
        if isinstance(intent, OrderIntent) and isinstance(self._preview(intent), Approved):
            self.dismiss(intent)
        else:
            self._judged = None
            self._judge()

    def _text(self) -> TicketText:
        return TicketText(
            market=self._market.value,
            side=self._side.value,
            type=self._type.value,
            size=self._amount.value,
            price=self._price.value,
            tif=self._tif.value,
            is_reduce_only=self._reduce.value,
        )

    def _quote(self, market: Market) -> Quote | None:
        return next((quote for quote in self._view.state.quotes if quote.market_id == market.id), None)

    def _fill_price(self) -> None:
        """Offer a price, unless the operator typed one."""
        market = find_market(self._market.value, self._view.state.markets)
        if market is not None and self._price.value in {"", self._prefilled}:
            self._prefilled = prefill(market, self._quote(market), self._side.value, self._type.value)
            self._price.value = self._prefilled

    def _judge(self) -> None:
        """Say what stands: the touch, and what risk would decide."""
        text = self._text()
        markets = self._view.state.markets
        market = find_market(text.market, markets)
        self._touch.set_lines(_touch(market, self._quote(market) if market else None, text.type))
        verdict = read_ticket(text, markets)
        decision = self._preview(verdict) if isinstance(verdict, OrderIntent) else None
        quote = self._quote(market) if market else None
        is_crossing = isinstance(verdict, OrderIntent) and fills_at_once(verdict, quote)
        if (verdict, decision, is_crossing) != self._judged:
            self._judged = (verdict, decision, is_crossing)
            say(self._verdict, *_sentence(verdict, decision, market, is_crossing=is_crossing), _WIDTH)


def _touch(market: Market | None, quote: Quote | None, type_: OrderType) -> list[Line]:
    if market is None or quote is None:
        return [(Span("no price yet", Tone.DIM),), ()]
    hint = "market orders are IOC; the price is the worst you accept" if type_ is OrderType.MARKET else ""
    shown = f"{market.symbol}  bid {quote.bid or NOTHING}  ask {quote.ask or NOTHING}  book {quote.status.value}"
    return [(Span(shown[:_WIDTH], Tone.DIM),), (Span(hint, Tone.ARMED),)]


def _sentence(
    verdict: OrderIntent | Problem, decision: RiskDecision | None, market: Market | None, *, is_crossing: bool
) -> tuple[str, Tone]:
    if isinstance(verdict, Problem):
        return verdict.text, Tone.ARMED
    symbol = market.symbol if market else ""
    order = f"{verdict.side.value} {trimmed(verdict.size)} {symbol} for {money(verdict.notional)} USDC"
    match decision:
        case Approved() if is_crossing and verdict.tif is TimeInForce.POST_ONLY:
            return (
                f"▲ risk approves, but the venue cancels a post-only order that crosses the book: {order}",
                Tone.ARMED,
            )
        case Approved() if is_crossing:
            return f"✓ risk approves: {order}; ▲ crosses the book, fills at once", Tone.ARMED
        case Approved():
            return f"✓ risk approves: {order}", Tone.GAIN
        case Denied(reason=reason, detail=detail):
            return f"⊘ risk refuses ({reason.value}): {clean(detail)}", Tone.HALTED
        case None:
            return "", Tone.DIM
        case _:
            assert_never(decision)
