"""The matching engine: who trades with whom, in price-time order over exact integers, and what ends an order.

Pure: the moment is an argument, and what a transaction changed is collected until `take_changes`. What may become an
order, and when, is decided in `core.connectors.venue.exchange`; the order of the queue is kept in
`core.connectors.venue.book`, and the money in `core.connectors.venue.clearing`.
"""

from functools import partial
from typing import Final

from core.connectors.venue import margin
from core.connectors.venue.accounts import FRACTION, VenueAccount
from core.connectors.venue.clearing import Clearing
from core.connectors.venue.market import MarketState
from core.connectors.venue.orders import (
    AVERAGED,
    FILLED,
    PENDING,
    OrderStatus,
    SelfTrade,
    Tif,
    TriggerStatus,
    VenueOrder,
    VenueTrade,
)

_IOC: Final = Tif.IOC
_POST_ONLY: Final = Tif.POST_ONLY
_NOT_TRIGGERED: Final = TriggerStatus.NONE
_MAKER_GOES: Final = SelfTrade.EXPIRE_MAKER


class Matching(Clearing):
    """Orders that meet."""

    def cancel(self, order: VenueOrder, status: OrderStatus, now_us: int) -> None:
        """End an order that rests or waits."""
        if order.status is not PENDING:
            self.markets[order.market_id].book.side(is_ask=order.is_ask).remove(order)
        self._finish(order, status, now_us)

    def run(self, market: MarketState, order: VenueOrder, mode: SelfTrade, now_us: int) -> None:
        """Match, then rest what may rest and end what may not."""
        order.updated_us = now_us
        opposite = market.book.bids if order.is_ask else market.book.asks
        tif, outcome = order.tif, None
        if order.reduce_only or order.kind in AVERAGED or opposite.is_reached_by(order.price):
            if tif is _POST_ONLY and opposite.is_reached_by(order.price):
                self._finish(order, OrderStatus.POST_ONLY, now_us)
                return
            outcome = opposite.meet(order, partial(self._deal, market, mode, now_us))
            if outcome is None and order.reduce_only and not reducible(order):
                outcome = OrderStatus.REDUCE_ONLY
        if outcome is None and tif is not _IOC:
            (market.book.asks if order.is_ask else market.book.bids).add(order)
            self._changes.touch(order)
        else:
            self._finish(order, outcome or OrderStatus.LIQUIDITY, now_us)
        if self._reduced:
            self._drop_idle_reducers(market, now_us)

    def take_over(
        self, account: VenueAccount, market: MarketState, terms: tuple[VenueAccount, int, int], now_us: int
    ) -> VenueTrade:
        """Move a position: `terms` are who takes it, how many steps (signed as they are held) and at what price."""
        heir, steps, price = terms
        trade = self._move_position(market, account, heir, (steps, price), now_us)
        self._changes.move(account, market.market_id)
        self._changes.move(heir, market.market_id)
        self._drop_idle_reducers(market, now_us)
        return trade

    def _deal(
        self, market: MarketState, mode: SelfTrade, now_us: int, maker: VenueOrder, taker: VenueOrder
    ) -> OrderStatus | None:
        """Trade with the order at the front, or take it away; what ends the taker instead, if anything does."""
        size = taker.size - taker.filled
        if taker.reduce_only:
            size = min(size, reducible(taker))
            if size == 0:
                return OrderStatus.REDUCE_ONLY
        if taker.kind in AVERAGED:
            size = min(size, _within_average(taker, maker.price))
            if size == 0:
                return OrderStatus.SLIPPAGE
        if maker.account is taker.account:
            return self._meet_oneself(maker, taker, mode, now_us)
        offered = maker.size - maker.filled
        unfit: OrderStatus | None = None
        if maker.reduce_only:
            offered = min(offered, reducible(maker))
            unfit = None if offered else OrderStatus.REDUCE_ONLY
        elif not maker.account.is_internal:
            unfit = self._unfit(maker)
        if unfit is None:
            self._trade(market, maker, taker, min(offered, size), now_us)
        else:
            self.cancel(maker, unfit, now_us)
        return None

    def _meet_oneself(self, maker: VenueOrder, taker: VenueOrder, mode: SelfTrade, now_us: int) -> OrderStatus | None:
        """Self-trade prevention; what it makes of the taker, if that ends it."""
        if mode is _MAKER_GOES:
            self.cancel(maker, OrderStatus.SELF_TRADE, now_us)
            return None
        if mode is SelfTrade.REDUCE:
            by = min(maker.remaining, taker.remaining)
            ends = by == taker.remaining
            taker.size -= 0 if ends else by
            if by == maker.remaining:
                self.cancel(maker, OrderStatus.SELF_TRADE, now_us)
            else:
                maker.size -= by
                self.markets[maker.market_id].book.side(is_ask=maker.is_ask).shrink(maker, by)
                self._changes.touch(maker)
            return OrderStatus.SELF_TRADE if ends else None
        if mode is not SelfTrade.EXPIRE_TAKER:
            self.cancel(maker, OrderStatus.SELF_TRADE, now_us)
        return OrderStatus.SELF_TRADE

    def _unfit(self, maker: VenueOrder) -> OrderStatus | None:
        """Why a resting order that adds may not trade any more, though it could when it was sent."""
        account = maker.account
        position = account.positions.get(maker.market_id)
        if position is not None and position.size and (position.size > 0) == maker.is_ask:
            return None
        brought = 0
        if position is not None and position.is_isolated:
            brought = maker.remaining * maker.price * position.imf // FRACTION
        return None if margin.is_sound(account, self.markets, brought) else OrderStatus.MARGIN

    def _trade(self, market: MarketState, maker: VenueOrder, taker: VenueOrder, size: int, now_us: int) -> None:
        """Trade `size` between a maker and a taker, at the maker's price."""
        (market.book.asks if maker.is_ask else market.book.bids).fill(maker, taker, size)
        self._clear(market, maker, taker, size, now_us)
        for order in (maker, taker):
            if order.children or order.sibling is not None:
                self._after_fill(market, order, now_us)
        # The taker is touched where it ends or rests.
        if maker.filled == maker.size:
            self._finish(maker, FILLED, now_us)
        else:
            maker.updated_us = now_us
            self._changes.touch(maker)

    def _after_fill(self, market: MarketState, order: VenueOrder, now_us: int) -> None:
        """A fill sizes and sends the orders that wait for it, and cancels the one that it replaces."""
        for child in order.children:
            if child.is_pending:
                child.size = order.filled
                child.trigger_status = TriggerStatus.MARK_PRICE
                child.updated_us = now_us
                market.watching[child.index] = child
                self._changes.touch(child)
        if order.sibling is not None and order.sibling.is_live:
            self.cancel(order.sibling, OrderStatus.OCO, now_us)

    def _finish(self, order: VenueOrder, status: OrderStatus, now_us: int) -> None:
        """The one way an order ends; it no longer rests when this is called."""
        order.status = status
        order.updated_us = now_us
        account = order.account
        if account.is_internal:
            return
        index = order.index
        account.live.pop(index, None)
        if order.reduce_only:
            account.reducers.pop(index, None)
        if order.trigger_status is not _NOT_TRIGGERED:
            self.markets[order.market_id].watching.pop(index, None)
        if order.client_index:
            account.by_client.pop(order.client_index, None)
        account.closed.append(order)
        self._changes.touch(order)
        for child in order.children:
            if child.trigger_status is TriggerStatus.PARENT and child.is_pending:
                self.cancel(child, OrderStatus.CHILD, now_us)

    def _drop_idle_reducers(self, market: MarketState, now_us: int) -> None:
        """Cancel reduce-only orders that have nothing left to reduce, whether they rest or wait for their price."""
        traded, self._reduced = dict.fromkeys(self._reduced), []
        for account in traded:
            idle = [
                order
                for order in account.reducers.values()
                if order.market_id == market.market_id
                and order.trigger_status is not TriggerStatus.PARENT
                and not reducible(order)
            ]
            for order in idle:
                if order.is_live:
                    self.cancel(order, OrderStatus.POSITION if order.is_pending else OrderStatus.REDUCE_ONLY, now_us)


def reducible(order: VenueOrder) -> int:
    """Steps an order could take off its account's position."""
    return reducible_by(order.account, order.market_id, is_ask=order.is_ask)


def reducible_by(account: VenueAccount, market_id: int, *, is_ask: bool) -> int:
    """Steps an order of this direction could take off the position."""
    held = account.size_in(market_id)
    return max(0, held if is_ask else -held)


def _within_average(order: VenueOrder, price: int) -> int:
    """Steps at `price` that keep a market order's average no worse than its limit (docs.lighter.xyz, order types)."""
    worse = order.price - price if order.is_ask else price - order.price
    if worse <= 0:
        return order.remaining
    paid, due = order.filled_quote, order.price * order.filled
    slack = paid - due if order.is_ask else due - paid
    return max(0, min(order.remaining, slack // worse))
