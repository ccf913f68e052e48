"""The order map: our id against the venue's for everything that may be live, orphans of both sides included."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from core.model import Market, Order, OrderMapEntry, OrderMapSide
from tui.format import NOTHING, decimal, seconds, trimmed
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen
from tui.widgets.words import KNOWN_TO, ORDER_STATUS, SIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRow:
    """One entry, as painted."""

    entry: OrderMapEntry
    market: Market | None
    age: str

    @property
    def order(self) -> Order:
        """The order it maps."""
        return self.entry.order

    @property
    def key(self) -> Hashable:
        """What identifies it while it is on the map: our id if it has one."""
        return (self.order.client_id, None if self.order.client_id is not None else self.order.venue_id)

    @property
    def symbol(self) -> str:
        """The market's symbol, or its id while the venue has not described it."""
        return self.market.symbol if self.market else f"#{self.order.intent.market_id}"

    @property
    def remaining(self) -> str:
        """What may still trade, at the market's decimals."""
        left = self.order.remaining
        return decimal(left, self.market.size_decimals) if self.market else trimmed(left)

    @property
    def price(self) -> str:
        """The limit price at the market's decimals."""
        value = self.order.intent.price
        return decimal(value, self.market.price_decimals) if self.market else trimmed(value)


def _id(value: int | None) -> Span:
    return Span(NOTHING, Tone.ARMED) if value is None else Span(str(value), Tone.CALM)


def _known(row: MapRow) -> Span:
    word = KNOWN_TO[row.entry.side]
    return word if row.entry.side is OrderMapSide.BOTH else Span(f"{word.text} {row.age}", word.tone)


COLUMNS: Final[tuple[Column[MapRow], ...]] = (
    Column(heading="OURS", render=lambda r: _id(r.order.client_id), width=15, narrow=6, keeps_end=True),
    Column(heading="VENUE", render=lambda r: _id(r.order.venue_id), width=16, narrow=6, keeps_end=True),
    Column(heading="MARKET", render=lambda r: Span(r.symbol, Tone.STRONG), width=8, narrow=6),
    Column(heading="SIDE", render=lambda r: SIDE[r.order.intent.side], width=4),
    Column(
        heading="LEFT", is_amount=True, render=lambda r: Span(r.remaining), width=10, narrow=8, is_number=True, rank=4
    ),
    Column(heading="PRICE", render=lambda r: Span(r.price), width=10, narrow=8, is_number=True, rank=6),
    Column(heading="STATUS", render=lambda r: ORDER_STATUS[r.order.status], width=11, narrow=10, rank=5),
    Column(heading="KNOWN TO", render=_known, width=16, narrow=12, rank=1, is_flexible=True),
)


_NOTHING: Final = "nothing may be live on either side"
_NOT_KNOWN: Final = "? what is live at the venue is not known now"


class OrderMapPane(Grid[MapRow]):
    """The grid of the order map."""

    def __init__(self) -> None:
        spec = Spec(
            title="order map",
            columns=COLUMNS,
            key=lambda row: row.key,
            empty=_NOT_KNOWN,
        )
        super().__init__(spec, id="order-map")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        state = view.state
        self.note = "◌ stale: the account stream does not live" if view.is_account_past else ""
        if self._seen.is_new(state.order_map, state.markets, state.is_listed, view.is_account_past, view.second):
            is_known = state.is_listed and not view.is_account_past
            self._say_of_nothing(_NOTHING if is_known else _NOT_KNOWN)
            markets = {market.id: market for market in state.markets}
            self.set_items(
                [
                    MapRow(
                        entry=entry,
                        market=markets.get(entry.order.intent.market_id),
                        age=seconds(view.now.mono_ns - entry.since_ns),
                    )
                    for entry in state.order_map
                ]
            )

    def _say_of_nothing(self, words: str) -> None:
        if words != self.empty:
            self.empty = words
            self.refresh()

    @property
    def order(self) -> Order | None:
        """The order the cursor is on."""
        row = self.selected
        return None if row is None else row.order
