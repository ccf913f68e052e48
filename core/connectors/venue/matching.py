"""The matching engine: price-time priority over exact integers, and the money of each trade.

Pure: the moment is an argument, and what a transaction changed is collected until `take_changes`. What may become an
order, and when, is decided in `core.connectors.venue.exchange`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from core.connectors.venue import margin
from core.connectors.venue.accounts import (
    INSURANCE_FUND,
    LIQUIDATION_FEE,
    FundingPayment,
    Liquidated,
    VenueAccount,
    fee_of,
)
from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.market import MarketState, open_market
from core.connectors.venue.orders import (
    OrderKind,
    OrderStatus,
    SelfTrade,
    Tif,
    TradeKind,
    TradeSide,
    TriggerStatus,
    VenueOrder,
    VenueTrade,
)

FIRST_TRADE_ID: Final = 19_000_000_000
_FUND_COLLATERAL: Final = 10**15


@dataclass(slots=True)
class Changes:
    """What one transaction touched, for the accounts that are told and for the public."""

    orders: dict[VenueAccount, dict[int, VenueOrder]] = field(default_factory=dict)
    positions: dict[VenueAccount, set[int]] = field(default_factory=dict)
    """Markets whose position or open-order count changed."""
    trades: list[VenueTrade] = field(default_factory=list)
    fundings: dict[VenueAccount, list[FundingPayment]] = field(default_factory=dict)
    notices: dict[VenueAccount, list[Liquidated]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything happened."""
        return bool(self.orders or self.positions or self.trades)

    def touch(self, order: VenueOrder) -> None:
        """An order of an account that is told became another."""
        if not order.account.is_internal:
            self.orders.setdefault(order.account, {})[order.index] = order
            self.move(order.account, order.market_id)

    def move(self, account: VenueAccount, market_id: int) -> None:
        """A position of an account that is told became another."""
        if not account.is_internal:
            self.positions.setdefault(account, set()).add(market_id)


class Matching:
    """Markets, accounts and the trades between them."""

    def __init__(self, specs: Iterable[MarketSpec], first_id: int = 0) -> None:
        """Open the markets, empty; ids of orders and trades count from `first_id` on top of where the venue's begin."""
        self.markets: Final[dict[int, MarketState]] = {spec.market_id: open_market(spec, first_id) for spec in specs}
        self.accounts: Final[dict[int, VenueAccount]] = {}
        self.fees_collected = 0
        """In 1e-6 USDC; with what funding left over by rounding."""
        self.deposits = 0
        self._next_trade_id = FIRST_TRADE_ID + first_id
        self._notice_id = first_id
        self._changes = Changes()
        self.fund: Final = self.add_account(
            VenueAccount(index=INSURANCE_FUND, collateral=_FUND_COLLATERAL, is_internal=True)
        )
        """Takes over what nobody buys from an account that failed."""

    def add_account(self, account: VenueAccount) -> VenueAccount:
        """Open an account with the collateral it brings."""
        self.accounts[account.index] = account
        self.deposits += account.collateral
        return account

    def take_changes(self) -> Changes:
        """What happened since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def tell_liquidated(self, account: VenueAccount) -> None:
        """Notify an account of every liquidation and takeover in what has not been taken yet."""
        told = self._changes.notices.setdefault(account, [])
        for trade in self._changes.trades:
            is_party = account.index in {trade.ask.account_index, trade.bid.account_index}
            if is_party and trade.kind is not TradeKind.TRADE:
                self._notice_id += 1
                is_takeover = trade.kind is TradeKind.DELEVERAGE
                told.append(Liquidated(number=self._notice_id, is_takeover=is_takeover, trade=trade))
                account.notices.append(told[-1])

    def cancel(self, order: VenueOrder, status: OrderStatus, now_us: int) -> None:
        """End an order that rests or waits."""
        if not order.is_pending:
            self.markets[order.market_id].book.side(is_ask=order.is_ask).remove(order)
        self._finish(order, status, now_us)

    def run(self, market: MarketState, order: VenueOrder, mode: SelfTrade, now_us: int) -> None:
        """Match, then rest what may rest and end what may not."""
        order.updated_us = now_us
        if order.tif is Tif.POST_ONLY and market.book.side(is_ask=not order.is_ask).is_reached_by(order.price):
            self._finish(order, OrderStatus.POST_ONLY, now_us)
            return
        outcome = self._match(market, order, mode, now_us)
        if outcome is None and order.tif is not Tif.IOC:
            market.book.side(is_ask=order.is_ask).add(order)
            self._changes.touch(order)
        else:
            self._finish(order, outcome or OrderStatus.LIQUIDITY, now_us)
        self._drop_idle_reducers(market, now_us)

    def take_over(self, account: VenueAccount, market: MarketState, price: int, now_us: int) -> VenueTrade:
        """Move an account's whole position to the insurance fund at `price`."""
        held = account.size_in(market.market_id)
        is_ask, size, fund = held > 0, abs(held), self.fund
        sides = {
            sells: self._side(owner, market, -size if sells else size, price)
            for owner, sells in ((account, is_ask), (fund, not is_ask))
        }
        trade = VenueTrade(
            trade_id=self._next_trade_id,
            market_id=market.market_id,
            price=price,
            size=size,
            is_maker_ask=not is_ask,
            ask=sides[True],
            bid=sides[False],
            time_us=now_us,
            kind=TradeKind.DELEVERAGE,
        )
        self._record(market, trade, account, fund)
        self._changes.move(account, market.market_id)
        self._drop_idle_reducers(market, now_us)
        return trade

    def _match(self, market: MarketState, taker: VenueOrder, mode: SelfTrade, now_us: int) -> OrderStatus | None:
        """Trade until something stops it; None when what is left found nobody."""
        side = market.book.side(is_ask=not taker.is_ask)
        while True:
            room = self._room(taker)
            if room == 0:
                return OrderStatus.REDUCE_ONLY if taker.remaining else OrderStatus.FILLED
            maker = side.first()
            if maker is None:
                return None
            if not taker.kind.is_market and not side.is_reached_by(taker.price):
                return None
            room = min(room, _within_average(taker, maker.price))
            if room == 0:
                return OrderStatus.SLIPPAGE
            if maker.account is taker.account:
                stopped = self._meet_oneself(maker, taker, mode, now_us)
                if stopped is not None:
                    return stopped
                continue
            offered = self._room(maker)
            unfit = OrderStatus.REDUCE_ONLY if offered == 0 else self._unfit(maker)
            if unfit is None:
                self._trade(market, (maker, taker), min(room, offered), now_us)
            else:
                self.cancel(maker, unfit, now_us)

    def _meet_oneself(self, maker: VenueOrder, taker: VenueOrder, mode: SelfTrade, now_us: int) -> OrderStatus | None:
        """Self-trade prevention; what it makes of the taker, if that ends it."""
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
        return None if mode is SelfTrade.EXPIRE_MAKER else OrderStatus.SELF_TRADE

    def _unfit(self, maker: VenueOrder) -> OrderStatus | None:
        """Why a resting order may not trade any more, though it could when it was sent."""
        if maker.account.is_internal or maker.reduce_only:
            return None
        held = maker.account.size_in(maker.market_id)
        if held and (held > 0) == maker.is_ask:
            return None
        return None if margin.is_sound(maker.account, self.markets) else OrderStatus.MARGIN

    def _room(self, order: VenueOrder) -> int:
        """How much of an order may trade now; a reduce-only one never more than the position."""
        if not order.reduce_only:
            return order.remaining
        return min(order.remaining, reducible(order.account, order.market_id, is_ask=order.is_ask))

    def _trade(self, market: MarketState, orders: tuple[VenueOrder, VenueOrder], size: int, now_us: int) -> None:
        """Trade `size` between a maker and a taker, in this order, at the maker's price."""
        maker, taker = orders
        price = maker.price
        side = market.book.side(is_ask=maker.is_ask)
        if size == maker.remaining:
            side.remove(maker)
        else:
            side.shrink(maker, size)
        sides = {order.is_ask: self._settle(market, order, (size, price), is_maker=order is maker) for order in orders}
        trade = VenueTrade(
            trade_id=self._next_trade_id,
            market_id=market.market_id,
            price=price,
            size=size,
            is_maker_ask=maker.is_ask,
            ask=sides[True],
            bid=sides[False],
            time_us=now_us,
            kind=TradeKind.LIQUIDATION if taker.kind is OrderKind.LIQUIDATION else TradeKind.TRADE,
        )
        self._record(market, trade, maker.account, taker.account)
        for order in orders:
            order.updated_us = now_us
            self._changes.touch(order)
            self._after_fill(market, order, now_us)
        if not maker.remaining:
            self._finish(maker, OrderStatus.FILLED, now_us)

    def _record(self, market: MarketState, trade: VenueTrade, *owners: VenueAccount) -> None:
        self._next_trade_id += 1
        market.last = trade.price
        market.day.count(trade.price, trade.size)
        market.candles.count(trade.price, trade.size, trade.trade_id, trade.time_us)
        market.prints.append(trade)
        self._changes.trades.append(trade)
        for owner in owners:
            if not owner.is_internal:
                owner.trades.append(trade)

    def _settle(self, market: MarketState, order: VenueOrder, terms: tuple[int, int], *, is_maker: bool) -> TradeSide:
        """Book one side of a trade of `terms`, size and price: position, profit, fee."""
        size, price = terms
        account, quote = order.account, size * price
        if order.kind is OrderKind.LIQUIDATION:
            better = (price - order.price if order.is_ask else order.price - price) * size
            fee = min(fee_of(quote, LIQUIDATION_FEE), max(0, better))
            rate = fee * LIQUIDATION_FEE // max(1, fee_of(quote, LIQUIDATION_FEE))
            self.fund.collateral += fee
        else:
            rate = account.maker_fee if is_maker else account.taker_fee
            fee = fee_of(quote, rate)
            self.fees_collected += fee
        account.collateral -= fee
        order.filled += size
        order.filled_quote += quote
        return self._side(account, market, -size if order.is_ask else size, price, (order, rate))

    def _side(
        self,
        account: VenueAccount,
        market: MarketState,
        delta: int,
        price: int,
        through: tuple[VenueOrder | None, int] = (None, 0),
    ) -> TradeSide:
        """Move a position by `delta`; `through` is the order it came by, if any, and the rate of its fee."""
        order, rate = through
        position = account.position(market.market_id, market.spec.default_imf)
        before, cost_before = position.size, position.cost
        realised = position.apply(delta, price)
        account.collateral += realised
        account.volume += price * abs(delta)
        account.trade_count += 1
        market.open_interest += max(position.size, 0) - max(before, 0)
        return TradeSide(
            order_index=order.index if order is not None else market.book.next_index(is_ask=delta < 0),
            client_index=order.client_index if order is not None else 0,
            account_index=account.index,
            fee_rate=rate,
            size_before=before,
            entry_quote_before=abs(cost_before),
            imf=position.imf,
            sign_changed=before * position.size < 0,
            realised=realised,
            order_version=order.version if order is not None else 0,
        )

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
        self.markets[order.market_id].watching.pop(order.index, None)
        if account.live.pop(order.index, None) is not None and order.reduce_only:
            account.reducers -= 1
        if order.client_index:
            account.by_client.pop(order.client_index, None)
        account.closed.append(order)
        self._changes.touch(order)
        for child in order.children:
            if child.trigger_status is TriggerStatus.PARENT and child.is_pending:
                self.cancel(child, OrderStatus.CHILD, now_us)

    def _drop_idle_reducers(self, market: MarketState, now_us: int) -> None:
        """Cancel reduce-only orders that have nothing left to reduce, whether they rest or wait for their price."""
        if not self._changes.trades:
            return
        for account in list(self._changes.positions):
            if not account.reducers:
                continue
            idle = [
                order
                for order in account.live.values()
                if order.reduce_only
                and order.market_id == market.market_id
                and order.trigger_status is not TriggerStatus.PARENT
                and reducible(account, order.market_id, is_ask=order.is_ask) == 0
            ]
            for order in idle:
                if order.is_live:
                    self.cancel(order, OrderStatus.POSITION if order.is_pending else OrderStatus.REDUCE_ONLY, now_us)


def reducible(account: VenueAccount, market_id: int, *, is_ask: bool) -> int:
    """Steps an order of this direction could take off the position."""
    held = account.size_in(market_id)
    return max(0, held if is_ask else -held)


def _within_average(order: VenueOrder, price: int) -> int:
    """Steps at `price` that keep a market order's average no worse than its limit (docs.lighter.xyz, order types)."""
    if not order.kind.is_market:
        return order.remaining
    worse = order.price - price if order.is_ask else price - order.price
    if worse <= 0:
        return order.remaining
    paid, due = order.filled_quote, order.price * order.filled
    slack = paid - due if order.is_ask else due - paid
    return max(0, min(order.remaining, slack // worse))
