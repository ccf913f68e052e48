"""The matching engine: price-time priority over exact integers, one transaction at a time.

Pure: the moment is an argument, and what a transaction changed is collected until `take_changes`. Signatures, nonces
and bytes are not its business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from core.connectors.venue import margin
from core.connectors.venue.accounts import VenueAccount, fee_of
from core.connectors.venue.catalogue import MarketSpec
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.market import MarketState, open_market
from core.connectors.venue.orders import (
    OrderKind,
    OrderRequest,
    OrderStatus,
    SelfTrade,
    Tif,
    TradeSide,
    VenueOrder,
    VenueTrade,
)

FIRST_TRADE_ID: Final = 19_000_000_000


@dataclass(slots=True)
class Changes:
    """What one transaction touched, for the accounts that are told and for the public."""

    orders: dict[VenueAccount, dict[int, VenueOrder]] = field(default_factory=dict)
    positions: dict[VenueAccount, set[int]] = field(default_factory=dict)
    """Markets whose position or open-order count changed."""
    trades: list[VenueTrade] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether anything happened."""
        return bool(self.orders or self.positions or self.trades)

    def touch(self, order: VenueOrder) -> None:
        """An order of an account that is told became another."""
        if not order.account.is_internal:
            self.orders.setdefault(order.account, {})[order.index] = order
            self.positions.setdefault(order.account, set()).add(order.market_id)


class Exchange:
    """Markets, accounts and the trades between them."""

    def __init__(self, specs: Iterable[MarketSpec], first_id: int = 0) -> None:
        """Open the markets, empty; ids of orders and trades count from `first_id` on top of where the venue's begin."""
        self.markets: Final[dict[int, MarketState]] = {spec.market_id: open_market(spec, first_id) for spec in specs}
        self.accounts: Final[dict[int, VenueAccount]] = {}
        self.fees_collected = 0
        """In 1e-6 USDC."""
        self.deposits = 0
        self._next_trade_id = FIRST_TRADE_ID + first_id
        self._changes = Changes()

    def add_account(self, account: VenueAccount) -> VenueAccount:
        """Open an account with the collateral it brings."""
        self.accounts[account.index] = account
        self.deposits += account.collateral
        return account

    def take_changes(self) -> Changes:
        """What happened since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def create(self, account: VenueAccount, request: OrderRequest, now_us: int) -> VenueOrder | Refusal:
        """Run an order: match, rest, or end it. A `Refusal` leaves no order behind."""
        if request.client_index and request.client_index in account.by_client:
            return Refusal(Code.CLIENT_INDEX_EXISTS, "client order index already exists")
        market = self.markets[request.market_id]
        size = request.size
        if request.reduce_only:
            room = _reducible(account, request.market_id, is_ask=request.is_ask)
            if room == 0:
                return Refusal(Code.REDUCE_ONLY_INCREASES, "reduce only order would increase the position")
            size = size or room
        order = VenueOrder(
            market.book.next_index(is_ask=request.is_ask),
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
        )
        is_covered = request.tif is not Tif.IOC or margin.can_afford(account, self.markets, request)
        self._register(order)
        if is_covered:
            self._run(market, order, request.self_trade, now_us)
        else:
            self._finish(order, OrderStatus.MARGIN, now_us)
        return order

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

    def cancel(self, order: VenueOrder, status: OrderStatus, now_us: int) -> None:
        """End an order that rests."""
        self.markets[order.market_id].book.side(is_ask=order.is_ask).remove(order)
        self._finish(order, status, now_us)

    def cancel_all(self, account: VenueAccount, market_id: int | None, now_us: int) -> int:
        """Cancel an account's orders, of one market or all; returns how many."""
        chosen = [order for order in account.live.values() if market_id is None or order.market_id == market_id]
        for order in chosen:
            self.cancel(order, OrderStatus.CANCELED, now_us)
        return len(chosen)

    def modify(self, order: VenueOrder, size: int, price: int, now_us: int) -> None:
        """Change total size and price; the order keeps its index, loses its place in the queue, may trade at once."""
        market = self.markets[order.market_id]
        market.book.side(is_ask=order.is_ask).remove(order)
        order.version += 1
        if size <= order.filled:
            self._finish(order, OrderStatus.CANCELED, now_us)
            return
        order.size, order.price = size, price
        self._run(market, order, SelfTrade.EXPIRE_MAKER, now_us)

    def expire(self, now_us: int) -> None:
        """End every order whose time is over."""
        for account in self.accounts.values():
            due = [order for order in account.live.values() if 0 < order.expiry_ms * 1_000 <= now_us]
            for order in due:
                self.cancel(order, OrderStatus.EXPIRED, now_us)

    def find(self, account: VenueAccount, market_id: int, index: int) -> VenueOrder | None:
        """An open order of the account in this market, by `order_index` or client index."""
        order = account.live.get(index) or account.by_client.get(index)
        return order if order is not None and order.market_id == market_id else None

    def _run(self, market: MarketState, order: VenueOrder, mode: SelfTrade, now_us: int) -> None:
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
            if taker.kind is OrderKind.LIMIT and not side.is_reached_by(taker.price):
                return None
            room = min(room, _within_average(taker, maker.price))
            if room == 0:
                return OrderStatus.SLIPPAGE
            offered = self._room(maker)
            if maker.account is taker.account:
                if mode is not SelfTrade.EXPIRE_TAKER:
                    self.cancel(maker, OrderStatus.SELF_TRADE, now_us)
                if mode is not SelfTrade.EXPIRE_MAKER:
                    return OrderStatus.SELF_TRADE
            elif offered == 0:
                self.cancel(maker, OrderStatus.REDUCE_ONLY, now_us)
            else:
                self._trade(market, maker, taker, min(room, offered), now_us)

    def _room(self, order: VenueOrder) -> int:
        """How much of an order may trade now; a reduce-only one never more than the position."""
        if not order.reduce_only:
            return order.remaining
        return min(order.remaining, _reducible(order.account, order.market_id, is_ask=order.is_ask))

    def _trade(self, market: MarketState, maker: VenueOrder, taker: VenueOrder, size: int, now_us: int) -> None:
        price = maker.price
        ask, bid = (maker, taker) if maker.is_ask else (taker, maker)
        side = market.book.side(is_ask=maker.is_ask)
        if size == maker.remaining:
            side.remove(maker)
        else:
            side.shrink(maker, size)
        trade = VenueTrade(
            trade_id=self._next_trade_id,
            market_id=market.market_id,
            price=price,
            size=size,
            is_maker_ask=maker.is_ask,
            ask=self._settle(market, ask, size, price, is_maker=maker is ask),
            bid=self._settle(market, bid, size, price, is_maker=maker is bid),
            time_us=now_us,
        )
        self._next_trade_id += 1
        market.last = price
        market.day.count(price, size)
        market.prints.append(trade)
        self._changes.trades.append(trade)
        for order in (maker, taker):
            order.updated_us = now_us
            if not order.account.is_internal:
                order.account.trades.append(trade)
            self._changes.touch(order)
        if not maker.remaining:
            self._finish(maker, OrderStatus.FILLED, now_us)

    def _settle(self, market: MarketState, order: VenueOrder, size: int, price: int, *, is_maker: bool) -> TradeSide:
        """Book one side of a trade: position, profit, fee."""
        account = order.account
        position = account.position(order.market_id, market.spec.default_imf)
        before, cost_before = position.size, position.cost
        rate = account.maker_fee if is_maker else account.taker_fee
        realised = position.apply(-size if order.is_ask else size, price)
        fee = fee_of(price * size, rate)
        account.collateral += realised - fee
        account.volume += price * size
        account.trade_count += 1
        self.fees_collected += fee
        market.open_interest += max(position.size, 0) - max(before, 0)
        order.filled += size
        order.filled_quote += price * size
        return TradeSide(
            order_index=order.index,
            client_index=order.client_index,
            account_index=account.index,
            fee_rate=rate,
            size_before=before,
            entry_quote_before=abs(cost_before),
            imf=position.imf,
            sign_changed=before * position.size < 0,
            realised=realised,
        )

    def _register(self, order: VenueOrder) -> None:
        account = order.account
        account.order_count += 1
        if account.is_internal:
            return
        account.live[order.index] = order
        if order.client_index:
            account.by_client[order.client_index] = order

    def _finish(self, order: VenueOrder, status: OrderStatus, now_us: int) -> None:
        """The one way an order ends; it no longer rests when this is called."""
        order.status = status
        order.updated_us = now_us
        account = order.account
        if account.is_internal:
            return
        account.live.pop(order.index, None)
        if order.client_index:
            account.by_client.pop(order.client_index, None)
        account.closed.append(order)
        self._changes.touch(order)

    def _drop_idle_reducers(self, market: MarketState, now_us: int) -> None:
        """Cancel resting reduce-only orders that have nothing left to reduce."""
        if not self._changes.trades:
            return
        for account in list(self._changes.positions):
            idle = [
                order
                for order in account.live.values()
                if order.reduce_only and order.market_id == market.market_id and self._room(order) == 0
            ]
            for order in idle:
                self.cancel(order, OrderStatus.REDUCE_ONLY, now_us)


def _reducible(account: VenueAccount, market_id: int, *, is_ask: bool) -> int:
    """Steps an order of this direction could take off the position."""
    held = account.size_in(market_id)
    return max(0, held if is_ask else -held)


def _within_average(order: VenueOrder, price: int) -> int:
    """Steps at `price` that keep a market order's average no worse than its limit (docs.lighter.xyz, order types)."""
    if order.kind is OrderKind.LIMIT:
        return order.remaining
    worse = order.price - price if order.is_ask else price - order.price
    if worse <= 0:
        return order.remaining
    paid, due = order.filled_quote, order.price * order.filled
    slack = paid - due if order.is_ask else due - paid
    return max(0, min(order.remaining, slack // worse))


def conserved(exchange: Exchange, marks: Mapping[int, int]) -> int:
    """What must equal `deposits` at any time and any marks: all accounts at market value, and the fees."""
    total = exchange.fees_collected
    for account in exchange.accounts.values():
        total += account.collateral
        total += sum(position.unrealised(marks[market_id]) for market_id, position in account.positions.items())
    return total
