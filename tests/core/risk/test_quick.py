"""The quick yes never says more than the table of checks, and does say yes to an ordinary order."""

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from core.clock import SECOND_NS
from core.decisions import Approved, TradingState
from core.limits import MarketLimits, RiskLimits
from core.model import OPERATOR, BookStatus, MarketStatus, OrderIntent, OrderType, Origin, OriginKind, Side, TimeInForce
from core.risk import BreakerPanel, Conduct, MarketExposure, Money, RiskManager, RiskView, Totals
from core.risk.exposure import added_up
from tests.support.risk_world import ETH, ETH_ID, ETH_QUOTE, SOL_ID, SOL_QUOTE, exposure, intent, view

MAKER = Origin(OriginKind.STRATEGY, "maker")
TIGHT = RiskLimits(
    max_order_notional=Decimal(3_000),
    max_position_notional=Decimal(6_000),
    max_gross_notional=Decimal(9_000),
    max_open_notional=Decimal(9_000),
    max_open_orders=5,
    max_messages=20,
    message_reserve=5,
    max_strategy_messages=8,
    max_strategy_fills=4,
    max_margin_usage_percent=Decimal(50),
    max_daily_loss=Decimal(100),
    max_drawdown=Decimal(200),
)


def summed(world: RiskView) -> RiskView:
    return structs.replace(world, totals=added_up(world))


CALM = summed(view(exposures={ETH_ID: exposure("0.5"), SOL_ID: exposure("1")}))


def is_yes(manager: RiskManager, order: OrderIntent, world: RiskView, origin: Origin = OPERATOR) -> bool:
    return manager._gate_of(world.markets[order.market_id])[2].is_yes(order, origin, world)


@pytest.mark.parametrize("origin", [OPERATOR, MAKER])
@pytest.mark.parametrize("side", Side)
def test_an_ordinary_order_is_a_quick_yes(side: Side, origin: Origin) -> None:
    assert is_yes(RiskManager(TIGHT), intent(side), CALM, origin)
    walked = structs.replace(CALM, conduct=Conduct(marks=MappingProxyType({ETH_ID: (Decimal(1_990), Decimal(2_010))})))
    assert is_yes(RiskManager(TIGHT), intent(side), walked, origin)


def own(**limits: object) -> RiskLimits:
    return TIGHT.model_copy(update={"markets": {"ETH": MarketLimits.model_validate(limits)}})


def conduct(**changes: object) -> RiskView:
    return structs.replace(CALM, conduct=Conduct(**changes))  # type: ignore[arg-type]


def quoted(**changes: object) -> RiskView:
    return structs.replace(CALM, quotes={ETH_ID: replace(ETH_QUOTE, **changes), SOL_ID: SOL_QUOTE})  # type: ignore[arg-type]


def exposed(one: MarketExposure) -> RiskView:
    return summed(structs.replace(CALM, exposures={ETH_ID: one}))


ORDER = intent()
TRIPPED = BreakerPanel.closed(TradingState.HALTED).trip(ETH_ID, by="test", reason="odd", at_us=0)


@pytest.mark.parametrize(
    ("order", "world", "limits", "origin"),
    [
        (ORDER, structs.replace(CALM, is_killed=True), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, trading=TradingState.HALTED), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, is_ready=False), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, breakers=TRIPPED), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, skew_ms=-30_001), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, skew_ms=None, clockless_ns=60 * SECOND_NS), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, money=Money(equity=Decimal(10**6), day_loss=Decimal(100))), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, money=Money(equity=Decimal(10**6), drawdown=Decimal(200))), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, money=Money(equity=None)), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, money=Money(equity=Decimal(100))), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, markets={ETH_ID: replace(ETH, status=MarketStatus.INACTIVE)}), TIGHT, OPERATOR),
        (intent(reduce_only=True), CALM, TIGHT, OPERATOR),
        (intent(price="2000.001"), CALM, TIGHT, OPERATOR),
        (intent(size="1.00001"), CALM, TIGHT, OPERATOR),
        (intent(price="0"), CALM, TIGHT, OPERATOR),
        (intent(price="NaN"), CALM, TIGHT, OPERATOR),
        (intent(size="Infinity"), CALM, TIGHT, OPERATOR),
        (intent(size="-1"), CALM, TIGHT, OPERATOR),
        (intent(size="0.0049"), CALM, TIGHT, OPERATOR),
        (intent(size="0.0050", price="1999.00"), CALM, TIGHT, OPERATOR),
        (ORDER, quoted(status=BookStatus.STALE), TIGHT, OPERATOR),
        (ORDER, quoted(bid=None, ask=None), TIGHT, OPERATOR),
        (ORDER, quoted(bid=Decimal(2_001)), TIGHT, OPERATOR),
        (ORDER, quoted(mark=None), TIGHT, OPERATOR),
        (ORDER, quoted(mark=Decimal(0)), TIGHT, OPERATOR),
        (ORDER, quoted(mark=Decimal(1_700)), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, quotes={}), TIGHT, OPERATOR),
        (intent(price="2200.01"), CALM, TIGHT, OPERATOR),
        (intent(Side.SELL, price="1799.99"), CALM, TIGHT, OPERATOR),
        (intent(price="2101.00"), CALM, own(max_touch_deviation_percent=5), OPERATOR),
        (intent(Side.SELL, price="1899.00"), CALM, own(max_touch_deviation_percent=5), OPERATOR),
        (
            intent(price="1000.00"),
            CALM,
            TIGHT.model_copy(update={"max_resting_percent": Decimal(10)}),
            OPERATOR,
        ),
        (ORDER, conduct(marks={ETH_ID: (Decimal(1_700), Decimal(1_700))}), TIGHT, OPERATOR),
        (intent(Side.SELL), conduct(marks={ETH_ID: (Decimal(2_400), Decimal(2_400))}), TIGHT, OPERATOR),
        (ORDER, conduct(recent={ETH_ID: ((ORDER, OPERATOR, 0),)}), TIGHT, OPERATOR),
        (ORDER, conduct(messages=15), TIGHT, OPERATOR),
        (ORDER, conduct(by_strategy={"maker": 8}), TIGHT, MAKER),
        (ORDER, conduct(fills={"maker": 4}), TIGHT, MAKER),
        (ORDER, structs.replace(CALM, open_orders=5), TIGHT, OPERATOR),
        (ORDER, exposed(MarketExposure(own_ask=Decimal(2_000))), TIGHT, OPERATOR),
        (intent(Side.SELL), exposed(MarketExposure(own_bid=Decimal(2_000))), TIGHT, OPERATOR),
        (ORDER, exposed(MarketExposure(open_orders=3)), own(max_open_orders=3), OPERATOR),
        (ORDER, exposed(MarketExposure(open_notional=Decimal(100))), own(max_open_notional=2_000), OPERATOR),
        (ORDER, exposed(MarketExposure(open_notional=Decimal(8_000))), TIGHT, OPERATOR),
        (ORDER, exposed(exposure("2.1")), TIGHT, OPERATOR),
        (intent(Side.SELL), exposed(exposure("-2.1")), TIGHT, OPERATOR),
        (ORDER, exposed(exposure("0", "2.1")), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, totals=structs.replace(added_up(CALM), gross=Decimal(8_000))), TIGHT, OPERATOR),
        (ORDER, structs.replace(CALM, totals=Totals(unpriced=frozenset({SOL_ID}))), TIGHT, OPERATOR),
        (intent(size="1.6"), CALM, TIGHT, OPERATOR),
        (ORDER, CALM, own(max_order_size="0.9"), OPERATOR),
        (ORDER, CALM, own(max_position_size="1.2"), OPERATOR),
        (ORDER, CALM, TIGHT.model_copy(update={"restricted_markets": ("ETH",)}), OPERATOR),
        (ORDER, CALM, TIGHT.model_copy(update={"max_capital": Decimal("0.01")}), OPERATOR),
    ],
)  # fmt: skip
def test_one_thing_amiss_is_never_a_quick_yes(
    order: OrderIntent, world: RiskView, limits: RiskLimits, origin: Origin
) -> None:
    manager = RiskManager(limits)
    assert not is_yes(manager, order, world, origin)
    assert manager.check(order, world, origin) == manager.by_the_table(order, world, origin)


@given(st.data())
def test_a_quick_yes_passes_the_table_too(data: st.DataObject) -> None:
    grid = st.integers(-30_000, 30_000).map(lambda steps: Decimal(steps).scaleb(-4))
    room = st.integers(0, 30_000).map(lambda steps: Decimal(steps).scaleb(-4))
    price = st.integers(170_000, 230_000).map(lambda ticks: Decimal(ticks).scaleb(-2))
    one = MarketExposure(
        position=data.draw(grid),
        open_buys=data.draw(room),
        open_sells=data.draw(room),
        open_notional=data.draw(st.integers(0, 9_000).map(Decimal)),
        own_bid=data.draw(st.none() | price),
        own_ask=data.draw(st.none() | price),
    )
    bid, mark = data.draw(price), data.draw(price)
    quote = replace(ETH_QUOTE, bid=bid, ask=bid + Decimal("0.1"), mark=mark)
    money = Money(
        equity=data.draw(st.integers(1, 20_000).map(Decimal)), day_loss=data.draw(st.integers(-200, 200).map(Decimal))
    )
    world = summed(
        structs.replace(
            exposed(one),
            quotes={ETH_ID: quote, SOL_ID: SOL_QUOTE},
            money=money,
            open_orders=data.draw(st.integers(0, 6)),
        )
    )
    order = OrderIntent(
        market_id=ETH_ID,
        side=data.draw(st.sampled_from(Side)),
        type=OrderType.LIMIT,
        size=data.draw(room),
        price=data.draw(price | st.just(mark) | st.just(bid)),
        tif=data.draw(st.sampled_from(TimeInForce)),
    )
    manager = RiskManager(TIGHT)
    if is_yes(manager, order, world):
        assert manager.by_the_table(order, world) == Approved()
