from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from core.bot import TradingBot
from core.commands import CancelOrder, StrategyFailed, SubmitOrder
from core.config import Sizing
from core.limits import RiskLimits
from core.model import Side
from core.risk import Edge, PositionSizer
from core.strategy import Fault, Signal, StrategyView, WantQuote, objection, parameters_of
from tests.support.bot_world import MAKER, state, task
from tests.support.risk_world import ETH_ID, SOL_ID

EDGE = Edge(win_probability=Decimal("0.55"), payoff=Decimal(1), trades=100)
WISH = WantQuote(market_id=ETH_ID, side=Side.BUY, price=Decimal("1999.00"), tolerance=Decimal("0.5"), edge=EDGE)
NAN = Decimal("NaN")


class Maker:
    def __init__(self, name, answer) -> None:
        self.name = name
        self.markets = ("ETH",)
        self.answer = answer

    def on_state(self, view):
        return self.answer


class Answering:
    """What asking a strategy came to, as the test says."""

    def ask(self, strategy, view):
        return strategy.answer


def bot(*strategies: Maker, cancel_on_fault=True):
    return TradingBot(strategies, PositionSizer(Sizing()), RiskLimits(), Answering(), cancel_on_fault=cancel_on_fault)


@pytest.mark.parametrize(
    ("signals", "words"),
    [
        (None, "NoneType"),
        (["buy"], "'buy'"),
        ([replace(WISH, price=NAN)], "price of Decimal('NaN')"),
        ([replace(WISH, price=1999.0)], "price of 1999.0"),
        ([replace(WISH, price=Decimal("Infinity"))], "finite"),
        ([replace(WISH, price=Decimal(0))], "above zero"),
        ([replace(WISH, tolerance=NAN)], "tolerance"),
        ([replace(WISH, tolerance=Decimal(-1))], "tolerance of -1"),
        ([WISH, replace(WISH, price=Decimal(1))], "two quotes"),
        ([replace(WISH, market_id=SOL_ID)], "none of its own"),
    ],
)
def test_nonsense_is_a_fault_that_says_what_came(signals, words):
    fault = objection(signals, {SOL_ID})
    assert isinstance(fault, Fault)
    assert words in fault.text


def test_a_wish_is_none():
    assert objection([WISH, replace(WISH, side=Side.SELL)], {SOL_ID}) is None


@pytest.mark.parametrize("answer", [Fault("KeyError: 'x'"), [replace(WISH, price=NAN)]])
def test_only_the_strategy_that_failed_stops(answer):
    good, bad = Maker("good", [WISH]), Maker(MAKER.name, answer)
    both = bot(bad, good)
    failed, cancel, order = both.step(state(tasks=(task(7),)))
    assert isinstance(failed, StrategyFailed)
    assert (failed.name, failed.orders, failed.is_cancelling) == (MAKER.name, 1, True)
    assert isinstance(cancel, CancelOrder)
    assert cancel.client_id == 7
    assert isinstance(order, SubmitOrder)
    assert order.origin.name == "good"
    status = both.statuses()[0]
    assert not status.is_running
    assert status.fault == failed.text
    assert status.detail == f"failed: {failed.text}"
    bad.answer = [WISH]
    assert not [one for one in both.step(state(5_000)) if not isinstance(one, SubmitOrder) or one.origin == MAKER]


def test_its_orders_stay_where_the_operator_says_so():
    keeping = bot(Maker(MAKER.name, Fault("x")), cancel_on_fault=False)
    (failed,) = keeping.step(state(tasks=(task(),)))
    assert not failed.is_cancelling
    assert keeping.step(state(3_000, tasks=(task(),))) == []


def test_a_stop_by_hand_cancels_all_the_same():
    keeping = bot(Maker(MAKER.name, [WISH]), cancel_on_fault=False)
    keeping.set_running(MAKER.name, running=False)
    (cancel,) = keeping.step(state(tasks=(task(),)))
    assert isinstance(cancel, CancelOrder)


def test_a_human_starts_it_again():
    maker = Maker(MAKER.name, Fault("x"))
    again = bot(maker)
    again.step(state())
    maker.answer = [WISH]
    assert again.set_running(MAKER.name, running=True)
    assert not again.statuses()[0].fault
    (order,) = again.step(state(5_000))
    assert isinstance(order, SubmitOrder)


def test_one_that_is_still_thinking_changes_nothing():
    slow = bot(Maker(MAKER.name, None))
    assert slow.step(state(tasks=(task(),))) == []
    assert slow.statuses()[0].is_running


class _Stated:
    name, markets = "stated", ("ETH",)

    def __init__(self, parameters: object) -> None:
        self.parameters = parameters

    def on_state(self, view: StrategyView) -> Sequence[Signal]:
        return ()


def test_parameters_are_shown_as_text_and_bounded() -> None:
    assert parameters_of(_Stated({"skew": Decimal("0.5"), "pairs": ("ETH",)})) == (
        ("skew", "0.5"),
        ("pairs", "('ETH',)"),
    )
    assert parameters_of(_Stated(None)) == parameters_of(_Stated(["no", "mapping"])) == ()
    many = parameters_of(_Stated({f"name {n}" * 50: "v" * 500 for n in range(500)}))
    assert len(many) == 50
    assert max(len(text) for pair in many for text in pair) == 80
