"""The kill key on every screen, and what the banner says until the venue has confirmed."""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from textual.command import CommandPalette

from core.decisions import TradingState
from core.history import HistoryRow
from core.state import BreakerStatus, KillPhase, KillStatus
from tests.support.desk import SMALL, on_screen, shows, text
from tests.support.fake_engine import FakeEngine
from tests.support.waiting import eventually
from tui import screens
from tui.keys import KILL, is_kill_key
from tui.screens.alerts import AlertsScreen
from tui.screens.breaker import CloseBreakerModal
from tui.screens.confirm import ConfirmModal
from tui.screens.desk import DeskScreen
from tui.screens.drill import DrillModal
from tui.screens.health import HealthScreen
from tui.screens.journal import JournalModal, JournalRowModal
from tui.screens.limit import LimitModal
from tui.screens.log import LogScreen
from tui.screens.market import MarketScreen
from tui.screens.modal import Modal
from tui.screens.modify import ModifyModal
from tui.screens.orders import OrdersScreen
from tui.screens.part import PartModal
from tui.screens.plan import PlanModal
from tui.screens.quit import LeavingModal, QuitModal
from tui.screens.rearm import RearmModal
from tui.screens.risk import RiskScreen
from tui.screens.strategies import StrategiesScreen
from tui.screens.surface import Surface
from tui.screens.text import HelpModal, NoticeModal
from tui.screens.ticket import Ticket
from tui.screens.trip import TripModal

SURFACES = [
    ("m", MarketScreen),
    ("o", OrdersScreen),
    ("r", RiskScreen),
    ("t", StrategiesScreen),
    ("e", AlertsScreen),
    ("l", LogScreen),
    ("h", HealthScreen),
]
WAYS = [
    ((), DeskScreen),
    (("n",), Ticket),
    (("n", "tab", "tab", "tab"), Ticket),
    (("a",), RearmModal),
    (("question_mark",), HelpModal),
    (("6", "home", "enter"), NoticeModal),
    (("ctrl+t",), CloseBreakerModal),
    (("ctrl+q",), QuitModal),
    (("ctrl+q", "enter"), LeavingModal),
    (("ctrl+q", "f", "enter"), ConfirmModal),
    (("f3",), PlanModal),
    (("f4",), LimitModal),
    (("f10",), DrillModal),
    (("4", "f2"), ModifyModal),
    (("ctrl+f",), JournalModal),
    (("f6",), TripModal),
    (("f7",), PartModal),
    (("ctrl+p",), CommandPalette),
    (("o", "slash"), OrdersScreen),
    *(((key,), screen) for key, screen in SURFACES),
    *(((key, "ctrl+p"), CommandPalette) for key, _ in SURFACES),
    *(((key, "n"), Ticket) for key, _ in SURFACES),
]


def latched(phase: KillPhase, **changes: object) -> KillStatus:
    return replace(KillStatus(phase=phase, by="operator", at_us=1_790_000_000_000_000, pressed_ns=1_000), **changes)


@pytest.mark.parametrize("size", [(200, 50), SMALL], ids=str)
@pytest.mark.parametrize(("way", "screen"), WAYS, ids=[f"{screen.__name__}-{'-'.join(way)}" for way, screen in WAYS])
async def test_every_kill_key_works_on_every_screen(way: Sequence[str], screen: type, size: tuple[int, int]):
    engine = FakeEngine()
    engine.ends_when_asked = False
    engine.takes_up_kills = False
    engine.publish(
        kill=latched(KillPhase.CONFIRMED, may_be_live=0) if screen is RearmModal else KillStatus(),
        breakers=(BreakerStatus(market_id=None, is_tripped=screen is CloseBreakerModal),),
    )
    async with on_screen(engine, size) as pilot:
        await pilot.press(*way)
        await eventually(lambda: isinstance(pilot.app.screen, screen), f"{screen.__name__}")
        for presses, key in enumerate(KILL.keys, 1):
            await pilot.press(key)
            assert engine.kills == [("operator", engine.clock.now().mono_ns)] * presses
        assert isinstance(pilot.app.screen, screen)
        await shows(pilot, "KILL ")


async def test_every_kill_key_works_over_a_row_of_the_journal():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await pilot.app.push_screen(JournalRowModal(HistoryRow(seq=1, at_us=1, kind="fill", text="", world="paper")))
        await pilot.press(*KILL.keys)
        assert len(engine.kills) == len(KILL.keys)


def test_no_screen_and_no_window_is_left_out_of_the_walk():
    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(module.name)
    walked = {screen for _, screen in WAYS} | {JournalRowModal}
    assert {one for one in _below(Modal) | _below(Surface) if not _below(one)} <= walked


def _below(base: type) -> set[type]:
    return {one for child in base.__subclasses__() for one in (child, *_below(child))}


async def test_the_kill_key_works_in_a_terminal_that_is_too_small():
    engine = FakeEngine()
    async with on_screen(engine, (60, 20)) as pilot:
        await pilot.press("f12")
        assert len(engine.kills) == 1
        await shows(pilot, "KILL REQUESTED", "expected at least 80x24", "60x20")


async def test_the_banner_stands_from_the_press_on_even_if_the_engine_never_answers():
    engine = FakeEngine()
    engine.takes_up_kills = False
    async with on_screen(engine) as pilot:
        await pilot.press("ctrl+k")
        await shows(pilot, "KILL REQUESTED", "may still be live: unknown", "has not taken it up yet")
        engine.publish(kill=latched(KillPhase.SENT, sent_ns=3_101_000, may_be_live=4))
        await shows(pilot, "KILL SENT", "may still be live: 4", "sent 3.1 ms")
        engine.publish(kill=KillStatus())
        await eventually(lambda: "KILL SENT" not in text(pilot.app), "the banner to go once it is re-armed")
        assert "KILL REQUESTED" not in text(pilot.app)


@pytest.mark.parametrize("size", [(200, 50), SMALL])
@pytest.mark.parametrize(
    ("kill", "words"),
    [
        (latched(KillPhase.REQUESTED, may_be_live=3), ("KILL REQUESTED", "may still be live: 3", "not sent yet")),
        (latched(KillPhase.SENT, sent_ns=4_301_000), ("KILL SENT", "live: unknown", "sent 4.3 ms", "confirmed \u2013")),
        (
            latched(KillPhase.CONFIRMED, sent_ns=4_301_000, confirmed_ns=214_001_000, may_be_live=0),
            ("KILL CONFIRMED", "may still be live: 0", "sent 4.3 ms", "confirmed 214.0 ms", "a re-arms"),
        ),
        (
            latched(KillPhase.FAILING, attempts=7, may_be_live=2, detail="connection refused"),
            ("KILL FAILING", "may still be live: 2", "attempt 7", "connection refused"),
        ),
    ],
    ids=lambda value: value.phase.value if isinstance(value, KillStatus) else None,
)
async def test_every_phase_is_said_in_words(kill: KillStatus, words: tuple[str, ...], size: tuple[int, int]):
    engine = FakeEngine()
    engine.publish(kill=kill, trading=TradingState.HALTED)
    async with on_screen(engine, size) as pilot:
        await shows(pilot, *words, "HALTED")
        shown = text(pilot.app).lower()
        if kill.phase is not KillPhase.CONFIRMED:
            assert not any(word in shown for word in ("flat", "all cancelled", "list is empty", "kill confirmed"))


async def test_a_kill_from_another_thread_is_taken_and_shown():
    engine = FakeEngine()
    engine.takes_up_kills = False
    async with on_screen(engine) as pilot:
        import asyncio

        await asyncio.to_thread(pilot.app.kill_now)
        assert len(engine.kills) == 1
        await shows(pilot, "KILL REQUESTED")


@pytest.mark.parametrize("key", ["ctrl+k", "alt+ctrl+k", "ctrl+shift+k", "f12", "shift+f12", "alt+f12"])
def test_a_kill_key_is_one_whatever_else_is_held(key: str):
    assert is_kill_key(key)


@pytest.mark.parametrize("key", ["k", "K", "shift+k", "alt+k", "f1", "f2", "f11", "ctrl+j", "ctrl+t"])
def test_nothing_else_is_a_kill_key(key: str):
    assert not is_kill_key(key)


def test_milliseconds_are_counted_from_the_press():
    kill = latched(KillPhase.CONFIRMED, sent_ns=2_501_000, confirmed_ns=10_001_000)
    assert (kill.sent_ms, kill.confirmed_ms) == (Decimal("2.5"), Decimal(10))
