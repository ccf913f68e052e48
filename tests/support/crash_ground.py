"""Where whole engines are tried: a venue in a process of its own, engines in others, and the comparison of both."""

import multiprocessing
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from multiprocessing import connection, forkserver, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Final

import pytest

from core.connectors.venue.catalogue import listed
from core.connectors.venue.child import VenueReady
from core.connectors.venue.simulation import OPERATOR
from core.units import from_units
from tests.support import crash_venue
from tests.support.crash_engine import Belief, Life
from tests.support.crash_points import Point
from tests.support.crash_venue import Truth

WORKERS: Final = int(os.environ.get("CRASH_WORKERS", "3"))
"""Engines at once, each in a market of its own."""
ACCOUNTS: Final = 3_000
PATIENCE_S: Final = 60.0
_WORDS: Final = {"filled": "filled", "canceled": "canceled"}


@dataclass
class Ground:
    """A venue in a process of its own, and the engines that live and die at it."""

    context: multiprocessing.context.ForkServerContext
    venue: Connection
    ready: VenueReady
    folder: Path
    lock: Lock = field(default_factory=Lock)
    accounts: Iterator[int] = field(default_factory=lambda: count(OPERATOR + 1))

    def life(self, worker: int, fatal: Point | None) -> Life:
        with self.lock:
            account = next(self.accounts)
        return Life(self.ready, account, listed(WORKERS)[worker].symbol, self.folder / str(account), fatal)

    def truth(self, life: Life, wish: str = "look") -> Truth:
        with self.lock:
            self.venue.send((wish, life.account_index))
            return self.venue.recv()

    def live(self, body: Callable[[Life, Connection], None], life: Life) -> "Running":
        mine, theirs = self.context.Pipe()
        process = self.context.Process(target=body, args=(life, theirs))
        with self.lock:
            process.start()
        theirs.close()
        return Running(process, mine, self.lock)


@dataclass
class Running:
    """An engine's process, and the line to it."""

    process: multiprocessing.process.BaseProcess
    line: Connection
    lock: Lock
    """Held by whoever reads exit codes: a start in another thread reads those of all, and takes them away from here."""

    def hear(self) -> object:
        assert self.line.poll(PATIENCE_S), "nothing heard"
        return self.line.recv()

    def ask(self, wish: str) -> object:
        self.line.send(wish)
        return self.hear()

    def join(self) -> int | None:
        """Its exit code; None when it had to be killed to end."""
        connection.wait([self.process.sentinel], PATIENCE_S)
        with self.lock:
            code = self.process.exitcode
            if code is None:
                self.process.kill()
                self.process.join()
        self.line.close()
        return code


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.crash_engine"])
    mine, theirs = context.Pipe()
    venue = context.Process(target=crash_venue.serve, args=(theirs, ACCOUNTS, WORKERS))
    venue.start()
    theirs.close()
    try:
        assert mine.poll(PATIENCE_S), "the venue did not start"
        yield Ground(context, mine, mine.recv(), tmp_path)
    finally:
        mine.close()
        venue.join(10)
        if venue.exitcode is None:
            venue.kill()
            venue.join()
        forkserver._forkserver._stop()  # there is no public way to end it before this process ends
        resource_tracker._resource_tracker._stop()


def same(ground: Ground, life: Life, running: Running, when: str, patience_s: float = 15.0) -> None:
    """Both sides say the same, at once or as soon as what is on its way has come."""
    until = time.monotonic() + patience_s
    while True:
        truth = ground.truth(life)
        belief = running.ask("look")
        found = differences(life, truth, belief, journal_of(life))
        if not found:
            return
        assert time.monotonic() < until, f"{when}: {found}\n{belief}\n{truth}"


@dataclass(frozen=True)
class Kept:
    """What the journal holds."""

    orders: dict[int, tuple[int | None, str, Decimal, bool]]
    fills: Counter[tuple[int, Decimal]]


def journal_of(life: Life) -> Kept:
    reader = sqlite3.connect(f"file:{life.folder / 'journal.sqlite'}?mode=ro", uri=True)
    try:
        orders = reader.execute("SELECT client_id, venue_id, status, filled, is_closed FROM orders").fetchall()
        fills = reader.execute("SELECT trade_id, size FROM fills").fetchall()
    finally:
        reader.close()
    return Kept(
        orders={row[0]: (row[1], row[2], Decimal(row[3]), bool(row[4])) for row in orders},
        fills=Counter((trade_id, Decimal(size)) for trade_id, size in fills),
    )


def differences(life: Life, truth: Truth, belief: Belief, kept: Kept) -> list[str]:
    """Every way in which engine, journal and venue disagree."""
    spec = next(spec for spec in listed(WORKERS) if spec.symbol == life.symbol)
    found = [
        f"{count} orders at one {what}: {value}"
        for what in ("client_id", "price")
        for value, count in Counter(getattr(order, what) for order in truth.orders).items()
        if count > 1
    ]
    for order in truth.orders:
        filled = from_units(order.filled, spec.size_decimals)
        saved, shown = kept.orders.get(order.client_id), belief.live.get(order.client_id)
        if order.is_live:
            word = "partially filled" if order.filled else "accepted"
            if shown is None or (shown[0], shown[2], shown[3]) != (order.index, filled, "both"):
                found.append(f"live at the venue {order}, shown {shown}")
            if saved is None or saved[:3] != (order.index, word, filled) or saved[3]:
                found.append(f"live at the venue {order}, kept {saved}")
        elif saved != (order.index, _WORDS.get(order.status), filled, True) or shown is not None:
            found.append(f"over at the venue {order}, kept {saved}, shown {shown}")
    at_venue = {order.client_id for order in truth.orders}
    found += [
        f"nothing of {client_id} at the venue, shown {shown}"
        for client_id, shown in belief.live.items()
        if client_id not in at_venue and shown[1] != "unknown"
    ]
    trades = Counter((trade_id, from_units(size, spec.size_decimals)) for trade_id, size in truth.trades)
    if kept.fills != trades:
        found.append(f"fills: kept {kept.fills - trades} too many, {trades - kept.fills} too few")
    positions = {market: from_units(size, spec.size_decimals) for market, size in truth.positions.items()}
    if belief.positions != positions:
        found.append(f"position: shown {belief.positions}, at the venue {positions}")
    if belief.nonces != truth.nonces:
        found.append(f"nonces: {belief.nonces}, at the venue {truth.nonces}")
    return found
