"""A part killed or flattened from the desk, what the banner says of it, and how it is re-armed."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import Flatten, KillPart, Rearm, RearmPart
from core.scope import EVERYTHING, Scope
from core.state import FlattenPhase, FlattenStatus, KillPhase, KillStatus
from tests.support.desk import SMALL, on_screen, says, shows, text
from tests.support.fake_engine import START_NS, START_US, FakeEngine
from tests.support.waiting import eventually
from tui.format import HIDDEN
from tui.screens.desk import DeskScreen
from tui.screens.part import PartModal
from tui.screens.rearm import RearmModal

ETH = Scope(market_id=FakeEngine().current.markets[0].id)
MAKER = Scope(strategy="maker")


def killed(scope: Scope, phase: KillPhase = KillPhase.CONFIRMED, live: int | None = 0) -> KillStatus:
    return KillStatus(scope=scope, phase=phase, by="operator", at_us=START_US, may_be_live=live)


def flattening(phase: FlattenPhase, detail: str = "closing") -> FlattenStatus:
    left = ((FakeEngine().current.markets[0].id, Decimal("1.25")),)
    return FlattenStatus(phase=phase, market_id=ETH.market_id, by="operator", left=left, detail=detail)


async def test_the_selected_market_is_killed_and_only_that_one():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f7")
        await says(pilot, "kill ETH: blocks new orders, cancels 2 orders that may be live")
        await pilot.press("enter")
        assert engine.commands == [KillPart(scope=ETH, by="operator", pressed_ns=START_NS)]
        assert engine.kills == []


async def test_a_strategy_is_killed_by_its_name_in_full():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f7", *"make")
        await says(pilot, "expected one of ETH, BTC", "got 'make'")
        await pilot.press("enter")
        assert engine.commands == []
        await pilot.press("r", "enter")
        assert engine.commands == [KillPart(scope=MAKER, by="operator", pressed_ns=START_NS)]


async def test_arrows_go_from_part_to_part_and_escape_does_nothing():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f7", "down")
        await says(pilot, "kill BTC")
        await pilot.press("up", "up")
        await says(pilot, "to kill everything press ctrl+k")
        await pilot.press("enter", "escape")
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the window to close")
        assert engine.commands == []


async def test_a_flatten_names_what_it_closes_and_is_asked_a_second_time():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f7", "tab", "f")
        await says(pilot, "flatten ETH: cancels 2 orders that may be live, then closes +1.2500 ETH")
        await pilot.press("enter")
        await says(pilot, "Every order in ETH is cancelled")
        await pilot.press("enter")  # one key too many
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the question to close")
        assert engine.commands == []
        await pilot.press("f7", "tab", "f", "enter")
        await shows(pilot, "close the position")
        await pilot.press("c", "enter")
        await eventually(lambda: engine.commands, "the engine to be asked")
        assert engine.commands == [Flatten(by="operator", market_id=ETH.market_id)]


async def test_everything_can_be_flattened_but_no_strategy_and_never_two_at_once():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f7", "tab", "f", "shift+tab", *"maker")
        await says(pilot, "positions belong to the account")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, PartModal)
        await pilot.press("up", *"all")
        await says(pilot, "flatten all", "+1.2500 ETH, -40.000 SOL")
        engine.publish(flatten=flattening(FlattenPhase.REDUCING))
        await says(pilot, "a flatten is under way already")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, PartModal)
        engine.publish(flatten=None)
        await says(pilot, "flatten all")
        await pilot.press("enter", "c", "enter")
        await eventually(lambda: engine.commands, "the engine to be asked")
        assert engine.commands == [Flatten(by="operator", market_id=None)]


@pytest.mark.parametrize("size", [(200, 50), SMALL], ids=str)
async def test_the_banner_says_what_part_is_killed_and_how_far_that_is(size: tuple[int, int]):
    engine = FakeEngine()
    engine.publish(kills=(killed(ETH), killed(MAKER, KillPhase.FAILING, 2)))
    async with on_screen(engine, size) as pilot:
        await shows(pilot, "KILLED  strategy maker FAILING, may still be live: 2", "ETH confirmed")
        engine.publish(kills=(killed(ETH, KillPhase.SENT, None),))
        await shows(pilot, "KILLED  ETH SENT, may still be live: unknown")
        engine.publish(kills=())
        await eventually(lambda: "KILLED" not in text(pilot.app), "the banner to go")


@pytest.mark.parametrize("size", [(200, 50), SMALL], ids=str)
async def test_the_banner_says_how_far_a_flatten_is_and_never_flat_before_the_venue(size: tuple[int, int]):
    engine = FakeEngine()
    engine.publish(kills=(killed(ETH),), flatten=flattening(FlattenPhase.REDUCING, "nobody trades at 3000 or better"))
    async with on_screen(engine, size) as pilot:
        await shows(pilot, "FLATTEN ETH reducing: left +1.2500 ETH", "nobody trades at 3000")
        assert "by the venue's positions" not in text(pilot.app)
        engine.publish(flatten=flattening(FlattenPhase.FAILED, "not done within its time"))
        await shows(pilot, "FLATTEN ETH FAILED: left +1.2500 ETH")
        engine.publish(flatten=replace(flattening(FlattenPhase.CONFIRMED), left=()))
        await shows(pilot, "FLATTEN ETH confirmed by the venue's positions")
        engine.publish(kills=())
        await eventually(lambda: "FLATTEN" not in text(pilot.app), "the banner to go with the kill")


async def test_private_hides_what_a_flatten_closes():
    engine = FakeEngine()
    engine.publish(kills=(killed(ETH),), flatten=flattening(FlattenPhase.REDUCING))
    async with on_screen(engine) as pilot:
        await pilot.press("p", "f7", "tab", "f")
        await says(pilot, f"left +{HIDDEN} ETH", "a flatten is under way")
        engine.publish(flatten=None)
        await says(pilot, f"closes {HIDDEN} ETH")


async def test_a_part_is_rearmed_with_word_and_reason_and_only_once_confirmed():
    engine = FakeEngine()
    engine.publish(kills=(killed(ETH, KillPhase.SENT, 1),))
    async with on_screen(engine) as pilot:
        await pilot.press("a", *"REARM", "enter", *"calm", "enter")
        await says(pilot, "of ETH", "the kill is sent, not confirmed")
        assert engine.commands == []
        engine.publish(kills=(killed(ETH),))
        await says(pilot, "enter re-arms ETH")
        await pilot.press("enter")
        assert engine.commands == [RearmPart(scope=ETH, by="operator", reason="calm")]


async def test_of_several_kills_one_is_chosen_and_nothing_typed_for_another_counts():
    engine = FakeEngine()
    engine.publish(kill=killed(EVERYTHING), kills=(killed(ETH), killed(MAKER)))
    async with on_screen(engine) as pilot:
        await pilot.press("a", *"REARM", "tab", *"first")
        await says(pilot, "of everything (1 of 3", "enter re-arms everything")
        await pilot.press("down", "down")
        await says(pilot, "of strategy maker (3 of 3", "type REARM")
        await pilot.press("enter")
        assert engine.commands == []
        await pilot.press(*"REARM", "enter", *"calm", "enter")
        assert engine.commands == [RearmPart(scope=MAKER, by="operator", reason="calm")]


async def test_nothing_is_rearmed_that_a_flatten_works_under():
    engine = FakeEngine()
    engine.publish(kill=killed(EVERYTHING), flatten=replace(flattening(FlattenPhase.REDUCING), market_id=None))
    async with on_screen(engine) as pilot:
        await pilot.press("a", *"REARM", "tab", *"calm", "enter")
        await says(pilot, "a flatten is under way: nothing may open again")
        assert isinstance(pilot.app.screen, RearmModal)
        engine.publish(flatten=None)
        await says(pilot, "enter re-arms everything")
        await pilot.press("enter")
        assert engine.commands == [Rearm(by="operator", reason="calm")]
