"""Keeps the collector out of the way: full passes over the screen's objects were the tail of key latency."""

import gc
from typing import Final

_THRESHOLDS: Final = (20_000, 50, 1_000)


def settle_memory() -> None:
    """Once the first screen stands: put what will live as long as the process out of the collector's sight."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
