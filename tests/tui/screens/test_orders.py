"""What can be done about orders and plans: changed, ended, compared with the venue."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import CancelAlgorithm, ModifyOrder, Reconcile
from core.model import OPERATOR, OrderStatus, Side
from core.state import AlgorithmStatus
from core.units import TaskId
from tests.support.desk import SMALL, on_screen, says, shows, text
from tests.support.fake_engine import START_NS, FakeEngine
from tests.support.waiting import eventually
from tui.format import HIDDEN
from tui.screens.desk import DeskScreen
from tui.screens.modify import ModifyModal
from tui.screens.orders import OrdersScreen


def a_plan(**changes: object) -> AlgorithmStatus:
    plan = AlgorithmStatus(
        id=TaskId(77),
        name="twap 77",
        by=OPERATOR,
        market_id=FakeEngine().current.markets[0].id,
        side=Side.BUY,
        size=Decimal(2),
        filled=Decimal("0.5"),
        working=1,
        started_ns=START_NS,
    )
    return replace(plan, **changes)


@pytest.mark.parametrize("size", [(200, 50), SMALL], ids=str)
async def test_an_order_gets_a_new_price_and_size(size: tuple[int, int]):
    engine = FakeEngine()
    order = engine.current.order_map[0].order
    async with on_screen(engine, size) as pilot:
        await pilot.press("4", "f2")
        await says(pilot, "buy 0.5 ETH at 3021.55, accepted, filled 0", "that is what it is already")
        await pilot.press("enter")
        assert engine.commands == []
        await pilot.press(*"3000.5", "tab", *"0.75")
        await says(pilot, "enter asks for 0.75 at 3000.5, 2,250.38 USDC; risk decides")
        await pilot.press("enter")
        assert engine.commands == [
            ModifyOrder(
                market_id=order.intent.market_id,
                size=Decimal("0.75"),
                price=Decimal("3000.5"),
                client_id=order.client_id,
                venue_id=order.venue_id,
            )
        ]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("3000.123",), "price: ETH moves in steps of 0.01, got 3000.123"),
        (("abc",), "price"),
        (("4000",), "crosses the book"),
        (("3000", "tab", "0.00001"), "size: ETH moves in steps of 0.0001"),
    ],
)
async def test_what_cannot_be_or_would_trade_at_once_is_said_while_typing(keys: tuple[str, ...], said: str):
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("4", "f2")
        for key in keys:
            await pilot.press(*([key] if key == "tab" else key))
        await says(pilot, said)


async def test_a_size_that_is_filled_already_is_no_change():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("4", "down", "down", "f2", "tab", *"0.1")
        await says(pilot, "size: 0.1 is filled already and counts towards it")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, ModifyModal)
        assert engine.commands == []


async def test_an_order_that_ends_meanwhile_is_not_changed():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("4", "f2", *"3000")
        await says(pilot, "enter asks for")
        ended = engine.current.tasks[0]
        ended = replace(ended, order=replace(ended.order, status=OrderStatus.FILLED))
        engine.publish(tasks=engine.current.tasks[1:], order_map=engine.current.order_map[1:], recent=(ended,))
        await says(pilot, "the order has ended: it is filled")
        await pilot.press("enter")
        assert engine.commands == []


async def test_what_was_not_placed_here_can_only_be_cancelled():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("5", "end", "f2")
        await says(pilot, "it was not placed here: cancel it")
        await pilot.press("enter", "escape")
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the window to close")
        assert engine.commands == []


async def test_private_hides_how_large_the_order_is():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("p")
        await shows(pilot, f"equity {HIDDEN}")
        await pilot.press("4", "f2", *"3000")
        await says(pilot, f"buy {HIDDEN} ETH", f"{HIDDEN} USDC; risk decides")
        await says(pilot, f"enter asks for {HIDDEN} at 3000")
        assert "0.5000" not in text(pilot.app)


async def test_plans_are_listed_while_there_are_any_and_end_after_a_question():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("o")
        await eventually(lambda: isinstance(pilot.app.screen, OrdersScreen), "the orders")
        assert "plans" not in text(pilot.app)
        engine.publish(algorithms=(a_plan(),))
        await shows(pilot, "5 plans · 1", "twap 77", "● working", "2.0000", "25")
        await pilot.press("5", "enter")
        await says(pilot, "twap 77 ends, and its 1 open orders are cancelled")
        await pilot.press("enter")  # one key too many
        await eventually(lambda: isinstance(pilot.app.screen, OrdersScreen), "the question to close")
        assert engine.commands == []
        await pilot.press("enter", "e", "enter")
        await eventually(lambda: engine.commands, "the engine to be asked")
        assert engine.commands == [CancelAlgorithm(task_id=TaskId(77))]
        engine.publish(algorithms=(a_plan(detail="stopped by the operator"),))
        await shows(pilot, "✕ ending: stopped by the operator")


async def test_one_key_compares_with_the_venue():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+r")
        assert engine.commands == [Reconcile(by="operator")]
