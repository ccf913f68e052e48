"""Every key of the desk, pressed on a fake engine."""

from dataclasses import replace

import pytest

from core.commands import (
    CancelOrder,
    CloseBreaker,
    ExitPolicy,
    Rearm,
    SetStrategy,
    SubmitOrder,
    TripBreaker,
)
from core.decisions import TradingState
from core.events import LinkStatus
from core.model import OrderType, Side, TimeInForce
from core.state import BreakerStatus, EnginePhase, ExitReport, KillPhase, KillStatus
from tests.support.desk import on_screen, shows, text
from tests.support.fake_engine import FakeEngine, denied
from tests.support.waiting import eventually
from tui.app import Desk
from tui.keys import SURFACES
from tui.screens.desk import DeskScreen
from tui.screens.quit import LeavingModal, QuitModal
from tui.screens.rearm import RearmModal
from tui.screens.text import HelpModal, NoticeModal
from tui.screens.ticket import Ticket
from tui.theme import THEMES


def tripped() -> BreakerStatus:
    return BreakerStatus(market_id=None, is_tripped=True, by="operator", reason="tripped by key", at_us=1)


@pytest.mark.parametrize("key", ["ctrl+t", "f8"])
async def test_one_press_trips_the_breaker_of_everything(key: str):
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press(key)
        assert engine.commands == [TripBreaker(by="operator", reason="tripped by key", market_id=None)]


async def test_a_second_press_before_the_engine_answers_never_closes_the_breaker():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("f8", "f8")
        assert all(isinstance(command, TripBreaker) for command in engine.commands)


async def test_closing_a_tripped_breaker_asks_for_a_reason():
    engine = FakeEngine()
    engine.publish(breakers=(tripped(),))
    async with on_screen(engine) as pilot:
        await shows(pilot, "REDUCING")
        await pilot.press("ctrl+t")
        await shows(pilot, "close the circuit breaker", "type a reason")
        await pilot.press("enter")
        assert engine.commands == []
        await pilot.press(*"calm", "enter")
        assert engine.commands == [CloseBreaker(by="operator", reason="calm", market_id=None)]


async def test_escape_leaves_the_breaker_tripped():
    engine = FakeEngine()
    engine.publish(breakers=(tripped(),))
    async with on_screen(engine) as pilot:
        await shows(pilot, "REDUCING")
        await pilot.press("ctrl+t", *"calm", "escape")
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the window to close")
        assert engine.commands == []


async def test_enter_on_a_market_breaker_closes_that_one_only():
    engine = FakeEngine()
    market = engine.current.markets[2]
    engine.publish(breakers=(BreakerStatus(market_id=None), replace(tripped(), market_id=market.id)))
    async with on_screen(engine) as pilot:
        await shows(pilot, "REDUCING")
        await pilot.press("3", "down", "enter")
        await shows(pilot, "close the circuit breaker")
        await pilot.press(*"ok", "enter")
        assert engine.commands == [CloseBreaker(by="operator", reason="ok", market_id=market.id)]


async def test_n_opens_the_ticket_for_the_selected_market_and_enter_places_it():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("down", "down", "n")
        await eventually(lambda: isinstance(pilot.app.screen, Ticket), "the ticket")
        await pilot.press("tab", "s", "tab", "tab", *"1.5")
        await shows(pilot, "risk approves: sell 1.5 SOL for")
        await pilot.press("enter")
        [command] = engine.commands
        assert isinstance(command, SubmitOrder)
        intent, market = command.intent, engine.current.markets[2]
        assert (intent.market_id, intent.side, intent.type) == (market.id, Side.SELL, OrderType.LIMIT)
        assert (str(intent.size), str(intent.price), intent.tif) == ("1.5", "184.214", TimeInForce.GTT)


async def test_the_ticket_stays_open_and_says_why_when_risk_refuses():
    engine = FakeEngine()
    engine.decision = denied()
    async with on_screen(engine) as pilot:
        await pilot.press("n", "tab", "tab", "tab", *"25", "enter")
        await shows(pilot, "risk refuses (max order notional)", "more than 25,000 USDC")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, Ticket)
        assert engine.commands == []


@pytest.mark.parametrize("pane", ["4", "5"])
async def test_c_cancels_the_selected_order_of_the_focused_pane(pane: str):
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press(pane, "down", "c")
        order = engine.current.order_map[1].order
        assert engine.commands == [
            CancelOrder(market_id=order.intent.market_id, client_id=order.client_id, venue_id=order.venue_id)
        ]


async def test_c_cancels_an_order_only_the_venue_knows_by_its_id():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("5", "end", "c")
        [command] = engine.commands
        assert isinstance(command, CancelOrder)
        assert command.client_id is None
        assert command.venue_id == engine.current.order_map[-1].order.venue_id


async def test_c_does_nothing_where_no_order_is_selected():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("c", "2", "c", "6", "c")
        assert engine.commands == []


async def test_c_never_hits_the_neighbour_of_an_order_that_just_went_away():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("4")
        engine.publish(tasks=engine.current.tasks[1:])
        await shows(pilot, "4 tasks · 4")
        await pilot.press("c")
        assert engine.commands == []
        await pilot.press("down", "c")
        assert len(engine.commands) == 1


async def test_a_re_arms_with_the_word_and_a_reason():
    engine = FakeEngine()
    engine.publish(kill=KillStatus(phase=KillPhase.CONFIRMED, by="operator", at_us=1, may_be_live=0))
    async with on_screen(engine) as pilot:
        await shows(pilot, "KILL CONFIRMED")
        await pilot.press("a", "enter")
        await shows(pilot, "type REARM")
        await pilot.press(*"REARM", "enter", "enter")
        assert engine.commands == []
        await shows(pilot, "give a reason")
        await pilot.press(*"drill", "enter")
        assert engine.commands == [Rearm(by="operator", reason="drill")]


async def test_a_refuses_while_the_kill_is_not_confirmed():
    engine = FakeEngine()
    engine.publish(kill=KillStatus(phase=KillPhase.SENT, by="operator", at_us=1))
    async with on_screen(engine) as pilot:
        await shows(pilot, "KILL SENT")
        await pilot.press("a", *"REARM", "tab", *"drill", "enter")
        await shows(pilot, "not confirmed")
        assert isinstance(pilot.app.screen, RearmModal)
        assert engine.commands == []


async def test_a_does_nothing_while_nothing_is_killed():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("a")
        assert isinstance(pilot.app.screen, DeskScreen)


async def test_s_stops_and_starts_the_strategy():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("s")
        engine.publish(strategies=(replace(engine.current.strategies[0], is_running=False),))
        await shows(pilot, "maker stopped")
        await pilot.press("s")
        assert engine.commands == [
            SetStrategy(name="maker", running=False, by="operator"),
            SetStrategy(name="maker", running=True, by="operator"),
        ]


async def test_question_mark_shows_every_key():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("question_mark")
        await eventually(lambda: isinstance(pilot.app.screen, HelpModal), "the help")
        await shows(pilot, "ctrl+k", "F12", "Open the order ticket", "ctrl+q", "Lift a confirmed kill")
        await pilot.press("escape")
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the help to close")


async def test_digits_and_tab_move_the_focus():
    async with on_screen(FakeEngine()) as pilot:
        seen = []
        for key in ("1", "2", "3", "4", "5", "6", "tab", "shift+tab"):
            await pilot.press(key)
            seen.append(pilot.app.focused.id)
        assert seen == ["prices", "limits", "breakers", "tasks", "order-map", "log", "prices", "log"]


async def test_enter_on_the_log_shows_a_line_in_full():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.press("6", "home", "enter")
        await eventually(lambda: isinstance(pilot.app.screen, NoticeModal), "the notice")
        await shows(pilot, "reconciled: 6 orders")


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c"])
async def test_quit_asks_while_orders_may_be_live_and_escape_stays(key: str):
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press(key)
        await shows(pilot, "6 orders may be live", "cancel all and quit", "keep and quit", "stay")
        await pilot.press(key, "escape")
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the question to close")
        assert engine.stops == []


@pytest.mark.parametrize(("keys", "policy"), [((), ExitPolicy.CANCEL), (("right",), ExitPolicy.KEEP)])
async def test_quit_hands_the_chosen_policy_to_the_engine_and_waits_for_its_report(keys, policy):
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+q", *keys, "enter")
        await eventually(lambda: pilot.app.return_value is not None, "the report")
        assert engine.stops == [(policy, "the operator quits")]
        assert pilot.app.return_value is engine.report


async def test_flatten_and_quit_is_asked_a_second_time_and_names_what_would_be_closed():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+q", "right", "right", "enter")
        await shows(pilot, "flatten and quit", "close every position", "+1.2500 ETH")
        assert engine.stops == []
        await pilot.press("enter")  # one key too many
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the questions to close")
        assert engine.stops == []
        await pilot.press("ctrl+q", "f", "enter")
        await shows(pilot, "close every position")
        await pilot.press("c", "enter")
        await eventually(lambda: engine.stops, "the engine to be asked")
        assert engine.stops == [(ExitPolicy.FLATTEN, "the operator quits")]


async def test_stay_stays():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+q", "left", "enter")
        await eventually(lambda: isinstance(pilot.app.screen, DeskScreen), "the question to close")
        assert engine.stops == []


async def test_leaving_shows_how_far_the_exit_policy_is_and_a_second_quit_leaves_the_screen():
    engine = FakeEngine()
    engine.ends_when_asked = False
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+q", "enter")
        await eventually(lambda: isinstance(pilot.app.screen, LeavingModal), "the progress")
        engine.publish(phase=EnginePhase.STOPPING, phase_detail="2 of 6 are gone")
        await shows(pilot, "cancelling every order", "2 of 6 are gone")
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, LeavingModal)
        await pilot.press("ctrl+q")
    assert engine.gone.wait(5)


async def test_quit_does_not_ask_when_nothing_can_be_live():
    engine = FakeEngine()
    engine.publish(tasks=(), order_map=())
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+q")
        await eventually(lambda: pilot.app.return_value is not None, "the report")
        assert engine.stops == [(ExitPolicy.CANCEL, "the operator quits")]


async def test_quit_asks_while_it_is_unknown_what_is_live():
    engine = FakeEngine()
    engine.publish(tasks=(), order_map=(), phase=EnginePhase.CONNECTING)
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+q")
        await eventually(lambda: isinstance(pilot.app.screen, QuitModal), "the question")
        await shows(pilot, "orders at the venue: unknown")


async def test_quit_asks_while_a_stream_is_down_however_empty_the_map_is():
    engine = FakeEngine()
    down = replace(engine.current.links[0], status=LinkStatus.DOWN)
    engine.publish(tasks=(), order_map=(), links=(down, *engine.current.links[1:]))
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+q")
        await shows(pilot, "orders at the venue: unknown (0 known of)")
        assert engine.stops == []


async def test_an_engine_that_cannot_begin_ends_the_desk_with_its_report():
    engine = FakeEngine()
    engine.report = ExitReport(is_clean=True, text="ETHX: no such market", exit_code=2)
    async with on_screen(engine) as pilot:
        engine.end()
        await eventually(lambda: pilot.app.return_value is not None, "the report")
        assert pilot.app.return_value == engine.report


async def test_an_engine_that_ends_by_itself_is_said_in_words_and_leaves_the_screen_up():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        engine.report = ExitReport(is_clean=False, text="the journal cannot be written", exit_code=1)
        engine.publish(phase=EnginePhase.FAILED, phase_detail="disk full", trading=TradingState.HALTED)
        engine.end()
        await shows(pilot, "ENGINE FAILED", "the journal cannot be written", "disk full", "◌ stale")
        await pilot.press("ctrl+q")
        assert pilot.app.return_value is engine.report


async def test_an_engine_that_breaks_is_said_in_words():
    engine = FakeEngine()
    engine.failure = RuntimeError("a rule was broken")
    async with on_screen(engine) as pilot:
        engine.end()
        await shows(pilot, "ENGINE ENDED", "a rule was broken", "may still be live")


async def test_the_engine_sees_that_the_desk_is_gone():
    engine = FakeEngine()
    async with on_screen(engine):
        pass
    assert engine.gone.wait(5)
    assert engine.report is not None


async def test_the_palette_offers_nothing_dangerous_and_only_what_works_now():
    async with on_screen(FakeEngine()) as pilot:
        app = pilot.app
        assert isinstance(app, Desk)
        titles = {command.title for command in app.get_system_commands(app.screen)}
        looks = (
            {key.label for key in SURFACES} | {f"theme {name}" for name in THEMES} | {"privacy", "picture", "journal"}
        )
        assert titles == {"order", "plan", "limit", "trip", "stop part", "strategy", "help"} | looks


async def test_keys_that_would_do_nothing_are_grey_and_not_gone():
    engine = FakeEngine()
    engine.publish(strategies=())
    async with on_screen(engine) as pilot:
        app = pilot.app
        assert isinstance(app, Desk)
        assert "re-arm" in text(app)
        assert app.check_action("rearm", ()) is None
        assert app.check_action("strategy", ()) is None
        await pilot.press("4")
        await eventually(lambda: app.check_action("cancel", ()) is True, "cancel to be possible")
