"""Orders through the matching engine in a process of its own; says how large it was half way and at the end."""

import gc
import json
import os
import sys
from pathlib import Path

from bench.venue_orders import Core, orders

_PAGE = os.sysconf("SC_PAGE_SIZE")
_CHUNK = 10_000


def main() -> None:
    total = int(sys.argv[1])
    core, sizes = Core(), []
    for half in range(2):
        for number in range(total // 2 // _CHUNK):
            core.run(orders(_CHUNK, seed=half * total + number))
        gc.collect()
        sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE)
    print(json.dumps({"half": sizes[0], "end": sizes[1], "matched": core.matched}))


if __name__ == "__main__":
    main()
