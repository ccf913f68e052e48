"""Runs every benchmark, prints one table and writes `bench/out/bench.json`."""

import sys
from time import perf_counter

from bench import answer, book, connector, desk, engine, journal, kill, risk, start, stream, venue
from bench.results import Figure, show, write


def main() -> int:
    """0 when everything could be measured."""
    begun = perf_counter()
    figures: list[Figure] = []
    problems: list[str] = []
    for name, measure in [
        ("book", book.measure),
        ("connector", connector.measure),
        ("engine", engine.measure),
        ("stream", stream.measure),
        ("desk", desk.measure),
        ("start", start.measure),
        ("answer", answer.measure),
        ("kill", kill.measure),
        ("venue", venue.measure),
        ("risk", risk.measure),
        ("journal", journal.measure),
    ]:
        print(f"measuring: {name} ...", file=sys.stderr, flush=True)
        try:
            figures += measure()
        except (AssertionError, OSError, TimeoutError) as error:
            problems.append(f"{name}: {error}")
    show(figures, problems)
    print(f"written to {write(figures, problems, perf_counter() - begun)}")
    return 1 if problems else 0


sys.exit(main())
