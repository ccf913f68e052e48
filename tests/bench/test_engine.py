"""What the engine's benchmarks promise, on a smaller scale: no order is kept for longer than it must be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.engine_machine import RECENT, Mill


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_day_with_100_000_orders_leaves_the_engine_as_large_as_it_was() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.engine_memory", "100000"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=570,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["end"] <= found["early"] * 103 // 100, found
    assert found["beyond live"] <= found["recent"] == RECENT


def test_the_indexes_hold_what_the_map_holds_and_nothing_else() -> None:
    mill = Mill()
    for _ in range(100):
        mill.close(mill.acknowledge(10))
    assert len(mill.facts.orders) == RECENT
    assert mill.facts.orders.index_size <= 3 * RECENT  # by client id, venue id and task
