"""What the venue shows of orders, in streams, lists and look-ups, and what follows for ours. Pure.

A report wins over belief, an older report never over a newer one unless it is the order's end, and silence proves
something only after it was asked for again and again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from core.clock import SECOND_NS, SECOND_US, Instant
from core.engine.effects import FindOwner, ListOpenOrders, LookUpFailed, LookUpOrder, OrderLookedUp, OwnerFound
from core.engine.facts import Facts
from core.engine.order_map import Doubt, Tracked
from core.engine.orders import Trigger, open_status, shown
from core.engine.reconcile import missing
from core.engine.tasks import Tasks
from core.events import NoticeLevel, OpenOrdersListed, OrderReport
from core.model import EXTERNAL, Order, OrderIntent, OrderStatus, OrderType, OriginKind

_SILENCE_NS: Final = 3 * SECOND_NS
"""An order or a cancel with no report for this long is looked up: a duplicate client id or a bad reduce-only order is
dropped by the venue without any event (measured)."""
_ENOUGH_LOOK_UPS: Final = 3
_ENOUGH_NS: Final = 10 * SECOND_NS
_EXPIRY_S: Final = 600
"""A signed transaction that did not execute dies at its ExpiredAt, 599 s after signing (SDK default)."""
_PAUSES_S: Final = (1, 2, 4, 4)
_LONG_PAUSE_S: Final = 15
_ENDS: Final = frozenset({OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED})


class Evidence:
    """Applies what the venue shows, and asks where it shows nothing."""

    def __init__(self, facts: Facts, tasks: Tasks) -> None:
        self._facts = facts
        self._tasks = tasks
        self._is_listing = False
        self._is_first_list = False
        self.on_foreign: Callable[[Tracked, Instant], None] = lambda _tracked, _now: None
        """Told of every order placed elsewhere while we were looking."""

    @property
    def is_first_round_over(self) -> bool:
        """Whether everything in doubt was asked for at least once."""
        return all(
            tracked.doubt is None or tracked.doubt.look_ups > 0 or not tracked.is_ours
            for tracked in self._facts.orders.live()
        )

    def ask_list(self) -> None:
        """Have the venue list its open orders, unless that is under way."""
        if not self._is_listing:
            self._is_listing = True
            self._facts.emit(ListOpenOrders())

    def hurry(self, now: Instant) -> None:
        """Look up whatever is in doubt within the second: a kill waits for it."""
        for tracked in self._facts.orders.live():
            if tracked.doubt is not None:
                tracked.doubt.next_ns = min(tracked.doubt.next_ns, now.mono_ns + SECOND_NS)

    def on_list_failed(self) -> None:
        """The list could not be had."""
        self._is_listing = False

    def on_report(self, report: OrderReport, now: Instant) -> None:
        """One order as the venue shows it."""
        tracked = self._facts.orders.match(
            venue_id=report.venue_id, client_id=report.client_id, market_id=report.market_id, side=report.side
        )
        if tracked is not None:
            self._apply(tracked, report, now)
        elif report.status.is_open:
            self._take_in(report, now)

    def on_list(self, listed: OpenOrdersListed, now: Instant) -> None:
        """The venue's complete list of open orders."""
        self._is_listing = False
        self._is_first_list = not self._facts.standing.is_listed
        self._facts.standing.is_listed = True
        gone = missing(self._facts.orders, listed)
        for report in listed.orders:
            self.on_report(report, now)  # matched one by one: each may end an order and push another out of memory
        self._is_first_list = False
        for tracked in gone:
            tracked.is_listed = False
            self._facts.touch(tracked.market_id)
            if not tracked.is_ours:
                self._lose(tracked, "no longer open at the venue", now)
            elif tracked.doubt is None:
                tracked.doubt = Doubt(since_ns=now.mono_ns, next_ns=now.mono_ns)

    def on_looked_up(self, found: OrderLookedUp, now: Instant) -> None:
        """What a look-up showed."""
        tracked = self._facts.orders.find(client_id=found.client_id)
        if tracked is None:
            return
        report = found.report
        is_it = report is not None and tracked is self._facts.orders.match(
            venue_id=report.venue_id, client_id=report.client_id, market_id=report.market_id, side=report.side
        )
        if report is not None and is_it:
            tracked.doubt = None
            self._apply(tracked, report, now)
            self._check_cancel(tracked, report, now)
        elif tracked.doubt is not None:
            doubt = tracked.doubt
            doubt.is_asked = False
            pause = _PAUSES_S[doubt.look_ups] if doubt.look_ups < len(_PAUSES_S) else _LONG_PAUSE_S
            doubt.next_ns = now.mono_ns + pause * SECOND_NS
            doubt.look_ups += 1
            self._give_up(tracked, doubt, now)

    def on_look_up_failed(self, failed: LookUpFailed, now: Instant) -> None:
        """A look-up could not be made; it proves nothing."""
        tracked = self._facts.orders.find(client_id=failed.client_id)
        if tracked is not None and tracked.doubt is not None:
            tracked.doubt.is_asked = False
            tracked.doubt.next_ns = now.mono_ns + SECOND_NS

    def on_owner(self, found: OwnerFound, now: Instant) -> None:
        """What the journal holds of an order that memory had forgotten, or never knew."""
        tracked = self._facts.orders.find(venue_id=found.venue_id)
        if tracked is None or not tracked.awaits_owner:
            return
        tracked.awaits_owner = False
        saved = found.saved
        if saved is not None and saved.task_id is not None and _is_same(saved.order, tracked.order):
            tracked.claim(saved.task_id, saved.origin, saved.priority)
            # No fill of it was booked meanwhile: fills of an order that awaits its owner ask the journal first.
            tracked.booked, tracked.booked_quote = saved.booked, saved.booked_quote
            self._facts.unbooked.on_booked(tracked)
            tracked.become(replace(tracked.order, created_us=saved.order.created_us))
            text = f"order {tracked.order.client_id} of {saved.origin}, believed {saved.order.status.value}, is live"
            self._facts.tell(NoticeLevel.WARN, text, now)
        else:
            self._announce(tracked, now)
        self._facts.save(tracked)

    def tick(self, now: Instant) -> None:
        """Ask for whatever has been silent too long; only while connected."""
        for tracked in self._facts.orders.live():
            if tracked.doubt is None and self._is_silent(tracked, now):
                if tracked.is_ours:
                    tracked.doubt = Doubt(since_ns=now.mono_ns, next_ns=now.mono_ns)
                else:
                    self._keep(tracked, now)
            doubt, client_id = tracked.doubt, tracked.order.client_id
            if doubt is None or client_id is None or doubt.is_asked or now.mono_ns < doubt.next_ns:
                continue
            doubt.is_asked = True
            self._facts.emit(LookUpOrder(client_id=client_id, market_id=tracked.market_id))

    def _apply(self, tracked: Tracked, report: OrderReport, now: Instant) -> None:
        trigger = shown(report.status)
        is_open = trigger is Trigger.SHOW_OPEN
        if report.time_us < tracked.venue_us and (is_open or tracked.status.is_closed):
            return  # an end stays an end: were the venue's clock set back meanwhile, it would never be taken
        if is_open and tracked.status.is_closed and report.time_us == tracked.venue_us:
            return  # the list was on its way when the order ended
        if is_open and 0 < report.size <= tracked.booked:  # an exit has no size before its lead fills
            return  # its fills already prove that nothing is left
        was_in_flight = tracked.status.is_in_flight
        tracked.venue_us = max(report.time_us, tracked.venue_us)
        tracked.is_listed = is_open
        tracked.shown_ns = tracked.shown_ns or now.mono_ns
        self._note_filled(tracked, report, now)
        if tracked.order.venue_id is None:
            self._facts.orders.link(tracked, report.venue_id)
        if is_open or tracked.change is not None:
            self._adopt_terms(tracked, report)
        if is_open and tracked.status is not OrderStatus.PENDING_CANCEL:
            tracked.doubt = None
        if self._facts.move(tracked, trigger, now, report.reason):
            _tell_of(self._facts, tracked, now)
        if was_in_flight and is_open and tracked.wants_cancel:
            self._tasks.send_cancel(tracked, now)  # the first cancel may have overtaken the order

    def _note_filled(self, tracked: Tracked, report: OrderReport, now: Instant) -> None:
        """What the report says was filled, which its trades may not have told yet."""
        if report.filled > tracked.reported:
            tracked.reported, tracked.reported_quote = report.filled, report.filled_quote
            facts = self._facts
            facts.unbooked.on_report(tracked, report.time_us, now)
            facts.unbooked.on_position(tracked.market_id, facts.ledger.as_of_us(tracked.market_id), None)
            facts.touch(tracked.market_id)

    @staticmethod
    def _adopt_terms(tracked: Tracked, report: OrderReport) -> None:
        """Somebody may have modified it elsewhere: the venue's price and size are what rests there."""
        intent = tracked.order.intent
        if intent.type is OrderType.LIMIT and (intent.price, intent.size) != (report.price, report.size):
            intent = replace(intent, price=report.price, size=report.size)
            tracked.become(replace(tracked.order, intent=intent))
        change = tracked.change
        if change is not None and (change.price, change.size) == (report.price, report.size):
            tracked.change = None

    def _take_in(self, report: OrderReport, now: Instant) -> None:
        """An open order that memory does not hold: placed elsewhere, or one of ours that was believed gone."""
        is_maybe_ours = report.client_id is not None and self._facts.is_issued(report.client_id)
        tracked = Tracked(
            order=_order_of(report, now),
            origin=EXTERNAL,
            created_ns=now.mono_ns,
            since_ns=now.mono_ns,
            shown_ns=now.mono_ns,
            is_listed=True,
            venue_us=report.time_us,
            awaits_owner=is_maybe_ours,
        )
        self._facts.orders.add(tracked)
        self._note_filled(tracked, report, now)
        self._facts.save(tracked)
        if report.client_id is not None and is_maybe_ours:
            self._facts.emit(FindOwner(venue_id=report.venue_id, client_id=report.client_id))
        else:
            self._announce(tracked, now)

    def _announce(self, tracked: Tracked, now: Instant) -> None:
        intent = tracked.order.intent
        market = self._facts.markets.get(intent.market_id)
        symbol = f"market {intent.market_id}" if market is None else market.symbol
        what = f"{intent.side.value} {intent.size} {symbol} at {intent.price}"
        self._facts.tell(NoticeLevel.INFO, f"an order placed elsewhere is open: {what}", now)
        if not self._is_first_list:
            self.on_foreign(tracked, now)

    def _check_cancel(self, tracked: Tracked, report: OrderReport, now: Instant) -> None:
        is_late = now.mono_ns - tracked.cancel_ns > _SILENCE_NS
        if report.status.is_open and tracked.status is OrderStatus.PENDING_CANCEL and is_late:
            self._keep(tracked, now)

    def _keep(self, tracked: Tracked, now: Instant) -> None:
        tracked.wants_cancel = False
        self._facts.move(tracked, Trigger.KEEP, now)
        name = tracked.order.client_id or tracked.order.venue_id
        self._facts.tell(NoticeLevel.WARN, f"the cancel of order {name} did not take effect: it is still open", now)

    def _give_up(self, tracked: Tracked, doubt: Doubt, now: Instant) -> None:
        """Conclude from silence what can be concluded."""
        if tracked.status is OrderStatus.UNKNOWN:
            if _is_expired(tracked, now):
                self._lose(tracked, "the venue shows no trace of it, and its signature has expired", now)
            return
        if doubt.look_ups < _ENOUGH_LOOK_UPS or now.mono_ns - doubt.since_ns < _ENOUGH_NS:
            return
        if tracked.status is OrderStatus.SUBMITTING:
            if tracked.is_acked:
                self._lose(tracked, "the venue took it and shows no trace of it", now)
        elif tracked.status.is_open:
            self._lose(tracked, "no longer open at the venue; how it ended is not known", now)

    def _lose(self, tracked: Tracked, reason: str, now: Instant) -> None:
        tracked.venue_us = 0  # our conclusion: whatever the venue shows after all overrides it
        tracked.is_listed = False
        self._facts.move(tracked, Trigger.LOSE, now, reason)
        level = NoticeLevel.WARN if tracked.is_ours else NoticeLevel.INFO
        self._facts.tell(level, f"order {tracked.order.client_id or tracked.order.venue_id}: {reason}", now)

    @staticmethod
    def _is_silent(tracked: Tracked, now: Instant) -> bool:
        match tracked.status:
            case OrderStatus.SUBMITTING:
                return now.mono_ns - tracked.sent_ns > _SILENCE_NS
            case OrderStatus.UNKNOWN:
                return True
            case OrderStatus.PENDING_CANCEL:
                return now.mono_ns - tracked.cancel_ns > _SILENCE_NS
            case _:
                return tracked.change is not None and now.mono_ns > tracked.change.next_ns


def _is_expired(tracked: Tracked, now: Instant) -> bool:
    """Whether its signature is certainly no longer valid: by our steady clock if we sent it, else by the calendar."""
    if tracked.sent_ns:
        return now.mono_ns - tracked.sent_ns >= _EXPIRY_S * SECOND_NS
    return now.utc_us - tracked.order.updated_us >= _EXPIRY_S * SECOND_US


def _is_same(saved: Order, live: Order) -> bool:
    is_same_id = saved.venue_id is None or saved.venue_id == live.venue_id
    return is_same_id and (saved.intent.market_id, saved.intent.side) == (live.intent.market_id, live.intent.side)


def _order_of(report: OrderReport, now: Instant) -> Order:
    return Order(
        intent=OrderIntent(
            market_id=report.market_id,
            side=report.side,
            type=report.type,
            size=report.size,
            price=report.price,
            tif=report.tif,
            reduce_only=report.reduce_only,
        ),
        status=open_status(OrderStatus.ACCEPTED, report.filled),
        client_id=report.client_id,
        venue_id=report.venue_id,
        filled=report.filled,
        filled_quote=report.filled_quote,
        created_us=report.time_us or now.utc_us,
        updated_us=now.utc_us,
    )


def _tell_of(facts: Facts, tracked: Tracked, now: Instant) -> None:
    """A line for what became of an order of ours: whatever the operator did, and every end that nobody here wished."""
    status, order = tracked.status, tracked.order
    if not tracked.is_ours or not (status is OrderStatus.ACCEPTED or status in _ENDS):
        return
    is_operators = tracked.origin.kind is OriginKind.OPERATOR
    is_wished = status is OrderStatus.ACCEPTED or tracked.wants_cancel or facts.standing.kill.is_latched
    if is_wished and not is_operators:
        return  # a strategy's daily bread would drown the rest
    market = facts.markets.get(tracked.market_id)
    intent = order.intent
    what = f"{intent.side.value} {intent.size} {market.symbol if market else tracked.market_id} at {intent.price}"
    filled = f", {order.filled} filled" if order.filled else ""
    why = f": {order.reason}" if order.reason else ""
    level = NoticeLevel.INFO if is_wished or not is_operators else NoticeLevel.WARN
    facts.tell(level, f"{status.value}: {what} ({tracked.origin}){filled}{why}", now, "order")
