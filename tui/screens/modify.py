"""A new price or size for an order of ours; judged while it is typed. It stays what it is until the venue shows it."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Label

from core.commands import ModifyOrder
from core.model import Market, Order, OrderIntent, Quote
from tui import wishes
from tui.format import HIDDEN, NOTHING, decimal, money, trimmed
from tui.screens.modal import Modal, say
from tui.screens.ticket_form import Problem, fills_at_once, read_change
from tui.view import View
from tui.widgets.field import Field
from tui.widgets.lines import Lines, Tone
from tui.widgets.text_field import TextField

_WIDTH: Final = 58
_LONGEST: Final = 64


class ModifyModal(Modal[ModifyOrder]):
    """Answers the change to ask for, or nothing."""

    TITLE_TEXT = "change an order"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "confirm", "change it", show=False, priority=True)]

    def __init__(self, view: View, order: Order) -> None:
        super().__init__()
        self._view = view
        self._order = order
        market = self._market
        size = decimal(order.intent.size, market.size_decimals) if market else trimmed(order.intent.size)
        price = decimal(order.intent.price, market.price_decimals) if market else trimmed(order.intent.price)
        self._price = TextField(price, id="modify-price", max_length=_LONGEST, placeholder="USDC")
        size = "" if view.is_private else size
        self._size_field = TextField(size, id="modify-size", max_length=_LONGEST, placeholder="base units, as it is")
        self._about = Lines(id="modify-about")
        self._verdict = Lines(id="modify-verdict")

    def window(self) -> Iterable[Widget]:
        """What it is now, and what it is to be."""
        yield self._about
        yield Field("price", self._price)
        yield Field("size", self._size_field)
        yield self._verdict
        yield Label("enter asks for it · tab next field · esc closes", classes="hint")

    def on_view(self, view: View) -> None:
        """It may have been filled, or have ended."""
        self._view = view
        self._order = self._newest()
        self._judge()

    def on_input_changed(self) -> None:
        """Judge the text again."""
        self._judge()

    def action_confirm(self) -> None:
        """Answer, or stay and say why not."""
        change = self._read()
        if isinstance(change, OrderIntent):
            self.dismiss(wishes.modify(self._order, change))

    @property
    def _market(self) -> Market | None:
        markets = self._view.state.markets
        return next((market for market in markets if market.id == self._order.intent.market_id), None)

    @property
    def _quote(self) -> Quote | None:
        quotes = self._view.state.quotes
        return next((quote for quote in quotes if quote.market_id == self._order.intent.market_id), None)

    def _newest(self) -> Order:
        """The order as it stands now; gone from what may be live means it has ended."""
        state = self._view.state
        mine = [entry.order for entry in state.order_map] + [task.order for task in (*state.tasks, *state.recent)]
        known = self._order.client_id
        return next((order for order in mine if known is not None and order.client_id == known), self._order)

    def _read(self) -> OrderIntent | Problem:
        if self._order.client_id is None:
            return Problem("it was not placed here: cancel it (c), and place another")
        if self._order.status.is_closed:
            return Problem(f"the order has ended: it is {self._order.status.value}")
        if self._market is None:
            return Problem("the venue has not described this market")
        size = self._size_field.value.strip() or trimmed(self._order.intent.size)
        return read_change(self._order, size, self._price.value, self._market)

    def _judge(self) -> None:
        order, market = self._order, self._market
        is_private = self._view.is_private
        size, filled = (HIDDEN if is_private else trimmed(figure) for figure in (order.intent.size, order.filled))
        symbol = market.symbol if market else f"market {order.intent.market_id}"
        quote = self._quote
        touch = f"bid {quote.bid or NOTHING} ask {quote.ask or NOTHING}" if quote else "no price yet"
        now = f"{order.intent.side.value} {size} {symbol} at {trimmed(order.intent.price)}, {order.status.value}"
        say(self._about, f"{now}, filled {filled}; {touch}", Tone.DIM, _WIDTH)
        change = self._read()
        if isinstance(change, Problem):
            say(self._verdict, change.text, Tone.ARMED, _WIDTH)
            return
        is_crossing = fills_at_once(change, quote)
        crossing = "; ▲ crosses the book, fills at once or is refused" if is_crossing else ""
        wanted, worth = (HIDDEN, HIDDEN) if is_private else (trimmed(change.size), money(change.notional))
        text = f"✓ enter asks for {wanted} at {trimmed(change.price)}, {worth} USDC; risk decides{crossing}"
        say(self._verdict, text, Tone.ARMED if is_crossing else Tone.GAIN, _WIDTH)
