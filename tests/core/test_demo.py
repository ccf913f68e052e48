from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.bot import TradingBot
from core.commands import CancelOrder, SubmitOrder
from core.config import Sizing
from core.decisions import Approved
from core.demo import MAX_INVENTORY, NAME, DemoMaker
from core.limits import RiskLimits
from core.model import BookStatus, OrderStatus, Origin, OriginKind, Position, Side
from core.risk import MarketExposure, PositionSizer, RiskManager
from core.strategy import NoQuote, StrategyView, WantQuote
from core.units import is_on_grid
from tests.support.bot_world import fill, moment, state, task
from tests.support.risk_world import ETH, ETH_ID, ETH_QUOTE, SOL, SOL_ID, SOL_QUOTE, view

DEMO = DemoMaker(["ETH", "SOL"])
ORIGIN = Origin(OriginKind.STRATEGY, NAME)
TURN_MS = 6_000


def look(milliseconds=0, **changes: object):
    calm = StrategyView(
        now=moment(milliseconds),
        markets={"ETH": ETH, "SOL": SOL},
        quotes={ETH_ID: ETH_QUOTE, SOL_ID: SOL_QUOTE},
        positions={},
        orders=(),
        trades=0,
    )
    return replace(calm, **changes)


def wishes(a_view):
    return {(signal.market_id, signal.side): signal for signal in DEMO.on_state(a_view)}


def test_it_quotes_both_sides_of_both_markets():
    found = wishes(look())
    assert set(found) == {(market, side) for market in (ETH_ID, SOL_ID) for side in Side}
    assert all(isinstance(signal, WantQuote) for signal in found.values())


@given(
    bid=st.integers(min_value=2, max_value=10**7),
    spread=st.integers(min_value=1, max_value=500),
    held=st.integers(min_value=-20, max_value=20),
    at=st.integers(min_value=0, max_value=60_000),
)
def test_a_quote_is_on_tick_and_never_crosses(bid, spread, held, at):
    low, high = Decimal(bid).scaleb(-2), Decimal(bid + spread).scaleb(-2)
    quote = replace(ETH_QUOTE, bid=low, ask=high, mark=low)
    found = wishes(look(at, quotes={ETH_ID: quote}, positions={ETH_ID: Decimal(held)}))
    for side in Side:
        signal = found[ETH_ID, side]
        if isinstance(signal, NoQuote):
            continue
        assert is_on_grid(signal.price, ETH.price_decimals)
        assert signal.price > 0
        assert signal.price < high if side is Side.BUY else signal.price > low


def test_every_side_takes_its_turn_at_the_touch():
    for market, quote in ((ETH, ETH_QUOTE), (SOL, SOL_QUOTE)):
        for side in Side:
            touch = quote.bid if side is Side.BUY else quote.ask
            prices = [wishes(look(turn * TURN_MS))[market.id, side].price for turn in range(3)]
            assert prices.count(touch + market.tick * side.sign) == 1, (market.symbol, side, prices)
            assert all((price - touch) * side.sign < 0 for price in prices if price != touch + market.tick * side.sign)


def test_it_does_not_outbid_itself():
    for at in range(0, 3 * TURN_MS, TURN_MS):
        before = wishes(look(at))[ETH_ID, Side.BUY]
        if before.price < ETH_QUOTE.bid:
            continue
        own = task(side=Side.BUY, price=str(before.price), origin=ORIGIN)
        quote = replace(ETH_QUOTE, bid=before.price)
        after = wishes(look(at, quotes={ETH_ID: quote}, orders=(own,)))[ETH_ID, Side.BUY]
        assert after.price == before.price
        return
    raise AssertionError("no turn at the touch was found")


def test_inventory_leans_the_quotes_and_ends_the_growing_side():
    def patient(position):
        prices = [
            wishes(look(turn * TURN_MS, positions={ETH_ID: Decimal(position)}))[ETH_ID, Side.BUY] for turn in range(3)
        ]
        return min(signal.price for signal in prices)

    assert patient("1") < patient("0")
    full = MAX_INVENTORY / ETH_QUOTE.mark
    found = wishes(look(positions={ETH_ID: full}))
    assert found[ETH_ID, Side.BUY] == NoQuote(market_id=ETH_ID, side=Side.BUY, reason="inventory is full")
    assert found[ETH_ID, Side.SELL].price == ETH_QUOTE.ask - ETH.tick
    assert isinstance(wishes(look(positions={ETH_ID: -full}))[ETH_ID, Side.SELL], NoQuote)


def test_without_a_live_two_sided_book_it_quotes_nothing():
    for changes in ({"status": BookStatus.STALE}, {"bid": None}, {"ask": None}):
        found = wishes(look(quotes={ETH_ID: replace(ETH_QUOTE, **changes)}))
        assert all(isinstance(signal, NoQuote) for signal in found.values())


def test_a_market_the_venue_does_not_have_is_left_out():
    assert DEMO.on_state(look(markets={})) == []


class Paper:
    """A toy venue at the bot's edge: takes its commands, fills what the walking price reaches."""

    def __init__(self) -> None:
        self.bot = TradingBot([DEMO], PositionSizer(Sizing()), RiskLimits())
        self.risk = RiskManager(RiskLimits())
        self.tasks, self.recent, self.fills, self.position = [], [], [], Decimal(0)
        self.number = self.submitted = self.canceled = 0

    def step(self, at, quote):
        # Each turn the walk ends by trading through one tick beyond the touch on both sides.
        for resting in [each for each in self.tasks if self.is_reached(each, quote)]:
            self.tasks.remove(resting)
            done = replace(resting, order=replace(resting.order, status=OrderStatus.FILLED, filled=resting.intent.size))
            self.recent.insert(0, done)
            self.fills.insert(0, fill(at, done.order.client_id, done.intent.side))
            self.position += done.intent.side.sign * done.intent.size
        snapshot = state(
            at,
            quotes=(quote,),
            markets=(ETH,),
            tasks=tuple(self.tasks),
            recent=tuple(self.recent[:20]),
            fills=tuple(self.fills[:20]),
            positions=(Position(market_id=ETH_ID, size=self.position),),
        )
        for command in self.bot.step(snapshot):
            self.apply(command, quote)

    def is_reached(self, resting, quote):
        price, mark = resting.intent.price, quote.mark
        return price > mark - Decimal("0.10") if resting.intent.side is Side.BUY else price < mark + Decimal("0.10")

    def apply(self, command, quote):
        if isinstance(command, CancelOrder):
            self.canceled += 1
            self.tasks = [each for each in self.tasks if each.order.client_id != command.client_id]
            return
        assert isinstance(command, SubmitOrder)
        world = view(quotes={ETH_ID: quote}, exposures={ETH_ID: MarketExposure(position=self.position)})
        assert self.risk.check(command.intent, world) == Approved()
        self.number += 1
        self.submitted += 1
        template = task(self.number, command.intent.side, origin=command.origin)
        self.tasks.append(replace(template, order=replace(template.order, intent=command.intent)))


def test_two_minutes_of_a_walking_price_give_fills_within_seconds_and_a_bounded_inventory():
    venue, mark, first = Paper(), Decimal("2000.00"), None
    for step in range(480):
        mark += Decimal("0.05") * ((step * 7919) % 11 - 5)
        quote = replace(ETH_QUOTE, bid=mark - Decimal("0.10"), ask=mark + Decimal("0.10"), mark=mark)
        venue.step(step * 250, quote)
        assert abs(venue.position) * mark <= MAX_INVENTORY + 2_000
        assert len(venue.tasks) <= 2
        if first is None and venue.fills:
            first = step * 250
    assert first is not None
    assert first <= 3 * TURN_MS
    assert len(venue.fills) >= 5
    assert venue.submitted <= 4 * 120
