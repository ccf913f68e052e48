"""The lives of an engine that may die at any point: one that trades through a script, and one that recovers from it."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path

from core.clock import SystemClock
from core.commands import CancelOrder, ExitPolicy, ModifyOrder, Rearm, SubmitOrder
from core.config import RiskLimits
from core.connectors.venue.child import VenueReady
from core.decisions import TradingState
from core.engine.handle import EngineThread
from core.engine.runtime import EngineParts
from core.model import IN_FLIGHT, OrderIntent, OrderStatus, OrderTask, OrderType, Side, TimeInForce
from core.risk import RiskManager
from core.state import EnginePhase, EngineState, KillPhase
from core.units import from_units, to_units
from tests.support.crash_points import Point, PointedConnector, Points, watch_bytes, watch_disk
from tests.support.crash_venue import HALF, RESTS, WHOLE
from tests.support.venue_engine import settings_of
from tests.support.waiting import wait_until

_PATIENCE_S = 30.0
S = OrderStatus


@dataclass(frozen=True, slots=True)
class Life:
    """Who lives where."""

    ready: VenueReady
    account_index: int
    symbol: str
    folder: Path
    fatal: Point | None = None
    """The point at which it dies."""
    deadman_s: int | None = None
    """How far ahead it keeps the venue's dead-man's switch armed."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What a recovered engine shows."""

    live: dict[int, tuple[int | None, str, Decimal, str]] = field(default_factory=dict)
    """Client id to venue id, status, filled and who knows it."""
    positions: dict[int, Decimal] = field(default_factory=dict)
    nonces: dict[int, int | None] = field(default_factory=dict)
    switch_ms: int = 0
    """When the dead-man's switch is believed to fire, in Unix milliseconds; 0 for not armed."""
    text: str = ""


def trade(life: Life, parent: Connection) -> None:
    """Live through the script once, from trading to a clean end."""
    points = Points(life.fatal, parent)
    with _engine(life, points) as (handle, connector):
        _until(handle, "trading", _is_trading)
        points.begin()
        Script(handle, connector).run()
        handle.request_stop(ExitPolicy.CANCEL, "the script is over")
    points.end()
    parent.send(("finished", points.passed.copy()))


def guard(life: Life, parent: Connection) -> None:
    """Arm the dead-man's switch, leave an order under it, kill, and disarm it as the last thing of a clean end."""
    points = Points(life.fatal, parent)
    points.begin()
    with _engine(life, points) as (handle, connector):
        _until(handle, "trading", _is_trading)
        script = Script(handle, connector)
        script.wait(script.place(RESTS), S.ACCEPTED)
        handle.request_stop(ExitPolicy.CANCEL, "the script is over")
    points.end()
    parent.send(("finished", points.passed.copy()))


def recover(life: Life, parent: Connection) -> None:
    """Come back, and answer what is believed until told to end."""
    points = Points(life.fatal, parent)
    points.begin()
    with _engine(life, points) as (handle, connector):
        _until(handle, "running", _is_settled)
        points.end()
        parent.send(("finished", points.passed.copy()))
        while (wish := parent.recv()) != "end":
            if wish == "probe":
                parent.send(_probe(handle, connector))
            else:
                parent.send(_belief(handle.state(), connector))
        handle.request_stop(ExitPolicy.KEEP, "seen")


def endure(life: Life, parent: Connection) -> None:
    """Place and cancel orders whatever the venue does to us, and answer what is believed until told to end."""
    with _engine(life, Points(None, parent)) as (handle, connector):
        _until(handle, "trading", _is_trading)
        parent.send("ready")
        script = Script(handle, connector)
        while (wish := parent.recv()) != "end":
            if wish == "trade on":
                _until(handle, "trading again", _is_trading)
            if wish.startswith("trade"):
                script.hurry()
            parent.send(_belief(handle.state(), connector))
        handle.request_stop(ExitPolicy.KEEP, "seen")


class Script:
    """What is done: orders that rest, fill in part and in whole, a cancel, a lost reply, a kill, and more."""

    def __init__(self, handle: EngineThread, connector: PointedConnector) -> None:
        self._handle = handle
        self._connector = connector
        state = handle.state()
        self._market, quote = state.markets[0], state.quotes[0]
        assert quote.bid is not None
        self._price = to_units(quote.bid, self._market.price_decimals) * 199 // 200
        self._steps = int(30 / quote.bid / self._market.step) // 10 * 10 + 10
        self._placed = 0

    def run(self) -> None:
        """All of it."""
        first = self.place(RESTS)
        self.wait(first, S.ACCEPTED)
        self.wait(self.place(HALF), S.PARTIALLY_FILLED)
        self.wait(self.place(WHOLE), S.FILLED)
        first = self.modify(first)
        self.wait(first, S.ACCEPTED)
        self._handle.submit(CancelOrder(market_id=self._market.id, client_id=self.task(first).order.client_id))
        self.wait(first, S.CANCELED)
        both = [self.place(RESTS), self.place(HALF)]
        self.wait(both[0], S.ACCEPTED)
        self.wait(both[1], S.PARTIALLY_FILLED)
        self.wait(self.place(RESTS, is_lost=True), S.ACCEPTED)
        self._handle.kill("the script", 1)
        _until(self._handle, "the kill confirmed", lambda state: state.kill.phase is KillPhase.CONFIRMED)
        self._handle.submit(Rearm(by="the script", reason="to go on"))
        _until(self._handle, "trading again", _is_trading)
        self.wait(self.place(RESTS), S.ACCEPTED)

    def hurry(self) -> None:
        """Some of it, waiting for nothing but that an order may be cancelled."""
        prices = [self.place(fate) for fate in (RESTS, HALF, WHOLE, RESTS)]
        last = prices[-1]
        _until(self._handle, "known", lambda state: _status(state, last) is not None)
        with suppress(AssertionError):  # or cancel one that waits for its turn
            _until(self._handle, "sent", lambda state: _status(state, last) is not S.QUEUED, 2.0)
        self._handle.submit(CancelOrder(market_id=self._market.id, client_id=self.task(last).order.client_id))

    def place(self, fate: int, *, is_lost: bool = False) -> Decimal:
        """Ask for one order at a price of its own, which it is known by."""
        self._placed += 1
        market = self._market
        # Whoever sells to an order sells to every better one as well: what rests lies below, what fills on top.
        ticks = self._price - 100 - self._placed if fate == RESTS else self._price + self._placed
        price = from_units(ticks, market.price_decimals)
        intent = OrderIntent(
            market_id=market.id,
            side=Side.BUY,
            type=OrderType.LIMIT,
            size=from_units(self._steps + fate, market.size_decimals),
            price=price,
            tif=TimeInForce.GTT,
        )
        if is_lost:
            self._connector.lost |= {price}
        self._handle.submit(SubmitOrder(intent=intent))
        return price

    def modify(self, price: Decimal) -> Decimal:
        """Move an order to another price, and make it larger."""
        order, market = self.task(price).order, self._market
        moved, size = price - 50 * market.tick, order.intent.size + 10 * market.step
        self._handle.submit(ModifyOrder(market_id=market.id, client_id=order.client_id, price=moved, size=size))
        return moved

    def wait(self, price: Decimal, status: OrderStatus) -> None:
        """See it come to that."""
        _until(self._handle, f"{price} {status.value}", lambda state: _status(state, price) is status)

    def task(self, price: Decimal) -> OrderTask:
        """The task at that price."""
        return next(task for task in _tasks(self._handle.state()) if task.order.intent.price == price)


@contextmanager
def _engine(life: Life, points: Points) -> Iterator[tuple[EngineThread, PointedConnector]]:
    """A production engine with points around it, in a thread of its own."""
    logging.getLogger().addHandler(logging.NullHandler())
    watch_disk(points)
    watch_bytes(points)
    settings = replace(settings_of(life.ready), account_index=life.account_index, markets=(life.symbol,))
    clock = SystemClock()
    connector = PointedConnector(settings, clock)
    connector.points = points
    parts = EngineParts(
        connector=connector,
        risk=RiskManager(RiskLimits()),
        journal_path=life.folder / "journal.sqlite",
        clock=clock,
        profile="paper",
        exit_policy=ExitPolicy.CANCEL,
        deadman_s=life.deadman_s,
    )
    handle = EngineThread(parts)
    thread = threading.Thread(target=handle.run, args=(lambda: False,), name="engine")
    thread.start()
    try:
        yield handle, connector
    finally:
        handle.request_stop(ExitPolicy.KEEP, "over")
        thread.join(_PATIENCE_S)


def _is_trading(state: EngineState) -> bool:
    return state.trading is TradingState.ACTIVE and state.quotes[0].bid is not None


def _is_settled(state: EngineState) -> bool:
    """Reconciled, the kill included, and nothing on its way; what the venue has no trace of may stay in doubt."""
    if state.phase is not EnginePhase.RUNNING:
        return False
    if state.kill.is_latched and not state.may_be_live and state.kill.phase is not KillPhase.CONFIRMED:
        return False
    return all(entry.order.status not in IN_FLIGHT - {S.UNKNOWN} for entry in state.order_map)


def _belief(state: EngineState, connector: PointedConnector) -> Belief:
    return Belief(
        live={
            int(entry.order.client_id or 0): (
                entry.order.venue_id,
                entry.order.status.value,
                entry.order.filled,
                entry.side.value,
            )
            for entry in state.order_map
        },
        positions={position.market_id: position.size for position in state.positions},
        nonces=connector.nonces(),
        switch_ms=0 if state.deadman is None else (state.deadman.armed_us or 0) // 1_000,
        text=f"{state.phase.value} {state.trading.value} {state.trading_detail} {state.kill.phase.value}",
    )


def _probe(handle: EngineThread, connector: PointedConnector) -> str:
    """Whether it trades on: an order that rests; a killed one says so instead."""
    if handle.state().kill.is_latched:
        return "killed"
    _until(handle, "trading again", _is_trading)
    script = Script(handle, connector)
    script._price -= 1_000
    script.wait(script.place(RESTS), S.ACCEPTED)
    return "trades"


def _until(
    handle: EngineThread, what: str, predicate: Callable[[EngineState], bool], patience_s: float = _PATIENCE_S
) -> None:
    try:
        wait_until(lambda: predicate(handle.state()), what, patience_s)
    except AssertionError as error:
        raise AssertionError(f"{error}: {handle.state()}") from None


def _status(state: EngineState, price: Decimal) -> OrderStatus | None:
    found = [task.order.status for task in _tasks(state) if task.order.intent.price == price]
    return found[0] if found else None


def _tasks(state: EngineState) -> tuple[OrderTask, ...]:
    return (*state.tasks, *state.recent)
