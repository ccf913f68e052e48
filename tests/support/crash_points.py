"""Every point at which a process may die, counted as it is passed; at the one that was chosen it dies, by SIGKILL.

The points lie around our own code, not in it: in SQLite's connection and the journal's writes, in the WebSocket that
carries transactions, and in a connector that adds a point before and after whatever the engine waits for.
"""

import contextvars
import os
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp.http_writer import StreamWriter

from core.connectors.base import AccountView, EventSink, NewOrder, OrderRef, SendGate
from core.connectors.lighter.connector import LighterConnector
from core.connectors.lighter.nonce import Ready
from core.decisions import TxOutcome, Unresolved
from core.events import (
    AccountReported,
    Event,
    FillReported,
    OpenOrdersListed,
    OrderReport,
    OrdersReported,
    PositionsReported,
)
from core.model import Fill
from core.units import ClientOrderId, MarketId

_T = TypeVar("_T")
_TOLD = (OrdersReported, FillReported, PositionsReported, OpenOrdersListed, AccountReported)
_ARM, _DISARM = "arm the switch", "disarm the switch"
_TRANSACTIONS = {"submit", "modify", "cancel", "cancel all", _ARM, _DISARM}
_waiting: contextvars.ContextVar[str] = contextvars.ContextVar("waiting", default="")
"""What the engine is waiting for in this task."""


Point = tuple[str, int]
"""Where, and for which time it is passed."""


class Points:
    """Counts; kills this process at the `fatal` one, after telling its parent where that was."""

    def __init__(self, fatal: Point | None, parent: Connection) -> None:
        self._fatal = fatal
        self._parent = parent
        self._lock = threading.Lock()
        self._is_counting = False
        self.passed: Counter[str] = Counter()

    def begin(self) -> None:
        self._is_counting = True

    def end(self) -> None:
        """Whoever passes a point at this moment in another thread dies first, or lives."""
        with self._lock:
            self._is_counting = False

    def at(self, label: str) -> None:
        """Pass a point, or die there."""
        with self._lock:
            if not self._is_counting:
                return
            self.passed[label] += 1
            if (label, self.passed[label]) == self._fatal:
                self._parent.send(("killed", self.passed))
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()  # the signal is on its way


def watch_disk(points: Points) -> None:
    """A point before a commit begins, before and after it is durable, and around the note of the newest row."""

    class Watched(sqlite3.Connection):
        def __enter__(self) -> Self:
            points.at("journal: before a group is written")
            return super().__enter__()

        def __exit__(self, *reason: object) -> bool:
            points.at("journal: before the commit")
            done = super().__exit__(*reason)
            points.at("journal: after the commit")
            return bool(done)

    connect, pwrite = sqlite3.connect, os.pwrite

    def watched_connect(*args: object, **kwargs: object) -> sqlite3.Connection:
        return connect(*args, **{"factory": Watched, **kwargs})

    def watched_pwrite(*args: object) -> int:
        written = pwrite(*args)
        points.at("journal: after the head was noted")
        return written

    sqlite3.connect = watched_connect
    os.pwrite = watched_pwrite


def watch_bytes(points: Points) -> None:
    """A point before and after the bytes of a transaction are handed to the socket, or to REST while it is closed."""
    send = aiohttp.ClientWebSocketResponse.send_str

    async def watched(self: aiohttp.ClientWebSocketResponse, data: str, compress: int | None = None) -> None:
        what = _waiting.get()
        if what:
            points.at(f"{what}: before the bytes leave")
        await send(self, data, compress)
        if what:
            points.at(f"{what}: after the bytes left")

    aiohttp.ClientWebSocketResponse.send_str = watched
    write, write_eof = StreamWriter.write, StreamWriter.write_eof

    async def watched_write(self: StreamWriter, *args: Any, **kwargs: Any) -> None:
        if (what := _waiting.get()) in _TRANSACTIONS:
            points.at(f"{what}: before the bytes leave")
        await write(self, *args, **kwargs)

    async def watched_write_eof(self: StreamWriter, *args: Any, **kwargs: Any) -> None:
        await write_eof(self, *args, **kwargs)
        if (what := _waiting.get()) in _TRANSACTIONS:
            points.at(f"{what}: after the bytes left")

    StreamWriter.write, StreamWriter.write_eof = watched_write, watched_write_eof


class PointedConnector(LighterConnector):
    """The production connector with a point before and after each wait of the engine, and each event it is told."""

    points: Points
    lost: frozenset[Decimal] = frozenset()
    """Prices of orders whose reply gets lost on its way to the engine."""

    async def start(self, sink: EventSink) -> None:
        def told(event: Event) -> None:
            if isinstance(event, _TOLD):
                self.points.at(f"{type(event).__name__}: before the engine hears it")
            sink(event)

        await self._around("start", super().start(told))

    async def submit(self, order: NewOrder, gate: SendGate) -> TxOutcome:
        def asked() -> str | None:
            self.points.at("submit: at the gate")
            return gate()

        outcome = await self._around("submit", super().submit(order, asked))
        if order.intent.price in self.lost:
            return Unresolved("the reply was lost")
        return outcome

    async def modify(self, ref: OrderRef, size: Decimal, price: Decimal, gate: SendGate) -> TxOutcome:
        def asked() -> str | None:
            self.points.at("modify: at the gate")
            return gate()

        return await self._around("modify", super().modify(ref, size, price, asked))

    async def cancel(self, ref: OrderRef) -> TxOutcome:
        return await self._around("cancel", super().cancel(ref))

    async def cancel_all(self, market_id: MarketId | None, on_sent: Callable[[int], None]) -> TxOutcome:
        return await self._around("cancel all", super().cancel_all(market_id, on_sent))

    async def schedule_cancel_all(self, at_us: int) -> TxOutcome:
        return await self._around(_ARM, super().schedule_cancel_all(at_us))

    async def abort_scheduled(self) -> TxOutcome:
        return await self._around(_DISARM, super().abort_scheduled())

    async def open_orders(self) -> tuple[OrderReport, ...]:
        return await self._around("list", super().open_orders())

    async def find_order(self, client_id: ClientOrderId, market_id: MarketId) -> OrderReport | None:
        return await self._around("look-up", super().find_order(client_id, market_id))

    async def fills_after(self, trade_id: int) -> tuple[Fill, ...]:
        return await self._around("missed fills", super().fills_after(trade_id))

    async def account_view(self) -> AccountView:
        return await self._around("account", super().account_view())

    def nonces(self) -> dict[int, int | None]:
        """What the lanes believe is next, by API key; None for what only the venue knows."""
        running = self._running
        if running is None:
            return {}
        lanes = {self._settings.api_key_index: running.trading, self._settings.kill_api_key_index: running.kill}
        states = {key: lane.state for key, lane in lanes.items()}
        return {key: state.nonce if isinstance(state, Ready) else None for key, state in states.items()}

    async def _around(self, what: str, work: Awaitable[_T]) -> _T:
        self.points.at(f"{what}: before it is asked")
        mark = _waiting.set(what)
        try:
            answer = await work
        finally:
            _waiting.reset(mark)
        self.points.at(f"{what}: before the engine hears the answer")
        return answer
