"""What stands on the screen at the sizes the desk is made for, and what it says of every trouble."""

from dataclasses import replace
from itertools import product

import pytest

from core.clock import Instant
from core.decisions import TradingState
from core.events import LinkHealth, LinkName, LinkStatus, NoticeLevel
from core.model import BookStatus
from core.state import BreakerStatus, EnginePhase, EngineState, KillPhase, KillStatus, Notice
from tests.support.desk import LARGE, SMALL, on_screen, rows, shows, text
from tests.support.fake_engine import FakeEngine, a_quote, a_state
from tests.support.waiting import eventually

TITLES = ("1 prices", "2 risk limits", "3 circuit breaker", "4 tasks", "5 order map", "6 log")
SIZES = [LARGE, SMALL, (80, 50), (200, 24), (130, 38), (129, 37), (300, 80)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_pane_shows_its_title_and_its_first_row(size: tuple[int, int]):
    async with on_screen(FakeEngine(), size) as pilot:
        await shows(pilot, *TITLES)
        await shows(pilot, "3021.54", "gross USDC", "○ closed", "sell", "= both", "venue only", "PAPER", "● ACTIVE")
        screen = rows(pilot.app)
        assert (max(map(len, screen)), len(screen)) == size
        assert "KILL" in screen[-1]
        assert "quit" in screen[-1]


async def test_every_pane_keeps_a_row_at_80x24_when_everything_goes_wrong_at_once():
    engine = FakeEngine()
    engine.publish(
        kill=KillStatus(phase=KillPhase.FAILING, by="operator", at_us=1, attempts=3, detail="connection refused"),
        phase=EnginePhase.STOPPING,
        phase_detail="the venue does not answer",
    )
    async with on_screen(engine, SMALL) as pilot:
        await shows(pilot, *TITLES, "3021.54", "gross USDC", "= both", "KILL FAILING", "the venue does not answer")


async def test_the_large_screen_shows_every_column():
    async with on_screen(FakeEngine()) as pilot:
        await shows(pilot, "BID SIZE", "ASK SIZE", "SPREAD", "24h %", "MARK", "FUND", "POSITION", "FILLED", "ORIGIN")
        await shows(pilot, "AGE", "KNOWN TO", "+1.2500", "-40.000", "equity 100,234.12 USDC", "+234.12 USDC")
        await shows(pilot, "1763800000001", "281474976711357", "= both", "◁ ours only", "▷ venue only")


async def test_losses_and_gains_carry_their_sign():
    engine = FakeEngine()
    engine.publish(day_pnl=-engine.current.day_pnl)
    async with on_screen(engine) as pilot:
        await shows(pilot, "day PnL -234.12", "+2.31", "-3.19")


async def test_stale_is_said_by_glyph_word_and_age():
    engine = FakeEngine()
    engine.clock.advance(seconds=12)
    quotes = (a_quote(engine.current.markets[0], status=BookStatus.STALE, reason="link down"),)
    engine.publish(quotes=quotes + engine.current.quotes[1:])
    for size in (LARGE, SMALL):
        async with on_screen(engine, size) as pilot:
            await eventually(lambda app=pilot.app: any("ETH" in row and "◌ stale" in row for row in rows(app)), "stale")
            row = next(row for row in rows(pilot.app) if "ETH" in row and "◌ stale" in row)
            assert "12s" in row


async def test_prices_are_stale_and_the_engine_is_called_silent_when_nothing_is_published():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        assert "SILENT" not in text(pilot.app)
        engine.clock.advance(seconds=4)
        await shows(pilot, "ENGINE SILENT 4s", "◌ stale", "? ACTIVE", "? live", "all below is as it was then")
        assert "● ACTIVE" not in text(pilot.app)
        engine.publish()
        await shows(pilot, "● ACTIVE")
        assert "SILENT" not in text(pilot.app)


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=str)
async def test_before_the_first_state_the_header_says_what_it_waits_for(size: tuple[int, int]):
    engine = FakeEngine()
    engine.current = EngineState(
        seq=0,
        published=engine.clock.now(),
        phase=EnginePhase.CONNECTING,
        phase_detail="venue http://127.0.0.1:1 does not answer; next try in 4 s",
        profile="paper",
    )
    async with on_screen(engine, size) as pilot:
        await shows(pilot, "CONNECTING: venue http://127.0.0.1:1 does not answer; next try in 4 s", "■ HALTED")
        await shows(pilot, "no market yet", "no open task", "no stream yet")


async def test_links_show_their_status_and_age():
    engine = FakeEngine()
    now = engine.clock.advance(seconds=9)
    engine.publish(
        links=(
            LinkHealth(
                name=LinkName.MARKET_DATA, status=LinkStatus.DOWN, detail="refused", last_message_ns=now.mono_ns
            ),
            LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.CONNECTING),
            LinkHealth(name=LinkName.REST, status=LinkStatus.LIVE, last_message_ns=now.mono_ns - 7_000_000_000),
        )
    )
    async with on_screen(engine) as pilot:
        await shows(pilot, "market data ■ DOWN 0s", "account ◌ connecting \u2013", "rest ● live 7s", "refused")


async def test_money_and_positions_are_stale_while_the_account_stream_is_down():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await shows(pilot, "equity 100,234.12")
        assert "stale" not in text(pilot.app)
        down = [
            replace(link, status=LinkStatus.DOWN) if link.name is LinkName.ACCOUNT else link
            for link in engine.state().links
        ]
        engine.publish(links=tuple(down))
        await shows(pilot, "◌ stale equity 100,234.12", "◌+1.2500", "◌ \u2013")


async def test_nothing_is_claimed_of_orders_while_the_venue_cannot_be_asked():
    engine = FakeEngine()
    engine.publish(order_map=(), tasks=(), is_listed=False, phase=EnginePhase.CONNECTING, phase_detail="calling")
    async with on_screen(engine) as pilot:
        await shows(pilot, "? what is live at the venue is not known")
        engine.publish(is_listed=True, phase=EnginePhase.RUNNING)
        await shows(pilot, "nothing may be live on either side")
        assert "not known" not in text(pilot.app)


async def test_halted_says_why():
    engine = FakeEngine()
    engine.publish(
        trading=TradingState.REDUCING,
        trading_detail="breaker tripped by operator",
        breakers=(
            BreakerStatus(market_id=None, is_tripped=True, by="operator", reason="news", at_us=1_790_000_000_000_000),
        ),
    )
    async with on_screen(engine) as pilot:
        await shows(pilot, "◐ REDUCING", "breaker tripped by operator", "operator: news", "14:13:20")


async def test_real_money_is_said():
    async with on_screen(FakeEngine(), is_live=True) as pilot:
        await shows(pilot, "REAL MONEY")


async def test_text_from_outside_cannot_steer_the_terminal():
    engine = FakeEngine()
    evil = "\x1b[2J\x07\u202egnp\u200b\n\rend"
    engine.publish(notices=(Notice(seq=9, at_us=1, level=NoticeLevel.ALERT, source=evil, text=evil),), venue=evil)
    async with on_screen(engine) as pilot:
        await shows(pilot, "·[2J··gnp···end")
        assert not any(letter in row for letter, row in product("\x1b\x07\u202e\u200b\n\r", rows(pilot.app)))


async def test_the_screen_follows_the_terminal_size():
    async with on_screen(FakeEngine()) as pilot:
        await pilot.resize_terminal(60, 20)
        await shows(pilot, "expected at least 80x24,", "this terminal is 60x20; enlarge it")
        assert "1 prices" not in text(pilot.app)
        await pilot.resize_terminal(*SMALL)
        await shows(pilot, *TITLES)
        assert "enlarge it" not in text(pilot.app)


async def test_the_clock_moves_by_the_second():
    engine = FakeEngine()
    async with on_screen(engine) as pilot:
        await shows(pilot, "14:13:20 UTC")
        engine.clock.advance(seconds=1)
        await shows(pilot, "14:13:21 UTC")


async def test_200_markets_scroll():
    engine = FakeEngine()
    first = engine.current.markets[0]
    markets = tuple(replace(first, id=number, symbol=f"M{number}") for number in range(200))
    engine.current = a_state(engine.clock, markets=markets, quotes=(), tasks=(), order_map=(), positions=())
    async with on_screen(engine, SMALL) as pilot:
        await pilot.press("1", "end")
        await shows(pilot, "M199", "1 prices · 200  ▲19")


def test_an_instant_is_what_the_screen_calls_it():
    assert Instant(mono_ns=0, utc_us=1_790_000_000_000_000).text() == "14:13:20"


async def test_an_order_of_a_market_nobody_described_is_shown_all_the_same():
    engine = FakeEngine()
    engine.current = a_state(engine.clock, markets=(), quotes=(), positions=())
    async with on_screen(engine) as pilot:
        await shows(pilot, "4 tasks · 5", "5 order map · 6", "#0", "#3", "3021.55")
        await pilot.press("4", "c")
        assert len(engine.commands) == 1


async def test_an_engine_that_failed_is_never_shown_as_active():
    engine = FakeEngine()
    engine.failure = RuntimeError("broken")
    async with on_screen(engine) as pilot:
        engine.end()
        await shows(pilot, "ENGINE ENDED", "? ACTIVE", "◌ stale")
        assert "● ACTIVE" not in text(pilot.app)
        assert "● live" not in text(pilot.app)


async def test_on_a_screen_too_small_to_show_it_nothing_happens_but_kill_and_quit():
    engine = FakeEngine()
    async with on_screen(engine, (40, 10)) as pilot:
        await shows(pilot, "expected at least 80x24")
        await pilot.press("s", "f8", "n", "1")
        assert engine.commands == []
        assert not pilot.app.screen.is_modal
        await pilot.press("f12")
        assert len(engine.kills) == 1


async def test_orders_are_called_stale_while_the_account_stream_is_down():
    engine = FakeEngine()
    down = [
        replace(link, status=LinkStatus.DOWN) if link.name is LinkName.ACCOUNT else link
        for link in engine.state().links
    ]
    engine.publish(links=tuple(down))
    async with on_screen(engine) as pilot:
        await eventually(
            lambda: (
                sum("◌ stale: the account" in row for row in rows(pilot.app)) >= 1
                and text(pilot.app).count("◌ stale: the account") == 2
            ),
            "both panes to say so",
        )
