"""Tasks over a day of virtual time through one engine, in a process of its own; says how large it was on the way."""

import gc
import json
import os
import sys
from pathlib import Path

from bench.engine_machine import RECENT, Mill

DAY_US = 86_400_000_000
_PAGE = os.sysconf("SC_PAGE_SIZE")
_BATCH = 10
"""Orders that live at once."""


def main() -> None:
    total = int(sys.argv[1])
    mill, sizes, most = Mill(), {}, 0
    for done in range(0, total, _BATCH):
        live = mill.acknowledge(_BATCH)
        mill.pass_time(DAY_US // total * _BATCH)
        most = max(most, len(mill.facts.orders) - len(live))
        mill.close(live)
        if done + _BATCH in (total // 5, total):
            gc.collect()
            sizes[done + _BATCH] = int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    print(json.dumps({"early": sizes[total // 5], "end": sizes[total], "beyond live": most, "recent": RECENT}))


if __name__ == "__main__":
    main()
