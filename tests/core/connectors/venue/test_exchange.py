"""Matching, fees and money: examples by hand, and the laws that hold for any sequence of orders."""

from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import CATALOGUE, listed
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange, conserved
from core.connectors.venue.matching import reducible
from core.connectors.venue.orders import OrderKind, OrderRequest, OrderStatus, SelfTrade, Tif, VenueOrder

ETH = 0
MONEY = 10**12


def exchange_with(*indexes: int, maker_fee: int = 40, taker_fee: int = 280) -> tuple[Exchange, list[VenueAccount]]:
    exchange = Exchange(listed(2))
    accounts = [
        exchange.add_account(VenueAccount(index=index, collateral=MONEY, maker_fee=maker_fee, taker_fee=taker_fee))
        for index in indexes
    ]
    return exchange, accounts


def order(exchange: Exchange, account: VenueAccount, side: str, size: int, price: int, **terms: object) -> VenueOrder:
    made = exchange.create(
        account,
        OrderRequest(
            market_id=ETH,
            client_index=terms.pop("client", 0),
            is_ask=side == "sell",
            size=size,
            price=price,
            **terms,
        ),
        now_us=terms.get("expiry_ms", 0) + 1,
    )
    assert isinstance(made, VenueOrder)
    return made


class TestPriority:
    def test_better_price_first_then_older_order(self):
        exchange, (a, b, c) = exchange_with(1, 2, 3)
        late = order(exchange, a, "sell", 5, 101)
        first = order(exchange, b, "sell", 5, 100)
        second = order(exchange, a, "sell", 5, 100)
        taker = order(exchange, c, "buy", 12, 101)
        assert (first.status, second.status, late.filled) == (OrderStatus.FILLED, OrderStatus.FILLED, 2)
        assert taker.status is OrderStatus.FILLED
        assert taker.filled_quote == 5 * 100 + 5 * 100 + 2 * 101
        assert [trade.price for trade in exchange.take_changes().trades] == [100, 100, 101]

    def test_the_rest_of_a_limit_order_joins_the_book(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, a, "sell", 3, 100)
        taker = order(exchange, b, "buy", 10, 100)
        book = exchange.markets[ETH].book
        assert (taker.status, taker.filled, book.bids.best(), book.asks.best()) == (OrderStatus.OPEN, 3, 100, None)
        assert book.bids.levels[100].size == 7

    def test_a_level_loses_only_what_a_part_filled_order_still_had(self):
        exchange, (a, b) = exchange_with(1, 2)
        part = order(exchange, a, "sell", 10, 100)
        order(exchange, a, "sell", 5, 100)
        order(exchange, b, "buy", 4, 100)
        level = exchange.markets[ETH].book.asks.levels[100]
        assert level.size == 11
        exchange.cancel(part, OrderStatus.CANCELED, 2)
        assert level.size == 5

    def test_order_index_follows_the_venues_layout(self):
        exchange, (a,) = exchange_with(1)
        asks = [order(exchange, a, "sell", 1, 200) for _ in range(2)]
        bids = [order(exchange, a, "buy", 1, 100) for _ in range(2)]
        assert [each.index for each in asks] == [1 << 48, (1 << 48) + 1]
        assert [each.index for each in bids] == [(2 << 48) - 1, (2 << 48) - 2]
        assert [each.priority for each in bids] == [2**48 - 1, 2**48 - 2]


class TestTerms:
    def test_ioc_never_rests(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, a, "sell", 3, 100)
        taker = order(exchange, b, "buy", 10, 100, tif=Tif.IOC)
        assert (taker.status, taker.filled) == (OrderStatus.LIQUIDITY, 3)
        assert exchange.markets[ETH].book.bids.best() is None
        assert not b.live

    def test_post_only_never_takes(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, a, "sell", 3, 100)
        crossing = order(exchange, b, "buy", 10, 100, tif=Tif.POST_ONLY)
        resting = order(exchange, b, "buy", 10, 99, tif=Tif.POST_ONLY)
        assert (crossing.status, crossing.filled) == (OrderStatus.POST_ONLY, 0)
        assert resting.status is OrderStatus.OPEN

    def test_a_market_order_keeps_its_average_within_its_price(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, a, "sell", 10, 100)
        order(exchange, a, "sell", 10, 104)
        taker = order(exchange, b, "buy", 20, 101, kind=OrderKind.MARKET, tif=Tif.IOC)
        assert taker.status is OrderStatus.SLIPPAGE
        assert taker.filled == 13
        assert taker.filled_quote <= 101 * taker.filled

    def test_a_market_order_into_an_empty_book_finds_no_liquidity(self):
        exchange, (a,) = exchange_with(1)
        taker = order(exchange, a, "sell", 5, 1, kind=OrderKind.MARKET, tif=Tif.IOC)
        assert taker.status is OrderStatus.LIQUIDITY

    def test_expiry_ends_an_order(self):
        exchange, (a,) = exchange_with(1)
        dying = order(exchange, a, "buy", 5, 90, expiry_ms=1_000)
        exchange.expire(999_999)
        assert dying.status is OrderStatus.OPEN
        exchange.expire(1_000_000)
        assert dying.status is OrderStatus.EXPIRED

    def test_self_trade_cancels_the_resting_order_by_default(self):
        exchange, (a, b) = exchange_with(1, 2)
        own = order(exchange, a, "sell", 5, 100)
        order(exchange, b, "sell", 5, 101)
        taker = order(exchange, a, "buy", 5, 101)
        assert (own.status, taker.status) == (OrderStatus.SELF_TRADE, OrderStatus.FILLED)

    def test_self_trade_may_cancel_the_taker_instead(self):
        exchange, (a,) = exchange_with(1)
        own = order(exchange, a, "sell", 5, 100)
        taker = order(exchange, a, "buy", 5, 100, self_trade=SelfTrade.EXPIRE_TAKER)
        assert (own.status, taker.status) == (OrderStatus.OPEN, OrderStatus.SELF_TRADE)

    def test_modify_moves_an_order_to_the_back_of_its_new_price(self):
        exchange, (a, b, c) = exchange_with(1, 2, 3)
        moved = order(exchange, a, "sell", 5, 101)
        standing = order(exchange, b, "sell", 5, 100)
        exchange.modify(moved, 4, 100, 2)
        order(exchange, c, "buy", 5, 100)
        assert (standing.status, moved.filled, moved.version) == (OrderStatus.FILLED, 0, 1)

    def test_modify_across_the_spread_trades(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, b, "sell", 5, 100)
        bid = order(exchange, a, "buy", 5, 90)
        exchange.modify(bid, 5, 100, 2)
        assert bid.status is OrderStatus.FILLED


class TestReduceOnly:
    def test_without_a_position_it_leaves_no_order(self):
        exchange, (a,) = exchange_with(1)
        request = OrderRequest(market_id=ETH, client_index=7, is_ask=True, size=5, price=100, reduce_only=True)
        outcome = exchange.create(a, request, 1)
        assert isinstance(outcome, Refusal)
        assert outcome.code is Code.REDUCE_ONLY_INCREASES
        assert not exchange.take_changes()

    def test_a_taker_stops_at_flat(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, b, "sell", 4, 100)
        order(exchange, a, "buy", 4, 100)
        order(exchange, b, "buy", 10, 99)
        taker = order(exchange, a, "sell", 10, 99, tif=Tif.IOC, reduce_only=True)
        assert (taker.filled, taker.status, a.size_in(ETH)) == (4, OrderStatus.REDUCE_ONLY, 0)

    def test_a_resting_one_goes_when_the_position_does(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, b, "sell", 4, 100)
        order(exchange, a, "buy", 4, 100)
        resting = order(exchange, a, "sell", 4, 200, reduce_only=True)
        order(exchange, b, "buy", 4, 99)
        order(exchange, a, "sell", 4, 99)
        assert (resting.status, a.size_in(ETH)) == (OrderStatus.REDUCE_ONLY, 0)

    def test_a_resting_one_fills_no_more_than_the_position(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, b, "sell", 4, 100)
        order(exchange, a, "buy", 4, 100)
        resting = order(exchange, a, "sell", 10, 105, reduce_only=True)
        order(exchange, b, "buy", 10, 105)
        assert (resting.filled, resting.status, a.size_in(ETH)) == (4, OrderStatus.REDUCE_ONLY, 0)

    def test_size_zero_closes_everything(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, b, "sell", 4, 100)
        order(exchange, a, "buy", 4, 100)
        order(exchange, b, "buy", 10, 99)
        closing = order(exchange, a, "sell", 0, 1, kind=OrderKind.MARKET, tif=Tif.IOC, reduce_only=True)
        assert (closing.status, closing.filled, a.size_in(ETH)) == (OrderStatus.FILLED, 4, 0)


class TestMoney:
    def test_profit_fees_and_average_entry(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, b, "sell", 10, 100_000)
        order(exchange, a, "buy", 10, 100_000)
        position = a.positions[ETH]
        assert (position.size, position.cost) == (10, 1_000_000)
        assert a.collateral == MONEY - 280
        assert b.collateral == MONEY - 40
        order(exchange, b, "buy", 4, 110_000)
        order(exchange, a, "sell", 4, 110_000)
        assert (position.size, position.cost, position.realised) == (6, 600_000, 40_000)
        assert a.collateral == MONEY - 280 + 40_000 - 124

    def test_turning_a_long_into_a_short_realises_all_of_it(self):
        exchange, (a, b) = exchange_with(1, 2, maker_fee=0, taker_fee=0)
        order(exchange, b, "sell", 10, 100)
        order(exchange, a, "buy", 10, 100)
        order(exchange, b, "buy", 15, 110)
        order(exchange, a, "sell", 15, 110)
        position = a.positions[ETH]
        assert (position.size, position.cost, position.realised) == (-5, -550, 100)

    def test_a_taker_beyond_its_margin_is_cancelled_untraded(self):
        exchange, (a, b) = exchange_with(1, 2)
        a.collateral = 1_000
        order(exchange, b, "sell", 10_000, 190_000)
        taker = order(exchange, a, "buy", 10_000, 190_000, tif=Tif.IOC)
        assert (taker.status, taker.filled) == (OrderStatus.MARGIN, 0)

    def test_reducing_is_allowed_whatever_the_margin(self):
        exchange, (a, b) = exchange_with(1, 2)
        order(exchange, b, "sell", 10_000, 190_000)
        order(exchange, a, "buy", 10_000, 190_000)
        a.collateral = 0
        order(exchange, b, "buy", 10_000, 180_000)
        assert order(exchange, a, "sell", 4_000, 180_000, tif=Tif.IOC).filled == 4_000

    def test_duplicate_client_index_leaves_no_order(self):
        exchange, (a,) = exchange_with(1)
        first = order(exchange, a, "buy", 5, 90, client=9)
        exchange.take_changes()
        request = OrderRequest(market_id=1, client_index=9, is_ask=False, size=5, price=90)
        outcome = exchange.create(a, request, 1)
        assert isinstance(outcome, Refusal)
        assert outcome.code is Code.CLIENT_INDEX_EXISTS
        assert not exchange.take_changes()
        exchange.cancel(first, OrderStatus.CANCELED, 2)
        assert isinstance(exchange.create(a, request, 3), VenueOrder)


PRICES = st.integers(min_value=99, max_value=101)
# Mostly plain resting orders of a few sizes at three prices: queues form, and are eaten in part.
ORDERS = st.tuples(
    st.just("order"),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from([1, 3, 10, 30]),
    PRICES,
    st.sampled_from([Tif.GTT] * 6 + [Tif.IOC, Tif.POST_ONLY]),
    st.sampled_from([False] * 7 + [True]),
    st.sampled_from([SelfTrade.EXPIRE_MAKER, *SelfTrade]),
    st.sampled_from([OrderKind.LIMIT] * 7 + [OrderKind.MARKET]),
)
CANCELS = st.tuples(st.just("cancel"), st.integers(0, 2), st.integers(0, 9))
MODIFIES = st.tuples(st.just("modify"), st.integers(0, 2), st.integers(0, 9), st.sampled_from([1, 3, 10, 30]), PRICES)
ACTIONS = st.one_of(ORDERS, ORDERS, ORDERS, CANCELS, MODIFIES)


def play(exchange: Exchange, accounts: list[VenueAccount], action) -> None:
    account = accounts[action[1]]
    if action[0] == "order":
        _, _, is_ask, size, price, tif, reduce_only, mode, kind = action
        request = OrderRequest(
            market_id=ETH,
            client_index=0,
            is_ask=is_ask,
            size=size,
            price=price,
            tif=Tif.IOC if kind is OrderKind.MARKET else tif,
            kind=kind,
            reduce_only=reduce_only,
            self_trade=mode,
        )
        exchange.create(account, request, 1)
        return
    live = list(account.live.values())
    if not live:
        return
    chosen = live[action[2] % len(live)]
    if action[0] == "cancel":
        exchange.cancel(chosen, OrderStatus.CANCELED, 1)
    else:
        exchange.modify(chosen, action[3], action[4], 1)


@given(st.lists(ACTIONS, min_size=20, max_size=60), st.integers(1, 10**6))
def test_laws_that_hold_after_every_transaction(actions, mark):
    exchange, accounts = exchange_with(1, 2, 3)
    for action in actions:
        play(exchange, accounts, action)
        book = exchange.markets[ETH].book
        assert not book.is_crossed
        assert conserved(exchange, {ETH: mark}) == exchange.deposits
        assert sum(account.size_in(ETH) for account in accounts) == 0
        assert exchange.markets[ETH].open_interest == sum(max(0, account.size_in(ETH)) for account in accounts)
        resting = {each.index: each for side in (book.asks, book.bids) for each in side.orders()}
        known = {index: each for account in accounts for index, each in account.live.items()}
        assert resting == known
        for side in (book.asks, book.bids):
            for level in side.levels.values():
                assert level.size == sum(each.remaining for each in level.orders.values()) > 0
        assert all(each.status is OrderStatus.OPEN for each in known.values())
        assert all(reducible(each) > 0 for each in known.values() if each.reduce_only)
        for account in accounts:
            for each in account.closed:
                assert each.status is not OrderStatus.OPEN
                assert (each.status is OrderStatus.FILLED) == (each.remaining == 0)


@given(st.lists(ACTIONS, min_size=20, max_size=60))
def test_published_levels_rebuild_the_book(actions):
    exchange, accounts = exchange_with(1, 2, 3)
    seen: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for action in actions:
        play(exchange, accounts, action)
        book = exchange.markets[ETH].book
        for is_ask, levels in seen.items():
            side = book.side(is_ask=is_ask)
            for price, size in side.publish():
                assert levels.get(price, 0) != size
                levels[price] = size
            rebuilt = {price: size for price, size in levels.items() if size}
            assert rebuilt == {price: level.size for price, level in side.levels.items()}
            assert dict(side.published()) == rebuilt


def test_every_market_prices_in_millionths_of_a_usdc():
    assert len({spec.market_id for spec in CATALOGUE}) == len({spec.symbol for spec in CATALOGUE}) == len(CATALOGUE)
    for spec in CATALOGUE:
        assert spec.price_decimals + spec.size_decimals == 6
        assert spec.closeout_mf < spec.maintenance_mf < spec.min_imf <= spec.default_imf
