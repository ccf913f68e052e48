"""Breakers that trip by themselves: by what is seen, until when, over restarts, and let go never silently."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from core.commands import CloseBreaker, SubmitOrder, TripBreaker
from core.engine import effects as fx
from core.events import AccountReported, LinkChanged, LinkHealth, LinkName, LinkStatus, QuotesChanged
from core.limits import BreakerSettings, RiskLimits
from core.model import BookStatus, Origin, OriginKind, Side
from core.state import BreakerStatus
from tests.support.fake_connector import ETH, intent
from tests.support.machine import Bench

MAKER = Origin(OriginKind.STRATEGY, "maker")


def bench_with(breaker: BreakerSettings | None = None, **limits: object) -> Bench:
    more = {"breaker": breaker} if breaker else {}
    bench = Bench(limits=RiskLimits(duplicate_window_ms=0, max_messages=100_000, **limits, **more))
    bench.connect()
    return bench


def earn(bench: Bench, equity: str) -> None:
    bench.tell(AccountReported(account=replace(bench.facts.account, equity=Decimal(equity))))
    bench.wait(ms=300)


def tripped(bench: Bench) -> BreakerStatus | None:
    return bench.facts.breakers.of(None)


def quote(bench: Bench, **changes: object) -> None:
    bench.tell(QuotesChanged(quotes=(replace(bench.facts.quotes[ETH], **changes),)))


def notices(bench: Bench) -> str:
    return "\n".join(notice.text for notice in bench.facts.notices.all())


class TestLosses:
    def test_the_days_loss_trips_everything_and_stays_over_a_restart(self):
        bench = bench_with(max_daily_loss=100)
        earn(bench, "900.01")
        assert tripped(bench) is None
        earn(bench, "900")
        assert "max_daily_loss" in tripped(bench).reason
        bench.submit_denied()
        fresh = bench.restarted()
        fresh.connect()
        assert "max_daily_loss" in tripped(fresh).reason

    def test_a_new_day_counts_anew_and_the_tripped_breaker_stays(self):
        bench = bench_with(max_daily_loss=100)
        earn(bench, "900")
        bench.clock.advance(seconds=86_400)
        earn(bench, "900")
        assert bench.facts.outlook.money.day_loss == 0
        assert tripped(bench) is not None

    def test_the_day_begins_where_it_is_set_to(self):
        bench = bench_with(day_starts_at_minute=14 * 60)
        start = bench.facts.outlook.money
        assert start.day_loss == 0
        earn(bench, "950")
        minutes = 14 * 60 - (bench.now.utc_us // 60_000_000) % 1_440
        bench.clock.advance(seconds=60 * (minutes % 1_440 - 1))
        earn(bench, "940")
        assert bench.machine.day_pnl == -60
        bench.clock.advance(seconds=120)
        earn(bench, "930")
        assert bench.machine.day_pnl == 0

    def test_a_drawdown_from_the_highest_equity_ever_trips(self):
        bench = bench_with(max_daily_loss=None, max_drawdown=100)
        earn(bench, "1500")
        bench.clock.advance(seconds=3 * 86_400)
        earn(bench, "1400.01")
        assert tripped(bench) is None
        earn(bench, "1400")
        assert "max_drawdown" in tripped(bench).reason

    def test_the_highest_equity_is_remembered_over_a_restart(self):
        bench = bench_with(max_daily_loss=None, max_drawdown=100)
        bench.clock.advance(seconds=61)
        earn(bench, "1500")
        fresh = bench.restarted()
        fresh.connect()
        fresh.wait(ms=300)
        assert "max_drawdown" in tripped(fresh).reason, "1,000 is 500 below it"

    def test_closing_it_by_hand_lets_trading_go_on_from_there(self):
        bench = bench_with(max_daily_loss=100)
        earn(bench, "890")
        bench.wish(CloseBreaker(by="operator", reason="looked at it"))
        bench.wait(ms=600)
        assert tripped(bench) is None
        assert bench.machine.day_pnl == -110, "what is shown of the day is not forgiven"
        bench.rest()
        earn(bench, "790")
        assert tripped(bench) is not None

    def test_a_reason_is_needed(self):
        bench = bench_with(max_daily_loss=100)
        earn(bench, "890")
        bench.wish(CloseBreaker(by="operator", reason=" "))
        assert tripped(bench) is not None
        assert "a reason is needed" in notices(bench)


class TestStrategies:
    def test_one_that_is_executed_again_and_again_is_stopped_alone(self):
        bench = bench_with(max_strategy_fills=2)
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent(size="0.2"), origin=MAKER))
        report = bench.report(bench.of(fx.SendOrder)[0].order)
        bench.fill(report, "0.01")
        bench.wait(ms=300)
        assert bench.facts.breakers.of("maker") is None
        bench.fill(report, "0.01")
        bench.effects.clear()
        bench.wait(ms=300)
        assert "max_strategy_fills" in bench.facts.breakers.of("maker").reason
        assert [one.running for one in bench.of(fx.SwitchStrategy)] == [False]
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent(), origin=MAKER))
        assert not bench.of(fx.SendOrder)
        bench.wish(SubmitOrder(intent=intent()))
        assert bench.of(fx.SendOrder), "everybody else goes on"
        bench.wish(CloseBreaker(by="operator", reason="meant", strategy="maker"))
        bench.wait(ms=600)
        assert bench.facts.breakers.of("maker") is None

    def test_one_that_loses_again_and_again_is_stopped_and_stays_so_until_a_human_says_otherwise(self):
        bench = bench_with(BreakerSettings(loss_streak=2, rearm_after_s=1))
        bench.wish(SubmitOrder(intent=intent(Side.SELL, "0.2", "2100.00"), origin=MAKER))
        opening = bench.report(bench.of(fx.SendOrder)[0].order)
        bench.fill(opening, "0.2")
        bench.effects.clear()
        bench.wish(SubmitOrder(intent=intent(Side.BUY, "0.2", "1900.00"), origin=MAKER))
        closing = replace(bench.report(bench.of(fx.SendOrder)[0].order), price=Decimal("2200.00"))
        for _ in range(2):
            bench.fill(closing, "0.05")
        bench.wait(seconds=3)
        assert "loss_streak" in bench.facts.breakers.of("maker").reason
        bench.wish(CloseBreaker(by="operator", reason="seen", strategy="maker"))
        bench.wait(ms=600)
        assert bench.facts.breakers.of("maker") is None

    def test_one_that_floods_with_what_is_denied_is_stopped(self):
        bench = bench_with(BreakerSettings(max_strategy_denials=10))
        for _ in range(10):
            bench.wish(SubmitOrder(intent=intent(size="9999"), origin=MAKER))
        bench.wait(ms=300)
        assert "max_strategy_denials" in bench.facts.breakers.of("maker").reason
        assert bench.restarted().facts.breakers.of("maker") is not None


class TestData:
    def test_a_market_with_money_at_stake_that_cannot_be_seen(self):
        bench = bench_with(BreakerSettings(bad_data_s=2))
        bench.rest()
        quote(bench, status=BookStatus.STALE)
        bench.wait(ms=1_900)
        assert bench.facts.breakers.of(ETH) is None
        bench.wait(ms=500)
        assert "bad_data_s" in bench.facts.breakers.of(ETH).reason

    def test_a_market_without_any_may_be_silent(self):
        bench = bench_with(BreakerSettings(bad_data_s=2))
        quote(bench, status=BookStatus.STALE)
        bench.wait(seconds=5)
        assert not bench.facts.breakers.is_any_tripped

    def test_a_price_that_jumps(self):
        bench = bench_with(BreakerSettings(price_gap_percent=5))
        bench.rest()
        bench.wait(ms=300)
        mark = bench.facts.quotes[ETH].mark
        quote(bench, mark=mark * Decimal("1.04"))
        bench.wait(ms=300)
        assert bench.facts.breakers.of(ETH) is None
        quote(bench, mark=mark * Decimal("1.06"))
        bench.wait(ms=300)
        assert "price_gap_percent" in bench.facts.breakers.of(ETH).reason

    def test_the_same_move_in_more_time_is_none(self):
        bench = bench_with(BreakerSettings(price_gap_percent=5, price_gap_window_s=1))
        bench.rest()
        mark = bench.facts.quotes[ETH].mark
        for step in range(1, 8):
            quote(bench, mark=mark * (1 + Decimal(step) / 100))
            bench.wait(ms=600)
        assert bench.facts.breakers.of(ETH) is None

    def test_a_clock_that_is_wrong(self):
        bench = bench_with(max_clock_skew_ms=1_000)
        bench.tell(fx.ClocksCompared(skew_ms=1_001))
        bench.submit_denied()
        bench.wait(ms=300)
        assert "max_clock_skew_ms" in tripped(bench).reason

    def test_a_clock_that_nothing_compares_opens_no_position_after_a_minute(self):
        bench = bench_with()
        bench.tell(fx.ClocksCompared(skew_ms=None))
        bench.clock.advance(seconds=30)
        link = LinkHealth(name=LinkName.MARKET_DATA, status=LinkStatus.LIVE)
        bench.tell(LinkChanged(link=replace(link, status=LinkStatus.DOWN)), LinkChanged(link=link))
        bench.tell(fx.ClocksCompared(skew_ms=None))
        bench.rest()
        bench.clock.advance(seconds=30)
        bench.tell(fx.ClocksCompared(skew_ms=None))
        bench.submit_denied()
        assert "could not be compared" in notices(bench)
        bench.tell(fx.ClocksCompared(skew_ms=5))
        bench.rest()
        bench.tell(fx.ClocksCompared(skew_ms=None))
        bench.rest()

    def test_without_a_stream_nothing_could_be_compared_yet(self):
        bench = bench_with()
        for name in LinkName:
            bench.tell(LinkChanged(link=LinkHealth(name=name, status=LinkStatus.DOWN)))
        bench.tell(fx.ClocksCompared(skew_ms=None))
        bench.clock.advance(seconds=90)
        bench.tell(fx.ClocksCompared(skew_ms=None))
        assert bench.facts.outlook.clockless_ns == 0


class TestCooldown:
    SETTINGS = BreakerSettings(link_lost_s=1, rearm_after_s=5)

    def down(self, bench: Bench, status: LinkStatus) -> None:
        bench.tell(LinkChanged(link=LinkHealth(name=LinkName.MARKET_DATA, status=status)))

    def test_it_closes_by_itself_where_that_was_chosen_and_says_so(self):
        bench = bench_with(self.SETTINGS)
        self.down(bench, LinkStatus.DOWN)
        bench.wait(seconds=2)
        assert tripped(bench).until_us is not None
        self.down(bench, LinkStatus.LIVE)
        bench.wait(seconds=6)
        assert tripped(bench) is None
        assert "rearm_after_s is over" in notices(bench)

    def test_a_cause_that_is_still_there_holds_it(self):
        bench = bench_with(self.SETTINGS)
        self.down(bench, LinkStatus.DOWN)
        bench.wait(seconds=12)
        assert tripped(bench) is not None

    def test_losses_and_humans_never_cool_down(self):
        bench = bench_with(BreakerSettings(rearm_after_s=1), max_daily_loss=100)
        earn(bench, "890")
        bench.wait(seconds=3)
        assert tripped(bench) is not None
        assert tripped(bench).until_us is None

    def test_a_loss_and_a_human_stand_above_a_cooldown_that_runs(self):
        for holds in (lambda bench: earn(bench, "890"), lambda bench: bench.wish(TripBreaker(by="a", reason="look"))):
            bench = bench_with(self.SETTINGS, max_daily_loss=100)
            self.down(bench, LinkStatus.DOWN)
            bench.wait(seconds=2)
            assert tripped(bench).until_us is not None
            holds(bench)
            assert tripped(bench).until_us is None
            self.down(bench, LinkStatus.LIVE)
            earn(bench, "1000")
            bench = bench.restarted()
            bench.connect()
            bench.wait(seconds=12)
            assert tripped(bench) is not None, "only a human closes it"

    def test_without_a_cooldown_a_human_closes_it(self):
        bench = bench_with(BreakerSettings(link_lost_s=1))
        self.down(bench, LinkStatus.DOWN)
        bench.wait(seconds=2)
        self.down(bench, LinkStatus.LIVE)
        bench.wait(seconds=10)
        assert tripped(bench).until_us is None


def test_the_equity_curve_has_a_point_a_minute():
    bench = bench_with()
    for equity in range(1_000, 1_010):
        earn(bench, str(equity))
        bench.clock.advance(seconds=30)
    curve = bench.facts.outlook.equity_curve
    assert len(curve) == 5
    assert all(later.at_us - sooner.at_us >= 60_000_000 for sooner, later in pairwise(curve))


def test_self_trades_are_denied_for_orders_that_are_still_on_their_way():
    bench = bench_with()
    bench.submit(intent(Side.SELL, "0.1", "2010.00"))
    bench.effects.clear()
    bench.wish(SubmitOrder(intent=intent(Side.BUY, "0.1", "2010.00")))
    assert not bench.of(fx.SendOrder)
    assert "self-trade" in notices(bench)


def test_an_order_counts_as_exposure_from_the_moment_it_is_sent():
    bench = bench_with(max_order_notional=300, max_position_notional=300)
    bench.submit(intent(size="0.1", price="1900.00"))
    bench.effects.clear()
    bench.wish(SubmitOrder(intent=intent(size="0.1", price="1900.00")))
    assert not bench.of(fx.SendOrder), "the first is not answered yet, and counts"
    assert "max_position_notional" in notices(bench)
