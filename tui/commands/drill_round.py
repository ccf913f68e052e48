"""A drill's rounds: orders at rest, on their way and of strangers; a kill; what the venue says at CONFIRMED."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from pathlib import Path
from typing import Final

from core.clock import SystemClock
from core.commands import CloseBreaker, ExitPolicy, Rearm, SubmitOrder
from core.config import Engine
from core.connectors.base import NewOrder
from core.connectors.lighter.connector import LighterConnector, LighterSettings
from core.engine.handle import EngineThread
from core.engine.runtime import EngineParts
from core.errors import LinkDown
from core.limits import RiskLimits
from core.model import BookStatus, Market, OrderIntent, OrderStatus, OrderType, Side, TimeInForce
from core.risk import RiskManager
from core.state import EnginePhase, KillPhase
from core.units import ClientOrderId, TaskId
from tui.commands.drill_faults import Trouble

BY: Final = "the drill"
_LOOK_S: Final = 0.0005
_AGAIN: Final = 40
"""Snapshots after which an order that did not come to rest is asked for once more."""
_NOTIONAL: Final = Decimal(50)
_STRANGERS_IDS: Final = 2**40
"""Client ids that no engine of ours reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What each round has."""

    rounds: int
    resting: int
    in_flight: int
    foreign: int
    patience_s: int = 20
    """How long each step of a round may take."""


@dataclass(slots=True, kw_only=True)
class Round:
    """One kill and what was measured of it, in nanoseconds since the press."""

    spans: dict[str, int] = field(default_factory=dict)
    is_good: bool = False
    detail: str = ""


async def rehearse(
    address: LighterSettings, plan: Plan, trouble: Trouble, folder: Path, tell: Callable[[int, str], None]
) -> list[Round]:
    """Run every round on one engine; a round that goes wrong ends the drill, as the next would begin from there."""
    clock = SystemClock()
    # Round after round places the same orders on purpose: what guards a day of trading would stop the rehearsal.
    limits = RiskLimits(max_messages=100_000, duplicate_window_ms=0)
    parts = EngineParts(
        connector=LighterConnector(address, clock),
        risk=RiskManager(limits),
        journal_path=folder / "journal.sqlite3",
        clock=clock,
        profile="drill",
        exit_policy=ExitPolicy.CANCEL,
        tuning=Engine(max_in_flight=8),
    )
    engine = EngineThread(parts)
    thread = threading.Thread(target=engine.run, args=(lambda: False,), name="engine")
    stranger = LighterConnector(address, clock)
    thread.start()
    found: list[Round] = []
    try:
        await stranger.start(lambda _: None)
        drill = _Drill(engine, stranger, plan, trouble)
        for count in range(1, plan.rounds + 1):
            made = await drill.round()
            found.append(made)
            tell(count, made.detail)
            if not made.is_good:
                break
    finally:
        engine.request_stop(ExitPolicy.CANCEL, "the drill is over")
        await stranger.close()
        await asyncio.to_thread(thread.join)
    return found


class _Drill:
    def __init__(self, engine: EngineThread, stranger: LighterConnector, plan: Plan, trouble: Trouble) -> None:
        self._engine = engine
        self._stranger = stranger
        self._plan = plan
        self._trouble = trouble
        self._strangers_ids = _STRANGERS_IDS
        self._asked = 0
        """How many resting orders of this round were asked for."""
        self._asked_seq = 0

    async def round(self) -> Round:
        """Set up, press, wait, and compare with the venue at the moment CONFIRMED shows."""
        made = Round()
        try:
            await self._arm()
            await self._fill_the_book()
            try:
                await self._trouble.begin()
                await self._send_more()
                await self._press(made)
            finally:
                await self._trouble.end()
            left = await self._stranger.open_orders()
            made.is_good = not left
            confirmed_ms = Decimal(made.spans["confirmed_ns"]).scaleb(-6)
            word = "nothing open at the venue" if not left else f"{len(left)} ORDERS STILL OPEN AT THE VENUE"
            made.detail = f"confirmed after {confirmed_ms:,.1f} ms, {word}"
        except LinkDown as error:
            made.detail = str(error)
        return made

    async def _arm(self) -> None:
        self._asked = 0
        await self._until(lambda: self._engine.state().phase is EnginePhase.RUNNING, "the engine to run")
        if self._engine.state().kill.is_latched:
            self._engine.submit(Rearm(by=BY, reason="the next round"))
            await self._until(lambda: not self._engine.state().kill.is_latched, "the kill to be lifted")
        await self._until(lambda: self._market() is not None, "a market with a live book")

    async def _fill_the_book(self) -> None:
        for number in range(self._plan.resting):
            await self._until(partial(self._place, number), f"order {number + 1} to rest")
        for number in range(self._plan.foreign):
            self._strangers_ids += 1
            order = NewOrder(client_id=ClientOrderId(self._strangers_ids), intent=self._intent(50 + number))
            await self._stranger.submit(order, _open)

    async def _send_more(self) -> None:
        """Orders that are on their way when the key is pressed."""
        known = self._moved()
        for number in range(self._plan.in_flight):
            self._engine.submit(SubmitOrder(intent=self._intent(100 + number)))
        if self._plan.in_flight:
            await self._until(lambda: not self._moved() <= known, "one more order to be on its way")

    def _moved(self) -> set[TaskId | None]:
        """Tasks that left the queue: on their way, at rest, refused, or stopped by a breaker."""
        state = self._engine.state()
        return {task.id for task in (*state.tasks, *state.recent) if task.order.status is not OrderStatus.QUEUED}

    def _place(self, number: int) -> bool:
        """Whether order `number` is live; asks for it where it is not, and once more where a breaker stood before it.

        The strangers use our key, as a second instance would: the engine notices, and trips a breaker.
        """
        for breaker in self._engine.state().breakers:
            if breaker.is_tripped:
                self._engine.submit(CloseBreaker(by=BY, reason="the drill's strangers", market_id=breaker.market_id))
        tasks = self._engine.state().tasks
        if len(tasks) <= number:
            if self._asked <= number or self._asked_seq + _AGAIN < self._engine.state().seq:
                self._asked, self._asked_seq = number + 1, self._engine.state().seq
                self._engine.submit(SubmitOrder(intent=self._intent(number)))
            return False
        return self._live() > number

    async def _press(self, made: Round) -> None:
        pressed_ns = time.monotonic_ns()
        self._engine.kill(BY, pressed_ns)
        made.spans["halted_ns"] = time.monotonic_ns() - pressed_ns  # the flag every send asks last is set by now
        await self._until(lambda: self._engine.state().kill.is_latched, "the press to be heard")
        made.spans["heard_ns"] = time.monotonic_ns() - pressed_ns
        await self._until(lambda: self._engine.state().kill.phase is KillPhase.CONFIRMED, "CONFIRMED")
        status = self._engine.state().kill
        if status.sent_ns is not None:
            made.spans["sent_ns"] = status.sent_ns - pressed_ns
        if status.confirmed_ns is not None:
            made.spans["confirmed_ns"] = status.confirmed_ns - pressed_ns

    def _live(self) -> int:
        return sum(task.order.status.may_be_live for task in self._engine.state().tasks)

    def _market(self) -> tuple[Market, Decimal] | None:
        """The first market whose book lives, and its best bid."""
        state = self._engine.state()
        for market, quote in zip(state.markets, state.quotes, strict=True):
            if quote.status is BookStatus.LIVE and quote.bid is not None and quote.mark is not None:
                return market, quote.bid
        return None

    def _intent(self, number: int) -> OrderIntent:
        """A bid that nobody hits: two percent below the book and lower with each number."""
        found = self._market()
        if found is None:
            raise LinkDown("no market has a live book any more")
        market, bid = found
        price = (bid * Decimal("0.98") - number * market.tick).quantize(market.tick, rounding=ROUND_FLOOR)
        size = max(market.min_size, (_NOTIONAL / price).quantize(market.step))
        return OrderIntent(
            market_id=market.id, side=Side.BUY, type=OrderType.LIMIT, size=size, price=price, tif=TimeInForce.GTT
        )

    async def _until(self, is_so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._plan.patience_s
        while not is_so():
            state = self._engine.state()
            if state.is_over or time.monotonic() > deadline:
                why = state.phase_detail or state.kill.detail or (state.notices[-1].text if state.notices else "")
                raise LinkDown(f"waited in vain for {what}: {why}")
            await asyncio.sleep(_LOOK_S)


def _open() -> str | None:
    """A stranger asks nobody."""
    return None
