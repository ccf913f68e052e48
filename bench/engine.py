"""The engine: from the wish to signed bytes, decisions a second, and its size after a day with a million orders."""

import asyncio
import json
import logging
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic_ns, perf_counter, process_time
from typing import Final

from pydantic import SecretStr

from bench.engine_ground import INTENT, LIMITS, NullVenue, encoded
from bench.engine_machine import Mill
from bench.results import Figure, compared, interleave, latencies
from core.clock import SystemClock
from core.commands import ExitPolicy, Stop, SubmitOrder
from core.connectors.base import NewOrder
from core.connectors.lighter.signer import Signer, generate_api_key
from core.engine.halt import HaltFlag
from core.engine.inbox import Inbox
from core.engine.journal import Journal
from core.engine.publisher import Publisher
from core.engine.runtime import EngineParts, ExecutionEngine
from core.risk import RiskManager
from core.state import EnginePhase
from core.units import ClientOrderId

ROUNDS: Final = 5
ORDERS: Final = 100
"""A round of each; 500 samples in all."""
DECISIONS: Final = 10_000
TASKS: Final = 1_000_000
_BATCH: Final = 50
_PACE_S: Final = 0.004
_ROOT: Final = Path(__file__).parents[1]


def measure() -> list[Figure]:
    """All of it."""
    logging.getLogger("core").addHandler(logging.NullHandler())  # what an engine tells its operator is not measured
    return [*asyncio.run(_paths()), *_decisions(), *_memory()]


async def _paths() -> list[Figure]:
    """Milliseconds from the wish to the bytes, of the engine and of a bare queue before the same signer, in turns."""
    signer = Signer(chain_id=304, account_index=1, api_key_index=2, private_key=SecretStr(generate_api_key()[0]))
    await signer.start()
    engine: list[float] = []
    bare: list[float] = []
    ratios: list[float] = []
    with TemporaryDirectory() as home:
        subject = _Subject(signer, Path(home))
        try:
            await subject.begin()
            await subject.round(ORDERS)
            await _bare_round(signer, ORDERS)
            for _ in range(ROUNDS):
                mine, theirs = await subject.round(ORDERS), await _bare_round(signer, ORDERS)
                ratios.append(statistics.median(mine) / statistics.median(theirs))
                engine += mine
                bare += theirs
        finally:
            await subject.end()
            signer.close()
    tail = _p99(engine) / _p99(bare)
    note = f"p50 {statistics.median(ratios):.1f} x, p99 {tail:.1f} x asyncio.Queue and signer"
    group = "wish to signed bytes"
    return [
        latencies(group, "risk, journal on disk, signer", engine, note),
        latencies(group, "asyncio.Queue and signer", bare),
    ]


class _Subject:
    """An engine with its journal on disk, at a venue that is nowhere."""

    def __init__(self, signer: Signer, home: Path) -> None:
        self._left: asyncio.Queue[int] = asyncio.Queue()
        clock = SystemClock()
        parts = EngineParts(
            connector=NullVenue(signer, self._left.put_nowait),
            risk=RiskManager(LIMITS),
            journal_path=home / "journal.sqlite",
            clock=clock,
            profile="bench",
            exit_policy=ExitPolicy.KEEP,
        )
        self._journal = Journal.open(parts.journal_path, parts.connector.identity)
        self._inbox = Inbox()
        self._publisher = Publisher(parts.connector, clock, "bench", None)
        self._engine = ExecutionEngine(parts, self._journal, self._inbox, HaltFlag(), self._publisher)
        self._task: asyncio.Task[object] | None = None

    async def begin(self) -> None:
        self._task = asyncio.create_task(self._engine.run(lambda: False))
        until = perf_counter() + 10
        while self._publisher.state.phase is not EnginePhase.RUNNING:
            if perf_counter() > until:
                raise TimeoutError(f"the engine did not begin: {self._publisher.state.phase_detail}")
            await asyncio.sleep(_PACE_S)

    async def round(self, count: int) -> list[float]:
        """Milliseconds of each order."""
        found: list[float] = []
        for _ in range(count):
            begun = monotonic_ns()
            self._inbox.put(SubmitOrder(intent=INTENT))
            found.append((await asyncio.wait_for(self._left.get(), 10) - begun) / 1e6)
            await asyncio.sleep(_PACE_S)
        return found

    async def end(self) -> None:
        if self._task is not None:
            self._inbox.put(Stop(policy=ExitPolicy.KEEP, reason="measured"))
            await self._task
        self._journal.close()


async def _bare_round(signer: Signer, count: int) -> list[float]:
    """The same wish through a bare queue: no risk, no memory, nothing but the signature."""
    wishes: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
    left: asyncio.Queue[int] = asyncio.Queue()

    async def work() -> None:
        while True:
            number, _ = await wishes.get()
            await signer.sign(encoded(NewOrder(client_id=ClientOrderId(number + 1), intent=INTENT)), number)
            left.put_nowait(monotonic_ns())

    worker = asyncio.create_task(work())
    found: list[float] = []
    for number in range(count):
        begun = monotonic_ns()
        wishes.put_nowait((number, begun))
        found.append((await left.get() - begun) / 1e6)
        await asyncio.sleep(_PACE_S)
    worker.cancel()
    await asyncio.wait([worker])
    return found


def _p99(samples: list[float]) -> float:
    return sorted(samples)[round(0.99 * len(samples)) - 1]


def _decisions() -> list[Figure]:
    """Orders a second from the wish over risk to the acknowledgement, and a heap that does nothing else."""
    mill = Mill()
    mill.close(mill.acknowledge(_BATCH))
    subjects = {"engine without signer and journal": lambda: _rate(mill), "asyncio.PriorityQueue": _bare_rate}
    group = "decisions on one core"
    return compared(group, "orders/s", interleave(subjects, ROUNDS), "asyncio.PriorityQueue")


def _rate(mill: Mill) -> float:
    """By the processor's time: what else the machine does is not the engine's."""
    spent = 0.0
    for _ in range(DECISIONS // _BATCH):
        begun = process_time()
        live = mill.acknowledge(_BATCH)
        spent += process_time() - begun
        mill.close(live)
    return DECISIONS / spent


def _bare_rate() -> float:
    async def run() -> float:
        waiting: asyncio.PriorityQueue[tuple[int, int]] = asyncio.PriorityQueue()
        acknowledged: asyncio.Queue[int] = asyncio.Queue()

        async def work() -> None:
            while True:
                _, number = await waiting.get()
                acknowledged.put_nowait(number)

        worker = asyncio.create_task(work())
        begun = process_time()
        for first in range(0, DECISIONS, _BATCH):
            for number in range(first, first + _BATCH):
                waiting.put_nowait((3, number))
            for _ in range(_BATCH):
                await acknowledged.get()
        spent = process_time() - begun
        worker.cancel()
        await asyncio.wait([worker])
        return DECISIONS / spent

    return asyncio.run(run())


def _memory() -> list[Figure]:
    """Resident size after the last fifth against the first, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.engine_memory", str(TASKS)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
    )
    found = json.loads(done.stdout)
    if found["beyond live"] > found["recent"]:
        raise AssertionError(f"the order map held {found['beyond live']} orders that were not live")
    return compared(
        "memory, 24 h of virtual time",
        "MB",
        {f"after {TASKS:,} tasks": [found["end"] / 1e6], f"after {TASKS // 5:,}": [found["early"] / 1e6]},
        f"after {TASKS // 5:,}",
    )
