"""Plans started from the desk: every figure judged while it is typed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands import StartAlgorithm
from core.model import Side
from core.plans import Bracket, Chase, Ladder, Twap
from tests.support.desk import SMALL, on_screen, says, shows
from tests.support.fake_engine import FakeEngine, some_markets
from tests.support.waiting import eventually
from tui.screens.desk import DeskScreen
from tui.screens.plan import PlanModal
from tui.screens.plan_form import PlanKind, PlanText, plan_sentence, read_plan
from tui.screens.ticket_form import Problem

MARKETS = some_markets()
ETH = MARKETS[0]


def typed(kind: PlanKind, *figures: str, size: str = "2", side: Side = Side.BUY, **changes: object) -> PlanText:
    first, second, third = (*figures, "", "", "")[:3]
    fields = {"market": "eth", "is_reduce_only": False} | changes
    return PlanText(kind=kind, side=side, size=size, figures=(first, second, third), **fields)


def test_each_plan_is_read_from_its_figures():
    two = Decimal(2)
    assert read_plan(typed(PlanKind.TWAP, "3100", "10", "60"), MARKETS) == Twap(
        market_id=ETH.id, side=Side.BUY, size=two, price=Decimal(3100), slices=10, every_s=60
    )
    assert read_plan(typed(PlanKind.LADDER, "3000", "2900.5", "5", is_reduce_only=True), MARKETS) == Ladder(
        market_id=ETH.id,
        side=Side.BUY,
        size=two,
        first=Decimal(3000),
        last=Decimal("2900.5"),
        rungs=5,
        reduce_only=True,
    )
    assert read_plan(typed(PlanKind.CHASE, "3100", "120", side=Side.SELL), MARKETS) == Chase(
        market_id=ETH.id, side=Side.SELL, size=two, price=Decimal(3100), within_s=120
    )
    assert read_plan(typed(PlanKind.BRACKET, "3000", "3100", ""), MARKETS) == Bracket(
        market_id=ETH.id, side=Side.BUY, size=two, price=Decimal(3000), take_profit=Decimal(3100)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            typed(PlanKind.TWAP, "3100", "10", "60", market="nope"),
            "market: expected the symbol of a market, got 'nope'",
        ),
        (typed(PlanKind.TWAP, "3100", "10", "60", size="0.00001"), "size: ETH moves in steps of 0.0001"),
        (typed(PlanKind.TWAP, "3100.001", "10", "60"), "price: ETH moves in steps of 0.01"),
        (typed(PlanKind.TWAP, "3100", "1", "60"), "twap: expected slices of 2 to 500, got 1"),
        (typed(PlanKind.TWAP, "3100", "2.5", "60"), "slices: expected a whole number, got '2.5'"),
        (typed(PlanKind.LADDER, "3000", "", "5"), "last price"),
        (typed(PlanKind.CHASE, "3000", "0"), "chase: expected within_s of 1 to 86400, got 0"),
        (typed(PlanKind.BRACKET, "", "3100", ""), "entry price: expected a price, got nothing"),
        (typed(PlanKind.BRACKET, "3000", "", ""), "bracket: expected a take_profit, a stop_loss or both"),
        (typed(PlanKind.BRACKET, "3000", "2900", ""), "bracket: expected a take_profit above the entry"),
        (typed(PlanKind.BRACKET, "3000", "3100", "", is_reduce_only=True), "bracket: it opens a position"),
    ],
)
def test_what_is_no_plan_is_refused_in_words(text: PlanText, said: str):
    plan = read_plan(text, MARKETS)
    assert isinstance(plan, Problem)
    assert plan.text.startswith(said)


@given(st.sampled_from(PlanKind), st.text(max_size=30), st.tuples(*[st.text(max_size=30)] * 3), st.booleans())
def test_any_text_is_a_plan_or_is_refused_in_one_line(
    kind: PlanKind, size: str, figures: tuple[str, str, str], is_reduce_only: bool
):
    plan = read_plan(typed(kind, *figures, size=size, is_reduce_only=is_reduce_only), MARKETS)
    said = plan.text if isinstance(plan, Problem) else plan_sentence(plan, ETH)
    assert said
    assert "\n" not in said


@pytest.mark.parametrize("size", [(200, 50), SMALL], ids=str)
async def test_a_twap_is_started_once_its_figures_make_one(size: tuple[int, int]):
    engine = FakeEngine()
    async with on_screen(engine, size) as pilot:
        await pilot.press("f3", "tab", "tab", "tab", *"2", "tab", *"3100", "tab", *"10", "enter")
        await says(pilot, "seconds apart: expected a whole number")
        assert engine.commands == []
        await pilot.press("tab", *"60")
        await says(pilot, "enter starts: buy 2 ETH in 10 slices over 540 s, none worse than 3100, 6,200.00 USDC")
        await pilot.press("enter")
        plan = Twap(market_id=ETH.id, side=Side.BUY, size=Decimal(2), price=Decimal(3100), slices=10, every_s=60)
        assert engine.commands == [StartAlgorithm(plan=plan)]


async def test_another_plan_asks_for_other_figures_and_escape_starts_nothing():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f3")
        await shows(pilot, "worst price", "slices", "seconds apart", "bid 3021.54")
        await pilot.press("b")
        await shows(pilot, "entry price", "take profit", "stop loss")
        await pilot.press("c")
        await shows(pilot, "price limit", "within seconds")
        assert isinstance(pilot.app.screen, PlanModal)
        await pilot.press("down", "escape")
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the window to close")
        assert engine.commands == []
