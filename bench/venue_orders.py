"""Matched orders a second: the paper venue's core with accounts, fees and order states, and a bare price-time loop."""

import random
from collections import deque
from time import perf_counter
from typing import Final

from sortedcontainers import SortedDict

from bench.results import Figure, compared, interleave
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.catalogue import listed
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.orders import OrderRequest, Tif

COUNT: Final = 20_000
ROUNDS: Final = 5
_MIDDLE: Final = 190_000
_BOOK: Final = 400
Order = tuple[bool, int, int]


def orders(count: int, seed: int = 1) -> list[Order]:
    """(is_ask, price, size): around one price, so that about half of them trade; the same ones every time."""
    chance = random.Random(seed)
    return [
        (chance.random() < 0.5, _MIDDLE + chance.randrange(-60, 61), chance.randrange(50, 5_000)) for _ in range(count)
    ]


class Core:
    """The venue's exchange, two accounts that take turns, and a book that is kept small."""

    def __init__(self) -> None:
        self._exchange = Exchange(listed(1))
        self._accounts = [
            self._exchange.add_account(VenueAccount(index=index, collateral=10**18, maker_fee=40, taker_fee=280))
            for index in (1, 2)
        ]
        self.matched = 0

    def run(self, given: list[Order]) -> None:
        exchange, accounts = self._exchange, self._accounts
        for number, (is_ask, price, size) in enumerate(given):
            account = accounts[number & 1]
            request = OrderRequest(market_id=0, client_index=0, is_ask=is_ask, size=size, price=price, tif=Tif.GTT)
            exchange.create(account, request, number)
            self.matched += len(exchange.take_changes().trades)
            if len(account.live) > _BOOK:
                exchange.cancel_all(account, None, number)
                exchange.take_changes()


class Bare:
    """Price levels in a SortedDict, a queue of (owner, size) at each; no account, no fee, no state."""

    def __init__(self) -> None:
        self._sides = (SortedDict(), SortedDict())
        self._live = [0, 0]
        self.matched = 0

    def run(self, given: list[Order]) -> None:
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
    """Both over the same orders; they must make the same trades."""
    given = orders(COUNT)
    core, bare = Core(), Bare()
    core.run(given)
    bare.run(given)
    if core.matched != bare.matched:
        raise AssertionError(f"the core made {core.matched} trades, the bare loop {bare.matched}")
    subjects = {"venue core": lambda: _rate(Core(), given), "bare SortedDict loop": lambda: _rate(Bare(), given)}
    return compared("orders matched, one market", "orders/s", interleave(subjects, ROUNDS), "bare SortedDict loop")


def _rate(engine: Core | Bare, given: list[Order]) -> float:
    begun = perf_counter()
    engine.run(given)
    return len(given) / (perf_counter() - begun)
