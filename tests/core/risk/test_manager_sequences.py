"""Whatever is asked for, filled and cancelled in whatever order: what risk let go never adds up to a breach."""

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.decisions import Approved
from core.limits import RiskLimits
from core.model import OrderIntent, OrderType, Side, TimeInForce
from core.risk import MarketExposure, Money, RiskManager, RiskView
from core.units import ZERO, MarketId
from tests.support.risk_world import ETH_ID, ETH_QUOTE, SOL_ID, SOL_QUOTE, view

LIMITS = RiskLimits(
    max_order_notional=Decimal(3_000),
    max_position_notional=Decimal(6_000),
    max_gross_notional=Decimal(8_000),
    max_open_notional=Decimal(9_000),
    max_open_orders=6,
    max_daily_loss=Decimal(100),
)
MANAGER = RiskManager(LIMITS)
MARKS = {ETH_ID: Decimal(2_000), SOL_ID: Decimal(150)}
QUOTES = {ETH_ID: ETH_QUOTE, SOL_ID: SOL_QUOTE}
UNITS = {ETH_ID: Decimal("0.25"), SOL_ID: Decimal(3)}


@dataclass
class World:
    """Positions and orders, as whoever sent them keeps them."""

    equity: Decimal = Decimal(100_000)
    positions: dict[MarketId, Decimal] = field(default_factory=lambda: dict.fromkeys(MARKS, ZERO))
    orders: list[tuple[MarketId, Side, Decimal]] = field(default_factory=list)
    loss: Decimal = ZERO

    def ask(self, market_id: MarketId, side: Side, lots: int) -> None:
        """An order, which counts from here on if it was let go."""
        size = lots * UNITS[market_id]
        wanted = OrderIntent(
            market_id=market_id,
            side=side,
            type=OrderType.LIMIT,
            size=size,
            price=MARKS[market_id],
            tif=TimeInForce.IOC,
        )
        before = abs(self.positions[market_id])
        if MANAGER.check(wanted, self.view()) == Approved():
            self.orders.append((market_id, side, size))
            if self.loss >= Decimal(100):
                assert abs(self.positions[market_id] + side.sign * size) <= before, "it may only shrink after the loss"

    def fill(self, which: int) -> None:
        """One order is filled."""
        if self.orders:
            market_id, side, size = self.orders.pop(which % len(self.orders))
            self.positions[market_id] += side.sign * size

    def view(self) -> RiskView:
        """What risk is shown."""
        exposures = {}
        for market_id, position in self.positions.items():
            mine = [(side, size) for market, side, size in self.orders if market == market_id]
            exposures[market_id] = MarketExposure(
                position=position,
                open_buys=sum((size for side, size in mine if side is Side.BUY), ZERO),
                open_sells=sum((size for side, size in mine if side is Side.SELL), ZERO),
                open_notional=sum((size * MARKS[market_id] for _, size in mine), ZERO),
            )
        money = Money(equity=self.equity - self.loss, day_loss=self.loss)
        return view(exposures=exposures, open_orders=len(self.orders), money=money, quotes=QUOTES)


steps = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(list(MARKS)), st.sampled_from(Side), st.integers(1, 8)),
    st.tuples(st.just("fill"), st.integers(0, 10)),
    st.tuples(st.just("cancel"), st.integers(0, 10)),
    st.tuples(st.just("lose"), st.integers(1, 60)),
)


GREEDY = [("ask", ETH_ID, Side.BUY, 6), ("fill", 0)] * 4 + [("ask", SOL_ID, Side.SELL, 6), ("fill", 0)] * 4


@settings(max_examples=300)
@given(st.lists(steps, max_size=40))
@example(GREEDY)
@example([("ask", ETH_ID, Side.BUY, 6)] * 4 + [("fill", 0)] * 4)
@example([("ask", ETH_ID, Side.SELL, lots) for lots in (6, 6, 2)] + [("fill", 0)] * 3)
@example([("lose", 100), ("ask", ETH_ID, Side.BUY, 1)])
def test_no_sequence_of_orders_and_fills_adds_up_to_more_than_a_limit(story):
    world = World()
    for name, *details in story:
        if name == "ask":
            world.ask(*details)
        elif name == "fill":
            world.fill(*details)
        elif name == "cancel" and world.orders:
            world.orders.pop(details[0] % len(world.orders))
        elif name == "lose":
            world.loss += details[0]
        worth = {market_id: abs(size) * MARKS[market_id] for market_id, size in world.positions.items()}
        assert max(worth.values()) <= LIMITS.max_position_notional
        assert sum(worth.values()) <= LIMITS.max_gross_notional
        assert len(world.orders) <= LIMITS.max_open_orders
        wanted = sum(size * MARKS[market_id] for market_id, _, size in world.orders)
        assert wanted <= LIMITS.max_open_notional
