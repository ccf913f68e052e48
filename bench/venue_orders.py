"""Matched orders a second: the paper venue's queues beside a bare price-time loop, the whole exchange beside its peer.

Both pairs run the same orders and must end alike: the same trades, and where accounts are kept, the same accounts.
"""

import random
from collections import deque
from time import perf_counter
from typing import Final

from sortedcontainers import SortedDict

from bench.results import Figure, compared, interleave
from core.connectors.venue.accounts import RATE, VenueAccount
from core.connectors.venue.book import MatchBook
from core.connectors.venue.catalogue import listed
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.orders import PRIORITY_BITS, OrderRequest, OrderStatus, Tif, VenueOrder

COUNT: Final = 20_000
ROUNDS: Final = 7
MAKER_FEE: Final = 40
TAKER_FEE: Final = 280
COLLATERAL: Final = 10**18
_MIDDLE: Final = 190_000
_BOOK: Final = 400
Order = tuple[bool, int, int]
Trade = tuple[int, int]
"""Price and size."""
Balance = tuple[int, int, int]
"""Position, what it cost, and collateral."""


def orders(count: int, seed: int = 1) -> list[Order]:
    """(is_ask, price, size): around one price, so that about half of them trade; the same ones every time."""
    chance = random.Random(seed)
    return [
        (chance.random() < 0.5, _MIDDLE + chance.randrange(-60, 61), chance.randrange(50, 5_000)) for _ in range(count)
    ]


class Core:
    """The venue's exchange: accounts, margin, fees, order states, candles and the report of each transaction."""

    def __init__(self) -> None:
        self._exchange = Exchange(listed(1))
        self._accounts = [
            self._exchange.add_account(
                VenueAccount(index=index, collateral=COLLATERAL, maker_fee=MAKER_FEE, taker_fee=TAKER_FEE)
            )
            for index in (1, 2)
        ]
        self.matched = 0

    def run(self, given: list[Order], trades: list[Trade] | None = None) -> None:
        exchange, accounts = self._exchange, self._accounts
        for number, (is_ask, price, size) in enumerate(given):
            account = accounts[number & 1]
            request = OrderRequest(market_id=0, client_index=0, is_ask=is_ask, size=size, price=price, tif=Tif.GTT)
            exchange.create(account, request, number)
            made = exchange.take_changes().trades
            self.matched += len(made)
            if trades is not None:
                trades += [(trade.price, trade.size) for trade in made]
            if len(account.live) > _BOOK:
                exchange.cancel_all(account, None, number)
                exchange.take_changes()

    def balances(self) -> list[Balance]:
        held = [(account.positions[0], account.collateral) for account in self._accounts]
        return [(position.size, position.cost, collateral) for position, collateral in held]


class Queues:
    """The venue's book and order objects alone: price-time order, fills, and an order's own state."""

    def __init__(self) -> None:
        self._book = MatchBook(0, PRIORITY_BITS)
        self._accounts = [VenueAccount(index=index, collateral=0) for index in (1, 2)]
        self.matched = 0
        self._trades: list[Trade] | None = None

    def run(self, given: list[Order], trades: list[Trade] | None = None) -> None:
        book, accounts, deal = self._book, self._accounts, self._deal
        self._trades = trades
        for number, (is_ask, price, size) in enumerate(given):
            account = accounts[number & 1]
            order = VenueOrder(book.next_index(is_ask=is_ask), account, 0, is_ask, price, size, number)
            opposite, own = (book.bids, book.asks) if is_ask else (book.asks, book.bids)
            if opposite.is_reached_by(price) and opposite.meet(order, deal) is not None:
                order.status = OrderStatus.FILLED
                continue
            own.add(order)
            live = account.live
            live[order.index] = order
            if len(live) > _BOOK:
                for each in live.values():
                    book.side(is_ask=each.is_ask).remove(each)
                    each.status = OrderStatus.CANCELED
                live.clear()

    def _deal(self, maker: VenueOrder, taker: VenueOrder) -> OrderStatus | None:
        side = self._book.asks if maker.is_ask else self._book.bids
        if maker.account is taker.account:
            side.remove(maker)
            maker.status = OrderStatus.SELF_TRADE
            del maker.account.live[maker.index]
            return None
        left, offered = taker.size - taker.filled, maker.size - maker.filled
        size = min(offered, left)
        side.fill(maker, taker, size)
        self.matched += 1
        if self._trades is not None:
            self._trades.append((maker.price, size))
        if size == offered:
            maker.status = OrderStatus.FILLED
            del maker.account.live[maker.index]
        return None


class Ledger:
    """What the peer of the whole exchange keeps of each trade: positions, their cost, profit, fees, and the trade."""

    def __init__(self) -> None:
        self.balances: list[Balance] = [(0, 0, COLLATERAL), (0, 0, COLLATERAL)]
        self.trades: list[Trade] = []

    def book(self, price: int, size: int, taker: int, *, is_ask: bool) -> None:
        self._move(taker, -size if is_ask else size, price, TAKER_FEE)
        self._move(1 - taker, size if is_ask else -size, price, MAKER_FEE)
        self.trades.append((price, size))

    def _move(self, owner: int, delta: int, price: int, rate: int) -> None:
        held, spent, collateral = self.balances[owner]
        size = held + delta
        if held * delta >= 0:
            cost = spent + delta * price
        elif abs(delta) <= abs(held):
            cost = spent * size // held
        else:
            cost = size * price
        fee = -(-price * abs(delta) * rate // RATE)
        self.balances[owner] = (size, cost, collateral + cost - spent - delta * price - fee)


class Bare:
    """Price levels in a SortedDict, a queue of (owner, size) at each; no order state, and accounts if it gets any."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self._sides = (SortedDict(), SortedDict())
        self._live = [0, 0]
        self._ledger = ledger
        self.matched = 0

    def run(self, given: list[Order]) -> None:
        ledger = self._ledger
        for number, (is_ask, price, size) in enumerate(given):
            owner, sign = number & 1, 1 if is_ask else -1
            mine, other = self._sides[is_ask], self._sides[not is_ask]
            left = size
            while left and other:
                key, queue = other.peekitem(0)
                if (key * -sign - price) * sign < 0:
                    break
                maker = queue[0]
                if maker[0] == owner:
                    queue.popleft()
                    self._live[owner] -= 1
                else:
                    traded = min(left, maker[1])
                    left -= traded
                    maker[1] -= traded
                    self.matched += 1
                    if ledger is not None:
                        ledger.book(key * -sign, traded, owner, is_ask=is_ask)
                    if not maker[1]:
                        queue.popleft()
                        self._live[maker[0]] -= 1
                if not queue:
                    del other[key]
            if left:
                mine.setdefault(price * sign, deque()).append([owner, left])
                self._live[owner] += 1
            if self._live[owner] > _BOOK:
                self._cancel_all(owner)

    def _cancel_all(self, owner: int) -> None:
        for side in self._sides:
            for key in list(side):
                kept = deque(each for each in side[key] if each[0] != owner)
                if kept:
                    side[key] = kept
                else:
                    del side[key]
        self._live[owner] = 0


def measure() -> list[Figure]:
    """Both pairs over the same orders."""
    given = orders(COUNT)
    prove(given)
    queues = {"venue queues": lambda: _rate(Queues(), given), "bare SortedDict loop": lambda: _rate(Bare(), given)}
    whole = {
        "venue exchange": lambda: _rate(Core(), given),
        "bare loop with accounts": lambda: _rate(Bare(Ledger()), given),
    }
    unit = "orders/s"
    return [
        *compared("orders matched, queues alone", unit, interleave(queues, ROUNDS), "bare SortedDict loop"),
        *compared("orders matched, whole exchange", unit, interleave(whole, ROUNDS), "bare loop with accounts"),
    ]


def prove(given: list[Order]) -> None:
    """All engines must make the same trades, and those with accounts end with the same ones.

    Raises:
        AssertionError: they do not; then nothing may be compared.
    """
    ledger = Ledger()
    Bare(ledger).run(given)
    core, made = Core(), []
    core.run(given, made)
    queues, met = Queues(), []
    queues.run(given, met)
    if not made == met == ledger.trades:
        raise AssertionError(f"not the same trades: {len(made)} {len(met)} {len(ledger.trades)}")
    if core.balances() != ledger.balances:
        raise AssertionError(f"not the same accounts: {core.balances()} {ledger.balances}")


def _rate(engine: Core | Queues | Bare, given: list[Order]) -> float:
    begun = perf_counter()
    engine.run(given)
    return len(given) / (perf_counter() - begun)
