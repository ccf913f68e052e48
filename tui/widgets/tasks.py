"""Open tasks: everything the engine still works on, with who wanted it and how far it is."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.model import Market, Order, OrderTask
from tui.format import decimal, seconds, trimmed
from tui.view import View
from tui.widgets.grid import Column, Grid, Spec
from tui.widgets.lines import Span, Tone
from tui.widgets.seen import Seen
from tui.widgets.words import ORDER_STATUS, SIDE, order_type


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One task, as painted."""

    task: OrderTask
    market: Market | None
    age: str

    @property
    def order(self) -> Order:
        """The order it became."""
        return self.task.order

    @property
    def symbol(self) -> str:
        """The market's symbol, or its id while the venue has not described it."""
        return self.market.symbol if self.market else f"#{self.task.intent.market_id}"

    def price(self, value: Decimal) -> str:
        """A price at the market's decimals."""
        return decimal(value, self.market.price_decimals) if self.market else trimmed(value)

    def size(self, value: Decimal) -> str:
        """A size at the market's decimals."""
        return decimal(value, self.market.size_decimals) if self.market else trimmed(value)


def _filled(row: TaskRow) -> Span:
    return Span(row.size(row.order.filled), Tone.CALM if row.order.filled else Tone.DIM)


def _status(row: TaskRow) -> Span:
    status = ORDER_STATUS[row.order.status]
    return Span(f"{status.text} {row.order.reason}", status.tone) if row.order.reason else status


COLUMNS: Final[tuple[Column[TaskRow], ...]] = (
    Column(heading="MARKET", render=lambda r: Span(r.symbol, Tone.STRONG), width=8, narrow=6),
    Column(heading="ID", render=lambda r: Span(str(r.task.id), Tone.DIM), width=6, narrow=5, rank=4, keeps_end=True),
    Column(heading="SIDE", render=lambda r: SIDE[r.task.intent.side], width=4),
    Column(heading="TYPE", render=lambda r: Span(order_type(r.task.intent)), width=12, narrow=6, rank=7),
    Column(
        heading="SIZE",
        is_amount=True,
        render=lambda r: Span(r.size(r.task.intent.size)),
        width=9,
        narrow=7,
        is_number=True,
    ),
    Column(heading="FILLED", is_amount=True, render=_filled, width=9, narrow=7, is_number=True, rank=5),
    Column(heading="PRICE", render=lambda r: Span(r.price(r.task.intent.price)), width=10, narrow=8, is_number=True),
    Column(heading="STATUS", render=_status, width=11, narrow=10, rank=1, is_flexible=True),
    Column(heading="ORIGIN", render=lambda r: Span(str(r.task.origin), Tone.DIM), width=16, narrow=10, rank=8),
    Column(heading="AGE", render=lambda r: Span(r.age, Tone.DIM), width=4, is_number=True, rank=6),
)


class TasksPane(Grid[TaskRow]):
    """The grid of open tasks."""

    def __init__(self) -> None:
        spec = Spec(title="tasks", columns=COLUMNS, key=lambda row: row.task.id, empty="no open task")
        super().__init__(spec, id="tasks")
        self._seen = Seen()

    def show(self, view: View) -> None:
        """Paint what changed."""
        state = view.state
        self.note = "◌ stale: the account stream does not live" if view.is_account_past else ""
        if self._seen.is_new(state.tasks, state.markets, view.is_account_past, view.second):
            markets = {market.id: market for market in state.markets}
            self.set_items(
                [
                    TaskRow(
                        task=task,
                        market=markets.get(task.intent.market_id),
                        age=seconds(view.now.mono_ns - task.created_ns),
                    )
                    for task in state.tasks
                ]
            )

    @property
    def order(self) -> Order | None:
        """The order the cursor is on."""
        row = self.selected
        return None if row is None else row.order
