"""Missed fills: asked for from the last trade that is proven whole, for as long as it takes."""

from dataclasses import replace

import pytest

from core.engine import effects as fx
from core.events import FillReported, FillsBegin, LinkChanged, LinkHealth, LinkName, LinkStatus, MarketsListed
from core.model import Fill
from core.state import EnginePhase
from core.units import TradeId, VenueOrderId
from tests.support.fake_connector import MARKETS
from tests.support.machine import Bench, buy


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def asked(bench: Bench) -> list[int]:
    """From where missed fills were asked for since the last clearing."""
    return [effect.after for effect in bench.of(fx.CatchUpFills)]


def gap_and_crash(bench: Bench) -> tuple[Bench, Fill]:
    """Three fills, the second missed, and the engine ends before anybody noticed."""
    report = bench.rest(buy("0.3"))
    first, missed, third = (bench.fill_of(report, "0.1") for _ in range(3))
    bench.tell(FillReported(fill=first), FillReported(fill=third))
    return bench.restarted(), missed


def test_a_fill_missed_before_a_crash_is_booked_although_a_newer_one_was(bench: Bench) -> None:
    fresh, missed = gap_and_crash(bench)
    fresh.connect()
    (after,) = asked(fresh)
    assert after < missed.trade_id
    fresh.tell(*(FillReported(fill=fill) for fill in (missed, missed)), fx.FillsCaughtUp(up_to=TradeId(3)))
    assert sorted(trade_id for trade_id, _ in fresh.fills) == [1, 2, 3]


def test_the_mark_moves_with_answers_only_and_survives(bench: Bench) -> None:
    fresh, missed = gap_and_crash(bench)
    fresh.connect()
    fresh.tell(FillReported(fill=missed), fx.FillsCaughtUp(up_to=TradeId(3)))
    fresh.fill(fresh.rest(), "0.1")
    again = fresh.restarted()
    again.connect()
    assert asked(again) == [3]


def test_the_mark_waits_for_fills_that_wait_for_the_journal(bench: Bench) -> None:
    stranger = replace(bench.fill_of(bench.rest(), "0.1"), venue_order_id=VenueOrderId(5), client_order_id=None)
    effects = bench.machine.on_event(FillReported(fill=stranger), bench.now)
    bench.tell(fx.FillsCaughtUp(up_to=stranger.trade_id))
    assert asked_after_a_crash(bench) == [0]
    bench.keep(effects)
    bench.wait(ms=50)
    assert asked_after_a_crash(bench) == [stranger.trade_id]


def asked_after_a_crash(bench: Bench) -> list[int]:
    fresh = bench.restarted()
    fresh.connect()
    return asked(fresh)


def test_where_nothing_was_ever_recorded_nothing_older_is_asked_for() -> None:
    fresh = Bench()
    fresh.tell(FillsBegin(after=TradeId(700)))
    fresh.connect()
    assert fresh.phase is EnginePhase.RUNNING
    assert asked(fresh) == []
    assert asked_after_a_crash(fresh) == [700]


def test_a_venue_that_is_away_is_waited_for(bench: Bench) -> None:
    report = bench.rest()
    bench.fill(report, "0.04")
    fresh = bench.restarted()
    fresh.tell(MarketsListed(markets=MARKETS), fx.ConnectorStarted())
    for _ in range(60):  # the venue throttles this address for a minute
        fresh.tell(fx.ListFailed(why="throttled"), fx.ViewFailed(why="throttled"), fx.CatchUpFailed(why="throttled"))
        fresh.wait(seconds=1)
    fresh.effects.clear()
    fresh.connect(report)
    fresh.tell(fx.CatchUpFailed(why="throttled"))
    fresh.wait(seconds=2)
    assert fresh.phase is EnginePhase.RECONCILING
    assert asked(fresh)
    fresh.tell(fx.FillsCaughtUp())
    fresh.wait(ms=50)
    assert "cannot be had" not in fresh.texts()


def test_also_when_it_goes_away_after_the_list_was_had(bench: Bench) -> None:
    bench.fill(bench.rest(), "0.1")
    fresh = bench.restarted()
    fresh.connect()
    for _ in range(60):
        fresh.tell(fx.CatchUpFailed(why="throttled"))
        if fresh.of(fx.ListOpenOrders):
            fresh.effects.clear()
            fresh.tell(fx.ListFailed(why="throttled"))
        fresh.wait(seconds=1)
    assert fresh.phase is EnginePhase.RECONCILING


def test_trading_begins_without_what_the_venue_will_not_tell_and_the_asking_goes_on(bench: Bench) -> None:
    bench.fill(bench.rest(), "0.1")
    fresh = bench.restarted()
    fresh.connect()
    for _ in range(10):
        fresh.tell(fx.CatchUpFailed(why="refused"))
        fresh.lists()
        fresh.wait(seconds=1)
    assert fresh.phase is EnginePhase.RUNNING
    assert "still trying: refused" in fresh.texts()
    for _ in range(3):
        fresh.effects.clear()
        fresh.wait(seconds=16)
        assert asked(fresh) == [0]
        fresh.tell(fx.CatchUpFailed(why="refused"))
    fresh.tell(fx.FillsCaughtUp(up_to=TradeId(1)))
    assert "were had after all" in fresh.texts()
    fresh.effects.clear()
    fresh.wait(seconds=400)
    assert asked(fresh) == []


def test_a_link_that_returns_is_a_reason_to_ask(bench: Bench) -> None:
    for status in (LinkStatus.LIVE, LinkStatus.DOWN):
        bench.tell(LinkChanged(link=LinkHealth(name=LinkName.ACCOUNT, status=status)))
    bench.wait(seconds=1)
    assert asked(bench) == []
    bench.tell(LinkChanged(link=LinkHealth(name=LinkName.ACCOUNT, status=LinkStatus.LIVE)))
    bench.wait(seconds=1)
    assert asked(bench) == [0]


def test_new_fills_are_proven_whole_every_five_minutes(bench: Bench) -> None:
    bench.wait(seconds=400)
    assert asked(bench) == [], "nothing was traded"
    fill = bench.fill(bench.rest(), "0.1")
    bench.effects.clear()
    bench.wait(seconds=299)
    assert asked(bench) == []
    bench.wait(seconds=2)
    assert asked(bench) == [0]
    bench.tell(fx.FillsCaughtUp(up_to=fill.trade_id))
    bench.wait(seconds=400)
    assert len(asked(bench)) == 1
