"""The states that matter on the screen, each as an engine that stands still, and a desk whose own figures do too."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from core.clock import SECOND_US
from core.decisions import TradingState
from core.events import LinkStatus, NoticeLevel
from core.look import MarketLook
from core.model import BookStatus, BookView, Level, Market, Side
from core.state import BreakerStatus, EnginePhase, EngineState, KillPhase, KillStatus, Notice
from core.tape import Candle, PublicTrade, Tape
from core.units import TradeId
from tests.support.fake_engine import START_NS, START_US, FakeEngine, a_quote
from tui.app import Desk, DeskOptions
from tui.meters import DeskPace, Meters

_FPS = 20
_CANDLES = 60
_PACE = DeskPace(paints=100, wanted=10, late_us=1_200, bytes_a_second=18_400, memory_kb=92_000)


class StillMeters(Meters):
    """Says the same whatever is measured, and counts paints."""

    def __init__(self) -> None:
        super().__init__()
        self.paints = 0

    def add(self, now_ns: int, late_ns: int, written: int) -> None:
        self.paints += 1

    def pace(self, wanted: int, memory_kb: int, slower: int = 1) -> DeskPace:
        return _PACE


def a_still_desk(engine: FakeEngine, meters: StillMeters, theme: str) -> Desk:
    """A desk that shows the same for the same state, however slow the machine is."""
    desk = Desk(engine, DeskOptions(fps=_FPS, clock=engine.clock, stale_after_ms=3_000, theme=theme))
    desk.pump._meters = meters
    return desk


def a_busy_look(market: Market, status: BookStatus = BookStatus.LIVE) -> MarketLook:
    """A book of ten levels a side, eight trades, an hour of candles: a saw that rises."""
    mid = Decimal("3021.55")
    tick = market.tick
    levels = range(1, 11)
    candles = []
    for number in range(_CANDLES):
        opened = mid - 40 + number * Decimal("0.5") + (number % 7) * 3
        closed = opened + (2 if number % 3 else -3)
        candles.append(
            Candle(
                start_us=START_US - (_CANDLES - number) * 60 * SECOND_US,
                open=opened,
                high=max(opened, closed) + 2,
                low=min(opened, closed) - 1,
                close=closed,
                volume=Decimal(5 + number % 11),
            )
        )
    trades = tuple(
        PublicTrade(
            trade_id=TradeId(100 - number),
            market_id=market.id,
            price=mid + tick * (number % 3 - 1),
            size=market.step * (40 + 7 * number),
            taker=Side.SELL if number % 2 else Side.BUY,
            is_liquidation=number == 5,
            time_us=START_US - number * SECOND_US,
        )
        for number in range(8)
    )
    return MarketLook(
        market_id=market.id,
        book=BookView(
            market_id=market.id,
            status=status,
            reason="" if status is BookStatus.LIVE else "link down",
            bids=tuple(Level(price=mid - tick * n, size=market.step * 1_000 * n) for n in levels),
            asks=tuple(Level(price=mid + tick * n, size=market.step * 900 * n) for n in levels),
            received_ns=START_NS,
        ),
        tape=Tape(market_id=market.id, status=status, trades=trades),
        candles=tuple(candles),
        candles_ns=START_NS,
    )


def _empty(engine: FakeEngine) -> None:
    engine.looks.clear()
    engine.current = EngineState(
        seq=0,
        published=engine.clock.now(),
        phase=EnginePhase.CONNECTING,
        phase_detail="venue http://127.0.0.1:1 does not answer; next try in 4 s",
        profile="paper",
    )


def _live(engine: FakeEngine) -> None:
    engine.publish()


def _stale(engine: FakeEngine) -> None:
    engine.clock.advance(seconds=12)
    state = engine.current
    down = tuple(replace(link, status=LinkStatus.DOWN, detail="connection refused") for link in state.links)
    quotes = tuple(a_quote(market, status=BookStatus.STALE, reason="link down") for market in state.markets)
    engine.looks = {market_id: a_busy_look(state.markets[0], BookStatus.STALE) for market_id in engine.looks}
    engine.publish(links=down, quotes=quotes)


def _halted(engine: FakeEngine) -> None:
    tripped = BreakerStatus(market_id=None, is_tripped=True, by="operator", reason="news", at_us=START_US)
    engine.publish(
        trading=TradingState.HALTED,
        trading_detail="breaker tripped by operator",
        breakers=(tripped, *engine.current.breakers[1:]),
    )


def _kill(phase: KillPhase, **changes: object) -> KillStatus:
    status = KillStatus(phase=phase, by="operator", at_us=START_US, pressed_ns=START_NS, sent_ns=START_NS + 3_100_000)
    return replace(status, **changes)  # type: ignore[arg-type]


def _killed(engine: FakeEngine) -> None:
    kill = _kill(KillPhase.CONFIRMED, confirmed_ns=START_NS + 48_700_000, may_be_live=0, attempts=1)
    engine.publish(trading=TradingState.HALTED, kill=kill, tasks=(), order_map=())


def _failing(engine: FakeEngine) -> None:
    alert = Notice(seq=3, at_us=START_US, level=NoticeLevel.ALERT, source="kill", text="the venue does not answer")
    kill = _kill(KillPhase.FAILING, may_be_live=6, attempts=3, detail="connection refused")
    engine.publish(trading=TradingState.HALTED, kill=kill, notices=(*engine.current.notices, alert))


STATES: dict[str, Callable[[FakeEngine], None]] = {
    "empty": _empty,
    "live": _live,
    "stale": _stale,
    "halted": _halted,
    "killed": _killed,
    "failing": _failing,
}
"""What each makes of an engine that runs."""


def an_engine_in(state: str) -> FakeEngine:
    """An engine that stays in this state."""
    engine = FakeEngine()
    market = engine.current.markets[0]
    engine.looks[market.id] = a_busy_look(market)
    STATES[state](engine)
    return engine
