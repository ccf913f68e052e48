from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from core.decisions import Approved, Denied, TradingState
from core.limits import MarketLimits, RiskLimits
from core.model import OrderIntent, OrderType, Side, TimeInForce
from core.risk import MarketExposure, RiskManager
from tests.support.risk_world import ETH, ETH_ID, ETH_QUOTE, SOL_ID, SOL_QUOTE, exposure, intent, view

sizes = st.integers(min_value=1, max_value=200_000).map(lambda steps: Decimal(steps).scaleb(-4))
signed = st.integers(min_value=-200_000, max_value=200_000).map(lambda steps: Decimal(steps).scaleb(-4))
prices = st.integers(min_value=100_000, max_value=300_000).map(lambda ticks: Decimal(ticks).scaleb(-2))
working = sizes | st.just(Decimal(0))
exposures = st.builds(MarketExposure, position=signed, open_buys=working, open_sells=working)
intents = st.builds(
    OrderIntent,
    market_id=st.just(ETH_ID),
    side=st.sampled_from(Side),
    type=st.just(OrderType.LIMIT),
    size=sizes,
    price=prices,
    tif=st.sampled_from(TimeInForce),
    reduce_only=st.booleans(),
)
views = st.builds(
    lambda eth, sol, count, trading: view(exposures={ETH_ID: eth, SOL_ID: sol}, open_orders=count, trading=trading),
    exposures,
    exposures,
    st.integers(min_value=0, max_value=20),
    st.sampled_from([TradingState.ACTIVE, TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED]),
)
usdc = st.integers(min_value=1, max_value=100_000).map(Decimal)


@st.composite
def limits(draw):
    order, position, gross = sorted(draw(st.tuples(usdc, usdc, usdc)))
    size, reach = sorted(draw(st.tuples(sizes, sizes)))
    own = MarketLimits(
        max_order_size=draw(st.none() | st.just(size)), max_position_size=draw(st.none() | st.just(reach))
    )
    return RiskLimits(
        max_order_notional=order,
        max_position_notional=position,
        max_gross_notional=gross,
        max_open_orders=draw(st.integers(min_value=1, max_value=20)),
        markets=draw(st.sampled_from([{}, {"ETH": own}])),
    )


def tighter(first: RiskLimits, second: RiskLimits) -> RiskLimits:
    """Limits that are nowhere looser than either."""

    def least(*values: Decimal | None):
        return min((value for value in values if value is not None), default=None)

    mine, theirs = first.markets.get("ETH", MarketLimits()), second.markets.get("ETH", MarketLimits())
    reach = least(mine.max_position_size, theirs.max_position_size)
    size = least(mine.max_order_size, theirs.max_order_size)
    return RiskLimits(
        max_order_notional=min(first.max_order_notional, second.max_order_notional),
        max_position_notional=min(first.max_position_notional, second.max_position_notional),
        max_gross_notional=min(first.max_gross_notional, second.max_gross_notional),
        max_open_orders=min(first.max_open_orders, second.max_open_orders),
        markets={
            "ETH": MarketLimits(max_order_size=None if size is None else least(size, reach), max_position_size=reach)
        },
    )


@given(first=limits(), second=limits(), an_intent=intents, world=views)
def test_tightening_any_limit_never_lets_a_denied_order_pass(first, second, an_intent, world):
    if isinstance(RiskManager(first).check(an_intent, world), Denied):
        assert isinstance(RiskManager(tighter(first, second)).check(an_intent, world), Denied)


def gross(world):
    return sum(each.worst * world.quotes[market_id].mark for market_id, each in world.exposures.items())


@given(rules=limits(), an_intent=intents, world=views)
def test_an_approved_order_stays_within_every_limit_or_adds_nothing(rules, an_intent, world):
    if RiskManager(rules).check(an_intent, world) != Approved():
        return
    before = world.exposure(ETH_ID)
    after = before.adding(an_intent.side, an_intent.size)
    reach = after.highest if an_intent.side is Side.BUY else -after.lowest
    assert an_intent.size * max(an_intent.price, ETH_QUOTE.mark) <= rules.max_order_notional
    assert reach <= 0 or reach * ETH_QUOTE.mark <= rules.max_position_notional
    later = structs.replace(world, exposures={**world.exposures, ETH_ID: after})
    assert gross(later) <= max(rules.max_gross_notional, gross(world))
    own = rules.markets.get("ETH")
    if own is not None and own.max_position_size is not None:
        assert reach <= max(Decimal(0), own.max_position_size)
    if an_intent.tif is not TimeInForce.IOC:
        assert world.open_orders + 1 <= rules.max_open_orders


@given(start=signed, attempts=st.lists(intents, max_size=8), data=st.data())
def test_while_reducing_no_set_of_approved_orders_grows_or_flips_the_position(start, attempts, data):
    manager = RiskManager(RiskLimits(max_order_notional=Decimal("1e9"), max_position_notional=Decimal("1e9"),
                                     max_gross_notional=Decimal("1e9")))  # fmt: skip
    now = MarketExposure(position=start)
    approved = []
    for attempt in attempts:
        world = view(trading=TradingState.REDUCING, exposures={ETH_ID: now})
        if manager.check(attempt, world) == Approved():
            approved.append(attempt.side.sign * attempt.size)
            now = now.adding(attempt.side, attempt.size)
    position = start
    for fill in data.draw(st.permutations(approved)):
        assert abs(position + fill) <= abs(position)
        assert (position + fill) * start >= 0
        position += fill


@given(an_intent=intents, size=st.decimals(), price=st.decimals(), world=views)
def test_any_number_whatsoever_gets_an_answer(an_intent, size, price, world):
    decision = RiskManager(RiskLimits()).check(replace(an_intent, size=size, price=price), world)
    assert isinstance(decision, Approved | Denied)
    if isinstance(decision, Denied):
        assert 0 < len(decision.detail) < 400


class TestUses:
    LIMITS = RiskLimits(markets={"SOL": MarketLimits(max_position_size=Decimal(500))})

    def uses(self, world):
        return {(use.name, use.scope): use for use in RiskManager(self.LIMITS).uses(world)}

    def test_global_ones_first_then_markets_with_exposure_or_own_limits(self):
        world = view(exposures={ETH_ID: exposure("1", buys="0.5")}, open_orders=3)
        rows = RiskManager(self.LIMITS).uses(world)
        assert [(use.name, use.scope, use.unit) for use in rows] == [
            ("max_gross_notional", "all", "USDC"),
            ("max_open_orders", "all", "orders"),
            ("max_position_notional", "ETH", "USDC"),
            ("max_position_notional", "SOL", "USDC"),
            ("max_position_size", "SOL", "SOL"),
            ("max_open_notional", "all", "USDC"),
            ("max_margin_usage_percent", "all", "USDC"),
            ("max_daily_loss", "all", "USDC"),
            ("max_drawdown", "all", "USDC"),
            ("max_messages", "all", "messages"),
        ]

    def test_the_worst_case_is_what_counts(self):
        world = view(exposures={ETH_ID: exposure("1", buys="0.5", sells="4"), SOL_ID: exposure("-10", sells="2")})
        uses = self.uses(world)
        assert uses["max_position_notional", "ETH"].used == Decimal(6_000)
        assert uses["max_position_notional", "SOL"].used == Decimal(1_800)
        assert uses["max_position_size", "SOL"].used == Decimal(12)
        assert uses["max_gross_notional", "all"].used == Decimal(7_800)
        assert uses["max_gross_notional", "all"].limit == self.LIMITS.max_gross_notional

    def test_a_flat_account_shows_the_global_gauges_at_zero(self):
        uses = self.uses(view())
        assert uses["max_gross_notional", "all"].used == 0
        assert uses["max_open_orders", "all"].used == 0
        assert ("max_position_notional", "ETH") not in uses

    def test_what_nobody_can_price_is_left_out_rather_than_shown_as_less(self):
        quotes = {ETH_ID: replace(ETH_QUOTE, mark=None), SOL_ID: SOL_QUOTE}
        uses = self.uses(view(quotes=quotes, exposures={ETH_ID: exposure("1"), SOL_ID: exposure("1")}))
        assert ("max_gross_notional", "all") not in uses
        assert ("max_position_notional", "ETH") not in uses
        assert uses["max_position_notional", "SOL"].used == Decimal(150)


def test_deciding_leaves_the_world_as_it_was():
    world = view(exposures={ETH_ID: exposure("1")})
    before = dict(world.exposures)
    RiskManager(RiskLimits()).check(intent(), world)
    assert dict(world.exposures) == before
    assert world.markets[ETH_ID] is ETH
