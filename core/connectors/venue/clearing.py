"""Accounts and the money of each trade: positions, profit, fees, and a record of what a transaction changed.

Pure: the moment is an argument. What trades with what is decided in `core.connectors.venue.matching`.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Final

import msgspec

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
from core.connectors.venue.orders import OrderKind, TradeKind, TradeSide, VenueOrder, VenueTrade

FIRST_TRADE_ID: Final = 19_000_000_000
FUND_COLLATERAL: Final = 10**15
_TRADE: Final = TradeKind.TRADE
_LIQUIDATION: Final = OrderKind.LIQUIDATION


class Changes(msgspec.Struct, eq=False, dict=True):
    """What one transaction touched, for the accounts that are told and for the public."""

    trades: list[VenueTrade] = []
    fundings: dict[VenueAccount, list[FundingPayment]] = {}
    notices: dict[VenueAccount, list[Liquidated]] = {}
    paid: dict[VenueAccount, None] = {}
    """Accounts whose collateral changed without a trade."""
    touched: dict[VenueOrder, None] = {}
    """Orders that became others, in the order they did."""
    moved: dict[tuple[VenueAccount, int], None] = {}
    """Positions that did."""

    def __bool__(self) -> bool:
        """Whether anything happened."""
        return bool(self.touched or self.moved or self.trades or self.paid)

    def touch(self, order: VenueOrder) -> None:
        """An order of an account that is told became another."""
        if not order.account.is_internal:
            self.touched[order] = None

    def move(self, account: VenueAccount, market_id: int) -> None:
        """A position of an account that is told became another."""
        if not account.is_internal:
            self.moved[account, market_id] = None

    @cached_property
    def orders(self) -> dict[VenueAccount, dict[int, VenueOrder]]:
        """The orders of each account by index; to be asked when nothing is added any more."""
        grouped: dict[VenueAccount, dict[int, VenueOrder]] = {}
        for order in self.touched:
            grouped.setdefault(order.account, {})[order.index] = order
        return grouped

    @cached_property
    def positions(self) -> dict[VenueAccount, set[int]]:
        """Markets whose position or open-order count changed; to be asked when nothing is added any more.

        An account that was only paid has none.
        """
        grouped: dict[VenueAccount, set[int]] = {account: set() for account in self.paid}
        for order in self.touched:
            grouped.setdefault(order.account, set()).add(order.market_id)
        for account, market_id in self.moved:
            grouped.setdefault(account, set()).add(market_id)
        return grouped


class Clearing:
    """Markets, accounts, and the books of both."""

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
        self._reduced: list[VenueAccount] = []
        """Parties of trades that have reduce-only orders, until somebody looks whether these still reduce."""
        self.fund: Final = self.add_account(
            VenueAccount(index=INSURANCE_FUND, collateral=FUND_COLLATERAL, is_internal=True)
        )
        """Takes over what nobody buys from an account that failed."""

    def add_account(self, account: VenueAccount) -> VenueAccount:
        """Open an account with the collateral it brings."""
        self.accounts[account.index] = account
        self.deposits += account.collateral
        return account

    def pay(self, giver: VenueAccount, receiver: VenueAccount, amount: int, fee: int) -> None:
        """Move collateral, in 1e-6 USDC; the giver pays the fee besides."""
        giver.collateral -= amount + fee
        receiver.collateral += amount
        self.fees_collected += fee
        self._changes.paid.update({giver: None, receiver: None})

    def take_changes(self) -> Changes:
        """What happened since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def tell_liquidated(self, account: VenueAccount) -> None:
        """Notify an account of every liquidation and takeover in what has not been taken yet, if it is told at all."""
        if account.is_internal:
            return
        told = self._changes.notices.setdefault(account, [])
        for trade in self._changes.trades:
            is_party = account.index in {trade.ask.account_index, trade.bid.account_index}
            if is_party and trade.kind is not TradeKind.TRADE:
                self._notice_id += 1
                is_takeover = trade.kind is TradeKind.DELEVERAGE
                told.append(Liquidated(number=self._notice_id, is_takeover=is_takeover, trade=trade))
                account.notices.append(told[-1])

    def _clear(self, market: MarketState, maker: VenueOrder, taker: VenueOrder, size: int, now_us: int) -> None:
        """Book a trade of `size` between two orders at the maker's price; the book has filled them already."""
        price, is_maker_ask = maker.price, maker.is_ask
        quote = price * size
        delta = -size if is_maker_ask else size
        account = maker.account
        rate = account.maker_fee
        fee = fee_of(quote, rate)
        self.fees_collected += fee
        made = self._book(market, account, (delta, price, fee, rate), maker)
        account, kind = taker.account, _TRADE
        if taker.kind is _LIQUIDATION:
            kind = TradeKind.LIQUIDATION
            fee, rate = _liquidation_fee(taker, price, size)
            self.fund.collateral += fee
        else:
            rate = account.taker_fee
            fee = fee_of(quote, rate)
            self.fees_collected += fee
        took = self._book(market, account, (-delta, price, fee, rate), taker)
        ask, bid = (made, took) if is_maker_ask else (took, made)
        trade = VenueTrade(
            self._next_trade_id, market.spec.market_id, price, size, is_maker_ask, ask, bid, now_us, kind
        )
        self._record(market, trade, maker.account, account)

    def _move_position(
        self, market: MarketState, giver: VenueAccount, taker: VenueAccount, terms: tuple[int, int], now_us: int
    ) -> VenueTrade:
        """Move `terms`, steps (signed as the giver holds them) and price, from one account to another, free of fees."""
        held, price = terms
        gave = self._book(market, giver, (-held, price, 0, 0))
        took = self._book(market, taker, (held, price, 0, 0))
        ask, bid = (gave, took) if held > 0 else (took, gave)
        trade = VenueTrade(
            self._next_trade_id,
            market.market_id,
            price,
            abs(held),
            held < 0,
            ask,
            bid,
            now_us,
            TradeKind.DELEVERAGE,
        )
        self._record(market, trade, giver, taker)
        return trade

    def _record(self, market: MarketState, trade: VenueTrade, first: VenueAccount, second: VenueAccount) -> None:
        self._next_trade_id += 1
        price, size = trade.price, trade.size
        market.last = price
        market.day.count(price, size)
        market.candles.count(price, size, trade.trade_id, trade.time_us)
        market.prints.append(trade)
        self._changes.trades.append(trade)
        for owner in (first, second):
            if not owner.is_internal:
                owner.trades.append(trade)

    def _book(
        self,
        market: MarketState,
        account: VenueAccount,
        terms: tuple[int, int, int, int],
        order: VenueOrder | None = None,
    ) -> TradeSide:
        """Book one side of a trade of `terms`: signed steps, price, fee and its rate; `order` is what it came by."""
        delta, price, fee, rate = terms
        position = account.positions.get(market.spec.market_id)
        if position is None:
            position = account.position(market.spec.market_id, market.spec.default_imf)
        before, cost_before = position.size, position.cost
        realised = position.apply(delta, price)
        after = position.size
        allocated = position.allocated
        account.collateral += (
            realised - fee if not position.is_isolated else position.allocate(before, price, realised - fee)
        )
        account.volume += price * (delta if delta > 0 else -delta)
        account.trade_count += 1
        if before > 0:
            market.open_interest -= before
        if after > 0:
            market.open_interest += after
        if account.reducers:
            self._reduced.append(account)
        spent, turned = abs(cost_before), before * after < 0
        if order is None:
            index = market.book.next_index(is_ask=delta < 0)
            ids = index, 0, account.index
            return TradeSide(
                *ids, rate, before, spent, position.imf, turned, realised, 0, allocated, position.allocated
            )
        return TradeSide(
            order.index,
            order.client_index,
            account.index,
            rate,
            before,
            spent,
            position.imf,
            turned,
            realised,
            order.version,
            allocated,
            position.allocated,
        )


def _liquidation_fee(order: VenueOrder, price: int, size: int) -> tuple[int, int]:
    """What the fund gets of what a liquidation brought above its limit, and that as a rate."""
    most = fee_of(price * size, LIQUIDATION_FEE)
    better = (price - order.price if order.is_ask else order.price - price) * size
    fee = min(most, max(0, better))
    return fee, fee * LIQUIDATION_FEE // max(1, most)
