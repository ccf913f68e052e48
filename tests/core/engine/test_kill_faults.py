"""The kill of a whole engine against a venue that misbehaves: it ends with nothing open, and never says so early.

At the pass of the venue's loop that first sees CONFIRMED, the venue's own books are looked at.
"""

import asyncio
import json
import random
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.commands import ExitPolicy, SubmitOrder
from core.config import Engine
from core.connectors.lighter.connector import LighterConnector
from core.connectors.venue.faults import parse
from core.decisions import TradingState
from core.engine.handle import EngineThread
from core.engine.runtime import EngineParts
from core.limits import RiskLimits
from core.risk import RiskManager
from core.state import EnginePhase, KillPhase
from tests.core.connectors.lighter.test_direct_kill import settings_of
from tests.support.fake_connector import intent
from tests.support.orders import limit_order, no_gate
from tests.support.venue import HostedVenue, hosted_venue
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(90)

TROUBLE = {
    "429": {"fault": "http-429", "at": 0, "match": "*sendtx*", "count": 3},
    "too many messages": {"fault": "ws-30009", "at": 0, "count": 2},
    "too many in flight": {"fault": "ws-30010", "at": 0, "count": 2},
    "a throttled socket": {"fault": "ws-23000", "at": 0, "count": 2},
    "nonce errors": {"fault": "nonce-storm", "at": 0, "count": 4},
    "lost replies": {"fault": "reply-lost", "at": 0, "count": 2},
    "lost requests": {"fault": "request-lost", "at": 0, "count": 2},
    "a dead link": {"fault": "cut", "at": 0, "for": 2, "match": "*account*"},
    "no lists": {"fault": "http-503", "at": 0, "match": "*accountActiveOrders*", "count": 4},
    "a silent stream": {"fault": "silent", "at": 0, "for": 3, "match": "account*"},
}


def live(venue: HostedVenue) -> int:
    """Orders of the operator's account that the venue itself holds."""
    account = venue.simulation.exchange.accounts[venue.ready.trading.account_index]
    return sum(order.is_live for order in account.live.values())


async def rest(engine: EngineThread, venue: HostedVenue, prices: list[Decimal]) -> None:
    """Place orders until one rests: a stream that connects anew meanwhile, on a busy machine, has risk deny them."""
    for _ in range(5):
        await eventually(lambda: engine.state().trading is TradingState.ACTIVE, "trading", 20)
        wanted = known(engine) + len(prices)
        for price in prices:
            engine.submit(SubmitOrder(intent=intent(price=str(price), size="0.05")))
        await eventually(lambda wanted=wanted: known(engine) >= wanted, "orders to be known", 20)
        if engine.state().tasks:
            await eventually(lambda: live(venue) or not engine.state().tasks, "orders to rest", 20)
        if live(venue):
            return
    raise AssertionError(f"nothing rests: {engine.state()}")


def known(engine: EngineThread) -> int:
    """How many orders came to the engine, denied ones included."""
    state = engine.state()
    return len(state.tasks) + len(state.recent)


@pytest.mark.parametrize("seed", range(7))  # which names every trouble at least once
async def test_a_kill_under_faults_ends_with_nothing_open_and_is_never_confirmed_early(
    tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same dice every time
    async with hosted_venue(markets=1, seed=seed + 1) as venue:
        settings = settings_of(venue.ready)
        parts = EngineParts(
            connector=LighterConnector(settings, SystemClock()),
            risk=RiskManager(RiskLimits(duplicate_window_ms=0)),
            journal_path=tmp_path / "journal.sqlite3",
            clock=SystemClock(),
            profile="test",
            exit_policy=ExitPolicy.CANCEL,
            tuning=Engine(max_in_flight=4),
        )
        engine = EngineThread(parts)
        thread = threading.Thread(target=engine.run, args=(lambda: False,))
        stranger = LighterConnector(settings, SystemClock())
        thread.start()
        try:
            await stranger.start(lambda _: None)
            await eventually(lambda: engine.state().phase is EnginePhase.RUNNING, "the engine to run", 20)
            await eventually(lambda: engine.state().quotes[0].bid is not None, "a quote", 20)
            bid = engine.state().quotes[0].bid or Decimal(1)
            prices = [(bid * Decimal("0.97")).quantize(Decimal("1.00")) - number for number in range(9)]
            await rest(engine, venue, prices[:4])
            names = dice.sample(sorted(TROUBLE), 3)
            schedule = parse(
                json.dumps({"seed": seed, "faults": [TROUBLE[one] for one in names]}).encode(), is_toml=False
            )
            await stranger.submit(limit_order(2**40, price=str(prices[5]), size="0.05"), no_gate)
            venue.faults.replace(schedule, SystemClock().now().utc_us)
            for price in prices[6:]:
                engine.submit(SubmitOrder(intent=intent(price=str(price), size="0.05")))
            engine.kill("test", time.monotonic_ns())
            deadline = time.monotonic() + 60
            while engine.state().kill.phase is not KillPhase.CONFIRMED:
                assert time.monotonic() < deadline, (names, engine.state().kill, live(venue))
                await asyncio.sleep(0)
            assert live(venue) == 0, f"CONFIRMED early under {names}"
        finally:
            engine.request_stop(ExitPolicy.CANCEL, "the test is over")
            await stranger.close()
            await asyncio.to_thread(thread.join, 40)
            assert not thread.is_alive()
