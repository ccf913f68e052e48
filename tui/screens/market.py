"""One market: its ladder with our orders, the tape, the candles; and trading by single keys, once armed.

Every order of the ladder is post-only and goes through the same risk preview as the ticket's.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from textual.widget import Widget

from core.commands import SubmitOrder
from core.decisions import Denied
from core.model import Market, Order, Side
from core.units import MarketId
from tui import wishes
from tui.bridge import EngineHandle
from tui.format import clean, decimal, trimmed
from tui.keys import Key
from tui.screens.surface import Surface
from tui.view import View
from tui.widgets.ladder import Ladder, LadderView, is_believable
from tui.widgets.ladder_rows import DEPTH, improved, intent, own_orders, touch
from tui.widgets.lines import Line, Lines, Span, Tone
from tui.widgets.market import CandlesPane, TapePane, figures, trouble

_CHART: Final = "-chart"
"""The class of the screen while candles take the place of ladder and tape."""


class MarketScreen(Surface):
    """Ladder, tape, candles."""

    NAME = "market"

    def __init__(self, is_enabled: Callable[[Key], bool], newest: Callable[[], View], handle: EngineHandle) -> None:
        super().__init__(is_enabled, newest, handle)
        self._ladder = Ladder()
        self._tape = TapePane()
        self._tape.number = 2
        self._candles = CandlesPane()
        self._about = Lines(id="market-about")
        self._chosen: MarketId | None = None
        self._armed: bool | None = None
        """None until the operator says: armed, unless real money stands behind it."""
        self._preset = 0
        self._said = Span("")

    def body(self) -> Iterable[Widget]:
        """A line of figures and one of keys above the panes."""
        return (self._about, self._ladder, self._tape, self._candles)

    def focus_number(self, number: int) -> None:
        """1 is the ladder, 2 the tape; 3 the candles, which a narrow screen has room for only instead of both."""
        if number == 3 and self.has_class("-narrow"):
            self.add_class(_CHART)
            self.set_focus(None)
        elif number in {1, 2}:
            self.remove_class(_CHART)
            self.set_focus(self._ladder if number == 1 else self._tape)

    def choose(self, market_id: MarketId | None) -> None:
        """Look at this market from now on."""
        if market_id is not None and market_id != self._chosen:
            self._chosen = market_id
            self._said = Span("")

    def on_screen_suspend(self) -> None:
        """Out of sight, real money is disarmed again."""
        if self._newest().is_live:
            self._armed = None

    def show(self, view: View) -> None:
        """Show the market looked at."""
        super().show(view)
        market = self._market(view)
        if not self.is_mounted or market is None:
            return
        look = self._handle.look(market.id, DEPTH)
        own = own_orders(view.state.order_map, market.id)
        self._ladder.show_ladder(
            LadderView(market=market, book=look.book, own=own, is_private=view.is_private, trouble=trouble(look, view))
        )
        self._tape.show_tape(look, market, view)
        self._candles.show_candles(look, market, view)
        quote = next((quote for quote in view.state.quotes if quote.market_id == market.id), None)
        self._about.set_lines([figures(market, quote), self._standing(market, view)])

    @property
    def market_id(self) -> MarketId | None:
        """The market looked at."""
        return self._chosen

    @property
    def order(self) -> Order | None:
        """The first of ours at the marked price."""
        if self.has_class(_CHART) and self.has_class("-narrow"):
            return None  # nobody sees which price is marked
        rung = self._ladder.rung
        return rung.own[0] if rung is not None and rung.own else None

    def is_armed(self, view: View) -> bool:
        """Whether keys of the ladder place orders."""
        return not view.is_read_only and (not view.is_live if self._armed is None else self._armed)

    def on_ladder_asked(self, event: Ladder.Asked) -> None:
        """Do what a key of the ladder means."""
        view = self._newest()
        market = self._market(view)
        if market is None:
            return
        if view.is_read_only and event.what not in {"next", "previous"}:
            self._said = Span("○ read-only: nothing was sent", Tone.ARMED)
            self.show(view)
            return
        match event.what:
            case "arm":
                self._armed = not self.is_armed(view)
                self._said = Span("")
            case "larger" | "smaller":
                step = 1 if event.what == "larger" else -1
                self._preset = max(0, min(self._preset + step, len(view.sizes) - 1))
            case "next" | "previous":
                ids = [one.id for one in view.state.markets]
                step = 1 if event.what == "next" else -1
                self.choose(ids[(ids.index(market.id) + step) % len(ids)])
            case "cancel_here" | "cancel_bids" | "cancel_asks":
                self._cancel(event.what, own_orders(view.state.order_map, market.id))
            case what:
                self._place(what, market, view)
        self.show(self._newest())

    def _cancel(self, what: str, own: tuple[Order, ...]) -> None:
        """Cancels need no arming: they only take away."""
        if what == "cancel_here":
            chosen = [order for order in own if order.intent.price == self._ladder.price]
        else:
            side = Side.BUY if what == "cancel_bids" else Side.SELL
            chosen = [order for order in own if order.intent.side is side]
        for order in chosen:
            self._handle.submit(wishes.cancel(order))
        self._said = Span(f"asked to cancel {len(chosen)}", Tone.ARMED if chosen else Tone.DIM)

    def _place(self, what: str, market: Market, view: View) -> None:
        book = self._handle.look(market.id, DEPTH).book
        side = self._ladder.side
        if not self.is_armed(view):
            self._said = Span(f"○ disarmed: nothing was sent; {view.keys.written('arm')} arms", Tone.ARMED)
            return
        if not is_believable(book) or view.is_past:
            self._said = Span("⊘ the book may not be believed: nothing was sent", Tone.HALTED)
            return
        prices = {"join": touch(book, side), "improve": improved(book, side, market), "place": self._ladder.price}
        price = prices[what]
        if price is None:
            why = {"improve": "no tick is left between bid and ask", "join": f"there is no {side.value} side"}
            self._said = Span(f"⊘ {why.get(what, 'no price is marked: move first')}", Tone.ARMED)
            return
        self._submit(market, side, price, view)

    def _submit(self, market: Market, side: Side, price: Decimal, view: View) -> None:
        wanted = intent(market, side, price, self._notional(view))
        if wanted is None:
            self._said = Span(
                f"⊘ {trimmed(self._notional(view))} USDC is less than one step of {market.symbol}", Tone.ARMED
            )
            return
        decision = self._handle.preview(wanted)
        order = f"{side.value} {trimmed(wanted.size)} at {decimal(price, market.price_decimals)} post-only"
        if isinstance(decision, Denied):
            self._said = Span(f"⊘ risk refuses ({decision.reason.value}): {clean(decision.detail)}", Tone.HALTED)
            return
        self._handle.submit(SubmitOrder(intent=wanted))
        self._said = Span(f"asked for: {order}", Tone.PLAIN)

    def _notional(self, view: View) -> Decimal:
        return view.sizes[min(self._preset, len(view.sizes) - 1)]

    def _market(self, view: View) -> Market | None:
        markets = view.state.markets
        found = next((market for market in markets if market.id == self._chosen), None)
        if found is None and markets:
            found = markets[0]
            self._chosen = found.id
        return found

    def _standing(self, market: Market, view: View) -> Line:
        """Armed or not, the size, what the last key did, and how much may stand before our order here."""
        is_armed = self.is_armed(view)
        off = f" ○ disarmed ({view.keys.written('arm')}) "
        armed = Span(" ■ ARMED ", Tone.HALTED) if is_armed else Span(off, Tone.DIM)
        sizes = " ".join(
            f"[{trimmed(size)}]" if index == min(self._preset, len(view.sizes) - 1) else trimmed(size)
            for index, size in enumerate(view.sizes)
        )
        side = Span(f" {'bid' if self._ladder.side is Side.BUY else 'ask'} ", Tone.STRONG)
        return (armed, side, Span(" size USDC ", Tone.DIM), Span(f"{sizes}  "), *self._ahead(market), self._said)

    def _ahead(self, market: Market) -> tuple[Span, ...]:
        rung = self._ladder.rung
        most = None if rung is None else rung.ahead(self._ladder.side)
        if most is None:
            return ()
        return (Span("ahead of ours at most ", Tone.DIM), Span(f"{decimal(most, market.size_decimals)}  "))
