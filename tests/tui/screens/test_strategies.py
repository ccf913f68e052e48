"""What each strategy made and was made with."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import SetStrategy
from core.money import PnlRow
from core.state import StrategyStatus
from core.units import MarketId
from tests.support.desk import SMALL, on_screen, shows, text
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui.format import HIDDEN
from tui.widgets.profit import net, total

ETH, BTC = MarketId(0), MarketId(1)


def a_row(market_id: MarketId, strategy: str, realised: str, unrealised: str | None, **changes: object) -> PnlRow:
    row = PnlRow(
        market_id=market_id,
        strategy=strategy,
        size=Decimal("1.5"),
        average_price=Decimal(2_900),
        realised=Decimal(realised),
        unrealised=None if unrealised is None else Decimal(unrealised),
        fees=Decimal("0.5"),
        fills=7,
    )
    return replace(row, **changes)


ROWS = (a_row(ETH, "", "10", "5"), a_row(ETH, "maker", "8", "4"), a_row(BTC, "maker", "-2.25", "0"))


def an_engine() -> FakeEngine:
    engine = FakeEngine()
    maker = StrategyStatus(
        name="maker", is_running=True, markets=("ETH",), parameters=(("max_inventory_usdc", "3000"), ("skew", "0.0006"))
    )
    taker = StrategyStatus(name="taker", is_running=False, markets=("BTC",))
    engine.publish(strategies=(maker, taker), pnl=ROWS)
    return engine


def test_net_counts_the_open_part_and_fees():
    assert net(ROWS[1]) == Decimal("11.5")
    assert net(a_row(ETH, "maker", "8", None)) is None
    assert net(a_row(ETH, "maker", "8", None, size=Decimal(0))) == Decimal("7.5")


def test_a_total_is_said_only_when_all_of_it_is_known():
    assert total(ROWS, "maker") == Decimal("8.75")
    assert total(ROWS, "nobody") is None
    assert total((*ROWS, a_row(BTC, "maker", "1", None)), "maker") is None


@pytest.mark.parametrize("size", [(200, 50), SMALL], ids=str)
async def test_profit_of_each_strategy_and_market_is_shown(size: tuple[int, int]):
    async with on_screen(an_engine(), size) as pilot:
        await pilot.press("t")
        await shows(pilot, "2 profit and loss, USDC · 3", "+8.75", "+11.50", "-2.75", "max_inventory_usdc", "3000")


async def test_the_selected_strategys_parameters_are_shown():
    async with on_screen(an_engine()) as pilot:
        await pilot.press("t", "down", "down")
        await shows(pilot, "it states none")
        await pilot.press("up")
        await shows(pilot, "max_inventory_usdc")


async def test_enter_starts_and_stops_the_selected_one():
    engine = an_engine()
    async with on_screen(engine) as pilot:
        await pilot.press("t", "down", "enter")
        await eventually(lambda: engine.commands, "the engine to be asked")
        assert engine.commands == [SetStrategy(name="taker", running=True, by="operator")]


async def test_amounts_are_hidden_here_too():
    async with on_screen(an_engine()) as pilot:
        await pilot.press("p", "t")
        await shows(pilot, "profit and loss", HIDDEN)
        await eventually(lambda: "+8.75" not in text(pilot.app), "the total to be hidden")
        assert not any(amount in text(pilot.app) for amount in ("+11.50", "-2.75", "3000", "+1.5000"))
