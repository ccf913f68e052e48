"""Keeps the collector out of the way: full passes over the screen's objects were the tail of key latency."""

import gc
import resource
from pathlib import Path
from typing import Final

_THRESHOLDS: Final = (20_000, 50, 1_000)
_STATM: Final = Path("/proc/self/statm")
"""Linux: sizes in pages, the second one resident (proc(5))."""
_PAGE_KB: Final = resource.getpagesize() // 1_024


def settle_memory() -> None:
    """Once the first screen stands: put what will live as long as the process out of the collector's sight."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()


def resident_kb() -> int:
    """Memory of this process that is in use, in kB; 0 where the system does not say."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * _PAGE_KB
