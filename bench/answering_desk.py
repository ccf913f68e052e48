"""The desk as `lighter-tui` has it, with a watch on its loop: how late each turn of ten milliseconds comes.

Run by `bench.answer` with BENCH_LAG naming a file, which gets pairs of monotonic nanoseconds and milliseconds late as
JSON when the desk ends.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Final

from tui import __main__ as program
from tui.pump import Pump

_TURN_S: Final = 0.01
_FILE: Final = Path(os.environ["BENCH_LAG"])
_late: list[tuple[int, float]] = []


async def _watch() -> None:
    while True:
        asked_ns = time.monotonic_ns()
        await asyncio.sleep(_TURN_S)
        _late.append((asked_ns, (time.monotonic_ns() - asked_ns) / 1e6 - _TURN_S * 1e3))


def main() -> int:
    """The command line of `lighter-tui`."""
    run = Pump.run

    async def watched(*arguments: object) -> None:
        watch = asyncio.create_task(_watch())
        try:
            await run(*arguments)  # type: ignore[arg-type]
        finally:
            watch.cancel()

    Pump.run = watched  # type: ignore[method-assign, assignment]
    try:
        return program.main()
    finally:
        _FILE.write_text(json.dumps(_late), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
