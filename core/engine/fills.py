"""A fill from the venue into the books: once, whatever the age of its order, with everything it changes at once. Pure.

Memory answers for live and recent orders; for anything older the journal is asked before the fill is booked.
"""

from typing import Final

from core.clock import SECOND_NS, Instant
from core.engine.effects import FillResolved, ResolveFill, ViewAccount
from core.engine.facts import Facts, Urgency
from core.engine.order_map import Doubt, Tracked
from core.engine.orders import Trigger
from core.engine.records import SavedFill, SavedOrder
from core.events import FillReported, NoticeLevel, PositionsReported
from core.model import EXTERNAL, Fill, Order, OrderStatus, Origin, Position, Side, TradeKey
from core.units import MarketId

_VIEW_EVERY_NS: Final = 5 * SECOND_NS
_DONE: Final = {Side.BUY: "bought", Side.SELL: "sold"}


class Fills:
    """Books fills and positions."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._asked: dict[TradeKey, Fill] = {}
        self._next_view_ns = 0

    @property
    def pending(self) -> int:
        """Fills that wait for the journal's answer."""
        return len(self._asked)

    def on_fill(self, event: FillReported, now: Instant) -> None:
        """One execution; it may come twice, late, or before anything else about its order."""
        fill = event.fill
        ledger = self._facts.ledger
        if ledger.is_booked(fill.key) or fill.key in self._asked:
            return
        tracked = self._owner(fill)
        if tracked is None or tracked.awaits_owner or ledger.may_be_forgotten(fill.trade_id):
            self._asked[fill.key] = fill
            self._facts.emit(ResolveFill(fill=fill))
        else:
            self._book(fill, tracked, now)

    def on_resolved(self, event: FillResolved, now: Instant) -> None:
        """What the journal knew about it."""
        fill = event.fill
        if self._asked.pop(fill.key, None) is None:
            return
        if event.is_booked:
            self._facts.ledger.remember(fill.key)
            return
        tracked = self._owner(fill)
        saved = event.saved
        if tracked is not None:
            self._book(fill, tracked, now)
        elif saved is not None and _belongs(fill, saved.order):
            note = f"long after it was {saved.order.status.value}"
            client_id = saved.order.client_id
            if client_id is None or self._facts.orders.is_free(client_id):
                self._book(fill, self._revive(saved, now), now, note)
            else:  # an order placed elsewhere wears its id just now
                self._enter(fill, saved.origin, note, now)
        else:
            self._enter(fill, EXTERNAL, "placed elsewhere", now)

    def on_positions(self, event: PositionsReported, now: Instant) -> None:
        """What the venue reports."""
        if event.is_complete:
            for saved in self._facts.profit.seed(event.positions):
                self._facts.store(saved.key, saved.value)
        self._facts.ledger.report(event.positions, is_complete=event.is_complete, now=now)
        timed = {position.market_id for position in event.positions if position.time_us}
        for market_id in {*self._facts.ledger.markets(), *self._facts.unbooked.markets()}:
            asked_ns = None if market_id in timed else event.asked_ns
            self._facts.unbooked.on_position(market_id, self._facts.ledger.as_of_us(market_id), asked_ns)
            self._facts.touch(market_id)
        if event.asked_ns is not None:
            self._settle(event.positions, event.asked_ns, now)

    def _settle(self, answer: tuple[Position, ...], asked_ns: int, now: Instant) -> None:
        for found in self._facts.ledger.settle(answer, asked_ns):
            text = (
                f"position of {self._symbol(found.market_id)}: our fills add up to {found.believed}, the venue says "
                f"{found.venue}; the venue's is taken"
            )
            self._facts.tell(NoticeLevel.WARN, text, now)
            self._facts.audit("position", text, now)
            self._facts.touch(found.market_id)

    def tick(self, now: Instant) -> None:
        """Have the venue confirm its positions where they stay different from ours; admit fills that are lost."""
        is_in_doubt = self._facts.ledger.is_in_doubt(now)
        if is_in_doubt and self._facts.standing.is_connected and now.mono_ns >= self._next_view_ns:
            self._next_view_ns = now.mono_ns + _VIEW_EVERY_NS
            self._facts.emit(ViewAccount())
        for tracked in self._facts.unbooked.give_up():
            text = (
                f"order {tracked.order.client_id}: {tracked.reported - tracked.booked} of it was filled by trades that "
                f"cannot be had; the position contains them, the record of fills lacks them"
            )
            self._facts.tell(NoticeLevel.ALERT, text, now)
            self._facts.audit("fills", text, now)

    def _owner(self, fill: Fill) -> Tracked | None:
        return self._facts.orders.match(
            venue_id=fill.venue_order_id,
            client_id=fill.client_order_id,
            market_id=fill.market_id,
            side=fill.side,
        )

    def _book(self, fill: Fill, tracked: Tracked, now: Instant, note: str = "") -> None:
        if tracked.order.venue_id is None:
            self._facts.orders.link(tracked, fill.venue_order_id)
        tracked.booked += fill.size
        tracked.booked_quote += fill.size * fill.price
        self._facts.unbooked.on_booked(tracked)
        before = tracked.status
        # An order's last word often comes before its fills: they are late only if it did not count them.
        is_late = before.is_closed and before is not OrderStatus.FILLED and tracked.booked > tracked.reported
        is_whole = tracked.booked >= tracked.largest
        tracked.shown_ns = tracked.shown_ns or now.mono_ns
        tracked.is_listed = not is_whole
        reason = "" if before.is_in_flight else None  # it is no longer in doubt
        self._facts.move(tracked, Trigger.COMPLETE if is_whole else Trigger.EXECUTE, now, reason)
        self._enter(fill, tracked.origin, note or (f"after it was {before.value}" if is_late else ""), now)

    def _revive(self, saved: SavedOrder, now: Instant) -> Tracked:
        """Bring an order that left memory back among the recent ones; live again if this fill says it must be."""
        order = saved.order
        tracked = Tracked(
            order=order,
            origin=saved.origin,
            priority=saved.priority,
            task_id=saved.task_id,
            created_ns=now.mono_ns,
            since_ns=now.mono_ns,
            reported=order.filled,
            reported_quote=order.filled_quote,
            booked=saved.booked,
            booked_quote=saved.booked_quote,
            counted=order.filled,
            doubt=Doubt(since_ns=now.mono_ns, next_ns=now.mono_ns),
        )
        self._facts.orders.add(tracked)
        return tracked

    def _enter(self, fill: Fill, origin: Origin, note: str, now: Instant) -> None:
        self._facts.ledger.book(fill)
        self._facts.outlook.habits.on_fill(origin, now.mono_ns)
        self._facts.record(SavedFill(fill=fill, origin=origin))
        for saved in self._facts.profit.book(fill, origin):  # in one batch with the fill: both are durable, or neither
            self._facts.record(saved)
        self._facts.touch(fill.market_id)
        self._facts.changed(Urgency.SOON)
        what = f"{_DONE[fill.side]} {fill.size} {self._symbol(fill.market_id)} at {fill.price}"
        about = f"{origin}, {note}" if note else str(origin)
        self._facts.tell(NoticeLevel.WARN if note else NoticeLevel.INFO, f"{what} ({about})", now, "fill")

    def _symbol(self, market_id: MarketId) -> str:
        market = self._facts.markets.get(market_id)
        return f"market {market_id}" if market is None else market.symbol


def _belongs(fill: Fill, order: Order) -> bool:
    is_same_id = order.venue_id is None or order.venue_id == fill.venue_order_id
    was_sent = order.status is not OrderStatus.DENIED
    return is_same_id and was_sent and (order.intent.market_id, order.intent.side) == (fill.market_id, fill.side)
