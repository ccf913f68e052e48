"""Limits at run time: in force at once, remembered, and never loosened while anything is held."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from core.commands import CloseBreaker, ReloadLimits, ResetLimits, SetLimit, TripBreaker
from core.decisions import DenyReason, TradingState
from core.engine import effects as fx
from core.engine.records import SavedCommand, SavedLog
from core.events import MarketsListed
from core.limits import MarketLimits, RiskLimits
from core.state import LimitsInForce
from core.units import TradeId
from tests.support.fake_connector import MARKETS
from tests.support.machine import EMPTY_IMAGE, Bench

BASE = RiskLimits(duplicate_window_ms=0, max_messages=100_000)


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.connect()
    return ready


def rules(bench: Bench) -> LimitsInForce:
    return bench.facts.rules


def set_limit(bench: Bench, name: str, value: str, *, market: str = "", reason: str = "because") -> None:
    bench.wish(SetLimit(name=name, value=value, market=market, by="the desk", reason=reason))


def reload(name: str = "", value: object = None) -> ReloadLimits:
    """The file was read anew, perhaps with one limit changed."""
    limits = BASE.model_copy(update={name: value}) if name else BASE
    return ReloadLimits(limits=limits.model_dump_json(), by="the configuration file")


def restarted(bench: Bench, limits: RiskLimits = BASE) -> Bench:
    after = Bench(image=replace(EMPTY_IMAGE, meta=dict(bench.meta)), limits=limits)
    after.connect()
    after.tell(fx.FillsCaughtUp(up_to=TradeId(0)))
    return after


def logged(bench: Bench) -> list[str]:
    return [
        record.text
        for effect in bench.effects
        if isinstance(effect, fx.Persist)
        for record in effect.records
        if isinstance(record, SavedLog) and record.kind == "limits"
    ]


def test_a_lowered_limit_decides_the_very_next_order(bench: Bench) -> None:
    bench.submit()
    set_limit(bench, "max_order_notional", "1")
    bench.submit_denied()
    (denied,) = [
        t for t in bench.facts.orders.recent() if t.order.reason.startswith(DenyReason.MAX_ORDER_NOTIONAL.value)
    ]
    assert denied
    assert rules(bench).limits.max_order_notional == bench.facts.risk.limits.max_order_notional == Decimal(1)
    assert [(one.name, one.value, one.file_value) for one in rules(bench).overrides] == [
        ("max_order_notional", "1", "25000")
    ]


def test_old_and_new_value_who_and_why_are_journalled(bench: Bench) -> None:
    bench.effects.clear()
    set_limit(bench, "max_order_notional", "9000", reason="thin book")
    assert logged(bench) == ["limits changed by the desk: max_order_notional 25000 -> 9000 (thin book)"]
    commands = [
        record.command
        for effect in bench.effects
        if isinstance(effect, fx.Persist)
        for record in effect.records
        if isinstance(record, SavedCommand)
    ]
    assert [type(command) for command in commands] == [SetLimit]


def test_a_refused_change_changes_nothing_and_is_journalled(bench: Bench) -> None:
    before = bench.facts.risk
    bench.effects.clear()
    set_limit(bench, "max_order_notional", "-1")
    assert bench.facts.risk is before
    assert rules(bench).is_refused
    assert "greater than 0" in rules(bench).answer
    assert logged(bench) == [rules(bench).answer]


def test_nothing_is_raised_while_killed_and_lowering_is_allowed(bench: Bench) -> None:
    bench.press()
    set_limit(bench, "max_daily_loss", "6000")
    assert rules(bench).is_refused
    bench.wish(reload("max_drawdown", None))
    assert rules(bench).is_refused
    assert bench.facts.risk.limits == BASE
    set_limit(bench, "max_daily_loss", "4000")
    assert not rules(bench).is_refused
    bench.wish(ResetLimits(by="the desk", reason="as it was"))
    assert rules(bench).is_refused, "what the file says is looser"
    assert bench.facts.risk.limits.max_daily_loss == Decimal(4_000)


def test_nothing_is_raised_while_a_breaker_is_tripped(bench: Bench) -> None:
    bench.wish(TripBreaker(by="test", reason="odd", strategy="maker"))
    set_limit(bench, "max_daily_loss", "6000")
    assert rules(bench).is_refused
    bench.wish(CloseBreaker(by="test", reason="fine", strategy="maker"))
    set_limit(bench, "max_daily_loss", "6000")
    assert not rules(bench).is_refused


def test_a_tripped_breaker_takes_over_a_stricter_meaning(bench: Bench) -> None:
    bench.wish(TripBreaker(by="test", reason="odd"))
    set_limit(bench, "breaker_trips_to", "halted")
    assert bench.facts.trading()[0] is TradingState.HALTED


class TestRestart:
    def test_what_was_set_survives_and_stays_visible(self, bench: Bench) -> None:
        set_limit(bench, "max_order_notional", "9000")
        set_limit(bench, "max_order_size", "2", market="ETH")
        after = restarted(bench)
        assert after.facts.risk.limits.max_order_notional == Decimal(9_000)
        assert after.facts.risk.limits.markets["ETH"].max_order_size == Decimal(2)
        assert {one.name for one in rules(after).overrides} == {"max_order_notional", "markets.ETH.max_order_size"}
        assert any("hold over the file" in notice.text for notice in after.facts.notices.all())

    def test_the_file_wins_where_it_was_edited(self, bench: Bench) -> None:
        set_limit(bench, "max_order_notional", "9000")
        set_limit(bench, "max_daily_loss", "100")
        after = restarted(bench, BASE.model_copy(update={"max_order_notional": Decimal(8_000)}))
        assert after.facts.risk.limits.max_order_notional == Decimal(8_000)
        assert after.facts.risk.limits.max_daily_loss == Decimal(100)
        assert [one.name for one in rules(after).overrides] == ["max_daily_loss"]

    def test_a_looser_file_waits_while_killed(self, bench: Bench) -> None:
        bench.press()
        looser = BASE.model_copy(update={"max_daily_loss": Decimal(9_000)})
        after = restarted(bench, looser)
        assert after.kill.is_latched
        assert after.facts.risk.limits == BASE
        assert any("max_daily_loss looser" in notice.text for notice in after.facts.notices.all())

    def test_a_breaker_keeps_its_stricter_meaning(self, bench: Bench) -> None:
        set_limit(bench, "breaker_trips_to", "halted")
        bench.wish(TripBreaker(by="test", reason="odd"))
        assert restarted(bench).facts.trading()[0] is TradingState.HALTED

    def test_a_file_that_contradicts_them_halts_until_reset(self, bench: Bench) -> None:
        set_limit(bench, "max_order_notional", "20000")
        small = BASE.model_copy(
            update={"max_position_notional": Decimal(15_000), "max_order_notional": Decimal(25_000)}
        )
        after = restarted(bench, small)
        assert after.facts.trading()[0] is TradingState.HALTED
        assert "contradict" in rules(after).fault
        after.wish(reload())
        assert rules(after).fault == ""
        assert after.facts.trading()[0] is TradingState.ACTIVE
        assert after.facts.risk.limits.max_order_notional == Decimal(20_000)

    def test_what_cannot_be_read_halts_until_reset(self, bench: Bench) -> None:
        bench.meta["limits"] = json.dumps({"what": "is this"})
        after = restarted(bench)
        assert after.facts.trading()[0] is TradingState.HALTED
        after.wish(ResetLimits(by="test", reason="forget it"))
        assert after.facts.trading()[0] is TradingState.ACTIVE


class TestReload:
    def test_the_new_file_is_in_force(self, bench: Bench) -> None:
        bench.wish(reload("max_open_orders", 3))
        assert bench.facts.risk.limits.max_open_orders == 3
        assert rules(bench).overrides == ()

    def test_what_was_set_holds_over_it_unless_that_was_edited(self, bench: Bench) -> None:
        set_limit(bench, "max_open_orders", "5")
        bench.wish(reload("max_daily_loss", Decimal(10)))
        assert bench.facts.risk.limits.max_open_orders == 5
        bench.wish(reload("max_open_orders", 7))
        assert bench.facts.risk.limits.max_open_orders == 7
        assert rules(bench).overrides == ()

    def test_what_is_no_limits_is_refused(self, bench: Bench) -> None:
        bench.wish(ReloadLimits(limits='{"max_open_orders": -1}', by="file"))
        assert "max_open_orders: expected a value greater than" in rules(bench).answer
        assert bench.facts.risk.limits == BASE

    def test_a_reset_of_one_leaves_the_others(self, bench: Bench) -> None:
        set_limit(bench, "max_open_orders", "5")
        set_limit(bench, "max_daily_loss", "100")
        bench.wish(ResetLimits(by="test", reason="enough", name="max_open_orders"))
        assert bench.facts.risk.limits.max_open_orders == BASE.max_open_orders
        assert bench.facts.risk.limits.max_daily_loss == Decimal(100)
        bench.wish(ResetLimits(by="test", name="max_open_orders"))
        assert rules(bench).is_refused


class TestUnknownMarkets:
    def test_a_limit_for_no_market_halts_and_names_those_there_are(self) -> None:
        bench = Bench(limits=BASE.model_copy(update={"markets": {"ETHH": MarketLimits(max_order_size=Decimal(1))}}))
        bench.connect()
        state, why = bench.facts.trading()
        assert state is TradingState.HALTED
        assert "risk.markets: ETHH: expected one of" in why
        assert "ETH" in why.split("expected one of")[1]
        bench.submit_denied()
        set_limit(bench, "max_order_size", "off", market="ETHH")
        assert bench.facts.trading()[0] is TradingState.ACTIVE

    def test_a_market_of_the_venue_that_is_not_traded_here_is_known(self) -> None:
        bench = Bench(limits=BASE.model_copy(update={"restricted_markets": ("DOGE",)}))
        bench.tell(MarketsListed(markets=MARKETS, symbols=("DOGE",)))
        bench.connect()
        assert bench.facts.trading()[0] is TradingState.ACTIVE

    def test_a_limit_set_for_no_market_halts_at_once(self, bench: Bench) -> None:
        set_limit(bench, "restricted_markets", "NOPE")
        assert bench.facts.trading()[0] is TradingState.HALTED
