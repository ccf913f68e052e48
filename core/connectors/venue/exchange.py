"""What may become an order and when: plain ones, those that wait for a price, groups, changes and cancels.

Pure: the moment is an argument. Signatures, nonces and bytes are not its business; trading is done in
`core.connectors.venue.matching`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from core.connectors.venue import funding, margin
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.clearing import FIRST_TRADE_ID, Changes, Clearing
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.market import MarketState
from core.connectors.venue.matching import Matching, reducible, reducible_by
from core.connectors.venue.orders import (
    CONDITIONAL,
    Grouping,
    OrderRequest,
    OrderStatus,
    SelfTrade,
    Tif,
    TriggerStatus,
    VenueOrder,
)

__all__ = ["FIRST_TRADE_ID", "Changes", "Exchange", "conserved"]

_EXISTS: Final = Refusal(Code.CLIENT_INDEX_EXISTS, "client order index already exists")
_INCREASES: Final = Refusal(Code.REDUCE_ONLY_INCREASES, "reduce only order would increase the position")
_MODE_IN_USE: Final = Refusal(Code.MARGIN_MODE_IN_USE, "margin mode cannot change with an open position or orders")
_NOT_ISOLATED: Final = Refusal(Code.INVALID_MARGIN_MODE, "invalid margin mode: there is no isolated position")
_IOC: Final = Tif.IOC
_MOST_ROUNDS: Final = 48
"""Rounds of funding made up for when time leaps, two days of them."""


class Exchange(Matching):
    """Orders of every kind, from request to end."""

    def __init__(self, specs: Iterable[MarketSpec], first_id: int = 0) -> None:
        """As every matching engine begins; `first_id` is for fundings, too."""
        super().__init__(specs, first_id)
        self.price_band_percent: int | None = None
        """How much worse than the market a price may be before it is taken for a slip; None for any."""
        self._funded_us = 0
        self._funding_id = first_id

    def create(self, account: VenueAccount, request: OrderRequest, now_us: int) -> VenueOrder | Refusal:
        """Run an order: match, rest, wait, or end it. A `Refusal` leaves no order behind."""
        if request.client_index and request.client_index in account.by_client:
            return _EXISTS
        size = request.size
        if request.reduce_only:
            room = reducible_by(account, request.market_id, is_ask=request.is_ask)
            if room == 0:
                return _INCREASES
            size = size or (0 if request.kind.is_conditional else room)
        order = self._make(account, request, size, now_us)
        self._begin(order, now_us)
        return order

    def create_group(
        self, account: VenueAccount, grouping: Grouping, requests: tuple[OrderRequest, ...], now_us: int
    ) -> VenueOrder | Refusal:
        """Run a group; the first order, or the refusal of them all."""
        if any(request.client_index and request.client_index in account.by_client for request in requests):
            return _EXISTS
        first = requests[0]
        is_pair = grouping is Grouping.OCO
        if is_pair and reducible_by(account, first.market_id, is_ask=first.is_ask) == 0:
            return _INCREASES
        orders = [self._make(account, request, request.size, now_us) for request in requests]
        waiting = orders if is_pair else orders[1:]
        if len(waiting) == 2:
            waiting[0].sibling, waiting[1].sibling = waiting[1], waiting[0]
        if not is_pair:
            orders[0].children = tuple(waiting)
            for child in waiting:
                child.parent, child.trigger_status = orders[0], TriggerStatus.PARENT
        for order in waiting:
            self._wait(order)
        if not is_pair:
            self._begin(orders[0], now_us)
        return orders[0]

    def quote(
        self, account: VenueAccount, market: MarketState, price: int, size: int, *, is_ask: bool
    ) -> VenueOrder | None:
        """Rest one post-only order of an internal account; None, and no trace, when it would cross."""
        book = market.book
        if book.side(is_ask=not is_ask).is_reached_by(price):
            return None
        order = VenueOrder(book.next_index(is_ask=is_ask), account, market.spec.market_id, is_ask, price, size, 0)
        order.tif = Tif.POST_ONLY
        book.side(is_ask=is_ask).add(order)
        return order

    def cancel_all(
        self, account: VenueAccount, market_id: int | None, now_us: int, status: OrderStatus = OrderStatus.CANCELED
    ) -> int:
        """Cancel an account's orders, of one market or all; returns how many."""
        chosen = [order for order in account.live.values() if market_id is None or order.market_id == market_id]
        chosen.sort(key=lambda order: order.parent is None)  # or the end of a parent would name its children's
        for order in chosen:
            if order.is_live:
                self.cancel(order, status, now_us)
        return len(chosen)

    def modify(self, order: VenueOrder, size: int, price: int, now_us: int, trigger_price: int = 0) -> None:
        """Change total size and price; the order keeps its index, loses its place in the queue, may trade at once."""
        market = self.markets[order.market_id]
        order.version += 1
        order.updated_us = now_us
        if order.is_pending:
            order.size, order.price = size, price
            order.trigger_price = trigger_price or order.trigger_price
            self._changes.touch(order)
            return
        market.book.side(is_ask=order.is_ask).remove(order)
        if size <= order.filled:
            self._finish(order, OrderStatus.CANCELED, now_us)
            return
        order.size, order.price = size, price
        self.run(market, order, SelfTrade.EXPIRE_MAKER, now_us)

    def expire(self, now_us: int) -> None:
        """End every order whose time is over."""
        for account in self.accounts.values():
            due = [order for order in account.live.values() if 0 < order.expiry_ms * 1_000 <= now_us]
            for order in due:
                if order.is_live:
                    self.cancel(order, OrderStatus.EXPIRED, now_us)

    def cancel_scheduled(self, now_us: int) -> Iterator[None]:
        """Carry out every scheduled cancel-all that is due; yields after each, for it to be reported alone."""
        for account in self.accounts.values():
            if 0 < account.cancel_all_ms * 1_000 <= now_us:
                account.cancel_all_ms = 0
                self.cancel_all(account, None, now_us)
                yield

    def trigger(self, market: MarketState, now_us: int) -> Iterator[None]:
        """Run every order whose price has come; yields after each, for it to be reported alone."""
        for order in list(market.watching.values()):
            if order.is_pending and order.is_reached_by(market.mark):
                self._fire(market, order, now_us)
                yield

    def fund_positions(self, now_us: int) -> bool:
        """Settle funding for each full hour since the last call; whether there was one."""
        now_hour = now_us // funding.HOUR_US
        last_hour, self._funded_us = self._funded_us // funding.HOUR_US, max(now_us, self._funded_us)
        if last_hour == 0:
            return False
        for hour in range(max(last_hour, now_hour - _MOST_ROUNDS) + 1, now_hour + 1):
            self._funding_id += 1
            for market in self.markets.values():
                self._fund(market, hour * funding.HOUR_US)
        return now_hour > last_hour

    def set_leverage(
        self, account: VenueAccount, market_id: int, imf: int, *, is_isolated: bool = False
    ) -> Refusal | None:
        """Choose the initial margin fraction and the margin mode of a market, when what is open can bear it."""
        market = self.markets[market_id]
        position = account.position(market_id, market.spec.default_imf)
        if not self.may_change_mode(account, market_id, is_isolated=is_isolated):
            return _MODE_IN_USE
        before = position.imf, position.is_isolated
        position.imf, position.is_isolated = imf, is_isolated
        can_bear = margin.order_requirement(account, self.markets) <= margin.equity(account, self.markets)
        if is_isolated:
            can_bear = can_bear and margin.position_health(position, market) is margin.Health.SOUND
        if imf > before[0] and not can_bear:
            position.imf, position.is_isolated = before
            return Refusal(Code.RISK_CHANGE, "account would be below its initial margin requirement")
        self._changes.move(account, market_id)
        return None

    def may_change_mode(self, account: VenueAccount, market_id: int, *, is_isolated: bool) -> bool:
        """Whether a market's margin mode is this one, or nothing is open there that was funded in the other."""
        position = account.positions.get(market_id)
        has_orders = any(order.market_id == market_id for order in account.live.values())
        if position is None:
            return not (is_isolated and has_orders)
        return is_isolated == position.is_isolated or not (position.size or has_orders)

    def move_margin(self, account: VenueAccount, market_id: int, amount: int) -> Refusal | None:
        """Give an isolated position `amount` of the account's free collateral, or take from it when negative."""
        position, market = account.positions.get(market_id), self.markets[market_id]
        if position is None or not position.is_isolated or position.size == 0:
            return _NOT_ISOLATED
        if amount > margin.available(account, self.markets):
            return Refusal(Code.NOT_ENOUGH_COLLATERAL, "not enough collateral")
        position.allocated += amount
        if amount < 0 and margin.position_health(position, market) is not margin.Health.SOUND:
            position.allocated -= amount
            return Refusal(Code.RISK_CHANGE, "position would be below its initial margin requirement")
        account.collateral -= amount
        self._changes.paid[account] = None
        self._changes.move(account, market_id)
        return None

    def find(self, account: VenueAccount, market_id: int, index: int) -> VenueOrder | None:
        """A live order of the account in this market, by `order_index` or client index."""
        order = account.live.get(index) or account.by_client.get(index)
        return order if order is not None and order.market_id == market_id else None

    def _fund(self, market: MarketState, hour_us: int) -> None:
        funding.open_round(market, hour_us)
        for account in self.accounts.values():
            payment = funding.pay(account, market, self._funding_id)
            if payment is None:
                continue
            self.fees_collected -= payment.change
            if not account.is_internal:
                account.fundings.append(payment)
                self._changes.fundings.setdefault(account, []).append(payment)
                self._changes.move(account, market.market_id)

    def _make(self, account: VenueAccount, request: OrderRequest, size: int, now_us: int) -> VenueOrder:
        order = VenueOrder(
            self.markets[request.market_id].book.next_index(is_ask=request.is_ask),
            account,
            request.market_id,
            request.is_ask,
            request.price,
            size,
            now_us,
            client_index=request.client_index,
            kind=request.kind,
            tif=request.tif,
            reduce_only=request.reduce_only,
            expiry_ms=request.expiry_ms,
            trigger_price=request.trigger_price,
            self_trade=request.self_trade,
            updated_us=now_us,
        )
        account.order_count += 1
        if not account.is_internal:
            account.live[order.index] = order
            if order.reduce_only:
                account.reducers[order.index] = order
            if order.client_index:
                account.by_client[order.client_index] = order
        return order

    def _begin(self, order: VenueOrder, now_us: int) -> None:
        """Let a new order trade, rest or wait; what only takes is checked for margin here, what may rest was before."""
        if order.kind in CONDITIONAL:
            order.trigger_status = TriggerStatus.MARK_PRICE
            self._wait(order)
            return
        barred = self._barred(order) if order.tif is _IOC else None
        if barred is None:
            self.run(self.markets[order.market_id], order, order.self_trade, now_us)
        else:
            self._finish(order, barred, now_us)

    def _wait(self, order: VenueOrder) -> None:
        order.status = OrderStatus.PENDING
        if order.trigger_status is not TriggerStatus.PARENT:
            order.trigger_status = TriggerStatus.MARK_PRICE
            self.markets[order.market_id].watching[order.index] = order
        self._changes.touch(order)

    def _fire(self, market: MarketState, order: VenueOrder, now_us: int) -> None:
        """Turn a waiting order into one that trades."""
        del market.watching[order.index]
        order.trigger_status, order.triggered_us = TriggerStatus.READY, now_us
        room = reducible(order)
        if order.size == 0:
            order.size = room
        barred = OrderStatus.REDUCE_ONLY if order.reduce_only and room == 0 else self._barred(order)
        if barred is None:
            order.status = OrderStatus.OPEN
            self.run(market, order, order.self_trade, now_us)
        else:
            self._finish(order, barred, now_us)

    def _barred(self, order: VenueOrder) -> OrderStatus | None:
        """Why the account cannot carry an order that is about to trade.

        The venue names two reasons and does not tell them apart; here an account whose balance is spent, with nothing
        but open profit left, has an invalid one, and every other that lacks margin may not have margin.
        """
        account = order.account
        if margin.can_afford(account, self.markets, order):
            return None
        return OrderStatus.BALANCE if account.collateral <= 0 else OrderStatus.MARGIN


def conserved(exchange: Clearing, marks: Mapping[int, int]) -> int:
    """What must equal `deposits` at any time and any marks: all accounts at market value, and the fees."""
    total = exchange.fees_collected
    for account in exchange.accounts.values():
        total += account.collateral
        for market_id, position in account.positions.items():
            total += position.allocated + position.unrealised(marks[market_id])
    return total
