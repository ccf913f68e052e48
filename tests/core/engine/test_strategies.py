from core.commands import CloseBreaker, StrategyFailed, TripBreaker
from core.engine import effects as fx
from core.events import NoticeLevel
from tests.support.machine import Bench


def test_a_failure_is_an_alert_with_its_name_and_what_becomes_of_its_orders() -> None:
    bench = Bench()
    bench.connect()
    bench.wish(StrategyFailed(name="maker", text="KeyError: 'mark' (line 7 of on_state)", orders=2))
    (alert,) = [notice for notice in bench.facts.notices.all() if notice.level is NoticeLevel.ALERT]
    assert alert.text == (
        "strategy maker failed and was stopped: KeyError: 'mark' (line 7 of on_state); 2 orders of it are cancelled"
    )
    bench.wish(StrategyFailed(name="taker", text="x", orders=1, is_cancelling=False))
    assert "1 order of it are left" not in bench.texts()
    assert "strategy taker failed and was stopped: x; 1 order of it is left where it is" in bench.texts()
    assert bench.submit(), "the engine goes on"


def test_one_whose_breaker_is_tripped_stays_stopped_over_a_restart_and_is_named() -> None:
    bench = Bench()
    bench.connect()
    bench.wish(TripBreaker(market_id=None, by="operator", reason="it churns", strategy="maker"))
    again = bench.restarted()
    assert [(one.name, one.running) for one in again.of(fx.SwitchStrategy)] == [("maker", False)]
    assert "maker stays stopped: its breaker was tripped by operator before the restart: it churns" in again.texts()
    again.wish(CloseBreaker(market_id=None, by="operator", reason="mended", strategy="maker"))
    assert again.restarted().of(fx.SwitchStrategy) == []
