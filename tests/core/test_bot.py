from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from core.bot import ORDERS_PER_SECOND, TradingBot, headroom
from core.commands import CancelOrder, SubmitOrder
from core.config import Sizing
from core.decisions import TradingState
from core.limits import RiskLimits
from core.model import EXTERNAL, OPERATOR, OrderMapEntry, OrderMapSide, OrderStatus, Origin, OriginKind, Position, Side
from core.money import PnlRow, TrackRecord, record_of
from core.risk import Edge, PositionSizer
from core.state import BreakerStatus, EnginePhase, KillPhase, KillStatus, LimitUse
from core.strategy import NoQuote, WantQuote
from core.units import MarketId
from tests.support.bot_world import MAKER, fill, state, task
from tests.support.risk_world import ETH_ID, ETH_QUOTE, SOL_ID

EDGE = Edge(win_probability=Decimal("0.55"), payoff=Decimal(1), trades=100)


def want(price="1999.00", side=Side.BUY, tolerance="0.50", market_id=ETH_ID, edge=EDGE):
    return WantQuote(market_id=market_id, side=side, price=Decimal(price), tolerance=Decimal(tolerance), edge=edge)


@dataclass
class Scripted:
    """A strategy that wants whatever the test says and keeps what it saw."""

    signals: list = field(default_factory=list)
    name: str = "maker"
    markets: tuple[str, ...] = ("ETH", "SOL")
    views: list = field(default_factory=list)

    def on_state(self, view):
        self.views.append(view)
        return self.signals


def bot(*strategies: Scripted, limits=None):
    return TradingBot(strategies, PositionSizer(Sizing()), limits or RiskLimits())


def test_a_wish_becomes_an_order_of_the_sizers_size():
    strategy = Scripted([want()])
    (command,) = bot(strategy).step(state())
    assert isinstance(command, SubmitOrder)
    assert command.origin == MAKER
    assert command.intent.price == Decimal("1999.00")
    assert command.intent.size == Decimal("0.1250")  # 0.10 * 0.25 * 10,000 / 1999 on the grid
    assert command.deadline_ns > state().published.mono_ns


def test_without_a_belief_its_own_closed_trades_in_all_its_markets_size_it():
    maker = bot(Scripted([want(edge=None)]))
    (command,) = maker.step(state())
    assert command.intent.size == Decimal("0.0051"), "none yet: the smallest size that may rest"
    half = TrackRecord(wins=30, losses=20, won=Decimal(300), lost=Decimal(100))
    rows = [PnlRow(market_id=one, strategy="maker", record=half) for one in (ETH_ID, SOL_ID)]
    bad = TrackRecord(losses=99, lost=Decimal(1))
    rows += [PnlRow(market_id=ETH_ID, record=bad), PnlRow(market_id=ETH_ID, strategy="other", record=bad)]
    assert record_of(rows, "maker") == half + half
    (command,) = maker.step(state(60_000, pnl=tuple(rows)))
    assert command.intent.size == Decimal("0.5002")  # 0.4 * 0.25 * 10,000 / 1999 on the grid


def test_a_volatility_target_is_sized_by_what_the_mark_was_seen_to_do():
    maker = TradingBot([Scripted([want()])], PositionSizer(Sizing(method="volatility")), RiskLimits())
    sizes = []
    for minute in range(31):
        quote = replace(ETH_QUOTE, mark=Decimal(2_000 + minute % 2 * 4))
        (command,) = maker.step(state(minute * 60_000, quotes=(quote,)))
        sizes.append(command.intent.size)
    assert set(sizes[:30]) == {Decimal("0.0051")}, "not enough was seen: the smallest size"
    assert Decimal("0.65") < sizes[30] < Decimal("0.67"), "0.2 % a minute is 7.6 % a day, 100 USDC of 1,317"


def test_an_order_within_tolerance_is_left_alone():
    maker = bot(Scripted([want("1999.50")]))
    assert maker.step(state(tasks=(task(price="1999.00"),))) == []
    assert "1 of 1 quotes working" in maker.statuses()[0].detail


def test_an_order_beyond_tolerance_is_cancelled_and_replaced_only_once_it_is_gone():
    maker = bot(Scripted([want("1999.51")]))
    old = task(7, price="1999.00")
    (cancel,) = maker.step(state(0, tasks=(old,)))
    assert cancel == CancelOrder(market_id=ETH_ID, client_id=7, venue_id=old.order.venue_id, origin=MAKER)
    leaving = replace(old, order=replace(old.order, status=OrderStatus.PENDING_CANCEL))
    assert maker.step(state(250, tasks=(leaving,))) == []
    (again,) = maker.step(state(500))
    assert isinstance(again, SubmitOrder)


def test_a_cancel_that_does_nothing_is_asked_for_again_but_not_at_every_step():
    maker = bot(Scripted([]))
    asked = [len(maker.step(state(at, tasks=(task(),)))) for at in range(0, 4_001, 250)]
    assert [index * 250 for index, count in enumerate(asked) if count] == [0, 2_000, 4_000]


@pytest.mark.parametrize("status", [OrderStatus.QUEUED, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN])
def test_an_order_in_doubt_holds_its_slot(status):
    maker = bot(Scripted([want("1990.00")]))
    for at in range(0, 20_000, 250):
        assert maker.step(state(at, tasks=(task(status=status),))) == []


def test_nothing_is_ordered_twice_while_the_state_has_not_caught_up():
    maker = bot(Scripted([want()]))
    sent = [at for at in range(0, 2_000, 250) if maker.step(state(at))]
    assert sent == [0, 1_000]


def test_refusals_in_a_row_make_it_wait_longer():
    maker = bot(Scripted([want()]))
    refused = tuple(task(number, status=OrderStatus.DENIED) for number in (3, 2, 1))
    sent = [at for at in range(0, 20_000, 250) if maker.step(state(at, recent=refused))]
    assert sent == [0, 8_000, 16_000]


def test_one_success_ends_the_longer_wait():
    maker = bot(Scripted([want()]))
    recent = (task(3, status=OrderStatus.FILLED), task(2, status=OrderStatus.DENIED))
    assert [at for at in range(0, 2_000, 250) if maker.step(state(at, recent=recent))] == [0, 1_000]


def test_the_newest_refusal_is_shown():
    maker = bot(Scripted([want()]))
    refused = task(status=OrderStatus.DENIED)
    refused = replace(refused, order=replace(refused.order, reason="max open orders"))
    maker.step(state(recent=(refused,)))
    assert "max open orders" in maker.statuses()[0].detail


def test_at_most_a_few_orders_a_second_over_all_strategies():
    wishes = [want(side=side, market_id=market_id) for side in Side for market_id in (ETH_ID, SOL_ID)]
    maker = bot(*(Scripted(wishes, name=name) for name in ("a", "b", "c")))
    times = [at for at in range(0, 10_000, 50) for _ in maker.step(state(at))]
    assert len(times) >= 3 * ORDERS_PER_SECOND
    for start in times:
        assert sum(start <= at < start + 1_000 for at in times) <= ORDERS_PER_SECOND


@pytest.mark.parametrize("phase", [each for each in EnginePhase if each is not EnginePhase.RUNNING])
def test_nothing_is_asked_of_an_engine_that_is_not_running(phase):
    maker = bot(Scripted([want()]))
    assert not maker.step(state(phase=phase, tasks=(task(),)))
    assert phase.value in maker.statuses()[0].detail


def test_nothing_is_asked_after_a_kill():
    maker = bot(Scripted([want()]))
    killed = KillStatus(phase=KillPhase.CONFIRMED)
    assert not maker.step(state(kill=killed, trading=TradingState.HALTED, tasks=(task(),)))
    assert "killed" in maker.statuses()[0].detail


@pytest.mark.parametrize("trading", [TradingState.REDUCING, TradingState.HALTED])
def test_quotes_that_may_not_be_placed_are_not_kept_either(trading):
    strategy = Scripted([want()])
    maker = bot(strategy)
    (command,) = maker.step(state(trading=trading, tasks=(task(),)))
    assert isinstance(command, CancelOrder)
    assert strategy.views == []
    assert trading.value in maker.statuses()[0].detail


def test_a_tripped_market_is_hidden_and_its_quotes_are_cancelled():
    strategy = Scripted([])
    breakers = (BreakerStatus(market_id=None), BreakerStatus(market_id=ETH_ID, is_tripped=True))
    (command,) = bot(strategy).step(state(tasks=(task(),), breakers=breakers))
    assert isinstance(command, CancelOrder)
    assert list(strategy.views[0].markets) == ["SOL"]


def test_a_stopped_strategy_cancels_its_own_orders_and_nobody_elses():
    maker = bot(Scripted([want()]), Scripted([], name="other"))
    assert maker.set_running("maker", running=False)
    tasks = (task(1), task(2, origin=OPERATOR), task(3, origin=Origin(OriginKind.OPERATOR, "maker")))
    assert [command.client_id for command in maker.step(state(tasks=tasks))] == [1]
    assert [status.is_running for status in maker.statuses()] == [False, True]
    assert maker.statuses()[0].detail == "stopped"
    assert maker.set_running("maker", running=True)
    assert isinstance(maker.step(state(5_000))[0], SubmitOrder)


def test_an_unknown_strategy_cannot_be_started():
    assert not bot(Scripted([])).set_running("nobody", running=True)


def test_two_strategies_of_one_name_are_refused():
    with pytest.raises(ValueError, match="maker"):
        bot(Scripted([]), Scripted([]))


def test_orders_recovered_after_a_restart_are_its_own():
    recovered = task(origin=Origin(OriginKind.RECOVERED, "maker"))
    (command,) = bot(Scripted([])).step(state(tasks=(recovered,)))
    assert isinstance(command, CancelOrder)


def test_of_two_orders_in_one_slot_one_is_kept():
    (command,) = bot(Scripted([want()])).step(state(tasks=(task(1), task(2))))
    assert command.client_id == 2


def test_without_an_account_nothing_is_ordered():
    maker = bot(Scripted([want()]))
    assert maker.step(state(account=None)) == []
    assert "account is not known" in maker.statuses()[0].detail


def test_no_edge_no_order_and_the_reason_is_shown():
    losing = replace(EDGE, win_probability=Decimal("0.4"))
    maker = bot(Scripted([want(edge=losing), NoQuote(market_id=SOL_ID, side=Side.SELL, reason="inventory is full")]))
    assert maker.step(state()) == []
    assert "no buy in ETH: no edge" in maker.statuses()[0].detail
    assert "no sell in SOL: inventory is full" in maker.statuses()[0].detail


def test_a_wish_for_a_market_nobody_listed_is_not_ordered():
    assert bot(Scripted([want(market_id=MarketId(99))])).step(state()) == []


def test_fills_of_its_own_orders_are_counted_once_each():
    strategy = Scripted([])
    maker = bot(strategy)
    closed = (task(1, status=OrderStatus.FILLED), task(2, origin=OPERATOR))
    maker.step(state(0, recent=closed, fills=(fill(11, 1), fill(10, 2), fill(9, None))))
    maker.step(state(250, recent=closed, fills=(fill(12, 1), fill(11, 1))))
    maker.step(state(500, recent=closed, fills=(fill(12, 1),)))
    assert [view.trades for view in strategy.views] == [1, 2, 2]


class TestHeadroom:
    LIMITS = RiskLimits(max_order_notional=Decimal(20_000), max_position_notional=Decimal(20_000))

    def test_position_and_everything_working_on_that_side_count(self):
        busy = state(
            positions=(Position(market_id=ETH_ID, size=Decimal(2)), Position(market_id=SOL_ID, size=Decimal(50))),
            tasks=(task(1, size="1.0000", filled="0.5"), task(2, Side.SELL, size="3.0000")),
        )
        assert headroom(self.LIMITS, busy, want("2000.00")) == Decimal(20_000) - Decimal("2.5") * 2_000
        assert headroom(self.LIMITS, busy, want("2000.00", Side.SELL)) == Decimal(20_000) - Decimal(1) * 2_000

    def test_orders_placed_elsewhere_count(self):
        foreign = OrderMapEntry(side=OrderMapSide.VENUE, order=task(5, size="4.0000").order, origin=EXTERNAL)
        assert headroom(self.LIMITS, state(order_map=(foreign,)), want("2000.00")) == Decimal(12_000)

    def test_the_gross_limit_and_the_order_limit_bound_it(self):
        use = LimitUse(
            name="max_gross_notional", scope="all", used=Decimal(199_000), limit=Decimal(200_000), unit="USDC"
        )
        assert headroom(self.LIMITS, state(limits=(use,)), want()) == Decimal(1_000)
        small = RiskLimits(max_order_notional=Decimal(500))
        assert headroom(small, state(), want()) == Decimal(500)
