"""Price-time priority against a list that is sorted anew for every trade, and books that clients can rebuild."""

import json
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from core.connectors.venue.exchange import Exchange
from core.connectors.venue.feed import Feed, Frame
from core.connectors.venue.orders import OrderStatus, Tif, VenueOrder
from core.connectors.venue.views import fixed
from tests.support.venue_books import BTC, ETH, MARK, MONEY, exchange_with, request

OWNERS = 3
PRICES = st.integers(MARK - 1, MARK + 1)
SIZES = st.integers(1, 9)
CREATE = st.tuples(st.just("create"), st.integers(0, OWNERS - 1), st.booleans(), PRICES, SIZES, st.sampled_from(Tif))
CANCEL = st.tuples(st.just("cancel"), st.integers(0, 50))
MODIFY = st.tuples(st.just("modify"), st.integers(0, 50), PRICES, SIZES)
Told = tuple[int, int, int, int]
"""Price, size, maker and taker."""


@dataclass(eq=False)
class Row:
    """One order as the list keeps it."""

    number: int
    owner: int
    is_ask: bool
    price: int
    size: int
    tif: Tif
    filled: int = 0
    age: int = 0


class Naive:
    """Orders as a list that is sorted whenever something is to trade; slow, and easy to believe."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.age = 0

    def enter(self, row: Row) -> list[Told]:
        """Match it, then keep it if it may rest."""
        sign = -1 if row.is_ask else 1
        against = [each for each in self.rows if each.is_ask != row.is_ask and (row.price - each.price) * sign >= 0]
        if row.tif is Tif.POST_ONLY and against:
            return []
        told: list[Told] = []
        for maker in sorted(against, key=lambda each: (each.price * sign, each.age)):
            size = min(row.size - row.filled, maker.size - maker.filled)
            if not size:
                break
            if maker.owner == row.owner:
                self.rows.remove(maker)
                continue
            for each in (row, maker):
                each.filled += size
            told.append((maker.price, size, maker.owner, row.owner))
            if maker.filled == maker.size:
                self.rows.remove(maker)
        if row.filled < row.size and row.tif is not Tif.IOC:
            self.age += 1
            row.age = self.age
            self.rows.append(row)
        return told

    def modify(self, row: Row, price: int, size: int) -> list[Told]:
        """Take it out and let it in again, unless so much is filled already."""
        self.rows.remove(row)
        row.price, row.size = price, size
        return self.enter(row) if row.filled < size else []


def told_by(exchange: Exchange) -> list[Told]:
    found = []
    for trade in exchange.take_changes().trades:
        maker, taker = (trade.ask, trade.bid) if trade.is_maker_ask else (trade.bid, trade.ask)
        found.append((trade.price, trade.size, maker.account_index - 1, taker.account_index - 1))
    return found


@given(st.lists(st.one_of(CREATE, CREATE, CREATE, CANCEL, MODIFY), min_size=20, max_size=60))
def test_the_best_price_first_and_at_one_price_the_oldest(actions):
    exchange, accounts = exchange_with(*[MONEY] * OWNERS)
    naive, made = Naive(), []
    for action in actions:
        if action[0] == "create":
            _, owner, is_ask, price, size, tif = action
            order = exchange.create(
                accounts[owner], request("sell" if is_ask else "buy", size, price, tif=tif), now_us=len(made)
            )
            assert isinstance(order, VenueOrder)
            expected = naive.enter(Row(len(made), owner, is_ask, price, size, tif))
            made.append(order)
        else:
            row = next((each for each in naive.rows if each.number == action[1] % len(made)), None)
            if row is None:
                continue
            order = made[row.number]
            if action[0] == "cancel":
                exchange.cancel(order, OrderStatus.CANCELED, 1)
                naive.rows.remove(row)
                expected = []
            else:
                _, _, price, size = action
                exchange.modify(order, size, price, 1)
                expected = naive.modify(row, price, size)
        assert told_by(exchange) == expected
        standing = {(row.number, row.price, row.size, row.filled) for row in naive.rows}
        assert standing == {(n, each.price, each.size, each.filled) for n, each in enumerate(made) if each.is_live}


class Everything:
    def __contains__(self, key: object) -> bool:
        return True


@given(st.lists(st.tuples(st.sampled_from([ETH, BTC]), CREATE), max_size=50), st.integers(1, 4))
def test_batches_chain_and_rebuild_the_book(actions, every):
    exchange, accounts = exchange_with(*[MONEY] * OWNERS)
    feed = Feed(exchange, Everything())
    last: dict[int, int] = {}
    seen: dict[int, dict[tuple[str, str], str]] = {ETH: {}, BTC: {}}
    newest = 0
    for number, (market_id, (_, owner, is_ask, price, size, tif)) in enumerate(actions):
        side = "sell" if is_ask else "buy"
        exchange.create(accounts[owner], request(side, size, price, tif=tif, market_id=market_id), now_us=number)
        if number % every:
            continue
        for key, market in exchange.markets.items():
            frames: list[Frame] = []
            feed.batch(market, number, frames)
            for frame in frames:
                body = json.loads(frame.body)
                if not frame.key.startswith("order_book"):
                    continue
                book = body["order_book"]
                assert book["begin_nonce"] == last.get(key, 0)
                assert book["nonce"] > newest
                newest = last[key] = book["nonce"]
                for name in ("asks", "bids"):
                    for level in book[name]:
                        if level["size"].strip("0."):
                            seen[key][name, level["price"]] = level["size"]
                        else:
                            del seen[key][name, level["price"]]
            size_text = fixed(market.spec.size_decimals)
            price_text = fixed(market.spec.price_decimals)
            sides = {"asks": market.book.asks, "bids": market.book.bids}
            assert seen[key] == {
                (name, price_text(at)): size_text(level.size)
                for name, side in sides.items()
                for at, level in side.levels.items()
            }
