"""Equity and drawdown as characters, and the dead-man's switch in words."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import EquityPoint
from core.state import DeadmanStatus
from tests.support.desk import SMALL, on_screen, shows, text
from tests.support.fake_engine import START_US, FakeEngine, a_clock, a_state
from tui.format import HIDDEN
from tui.view import View
from tui.widgets.curves import bars, columns_of, curves, drawdowns
from tui.widgets.positions import deadman

MINUTE_US = 60_000_000
MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


def points(*equities: int) -> tuple[EquityPoint, ...]:
    return tuple(
        EquityPoint(at_us=START_US + n * MINUTE_US, equity=Decimal(equity)) for n, equity in enumerate(equities)
    )


def a_view(**changes: object) -> View:
    clock = a_clock()
    return View(state=a_state(clock, **changes), now=clock.now(), kill=a_state(clock).kill)


def words(lines: list) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def test_drawdown_counts_from_the_highest_seen_so_far_or_from_an_earlier_high():
    curve = points(100, 120, 90, 130, 125)
    assert drawdowns(curve, None) == [0, 0, 30, 0, 5]
    assert drawdowns(curve, Decimal(130)) == [0, 0, 30, 0, 5]
    assert drawdowns(curve, Decimal(150)) == [50, 30, 60, 20, 25]


@given(st.lists(MONEY, min_size=1, max_size=300), st.one_of(st.none(), MONEY))
def test_drawdown_is_never_negative_and_a_new_high_has_none(equities: list[Decimal], high: Decimal | None):
    curve = tuple(EquityPoint(at_us=n, equity=equity) for n, equity in enumerate(equities))
    found = drawdowns(curve, high)
    assert len(found) == len(curve)
    assert min(found) >= 0
    if high is None or high <= max(equities):
        assert found[equities.index(max(equities))] == 0


@given(st.lists(MONEY, min_size=1, max_size=500), st.integers(1, 80))
def test_columns_keep_the_newest_value_and_the_order(values: list[Decimal], columns: int):
    kept = columns_of(values, columns)
    assert len(kept) == min(columns, len(values))
    assert kept[-1] == values[-1]
    rest = iter(values)
    assert all(value in rest for value in kept)


@given(st.lists(MONEY, min_size=1, max_size=60), st.integers(2, 20))
def test_a_higher_value_is_never_drawn_lower(values: list[Decimal], rows: int):
    lines = bars(values, rows, min(values), max(values))
    heights = ["".join(line[n] for line in lines) for n in range(len(values))]
    ranks = [sum(" ▁▂▃▄▅▆▇█".index(cell) for cell in column) for column in heights]
    assert len(lines) == rows
    assert all(1 <= rank <= rows * 8 for rank in ranks)
    drawn = sorted(zip(values, ranks, strict=True))
    assert [rank for _, rank in drawn] == sorted(ranks)


@given(st.lists(MONEY, max_size=200), st.integers(0, 120), st.integers(0, 50))
def test_curves_fill_their_room_exactly_whatever_the_money_is(equities: list[Decimal], width: int, height: int):
    curve = tuple(EquityPoint(at_us=START_US + n, equity=equity) for n, equity in enumerate(equities))
    lines = words(curves(a_view(equity_curve=curve), width, height))
    assert len(lines) in {1, height}
    if len(lines) > 1:
        assert all(len(line) <= max(width, 60) for line in lines)


async def test_the_risk_screen_draws_both_curves_and_hides_the_amounts():
    engine = FakeEngine()
    engine.publish(equity_curve=points(100_000, 100_300, 100_234), equity_high=Decimal(100_300), drawdown=Decimal(66))
    async with on_screen(engine) as pilot:
        await pilot.press("r")
        await shows(pilot, "equity USDC, day PnL +234.12", "100,300.00", "drawdown USDC, now 66.00", "█")
        await pilot.press("p")
        await shows(pilot, f"drawdown USDC, now {HIDDEN}")
        assert "100,300.00" not in text(pilot.app)


async def test_at_80x24_the_curves_give_way():
    engine = FakeEngine()
    engine.publish(equity_curve=points(1, 2))
    async with on_screen(engine, SMALL) as pilot:
        await pilot.press("r")
        await shows(pilot, "positions", "account", "dead-man switch")
        assert "drawdown USDC, now" not in text(pilot.app)


ARMED = DeadmanStatus(span_s=1_800, armed_us=START_US + 1_200_000_000, read_us=START_US - 5_000_000)


@pytest.mark.parametrize(
    ("switch", "said"),
    [
        (None, "○ not armed"),
        (ARMED, "fires at 14:33:20 UTC, in 20m; kept 30m ahead, read 5s ago"),
        (replace(ARMED, armed_us=None), "! NOT ARMED at the venue; kept 30m ahead, read 5s ago"),
        (replace(ARMED, span_s=None, read_us=None), "fires at 14:33:20 UTC, in 20m; nobody here renews it"),
        (
            replace(ARMED, missed=2, detail="refused"),
            "in 20m; kept 30m ahead, read 5s ago; ! 2 renewals missed: refused",
        ),
        (replace(ARMED, fired_us=START_US), "■ FIRED at 14:13:20 UTC; kept 30m ahead"),
    ],
)
def test_the_dead_mans_switch_is_told_by_the_venues_own_time(switch: DeadmanStatus | None, said: str):
    assert said in "; ".join(line for line, _ in deadman(a_view(deadman=switch)))
