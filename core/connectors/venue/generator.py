"""The market generator: makers that keep a deep book around a walking price, and takers that hit it.

Pure and seeded: the same seed, steps and transactions give the same market. It trades through the same matching engine
as everybody else, from internal accounts, and trades with whatever stands between it and its next quote; so its makers
never leave a crossed book, and an order that the price passes is filled.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from core.connectors.venue import walk
from core.connectors.venue.accounts import VenueAccount
from core.connectors.venue.book import BookSide
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.market import MarketState
from core.connectors.venue.orders import OPEN, OrderRequest, OrderStatus, Tif, VenueOrder

LEVELS: Final = 220
"""Levels a side that the makers keep; the far end may float up to `_SLACK` above."""
_SLACK: Final = 30
_FIRST_INTERNAL: Final = 281_474_976_600_000
_MAKERS: Final = 4
_TAKERS: Final = 3
_COLLATERAL: Final = 10**15
_TAKES_PER_MINUTE: Final = 60
_MINUTE_US: Final = 60_000_000
_TYPICAL_QUOTE: Final = 2_000_000_000
"""Notional of a typical order, in 1e-6 USDC."""
_TOUCH_PPM: Final = 15
"""Half of the spread at the touch."""
_HURRY: Final = 5
"""How many more takers come while a market is pumped or dumped."""
_LARGE_EVERY: Final = 60
_LARGE: Final = 40
"""Size of a large order against a typical one."""
_LARGE_REACH: Final = 12
"""How many levels it may sweep; the book stays deep."""
_HELD: Final = (2_000, 20_000)
"""Typical orders that are held on each side when the venue opens: its open interest."""
_REFRESHED: Final = 40
"""How deep sizes change while the price stands still."""
_WHOLE_US: Final = 25_000
"""A step of less is not the whole market's: between two such only single quotes come and go."""
_BETWEEN_US: Final = 50_000
"""What whole steps cover where the steps are shorter than one."""
_CHURN_US: Final = 10_000
"""A quote changes so often, and at least once in a step."""
_CHURNED: Final = 16
"""How deep; a power of two."""
_LEAVES: Final = 0
_AT_TOUCH: Final = 1
"""One quote in eight leaves, and as many changes are at the touch."""
_SIZE_BITS: Final = 6
_SIZE_MASK: Final = (1 << _SIZE_BITS) - 1
_PLACE_BITS: Final = 16
_IS_ASK: Final = 1 << 10
_ODDS_FROM: Final = 11
_CHURN_BITS: Final = 14
"""A churning quote's draw: size (6), place (4), side (1) and odds (3)."""


@dataclass(slots=True, eq=False)
class _Ladder:
    """One side of one market's quotes, best first, and the single order at the touch."""

    book_side: BookSide
    is_ask: bool
    orders: deque[VenueOrder] = field(default_factory=deque)
    touch: VenueOrder | None = None
    spare: VenueOrder | None = None
    """The order at the touch while it is out of the book."""

    @property
    def away(self) -> int:
        """The direction of worse prices."""
        return 1 if self.is_ask else -1


@dataclass(slots=True, eq=False)
class _Quoted:
    """One market as the generator sees it."""

    market: MarketState
    asks: _Ladder
    bids: _Ladder
    walk: walk.Walk
    gap: int
    """Ticks between two levels."""
    half_spread: int
    unit: int
    """Steps of a typical order."""
    sizes: tuple[int, ...]
    """What an order may have, by `_SIZE_BITS` drawn bits: a quarter of a typical one to four times that."""
    due_us: int
    """After how much time the next whole step comes."""
    waited_us: int = 0

    def size_of(self, bits: int) -> int:
        """An order's size, drawn with the lowest bits."""
        return self.sizes[bits & _SIZE_MASK]

    @property
    def sides(self) -> tuple[tuple[_Ladder, int], tuple[_Ladder, int]]:
        """Each side, and the best price the makers offer there now."""
        fair, half = self.walk.fair, self.half_spread
        return (self.asks, max(1, fair + half)), (self.bids, max(1, fair - half))


def moving(seed: int, volatility_percent: int = 100) -> Callable[[Exchange], "Generator"]:
    """A generator of this seed, for the exchange it is given; it moves `volatility_percent` of what markets do."""
    return lambda exchange: Generator(exchange, Random(seed), volatility_percent)  # noqa: S311 - the seed makes a market, not a secret


class Generator:
    """Moves every market, one step at a time."""

    def __init__(self, exchange: Exchange, random: Random, volatility_percent: int = 100) -> None:
        """Open the internal accounts and fill every book."""
        self._exchange: Final = exchange
        self._random: Final = random
        self._volatility_percent: Final = volatility_percent
        self._makers: Final = [self._account(number) for number in range(_MAKERS)]
        self._takers: Final = [self._account(_MAKERS + number) for number in range(_TAKERS)]
        count = len(exchange.markets)
        self._quoted: Final = {
            market_id: self._open(market, _BETWEEN_US * (count + place) // count)
            for place, (market_id, market) in enumerate(exchange.markets.items())
        }
        self._common = 0
        self._shared_us = 0

    def shock(self, elapsed_us: int) -> None:
        """Draw what all markets share in the whole step that follows, or in all those until the next draw."""
        self._shared_us += elapsed_us
        if elapsed_us >= _WHOLE_US or self._shared_us >= _BETWEEN_US:
            self._shared_us, self._common = 0, walk.normal(self._random)

    def is_moving(self, _: int) -> bool:
        """Always."""
        return True

    def step(self, market_id: int, elapsed_us: int, now_us: int) -> Iterable[None]:
        """Move one market by `elapsed_us`; yields after each transaction that traded, for it to be reported alone.

        Prices, trades and moods keep to market time: where steps are shorter than a whole one, they wait until enough
        of it has passed, each market at its own moment, and a step in between shows what a real book does in a few
        milliseconds: a quote or two change, leave or come back.
        """
        quoted = self._quoted[market_id]
        if elapsed_us < _WHOLE_US:
            waited_us = quoted.waited_us + elapsed_us
            if waited_us < quoted.due_us:
                quoted.waited_us = waited_us
                self._churn(quoted, elapsed_us // _CHURN_US or 1)
                return ()
            elapsed_us, quoted.waited_us, quoted.due_us = waited_us, 0, _BETWEEN_US
        return self._move(quoted, elapsed_us, now_us)

    def _move(self, quoted: _Quoted, elapsed_us: int, now_us: int) -> Iterator[None]:
        """A whole step."""
        quoted.walk.step(self._random, self._common, elapsed_us)
        quoted.walk.mark(quoted.market)
        sides, book = quoted.sides, quoted.market.book
        for ladder, bound in sides:
            self._retreat(ladder, bound)
        for ladder, bound in sides:
            if book.side(is_ask=not ladder.is_ask).is_reached_by(bound):
                yield from self._clear(quoted, ladder, bound, now_us)
        for ladder, bound in sides:
            self._advance(quoted, ladder, bound)
            self._refresh(quoted, ladder)
        hurry = _HURRY if quoted.walk.mood.is_ask is not None else 1
        if self._random.randrange(_MINUTE_US) < elapsed_us * _TAKES_PER_MINUTE * hurry:
            self._hit(quoted, now_us)
            yield

    def _account(self, number: int) -> VenueAccount:
        index = _FIRST_INTERNAL + 7 * number
        return self._exchange.add_account(VenueAccount(index=index, collateral=_COLLATERAL, is_internal=True))

    def _open(self, market: MarketState, due_us: int) -> _Quoted:
        """Fill a market's book and give it a day behind it."""
        spec, random = market.spec, self._random
        unit = _TYPICAL_QUOTE // spec.reference_price
        quoted = _Quoted(
            market=market,
            asks=_Ladder(market.book.asks, is_ask=True),
            bids=_Ladder(market.book.bids, is_ask=False),
            walk=walk.start(spec, random, self._volatility_percent),
            gap=max(1, spec.reference_price * spec.gap_ppm // 1_000_000),
            half_spread=max(1, spec.reference_price * _TOUCH_PPM // 1_000_000),
            unit=unit,
            sizes=tuple(max(spec.min_base, unit * (4 + drawn) // 16) for drawn in range(1 << _SIZE_BITS)),
            due_us=due_us,
        )
        quoted.walk.mark(market)
        fair, day = quoted.walk.fair, market.day
        market.last = fair
        day.open = fair * (10_000 + random.randint(-400, 400)) // 10_000
        day.high = max(fair, day.open) * (10_000 + random.randint(10, 150)) // 10_000
        day.low = min(fair, day.open) * (10_000 - random.randint(10, 150)) // 10_000
        day.base = quoted.unit * random.randint(5_000, 200_000)
        day.quote = day.base * (day.open + fair) // 2
        day.trades = random.randint(20_000, 400_000)
        self._hold(market, quoted.unit * random.randint(*_HELD), fair)
        for ladder, bound in quoted.sides:
            self._advance(quoted, ladder, bound)
        return quoted

    def _hold(self, market: MarketState, size: int, price: int) -> None:
        """Let one of ours be long and another short, bought and sold at the same price."""
        spec = market.spec
        for account, signed in ((self._makers[0], size), (self._makers[1], -size)):
            account.position(spec.market_id, spec.default_imf).apply(signed, price)
        market.open_interest += size

    def _retreat(self, ladder: _Ladder, bound: int) -> None:
        """Withdraw every quote that is better than the bound, and forget those that were filled."""
        away, orders = ladder.away, ladder.orders
        touch = ladder.touch
        if touch is not None and (touch.price != bound or touch.status is not OPEN):
            if touch.status is OPEN:
                ladder.book_side.remove(touch)
                ladder.spare = touch
            ladder.touch = None
        while orders and (orders[0].status is not OPEN or (orders[0].price - bound) * away <= 0):
            self._withdraw(orders.popleft())

    def _clear(self, quoted: _Quoted, ladder: _Ladder, bound: int, now_us: int) -> Iterator[None]:
        """Trade with everything that stands where this side is about to quote."""
        opposite = quoted.market.book.side(is_ask=not ladder.is_ask)
        while opposite.is_reached_by(bound):
            best = opposite.best()
            size = opposite.levels[best].size if best is not None else 0
            self._take(quoted, size, bound, is_ask=ladder.is_ask, now_us=now_us)
            yield

    def _advance(self, quoted: _Quoted, ladder: _Ladder, bound: int) -> None:
        """Quote the touch, fill the gap behind it, and keep the far end at its depth."""
        away, gap, orders = ladder.away, quoted.gap, ladder.orders
        if ladder.touch is None:
            ladder.touch = self._quote_touch(quoted, ladder, bound)
        while orders and (orders[0].price - bound) * away > 2 * gap:
            order = self._quote(quoted, ladder, orders[0].price - away * gap)
            if order is None:
                break
            orders.appendleft(order)
        while len(orders) < LEVELS:
            last = orders[-1].price if orders else bound
            price = last + away * (gap + self._random.randrange(gap))
            order = self._quote(quoted, ladder, price) if price > 0 else None
            if order is None:
                break
            orders.append(order)
        while len(orders) > LEVELS + _SLACK:
            self._withdraw(orders.pop())

    def _refresh(self, quoted: _Quoted, ladder: _Ladder) -> None:
        """Change a few sizes near the top: what is changed queues anew."""
        orders, draw = ladder.orders, self._random.getrandbits
        if len(orders) < _REFRESHED:
            return
        book_side = ladder.book_side
        for _ in range(draw(2) + 1):
            bits = draw(_PLACE_BITS + _SIZE_BITS)
            order = orders[(bits >> _SIZE_BITS) * _REFRESHED >> _PLACE_BITS]
            if order.status is OPEN:
                book_side.requeue(order, quoted.size_of(bits))

    def _churn(self, quoted: _Quoted, count: int) -> None:
        """Change single quotes near the top, take one away, or bring back one that is gone."""
        for _ in range(count):
            bits = self._random.getrandbits(_CHURN_BITS)
            ladder = quoted.asks if bits & _IS_ASK else quoted.bids
            orders = ladder.orders
            if len(orders) < _CHURNED:
                continue
            place, odds = bits >> _SIZE_BITS & _CHURNED - 1, bits >> _ODDS_FROM
            order = orders[place]
            if odds == _AT_TOUCH:
                order = ladder.touch or order
            if order.status is not OPEN:
                if order is not ladder.touch:
                    orders[place] = self._quote(quoted, ladder, order.price) or order
            elif odds == _LEAVES:
                self._exchange.cancel(order, OrderStatus.CANCELED, 0)
            else:
                size = quoted.sizes[bits & _SIZE_MASK]
                ladder.book_side.requeue(order, size if size != order.size - order.filled else size + 1)

    def _quote_touch(self, quoted: _Quoted, ladder: _Ladder, bound: int) -> VenueOrder | None:
        """Quote the bound: with the order that stood at the last one, as a change of price, or else with a new one."""
        order, book = ladder.spare, quoted.market.book
        ladder.spare = None
        if order is None:
            return self._quote(quoted, ladder, bound)
        if book.side(is_ask=not ladder.is_ask).is_reached_by(bound):
            return None
        order.price, order.size = bound, order.filled + quoted.size_of(self._random.getrandbits(_SIZE_BITS))
        ladder.book_side.add(order)
        return order

    def _quote(self, quoted: _Quoted, ladder: _Ladder, price: int) -> VenueOrder | None:
        bits = self._random.getrandbits(2 + _SIZE_BITS)
        maker = self._makers[(bits >> _SIZE_BITS) % _MAKERS]
        return self._exchange.quote(maker, quoted.market, price, quoted.size_of(bits), is_ask=ladder.is_ask)

    def _withdraw(self, order: VenueOrder) -> None:
        if order.status is OPEN:
            self._exchange.cancel(order, OrderStatus.CANCELED, 0)

    def _hit(self, quoted: _Quoted, now_us: int) -> None:
        """A taker crosses the spread."""
        random, hurried = self._random, quoted.walk.mood.is_ask
        is_ask = random.getrandbits(1) == 1 if hurried is None or random.getrandbits(2) == 0 else hurried
        best = quoted.market.book.side(is_ask=not is_ask).best()
        if best is None:
            return
        is_large = random.randrange(_LARGE_EVERY) == 0
        size = max(1, quoted.unit * random.randint(1, 40) * (_LARGE if is_large else 1) // 16)
        reach = (-1 if is_ask else 1) * quoted.gap * (_LARGE_REACH if is_large else 3)
        self._take(quoted, size, max(1, best + reach), is_ask=is_ask, now_us=now_us)

    def _take(self, quoted: _Quoted, size: int, price: int, *, is_ask: bool, now_us: int) -> None:
        taker = self._takers[self._random.randrange(_TAKERS)]
        request = OrderRequest(
            market_id=quoted.market.market_id, client_index=0, is_ask=is_ask, size=size, price=price, tif=Tif.IOC
        )
        self._exchange.create(taker, request, now_us)
