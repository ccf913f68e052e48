from core.commands import StrategyFailed
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
