"""The kill under every order of steps a loop may take: a seeded loop shuffles what is ready, and presses in between.

After the press no order of what was killed leaves, and CONFIRMED is never shown while the venue holds one. Each way of
pressing rests on a guard of its own: the flag, when the thread of the key stops between setting it and telling the
engine; the inbox, when a part was told and not yet heard; the machine, when it was heard and an order is on its way.
"""

import asyncio
import random
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.commands import CancelOrder, Kill, KillPart, SubmitOrder
from core.decisions import Refused
from core.engine.halt import HaltFlag
from core.engine.inbox import Inbox
from core.engine.journal import Journal
from core.engine.publisher import Publisher
from core.engine.runtime import ExecutionEngine
from core.model import OPERATOR, Origin, OriginKind, Side
from core.scope import EVERYTHING, Scope
from core.state import EnginePhase, EngineState, KillPhase, KillStatus
from tests.support.engine import parts_of
from tests.support.fake_connector import BTC, ETH, FakeConnector, Fate, intent
from tests.support.lanes import OnLanes

SEEDS = range(16)
MAKER = Origin(OriginKind.STRATEGY, "maker")


class Way(Enum):
    """How it is pressed."""

    KEY = "the key"
    FLAG_FIRST = "the key, its thread stopped between the flag and the word"
    MARKET = "one market"
    STRATEGY = "one strategy"


SCOPES = {Way.MARKET: Scope(market_id=ETH), Way.STRATEGY: Scope(strategy=MAKER.name)}


class Shuffling(asyncio.SelectorEventLoop):
    """Runs whatever is ready in an order of its own, and tells after each pass."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._dice = random.Random(seed)  # noqa: S311 - the same dice every time
        self.after_pass: Callable[[], None] = lambda: None

    def _run_once(self) -> None:
        ready = list(self._ready)
        self._dice.shuffle(ready)
        self._ready.clear()
        self._ready.extend(ready)
        super()._run_once()
        self.after_pass()


class World:
    """An engine, a venue, and somebody who presses after so many passes of the loop, or at an order's very gate."""

    def __init__(self, tmp_path: Path, seed: int, way: Way, venue: FakeConnector) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same dice every time
        self.way, self.venue = way, venue
        self.venue.fates.extend(self.dice.choice([Fate.REST, Fate.REST, Fate.REFUSE]) for _ in range(12))
        if self.dice.random() < 0.2:
            self.venue.cancel_all_outcomes.append(Refused(23_000, "Too Many Requests!"))
        self.venue.before_gate = self.at_gate
        parts = parts_of(tmp_path, self.venue)
        self.journal = Journal.open(parts.journal_path, self.venue.identity, owner="", clock=SystemClock())
        self.inbox, self.halt = Inbox(), HaltFlag()
        self.publisher = Publisher(self.venue, parts.clock, parts.profile, None)
        self.engine = ExecutionEngine(parts, self.journal, self.inbox, self.halt, self.publisher)
        self.countdown = self.dice.randrange(1, 60)
        self.is_at_gate = self.dice.random() < 0.5
        """Whether it is pressed when the next order stands at its gate, rather than between two passes."""
        self.left_before: int | None = None
        self.words: list[tuple[int, Kill | KillPart, int]] = []
        """What the engine is told after so many more passes, with the number of its press."""
        self.is_over = False

    def is_meant(self, side: Side, market_id: int) -> bool:
        """Whether the kill is about such an order: the strategy sells, everybody else buys."""
        if self.way is Way.MARKET:
            return market_id == ETH
        return self.way is not Way.STRATEGY or side is Side.SELL

    def left(self) -> int:
        """Orders of what is killed whose bytes left."""
        return sum(self.is_meant(one.intent.side, one.intent.market_id) for one in self.venue.submitted)

    def at_gate(self) -> None:
        if self.is_at_gate and self.countdown <= 0 and self.left_before is None:
            self.press()

    def after_pass(self) -> None:
        state = self.publisher.state
        if state.phase is not EnginePhase.RUNNING or self.is_over:
            return
        if self.left_before is None:
            self._stir()
            return
        self._tell()
        assert self.left() == self.left_before, "an order left after the press"
        if self._status(state).phase is KillPhase.CONFIRMED:
            held = [one for one in self.venue.open.values() if self.is_meant(one.side, one.market_id)]
            assert not held, "CONFIRMED while the venue holds an order"
            self.is_over = True

    def press(self) -> None:
        self.left_before = self.left()
        pressed_ns = time.monotonic_ns()
        if self.way in SCOPES:
            self.inbox.post_kill(KillPart(scope=SCOPES[self.way], by="test", pressed_ns=pressed_ns))
            return
        press = self.halt.press()
        later = self.dice.randrange(2, 12) if self.way is Way.FLAG_FIRST else 0
        self.words.append((later, Kill(by="test", pressed_ns=pressed_ns), press))
        if not later:
            self._tell()

    def _tell(self) -> None:
        """Let the thread of the key go on, once its time has come."""
        self.words = [(passes - 1, kill, press) for passes, kill, press in self.words]
        for passes, kill, press in self.words:
            if passes < 0:
                self.inbox.post_kill(kill, press)
        self.words = [one for one in self.words if one[0] >= 0]

    def _status(self, state: EngineState) -> KillStatus:
        if self.way not in SCOPES:
            return state.kill
        return next((one for one in state.kills if one.scope == SCOPES[self.way]), KillStatus(scope=EVERYTHING))

    def _stir(self) -> None:
        """Wishes at any moment, a stranger now and then, and the press when its time has come."""
        self.countdown -= 1
        if self.countdown <= 0 and (not self.is_at_gate or self.countdown < -200):
            self.press()
        elif self.dice.random() < 0.3:
            self.inbox.put(self._wish())
        elif self.dice.random() < 0.1:
            self.venue.place_elsewhere(intent(), is_told=self.dice.random() < 0.5)
        elif self.venue.open and self.dice.random() < 0.1:
            report = self.dice.choice(list(self.venue.open.values()))
            self.inbox.put(CancelOrder(market_id=report.market_id, venue_id=report.venue_id))

    def _wish(self) -> SubmitOrder:
        """Mostly of what will be killed."""
        is_maker = self.way is Way.STRATEGY and self.dice.random() < 0.8
        market_id = BTC if self.way is Way.MARKET and self.dice.random() < 0.2 else ETH
        price = f"{(2_200 if is_maker else 1_700) + max(self.countdown, 0)}.00"
        side = Side.SELL if is_maker else Side.BUY
        wanted = intent(side=side, price=price, market_id=market_id)
        return SubmitOrder(intent=wanted, origin=MAKER if is_maker else OPERATOR)

    async def run(self) -> None:
        running = asyncio.get_running_loop()
        assert isinstance(running, Shuffling)
        failures: list[BaseException] = []

        def watched() -> None:
            try:
                self.after_pass()
            except AssertionError as error:
                failures.append(error)
                self.is_over = True

        running.after_pass = watched
        try:
            async with asyncio.timeout(20):
                await self.engine.run(lambda: self.is_over)
        finally:
            running.after_pass = lambda: None
            await self.venue.close()
            self.journal.close()
        if failures:
            raise failures[0]
        assert self.left_before is not None
        assert not self.venue.open


def run(world: World, seed: int) -> None:
    with asyncio.Runner(loop_factory=lambda: Shuffling(seed)) as runner:
        runner.run(world.run())


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_interleaving_lets_an_order_out_or_confirms_early(tmp_path: Path, seed: int, way: Way) -> None:
    run(World(tmp_path, seed, way, FakeConnector()), seed)


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("seed", range(6))
def test_no_interleaving_of_the_lanes_does_either(tmp_path: Path, seed: int, way: Way) -> None:
    run(World(tmp_path, seed, way, OnLanes()), seed)
