"""Making any one limit of all of them tighter never lets an order pass that was denied before."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from core.clock import MILLISECOND_NS
from core.decisions import Denied
from core.limits import RiskLimits
from core.model import OPERATOR, Side
from core.risk import Conduct, Money, RiskManager, Totals
from tests.support.risk_world import ETH_ID, exposure, intent, view

LOOSE = RiskLimits(
    max_order_notional=10**9,
    max_position_notional=10**9,
    max_gross_notional=10**9,
    max_open_notional=10**9,
    max_open_orders=1_500,
    max_daily_loss=10**9,
    max_drawdown=10**9,
    max_capital=10**9,
    max_messages=100_000,
    message_reserve=0,
    max_clock_skew_ms=300_000,
    max_mark_deviation_percent=100,
    max_touch_deviation_percent=100,
    max_resting_percent=100,
    max_walk_percent=100,
    max_mark_gap_percent=100,
    max_margin_usage_percent=100,
    duplicate_window_ms=0,
)
numbers = st.integers(1, 10**5)
percents = st.integers(1, 100)
TIGHTENED = st.one_of(
    st.tuples(st.sampled_from(["max_order_notional", "max_position_notional", "max_open_notional"]), numbers),
    st.tuples(st.sampled_from(["max_gross_notional", "max_daily_loss", "max_drawdown", "max_capital"]), numbers),
    st.tuples(
        st.sampled_from(["max_mark_deviation_percent", "max_touch_deviation_percent", "max_resting_percent"]), percents
    ),
    st.tuples(st.sampled_from(["max_walk_percent", "max_mark_gap_percent", "max_margin_usage_percent"]), percents),
    st.tuples(st.sampled_from(["max_open_orders", "max_messages"]), st.integers(1, 100)),
    st.tuples(st.just("max_clock_skew_ms"), st.integers(100, 10_000)),
)
WORLDS = st.builds(
    lambda position, gross, loss, messages, skew, low: view(
        exposures={ETH_ID: exposure(str(position))},
        totals=Totals(gross=Decimal(gross), margin=Decimal(gross) / 10, open_notional=Decimal(gross)),
        money=Money(equity=Decimal(50_000), day_loss=Decimal(loss), drawdown=Decimal(loss)),
        conduct=Conduct(
            messages=messages,
            marks={ETH_ID: (Decimal(low), Decimal(2_500))},
            recent={ETH_ID: ((intent(), OPERATOR, -MILLISECOND_NS),)},
        ),
        skew_ms=skew,
        open_orders=messages,
    ),
    st.integers(-20, 20),
    numbers,
    numbers,
    st.integers(0, 100),
    st.integers(-10_000, 10_000),
    st.integers(1_500, 2_000),
)
ORDERS = st.builds(
    lambda side, size, price: intent(side, f"{size}.0000", f"{price}.00"),
    st.sampled_from(Side),
    st.integers(1, 20),
    st.integers(1_000, 3_000),
)


@given(ORDERS, WORLDS, st.lists(TIGHTENED, max_size=3), TIGHTENED)
def test_tightening_any_one_limit_never_turns_a_denial_into_an_approval(order, world, before, more):
    limits = LOOSE.model_copy(update={name: Decimal(value) for name, value in before})
    name, value = more
    tighter = limits.model_copy(update={name: min(Decimal(value), Decimal(getattr(limits, name)))})
    if isinstance(RiskManager(limits).check(order, world), Denied):
        assert isinstance(RiskManager(tighter).check(order, world), Denied)
    assert structs.replace(world) == world
